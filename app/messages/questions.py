"""The open question of a person: what their next bare number means."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.messages.models import Contact, Question, QuestionState
from app.messages.service import release_held

# A letter that goes out by itself never takes the digits away from these.
UNYIELDING = frozenset({"safe"})


async def current(session: AsyncSession, contact: Contact, now: datetime) -> Question | None:
    """The question that is open to this person; one whose time is over is closed on the way."""
    question: Question | None = await session.scalar(
        select(Question).where(col(Question.contact_id) == contact.id, col(Question.state) == QuestionState.OPEN)
    )
    if question is not None and question.expires_at <= now:
        await close(session, contact, question, QuestionState.EXPIRED, now)
        return None
    return question


async def ask(
    session: AsyncSession, contact: Contact, topic: str, *, now: datetime, lasts: timedelta,
    subject_id: int | None = None, data: dict[str, Any] | None = None, house_id: int | None = None,
) -> Question:  # fmt: skip
    """Open a question; the one that was open is replaced by it."""
    former = await current(session, contact, now)
    if former is not None:
        former.state = QuestionState.REPLACED
        await session.flush()
    question = Question(
        contact_id=ident(contact), house_id=house_id, topic=topic, subject_id=subject_id, data=data or {},
        asked_at=now, expires_at=now + lasts,
    )  # fmt: skip
    session.add(question)
    contact.misunderstood = 0
    await session.flush()
    return question


async def close(
    session: AsyncSession, contact: Contact, question: Question, state: QuestionState, now: datetime
) -> None:
    question.state = state
    await session.flush()
    await release_held(session, contact, now)


async def last_expired(session: AsyncSession, contact: Contact, now: datetime, within: timedelta) -> Question | None:
    """The question somebody may still be answering although its time is over, if it was the last one."""
    last: Question | None = await session.scalar(
        select(Question).where(col(Question.contact_id) == contact.id).order_by(col(Question.id).desc()).limit(1)
    )
    over = (QuestionState.EXPIRED, QuestionState.ANSWERED)
    if last is None or last.state not in over or last.asked_at < now - within:
        return None
    return last
