"""Keys for programs: made for one member of staff, for what they may do, for a while. Only a hash is kept."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.people.models import ApiToken, Person

PREFIX = "tongxing_"  # so that a key that got into the wrong place is recognised by those who look for such
NOTED_EVERY = timedelta(minutes=1)


class May(StrEnum):
    """What a key opens: acting on cases; reading names and words."""

    TAKE = "take"
    READ = "read"


async def make(
    session: AsyncSession, who: Person, may: Collection[May], now: datetime, *, lasts: timedelta
) -> tuple[ApiToken, str]:
    """The row, and the key itself: 256 random bits, which nobody can look up again."""
    key = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        person_id=ident(who), hash=_hash(key), may=sorted(m.value for m in may), made_at=now, expires_at=now + lasts
    )
    session.add(row)
    await session.flush()
    return row, key


async def all_of_them(session: AsyncSession) -> list[ApiToken]:
    return list(await session.scalars(select(ApiToken).order_by(col(ApiToken.id))))


async def revoke(session: AsyncSession, number: int, now: datetime) -> bool:
    """From now on it opens nothing. False: there is no such key."""
    row = await session.get(ApiToken, number)
    if row is None:
        return False
    row.revoked_at = row.revoked_at or now
    return True


async def find(session: AsyncSession, key: str, now: datetime) -> ApiToken | None:
    """The row of a key that still opens something."""
    row: ApiToken | None = await session.scalar(select(ApiToken).where(col(ApiToken.hash) == _hash(key)))
    return row if row is not None and is_good(row, now) else None


def is_good(row: ApiToken, now: datetime) -> bool:
    return row.revoked_at is None and now < row.expires_at


def to_be_noted(row: ApiToken, now: datetime) -> bool:
    """Whether its last use was noted so long ago that this one should be; to the minute is close enough."""
    return row.used_at is None or now - row.used_at >= NOTED_EVERY


async def note_use(session: AsyncSession, number: int, now: datetime) -> None:
    row = await session.get(ApiToken, number)
    if row is not None:
        row.used_at = now


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
