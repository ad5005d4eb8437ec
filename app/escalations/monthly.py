"""Which day of a month a house practises on: pure functions of its wall clock."""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from app.clock import local, wall

LAST = -1


class Monthly(NamedTuple):
    """The `nth` such weekday (Monday is 0) of each month, 1 to 4 or `LAST`, at this wall-clock time."""

    nth: int
    weekday: int
    at: str


def as_it_stands(day: date) -> date:
    """Without a calendar every day is worked on."""
    return day


def next_time(
    monthly: Monthly, after: datetime, zone: str, *, moved: Callable[[date], date] = as_it_stands
) -> datetime:
    """The first such moment later than `after`. `moved` puts a day that is no working day on one that is."""
    month = local(after, zone).date().replace(day=1)
    while True:
        moment = wall(moved(nth_weekday(month, monthly.nth, monthly.weekday)), time.fromisoformat(monthly.at), zone)
        if moment > after:
            return moment
        month = (month + timedelta(days=31)).replace(day=1)


def nth_weekday(month: date, nth: int, weekday: int) -> date:
    """The `nth` such weekday of the month that begins with `month`."""
    first = month + timedelta(days=(weekday - month.weekday()) % 7)
    if nth != LAST:
        return first + timedelta(weeks=nth - 1)
    days_left = monthrange(month.year, month.month)[1] - first.day
    return first + timedelta(weeks=days_left // 7)


def tomorrow(planned: datetime, at: str, zone: str, *, moved: Callable[[date], date] = as_it_stands) -> datetime | None:
    """The same hour of the next day that is worked on; None where that is in the next month."""
    today = local(planned, zone).date()
    day = moved(today + timedelta(days=1))
    return wall(day, time.fromisoformat(at), zone) if day.month == today.month else None
