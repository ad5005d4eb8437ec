"""Who works in a house."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.people.models import House, Person, Posting, Role
from app.people.scope import covering


async def counsellors_of(session: AsyncSession, house_id: int) -> list[Person]:
    """Who runs the activities of a house."""
    posted = select(col(Posting.person_id)).where(col(Posting.house_id) == house_id)
    run = (col(Person.house_id) == house_id) | col(Person.id).in_(posted)
    found = select(Person).where(col(Person.role) == Role.COUNSELLOR, run).order_by(col(Person.id))
    return list(await session.scalars(found))


async def workers_at(session: AsyncSession, house: House) -> list[int]:
    """Every worker who serves a house, and whoever leads it."""
    posted = select(col(Posting.person_id)).where(col(Posting.house_id) == house.id)
    found = select(col(Person.id)).where(
        col(Person.programme_id) == house.programme_id,
        (col(Person.role) == Role.SUPERVISOR) & covering(house)
        | (col(Person.role) == Role.WORKER) & ((col(Person.house_id) == house.id) | col(Person.id).in_(posted)),
    )
    return [person_id for person_id in await session.scalars(found.order_by(col(Person.id))) if person_id is not None]


async def who_runs(session: AsyncSession, house: House) -> list[int]:
    """Those to whom a matter of the house itself falls, in order: its counsellors, its workers, whoever leads."""
    counsellors = [ident(one) for one in await counsellors_of(session, ident(house))]
    return [*counsellors, *await workers_at(session, house)]
