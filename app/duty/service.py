"""The single source of who is on duty, now and for the days ahead."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import local, wall
from app.duty import holidays, rota
from app.duty.holidays import Noted
from app.duty.models import CalendarDay, Change, ChangeState, DayKind, Duty, Rotation
from app.duty.rota import Alteration, Day, Hours, Line, Rota, Shift, Turns
from app.messages import service as messages
from app.people.models import House, Person

A_DAY = timedelta(days=1)
AN_INSTANT = timedelta(microseconds=1)
# Longer than any holiday: who is there next is looked for so far ahead.
AHEAD = timedelta(days=35)


# Columns and no objects: these four are asked whenever somebody writes.
_LINES = (
    select(col(Duty.person_id), col(Duty.on_holidays), col(Duty.weekday), col(Duty.starts), col(Duty.ends))
    .where(col(Duty.house_id) == bindparam("house"))
    .order_by(col(Duty.id))
)
_TURNS = (
    select(col(Rotation.people), col(Rotation.anchor), col(Rotation.turn_days), col(Rotation.hours))
    .where(col(Rotation.house_id) == bindparam("house"))
    .order_by(col(Rotation.id))
)
_CHANGES = (
    select(
        col(Change.kind), col(Change.person_id), col(Change.starts_at), col(Change.ends_at), col(Change.instead_of_id)
    )
    .where(col(Change.house_id) == bindparam("house"), col(Change.state) == ChangeState.AGREED)
    .where(col(Change.ends_at) > bindparam("first"), col(Change.starts_at) < bindparam("last"))
    .order_by(col(Change.settled_at), col(Change.id))
)
_DAYS = select(col(CalendarDay.day), col(CalendarDay.kind), col(CalendarDay.hours_of), col(CalendarDay.house_id)).where(
    col(CalendarDay.programme_id) == bindparam("programme"),
    col(CalendarDay.house_id).is_(None) | (col(CalendarDay.house_id) == bindparam("house")),
    col(CalendarDay.day).between(bindparam("first"), bindparam("last")),
)


# The rules of a house


async def rota_of(session: AsyncSession, house: House, first: datetime, last: datetime) -> Rota:
    """Everything that says who is there at a house between two moments."""
    rules: list[Line | Turns] = []
    for person_id, on_holidays, weekday, starts, ends in await session.execute(_LINES, {"house": house.id}):
        rules.append(Line(person_id, _hours(weekday, starts, ends), on_holidays))
    for people, anchor, days, each in await session.execute(_TURNS, {"house": house.id}):
        rules += [
            Turns(tuple(people), _hours(weekday, starts, ends), anchor, days, on_holidays)
            for weekday, starts, ends, on_holidays in each
        ]
    agreed = await session.execute(_CHANGES, {"house": house.id, "first": first, "last": last})
    alterations = [Alteration(*change) for change in agreed]
    table = await _table(session, house, local(first, house.zone).date() - A_DAY, local(last, house.zone).date())
    return Rota(house.zone, rules, alterations, lambda day: holidays.day_of(day, house.zone, table))


def _hours(weekday: int, starts: str, ends: str) -> Hours:
    return Hours(weekday, time.fromisoformat(starts), time.fromisoformat(ends))


async def _table(session: AsyncSession, house: House, first: date, last: date) -> dict[date, Noted]:
    """What staff noted about these days: what the house says of one stands before what the programme says."""
    noted = await session.execute(
        _DAYS, {"programme": house.programme_id, "house": house.id, "first": first, "last": last}
    )
    rows = sorted(noted, key=lambda row: row.house_id is not None)
    return {row.day: Noted(row.kind, row.hours_of) for row in rows}


async def calendar(session: AsyncSession, house: House, first: date, last: date) -> Callable[[date], Day]:
    """What holds on each day between these two at a house: by what staff noted, and by the country's calendar."""
    table = await _table(session, house, first, last)
    return lambda day: holidays.day_of(day, house.zone, table)


# Who is there


async def plan(session: AsyncSession, house: House, first: datetime, last: datetime) -> list[Shift]:
    """Who is there between two moments, cut to them: sorted by time, the hours of one person joined."""
    return rota.shifts(await rota_of(session, house, first, last), first, last)


async def on_duty(session: AsyncSession, house: House, now: datetime) -> list[int]:
    """The people on duty at a house, without repeats: those who are there in `plan`."""
    return [shift.person_id for shift in await plan(session, house, now, now + AN_INSTANT)]


async def next_duty(session: AsyncSession, house: House, now: datetime) -> datetime | None:
    """When somebody begins next; None where nobody does in the five weeks ahead."""
    ahead = await plan(session, house, now, now + AHEAD)
    return min((shift.starts_at for shift in ahead if shift.starts_at > now), default=None)


async def next_change(session: AsyncSession, house: House, after: datetime) -> datetime | None:
    """The next moment at which who is on duty changes; None where nothing does in the five weeks ahead."""
    until = after + AHEAD
    edges = [edge for shift in await plan(session, house, after, until) for edge in (shift.starts_at, shift.ends_at)]
    return min((edge for edge in edges if after < edge < until), default=None)


async def who_answers(session: AsyncSession, subject: Person, house: House, now: datetime) -> int | None:
    """The one on duty whose name a member may be told: their own worker if there, else who is.

    Only somebody whom an alert can reach: a name that nobody has called is a promise nobody keeps.
    """
    there = await on_duty(session, house, now)
    by_channel = await messages.reachable(session, there)
    there = [person_id for person_id in there if person_id in by_channel]
    if subject.worker_id in there:
        return subject.worker_id
    return there[0] if there else None


async def shifts_on(session: AsyncSession, house: House, person_id: int, day: date) -> list[Shift]:
    """The shifts of a person that belong to a day: what begins on it; else what of a longer one falls on it.

    The night from the 2nd to the 3rd belongs to the 2nd.
    """
    begins, ends = wall(day, time(), house.zone), wall(day + A_DAY, time(), house.zone)
    around = await plan(session, house, begins - A_DAY, ends + A_DAY)
    mine = [shift for shift in around if shift.person_id == person_id]
    of_the_day = [shift for shift in mine if begins <= shift.starts_at < ends]
    longer = [shift for shift in mine if shift.starts_at < begins and shift.ends_at >= ends]
    return of_the_day or [shift._replace(starts_at=begins, ends_at=ends) for shift in longer]


# Years whose make-up days nobody knows


async def unknown_years(session: AsyncSession, now: datetime, ahead: timedelta) -> dict[str, list[int]]:
    """For each house (by its code), the years from now until `ahead` whose make-up days nobody knows yet.

    In such a year only the statutory days count as off: somebody looks up the others, and writes them down.
    """
    houses = list(await session.scalars(select(House).order_by(col(House.id))))
    noted: dict[tuple[int, int | None], list[tuple[date, DayKind]]] = defaultdict(list)
    for row in await session.scalars(select(CalendarDay)):
        noted[row.programme_id, row.house_id].append((row.day, row.kind))
    found = {}
    for house in houses:
        years = {local(moment, house.zone).year for moment in (now, now + ahead)}
        table = noted[house.programme_id, None] + noted[house.programme_id, house.id]
        if unknown := holidays.unknown_years(house.zone, years, table):
            found[house.code] = unknown
    return found
