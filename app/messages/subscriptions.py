"""How many one-time subscription notices somebody has still allowed (订阅通知). WeChat can not be asked.

One accept is one send, and no two senders may spend the same one: each step is one conditional UPDATE.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import insert_once
from app.messages.models import Subscription


async def allowed(session: AsyncSession, contact_id: int, template_id: str) -> None:
    """The person tapped 允许: one more."""
    await insert_once(session, Subscription, contact_id=contact_id, template_id=template_id, balance=0)
    await session.execute(
        update(Subscription)
        .where(col(Subscription.contact_id) == contact_id, col(Subscription.template_id) == template_id)
        .values(balance=col(Subscription.balance) + 1, refused_at=None)
    )


async def refused(session: AsyncSession, contact_id: int, template_id: str, now: datetime) -> None:
    """The person said no, in the pop-up or in their settings, or WeChat says that nothing is left (43101)."""
    await insert_once(session, Subscription, contact_id=contact_id, template_id=template_id, balance=0)
    await session.execute(
        update(Subscription)
        .where(col(Subscription.contact_id) == contact_id, col(Subscription.template_id) == template_id)
        .values(balance=0, refused_at=now)
    )


async def spend(session: AsyncSession, contact_id: int, template_id: str) -> bool:
    """Take one. False: there is none, or somebody else took it in this moment."""
    taken = await session.scalars(
        update(Subscription)
        .where(col(Subscription.contact_id) == contact_id, col(Subscription.template_id) == template_id)
        .where(col(Subscription.balance) > 0)
        .values(balance=col(Subscription.balance) - 1)
        .returning(col(Subscription.id))
        .execution_options(synchronize_session=False)
    )
    return taken.first() is not None


async def give_back(session: AsyncSession, contact_id: int, template_id: str) -> None:
    """It surely was not sent."""
    await session.execute(
        update(Subscription)
        .where(col(Subscription.contact_id) == contact_id, col(Subscription.template_id) == template_id)
        .values(balance=col(Subscription.balance) + 1)
    )


async def balances(session: AsyncSession, contacts: Collection[int]) -> dict[tuple[int, str], int]:
    rows = await session.execute(
        select(col(Subscription.contact_id), col(Subscription.template_id), col(Subscription.balance)).where(
            col(Subscription.contact_id).in_(list(contacts)), col(Subscription.balance) > 0
        )
    )
    return {(contact, template): left for contact, template, left in rows}
