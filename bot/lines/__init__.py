"""Who can be called: the lines of a region as data (`cn.yaml`, `nz.yaml`), and which of them answer at a moment.

A line is open only when its hours say so, or when it is written down that it answers day and night. Where nothing
is known it may be called, and nothing is claimed. On a public holiday hours do not hold unless they say so.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from app.clock import local, wall

FOLDER = Path(__file__).parent
HOME = "CN"  # where nobody has said where we are
OTHER = "OTHER"  # a region of which we know no line: a programme there brings its own
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD = 21  # days; longer than any row of holidays
A_DAY = timedelta(days=1)

IsHoliday = Callable[[date, str], bool]


class LinesError(Exception):
    """A line that cannot be read; the text says which one and what is wrong with it."""


class Use(StrEnum):
    TALK = "talk"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of one weekday, Monday is 0; an end at or before the start is on the next day."""

    weekday: int
    opens: time
    closes: time
    on_holidays: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One number. `name` and `note` are by locale, under "" the one for all; `zone` is the clock of its hours."""

    number: str
    use: Use
    zone: str
    name: Mapping[str, str]
    note: Mapping[str, str]
    languages: Collection[str] = ()
    free: bool = False
    texts: bool = False
    day_and_night: bool = False
    hours: tuple[Hours, ...] = ()
    source: str = ""


class State(StrEnum):
    OPEN = "open"
    UNKNOWN = "unknown"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How it is with a line at a moment; `opens_at`: when a closed one answers again, None if nobody knows."""

    line: Line
    state: State
    opens_at: datetime | None = None


def standing(line: Line, now: datetime, is_holiday: IsHoliday) -> Standing:
    """Whether `line` answers at `now`. Wall-clock hours, also through DST nights and across midnight."""
    if line.day_and_night:
        return Standing(line, State.OPEN)
    if not line.hours:
        return Standing(line, State.UNKNOWN)
    for opens_at, closes_at in sorted(_spans(line, local(now, line.zone).date(), is_holiday)):
        if opens_at <= now < closes_at:
            return Standing(line, State.OPEN)
        if opens_at > now:
            return Standing(line, State.CLOSED, opens_at)
    return Standing(line, State.CLOSED)


def _spans(line: Line, today: date, is_holiday: IsHoliday) -> Iterator[tuple[datetime, datetime]]:
    for days in range(-1, LOOK_AHEAD):
        day = today + A_DAY * days
        for hours in line.hours:
            if hours.weekday == day.weekday() and (hours.on_holidays or not is_holiday(day, line.zone)):
                end = day if hours.closes > hours.opens else day + A_DAY
                yield wall(day, hours.opens, line.zone), wall(end, hours.closes, line.zone)


# Regions


@dataclass(frozen=True, slots=True)
class Region:
    """`zone`: the clock that the hours of its lines go by; `zones`: the names of time zones that lie in it."""

    code: str
    zone: str
    zones: Collection[str]
    lines: tuple[Line, ...]


@lru_cache
def regions() -> Mapping[str, Region]:
    """The regions whose lines are known, by code. LinesError when a file of this folder cannot be read."""
    found = (read_region(yaml.safe_load(file.read_text(encoding="utf-8"))) for file in sorted(FOLDER.glob("*.yaml")))
    return {region.code: region for region in found}


def region_of_zone(zone: str) -> str | None:
    """The code of the region in which a time zone lies; None where we know no lines."""
    return next((region.code for region in regions().values() if zone in region.zones), None)


def region_of(programme_region: str, programme_zone: str, house_zone: str | None = None) -> str:
    """Where a house is: a house that lives by the clock of another region calls that region's numbers."""
    if house_zone is None or house_zone == programme_zone:
        return programme_region
    return region_of_zone(house_zone) or programme_region


def zone_in(region: str) -> str:
    """The clock of a region whose lines we know."""
    return regions()[region].zone


def lines_of(region: str, own: Sequence[Mapping[str, Any]] = (), zone: str = "") -> tuple[Line, ...]:
    """What can be called in `region`: a programme's own lines first; one with the same number replaces the region's.

    `zone`: the clock of the own lines. An own line says what the region's leaves open, such as its hours. One that
    cannot be read is left out, because whoever is in danger must be answered; `tongxing doctor` names it.
    """
    known = regions()[region].lines if region in regions() else ()
    ours = [line for line in (_readable(data, zone) for data in own) if line is not None]
    by_number = {line.number: line for line in known}
    merged = [_filled(line, by_number[line.number]) if line.number in by_number else line for line in ours]
    written = {line.number for line in ours}
    return (*merged, *(line for line in known if line.number not in written))


def unreadable(own: Sequence[Mapping[str, Any]]) -> int:
    """How many of a programme's own lines cannot be read."""
    return sum(_readable(data, "UTC") is None for data in own)


def _readable(data: Mapping[str, Any], zone: str) -> Line | None:
    try:
        return read_line(data, zone)
    except LinesError:
        return None


def _filled(own: Line, known: Line) -> Line:
    """What a programme wrote of a number that we know: its words hold, and what it left out stays."""
    if not own.hours and not own.day_and_night:
        own = replace(own, hours=known.hours, day_and_night=known.day_and_night, zone=known.zone)
    return replace(
        own, name=own.name or known.name, note=own.note or known.note, languages=own.languages or known.languages,
        free=own.free or known.free, texts=own.texts or known.texts,
    )  # fmt: skip


# Reading

_KEYS = frozenset("number use name note languages free texts day_and_night hours source".split())  # noqa: SIM905


def read_region(data: Mapping[str, Any]) -> Region:
    lines = tuple(read_line(line, str(data["zone"])) for line in data["lines"])
    if data["zone"] not in data["zones"] or {line.use for line in lines} != set(Use):
        raise LinesError(f"region {data['code']} needs its own zone among its zones, and lines of both uses")
    if without := [line.number for line in lines if not line.source]:
        raise LinesError(f"region {data['code']}: no source for {', '.join(without)}")
    return Region(str(data["code"]), str(data["zone"]), frozenset(data["zones"]), lines)


def read_line(data: Mapping[str, Any], zone: str) -> Line:
    """One line as a region's file or a programme's row has it; `zone` is the clock of its hours."""
    number = data.get("number")
    if not isinstance(number, str) or not number.strip():
        raise LinesError(f"a number must be a text, in quotation marks if need be: {number!r}")
    if unknown := data.keys() - _KEYS:
        raise LinesError(f"{number}: nobody knows {', '.join(sorted(unknown))}")
    if data.get("day_and_night") and data.get("hours"):
        raise LinesError(f"{number}: either day_and_night or hours")
    try:
        return Line(
            number=number, use=Use(data["use"]), zone=zone, name=_by_locale(data.get("name")),
            note=_by_locale(data.get("note")), languages=frozenset(data.get("languages") or ()),
            free=bool(data.get("free")), texts=bool(data.get("texts")), day_and_night=bool(data.get("day_and_night")),
            hours=tuple(_hours(data.get("hours") or ())), source=str(data.get("source") or ""),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as wrong:
        raise LinesError(f"{number}: {wrong}") from None


def _by_locale(words: Any) -> Mapping[str, str]:
    if not words:
        return {}
    return {"": words} if isinstance(words, str) else dict(words)


def _hours(written: Sequence[Mapping[str, Any]]) -> Iterator[Hours]:
    for each in written:
        opens, closes = time.fromisoformat(each["opens"]), time.fromisoformat(each["closes"])
        for weekday in each["weekdays"]:
            yield Hours(WEEKDAYS.index(weekday), opens, closes, bool(each.get("on_holidays")))
