"""The open question of a person: what their next bare number means."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident, table_of
from app.messages.models import Contact, Question, QuestionState
from app.messages.service import release_held

QUESTION = table_of(Question)
_OPEN = select(Question).where(
    col(Question.contact_id) == bindparam("of"), col(Question.state) == QuestionState.OPEN
)  # fmt: skip
# A letter that goes out by itself never takes the digits away from these.
UNYIELDING = frozenset({"safe"})


async def current(session: AsyncSession, contact: Contact, now: datetime) -> Question | None:
    """The question that is open to this person; one whose time is over is closed on the way."""
    question: Question | None = await session.scalar(_OPEN, {"of": contact.id})
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


@dataclass(frozen=True, slots=True)
class Open:
    """A question that is open to somebody, as far as sending cares."""

    topic: str
    subject_id: int | None
    asked_at: datetime
    expires_at: datetime


async def open_to(session: AsyncSession, contacts: Collection[int], now: datetime) -> dict[int, Open]:
    """The question that each of these contacts has before them, if any."""
    rows = await session.execute(
        select(
            col(Question.contact_id), col(Question.topic), col(Question.subject_id), col(Question.asked_at),
            col(Question.expires_at),
        ).where(
            col(Question.contact_id).in_(list(contacts)), col(Question.state) == QuestionState.OPEN,
            col(Question.expires_at) > now,
        )
    )  # fmt: skip
    return {contact: Open(topic, subject, asked, until) for contact, topic, subject, asked, until in rows}


@dataclass(frozen=True, slots=True)
class Put:
    """A question that a message which is out now puts to a contact."""

    contact_id: int
    house_id: int | None
    topic: str
    lasts: timedelta
    subject_id: int | None
    data: dict[str, Any]


async def ask_many(session: AsyncSession, asked: Sequence[Put], now: datetime) -> None:
    """Open these questions; what was open is replaced, but for the one question that never yields.

    The caller holds the contacts: a door that opens a question for one of them waits for us, or we for it.
    """
    if not asked:
        return
    contacts = [put.contact_id for put in asked]
    rows = await session.execute(
        select(QUESTION.c.id, QUESTION.c.contact_id, QUESTION.c.topic).where(
            QUESTION.c.contact_id.in_(contacts), QUESTION.c.state == QuestionState.OPEN
        )
    )
    standing = [tuple(row) for row in rows]
    kept = {contact for _, contact, topic in standing if topic in UNYIELDING}
    replaced = [number for number, contact, _ in standing if contact not in kept]
    if replaced:
        await session.execute(update(QUESTION).where(QUESTION.c.id.in_(replaced)).values(state=QuestionState.REPLACED))
    opened = [
        {
            "contact_id": put.contact_id, "house_id": put.house_id, "topic": put.topic, "subject_id": put.subject_id,
            "data": put.data, "state": QuestionState.OPEN, "asked_at": now, "expires_at": now + put.lasts,
        }
        for put in asked
        if put.contact_id not in kept
    ]  # fmt: skip
    if opened:
        await session.execute(insert(QUESTION), opened)


async def close(
    session: AsyncSession, contact: Contact, question: Question, state: QuestionState, now: datetime
) -> None:
    question.state = state
    await session.flush()
    await release_held(session, contact, now)


async def last_put(session: AsyncSession, person_id: int, topic: str) -> Question | None:
    """The last question of `topic` that was put to this person, whatever became of it."""
    last: Question | None = await session.scalar(
        select(Question)
        .join(Contact, col(Contact.id) == col(Question.contact_id))
        .where(col(Contact.person_id) == person_id, col(Question.topic) == topic)
        .order_by(col(Question.id).desc())
        .limit(1)
    )
    return last


async def answered_since(session: AsyncSession, contact: Contact, topic: str, since: datetime) -> bool:
    """Whether this person has answered a question of `topic` that was asked since then."""
    found = select(col(Question.id)).where(
        col(Question.contact_id) == contact.id, col(Question.topic) == topic,
        col(Question.state) == QuestionState.ANSWERED, col(Question.asked_at) >= since,
    )  # fmt: skip
    return await session.scalar(found.limit(1)) is not None


async def last_expired(session: AsyncSession, contact: Contact, now: datetime, within: timedelta) -> Question | None:
    """The question somebody may still be answering although its time is over, if it was the last one."""
    last: Question | None = await session.scalar(
        select(Question).where(col(Question.contact_id) == contact.id).order_by(col(Question.id).desc()).limit(1)
    )
    over = (QuestionState.EXPIRED, QuestionState.ANSWERED)
    if last is None or last.state not in over or last.asked_at < now - within:
        return None
    return last
