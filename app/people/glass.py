"""Breaking the glass: an hour with somebody whom one's own scope does not cover, for a reason, before witnesses.

That the witnesses hear of it is done by `app.tasks.glass`.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.people.models import GlassBroken, Person, Role
from app.people.scope import Scope

LASTS = timedelta(hours=1)
LONGEST_WHY = 300  # characters
SHORTEST_WHY = 4
# Whose page can be opened like that: those for whom the house is there, never a colleague.
BEHIND_GLASS = (Role.MEMBER, Role.FAMILY)


def may_break(by: Person) -> bool:
    """Supervisors see the whole programme anyway; counsellors and whoever runs the program never see more."""
    return by.role is Role.WORKER


async def behind(session: AsyncSession, by: Person, code: str) -> Person | None:
    """The person of the same programme with this code in the register."""
    found: Person | None = await session.scalar(
        select(Person).where(
            col(Person.programme_id) == by.programme_id, col(Person.code) == code, col(Person.role).in_(BEHIND_GLASS)
        )
    )
    return found


async def write_down(session: AsyncSession, who: Person, by: Person, why: str, now: datetime) -> GlassBroken:
    broken = GlassBroken(
        programme_id=who.programme_id, house_id=who.house_id, person_id=ident(who), by_id=ident(by), why=why, at=now,
        until=now + LASTS,
    )  # fmt: skip
    session.add(broken)
    await session.flush()
    return broken


async def broken_for(session: AsyncSession, person_id: int, by: Person, now: datetime) -> GlassBroken | None:
    """The glass that this worker broke for this person and that is still open. It ends where they may not break one."""
    if not may_break(by):
        return None
    found: GlassBroken | None = await session.scalar(
        select(GlassBroken)
        .where(
            col(GlassBroken.person_id) == person_id, col(GlassBroken.by_id) == by.id,
            col(GlassBroken.programme_id) == by.programme_id, col(GlassBroken.until) > now,
        )
        .order_by(col(GlassBroken.id).desc())
        .limit(1)
    )  # fmt: skip
    return found


async def visible(session: AsyncSession, scope: Scope, glass_id: int) -> GlassBroken:
    """LookupError where there is none in this scope."""
    found = await session.get(GlassBroken, glass_id)
    if found is None or not scope.covers(found.house_id):
        raise LookupError(f"no glass {glass_id}")
    return found


async def broken_in(session: AsyncSession, scope: Scope, n: int) -> list[GlassBroken]:
    """What was broken in a scope: what nobody has looked at first, then the newest; `n` of them."""
    found = (
        select(GlassBroken)
        .where(col(GlassBroken.house_id).in_(scope.houses))
        .order_by(col(GlassBroken.cleared_at).is_not(None), col(GlassBroken.id).desc())
        .limit(n)
    )
    return list(await session.scalars(found))
