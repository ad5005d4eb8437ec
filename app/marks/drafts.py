"""Books of rules that somebody has handed in to be tried: kept for a week, so that nothing typed is lost."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.marks.models import RuleDraft
from app.people.models import Person

KEPT = timedelta(days=7)


async def keep(session: AsyncSession, who: Person, source: str, now: datetime) -> RuleDraft:
    """Nothing is read of it yet, and nothing is in force by it."""
    await session.execute(delete(RuleDraft).where(col(RuleDraft.at) < now - KEPT))
    draft = RuleDraft(programme_id=who.programme_id, by_id=ident(who), source=source, at=now)
    session.add(draft)
    await session.flush()
    return draft


async def find(session: AsyncSession, programme_id: int, draft_id: int) -> RuleDraft:
    """LookupError: there is none, or it was handed in elsewhere."""
    found: RuleDraft | None = await session.scalar(
        select(RuleDraft).where(col(RuleDraft.id) == draft_id, col(RuleDraft.programme_id) == programme_id)
    )
    if found is None:
        raise LookupError(f"no draft {draft_id}")
    return found
