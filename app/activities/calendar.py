"""When the milestones of an occurrence fall, as pure functions of time, place and quiet hours."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from dateutil.rrule import rrulestr

from app.activities.models import Milestone
from app.clock import local, wall

ASK_AT = time(10, 0)
AHEAD = timedelta(weeks=8)
CLOSED_WITHIN = timedelta(hours=24)
_BYDAY = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class Quiet:
    """The hours, by the wall clock of the house, in which nobody is disturbed; they may span midnight."""

    starts: time
    ends: time

    def holds(self, moment: datetime, zone_name: str) -> bool:
        at = local(moment, zone_name).time()
        if self.starts <= self.ends:
            return self.starts <= at < self.ends
        return at >= self.starts or at < self.ends

    def before(self, moment: datetime, zone_name: str) -> datetime:
        """`moment`, or the last minute before the quiet hours that it falls into."""
        if not self.holds(moment, zone_name):
            return moment
        return self._edge(moment, zone_name, self.starts, back=True) - timedelta(minutes=1)

    def after(self, moment: datetime, zone_name: str) -> datetime:
        """`moment`, or the end of the quiet hours that it falls into."""
        if not self.holds(moment, zone_name):
            return moment
        return self._edge(moment, zone_name, self.ends, back=False)

    def _edge(self, moment: datetime, zone_name: str, at: time, *, back: bool) -> datetime:
        day = local(moment, zone_name).date()
        edge = wall(day, at, zone_name)
        if back and edge > moment:
            return wall(day - timedelta(days=1), at, zone_name)
        if not back and edge < moment:
            return wall(day + timedelta(days=1), at, zone_name)
        return edge


def milestones(
    starts_at: datetime, ends_at: datetime, zone_name: str, *, invite_days: int, quiet: Quiet, now: datetime
) -> dict[Milestone, datetime]:
    """When each milestone of an occurrence falls due, seen from `now`.

    What is announced inside an offset is asked at once, and that invitation is the reminder as well. A
    reminder that would fall into the quiet hours comes before them; the word after the end comes after.
    """
    day = local(starts_at, zone_name).date()
    hours_before = quiet.before(starts_at - timedelta(hours=2), zone_name)
    invite = quiet.after(wall(day - timedelta(days=invite_days), ASK_AT, zone_name), zone_name)
    if invite >= starts_at:  # asked on the day itself, and it starts in the early morning
        invite = hours_before
    plan = {Milestone.INVITE: quiet.after(max(now, invite), zone_name)}
    if plan[Milestone.INVITE] >= starts_at:
        plan[Milestone.INVITE] = now
    day_before = quiet.after(wall(day - timedelta(days=1), ASK_AT, zone_name), zone_name)
    asked = plan[Milestone.INVITE]
    if asked + timedelta(hours=2) < day_before < starts_at:
        plan[Milestone.REMIND_DAY] = day_before
        asked = day_before
    if hours_before > asked + timedelta(hours=2):
        plan[Milestone.REMIND_HOURS] = hours_before
    return plan | afterwards(ends_at, zone_name, quiet)


def afterwards(ends_at: datetime, zone_name: str, quiet: Quiet) -> dict[Milestone, datetime]:
    """What follows the end: the word to those who were missed, and a look whether the list is complete."""
    return {
        Milestone.MISSED: quiet.after(ends_at + timedelta(minutes=30), zone_name),
        Milestone.CLOSE: quiet.after(ends_at + CLOSED_WITHIN, zone_name),
    }


class Rhythm(StrEnum):
    """How a series goes on from its first day."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"
    MONTHLY_LAST = "monthly_last"


def recurrence(rhythm: Rhythm, first: date, until: date | None = None) -> str:
    """The rule (RFC 5545) of a series that begins on `first`, until a day, that one included.

    Monthly is the same such weekday of each month (the second Tuesday); one that not every month has is the last.
    ValueError for a last weekday that is not the last.
    """
    day = _BYDAY[first.weekday()]
    nth = (first.day - 1) // 7 + 1
    match rhythm:
        case Rhythm.WEEKLY:
            rule = f"FREQ=WEEKLY;BYDAY={day}"
        case Rhythm.FORTNIGHTLY:
            rule = f"FREQ=WEEKLY;INTERVAL=2;BYDAY={day}"
        case Rhythm.MONTHLY:
            rule = f"FREQ=MONTHLY;BYDAY={-1 if nth == 5 else nth}{day}"
        case Rhythm.MONTHLY_LAST:
            if (first + timedelta(days=7)).month == first.month:
                raise ValueError(f"{first} is not the last such weekday of its month")
            rule = f"FREQ=MONTHLY;BYDAY=-1{day}"
    return f"{rule};UNTIL={until:%Y%m%d}T235959" if until else rule


def dates(rule: str, starts_on: date, *, first: date, last: date) -> list[date]:
    """The days of a series between two days, both included. ValueError for a rule that is none (RFC 5545)."""
    try:
        recurrence = rrulestr(rule, dtstart=datetime.combine(starts_on, time()))
    except (TypeError, ValueError) as wrong:  # TypeError: a rule without FREQ
        raise ValueError(f"not a rule: {wrong}") from None
    found = recurrence.between(datetime.combine(first, time()), datetime.combine(last, time()), inc=True)
    return [moment.date() for moment in found]
