"""Verbs of the accounts room: make one, find it, prove who somebody is, note what was done."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from pwdlib import PasswordHash
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.accounts.models import Account, AccountEvent, Event
from app.db import ident
from app.people.models import Person

HASHER = PasswordHash.recommended()
# Each hash takes 64 MiB for as long as it is made: a crowd at the door must not take the memory of the house.
HANDS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


async def make(session: AsyncSession, who: Person, login: str, password_hash: str | None, now: datetime) -> Account:
    """An account for a member of staff who has none; `password_hash` is of `hashed`, None: they have no password."""
    account = Account(person_id=ident(who), login=as_kept(login), password=password_hash, made_at=now)
    session.add(account)
    await session.flush()
    return account


def as_kept(login: str) -> str:
    """A login however it was typed: full-width letters, capitals and spaces around it are the same."""
    return unicodedata.normalize("NFKC", login).strip().lower()


async def by_login(session: AsyncSession, login: str) -> Account | None:
    """An account that is open; locked until this unit of work ends."""
    wanted = select(Account).where(col(Account.login) == as_kept(login), col(Account.disabled_at).is_(None))
    found: Account | None = await session.scalar(wanted.with_for_update())
    return found


async def is_taken(session: AsyncSession, login: str) -> bool:
    return await session.scalar(select(col(Account.id)).where(col(Account.login) == as_kept(login))) is not None


async def by_subject(session: AsyncSession, subject: str) -> Account:
    """The account that is bound to this one of an identity provider. LookupError: none that is open."""
    found: Account | None = await session.scalar(
        select(Account).where(col(Account.oidc_subject) == subject, col(Account.disabled_at).is_(None))
    )
    if found is None:
        raise LookupError("nobody bound")
    return found


async def of_person(session: AsyncSession, person_id: int) -> Account | None:
    found: Account | None = await session.scalar(select(Account).where(col(Account.person_id) == person_id))
    return found


async def by_id(session: AsyncSession, account_id: int, *, lock: bool = True) -> Account:
    """Locked until this unit of work ends, unless it is only looked at. LookupError: there is none, or it is shut."""
    wanted = select(Account).where(col(Account.id) == account_id, col(Account.disabled_at).is_(None))
    found: Account | None = await session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise LookupError("no open account")
    return found


async def hashed(password: str) -> str:
    """Takes tens of milliseconds by design: never where others wait for the event loop."""
    return await asyncio.get_running_loop().run_in_executor(HANDS, HASHER.hash, _as_hashed(password))


async def is_right(account: Account | None, password: str) -> bool:
    """Whether this is the password; it takes as long where there is no such account."""
    known = account.password if account else None
    return await asyncio.get_running_loop().run_in_executor(HANDS, _verify, _as_hashed(password), known)


def _as_hashed(password: str) -> str:
    """The same whatever keyboard it was typed on (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _verify(password: str, known: str | None) -> bool:
    if known is None:
        HASHER.hash(password)
        return False
    return HASHER.verify(password, known)


def note(session: AsyncSession, account: Account, kind: Event, now: datetime, by: Person | None = None) -> None:
    """`by`: somebody else did it."""
    session.add(
        AccountEvent(
            account_id=account.id, person_id=account.person_id, kind=kind, by_id=ident(by) if by else None, at=now
        )
    )


async def events_of(session: AsyncSession, person_id: int, limit: int) -> list[AccountEvent]:
    """The newest first."""
    found = select(AccountEvent).where(col(AccountEvent.person_id) == person_id)
    return list(await session.scalars(found.order_by(col(AccountEvent.id).desc()).limit(limit)))
