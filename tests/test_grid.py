"""The plan as people read it: which day a shift is shown on, when nobody is there, what became different."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.clock import wall
from app.duty.grid import Difference, Row, difference, gaps, rows
from app.duty.rota import Shift, present

ZONE, MONDAY, A_DAY = "Asia/Shanghai", date(2026, 11, 23), timedelta(days=1)
WANG, LI = 1, 2


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return wall(MONDAY + A_DAY * day, time(hour, minute), ZONE)


def shift(person: int, day: int, starts: int, ends: int, *, until: int | None = None) -> Shift:
    return Shift(person, at(day, starts), at(day if until is None else until, ends))


def days(*shifts: Shift) -> list[Row]:
    return rows(shifts, MONDAY, 4, ZONE)


def test_a_night_stands_on_the_day_on_which_it_begins() -> None:
    night = shift(WANG, 0, 22, 6, until=1)
    monday, tuesday, *_ = days(night)
    assert (monday.shifts, tuesday.shifts) == ((night,), ())


def test_the_night_that_goes_on_this_morning_is_shown_on_the_first_day() -> None:
    monday, *_ = days(shift(WANG, -1, 22, 6, until=0))
    assert monday.shifts == (shift(WANG, 0, 0, 6),)


def test_a_shift_of_several_days_is_shown_on_each_and_to_its_end() -> None:
    monday, tuesday, wednesday, thursday = days(shift(WANG, 0, 8, 10, until=2))
    assert monday.shifts == (shift(WANG, 0, 8, 10, until=2),)
    assert tuesday.shifts == (Shift(WANG, at(1, 0), at(2, 0)),)
    assert wednesday.shifts == (shift(WANG, 2, 0, 10),)
    assert thursday.shifts == ()


def test_a_gap_stands_where_it_begins_and_a_day_without_anybody_says_so() -> None:
    monday, tuesday, wednesday, _ = days(shift(WANG, 0, 8, 17), shift(LI, 2, 9, 12))
    assert monday.gaps == ((at(0, 0), at(0, 8)), (at(0, 17), at(2, 9)))
    assert tuesday.gaps == ((at(1, 0), at(2, 0)),)
    assert [row.is_empty(ZONE) for row in (monday, tuesday, wednesday)] == [False, True, False]
    assert wednesday.gaps[0][0] == at(2, 12)


def test_two_who_relieve_each_other_leave_no_gap() -> None:
    assert gaps([shift(WANG, 0, 8, 12), shift(LI, 0, 12, 17)], at(0, 8), at(0, 17)) == []


def test_what_became_different_is_said_by_person_and_by_hour() -> None:
    before = [shift(WANG, 0, 8, 17), shift(LI, 0, 9, 12)]
    after = [shift(WANG, 0, 8, 10), shift(LI, 0, 9, 14)]
    assert difference(before, after, at(0, 0), at(1, 0)) == Difference(
        (shift(LI, 0, 12, 14),), (shift(WANG, 0, 10, 17),), ((at(0, 14), at(0, 17)),)
    )


def test_the_same_plan_in_other_pieces_is_no_difference() -> None:
    assert not difference(
        [shift(WANG, 0, 8, 17)], [shift(WANG, 0, 8, 12), shift(WANG, 0, 12, 17)], at(0, 0), at(1, 0)
    )  # fmt: skip


BASE = datetime(2026, 11, 23, tzinfo=UTC)
HOURS = st.integers(0, 47)
PLANS = st.lists(
    st.tuples(st.sampled_from([WANG, LI]), HOURS, st.integers(1, 12)).map(
        lambda s: Shift(s[0], BASE + timedelta(hours=s[1]), BASE + timedelta(hours=min(s[1] + s[2], 48)))
    ),
    max_size=5,
)


@given(PLANS, PLANS, HOURS)
def test_a_difference_is_what_two_plans_disagree_about(before: list[Shift], after: list[Shift], hour: int) -> None:
    moment = BASE + timedelta(hours=hour, minutes=30)
    found = difference(before, after, BASE, BASE + timedelta(hours=48))
    was, now = set(present(before, moment)), set(present(after, moment))
    assert set(present(found.more, moment)) == now - was
    assert set(present(found.less, moment)) == was - now
    assert any(a <= moment < b for a, b in found.alone) is (bool(was) and not now)
