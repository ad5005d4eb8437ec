"""Writes the log of a case: one entry after the other, none of them ever changed."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.escalations.log import VIA
from app.escalations.models import CaseEvent, CaseRow, Via
from app.people.models import Person


async def append(
    session: AsyncSession, row: CaseRow, kind: str, detail: dict[str, Any], *, now: datetime,
    actor: Person | None = None, via: Via | None = None,
) -> int:  # fmt: skip
    """Add an entry; its number in the log of this case, from 1."""
    seq = await newest(session, row) + 1
    session.add(
        CaseEvent(
            case_id=ident(row), house_id=row.house_id, seq=seq, at=now, kind=kind, actor_id=actor.id if actor else None,
            detail={**detail, VIA: via} if via else detail,
        )
    )  # fmt: skip
    await session.flush()
    return seq


async def newest(session: AsyncSession, row: CaseRow) -> int:
    """The number of the last entry; 0: there is none."""
    last = select(func.max(col(CaseEvent.seq))).where(col(CaseEvent.case_id) == row.id)
    return await session.scalar(last) or 0


async def newest_of(session: AsyncSession, cases: Collection[int]) -> dict[int, int]:
    """The number of the last entry of each of these cases, by the case."""
    number = col(CaseEvent.case_id)
    last = select(number, func.max(col(CaseEvent.seq))).where(number.in_(list(cases))).group_by(number)
    return {row[0]: row[1] for row in await session.execute(last)}


async def happened_since(session: AsyncSession, row: CaseRow, seq: int, kind: str) -> bool:
    """Whether the log has something of this kind after the entry `seq`: what was shown then is out of date."""
    later = select(col(CaseEvent.id)).where(
        col(CaseEvent.case_id) == row.id, col(CaseEvent.seq) > seq, col(CaseEvent.kind) == kind
    )
    return await session.scalar(later.limit(1)) is not None


async def entries(session: AsyncSession, row: CaseRow) -> list[CaseEvent]:
    """The whole log, in order."""
    log = select(CaseEvent).where(col(CaseEvent.case_id) == row.id).order_by(col(CaseEvent.seq))
    return list(await session.scalars(log))
