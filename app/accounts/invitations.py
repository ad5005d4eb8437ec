"""Links with which somebody of the staff chooses a password: three days, once, and a newer one ends the older ones."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.accounts.models import AccountEvent, Event, Invitation
from app.accounts.service import of_person
from app.db import changed, ident
from app.people.models import Person

LASTS = timedelta(hours=72)


async def make(session: AsyncSession, who: Person, by: Person | None, now: datetime) -> str:
    """The secret of a new link; nobody can look it up again. `by` None: from the command line.

    LookupError: they are not of those who sign in, or their account is shut.
    """
    account = await of_person(session, ident(who))
    if not who.role.signs_in or (account is not None and account.disabled_at is not None):
        raise LookupError("nobody to invite")
    await end(session, ident(who), now)
    token = secrets.token_urlsafe(32)
    session.add(
        Invitation(
            hash=_hash(token), person_id=ident(who), made_by=ident(by) if by else None, made_at=now,
            expires_at=now + LASTS,
        )
    )  # fmt: skip
    session.add(
        AccountEvent(
            account_id=account.id if account else None, person_id=ident(who), kind=Event.INVITED,
            by_id=ident(by) if by else None, at=now,
        )
    )  # fmt: skip
    await session.flush()
    return token


async def end(session: AsyncSession, person_id: int, now: datetime) -> None:
    """No link of theirs works any longer."""
    await session.execute(update(Invitation).where(*_open(person_id, now)).values(expires_at=now))


async def live(session: AsyncSession, token: str, now: datetime) -> Invitation:
    """LookupError where it never was, was used, or is over."""
    row: Invitation | None = await session.scalar(
        select(Invitation).where(
            col(Invitation.hash) == _hash(token), col(Invitation.used_at).is_(None), col(Invitation.expires_at) > now
        )
    )
    if row is None:
        raise LookupError("no invitation")
    return row


async def of_person_until(session: AsyncSession, person_id: int, now: datetime) -> datetime | None:
    """Until when a link that was given to them works; None if there is none."""
    wanted = select(col(Invitation.expires_at)).where(*_open(person_id, now))
    found: datetime | None = await session.scalar(wanted)
    return found


def _open(person_id: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    theirs = col(Invitation.person_id) == person_id
    return theirs, col(Invitation.used_at).is_(None), col(Invitation.expires_at) > now


async def use(session: AsyncSession, row: Invitation, now: datetime) -> None:
    """LookupError: somebody was quicker."""
    once = update(Invitation).where(col(Invitation.id) == row.id, col(Invitation.used_at).is_(None))
    if await changed(session, once.values(used_at=now)) != 1:
        raise LookupError("used")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
