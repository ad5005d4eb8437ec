"""Verbs of the opinions room: put a message down to be asked about, claim, finish, count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import due
from app.db import ident, insert_once, ring
from app.messages.models import Inbox
from app.opinions.models import Outcome, SecondOpinion
from app.people.models import Person

OPINIONS = "opinions"
LATENESS = timedelta(minutes=15)


async def put_down(session: AsyncSession, inbox: Inbox, who: Person, read_as: int, now: datetime) -> None:
    """This message is to be asked about as soon as this unit of work is committed; once."""
    made = await insert_once(
        session, SecondOpinion, inbox_id=ident(inbox), person_id=ident(who), house_id=who.house_id, read_as=read_as,
        made_at=now, not_after=now + LATENESS, due_at=now,
    )  # fmt: skip
    if made is not None:
        ring(session, OPINIONS)


async def claim(session: AsyncSession, now: datetime, n: int) -> Sequence[SecondOpinion]:
    return await due.claim(session, SecondOpinion, now, n=n)


async def message_of(session: AsyncSession, row: SecondOpinion) -> Inbox:
    found = await session.get(Inbox, row.inbox_id)
    if found is None:
        raise LookupError(f"no message {row.inbox_id}")
    return found


async def calls_since(session: AsyncSession, since: datetime) -> int:
    """How often words left the house for an opinion about a message from then on."""
    calls = select(func.sum(col(SecondOpinion.calls))).where(col(SecondOpinion.made_at) > since)
    return int(await session.scalar(calls) or 0)


@dataclass(frozen=True, slots=True)
class Tally:
    """`asked`: messages whose words left the house at least once; `waiting`: those that are not finished."""

    asked: int
    waiting: int
    outcomes: dict[Outcome, int]


async def tally(session: AsyncSession, since: datetime | None = None) -> Tally:
    """Of all messages, or of those since a moment."""
    recent = true() if since is None else col(SecondOpinion.made_at) > since
    outcome = col(SecondOpinion.outcome)
    rows = await session.execute(select(outcome, func.count()).where(recent).group_by(outcome))
    counts: dict[Outcome | None, int] = {one: n for one, n in rows}  # noqa: C416 (rows are no pairs to mypy)
    asked = await session.scalar(select(func.count()).where(recent, col(SecondOpinion.calls) > 0)) or 0
    return Tally(asked, counts.get(None, 0), {one: counts.get(one, 0) for one in Outcome})
