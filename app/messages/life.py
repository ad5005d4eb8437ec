"""What was written to and fro between somebody and the house. The words stay sealed until they are shown."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import table_of, unsealed
from app.messages.models import Inbox, Outbox, OutboxState
from app.messages.talking import SPOKEN
from app.people.life import Mark, before

INBOX, OUTBOX = table_of(Inbox), table_of(Outbox)
OVER = (OutboxState.SENT, OutboxState.DELIVERED, OutboxState.FAILED)
# What people did beside writing: a tap, a scan, a follow. The receipts of our own messages are nobody's doing.
HEARD = ("text", "page", "unreadable", "clicked", "scanned", "followed", "unfollowed")


@dataclass(slots=True)
class Wrote:
    """They wrote, or did something in WeChat; `words` and `answer` are opened when they are asked for."""

    number: int
    at: datetime
    kind: str
    sealed_words: str | None
    sealed_answer: str | None

    def __repr__(self) -> str:
        return f"<Wrote {self.number}>"

    @property
    def words(self) -> str | None:
        return unsealed(self.sealed_words)

    @property
    def answer(self) -> str | None:
        return unsealed(self.sealed_answer)


@dataclass(slots=True)
class WeWrote:
    """Something went out to them, or did not arrive. `by`: who of the staff said it, where it was no robot."""

    number: int
    at: datetime
    kind: str
    state: OutboxState
    subject_id: int | None

    @property
    def by(self) -> int | None:
        return self.subject_id if self.kind == SPOKEN else None


async def wrote(session: AsyncSession, person_id: int, mark: Mark, n: int) -> list[Wrote]:
    rows = await session.execute(
        select(
            INBOX.c.id, INBOX.c.sent_at, INBOX.c.kind, type_coerce(INBOX.c.content, Text),
            type_coerce(INBOX.c.reply, Text),
        )
        .where(INBOX.c.person_id == person_id, before(INBOX.c.sent_at, INBOX.c.id, mark), INBOX.c.kind.in_(HEARD))
        .order_by(INBOX.c.sent_at.desc(), INBOX.c.id.desc())
        .limit(n)
    )  # fmt: skip
    return [Wrote(*row) for row in rows]


async def we_wrote(session: AsyncSession, person_id: int, mark: Mark, n: int) -> list[WeWrote]:
    rows = await session.execute(
        select(OUTBOX.c.id, OUTBOX.c.finished_at, OUTBOX.c.kind, OUTBOX.c.state, OUTBOX.c.subject_id)
        .where(OUTBOX.c.person_id == person_id, OUTBOX.c.state.in_(OVER))
        .where(before(OUTBOX.c.finished_at, OUTBOX.c.id, mark))
        .order_by(OUTBOX.c.finished_at.desc(), OUTBOX.c.id.desc())
        .limit(n)
    )
    return [WeWrote(*row) for row in rows]


async def said_to(session: AsyncSession, numbers: list[int]) -> dict[int, dict[str, str]]:
    """What staff said in these messages, as it was given: a text, or the name of a phrase."""
    rows = await session.execute(
        select(OUTBOX.c.id, OUTBOX.c.params).where(OUTBOX.c.id.in_(numbers), OUTBOX.c.kind == SPOKEN)
    )
    return {number: params for number, params in rows}  # noqa: C416 - rows are no pairs to mypy
