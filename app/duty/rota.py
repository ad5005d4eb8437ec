"""Who is there, as one pure function: rules, changes, calendar and zone in, shifts out.

Rules speak of the clock on the wall; shifts are moments in UTC. A shift that ends at or before its start
ends on the next day. Changes are laid over the rules in the order in which they were settled: the later
one wins where two speak of the same person and hour.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from app.clock import local, wall
from app.duty.models import ChangeKind

A_DAY = timedelta(days=1)


class Shift(NamedTuple):
    """Somebody is there from `starts_at`, and is not any more at `ends_at`."""

    person_id: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of one weekday; an end at or before the start is on the next day."""

    weekday: int
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class Line:
    """The same hours every week. `on_holidays`: whatever the calendar says of the day."""

    person_id: int
    hours: Hours
    on_holidays: bool = False

    def on(self, _day: date) -> int:
        return self.person_id


@dataclass(frozen=True, slots=True)
class Turns:
    """The same hours, taken in turn: `people[0]` from `anchor` on for `days` days, then the next, round and round."""

    people: tuple[int, ...]
    hours: Hours
    anchor: date
    days: int
    on_holidays: bool = False

    def on(self, day: date) -> int | None:
        passed = (day - self.anchor).days
        return self.people[passed // self.days % len(self.people)] if passed >= 0 and self.people else None


@dataclass(frozen=True, slots=True)
class Alteration:
    """What a change that was agreed to does."""

    kind: ChangeKind
    person_id: int
    starts_at: datetime
    ends_at: datetime
    instead_of: int | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """What the calendar says of a date: nobody works, or the hours of this weekday hold."""

    off: bool
    hours_of: int


def any_day(day: date) -> Day:
    """A calendar without holidays."""
    return Day(False, day.weekday())


@dataclass(frozen=True)
class Rota:
    """Everything that says who is there at one house."""

    zone: str
    rules: Sequence[Line | Turns] = ()
    alterations: Sequence[Alteration] = ()
    calendar: Callable[[date], Day] = field(default=any_day)


def shifts(rota: Rota, first: datetime, last: datetime) -> list[Shift]:
    """Who is there between two moments, cut to them: sorted by time, the hours of one person joined."""
    there = _by_the_rules(rota, first, last)
    for change in rota.alterations:
        _alter(there, change)
    found = [
        Shift(person, max(starts, first), min(ends, last))
        for person, spans in there.items()
        for starts, ends in spans
        if starts < last and ends > first
    ]
    return sorted(found, key=lambda shift: (shift.starts_at, shift.ends_at, shift.person_id))


def present(shifts: Iterable[Shift], moment: datetime) -> list[int]:
    """The people of `shifts` who are there at `moment`."""
    return [shift.person_id for shift in shifts if shift.starts_at <= moment < shift.ends_at]


# Spans of one person: sorted, apart from each other.

Span = tuple[datetime, datetime]
Spans = list[Span]


def _by_the_rules(rota: Rota, first: datetime, last: datetime) -> dict[int, Spans]:
    found: dict[int, Spans] = defaultdict(list)
    day, until = local(first, rota.zone).date() - A_DAY, local(last, rota.zone).date()
    while day <= until:
        says = rota.calendar(day)
        for rule in rota.rules:
            weekday = day.weekday() if rule.on_holidays else says.hours_of
            person = rule.on(day) if rule.hours.weekday == weekday and (rule.on_holidays or not says.off) else None
            if person is not None:
                found[person].append(_span(rule.hours, day, rota.zone))
        day += A_DAY
    return {person: joined(spans) for person, spans in found.items()}


def _span(hours: Hours, day: date, zone: str) -> Span:
    ends_on = day if hours.starts < hours.ends else day + A_DAY
    return wall(day, hours.starts, zone), wall(ends_on, hours.ends, zone)


def _alter(there: dict[int, Spans], change: Alteration) -> None:
    span = (change.starts_at, change.ends_at)
    match change.kind:
        case ChangeKind.THERE:
            there[change.person_id] = joined([*there.get(change.person_id, []), span])
        case ChangeKind.AWAY:
            there[change.person_id] = without(there.get(change.person_id, []), span)
        case ChangeKind.INSTEAD if change.instead_of is not None:
            theirs = there.get(change.instead_of, [])
            there[change.instead_of] = without(theirs, span)
            taken = [(max(a, span[0]), min(b, span[1])) for a, b in theirs]
            there[change.person_id] = joined([*there.get(change.person_id, []), *taken])


def joined(spans: Spans) -> Spans:
    """The same time in as few spans as it takes. A wall-clock hour that a DST change skips lasts no time."""
    found: Spans = []
    for starts, ends in sorted(span for span in spans if span[0] < span[1]):
        if found and starts <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((starts, ends))
    return found


def without(spans: Spans, gap: Span) -> Spans:
    """What is left of them outside `gap`."""
    pieces = [piece for a, b in spans for piece in ((a, min(b, gap[0])), (max(a, gap[1]), b))]
    return [(a, b) for a, b in pieces if a < b]
