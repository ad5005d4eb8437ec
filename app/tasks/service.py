"""Put something on a person's list, once, and tell that person; take it off again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import insert_once
from app.messages import service as messages
from app.people import service as people
from app.people import staff
from app.people.models import House, Person, Role
from app.people.scope import Scope, within
from app.tasks.models import Task, TaskKind

# Who waits for an answer is worth a message each; calls and clearing up are told of once an hour.
AT_ONCE = (TaskKind.TALK, TaskKind.READ)
# These are over when whoever leads has looked at what they are about, and not by crossing them off.
NOT_CROSSED_OFF = ("glass_broken",)


async def ask_a_person(
    session: AsyncSession, kind: TaskKind, reason: str, *, key: str, now: datetime,
    about: Person | None = None, of: House | None = None, note: str | None = None, subject_id: int | None = None,
    to: Sequence[int] = (), tell: bool = True,
) -> int | None:  # fmt: skip
    """Open a task, unless the same `key` stands there already (None), and tell whoever it falls to.

    That is the worker of the person it is about, or the next one whom some channel of ours leads to; `to` names
    others. What is `of` a house, and about nobody, falls to whoever runs its activities. `tell`: False where they are
    told by a message of its own.
    """
    if of is not None and about is None and not to:
        to = await staff.who_runs(session, of)
    candidates = list(to) or await people.who_looks_after(session, about)
    by_channel = await messages.reachable(session, candidates)
    told = next((person_id for person_id in candidates if person_id in by_channel), None)
    assignee = await people.person(session, told or candidates[0]) if candidates else None
    task_id = await insert_once(
        session, Task, kind=kind, reason=reason, key=key, created_at=now, note=note, subject_id=subject_id,
        programme_id=about.programme_id if about else of.programme_id if of else None,
        house_id=about.house_id if about else of.id if of else None,
        person_id=about.id if about else None,
        phone=about.phone if about else None,
        assignee_id=assignee.id if assignee else None,
    )  # fmt: skip
    if task_id is not None and assignee is not None and tell:
        once = str(task_id) if kind in AT_ONCE else f"{kind.value}:{assignee.id}:{now:%Y%m%d%H}"
        await messages.send(session, "task", key=f"task:{once}", to=assignee, subject_id=task_id, now=now)
    return task_id


async def further(session: AsyncSession, key: str, reason: str, words: str) -> bool:
    """There is more for the task of this key: another reason stands beside the first. False: it was done already."""
    task: Task | None = await session.scalar(select(Task).where(col(Task.key) == key))
    if task is None or task.done_at is not None:
        return False
    if reason != task.reason and words not in (task.note or "").splitlines():
        task.note = f"{task.note}\n{words}" if task.note else words
    return True


def visible_tasks(scope: Scope) -> Select[Task]:
    """What still has to be done in a scope."""
    return select(Task).where(within(scope, Task), col(Task.done_at).is_(None)).order_by(col(Task.id))


async def open_in(session: AsyncSession, scope: Scope, n: int = 50, skip: int = 0) -> list[Task]:
    return list(await session.scalars(visible_tasks(scope).offset(skip).limit(n)))


async def visible_task(session: AsyncSession, scope: Scope, task_id: int) -> Task:
    """What still has to be done, by its number. LookupError: there is no such task in this scope."""
    task: Task | None = await session.scalar(visible_tasks(scope).where(col(Task.id) == task_id))
    if task is None:
        raise LookupError(f"no task {task_id}")
    return task


async def count_in(session: AsyncSession, scope: Scope, *, reason: str = "") -> int:
    """How many things still have to be done in a scope; those of one `reason`, if one is named."""
    open_ones = visible_tasks(scope) if not reason else visible_tasks(scope).where(col(Task.reason) == reason)
    return await session.scalar(select(func.count()).select_from(open_ones.order_by(None).subquery())) or 0


async def open_for(session: AsyncSession, scope: Scope, who: Person, n: int = 50) -> list[Task]:
    """What waits for this member of staff. Counsellors see their own only: others may hold what people wrote."""
    waiting = visible_tasks(scope)
    if who.role is Role.COUNSELLOR:
        waiting = waiting.where(col(Task.assignee_id) == who.id)
    return list(await session.scalars(waiting.limit(n)))


async def waits_for_a_lead(session: AsyncSession, scope: Scope, task_id: int) -> bool:
    """Whether this task can not be crossed off, because whoever leads has to look at what it is about."""
    task = await session.scalar(visible_tasks(scope).where(col(Task.id) == task_id))
    return task is not None and task.reason in NOT_CROSSED_OFF


async def finish(session: AsyncSession, scope: Scope, task_id: int, now: datetime) -> bool:
    """Take a task off the list. False: there is no such task in this scope that can be crossed off."""
    task = await session.scalar(visible_tasks(scope).where(col(Task.id) == task_id))
    if task is None or task.reason in NOT_CROSSED_OFF:
        return False
    task.done_at = now
    return True


async def finish_key(session: AsyncSession, key: str, now: datetime) -> None:
    """What it asked for has happened: off the list."""
    await session.execute(update(Task).where(col(Task.key) == key, col(Task.done_at).is_(None)).values(done_at=now))
