"""The ways out of the house: which are set up, which are closed and until when; and alarms about them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import add_once, insert_once
from app.messages.models import Alarm, Channel

log = structlog.get_logger()
REST = timedelta(minutes=10)
# How the author of a ladder calls the ways to a member of staff, and the rungs that each of them is.
WAYS = {"wechat": ("template", "customer"), "wecom": ("wecom",), "sms": ("sms",), "mail": ("mail",)}
RUNGS = ("customer", "template", "subscription", "wecom", "robot", "sms", "mail")


def in_order(rungs: Sequence[str], wanted: Mapping[str, Any]) -> list[str]:
    """These rungs in the order that is wanted: the ways under `first` before the others, or those under `only`."""
    named = [rung for way in wanted.get("only", wanted.get("first", ())) for rung in WAYS[way]]
    before = [rung for rung in named if rung in rungs]
    return before if "only" in wanted else [*before, *(rung for rung in rungs if rung not in before)]


async def set_up(session: AsyncSession, names: Collection[str]) -> None:
    """These rungs are set up in this installation; one that no longer is is forgotten."""
    standing = {channel.name: channel for channel in await session.scalars(select(Channel))}
    for name in names:
        if name not in standing:
            await add_once(session, Channel, name=name)
    gone = standing.keys() & set(RUNGS) - set(names)
    if gone:
        await session.execute(delete(Channel).where(col(Channel.name).in_(gone)))


async def configured(session: AsyncSession) -> set[str]:
    return set(await session.scalars(select(col(Channel.name)).where(col(Channel.configured))))


@dataclass(frozen=True, slots=True)
class Closed:
    until: datetime
    because: str


async def closed(session: AsyncSession, now: datetime) -> dict[str, Closed]:
    """The channels that are closed just now, until when and why."""
    rows = await session.execute(
        select(col(Channel.name), col(Channel.closed_until), col(Channel.closed_because)).where(
            col(Channel.closed_until) > now
        )
    )
    return {name: Closed(until, because or "") for name, until, because in rows if until is not None}


async def close(session: AsyncSession, name: str, until: datetime, because: str) -> None:
    """Nobody uses this channel until then, in any process; what is urgent still tries."""
    await add_once(session, Channel, name=name)
    channel = await session.get(Channel, name, with_for_update=True, populate_existing=True)
    if channel is not None and (channel.closed_until is None or channel.closed_until < until):
        channel.closed_until, channel.closed_because = until, because[:40]


async def alarm(
    session: AsyncSession, channel: str, what: str, now: datetime, *, code: str = "", errcode: int | None = None,
    detail: str | None = None, once_a: str = "%Y%m%d%H",
) -> bool:  # fmt: skip
    """Tell whoever runs the program, once for each channel, code and hour. False: they have been told."""
    key = f"{channel}:{what}:{code or errcode or ''}:{now.strftime(once_a)}"
    raised = await insert_once(
        session, Alarm, key=key[:120], channel=channel, what=what, errcode=errcode, detail=detail, at=now
    )
    if raised is not None:
        log.critical("alarm", channel=channel, what=what, code=code or errcode, detail=detail)
    return raised is not None


async def alarms_since(session: AsyncSession, since: datetime) -> list[Alarm]:
    return list(await session.scalars(select(Alarm).where(col(Alarm.at) >= since).order_by(col(Alarm.at))))


async def take_untold(session: AsyncSession, now: datetime) -> list[Alarm]:
    """The alarms that nobody has been written about; from here on they count as told."""
    told = await session.scalars(update(Alarm).where(col(Alarm.told_at).is_(None)).values(told_at=now).returning(Alarm))
    return sorted(told, key=lambda alarm: alarm.id or 0)


async def untold(session: AsyncSession, alarms: Collection[int]) -> None:
    await session.execute(update(Alarm).where(col(Alarm.id).in_(list(alarms))).values(told_at=None))
