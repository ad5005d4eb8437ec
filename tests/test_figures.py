"""The figures of cases, against lives that were computed by hand."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from app import figures_command
from app.escalations import figures
from app.escalations.figures import Life, Spread, by_level, figures_of, is_off_hours, within_target
from app.escalations.models import CaseRow
from app.escalations.states import Level
from app.figures_command import Month, in_words
from tests.conftest import MONDAY, ZONE, Story
from tests.stories.ways import no_activities

HOUR = timedelta(hours=1)


def life(
    person: int = 1, *, alerted: float | None = 1, taken: float | None = 2, contacted: float | None = 3,
    target: float = 30, false_alarm: bool = False,
) -> Life:  # fmt: skip
    """A red case of Monday morning; all in minutes from its opening."""

    def at(minutes: float | None) -> datetime | None:
        return None if minutes is None else MONDAY + timedelta(minutes=minutes)

    return Life(
        Level.RED, person, MONDAY, timedelta(minutes=target), at(alerted), at(taken), at(contacted), false_alarm
    )


def minutes(spread: Spread) -> tuple[int, int, float | None, float | None]:
    median, p90 = (None if s is None else s / timedelta(minutes=1) for s in (spread.median, spread.p90))
    return spread.n, spread.of, median, p90


# By hand


def test_the_middle_of_an_even_number_lies_between_two_and_nine_of_ten_are_below_the_ninth() -> None:
    spans = [timedelta(minutes=n) for n in (9, 1, 8, 2, 7, 3, 6, 4, 5, 100)]
    assert minutes(Spread.over(spans)) == (10, 10, 5.5, 9.0)


def test_what_has_not_happened_counts_in_the_denominator_and_in_no_time() -> None:
    assert minutes(Spread.over([timedelta(minutes=4), None, timedelta(minutes=2)])) == (2, 3, 3.0, 4.0)
    assert minutes(Spread.over([None])) == (0, 1, None, None)
    assert minutes(Spread.over([])) == (0, 0, None, None)


def test_in_time_is_decided_when_they_spoke_or_when_the_time_has_run_out() -> None:
    spoken, late, waiting = life(contacted=30), life(contacted=31), life(contacted=None)
    false = life(contacted=None, false_alarm=True)
    assert within_target([spoken, late, waiting, false], MONDAY + timedelta(minutes=30)) == (1, 2)
    assert within_target([spoken, late, waiting, false], MONDAY + timedelta(minutes=31)) == (1, 3)


def test_people_are_counted_once_and_cases_that_nobody_took_by_themselves() -> None:
    found = figures_of(Level.RED, [life(1), life(1, taken=None, contacted=None), life(2)], MONDAY + HOUR)
    assert (found.cases, found.people, found.never_taken) == (3, 2, 1)
    assert (found.within, found.decided) == (2, 3)
    assert [one.level for one in by_level([life()], MONDAY)] == [Level.RED, Level.ORANGE, Level.YELLOW]


@pytest.mark.parametrize(
    ("day", "at", "off"),
    [
        (23, "08:29", True), (23, "08:30", False), (23, "17:29", False), (23, "17:30", True), (23, "23:59", True),
        (27, "12:00", False), (28, "12:00", True), (29, "12:00", True),
    ],
)  # fmt: skip
def test_off_hours_are_what_the_definition_says(day: int, at: str, off: bool) -> None:
    hour, minute = map(int, at.split(":"))
    assert is_off_hours(MONDAY.replace(day=day, hour=hour, minute=minute), ZONE) is off


def test_off_hours_are_those_of_the_house() -> None:
    in_auckland = datetime(2026, 11, 23, 8, 40, tzinfo=ZoneInfo("Pacific/Auckland"))
    assert not is_off_hours(in_auckland, "Pacific/Auckland")
    assert is_off_hours(in_auckland, ZONE)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 秒"), (59.6, "1 分"), (200, "3 分 20 秒"), (7500, "2 小时 5 分"), (273600, "3 天 4 小时"), (86400, "1 天")],
)
def test_a_span_is_said_as_one_reads_it(seconds: float, said: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == said


def test_a_month_begins_and_ends_at_midnight_in_its_zone() -> None:
    december = Month.read("2026-12", MONDAY, ZONE)
    assert december.begins == datetime(2026, 12, 1, tzinfo=ZoneInfo(ZONE))
    assert december.ends == datetime(2027, 1, 1, tzinfo=ZoneInfo(ZONE))
    assert str(Month.read(None, MONDAY, ZONE)) == "2026-11"
    with pytest.raises(ValueError, match="要写成 2026-11"):
        Month.read("November", MONDAY, ZONE)


# A life that was lived


async def lived(story: Story) -> None:
    """09:00 红，09:10 第二个人也叫到，09:12 李红接，09:20 联系；晚上又一次，20:00 起没有人接。"""
    backup, member = await story.phone("李红"), await story.joined()
    await no_activities(story)
    await member.says("不想活了，药都攒好了")
    await story.clock.forward(minutes=12)
    await backup.says("接")
    await story.clock.forward(minutes=8)
    await backup.says("已联系")
    await story.clock.forward(minutes=10)
    for said in ("结果", "1", "0", "3"):
        await backup.says(said)
    await backup.hears("已结束")
    await story.until(20)
    await member.says("不想活了，药都攒好了")
    await story.clock.forward(minutes=12)


async def test_the_figures_of_a_day_as_they_were_computed_by_hand(story: Story) -> None:
    await lived(story)
    async with story.house.db.read() as session:
        red, orange, _ = by_level(await figures.lives(session), story.house.clock.now())
        woken = await figures.off_hours(session, since=MONDAY, until=MONDAY + timedelta(days=1))
    assert (red.cases, red.people, red.never_taken, orange.cases) == (2, 1, 1, 0)
    assert minutes(red.alert) == (2, 2, 0, 0)
    assert minutes(red.taking) == (1, 2, 12, 12)
    assert minutes(red.contact) == (1, 2, 20, 20)
    # The second may still be spoken to in time.
    assert (red.within, red.decided) == (1, 1)
    # 20:00 王乐, 20:10 李红: in the evening each of them once.
    assert woken == {"wangle": 1, "lihong": 1}


async def test_a_case_that_was_closed_as_called_counts_as_contacted_then(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("不想活了，药都攒好了")
    await worker.says("接")
    await story.clock.forward(minutes=25)
    for said in ("结果", "1", "0", "3"):
        await worker.says(said)
    async with story.house.db.read() as session:
        [one] = await figures.lives(session)
    assert one.until(one.contacted_at) == timedelta(minutes=25)


async def test_practice_counts_nowhere(story: Story) -> None:
    await lived(story)
    async with story.house.db.begin() as session:
        await session.execute(update(CaseRow).values(drill=True))
        now = story.house.clock.now()
        assert await figures.lives(session) == []
        assert await figures.off_hours(session, since=MONDAY, until=now) == {}
        assert (await figures.now_open(session, now)).cases == {}
        await session.execute(update(CaseRow).values(drill=False))


async def report(story: Story, *, month: str | None = None, house: str | None = None, share: bool = False,
                 as_json: bool = False) -> str:  # fmt: skip
    return await figures_command.report(
        story.settings, story.house.clock, month=month, house=house, share=share, as_json=as_json
    )


async def test_the_table_has_its_definitions_beside_it_and_no_name(story: Story) -> None:
    await lived(story)
    said = await report(story)
    assert "紧急  2   1" in said
    assert "12 分" in said
    assert "1/1 100%" in said
    assert "下班以后：" in said
    assert "九成：十件里有九件不比它慢" in said
    assert not [name for name in ("小河", "王乐", "李红") if name in said]


async def test_the_same_as_data_by_house_and_month(story: Story) -> None:
    await lived(story)
    found = json.loads(await report(story, as_json=True, house="duantang"))
    assert found["levels"]["red"]["seconds_to_ack"] == {"n": 1, "of": 2, "median": 720.0, "p90": 720.0}
    assert found["off_hours_alerts"] == {"wangle": 1, "lihong": 1}
    assert json.loads(await report(story, as_json=True, month="2026-10"))["levels"]["red"]["cases"] == 0
    with pytest.raises(ValueError, match="没有 code 是 nowhere 的小站"):
        await report(story, house="nowhere")


async def test_what_leaves_the_house_says_nothing_about_fewer_than_five_people(story: Story) -> None:
    await lived(story)
    said = await report(story, share=True)
    assert "紧急  <5  <5  —" in said
    assert "wangle" not in said
    shared = json.loads(await report(story, share=True, as_json=True))
    assert shared["levels"]["red"] == {"cases": "<5", "people": "<5"}
    assert "off_hours_alerts" not in shared
