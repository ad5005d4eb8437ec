"""Who is there, and when somebody is there next: wall-clock hours in the house's zone."""

from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import local, wall
from app.escalations.models import Duty
from app.messages import service as messages
from app.people.models import House, Person


async def _rota(session: AsyncSession, house: House) -> list[Duty]:
    return list(await session.scalars(select(Duty).where(col(Duty.house_id) == house.id)))


def shift_holds(shift: Duty, moment: datetime, zone_name: str) -> bool:
    """Whether `moment` lies in the shift; one that ends before it starts spans midnight."""
    here = local(moment, zone_name)
    starts, ends, at = time.fromisoformat(shift.starts), time.fromisoformat(shift.ends), here.time()
    if starts < ends:
        return here.weekday() == shift.weekday and starts <= at < ends
    began_today = here.weekday() == shift.weekday and at >= starts
    began_yesterday = (here.weekday() - 1) % 7 == shift.weekday and at < ends
    return began_today or began_yesterday


async def on_duty(session: AsyncSession, house: House, now: datetime) -> list[int]:
    """The people on duty at a house, without repeats."""
    there = [s.person_id for s in await _rota(session, house) if shift_holds(s, now, house.zone)]
    return list(dict.fromkeys(there))


async def everybody_on_the_rota(session: AsyncSession, house: House) -> frozenset[int]:
    """Whoever has hours at a house at all."""
    return frozenset(shift.person_id for shift in await _rota(session, house))


async def next_duty(session: AsyncSession, house: House, now: datetime) -> datetime | None:
    """When somebody is there next; None where the rota is empty."""
    today = local(now, house.zone).date()
    starts = [
        wall(day, time.fromisoformat(shift.starts), house.zone)
        for shift in await _rota(session, house)
        for day in (today + timedelta(days=n) for n in range(9))
        if day.weekday() == shift.weekday
    ]
    return min((moment for moment in starts if moment > now), default=None)


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
