"""When people hear of what is coming: never at night, never twice, never too late, in the time on the wall."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.activities.calendar import Quiet, Rhythm, dates, milestones, recurrence
from app.activities.models import Milestone
from app.clock import local, wall

SHANGHAI, AUCKLAND = "Asia/Shanghai", "Pacific/Auckland"
NIGHT = Quiet(time(21, 30), time(8, 30))
SIESTA = Quiet(time(12, 0), time(14, 0))
NEVER = Quiet(time(0, 0), time(0, 0))
WEDNESDAY = date(2026, 11, 25)
INVITE, DAY, HOURS, MISSED = Milestone.INVITE, Milestone.REMIND_DAY, Milestone.REMIND_HOURS, Milestone.MISSED
CLOSE = Milestone.CLOSE


def at(hour: int, minute: int = 0, day: date = WEDNESDAY, zone: str = SHANGHAI) -> datetime:
    return wall(day, time(hour, minute), zone)


def on(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of November 2026 on the wall in Shanghai; the 25th is the Wednesday of the activity."""
    return at(hour, minute, date(2026, 11, day))


# Quiet hours


@pytest.mark.parametrize(
    ("quiet", "hour", "minute", "held"),
    [
        (NIGHT, 21, 29, False), (NIGHT, 21, 30, True), (NIGHT, 23, 59, True), (NIGHT, 0, 0, True),
        (NIGHT, 8, 29, True), (NIGHT, 8, 30, False), (NIGHT, 12, 0, False),
        (SIESTA, 11, 59, False), (SIESTA, 12, 0, True), (SIESTA, 13, 59, True), (SIESTA, 14, 0, False),
        (SIESTA, 0, 0, False), (SIESTA, 23, 59, False),
        (NEVER, 0, 0, False), (NEVER, 12, 0, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", [SHANGHAI, AUCKLAND])
def test_quiet_hours_go_by_the_clock_on_the_wall(quiet: Quiet, hour: int, minute: int, held: bool, zone: str) -> None:
    assert quiet.holds(at(hour, minute, zone=zone), zone) is held


@pytest.mark.parametrize(
    ("moment", "before", "after"),
    [
        (on(25, 21, 29), on(25, 21, 29), on(25, 21, 29)),
        (on(25, 21, 30), on(25, 21, 29), on(26, 8, 30)),
        (on(25, 23, 59), on(25, 21, 29), on(26, 8, 30)),
        (on(26, 0, 0), on(25, 21, 29), on(26, 8, 30)),
        (on(26, 8, 29), on(25, 21, 29), on(26, 8, 30)),
        (on(26, 8, 30), on(26, 8, 30), on(26, 8, 30)),
    ],
    ids=["21:29", "21:30", "23:59", "00:00", "08:29", "08:30"],
)
def test_what_falls_into_the_night_can_come_the_evening_before_or_the_morning_after(
    moment: datetime, before: datetime, after: datetime
) -> None:
    assert NIGHT.before(moment, SHANGHAI) == before
    assert NIGHT.after(moment, SHANGHAI) == after


# What happens around an activity


def plan(
    starts: datetime, *, now: datetime, hours: int = 2, invite_days: int = 3, quiet: Quiet = NIGHT, zone: str = SHANGHAI
) -> dict[Milestone, datetime]:
    return milestones(starts, starts + timedelta(hours=hours), zone, invite_days=invite_days, quiet=quiet, now=now)


def test_an_ordinary_week() -> None:
    assert plan(on(25, 14), now=on(1, 9)) == {
        INVITE: on(22, 10), DAY: on(24, 10), HOURS: on(25, 12), MISSED: on(25, 16, 30), CLOSE: on(26, 16),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("now", "asked", "reminders"),
    [
        (on(23, 9), on(23, 9), {DAY: on(24, 10), HOURS: on(25, 12)}),
        (on(24, 9), on(24, 9), {HOURS: on(25, 12)}),
        (on(24, 22), on(25, 8, 30), {HOURS: on(25, 12)}),
        (on(25, 9), on(25, 9), {HOURS: on(25, 12)}),
        (on(25, 10), on(25, 10), {}),
        (on(25, 13), on(25, 13), {}),
    ],
    ids=[
        "two days before: asked at once", "the day before at nine: no second message at ten",
        "the night before: asked in the morning", "the same morning", "four hours before: that is the reminder",
        "one hour before: that is the reminder",
    ],
)  # fmt: skip
def test_announced_late_nobody_hears_the_same_twice(
    now: datetime, asked: datetime, reminders: dict[Milestone, datetime]
) -> None:
    found = plan(on(25, 14), now=now)
    assert found.pop(INVITE) == asked
    assert found.pop(MISSED) == on(25, 16, 30)
    assert found.pop(CLOSE) == on(26, 16)
    assert found == reminders


@pytest.mark.parametrize(
    ("hour", "asked"), [(14, on(25, 10)), (11, on(25, 10)), (10, on(24, 21, 29)), (8, on(24, 21, 29))]
)
def test_who_asks_on_the_day_itself_still_asks_before_the_start(hour: int, asked: datetime) -> None:
    assert plan(on(25, hour), now=on(1, 9), invite_days=0)[INVITE] == asked


def test_announced_in_the_night_for_the_early_morning_it_is_asked_at_once() -> None:
    assert plan(on(25, 8), now=on(24, 23))[INVITE] == on(24, 23)


@pytest.mark.parametrize(
    ("hour", "minute", "reminded"),
    [(7, 0, on(24, 21, 29)), (9, 0, on(24, 21, 29)), (10, 29, on(24, 21, 29)), (10, 30, on(25, 8, 30))],
    ids=["07:00", "09:00", "10:29", "10:30"],
)
def test_the_reminder_of_an_early_activity_comes_the_evening_before(hour: int, minute: int, reminded: datetime) -> None:
    assert plan(on(25, hour, minute), now=on(1, 9))[HOURS] == reminded


def test_the_word_after_a_late_evening_comes_the_next_morning() -> None:
    assert plan(on(25, 19, 30), now=on(1, 9))[MISSED] == on(26, 8, 30)


@pytest.mark.parametrize(
    ("sunday", "hours_since_the_day_before"),
    [(date(2026, 9, 27), 27), (date(2027, 4, 4), 29)],
    ids=["the clock goes forward", "the clock goes back"],
)
def test_in_the_nights_when_the_clock_changes_the_times_on_the_wall_stay(
    sunday: date, hours_since_the_day_before: int
) -> None:
    starts = at(14, day=sunday, zone=AUCKLAND)
    found = plan(starts, now=starts - timedelta(days=30), zone=AUCKLAND)
    on_the_wall = {milestone: local(moment, AUCKLAND).replace(tzinfo=None) for milestone, moment in found.items()}
    assert on_the_wall == {
        INVITE: datetime.combine(sunday - timedelta(days=3), time(10)),
        DAY: datetime.combine(sunday - timedelta(days=1), time(10)),
        HOURS: datetime.combine(sunday, time(12)),
        MISSED: datetime.combine(sunday, time(16, 30)),
        CLOSE: datetime.combine(sunday + timedelta(days=1), time(16)),
    }
    assert starts - found[DAY] == timedelta(hours=hours_since_the_day_before)


@given(
    starts=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    length=st.integers(15, 600),
    ahead=st.integers(1, 60 * 24 * 40),
    zone=st.sampled_from([SHANGHAI, AUCKLAND]),
    invite_days=st.integers(0, 14),
    quiet=st.sampled_from(
        [
            NIGHT,
            NEVER,
            Quiet(time(20, 0), time(9, 59)),
            Quiet(time(0, 30), time(6, 0)),
            Quiet(time(22, 0), time(10, 30)),
        ]
    ),
)
def test_every_reminder_lies_before_the_start_and_outside_the_quiet_hours(
    starts: datetime, length: int, ahead: int, zone: str, invite_days: int, quiet: Quiet
) -> None:
    now, ends = starts - timedelta(minutes=ahead), starts + timedelta(minutes=length)
    found = milestones(starts, ends, zone, invite_days=invite_days, quiet=quiet, now=now)
    assert now <= found[INVITE] < starts
    assert ends < found[MISSED] <= found[CLOSE]
    assert not quiet.holds(found[MISSED], zone)
    assert not quiet.holds(found[CLOSE], zone)
    reminders = [found[milestone] for milestone in (DAY, HOURS) if milestone in found]
    for reminder in reminders:
        assert found[INVITE] < reminder < starts
        assert not quiet.holds(reminder, zone)
    told = [found[INVITE], *reminders]
    assert all(later - sooner > timedelta(hours=2) for sooner, later in pairwise(told))
    if quiet.holds(found[INVITE], zone):
        assert quiet.after(now, zone) >= starts, "only where the night ends too late is somebody asked in it"


# Series


@pytest.mark.parametrize(
    ("rule", "starts_on", "days"),
    [
        ("FREQ=WEEKLY;BYDAY=WE", date(2026, 11, 4), [4, 11, 18, 25]),
        ("FREQ=WEEKLY;BYDAY=MO,TH", date(2026, 11, 1), [2, 5, 9, 12, 16, 19, 23, 26, 30]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", date(2026, 10, 28), [11, 25]),
        ("FREQ=MONTHLY;BYDAY=2TU,4TU", date(2026, 1, 1), [10, 24]),
        ("FREQ=MONTHLY;BYDAY=-1FR", date(2026, 1, 1), [27]),
        ("FREQ=WEEKLY;BYDAY=WE", date(2026, 11, 19), [25]),
        ("FREQ=WEEKLY;BYDAY=WE;UNTIL=20261112", date(2026, 11, 1), [4, 11]),
        ("FREQ=WEEKLY;BYDAY=WE", date(2026, 12, 1), []),
        ("FREQ=MONTHLY;BYMONTHDAY=31", date(2026, 1, 1), []),
    ],
    ids=[
        "every Wednesday", "Mondays and Thursdays", "every other Wednesday", "the second and fourth Tuesday",
        "the last Friday", "it begins in the middle of the month", "until a day", "it has not begun",
        "a day that November does not have",
    ],
)  # fmt: skip
def test_the_days_of_a_series_in_november(rule: str, starts_on: date, days: list[int]) -> None:
    found = dates(rule, starts_on, first=date(2026, 11, 1), last=date(2026, 11, 30))
    assert [day.day for day in found] == days
    assert all(day.month == 11 for day in found)


def test_the_first_and_the_last_day_asked_for_are_both_looked_at() -> None:
    assert dates("FREQ=WEEKLY;BYDAY=WE", date(2026, 11, 4), first=date(2026, 11, 4), last=date(2026, 11, 11)) == [
        date(2026, 11, 4), date(2026, 11, 11),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rule", ["", "每周三", "FREQ=SOMETIMES", "BYDAY=MO", "FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;INTERVAL=x"]
)
def test_a_rule_that_is_none_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="not a rule"):
        dates(rule, WEDNESDAY, first=WEDNESDAY, last=WEDNESDAY)


@pytest.mark.parametrize("sunday", [date(2026, 9, 27), date(2027, 4, 4)], ids=["forward", "back"])
def test_a_weekly_activity_stays_at_its_hour_when_the_clock_changes(sunday: date) -> None:
    days = dates("FREQ=WEEKLY;BYDAY=SU", sunday - timedelta(days=7), first=sunday - timedelta(days=7), last=sunday)
    before, after = (wall(day, time(14, 0), AUCKLAND) for day in days)
    assert local(before, AUCKLAND).hour == local(after, AUCKLAND).hour == 14
    assert abs(after - before - timedelta(days=7)) == timedelta(hours=1)


# What a plain form asks for


@pytest.mark.parametrize(
    ("rhythm", "first", "days"),
    [
        (Rhythm.WEEKLY, date(2026, 12, 2), ["12-02", "12-09", "12-16", "12-23", "12-30"]),
        (Rhythm.FORTNIGHTLY, date(2026, 12, 2), ["12-02", "12-16", "12-30"]),
        (Rhythm.MONTHLY, date(2026, 12, 8), ["12-08", "01-12", "02-09"]),
        (Rhythm.MONTHLY, date(2026, 12, 29), ["12-29", "01-26", "02-23"]),
        (Rhythm.MONTHLY_LAST, date(2026, 11, 27), ["11-27", "12-25", "01-29", "02-26"]),
    ],
)
def test_a_series_goes_on_from_its_first_day(rhythm: Rhythm, first: date, days: list[str]) -> None:
    last = date(2026, 12, 31) if rhythm in (Rhythm.WEEKLY, Rhythm.FORTNIGHTLY) else date(2027, 2, 28)
    assert [f"{day:%m-%d}" for day in dates(recurrence(rhythm, first), first, first=first, last=last)] == days


def test_the_last_day_of_a_series_is_one_of_it() -> None:
    first = date(2026, 12, 2)
    rule = recurrence(Rhythm.WEEKLY, first, date(2026, 12, 16))
    assert len(dates(rule, first, first=first, last=date(2027, 3, 1))) == 3


def test_a_last_weekday_is_the_last_of_its_month() -> None:
    with pytest.raises(ValueError, match="not the last"):
        recurrence(Rhythm.MONTHLY_LAST, date(2026, 11, 20))
