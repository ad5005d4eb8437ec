"""How much was said: by members, to members, and who left. Words are not read for this."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.messages.models import Inbox, Outbox, OutboxState
from app.people.figures import Tally
from app.people.models import Person, Role

WRITTEN = ("text", "unreadable")
UNFOLLOWED = "unfollowed"


@dataclass(frozen=True)
class Messages:
    """`wrote`: words, voices, pictures of members. `told`: what left for them; `untold`: what never did.

    `left`: the last that was heard of them in this time is that they stopped following.
    """

    wrote: Tally
    told: Tally
    untold: Tally
    left: Tally


async def messages(session: AsyncSession, houses: Collection[int], since: datetime, until: datetime) -> Messages:
    """From `since` on and before `until`, of the members of these houses."""

    async def counted(rows: Select[*tuple[Any, ...]]) -> Tally:
        return Tally.over(await session.execute(rows))

    received = (col(Inbox.received_at) >= since, col(Inbox.received_at) < until)
    finished = (col(Outbox.finished_at) >= since, col(Outbox.finished_at) < until)
    gone = col(Outbox.state).in_([OutboxState.SENT, OutboxState.DELIVERED])
    lost = col(Outbox.state).in_([OutboxState.FAILED, OutboxState.EXPIRED])
    newest = select(func.max(col(Inbox.id))).where(*received).group_by(col(Inbox.person_id))
    return Messages(
        wrote=await counted(_of_members(Inbox, houses, *received, col(Inbox.kind).in_(WRITTEN))),
        told=await counted(_of_members(Outbox, houses, *finished, gone)),
        untold=await counted(_of_members(Outbox, houses, *finished, lost)),
        left=await counted(_of_members(Inbox, houses, col(Inbox.kind) == UNFOLLOWED, col(Inbox.id).in_(newest))),
    )


def _of_members(
    table: type[Inbox] | type[Outbox], houses: Collection[int], *those: ColumnElement[bool]
) -> Select[*tuple[Any, ...]]:
    found: Any = (
        select(col(Person.house_id), col(Person.id), func.count())
        .join(table, col(table.person_id) == col(Person.id))
        .where(col(Person.house_id).in_(houses), col(Person.role) == Role.MEMBER, *those)
        .group_by(col(Person.house_id), col(Person.id))
    )
    return found  # type: ignore[no-any-return]
