"""Accounts of others: who may look after whose, and what they may do with it.

Nobody gives, takes or resets what reaches further than they do themselves: not a higher role, nor more houses.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.accounts import invitations, sessions, waiting
from app.accounts import service as accounts
from app.accounts.models import Account, Event, Invitation, SignIn
from app.accounts.service import note
from app.people.models import Person, Role
from app.people.scope import Scope, scope_of, within

RANKS = (Role.COUNSELLOR, Role.WORKER, Role.SUPERVISOR, Role.ADMINISTRATOR)


@dataclass(frozen=True)
class Colleague:
    """`invited_until`: they were given a link that still works; `seen_at`: when a browser of theirs was last there."""

    who: Person
    account: Account | None
    invited_until: datetime | None
    seen_at: datetime | None


async def staff(session: AsyncSession, scope: Scope, now: datetime, limit: int, skip: int = 0) -> list[Colleague]:
    """Everybody of these houses who may sign in, whether they can already or not."""
    seen = select(func.max(col(SignIn.seen_at))).where(col(SignIn.person_id) == col(Person.id)).scalar_subquery()
    until = (
        select(func.max(col(Invitation.expires_at)))
        .where(
            col(Invitation.person_id) == col(Person.id), col(Invitation.used_at).is_(None),
            col(Invitation.expires_at) > now,
        )
        .scalar_subquery()
    )  # fmt: skip
    found = await session.execute(
        select(Person, Account, until, seen)
        .outerjoin(Account, col(Account.person_id) == col(Person.id))
        .where(within(scope, Person), col(Person.role).in_(RANKS))
        .order_by(col(Person.id))
        .limit(limit)
        .offset(skip)
    )
    return [Colleague(*row) for row in found]


async def colleague(session: AsyncSession, scope: Scope, person_id: int, now: datetime) -> Colleague:
    """LookupError: not of the staff, or not in this scope."""
    who = await session.scalar(
        select(Person).where(col(Person.id) == person_id, within(scope, Person), col(Person.role).in_(RANKS))
    )
    if who is None:
        raise LookupError(f"no colleague {person_id}")
    seen = await session.scalar(select(func.max(col(SignIn.seen_at))).where(col(SignIn.person_id) == person_id))
    until = await invitations.of_person_until(session, person_id, now)
    return Colleague(who, await accounts.of_person(session, person_id), until, seen)


async def may_look_after(session: AsyncSession, scope: Scope, who: Person, other: Person) -> bool:
    """Whether `who`, who sees `scope`, may invite, shut out and let in `other`."""
    if who.id == other.id or who.role not in RANKS or RANKS.index(other.role) > RANKS.index(who.role):
        return False
    return (await scope_of(session, other)).houses <= scope.houses


async def disable(session: AsyncSession, account: Account, by: Person | None, now: datetime) -> None:
    """From this moment nothing of theirs opens anything here: no password, no link, no browser."""
    if account.disabled_at is None:
        account.disabled_at = now
        note(session, account, Event.DISABLED, now, by)
    await invitations.end(session, account.person_id, now)
    await sessions.end_all(session, account, now)


async def enable(session: AsyncSession, account: Account, by: Person | None, now: datetime) -> None:
    if account.disabled_at is not None:
        account.disabled_at = None
        waiting.forget(account)
        note(session, account, Event.ENABLED, now, by)


async def reset(session: AsyncSession, who: Person, account: Account, by: Person | None, now: datetime) -> str:
    """For somebody whose phone is gone: the secret of a link with which they begin anew.

    The password goes with the second factor: whoever had found it out would otherwise be alone with it.
    """
    account.password, account.oidc_subject = None, None
    account.totp, account.totp_counter, account.recovery = None, None, []
    waiting.forget(account)
    await sessions.end_all(session, account, now)
    note(session, account, Event.RESET, now, by)
    await session.flush()
    return await invitations.make(session, who, by, now)
