"""Weekly hours and days that are different, as whoever leads keeps them; and whose word holds: theirs or the file's.

Hours that were edited here are kept from then on: loading the programme's file leaves all hours of this person at
this house alone, and says so, until they are handed back to it (ADR 0036).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident, insert_once
from app.duty import changes, edits, holidays
from app.duty.arranging import Hours
from app.duty.holidays import Noted
from app.duty.models import CalendarDay, DayKind, Duty, Edit, HoursKept, Rotation
from app.duty.rota import Day
from app.people import service as people
from app.people.models import House, Person
from app.people.scope import Scope, scope_of, within

A_DAY = timedelta(days=1)
MIDNIGHT = time()


@dataclass(frozen=True)
class Clash:
    """Somebody has hours on this weekday already: there is one line for each."""

    line: Duty


class NoTime(StrEnum):
    NO_DAY = "no_day"
    SAME_TIME = "same_time"


# Weekly hours


async def lines(session: AsyncSession, house: House) -> list[Duty]:
    """Who is there every week, in the order of the week."""
    found = await session.scalars(select(Duty).where(col(Duty.house_id) == house.id))
    return sorted(found, key=lambda line: (line.weekday, line.starts, line.person_id))


async def turns(session: AsyncSession, house: House) -> list[Rotation]:
    """The hours that are taken in turn; they come from the programme's file."""
    return list(await session.scalars(select(Rotation).where(col(Rotation.house_id) == house.id).order_by("code")))


async def visible_line(session: AsyncSession, scope: Scope, line_id: int) -> Duty:
    """LookupError: there is none, or it is of a house outside `scope`."""
    found: Duty | None = await session.scalar(select(Duty).where(within(scope, Duty), col(Duty.id) == line_id))
    if found is None:
        raise LookupError(f"no line {line_id}")
    return found


async def add_lines(
    session: AsyncSession, house: House, who: Person, weekdays: Sequence[int], hours: Hours, *, by: Person,
    now: datetime, on_holidays: bool = False,
) -> Clash | NoTime | None:  # fmt: skip
    """`who` is there every week in these hours of these weekdays; 00:00 to 00:00 is the whole day.

    An end before the start is on the next day. None: done. LookupError: not a house of `by`.
    """
    await _within_reach(session, by, house)
    starts, ends = hours
    if not weekdays:
        return NoTime.NO_DAY
    if starts == ends != MIDNIGHT:
        return NoTime.SAME_TIME
    for line in await lines(session, house):
        if line.person_id == who.id and line.weekday in weekdays:
            return Clash(line)
    async with edits.noted(session, [house], Edit.LINE_ADDED, by, now) as edit:
        edit.detail = {
            "person": who.id, "weekdays": sorted(weekdays), "starts": f"{starts:%H:%M}", "ends": f"{ends:%H:%M}",
            "on_holidays": on_holidays,
        }  # fmt: skip
        session.add_all(
            Duty(
                house_id=ident(house), person_id=ident(who), weekday=weekday, starts=f"{starts:%H:%M}",
                ends=f"{ends:%H:%M}", on_holidays=on_holidays,
            )
            for weekday in sorted(weekdays)
        )  # fmt: skip
        await _keep(session, house, ident(who), by, now)
    return None


async def remove_line(session: AsyncSession, line: Duty, *, by: Person, now: datetime) -> None:
    """These weekly hours hold no longer. LookupError: not a house of `by`."""
    house = await people.house(session, line.house_id)
    await _within_reach(session, by, house)
    async with edits.noted(session, [house], Edit.LINE_REMOVED, by, now) as edit:
        edit.detail = {
            "person": line.person_id, "weekdays": [line.weekday], "starts": line.starts, "ends": line.ends,
            "on_holidays": line.on_holidays,
        }  # fmt: skip
        await session.delete(line)
        await _keep(session, house, line.person_id, by, now)


async def _keep(session: AsyncSession, house: House, person_id: int, by: Person, now: datetime) -> None:
    await insert_once(session, HoursKept, house_id=ident(house), person_id=person_id, by_id=ident(by), at=now)
    await session.flush()
    await changes.rearm(session, now, house.id)


