"""Brings the database to what a programme file says: the programme, its houses, its people and their hours."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities.calendar import Quiet
from app.db import Record, ident
from app.escalations.machine import Level
from app.escalations.models import Duty, LadderRow
from app.loading import meetings
from app.loading.checks import plan_of
from app.loading.file import ProgrammeFile
from app.loading.problems import LoadError, Problem
from app.loading.schema import Entry, MemberEntry, ProgrammeEntry, StaffEntry
from app.loading.tally import Loaded, Tally, settle
from app.messages import service as messages
from app.people.models import House, Person, Posting, Programme


async def load(
    session: AsyncSession, file: ProgrammeFile, *, now: datetime, quiet: Quiet, account: str = ""
) -> Loaded:
    """Create what is new, change what differs, leave the rest; the same file a second time changes nothing.

    What the file says about a person, a house or an activity replaces what was there: a line taken out of
    it (a `phone`, a `duty`, a ladder) is taken out here. People, houses and activities that the file does not name
    at all are left alone, and so is what only they themselves decide: what they are called, whether they
    joined, what they stopped, and the WeChat user that they joined with.

    Never commits. LoadError, and nothing may be committed, when the file is at odds with the database.
    """
    tally = Tally()
    programme = await _programme(session, file.programme, tally)
    houses, zones_before = await _houses(session, file, programme, tally)
    await _people(session, file, programme, houses, tally, _Wechat(account, now))
    await meetings.load(session, file, houses, zones_before, tally, now=now, quiet=quiet)
    await session.flush()
    if tally.problems:
        raise LoadError(tally.problems)
    return tally.loaded(ident(programme))


# Programme and houses


async def _programme(session: AsyncSession, entry: ProgrammeEntry, tally: Tally) -> Programme:
    row = await session.scalar(select(Programme).where(col(Programme.code) == entry.code))
    values = {
        **entry.model_dump(exclude={"code", "mood", "ladders"}),
        "mood_weekday": entry.mood.weekday,
        "mood_at": entry.mood.at,
    }
    new = row is None
    row = row or Programme(code=entry.code, name=entry.name)
    changed = settle(row, **values)
    session.add(row)
    await session.flush()
    changed |= await _ladders(session, row, entry)
    tally.count(new=new, changed=changed)
    return row


async def _ladders(session: AsyncSession, programme: Programme, entry: ProgrammeEntry) -> bool:
    written = {level: plan_of(plan) for level, plan in entry.ladders.plans().items()}
    rows = await session.scalars(select(LadderRow).where(col(LadderRow.programme_id) == programme.id))
    standing = {Level(row.level): row for row in rows}
    for level in standing.keys() - written.keys():
        await session.delete(standing[level])
    for level in written.keys() - standing.keys():
        session.add(LadderRow(programme_id=ident(programme), level=level, plan=written[level]))
    changed = [settle(standing[level], plan=written[level]) for level in written.keys() & standing.keys()]
    return any(changed) or standing.keys() != written.keys()


async def _houses(
    session: AsyncSession, file: ProgrammeFile, programme: Programme, tally: Tally
) -> tuple[dict[str, House], dict[int, str]]:
    """The houses by code, and the zone in which each has lived until now."""
    rows = await session.scalars(select(House).where(col(House.programme_id) == programme.id))
    standing = {row.code: row for row in rows}
    houses: dict[str, House] = {}
    before = {code: row.zone for code, row in standing.items()}
    for entry in file.houses:
        row = standing.get(entry.code) or House(programme_id=ident(programme), code=entry.code, name=entry.name)
        zone = entry.zone or file.programme.zone
        changed = settle(row, name=entry.name, venue=entry.venue, phone=entry.phone, zone=zone)
        session.add(row)
        tally.count(new=entry.code not in standing, changed=changed)
        houses[entry.code] = row
    await session.flush()
    return houses, {ident(row): before.get(code, row.zone) for code, row in houses.items()}


# People


@dataclass(frozen=True)
class _Wechat:
    """The account through which staff may be known by their openid already."""

    account: str
    now: datetime


async def _people(
    session: AsyncSession, file: ProgrammeFile, programme: Programme, houses: dict[str, House], tally: Tally,
    wechat: _Wechat,
) -> None:  # fmt: skip
    rows = await session.scalars(select(Person).where(col(Person.programme_id) == programme.id))
    standing = {row.code: row for row in rows}
    people: dict[str, Person] = {}
    changed: dict[str, bool] = {}
    for entry in file.people():
        row = standing.get(entry.code) or _person(entry, programme, houses)
        house_id = ident(houses[entry.house])
        changed[entry.code] = settle(
            row, name=entry.name, role=_role(entry), phone=entry.phone or None, house_id=house_id
        )
        session.add(row)
        people[entry.code] = row
    await session.flush()

    def number(code: str) -> int | None:
        return ident(people[code]) if code else None

    for member in file.members:
        row = people[member.code]
        changed[member.code] |= settle(row, worker_id=number(member.worker), backup_id=number(member.backup))
    hours = await _Hours.of(session, people.values())
    for person in file.staff:
        row = people[person.code]
        changed[person.code] |= await hours.settle(session, person, row, houses)
        changed[person.code] |= await _known_by_openid(session, file, person, row, tally, wechat)
    for code, differs in changed.items():
        tally.count(new=code not in standing, changed=differs)


def _person(entry: StaffEntry | MemberEntry, programme: Programme, houses: dict[str, House]) -> Person:
    return Person(
        programme_id=ident(programme), house_id=ident(houses[entry.house]), code=entry.code, role=_role(entry),
        name=entry.name,
    )  # fmt: skip
