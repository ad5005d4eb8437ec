"""Who is on duty: the hours on the wall, turns, holidays, and what people arranged otherwise."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import local, wall
from app.duty import holidays
from app.duty.holidays import Noted, day_of, kind_of, unknown_years
from app.duty.models import ChangeKind, DayKind
from app.duty.rota import Alteration, Day, Hours, Line, Rota, Shift, Turns, present, shifts

SHANGHAI, AUCKLAND = "Asia/Shanghai", "Pacific/Auckland"
WANG, LI, ZHOU = 1, 2, 3
WEDNESDAY, THURSDAY = date(2026, 11, 25), date(2026, 11, 26)
A_DAY = timedelta(days=1)
OFF, WORKING = DayKind.OFF, DayKind.WORKING


def at(hour: int, minute: int = 0, day: date = WEDNESDAY, zone: str = SHANGHAI) -> datetime:
    return wall(day, time(hour, minute), zone)


def hours(text: str, weekday: int = WEDNESDAY.weekday()) -> Hours:
    starts, ends = text.split("-")
    return Hours(weekday, time.fromisoformat(starts), time.fromisoformat(ends))


def every_day(text: str, person: int = WANG, **kw: bool) -> list[Line]:
    return [Line(person, hours(text, weekday), **kw) for weekday in range(7)]


def on_weekdays(text: str, person: int = WANG) -> list[Line]:
    return [Line(person, hours(text, weekday)) for weekday in range(5)]


def china(day: date) -> Day:
    return day_of(day, SHANGHAI, {})


def there(rota: Rota, moment: datetime) -> list[int]:
    """Who is there at a moment, as the inbound path asks it."""
    return [shift.person_id for shift in shifts(rota, moment, moment + timedelta(microseconds=1))]


def one_line(text: str, zone: str = SHANGHAI, weekday: int = WEDNESDAY.weekday()) -> Rota:
    return Rota(zone, [Line(WANG, hours(text, weekday))])


def a_week_of(rota: Rota, monday: date, weeks: int = 1) -> list[Shift]:
    return shifts(rota, at(0, day=monday, zone=rota.zone), at(0, day=monday + timedelta(weeks=weeks), zone=rota.zone))


def said(found: Sequence[Shift], zone: str = SHANGHAI) -> list[tuple[int, str]]:
    return [
        (s.person_id, f"{local(s.starts_at, zone):%m-%d %H:%M}-{local(s.ends_at, zone):%m-%d %H:%M}") for s in found
    ]


# The clock on the wall


@pytest.mark.parametrize(
    ("day", "hour", "minute", "is_there"),
    [
        (WEDNESDAY, 21, 59, False), (WEDNESDAY, 22, 0, True), (WEDNESDAY, 23, 59, True),
        (THURSDAY, 0, 0, True), (THURSDAY, 6, 59, True), (THURSDAY, 7, 0, False), (THURSDAY, 22, 0, False),
        (WEDNESDAY, 0, 0, False), (WEDNESDAY, 6, 59, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", [SHANGHAI, AUCKLAND])
def test_a_night_shift_from_22_to_7_begins_on_its_day_and_ends_the_day_after(
    day: date, hour: int, minute: int, is_there: bool, zone: str
) -> None:
    assert bool(there(one_line("22:00-07:00", zone), at(hour, minute, day, zone))) is is_there


@pytest.mark.parametrize(
    ("day", "hour", "minute", "is_there"),
    [
        (WEDNESDAY, 8, 59, False), (WEDNESDAY, 9, 0, True), (WEDNESDAY, 17, 29, True), (WEDNESDAY, 17, 30, False),
        (THURSDAY, 9, 0, False),
    ],
)  # fmt: skip
def test_a_day_shift_holds_from_its_first_minute_to_the_one_before_its_end(
    day: date, hour: int, minute: int, is_there: bool
) -> None:
    assert bool(there(one_line("09:00-17:30"), at(hour, minute, day))) is is_there


def test_the_night_from_sunday_to_monday_is_one_night() -> None:
    sunday = one_line("22:00-07:00", weekday=6)
    assert there(sunday, at(23, 0, date(2026, 11, 29)))
    assert there(sunday, at(6, 0, date(2026, 11, 30)))


@pytest.mark.parametrize(
    ("sunday", "length"),
    [(date(2026, 9, 27), 8), (date(2027, 4, 4), 10)],
    ids=["the night is an hour shorter", "the night is an hour longer"],
)
def test_the_night_shift_lasts_until_seven_on_the_wall_when_the_clock_changes(sunday: date, length: int) -> None:
    saturday = sunday - A_DAY
    night = one_line("22:00-07:00", AUCKLAND, saturday.weekday())
    begins, ends = at(22, day=saturday, zone=AUCKLAND), at(7, day=sunday, zone=AUCKLAND)
    assert shifts(night, begins - A_DAY, ends + A_DAY) == [Shift(WANG, begins, ends)]
    assert ends - begins == timedelta(hours=length)
    quarters = [begins + timedelta(minutes=15 * n) for n in range(length * 4)]
    assert all(there(night, moment) for moment in quarters)
    assert not there(night, ends)


@pytest.mark.parametrize("sunday", [date(2026, 9, 27), date(2027, 4, 4)])
def test_two_who_relieve_each_other_while_the_clock_changes_leave_no_gap_and_are_never_both_there(sunday: date) -> None:
    saturday = sunday - A_DAY
    relief = Rota(
        AUCKLAND,
        [Line(WANG, hours("22:00-02:30", saturday.weekday())), Line(LI, hours("02:30-07:00", sunday.weekday()))],
    )
    first, second = a_week_of(relief, saturday)
    assert first.ends_at == second.starts_at
    assert (first.person_id, second.person_id) == (WANG, LI)


def test_an_hour_that_the_clock_skips_is_nobodys() -> None:
    assert a_week_of(one_line("02:15-02:45", AUCKLAND, weekday=6), date(2026, 9, 21))[0].ends_at == at(
        3, 45, date(2026, 9, 27), AUCKLAND
    )
    assert a_week_of(one_line("02:30-03:00", AUCKLAND, weekday=6), date(2026, 9, 21)) == []


def test_round_the_clock_is_one_long_shift_without_a_minute_in_between() -> None:
    always = Rota(SHANGHAI, every_day("00:00-00:00"))
    monday = date(2026, 11, 23)
    assert a_week_of(always, monday) == [Shift(WANG, at(0, day=monday), at(0, day=monday + timedelta(days=7)))]


# Turns


NIGHTS = tuple(Turns((WANG, LI, ZHOU), hours("22:00-06:00", d), date(2026, 12, 21), 7) for d in range(7))


def test_a_turn_goes_on_over_the_end_of_the_year() -> None:
    by_night = {
        local(s.starts_at, SHANGHAI).date(): s.person_id
        for s in a_week_of(Rota(SHANGHAI, NIGHTS), date(2026, 12, 14), weeks=6)
    }
    assert date(2026, 12, 20) not in by_night, "before the first day of the first turn there is nobody"
    for first, person in (("2026-12-21", WANG), ("2026-12-28", LI), ("2027-01-04", ZHOU), ("2027-01-11", WANG)):
        begins = date.fromisoformat(first)
        assert [by_night[begins + timedelta(days=n)] for n in range(7)] == [person] * 7


def test_the_night_on_which_the_turn_changes_belongs_to_whoever_began_it() -> None:
    nights = Rota(SHANGHAI, NIGHTS)
    assert there(nights, at(5, 59, date(2026, 12, 28))) == [WANG]
    assert there(nights, at(22, 0, date(2026, 12, 28))) == [LI]


@given(st.integers(1, 5), st.integers(1, 21), st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.integers(0, 900))
def test_everybody_has_turns_of_the_same_length_in_the_order_in_which_they_stand(
    n: int, length: int, anchor: date, later: int
) -> None:
    turns = Turns(tuple(range(n)), hours("00:00-00:00"), anchor, length)
    day = anchor + timedelta(days=later)
    assert turns.on(day) == later // length % n
    assert turns.on(day) == turns.on(day + timedelta(days=length * n))
    assert turns.on(anchor - A_DAY) is None


# Holidays


@pytest.mark.parametrize(
    ("day", "zone", "kind"),
    [
        ("2026-10-01", SHANGHAI, OFF), ("2026-10-07", SHANGHAI, OFF), ("2026-10-08", SHANGHAI, None),
        ("2026-10-10", SHANGHAI, WORKING), ("2026-09-20", SHANGHAI, WORKING), ("2026-10-11", SHANGHAI, None),
        ("2027-10-01", SHANGHAI, OFF), ("2027-01-01", SHANGHAI, OFF), ("2027-01-04", SHANGHAI, None),
        ("2027-02-01", AUCKLAND, OFF), ("2026-12-25", AUCKLAND, OFF), ("2026-10-01", AUCKLAND, None),
        ("2026-10-01", "Europe/London", None), ("2026-12-25", "Europe/London", None),
    ],
)  # fmt: skip
def test_what_the_calendar_of_the_country_says(day: str, zone: str, kind: DayKind | None) -> None:
    assert kind_of(date.fromisoformat(day), zone) is kind


def test_a_make_up_day_is_worked_like_the_weekday_beside_it_unless_staff_name_another() -> None:
    saturday, sunday = date(2026, 10, 10), date(2026, 9, 20)
    assert day_of(saturday, SHANGHAI, {}) == Day(False, 4)
    assert day_of(sunday, SHANGHAI, {}) == Day(False, 0)
    assert day_of(saturday, SHANGHAI, {saturday: Noted(WORKING, 2)}) == Day(False, 2)
    assert day_of(saturday, SHANGHAI, {saturday: Noted(OFF)}).off


def test_what_staff_wrote_down_comes_before_the_calendar() -> None:
    national_day, monday = date(2026, 10, 1), date(2026, 11, 23)
    assert day_of(national_day, SHANGHAI, {national_day: Noted(WORKING)}) == Day(False, 3)
    assert day_of(monday, SHANGHAI, {monday: Noted(OFF)}).off


def test_a_year_whose_make_up_days_nobody_knows_is_named_until_somebody_notes_one() -> None:
    assert unknown_years(SHANGHAI, [2026, 2027]) == [2027]
    assert unknown_years(SHANGHAI, [2027], [(date(2027, 5, 1), OFF)]) == [2027], "a closure is no make-up day"
    assert unknown_years(SHANGHAI, [2027], [(date(2027, 2, 20), WORKING)]) == []
    assert unknown_years(AUCKLAND, [2027]) == []
    assert not holidays._knows_make_up_days(1999)


def test_on_national_day_nobody_is_there_but_who_holds_on_holidays_and_the_saturday_after_is_a_friday() -> None:
    nights = every_day("22:00-06:00", LI, on_holidays=True)
    saturday = Line(ZHOU, hours("09:00-12:00", 5))
    found = said(a_week_of(Rota(SHANGHAI, [*on_weekdays("08:30-17:00"), saturday, *nights], (), china),
                           date(2026, 9, 28), weeks=2))  # fmt: skip
    day_shifts = [words for person, words in found if person == WANG]
    assert [words[:5] for words in day_shifts] == ["09-28", "09-29", "09-30", "10-08", "10-09", "10-10"]
    assert len([words for person, words in found if person == LI]) == 15
    assert not [words for person, words in found if person == ZHOU], "a Saturday of National Day, and one like Friday"


# What people arranged otherwise


def instead(person: int, of: int, starts: datetime, ends: datetime) -> Alteration:
    return Alteration(ChangeKind.INSTEAD, person, starts, ends, of)


def test_an_override_that_overlaps_the_ordinary_hours_makes_one_shift() -> None:
    extra = Alteration(ChangeKind.THERE, WANG, at(16), at(20))
    assert said(a_week_of(Rota(SHANGHAI, [Line(WANG, hours("08:30-17:00"))], [extra]), WEDNESDAY)) == [
        (WANG, "11-25 08:30-11-25 20:00")
    ]


def test_who_is_away_in_the_middle_comes_back_afterwards() -> None:
    away = Alteration(ChangeKind.AWAY, WANG, at(10), at(11))
    assert said(a_week_of(Rota(SHANGHAI, [Line(WANG, hours("08:30-17:00"))], [away]), WEDNESDAY)) == [
        (WANG, "11-25 08:30-11-25 10:00"), (WANG, "11-25 11:00-11-25 17:00")
    ]  # fmt: skip


def test_a_swap_gives_the_one_exactly_the_hours_of_the_other() -> None:
    both = [*on_weekdays("08:30-17:00"), Line(LI, hours("16:00-18:00"))]
    swapped = Rota(SHANGHAI, both, [instead(LI, WANG, at(8, 30), at(17))])
    assert said(shifts(swapped, at(0), at(0, day=THURSDAY))) == [(LI, "11-25 08:30-11-25 18:00")]
    assert there(swapped, at(9, day=THURSDAY)) == [WANG]


def test_a_swap_of_hours_that_are_gone_by_then_gives_nobody_anything() -> None:
    away = Alteration(ChangeKind.AWAY, WANG, at(0), at(23))
    swapped = Rota(SHANGHAI, on_weekdays("08:30-17:00"), [away, instead(LI, WANG, at(8, 30), at(17))])
    assert shifts(swapped, at(0), at(23)) == []


def test_of_two_that_contradict_each_other_the_later_one_holds() -> None:
    more = Alteration(ChangeKind.THERE, WANG, at(9), at(12))
    less = Alteration(ChangeKind.AWAY, WANG, at(10), at(11))
    assert there(Rota(SHANGHAI, [], [less, more]), at(10, 30)) == [WANG]
    assert there(Rota(SHANGHAI, [], [more, less]), at(10, 30)) == []


# Whatever the rules are

PEOPLE = st.integers(1, 4)
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
HOURS = st.builds(Hours, st.integers(0, 6), TIMES, TIMES)
# Around the two DST nights of Auckland, the end of a year, National Day and New Year.
DAYS = st.sampled_from([date(2026, 9, 24), date(2027, 4, 1), date(2026, 12, 28), date(2026, 10, 1)])
MOMENTS = st.builds(
    lambda day, minutes: datetime.combine(day, time(), UTC) + timedelta(minutes=minutes), DAYS, st.integers(0, 9000)
)
LINES = st.builds(Line, PEOPLE, HOURS, st.booleans())
TURNS = st.builds(
    Turns, st.lists(PEOPLE, min_size=1, max_size=3).map(tuple), HOURS, DAYS.map(lambda d: d - timedelta(days=20)),
    st.integers(1, 10), st.booleans(),
)  # fmt: skip
LONG = st.integers(1, 3000).map(lambda n: timedelta(minutes=n))


@st.composite
def alterations(draw: st.DrawFn) -> Alteration:
    starts, kind, person = draw(MOMENTS), draw(st.sampled_from(list(ChangeKind))), draw(PEOPLE)
    other = draw(PEOPLE.filter(lambda p: p != person)) if kind is ChangeKind.INSTEAD else None
    return Alteration(kind, person, starts, starts + draw(LONG), other)


@st.composite
def rotas(draw: st.DrawFn) -> Rota:
    zone = draw(st.sampled_from([SHANGHAI, AUCKLAND]))
    rules = draw(st.lists(st.one_of(LINES, TURNS), max_size=8))
    table = draw(st.dictionaries(DAYS, st.builds(Noted, st.sampled_from(DayKind), st.none() | st.integers(0, 6))))
    changes = draw(st.lists(alterations(), max_size=5))
    return Rota(zone, rules, changes, lambda day: day_of(day, zone, table))


@given(rotas(), MOMENTS)
def test_the_shifts_of_one_person_are_sorted_and_never_touch_each_other(rota: Rota, first: datetime) -> None:
    found = shifts(rota, first, first + timedelta(days=14))
    assert found == sorted(found, key=lambda s: s.starts_at)
    assert all(first <= s.starts_at < s.ends_at <= first + timedelta(days=14) for s in found)
    for person in {s.person_id for s in found}:
        mine = [s for s in found if s.person_id == person]
        assert all(before.ends_at < after.starts_at for before, after in pairwise(mine))


@given(rotas(), MOMENTS, st.integers(0, 14 * 24 * 60))
def test_who_is_on_duty_now_is_who_stands_in_the_plan(rota: Rota, first: datetime, minutes: int) -> None:
    moment = first + timedelta(minutes=minutes)
    planned = present(shifts(rota, first, first + timedelta(days=15)), moment)
    now = there(rota, moment)
    assert sorted(now) == sorted(planned)
    assert len(now) == len(set(now))


@given(rotas(), MOMENTS, st.integers(0, 10000), LONG)
def test_a_part_of_the_plan_is_the_plan_of_that_part(rota: Rota, first: datetime, later: int, long: timedelta) -> None:
    a = first + timedelta(minutes=later)
    whole = shifts(rota, first, first + timedelta(days=14))
    part = shifts(rota, a, a + long)
    cut = [s._replace(starts_at=max(s.starts_at, a), ends_at=min(s.ends_at, a + long)) for s in whole
           if s.starts_at < a + long and s.ends_at > a]  # fmt: skip
    assert sorted(part) == sorted(cut)


@given(rotas(), MOMENTS, PEOPLE, PEOPLE, LONG)
def test_a_swap_neither_makes_nor_loses_an_hour(
    rota: Rota, starts: datetime, one: int, other: int, long: timedelta
) -> None:
    """Whatever the one had between the two moments, one of the two has then; nobody else notices."""
    if one == other:
        return
    ends = starts + long
    swapped = Rota(rota.zone, rota.rules, [*rota.alterations, instead(one, other, starts, ends)], rota.calendar)
    for n in range(0, int(long.total_seconds()), 900):
        moment = starts + timedelta(seconds=n)
        before, after = set(there(rota, moment)), set(there(swapped, moment))
        assert after == ((before - {other}) | {one} if other in before else before)
    assert there(swapped, ends) == there(rota, ends)
