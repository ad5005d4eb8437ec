"""Turns that people take, and days that the programme or a house says itself whether they are worked."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.duty.models import CalendarDay, Rotation
from app.loading.file import ProgrammeFile
from app.loading.tally import Tally, settle
from app.people.models import House, Person, Programme


async def load(
    session: AsyncSession, file: ProgrammeFile, programme: Programme, houses: dict[str, House], tally: Tally
) -> None:
    await _turns(session, file, programme, houses, tally)
    await _days(session, file, programme, houses, tally)


async def _turns(
    session: AsyncSession, file: ProgrammeFile, programme: Programme, houses: dict[str, House], tally: Tally
) -> None:
    codes = {code for entry in file.rota for code in entry.people}
    people = await session.scalars(
        select(Person).where(col(Person.programme_id) == programme.id, col(Person.code).in_(codes))
    )
    numbers = {person.code: ident(person) for person in people}
    in_file = [ident(house) for house in houses.values()]
    rows = await session.scalars(select(Rotation).where(col(Rotation.house_id).in_(in_file)))
    standing = {(row.house_id, row.code): row for row in rows}
    wanted = {(ident(houses[entry.house]), entry.code): entry for entry in file.rota}
    for gone in standing.keys() - wanted.keys():
        await session.delete(standing[gone])
        tally.count(changed=True)
    for (house_id, code), entry in wanted.items():
        values: dict[str, Any] = {
            "hours": [list(shift) for shift in entry.shifts], "people": [numbers[who] for who in entry.people],
            "anchor": entry.starts_on, "turn_days": entry.turn,
        }  # fmt: skip
        row = standing.get((house_id, code))
        if row is None:
            session.add(Rotation(house_id=house_id, code=code, **values))
            tally.count(new=True)
        else:
            tally.count(changed=settle(row, **values))


async def _days(
    session: AsyncSession, file: ProgrammeFile, programme: Programme, houses: dict[str, House], tally: Tally
) -> None:
    """What staff noted themselves about a day stays: they know it better than a file of last year."""
    rows = await session.scalars(select(CalendarDay).where(col(CalendarDay.programme_id) == programme.id))
    standing = {(row.house_id, row.day): row for row in rows}
    wanted = {(ident(houses[entry.house]) if entry.house else None, entry.day): entry for entry in file.days}
    for gone in standing.keys() - wanted.keys():
        if standing[gone].made_by is None:
            await session.delete(standing[gone])
            tally.count(changed=True)
    for (house_id, day), entry in wanted.items():
        row = standing.get((house_id, day))
        if row is None:
            session.add(
                CalendarDay(
                    programme_id=ident(programme), house_id=house_id, day=day, kind=entry.kind, hours_of=entry.hours_of
                )
            )
            tally.count(new=True)
        elif row.made_by is not None:
            tally.notes.append(f"{day} 已经由工作人员改过，文件里写的没有用上")
            tally.count()
        else:
            tally.count(changed=settle(row, kind=entry.kind, hours_of=entry.hours_of))
