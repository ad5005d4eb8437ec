"""The access token in the database: every process uses the same one, and one process at a time renews it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import add_once
from app.messages.models import Token

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def stored(session: AsyncSession, account: str) -> Token | None:
    """The token of an account, fresh or not; None before the first one."""
    row: Token | None = await session.scalar(select(Token).where(col(Token.account) == account))
    # Asked here and not of the database, to which even an empty value is sealed.
    return row if row is not None and row.value else None


async def begin_renewal(session: AsyncSession, account: str, now: datetime, lease: timedelta) -> bool:
    """Whether it is ours to renew the token: nobody else is at it, or they have been for too long."""
    await add_once(session, Token, account=account, value="", expires_at=LONG_AGO)
    mine = await session.scalars(
        update(Token)
        .where(col(Token.account) == account)
        .where(or_(col(Token.renewing_until).is_(None), col(Token.renewing_until) <= now))
        .values(renewing_until=now + lease)
        .returning(col(Token.account))
        .execution_options(synchronize_session=False)
    )
    return mine.first() is not None


async def store(session: AsyncSession, account: str, value: str, expires_at: datetime) -> None:
    await session.merge(Token(account=account, value=value, expires_at=expires_at, renewing_until=None))


async def give_up_renewal(session: AsyncSession, account: str) -> None:
    await session.execute(update(Token).where(col(Token.account) == account).values(renewing_until=None))
