"""Shift changes: one due row a house, which falls due when who is there may have changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import due
from app.db import ident, insert_once
from app.duty.models import Change, ChangeState, DutyWatch
from app.duty.rota import Shift
from app.duty.service import next_change, on_duty, plan
from app.people import service as people
from app.people.models import House

AT_LEAST = timedelta(days=1)


@dataclass(frozen=True)
class ShiftChange:
    """What is different from when somebody last looked. `going`: the shifts that ended since."""

    house: House
    coming: list[int]
    going: list[Shift]


async def begin(session: AsyncSession, now: datetime) -> int:
    """Watch every house that nobody watches yet; how many those are. Whoever is there now has come before."""
    watched = select(col(DutyWatch.house_id))
    new = list(await session.scalars(select(House).where(col(House.id).not_in(watched)).order_by(col(House.id))))
    for house in new:
        there = await on_duty(session, house, now)
        await insert_once(session, DutyWatch, house_id=ident(house), there=there, due_at=now)
    return len(new)


async def look(session: AsyncSession, watch: DutyWatch, now: datetime) -> ShiftChange | None:
    """Who has come and who has gone, and look again when that changes next; None: the lease was lost."""
    house = await people.house(session, watch.house_id)
    there = await on_duty(session, house, now)
    ended = await plan(session, house, now - AT_LEAST, now)
    going = []
    for person_id in sorted(set(watch.there) - set(there)):
        mine = [shift for shift in ended if shift.person_id == person_id]
        going.append(mine[-1] if mine else Shift(person_id, now, now))
    coming = [person_id for person_id in there if person_id not in watch.there]
    moments = [await next_change(session, house, now), await _next_lapse(session, house, now), now + AT_LEAST]
    if not await due.finish(session, watch, due_at=min(moment for moment in moments if moment), there=there):
        return None
    return ShiftChange(house, coming, going)


async def _next_lapse(session: AsyncSession, house: House, now: datetime) -> datetime | None:
    """When the next proposal of this house is over: its shift begins then, by whichever rules hold then."""
    first: datetime | None = await session.scalar(
        select(col(Change.starts_at))
        .where(col(Change.house_id) == house.id, col(Change.state) == ChangeState.PROPOSED)
        .where(col(Change.starts_at) > now)
        .order_by(col(Change.starts_at))
        .limit(1)
    )
    return first
