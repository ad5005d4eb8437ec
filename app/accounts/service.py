"""Verbs of the accounts room: make one, prove who somebody is."""

import asyncio
from datetime import datetime

from pwdlib import PasswordHash
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.accounts.models import Account
from app.db import ident
from app.people.models import Person

HASHER = PasswordHash.recommended()


async def make(session: AsyncSession, who: Person, login: str, password_hash: str, now: datetime) -> Account:
    """An account for a member of staff who has none; `password_hash` is of `hashed`."""
    account = Account(person_id=ident(who), login=login.lower(), password=password_hash, made_at=now)
    session.add(account)
    await session.flush()
    return account


async def by_login(session: AsyncSession, login: str) -> Account | None:
    found: Account | None = await session.scalar(
        select(Account).where(col(Account.login) == login.strip().lower(), col(Account.disabled_at).is_(None))
    )
    return found


async def hashed(password: str) -> str:
    """Takes tens of milliseconds by design: never where others wait for the event loop."""
    return await asyncio.to_thread(HASHER.hash, password)


async def is_right(account: Account | None, password: str) -> bool:
    """Whether this is the password; it takes as long where there is no such account."""
    return await asyncio.to_thread(_verify, password, account.password if account else None)


def _verify(password: str, known: str | None) -> bool:
    if known is None:
        HASHER.hash(password)
        return False
    return HASHER.verify(password, known)
