"""What is asked of the messages room from outside: alarms, channels, how staff can be reached, and counts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.messages.models import Alarm, Attempt, Channel, Contact, Inbox, Lane, Outbox
from app.people.models import Person, Role

STAFF = tuple(role for role in Role if role.is_staff)


@dataclass(frozen=True, slots=True)
class Alarms:
    """How many hours had this alarm."""

    channel: str
    what: str
    errcode: int | None
    count: int


async def alarms_since(session: AsyncSession, moment: datetime) -> list[Alarms]:
    kind = (col(Alarm.channel), col(Alarm.what), col(Alarm.errcode))
    rows = await session.execute(
        select(*kind, func.count()).where(col(Alarm.at) >= moment).group_by(*kind).order_by(*kind)
    )
    return [Alarms(channel, what, errcode, count) for channel, what, errcode, count in rows]


async def closed_channels(session: AsyncSession, now: datetime) -> list[Channel]:
    closed = select(Channel).where(col(Channel.closed_until) > now).order_by(col(Channel.name))
    return list(await session.scalars(closed))


async def staff_and_contacts(session: AsyncSession) -> list[tuple[Person, Contact | None]]:
    """Every member of staff, each with the WeChat user that they are, if any."""
    rows = await session.execute(
        select(Person, Contact)
        .outerjoin(Contact, col(Contact.person_id) == col(Person.id))
        .where(col(Person.role).in_(STAFF))
        .order_by(col(Person.id))
    )
    return [(person, contact) for person, contact in rows]


@dataclass(frozen=True, slots=True)
class Counts:
    """`waiting`: what is not finished. The others since the beginning. Nothing here says whom it is about."""

    waiting: dict[tuple[Lane, str], int]
    attempts: dict[tuple[str, ...], int]
    alarms: dict[tuple[str, ...], int]
    inbound: int


async def counts(session: AsyncSession) -> Counts:
    lanes, tries, kinds = (
        (col(Outbox.lane), col(Outbox.state)), (col(Attempt.rung), col(Attempt.result)),
        (col(Alarm.channel), col(Alarm.what)),
    )  # fmt: skip
    waiting = await session.execute(
        select(*lanes, func.count()).where(col(Outbox.due_at).is_not(None)).group_by(*lanes)
    )  # fmt: skip
    attempts = await session.execute(select(*tries, func.count()).group_by(*tries))
    alarms = await session.execute(select(*kinds, func.count()).group_by(*kinds))
    return Counts(
        {(lane, state.value): n for lane, state, n in waiting},
        {(rung, result): n for rung, result, n in attempts},
        {(channel, what): n for channel, what, n in alarms},
        await session.scalar(select(func.count()).select_from(Inbox)) or 0,
    )
