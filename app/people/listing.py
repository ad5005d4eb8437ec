"""Members in their order, a page at a time, for whoever may see the houses."""

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.people.models import Person, Role
from app.people.scope import Scope
from app.people.service import visible_people


async def members(session: AsyncSession, scope: Scope, n: int, after: int = 0) -> list[Person]:
    """Up to `n` members of these houses, those after the number `after`."""
    found = visible_people(scope).where(col(Person.role) == Role.MEMBER, col(Person.id) > after)
    return list(await session.scalars(found.order_by(col(Person.id)).limit(n)))


async def member_called(session: AsyncSession, scope: Scope, code: str) -> Person | None:
    """The member of these houses with this code in the register."""
    found: Person | None = await session.scalar(
        visible_people(scope).where(col(Person.role) == Role.MEMBER, col(Person.code) == code)
    )
    return found
