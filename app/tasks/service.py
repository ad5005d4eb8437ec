"""Put something on a person's list, once."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import insert_once
from app.people.models import Person
from app.people.scope import Scope, within
from app.tasks.models import Task, TaskKind


async def ask_a_person(
    session: AsyncSession, kind: TaskKind, reason: str, *, key: str, now: datetime,
    about: Person | None = None, note: str | None = None, assignee_id: int | None = None,
) -> int | None:  # fmt: skip
    """Open a task, unless the same `key` stands there already (None); its number."""
    return await insert_once(
        session, Task, kind=kind, reason=reason, key=key, created_at=now, note=note,
        programme_id=about.programme_id if about else None,
        house_id=about.house_id if about else None,
        person_id=about.id if about else None,
        phone=about.phone if about else None,
        assignee_id=assignee_id or (about.worker_id if about else None),
    )  # fmt: skip


def visible_tasks(scope: Scope) -> Select[Task]:
    """What still has to be done in a scope."""
    return select(Task).where(within(scope, Task), col(Task.done_at).is_(None))


async def open_tasks_about(session: AsyncSession, who: Person) -> list[Task]:
    mine = select(Task).where(col(Task.person_id) == who.id, col(Task.done_at).is_(None)).order_by(col(Task.id))
    return list(await session.scalars(mine))
