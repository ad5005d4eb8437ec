"""One text to everybody of a house or a programme, behind everything else; stopped at once, resumed, said once."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import changed, ident, ring
from app.messages import outbox
from app.messages.lateness import max_lateness
from app.messages.models import Broadcast, BroadcastState, Contact, Lane, Outbox, OutboxState
from app.people.models import Person, Role

STOPPED = "stopped"
A_MOMENT = timedelta(seconds=1)


async def start(
    session: AsyncSession, said: str, now: datetime, *, programme_id: int, house_id: int | None = None
) -> Broadcast:
    """Put it into the outbox of every member who joined, in one statement."""
    cast = Broadcast(
        programme_id=programme_id, house_id=house_id, said=said, created_at=now,
        not_after=now + max_lateness("broadcast"),
    )  # fmt: skip
    session.add(cast)
    await session.flush()
    everybody: Any = (
        select(col(Person.id).label("person_id"), col(Person.house_id).label("house_id"))
        .join(Contact, col(Contact.person_id) == col(Person.id))
        .where(col(Person.programme_id) == programme_id, col(Person.role) == Role.MEMBER)
        .where(col(Person.joined_at).is_not(None), col(Contact.following))
    )
    if house_id is not None:
        everybody = everybody.where(col(Person.house_id) == house_id)
    await outbox.fan_out(
        session, "broadcast", f"broadcast:{cast.id}", everybody, now=now, until=cast.not_after,
        subject_id=ident(cast), lane=Lane.BROADCAST, broadcast_id=ident(cast),
    )  # fmt: skip
    return cast


async def stop(session: AsyncSession, broadcast_id: int) -> int:
    """Nothing more of it goes out, but for what is being sent in this moment; how many wait now.

    One that nobody resumes ends when it would be too old to be said.
    """
    cast = await _set(session, broadcast_id, BroadcastState.STOPPED)
    return await changed(
        session,
        update(outbox.OUTBOX)
        .where(outbox.OUTBOX.c.broadcast_id == broadcast_id, outbox.OUTBOX.c.state.in_(outbox.WAITING))
        .where(or_(outbox.OUTBOX.c.reason.is_(None), outbox.OUTBOX.c.reason != STOPPED))
        .values(state=OutboxState.HELD, reason=STOPPED, due_at=parked_until(cast.not_after)),
    )


def parked_until(not_after: datetime) -> datetime:
    """When a message that waits for its broadcast to be resumed is looked at again, and found to be too old."""
    return not_after + A_MOMENT


async def resume(session: AsyncSession, broadcast_id: int, now: datetime) -> int:
    """The rest goes out, nobody twice; how many that are. What has become too old meanwhile is dropped later."""
    await _set(session, broadcast_id, BroadcastState.RUNNING)
    woken = await changed(
        session,
        update(outbox.OUTBOX)
        .where(outbox.OUTBOX.c.broadcast_id == broadcast_id, outbox.OUTBOX.c.state == OutboxState.HELD)
        .where(outbox.OUTBOX.c.reason == STOPPED)
        .values(state=OutboxState.QUEUED, reason=None, due_at=now),
    )
    ring(session, outbox.DELIVER)
    return woken


async def find(session: AsyncSession, broadcast_id: int) -> Broadcast | None:
    return await session.get(Broadcast, broadcast_id)


async def stopped_among(session: AsyncSession, broadcasts: Collection[int]) -> set[int]:
    """Those of these that have been stopped."""
    if not broadcasts:
        return set()
    return set(
        await session.scalars(
            select(col(Broadcast.id)).where(
                col(Broadcast.id).in_(list(broadcasts)), col(Broadcast.state) == BroadcastState.STOPPED
            )
        )
    )


async def latest_for(session: AsyncSession, who: Person, now: datetime) -> Broadcast | None:
    """The last one that was meant for this person and is still fresh: what they read in full when they ask."""
    found: Broadcast | None = await session.scalar(
        select(Broadcast)
        .where(col(Broadcast.programme_id) == who.programme_id, col(Broadcast.not_after) > now)
        .where((col(Broadcast.house_id) == who.house_id) | col(Broadcast.house_id).is_(None))
        .order_by(col(Broadcast.id).desc())
        .limit(1)
    )
    return found


async def counts(session: AsyncSession, broadcast_id: int) -> dict[OutboxState, int]:
    """How many of its messages are in which state."""
    rows = await session.execute(
        select(col(Outbox.state), func.count()).where(col(Outbox.broadcast_id) == broadcast_id).group_by(Outbox.state)
    )
    return {state: n for state, n in rows}  # noqa: C416 - rows are no pairs to mypy


async def _set(session: AsyncSession, broadcast_id: int, state: BroadcastState) -> Broadcast:
    broadcast = await session.get(Broadcast, broadcast_id, with_for_update=True, populate_existing=True)
    if broadcast is None:
        raise LookupError(f"no broadcast {broadcast_id}")
    broadcast.state = state
    await session.flush()
    return broadcast
