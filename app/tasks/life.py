"""What had to be done for somebody, and when it was done."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import table_of
from app.people.life import Mark, before
from app.tasks.models import Task, TaskKind

TASK = table_of(Task)


@dataclass(frozen=True, slots=True)
class Asked:
    number: int
    at: datetime
    kind: TaskKind
    reason: str
    done_at: datetime | None


_COLUMNS = (TASK.c.id, TASK.c.created_at, TASK.c.kind, TASK.c.reason, TASK.c.done_at)


async def asked(session: AsyncSession, person_id: int, mark: Mark, n: int) -> list[Asked]:
    rows = await session.execute(
        select(*_COLUMNS)
        .where(TASK.c.person_id == person_id, before(TASK.c.created_at, TASK.c.id, mark))
        .order_by(TASK.c.created_at.desc(), TASK.c.id.desc())
        .limit(n)
    )
    return [Asked(*row) for row in rows]


async def to_call(session: AsyncSession, person_id: int) -> list[Asked]:
    """The calls that still have to be made to somebody."""
    rows = await session.execute(
        select(*_COLUMNS)
        .where(TASK.c.person_id == person_id, TASK.c.kind == TaskKind.CALL, TASK.c.done_at.is_(None))
        .order_by(TASK.c.id)
    )
    return [Asked(*row) for row in rows]
