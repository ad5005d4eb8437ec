"""The calendar of the houses in scope, and what is put into it."""

import calendar
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from app.activities import arranging, closing, overview
from app.activities import service as activities
from app.activities.calendar import Rhythm, recurrence
from app.activities.models import Occurrence, State
from app.activities.overview import Tally
from app.clock import local, wall
from app.console import terms
from app.console.desk import EVERYBODY, Answer, Back, Desk, Page, Room, Wrong
from app.db import ident
from app.pages.posting import whole
from app.people import service as people
from app.people.models import House
from bot.wording.moments import WEEKDAYS, date_words, hours_words, weekday_words

room = Room("meetings", nav="/console/activities", roles=EVERYBODY)

VIEWS = ("list", "grid")
AHEAD = timedelta(weeks=5)
EARLIEST, LATEST = 2000, 2100  # years that somebody may turn the pages to


@dataclass(frozen=True)
class Entry:
    """One meeting in the calendar, by the clock on the wall of its house."""

    what: Occurrence
    house: House
    day: date
    hours: str
    tally: Tally
    list_is_late: bool

    @property
    def cancelled(self) -> bool:
        return self.what.state is State.CANCELLED


@room.get("/activities", roles=EVERYBODY)
async def month(desk: Desk) -> Answer:
    today = local(desk.now, desk.zone).date()
    chosen = _month(desk.query("month"))
    view = desk.query("view") if desk.query("view") in VIEWS else "list"
    first = chosen or today.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    # At the end of a month its list would say nothing of next week.
    until = max(following, today + AHEAD) if chosen is None and view == "list" else following
    entries = await _entries(desk, first, until)
    days = sorted({entry.day for entry in entries})
    return Page(
        "meetings/month.html", first=first, view=view, views=VIEWS, before=_link(first - timedelta(days=1)),
        after=_link(following), many=len(desk.scope.houses) > 1, today=today,
        days=[(f"{date_words(day)} {weekday_words(day)}", [e for e in entries if e.day == day]) for day in days],
        weeks=_weeks(first, entries) if view == "grid" else [], weekdays=WEEKDAYS,
    )  # fmt: skip


def _month(text: str) -> date | None:
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return found if EARLIEST < found.year < LATEST else None


def _link(day: date) -> str:
    return f"{day:%Y-%m}"


def _weeks(first: date, entries: Sequence[Entry]) -> list[list[tuple[date | None, list[Entry]]]]:
    """The days of a month week by week, Monday first; None for those of the months beside it."""
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    return [
        [(day, [e for e in entries if e.day == day]) if day.month == first.month else (None, []) for day in week]
        for week in weeks
    ]


async def _entries(desk: Desk, first: date, following: date) -> list[Entry]:
    """What begins on these days where it happens; houses of one programme may lie in several zones."""
    houses = await people.houses_by_id(desk.session, desk.scope.houses)
    found: list[Occurrence] = []
    for zone in sorted({house.zone for house in houses.values()}):
        here = frozenset(number for number, house in houses.items() if house.zone == zone)
        scope = desk.scope.__class__(desk.scope.programme_id, here)
        begin, end = wall(first, time(), zone), wall(following, time(), zone)
        found += await overview.between(desk.session, scope, begin, end)
    tallies = await overview.tallies(desk.session, [ident(what) for what in found])
    return [
        Entry(
            what, house, local(what.starts_at, house.zone).date(),
            hours_words(what.starts_at, what.ends_at, house.zone), tallies[ident(what)],
            closing.late(what, desk.now) and tallies[ident(what)].going + tallies[ident(what)].present > 0,
        )
        for what in sorted(found, key=lambda o: (o.starts_at, ident(o)))
        for house in [houses[what.house_id]]
    ]  # fmt: skip


# Something new


@room.get("/activities/new", roles=EVERYBODY)
async def new(desk: Desk) -> Answer:
    given = {
        "token": secrets.token_urlsafe(12), "house": str(desk.house.id), "minutes": "90", "at": "14:00",
        "venue": desk.house.venue, "rhythm": "",
    }  # fmt: skip
    return await _new(desk, given)


@room.post("/activities/new", roles=EVERYBODY)
async def arrange(desk: Desk) -> Answer:
    house = await _house(desk)
    try:
        wanted = terms.read(desk.form, house, desk.now)
        rhythm = desk.form.get("rhythm", "")
        if not rhythm:
            what = await arranging.once(
                desk.session, house, desk.form.get("token", ""), title=wanted.title, starts_at=wanted.starts_at,
                minutes=wanted.minutes, venue=wanted.venue, now=desk.now, quiet=desk.tools.quiet,
            )  # fmt: skip
            return Back(f"/console/activities/{what.id}")
        rule = _rule(rhythm, wanted.day, desk.form.get("until", ""))
        await arranging.again_and_again(
            desk.session, house, desk.form.get("token", ""), title=wanted.title, rule=rule, first=wanted.day,
            at=wanted.at, minutes=wanted.minutes, venue=wanted.venue, now=desk.now, quiet=desk.tools.quiet,
        )  # fmt: skip
    except Wrong as wrong:
        return await _new(desk, desk.form, trouble=wrong.key, status=422)
    except ValueError:  # a token that no form of ours has
        raise LookupError("token") from None
    return Back(f"/console/activities?month={_link(wanted.day)}")


async def _new(desk: Desk, given: Any, *, trouble: str = "", status: int = 200) -> Page:
    houses = await people.houses_by_id(desk.session, desk.scope.houses)
    named = sorted((number, house.name) for number, house in houses.items())
    return Page("meetings/new.html", status=status, given=given, houses=named, trouble=trouble, rhythms=list(Rhythm))


async def _house(desk: Desk) -> House:
    """The house that the form names, looked for in the scope like everything else."""
    number = whole(desk.form.get("house", ""))
    if number is None or not desk.scope.covers(number):
        raise LookupError("house")
    return await people.house(desk.session, number)


def _rule(rhythm: str, first: date, until: str) -> str:
    last = terms.day(until) if until else None
    if last is not None and last < first:
        raise Wrong("console_meetings.until_before")
    try:
        return recurrence(Rhythm(rhythm), first, last)
    except ValueError:
        raise Wrong("console_meetings.not_the_last") from None


async def found(desk: Desk) -> tuple[Occurrence, House]:
    """The activity in the path and its house: what every page about it begins with."""
    what = await activities.visible_occurrence(desk.session, desk.scope, desk.path("occurrence"))
    return what, await people.house(desk.session, what.house_id)
