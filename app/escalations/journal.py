"""Writes the log of a case: one entry after the other, none of them ever changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.escalations.models import CaseEvent, CaseRow
from app.people.models import Person


async def append(
    session: AsyncSession, row: CaseRow, kind: str, detail: dict[str, Any], *, now: datetime,
    actor: Person | None = None,
) -> int:  # fmt: skip
    """Add an entry; its number in the log of this case, from 1."""
    last = await session.scalar(select(func.max(col(CaseEvent.seq))).where(col(CaseEvent.case_id) == row.id))
    seq = (last or 0) + 1
    session.add(
        CaseEvent(
            case_id=ident(row), house_id=row.house_id, seq=seq, at=now, kind=kind, actor_id=actor.id if actor else None,
            detail=detail,
        )
    )  # fmt: skip
    await session.flush()
    return seq


async def entries(session: AsyncSession, row: CaseRow) -> list[CaseEvent]:
    """The whole log, in order."""
    log = select(CaseEvent).where(col(CaseEvent.case_id) == row.id).order_by(col(CaseEvent.seq))
    return list(await session.scalars(log))
