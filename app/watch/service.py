"""Verbs of the watch: beat, leave, who has beaten."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import add_once
from app.watch.models import Heartbeat, Role

# A process that was killed leaves its row; it says for a day when that was.
REMEMBERED = timedelta(days=1)


async def beat(session: AsyncSession, names: Mapping[Role, str], now: datetime) -> None:
    """This process is alive. Rows of processes that have been gone for a day are taken away."""
    for role, name in names.items():
        if not await add_once(session, Heartbeat, name=name, role=role, at=now):
            await session.execute(update(Heartbeat).where(col(Heartbeat.name) == name).values(at=now))
    await session.execute(delete(Heartbeat).where(col(Heartbeat.at) < now - REMEMBERED))


async def leave(session: AsyncSession, names: Collection[str]) -> None:
    """This process stops in good order."""
    await session.execute(delete(Heartbeat).where(col(Heartbeat.name).in_(list(names))))


async def beats(session: AsyncSession) -> list[Heartbeat]:
    """Every process that is alive or died within a day, those that were heard last first."""
    return list(await session.scalars(select(Heartbeat).order_by(col(Heartbeat.at).desc())))
