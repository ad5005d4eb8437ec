"""The cases of somebody, as their line of life shows them; practice is none of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import table_of
from app.escalations.models import CaseRow
from app.escalations.states import Level, Outcome, State
from app.people.life import Mark, before

CASE = table_of(CaseRow)


@dataclass(frozen=True, slots=True)
class Episode:
    number: int
    at: datetime
    code: str
    level: Level
    state: State
    owner_id: int | None
    outcome: Outcome | None
    resolved_at: datetime | None


_COLUMNS = [
    CASE.c[name] for name in ("id", "opened_at", "code", "level", "state", "owner_id", "outcome", "resolved_at")
]


async def episodes(session: AsyncSession, person_id: int, mark: Mark, n: int) -> list[Episode]:
    rows = await session.execute(
        select(*_COLUMNS)
        .where(CASE.c.person_id == person_id, ~CASE.c.drill, before(CASE.c.opened_at, CASE.c.id, mark))
        .order_by(CASE.c.opened_at.desc(), CASE.c.id.desc())
        .limit(n)
    )
    return [Episode(*row) for row in rows]


async def open_episode(session: AsyncSession, person_id: int) -> Episode | None:
    """The case of somebody that is not over, without holding it."""
    row = (
        await session.execute(
            select(*_COLUMNS).where(CASE.c.person_id == person_id, ~CASE.c.drill, CASE.c.state != State.RESOLVED)
        )
    ).first()
    return Episode(*row) if row is not None else None


async def codes_of(session: AsyncSession, numbers: Collection[int]) -> dict[int, str]:
    """What these cases are called."""
    rows = await session.execute(select(CASE.c.id, CASE.c.code).where(CASE.c.id.in_(list(numbers))))
    return {number: code for number, code in rows}  # noqa: C416 - rows are no pairs to mypy
