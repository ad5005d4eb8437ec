"""Browsers that are signed in: a key in a cookie, of which only a hash is kept, good until one of three ends it.

It ends when nobody has used it for a while, when it is old, and when somebody signs out or the account is shut.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.accounts.models import Account, SignIn
from app.db import ident

NOTED_EVERY = timedelta(minutes=1)


async def begin(session: AsyncSession, account: Account, now: datetime, *, lasts: timedelta) -> tuple[SignIn, str]:
    """The row, and the key for the cookie: 256 random bits, new at every sign-in."""
    key = secrets.token_urlsafe(32)
    row = SignIn(
        account_id=ident(account), person_id=account.person_id, hash=_hash(key), made_at=now, seen_at=now,
        expires_at=now + lasts,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row, key


async def find(session: AsyncSession, key: str, now: datetime, *, idle: timedelta) -> SignIn | None:
    """The row behind a cookie that still lets somebody in."""
    row: SignIn | None = await session.scalar(
        select(SignIn)
        .join(Account, col(Account.id) == col(SignIn.account_id))
        .where(col(SignIn.hash) == _hash(key), col(SignIn.ended_at).is_(None), col(Account.disabled_at).is_(None))
    )
    return row if row is not None and now < row.expires_at and now - row.seen_at < idle else None


def to_be_noted(row: SignIn, now: datetime) -> bool:
    """Whether it was noted so long ago that somebody is there that it should be again; to the minute is enough."""
    return now - row.seen_at >= NOTED_EVERY


async def note(session: AsyncSession, row: SignIn, now: datetime) -> None:
    await session.execute(update(SignIn).where(col(SignIn.id) == row.id).values(seen_at=now))


async def by_key(session: AsyncSession, key: str) -> SignIn | None:
    """The row behind a cookie, whether it still lets somebody in or not."""
    found: SignIn | None = await session.scalar(select(SignIn).where(col(SignIn.hash) == _hash(key)))
    return found


async def of_account(session: AsyncSession, account: Account, now: datetime, *, idle: timedelta) -> list[SignIn]:
    """Every browser that is signed in with it now, the last one used first."""
    found = select(SignIn).where(
        col(SignIn.account_id) == account.id, col(SignIn.ended_at).is_(None), col(SignIn.expires_at) > now,
        col(SignIn.seen_at) > now - idle,
    )  # fmt: skip
    return list(await session.scalars(found.order_by(col(SignIn.seen_at).desc(), col(SignIn.id).desc())))


async def end_all(session: AsyncSession, account: Account, now: datetime) -> None:
    await session.execute(
        update(SignIn).where(col(SignIn.account_id) == account.id, col(SignIn.ended_at).is_(None)).values(ended_at=now)
    )


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
