"""Who may see whom: staff see the houses they are posted to, nobody else's."""

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.people.models import House, Person, Posting, Role


@dataclass(frozen=True)
class Scope:
    programme_id: int
    houses: frozenset[int]

    def covers(self, house_id: int | None) -> bool:
        return house_id in self.houses


class BearsHouse(Protocol):
    house_id: Any


def within(scope: Scope, model: type[BearsHouse]) -> ColumnElement[bool]:
    """The condition that keeps a query inside a scope; each room's `visible…` helper begins with it."""
    return col(model.house_id).in_(scope.houses)


async def scope_of(session: AsyncSession, person: Person) -> Scope:
    """Staff: their house and their postings; a supervisor: the programme. Anybody else: nothing."""
    houses: set[int] = set()
    if person.role is Role.SUPERVISOR:
        of_programme = select(col(House.id)).where(col(House.programme_id) == person.programme_id)
        houses.update(h for h in await session.scalars(of_programme) if h is not None)
    elif person.role.is_staff:
        posted = select(col(Posting.house_id)).where(col(Posting.person_id) == person.id)
        houses.update({person.house_id, *await session.scalars(posted)})
    return Scope(person.programme_id, frozenset(houses))
