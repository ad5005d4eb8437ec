"""Who may see whom: what somebody's reach has in it, and never a house of another programme."""

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.people.models import House, Person, Posting, Reach, Role

WIDE = (Role.SUPERVISOR, Role.ADMINISTRATOR)


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


def reach_of(person: Person) -> Reach:
    """What was written down for them; otherwise what their role has."""
    return person.reach or (Reach.PROGRAMME if person.role in WIDE else Reach.HOUSE)


async def scope_of(session: AsyncSession, person: Person) -> Scope:
    """Whoever signs in: the houses of their reach. Anybody else: nothing."""
    if not person.role.signs_in:
        return Scope(person.programme_id, frozenset())
    return Scope(person.programme_id, await _houses(session, person, reach_of(person)))


async def serves(session: AsyncSession, person: Person) -> frozenset[int]:
    """The houses somebody belongs or is posted to, however much further they may see."""
    return await _houses(session, person, Reach.HOUSE)


def covering(house: House) -> ColumnElement[bool]:
    """The condition on people whose scope has this house in it."""
    wide = (col(Person.reach) == Reach.PROGRAMME) | col(Person.reach).is_(None) & col(Person.role).in_(WIDE)
    same = select(col(House.id)).where(
        col(House.programme_id) == house.programme_id, col(House.district) == house.district
    )
    far = [wide, _serve(select(col(House.id)).where(col(House.id) == house.id))]
    if house.district:
        far.append((col(Person.reach) == Reach.DISTRICT) & _serve(same))
    return and_(
        col(Person.programme_id) == house.programme_id, col(Person.role).in_([r for r in Role if r.signs_in]),
        or_(*far),
    )  # fmt: skip


def _serve(houses: Any) -> ColumnElement[bool]:
    posted = select(col(Posting.person_id)).where(col(Posting.house_id).in_(houses))
    return col(Person.house_id).in_(houses) | col(Person.id).in_(posted)


async def _houses(session: AsyncSession, person: Person, reach: Reach) -> frozenset[int]:
    wanted = select(col(House.id)).where(col(House.programme_id) == person.programme_id)
    posted = select(col(Posting.house_id)).where(col(Posting.person_id) == person.id)
    own = (col(House.id) == person.house_id) | col(House.id).in_(posted)
    if reach is Reach.HOUSE:
        wanted = wanted.where(own)
    elif reach is Reach.DISTRICT:
        districts = select(col(House.district)).where(
            col(House.programme_id) == person.programme_id, own, col(House.district) != ""
        )
        wanted = wanted.where(own | col(House.district).in_(districts))
    return frozenset(found for found in await session.scalars(wanted) if found is not None)
