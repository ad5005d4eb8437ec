"""What signing in consists of, step by step; each writes down what happened.

Whoever raises what a browser is trusted with gets a new key for it, and the old one opens nothing any more.
"""

import hashlib
import re
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import invitations, second_factor, sessions, waiting
from app.accounts import service as accounts
from app.accounts.models import Account, Event, Invitation
from app.accounts.service import note
from app.people import service as people

LOGIN = re.compile(r"[\w.@+-]{2,60}")


class LoginTaken(Exception):  # noqa: N818 - what somebody chose belongs to another
    pass


async def attempt(session: AsyncSession, login: str, now: datetime) -> Account | None:
    """Count an attempt to sign in, before its password is looked at.

    None: no open account of the staff, or it has to wait. Whoever asks cannot tell which.
    """
    account = await accounts.by_login(session, login)
    if account is None or not (await people.person(session, account.person_id)).role.signs_in:
        return None
    return account if waiting.count(account, now) else None


async def refused(session: AsyncSession, account: Account, now: datetime) -> None:
    note(session, account, Event.REFUSED, now)


async def knows_password(session: AsyncSession, account_id: int, seal: str) -> Account:
    """The account of somebody whose password was right a moment ago, for their next step.

    LookupError: it has been shut, or the password is another by now.
    """
    account = await accounts.by_id(session, account_id)
    if seal_of(account) != seal:
        raise LookupError("another password")
    return account


def so_far(account: Account) -> None:
    """The password was right, and a code is asked for next: it counts no longer, and lets nobody in by itself."""
    waiting.take_back(account)


def seal_of(account: Account) -> str:
    """Changes with the password; tells nothing about it."""
    return hashlib.sha256(f"seal {account.password}".encode()).hexdigest()[:16]


async def second(session: AsyncSession, account: Account, typed: str, now: datetime) -> bool:
    """Whether this is a code of their second factor, or one of those that stand in for it; it is used up by that."""
    if account.totp is None or not waiting.count(account, now):
        return False
    counter = second_factor.taken(account.totp, typed, now, account.totp_counter)
    if counter is not None:
        account.totp_counter = counter
        return True
    left = second_factor.without(account.recovery, typed)
    if left is None:
        note(session, account, Event.REFUSED, now)
        return False
    account.recovery = left
    note(session, account, Event.CODE_USED, now)
    return True


async def enter(session: AsyncSession, account: Account, now: datetime, *, lasts: timedelta) -> str:
    """Everything that was asked for was right: the key for the browser's cookie."""
    waiting.forget(account)
    note(session, account, Event.SIGNED_IN, now)
    _row, key = await sessions.begin(session, account, now, lasts=lasts)
    return key


async def leave(session: AsyncSession, key: str, now: datetime) -> None:
    row = await sessions.by_key(session, key)
    if row is not None and row.ended_at is None:
        row.ended_at = now
        note(session, await accounts.by_id(session, row.account_id), Event.SIGNED_OUT, now)


async def leave_everywhere(session: AsyncSession, account: Account, now: datetime) -> None:
    await sessions.end_all(session, account, now)
    note(session, account, Event.SIGNED_OUT, now)


async def join(session: AsyncSession, invitation: Invitation, login: str, password_hash: str, now: datetime) -> Account:
    """The invitation is used: an account with this login and password, or a new password for the one there is.

    LookupError: it was used already, or the account was shut. LoginTaken.
    """
    account = await _invited(session, invitation, now)
    if account is not None:
        account.password = password_hash
        waiting.forget(account)
        await sessions.end_all(session, account, now)
    elif await accounts.is_taken(session, login):
        raise LoginTaken
    else:
        try:
            who = await people.person(session, invitation.person_id)
            account = await accounts.make(session, who, login, password_hash, now)
        except IntegrityError:
            raise LoginTaken from None
    note(session, account, Event.JOINED, now)
    return account


async def bind(session: AsyncSession, invitation: Invitation, subject: str, now: datetime) -> Account:
    """The invitation is used: from now on the account of their organisation opens theirs here.

    LookupError as for `join`; IntegrityError: it opens somebody else's already.
    """
    account = await _invited(session, invitation, now)
    if account is None:
        who = await people.person(session, invitation.person_id)
        login = f"{who.code}.{who.id}" if await accounts.is_taken(session, who.code) else who.code
        account = await accounts.make(session, who, login, None, now)
    account.oidc_subject = subject
    waiting.forget(account)
    await sessions.end_all(session, account, now)
    note(session, account, Event.BOUND, now)
    await session.flush()
    return account


async def _invited(session: AsyncSession, invitation: Invitation, now: datetime) -> Account | None:
    """Use the invitation up; the account that they have already. LookupError: it opens nothing."""
    await invitations.use(session, invitation, now)
    who = await people.person(session, invitation.person_id)
    account = await accounts.of_person(session, invitation.person_id)
    if not who.role.signs_in or (account is not None and account.disabled_at is not None):
        raise LookupError("not of those who sign in")
    return account


async def confirm(session: AsyncSession, account: Account, password: str, now: datetime) -> bool:
    """Whether somebody who is signed in knows their own password; counted like an attempt to sign in."""
    if not waiting.count(account, now):
        return False
    if not await accounts.is_right(account, password):
        note(session, account, Event.REFUSED, now)
        return False
    waiting.forget(account)
    return True


async def change_password(
    session: AsyncSession, account: Account, password_hash: str, now: datetime, *, lasts: timedelta
) -> str:
    """Every browser is signed out but this one, which gets a new key."""
    account.password = password_hash
    await invitations.end(session, account.person_id, now)
    note(session, account, Event.PASSWORD_CHANGED, now)
    return await _afresh(session, account, now, lasts=lasts)


async def second_on(
    session: AsyncSession, account: Account, secret: str, typed: str, now: datetime, *, lasts: timedelta
) -> tuple[list[str], str] | None:
    """The codes for when the phone is gone, to be shown once, and a new key. None: this is not the code."""
    counter = second_factor.taken(secret, typed, now, None)
    if counter is None:
        return None
    account.totp, account.totp_counter = secret, counter
    codes = second_factor.recovery_codes()
    account.recovery = second_factor.hashes(codes)
    waiting.forget(account)
    note(session, account, Event.SECOND_ON, now)
    return codes, await _afresh(session, account, now, lasts=lasts)


async def second_off(session: AsyncSession, account: Account, now: datetime, *, lasts: timedelta) -> str:
    account.totp, account.totp_counter, account.recovery = None, None, []
    note(session, account, Event.SECOND_OFF, now)
    return await _afresh(session, account, now, lasts=lasts)


async def new_codes(session: AsyncSession, account: Account, now: datetime) -> list[str]:
    """In the place of those that are left."""
    codes = second_factor.recovery_codes()
    account.recovery = second_factor.hashes(codes)
    note(session, account, Event.CODES_MADE, now)
    return codes


async def _afresh(session: AsyncSession, account: Account, now: datetime, *, lasts: timedelta) -> str:
    await sessions.end_all(session, account, now)
    _row, key = await sessions.begin(session, account, now, lasts=lasts)
    return key