async def kept(session: AsyncSession, house: House) -> dict[int, HoursKept]:
    """Those whose weekly hours at this house are kept here, by their number."""
    found = await session.scalars(select(HoursKept).where(col(HoursKept.house_id) == house.id))
    return {row.person_id: row for row in found}


async def back_to_file(session: AsyncSession, house: House, person_id: int, *, by: Person, now: datetime) -> bool:
    """From the next load on, the file says again when this person is there. False: it did so anyway."""
    await _within_reach(session, by, house)
    row = (await kept(session, house)).get(person_id)
    if row is None:
        return False
    async with edits.noted(session, [house], Edit.FILE_AGAIN, by, now) as edit:
        edit.detail = {"person": person_id}
        await session.delete(row)
    return True


async def _within_reach(session: AsyncSession, by: Person, house: House) -> None:
    if not (await scope_of(session, by)).covers(house.id):
        raise LookupError(f"no house {house.id} for person {by.id}")


# Days that are different


class Source(StrEnum):
    """Who says so: staff, the programme's file, or the calendar of the country."""

    STAFF = "staff"
    FILE = "file"
    COUNTRY = "country"


@dataclass(frozen=True)
class Special:
    """A day that is off, or worked with the hours of a weekday. `noted`: the row that says so, where one does."""

    day: date
    holds: Day
    source: Source
    noted: CalendarDay | None = None


async def special_days(session: AsyncSession, house: House, first: date, days: int) -> dict[date, Special]:
    """Those of these days that are not like any other: the house's own word, the programme's, the country's."""
    last = first + A_DAY * (days - 1)
    rows = await session.scalars(
        select(CalendarDay).where(
            col(CalendarDay.programme_id) == house.programme_id,
            col(CalendarDay.house_id).is_(None) | (col(CalendarDay.house_id) == house.id),
            col(CalendarDay.day).between(first, last),
        )
    )
    noted = {row.day: row for row in sorted(rows, key=lambda row: row.house_id is not None)}
    found = {}
    for day in (first + A_DAY * n for n in range(days)):
        row = noted.get(day)
        if row is None and holidays.kind_of(day, house.zone) is None:
            continue
        table = {day: Noted(row.kind, row.hours_of)} if row is not None else {}
        source = Source.COUNTRY if row is None else Source.FILE if row.made_by is None else Source.STAFF
        found[day] = Special(day, holidays.day_of(day, house.zone, table), source, row)
    return found


async def note_day(
    session: AsyncSession, houses: Sequence[House], day: date, kind: DayKind, *, by: Person, now: datetime,
    everywhere: bool = False, hours_of: int | None = None,
) -> None:  # fmt: skip
    """These houses are closed on a day, or work it with the hours of a weekday. LookupError: not a house of `by`.

    `everywhere`: `houses` are all those of their programme, and it is noted for the programme.
    """
    async with edits.noted(session, houses, Edit.DAY_NOTED, by, now) as edit:
        edit.detail = {"day": day.isoformat(), "kind": kind.value, "hours_of": hours_of, "everywhere": everywhere}
        for house in [None] if everywhere else houses:
            await changes.note_day(
                session, houses[0].programme_id, house, day, kind, by=by, now=now, hours_of=hours_of
            )  # fmt: skip


async def forget_day(
    session: AsyncSession, houses: Sequence[House], day: date, *, by: Person, now: datetime, everywhere: bool = False
) -> bool:
    """The programme's word, or the country's calendar, holds again. False: nothing was noted."""
    async with edits.noted(session, houses, Edit.DAY_FORGOTTEN, by, now) as edit:
        edit.detail = {"day": day.isoformat(), "everywhere": everywhere}
        programme_id = houses[0].programme_id
        forgotten = [
            await changes.forget_day(session, programme_id, house, day, by=by, now=now)
            for house in ([None] if everywhere else houses)
        ]
        edit.drop = not any(forgotten)
    return any(forgotten)
