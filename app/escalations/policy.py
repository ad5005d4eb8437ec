"""The ladders of a programme as whoever answers for them writes them: checked, and with what they were before.

A ladder that was written here stays when the programme's file is loaded, until it is handed back (ADR 0036).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.escalations.checks import refuse_alone
from app.escalations.ladders import DEFAULTS, LadderError, read_ladder
from app.escalations.models import LadderChange, LadderRow
from app.escalations.states import Level
from app.people.models import Person


async def standing(session: AsyncSession, programme_id: int, level: Level) -> LadderRow | None:
    """The row that holds for a level; None: the usual ladder of the house does."""
    found: LadderRow | None = await session.scalar(
        select(LadderRow).where(col(LadderRow.programme_id) == programme_id, col(LadderRow.level) == level)
    )
    return found


async def save_ladder(
    session: AsyncSession, programme_id: int, level: Level, plan: dict[str, Any], now: datetime, *, by: Person
) -> LadderChange | None:
    """Write a ladder down for a programme; cases that are open keep theirs. None: it is the one that holds already.

    LadderError: nothing is written.
    """
    wanted = read_ladder(plan)
    await refuse_alone(session, programme_id, level, wanted, now)
    row = await standing(session, programme_id, level)
    before = row.plan if row is not None else DEFAULTS[level]
    if _is(before, plan):
        return None
    if row is None:
        row = LadderRow(programme_id=programme_id, level=level, plan=plan)
        session.add(row)
    row.plan, row.made_by, row.made_at = plan, by.id, now
    return await _noted(session, programme_id, level, before, plan, by, now)


async def back_to_file(
    session: AsyncSession, programme_id: int, level: Level, now: datetime, *, by: Person
) -> LadderChange | None:
    """The file says again what holds from its next load on; until then the usual one does. None: it does so anyway.

    LadderError, and nothing is changed, if the usual one would leave somebody alone.
    """
    row = await standing(session, programme_id, level)
    if row is None or row.made_by is None:
        return None
    await refuse_alone(session, programme_id, level, read_ladder(DEFAULTS[level]), now)
    await session.delete(row)
    return await _noted(session, programme_id, level, row.plan, DEFAULTS[level], by, now)


def _is(before: dict[str, Any], plan: dict[str, Any]) -> bool:
    try:
        return read_ladder(before) == read_ladder(plan)
    except LadderError:  # what stands there cannot be read: any that can is another one
        return False


async def _noted(
    session: AsyncSession, programme_id: int, level: Level, before: dict[str, Any], after: dict[str, Any],
    by: Person, now: datetime,
) -> LadderChange:  # fmt: skip
    change = LadderChange(programme_id=programme_id, level=level, at=now, by_id=ident(by), before=before, after=after)
    session.add(change)
    await session.flush()
    return change


async def history(session: AsyncSession, programme_id: int, level: Level, n: int) -> list[LadderChange]:
    """The last `n` changes of a ladder, the newest first."""
    mine = select(LadderChange).where(col(LadderChange.programme_id) == programme_id, col(LadderChange.level) == level)
    return list(await session.scalars(mine.order_by(col(LadderChange.id).desc()).limit(n)))
