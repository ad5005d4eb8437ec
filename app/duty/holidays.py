"""Which days are off, and which are worked to make up for them (调休).

What staff wrote down comes first, then the calendar of the country in which the house lives. China's State
Council publishes the make-up days of a year in the November before; `chinesecalendar` knows them from the
version that follows. Until then only the statutory days are known: that year is one of `unknown_years`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import chinese_calendar
import holidays

from app.duty.models import DayKind
from app.duty.rota import Day

SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True, slots=True)
class Country:
    code: str
    part: str | None = None
    has_make_up_days: bool = False


COUNTRIES = {"Asia/Shanghai": Country("CN", has_make_up_days=True), "Pacific/Auckland": Country("NZ", "AUK")}


@dataclass(frozen=True, slots=True)
class Noted:
    """What staff wrote down about a date; `hours_of`: the weekday whose hours hold when it is worked."""

    kind: DayKind
    hours_of: int | None = None


def day_of(day: date, zone: str, table: Mapping[date, Noted]) -> Day:
    """What holds on `day` in a house in `zone`: `table` first, then the country's calendar."""
    noted = table.get(day)
    kind = noted.kind if noted else kind_of(day, zone)
    if kind is DayKind.OFF:
        return Day(True, day.weekday())
    if kind is None:
        return Day(False, day.weekday())
    named = noted.hours_of if noted else None
    return Day(False, _nearest_weekday(day) if named is None else named)


def _nearest_weekday(day: date) -> int:
    """A Saturday is worked like the Friday before it, a Sunday like the Monday after it."""
    return {SATURDAY: 4, SUNDAY: 0}.get(day.weekday(), day.weekday())


def kind_of(day: date, zone: str) -> DayKind | None:
    """Off or a make-up day by the country's calendar; None for a day like any other, and where none is known."""
    country = COUNTRIES.get(zone)
    if country is None:
        return None
    if country.has_make_up_days and _knows_make_up_days(day.year):
        is_off, name = chinese_calendar.get_holiday_detail(day)
        if name is None:
            return None
        return DayKind.OFF if is_off else DayKind.WORKING
    return DayKind.OFF if day in _statutory(country.code, country.part, day.year) else None


def unknown_years(zone: str, years: Iterable[int], table: Collection[tuple[date, DayKind]] = ()) -> list[int]:
    """The years whose make-up days nobody knows here: neither the library, nor staff, who noted one of them."""
    country = COUNTRIES.get(zone)
    if country is None or not country.has_make_up_days:
        return []
    noted = {day.year for day, kind in table if kind is DayKind.WORKING}
    return sorted({year for year in years if not _knows_make_up_days(year) and year not in noted})


@lru_cache
def _knows_make_up_days(year: int) -> bool:
    try:
        chinese_calendar.get_holiday_detail(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


@lru_cache
def _statutory(country: str, part: str | None, year: int) -> frozenset[date]:
    return frozenset(day for day in holidays.country_holidays(country, subdiv=part, years=year) if day.year == year)
