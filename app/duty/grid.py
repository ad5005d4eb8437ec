"""The plan of some days as people read it: who is there on which day, when nobody is, what became different. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from app.clock import wall
from app.duty.rota import A_DAY, Shift, Span, Spans, joined, without


@dataclass(frozen=True)
class Row:
    """One day of a house. `shifts`: what begins on it, and what of a longer one falls on it.

    `gaps`: the times without anybody that begin on it, each to its end, and those from before that reach past it,
    cut to the day.
    """

    day: date
    shifts: tuple[Shift, ...]
    gaps: tuple[Span, ...]

    def is_empty(self, zone: str) -> bool:
        """Nobody is there on the whole day."""
        begins, ends = _day(self.day, zone)
        return any(gap[0] <= begins and gap[1] >= ends for gap in self.gaps)


def rows(shifts: Sequence[Shift], first: date, days: int, zone: str) -> list[Row]:
    """The days from `first` on. `shifts` should reach a day further on both sides, so that no night is cut in two."""
    begins, _ = _day(first, zone)
    _, ends = _day(first + A_DAY * (days - 1), zone)
    empty = gaps(shifts, begins, ends + A_DAY)
    return [_row(shifts, empty, first + A_DAY * n, zone, is_first=n == 0) for n in range(days)]


def _row(shifts: Sequence[Shift], empty: Spans, day: date, zone: str, *, is_first: bool) -> Row:
    begins, ends = _day(day, zone)
    there = [
        shift if shift.starts_at >= begins else shift._replace(starts_at=begins, ends_at=min(shift.ends_at, ends))
        for shift in shifts
        if shift.starts_at < ends and shift.ends_at > begins
        and (shift.starts_at >= begins or is_first or shift.ends_at >= ends or shift.starts_at < begins - A_DAY)
    ]  # fmt: skip
    alone = [
        span if span[0] >= begins else (begins, min(span[1], ends))
        for span in empty
        if span[0] < ends and span[1] > begins and (span[0] >= begins or span[1] >= ends)
    ]
    return Row(day, tuple(there), tuple(alone))


def _day(day: date, zone: str) -> Span:
    return wall(day, time(), zone), wall(day + A_DAY, time(), zone)


def gaps(shifts: Iterable[Shift], first: datetime, last: datetime) -> Spans:
    """When nobody is there between two moments."""
    empty: Spans = [(first, last)]
    for _, starts, ends in shifts:
        empty = without(empty, (starts, ends))
    return empty


@dataclass(frozen=True)
class Difference:
    """What is different between two plans: who is there more, who less, and when nobody is there any more."""

    more: tuple[Shift, ...]
    less: tuple[Shift, ...]
    alone: tuple[Span, ...]

    def __bool__(self) -> bool:
        return bool(self.more or self.less)


def difference(before: Sequence[Shift], after: Sequence[Shift], first: datetime, last: datetime) -> Difference:
    """Both plans are of the time between `first` and `last`."""
    alone = _beyond(gaps(after, first, last), gaps(before, first, last))
    return Difference(_more(after, before), _more(before, after), tuple(alone))


def _more(these: Iterable[Shift], those: Iterable[Shift]) -> tuple[Shift, ...]:
    mine, theirs = _by_person(these), _by_person(those)
    found = [Shift(person, *span) for person, spans in mine.items() for span in _beyond(spans, theirs.get(person, []))]
    return tuple(sorted(found, key=lambda shift: (shift.starts_at, shift.person_id)))


def _by_person(shifts: Iterable[Shift]) -> dict[int, Spans]:
    found: dict[int, Spans] = defaultdict(list)
    for person, starts, ends in shifts:
        found[person].append((starts, ends))
    return {person: joined(spans) for person, spans in found.items()}


def _beyond(spans: Spans, known: Spans) -> Spans:
    for span in known:
        spans = without(spans, span)
    return spans
