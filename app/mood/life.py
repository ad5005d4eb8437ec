"""How somebody was: for the member's own worker only, who is who asks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import table_of, unsealed
from app.mood.models import MoodPlan, MoodPrompt, PromptState
from app.people.life import Mark, before

PROMPT, PLAN = table_of(MoodPrompt), table_of(MoodPlan)


@dataclass(slots=True)
class Felt:
    """An answer, or a question that has none: `score` is None then, never 0, and `missing_because` says why."""

    number: int
    at: datetime
    state: PromptState
    score: int | None
    missing_because: str | None
    sealed_note: str | None

    def __repr__(self) -> str:
        return f"<Felt {self.number}>"

    @property
    def note(self) -> str | None:
        return unsealed(self.sealed_note)


def _columns(at: object) -> tuple[object, ...]:
    return (
        PROMPT.c.id, at, PROMPT.c.state, PROMPT.c.score, PROMPT.c.missing_because, type_coerce(PROMPT.c.note, Text),
    )  # fmt: skip


async def felt(session: AsyncSession, person_id: int, mark: Mark, n: int) -> list[Felt]:
    """The answers, at the moments at which they came."""
    rows = await session.execute(
        select(*_columns(PROMPT.c.answered_at))  # type: ignore[call-overload]
        .where(PROMPT.c.person_id == person_id, PROMPT.c.score.is_not(None))
        .where(before(PROMPT.c.answered_at, PROMPT.c.id, mark))
        .order_by(PROMPT.c.answered_at.desc(), PROMPT.c.id.desc())
        .limit(n)
    )
    return [Felt(*row) for row in rows]


async def asked(session: AsyncSession, person_id: int, since: datetime) -> list[Felt]:
    """Every question since then with its answer, or without one, in the order in which they were asked."""
    rows = await session.execute(
        select(*_columns(PROMPT.c.asked_at))  # type: ignore[call-overload]
        .where(PROMPT.c.person_id == person_id, PROMPT.c.asked_at >= since)
        .order_by(PROMPT.c.asked_at, PROMPT.c.id)
    )
    return [Felt(*row) for row in rows]


async def is_asked_weekly(session: AsyncSession, person_id: int) -> bool:
    return await session.scalar(select(PLAN.c.id).where(PLAN.c.person_id == person_id)) is not None
