"""Of houses: by which clock each lives, and how many look after its people."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.people.models import House, Person, Posting, Role


async def zones(session: AsyncSession) -> dict[int | None, str]:
    """The zone of every house."""
    rows = await session.execute(select(col(House.id), col(House.zone)))
    return {number: zone for number, zone in rows}  # noqa: C416 - rows are no pairs to mypy


async def workers_serving(session: AsyncSession, houses: Collection[int]) -> dict[int, int]:
    """How many workers each of these houses has, those who are posted there among them; a house without any is out."""
    at_home: Select[*tuple[Any, ...]] = select(col(Person.house_id).label("house"), col(Person.id)).where(
        col(Person.role) == Role.WORKER
    )
    posted = (
        select(col(Posting.house_id), col(Posting.person_id))
        .join(Person, col(Person.id) == col(Posting.person_id))
        .where(col(Person.role) == Role.WORKER)
    )
    serving = at_home.union(posted).subquery()
    counted = select(serving.c.house, func.count()).where(serving.c.house.in_(list(houses))).group_by(serving.c.house)
    return {number: n for number, n in await session.execute(counted)}  # noqa: C416 - rows are no pairs to mypy
