"""Who can be called when: hours by the clock on the wall, holidays, DST nights, and nothing that nobody knows."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
import yaml

from app.settings import Settings
from bot.discretion import Shows, banned
from bot.lines import (
    FOLDER,
    OTHER,
    LinesError,
    State,
    Use,
    lines_of,
    read_line,
    read_region,
    region_of,
    region_of_zone,
    regions,
    standing,
    unreadable,
)
from bot.lines.spoken import Callables, is_holiday
from bot.wording import locales, wording

AUCKLAND, SHANGHAI = "Pacific/Auckland", "Asia/Shanghai"
ASIAN = next(line for line in lines_of("NZ") if line.number == "0800 862 342")
NIGHT = {"number": "000", "use": "talk", "hours": [{"weekdays": ["sat"], "opens": "22:00", "closes": "07:00"}]}
SATURDAY = date(2026, 11, 28)


def at(text: str, zone: str = AUCKLAND) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def never(_day: date, _zone: str) -> bool:
    return False


def spoken(
    now: datetime, region: str = "NZ", locale: str = "zh-Hans", own: list[dict[str, Any]] | None = None,
    zone: str = AUCKLAND,
) -> Callables:  # fmt: skip
    return Callables(lines_of(region, own or [], zone), wording(locale), now, zone)


# Hours


@pytest.mark.parametrize(
    ("now", "state", "opens"),
    [
        ("2026-11-30T08:59", State.CLOSED, "2026-11-30T09:00"),
        ("2026-11-30T09:00", State.OPEN, None),
        ("2026-11-30T10:00", State.OPEN, None),
        ("2026-11-30T19:59:59", State.OPEN, None),
        ("2026-11-30T20:00", State.CLOSED, "2026-12-01T09:00"),
        ("2026-11-28T21:00", State.CLOSED, "2026-11-30T09:00"),  # Saturday
        ("2026-11-27T20:30", State.CLOSED, "2026-11-30T09:00"),  # Friday
        ("2026-12-25T10:00", State.CLOSED, "2026-12-29T09:00"),  # Christmas; Monday is Boxing Day, observed
        ("2027-02-08T10:00", State.CLOSED, "2027-02-09T09:00"),  # Waitangi Day, observed on a Monday
    ],
)
def test_the_asian_helpline_is_open_when_it_says_and_not_on_a_holiday(
    now: str, state: State, opens: str | None
) -> None:
    found = standing(ASIAN, at(now), is_holiday)
    assert (found.state, found.opens_at) == (state, at(opens) if opens else None)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        # The clocks go forward on 27 September 2026 at 02:00 and back on 4 April 2027 at 03:00, both on a Sunday.
        ("2026-09-26T23:00", "2026-09-27T20:00+00:00"),
        ("2026-09-27T23:00", "2026-09-27T20:00+00:00"),
        ("2027-04-03T23:00", "2027-04-04T21:00+00:00"),
        ("2027-04-04T23:00", "2027-04-04T21:00+00:00"),
    ],
)
def test_in_the_nights_in_which_the_clocks_change_it_opens_at_nine_on_the_wall(now: str, opens: str) -> None:
    assert standing(ASIAN, at(now), never).opens_at == datetime.fromisoformat(opens)


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        ("2026-11-28T21:59", False), ("2026-11-28T22:00", True), ("2026-11-28T23:59", True),
        ("2026-11-29T00:00", True), ("2026-11-29T06:59", True), ("2026-11-29T07:00", False),
        ("2026-11-28T02:00", False),
    ],
)  # fmt: skip
def test_hours_across_midnight_belong_to_the_evening_on_which_they_begin(now: str, is_open: bool) -> None:
    found = standing(read_line(NIGHT, AUCKLAND), at(now), never)
    assert (found.state is State.OPEN) is is_open


def test_a_night_that_begins_on_a_holiday_is_not_counted_on_unless_it_is_written_that_it_holds() -> None:
    def saturday_off(day: date, _zone: str) -> bool:
        return day == SATURDAY

    assert standing(read_line(NIGHT, AUCKLAND), at("2026-11-28T23:00"), saturday_off).state is State.CLOSED
    holds = {**NIGHT, "hours": [{**NIGHT["hours"][0], "on_holidays": True}]}  # type: ignore[dict-item,index]
    assert standing(read_line(holds, AUCKLAND), at("2026-11-28T23:00"), saturday_off).state is State.OPEN


def test_whoever_never_opens_again_is_closed_and_nothing_is_promised() -> None:
    found = standing(ASIAN, at("2026-11-30T10:00"), lambda _day, _zone: True)
    assert (found.state, found.opens_at) == (State.CLOSED, None)


def test_at_every_hour_of_a_year_it_is_open_just_when_the_wall_clock_says_so() -> None:
    now = at("2026-11-27T00:30")
    for _ in range(24 * 366):
        wall = now.astimezone(ZoneInfo(AUCKLAND))
        expected = wall.weekday() < 5 and 9 <= wall.hour < 20
        found = standing(ASIAN, now, never)
        assert (found.state is State.OPEN) is expected, wall
        now = (now.astimezone(ZoneInfo("UTC"))) + timedelta(hours=1)


# What is said


def test_on_saturday_night_it_is_not_among_those_to_call_but_it_is_said_when_it_opens() -> None:
    called = spoken(at("2026-11-28T21:00"))
    assert called.support() == "1737（免费，24 小时，可打可发短信） 或 0508 828 865（免费，24 小时）"
    assert called.later() == (
        "\n0800 862 342（亚裔热线，免费，接通后按 1 说中文）现在没有人接，11月30日（周一）09:00 起。"
    )
    assert called.emergency() == "111"


def test_on_monday_morning_who_speaks_chinese_is_said_first_to_those_who_read_it() -> None:
    called = spoken(at("2026-11-30T10:00"))
    assert called.support().startswith("0800 862 342（亚裔热线")
    assert called.later() == ""
    english = spoken(at("2026-11-30T10:00"), locale="en").support()
    assert english.startswith("1737 (free, day and night, call or text), 0508 828 865")
    assert english.endswith("or 0800 862 342 (Asian Helpline, free, press 1 for Chinese)")
    assert "亞裔熱線" in spoken(at("2026-11-30T10:00"), locale="zh-Hant").support()


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("hour", range(24))
def test_in_china_nothing_says_that_it_is_answered_day_and_night(locale: str, hour: int) -> None:
    called = spoken(at(f"2026-11-28T{hour:02}:30", SHANGHAI), "CN", locale, zone=SHANGHAI)
    assert (called.support(), called.later()) == ("12356", "")
    assert standing(lines_of("CN")[0], called.now, is_holiday).state is State.UNKNOWN
    assert called.emergency() == wording(locale).say("lines.two", one="120", other="110")


def test_a_province_that_answers_day_and_night_is_written_down_and_then_said() -> None:
    own = [{"number": "12356", "use": "talk", "day_and_night": True}]
    assert spoken(at("2026-11-28T03:00", SHANGHAI), "CN", own=own, zone=SHANGHAI).support() == "12356（24 小时）"


def test_a_province_with_hours_is_closed_outside_them_and_the_sentence_still_ends_in_a_number() -> None:
    hours = [{"weekdays": [day], "opens": "08:00", "closes": "02:00"} for day in ("sat", "sun")]
    own = [{"number": "12356", "use": "talk", "hours": hours}]
    night = spoken(at("2026-11-29T03:00", SHANGHAI), "CN", own=own, zone=SHANGHAI)
    assert (night.support(), night.later()) == ("12356，今天 08:00 起", "")
    assert spoken(at("2026-11-29T01:59", SHANGHAI), "CN", own=own, zone=SHANGHAI).support() == "12356"


def test_what_a_programme_leaves_out_of_a_number_that_we_know_stays_as_we_know_it() -> None:
    own = [{"number": "1737", "use": "talk"}, {"number": "0800 862 342", "use": "talk", "name": "亚裔"}]
    called = spoken(at("2026-11-28T21:00"), own=own, zone=SHANGHAI)
    assert called.support().startswith("1737（免费，24 小时，可打可发短信）")
    assert "0800 862 342（亚裔，免费，接通后按 1 说中文）现在没有人接，11月30日（周一）04:00 起" in called.later()


def test_own_lines_come_first_and_where_nobody_listens_it_is_the_emergency_number() -> None:
    own = [{"number": "0574-1", "use": "talk", "name": "本市热线"}]
    assert spoken(at("2026-11-28T12:00", SHANGHAI), "CN", own=own, zone=SHANGHAI).support() == (
        "0574-1（本市热线） 或 12356"
    )
    alone = [{"number": "119", "use": "danger"}]
    assert spoken(at("2026-11-28T12:00", SHANGHAI), OTHER, own=alone, zone="Asia/Taipei").support() == "119"


def test_an_own_line_that_cannot_be_read_is_left_out_and_counted() -> None:
    broken: list[Mapping[str, Any]] = [{"number": "1", "use": "chat"}, {"use": "talk"}, {"number": "2", "use": "talk"}]
    assert [line.number for line in lines_of("CN", broken, SHANGHAI)] == ["2", "12356", "120", "110"]
    assert unreadable(broken) == 2


# Regions


@pytest.mark.parametrize("code", sorted(regions()))
def test_a_region_is_complete_and_its_file_says_where_everything_comes_from(code: str) -> None:
    region = regions()[code]
    assert region_of_zone(region.zone) == code
    assert all(ZoneInfo(zone) for zone in region.zones)
    assert {line.use for line in region.lines} == set(Use)
    assert all(line.source for line in region.lines)
    assert not any(line.hours for line in region.lines if line.use is Use.DANGER)


def test_no_time_zone_lies_in_two_regions_and_the_settings_know_them_all() -> None:
    zones = [zone for region in regions().values() for zone in region.zones]
    assert len(zones) == len(set(zones))
    assert set(get_args(Settings.model_fields["region"].annotation)) == set(regions())


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("code", sorted(regions()))
def test_what_a_line_is_called_shows_nothing_on_a_lock_screen(code: str, locale: str) -> None:
    for hour in range(0, 24 * 7, 3):
        called = spoken(at("2026-11-23T00:30") + timedelta(hours=hour), code, locale)
        said = f"{called.support()} {called.later()} {called.emergency()}"
        assert banned(said, Shows.LOCK_SCREEN) == []
        assert "None" not in said


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_a_region_without_a_source_or_with_an_unknown_key_is_refused(file: Path) -> None:
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    read_region(data)
    first, *rest = data["lines"]
    for wrong in (
        {**first, "source": ""}, {**first, "open": True}, {**first, "number": 12356}, {**first, "use": "chat"},
        {**first, "day_and_night": True, "hours": [{"weekdays": ["mon"], "opens": "09:00", "closes": "10:00"}]},
        {**first, "day_and_night": False, "hours": [{"weekdays": ["monday"], "opens": "09:00", "closes": "10:00"}]},
    ):  # fmt: skip
        with pytest.raises(LinesError):
            read_region({**data, "lines": [wrong, *rest]})
    with pytest.raises(LinesError, match="both uses"):
        read_region({**data, "lines": [line for line in data["lines"] if line["use"] == "talk"]})


def test_a_house_that_lives_by_another_regions_clock_calls_that_regions_numbers() -> None:
    assert region_of("CN", SHANGHAI) == "CN"
    assert region_of("CN", SHANGHAI, SHANGHAI) == "CN"
    assert region_of("CN", SHANGHAI, AUCKLAND) == "NZ"
    assert region_of(OTHER, "Asia/Taipei", "Asia/Taipei") == OTHER
