"""Verbs of the messages room: know a contact, take a delivery in once, put something into the outbox."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, delete, func, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import add_once, ident, insert_once, new_row, ring
from app.messages import channels, lateness
from app.messages.models import (
    OPEN_STATES,
    Attempt,
    Contact,
    EarlyReceipt,
    Inbox,
    InboxState,
    Lane,
    Outbox,
    OutboxState,
)
from app.messages.outbox import DELIVER, WAITING, bell_of
from app.people.models import Person, Role
from app.people.scope import Scope, within

EARLY = timedelta(days=1)

# Contacts


async def contact_for(session: AsyncSession, account: str, openid: str, now: datetime) -> Contact:
    """The contact of an openid, made on first sight, and held until this unit of work ends."""
    contact = await _held(session, account, openid)
    if contact is None:
        await insert_once(session, Contact, account=account, openid=openid, seen_at=now)
        contact = await _held(session, account, openid)
    if contact is None:
        raise LookupError("a contact that was just stored is not there")
    return contact


async def _held(session: AsyncSession, account: str, openid: str) -> Contact | None:
    held: Contact | None = await session.scalar(
        _HELD, {"of_account": account, "of_openid": openid}, execution_options={"populate_existing": True}
    )
    return held


_HELD = (
    select(Contact)
    .where(col(Contact.account) == bindparam("of_account"), col(Contact.openid) == bindparam("of_openid"))
    .with_for_update()
)


async def contact_of(session: AsyncSession, person_id: int) -> Contact | None:
    found: Contact | None = await session.scalar(select(Contact).where(col(Contact.person_id) == person_id))
    return found


async def known_contact(session: AsyncSession, account: str, openid: str) -> Contact | None:
    """The contact of an openid, if we have met it; nothing is made and nothing held."""
    found: Contact | None = await session.scalar(
        select(Contact).where(col(Contact.account) == account, col(Contact.openid) == openid)
    )
    return found


async def bind(session: AsyncSession, contact: Contact, who: Person) -> None:
    """This WeChat user is that person, from now on and only they (a new phone replaces the old one)."""
    former = await contact_of(session, who.id or 0)
    if former is not None and former.id != contact.id:
        former.person_id = None
        await session.flush()
    contact.person_id = who.id


async def reachable(session: AsyncSession, people: Iterable[int]) -> set[int]:
    """Those of `people` whom some channel of ours leads to: WeChat, or for staff another one that is set up."""
    return set(await ways_to(session, people))


async def taken_by_wechat(session: AsyncSession, people: Iterable[int], now: datetime) -> set[int]:
    """Those of `people` to whom WeChat takes a message of ours now: as a card, or because their window is open."""
    reached = [
        col(Contact.person_id).in_(set(people)),
        col(Contact.following),
        col(Contact.unreachable_because).is_(None),
    ]
    if "template" not in await channels.configured(session):
        reached += [col(Contact.window_until) > now, col(Contact.window_left) > 0]
    found = await session.scalars(select(col(Contact.person_id)).where(*reached))
    return {person_id for person_id in found if person_id is not None}


async def ways_to(session: AsyncSession, people: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """By which ways (`channels.WAYS`) each of `people` can be reached; whom none leads to is left out."""
    asked = set(people)
    if not asked:
        return {}
    by_wechat = await session.scalars(
        select(col(Contact.person_id)).where(
            col(Contact.person_id).in_(asked), col(Contact.following), col(Contact.unreachable_because).is_(None)
        )
    )
    found: dict[int, tuple[str, ...]] = {person_id: ("wechat",) for person_id in by_wechat if person_id is not None}
    addresses = {"wecom": col(Person.wecom), "sms": col(Person.phone), "mail": col(Person.mail)}
    here = await channels.configured(session)
    set_up = [name for name in addresses if name in here]
    if not set_up:
        return found
    staff = select(col(Person.id), *(addresses[name].is_not(None) for name in set_up)).where(
        col(Person.id).in_(asked), col(Person.role).in_([role for role in Role if role.is_staff])
    )
    for person_id, *has in await session.execute(staff):
        others = tuple(name for name, there in zip(set_up, has, strict=True) if there)
        if others and person_id is not None:
            found[person_id] = found.get(person_id, ()) + others
    return found


# In


async def take_in(
    session: AsyncSession, *, account: str, openid: str, key: str, kind: str, content: str | None,
    sent_at: datetime, now: datetime,
) -> Inbox | None:  # fmt: skip
    """Store a delivery; None when it is stored already (WeChat delivers again what it has no answer to)."""
    return await new_row(
        session, Inbox, account=account, openid=openid, key=key, kind=kind, content=content,
        sent_at=sent_at, received_at=now,
    )  # fmt: skip


async def already_taken_in(session: AsyncSession, account: str, openid: str, key: str) -> Inbox:
    row = await session.scalar(
        select(Inbox).where(col(Inbox.account) == account, col(Inbox.openid) == openid, col(Inbox.key) == key)
    )
    if row is None:
        raise LookupError("a delivery was refused as a duplicate of one that is not there")
    return row


async def said_by(session: AsyncSession, who: Person, since: datetime, n: int = 30) -> list[Inbox]:
    """A person's own texts since a moment, oldest first, the latest `n` of them."""
    recent = await session.scalars(
        select(Inbox)
        .where(col(Inbox.person_id) == who.id, col(Inbox.kind) == "text", col(Inbox.received_at) >= since)
        .order_by(col(Inbox.id).desc())
        .limit(n)
    )
    return [row for row in reversed(list(recent)) if row.content]


class Said(NamedTuple):
    """A text, when it was written, and how it was read (the word of a level)."""

    at: datetime
    level: str
    content: str


async def texts_around(
    session: AsyncSession, contact: Contact, heard: Inbox, within: timedelta, n: int
) -> list[Said]:  # fmt: skip
    """What this WeChat user wrote so long before `heard`, or so long after it if that was handled first; in order.

    By the time that WeChat gives, to a second: what waited on disk was not written when it is taken in.
    """
    theirs = (
        col(Inbox.person_id) == contact.person_id
        if contact.person_id is not None
        else and_(col(Inbox.account) == contact.account, col(Inbox.openid) == contact.openid)
    )
    near = col(Inbox.sent_at).between(heard.sent_at - within, heard.sent_at + within)
    rows = await session.execute(
        select(col(Inbox.sent_at), col(Inbox.level), col(Inbox.content))
        .where(theirs, near, col(Inbox.kind) == "text", col(Inbox.id) != heard.id)
        .order_by(col(Inbox.sent_at).desc(), col(Inbox.id).desc())
        .limit(n)
    )
    return [Said(at, level, content) for at, level, content in reversed(list(rows)) if content]


async def belong_to(session: AsyncSession, contact: Contact, who: Person, since: datetime) -> None:
    """What a WeChat user wrote since then, before we had a row for them, is this person's."""
    await session.execute(
        update(Inbox)
        .where(
            col(Inbox.account) == contact.account, col(Inbox.openid) == contact.openid,
            col(Inbox.person_id).is_(None), col(Inbox.sent_at) >= since,
        )
        .values(person_id=who.id, house_id=who.house_id)
    )  # fmt: skip


async def texts_in(session: AsyncSession, scope: Scope, since: datetime) -> list[tuple[int, int, str]]:
    """(number, person, words) of every text from these houses since then, the newest first; none from staff."""
    rows = await session.execute(_texts(since).where(within(scope, Inbox)).order_by(col(Inbox.id).desc()))
    return [(number, person_id, content) for number, person_id, content in rows if content]


class Letter(NamedTuple):
    """A text as it lies in the inbox, sealed (`app.db.unsealed`); `whose`: the person or WeChat user behind it."""

    number: int
    whose: str
    house_id: int | None
    role: Role | None
    sealed: str
    sent_at: datetime
    received_at: datetime


async def letters(session: AsyncSession, since: datetime, n: int, before: int | None = None) -> list[Letter]:
    """Every text of anybody but staff since then, the newest first, strangers' as well: `n`, older than `before`."""
    sealed = type_coerce(col(Inbox.content), Text)
    wanted = _texts(since).with_only_columns(
        col(Inbox.id), col(Inbox.person_id), col(Inbox.account), col(Inbox.openid), col(Inbox.house_id),
        col(Person.role), sealed, col(Inbox.sent_at), col(Inbox.received_at), maintain_column_froms=True,
    )  # fmt: skip
    if before is not None:
        wanted = wanted.where(col(Inbox.id) < before)
    rows = await session.execute(wanted.where(sealed.is_not(None)).order_by(col(Inbox.id).desc()).limit(n))
    return [_letter(*tuple[Any, ...](row)) for row in rows]


def _letter(number: int, person: int | None, account: str, openid: str, *rest: Any) -> Letter:
    return Letter(number, str(person) if person is not None else f"{account} {openid}", *rest)


async def how_many_letters(session: AsyncSession, since: datetime) -> int:
    wanted = _texts(since).with_only_columns(func.count(), maintain_column_froms=True)
    return await session.scalar(wanted.where(type_coerce(col(Inbox.content), Text).is_not(None))) or 0


async def texts_by_number(session: AsyncSession, scope: Scope, numbers: Collection[int]) -> dict[int, Inbox]:
    """Those of these texts that came from these houses; none from staff."""
    wanted = (
        select(Inbox)
        .outerjoin(Person, col(Person.id) == col(Inbox.person_id))
        .where(within(scope, Inbox), col(Inbox.id).in_(list(numbers)), col(Inbox.kind) == "text", _NOT_STAFF)
    )
    return {ident(row): row for row in await session.scalars(wanted) if row.content}


# Whoever answers for people is not read for danger and not looked through.
_NOT_STAFF = col(Person.role).is_(None) | col(Person.role).not_in([Role.WORKER, Role.SUPERVISOR])


def _texts(since: datetime) -> Select[*tuple[Any, ...]]:
    """What people wrote."""
    found: Select[*tuple[Any, ...]] = (
        select(col(Inbox.id), col(Inbox.person_id), col(Inbox.content))
        .outerjoin(Person, col(Person.id) == col(Inbox.person_id))
        .where(col(Inbox.kind) == "text", col(Inbox.received_at) >= since)
        .where(_NOT_STAFF)
    )
    return found


def visible_inbox(scope: Scope) -> Select[Inbox]:
    return select(Inbox).where(within(scope, Inbox))


def visible_unread(scope: Scope) -> Select[Inbox]:
    return visible_inbox(scope).where(col(Inbox.state) == InboxState.UNREAD)


# Out


async def send(
    session: AsyncSession, kind: str, *, key: str, now: datetime, to: Person | None = None,
    contact: Contact | None = None, house_id: int | None = None, subject_id: int | None = None,
    params: dict[str, Any] | None = None, lane: Lane = Lane.NORMAL, not_before: datetime | None = None,
    max_lateness: timedelta | None = None,
) -> bool:  # fmt: skip
    """Ask for a person to be told something, once for each `key`. False: it has been asked for already.

    `kind` names the notice; what it says is composed when it is sent. `max_lateness` counts from
    `not_before` (or now), and is that of the kind if none is given: what could not be said by then is
    dropped and recorded as expired. With `house_id` alone it is for the whole house (a group).
    """
    due = max(now, not_before) if not_before else now
    made = await insert_once(
        session, Outbox, key=key, kind=kind, subject_id=subject_id, params=params or {}, lane=lane,
        person_id=to.id if to else None, house_id=to.house_id if to else house_id,
        contact_id=contact.id if contact else None,
        created_at=now, due_at=due, not_after=due + (max_lateness or lateness.max_lateness(kind)),
    )  # fmt: skip
    if made is not None:
        ring(session, bell_of(lane))
    return made is not None


async def clear(session: AsyncSession, reason: str, now: datetime, **where: Any) -> int:
    """Take back what is queued and no longer true; what is on its way stays."""
    rows = await session.scalars(
        update(Outbox)
        .where(*(getattr(Outbox, name) == value for name, value in where.items()))
        .where(col(Outbox.state).in_(WAITING))
        .values(state=OutboxState.CLEARED, reason=reason, due_at=None, finished_at=now)
        .returning(col(Outbox.id))
    )
    return len(list(rows))


def _for(contact: Contact) -> ColumnElement[bool]:
    """What is meant for this contact, or for the person behind it."""
    its_own = col(Outbox.contact_id) == contact.id
    return its_own | (col(Outbox.person_id) == contact.person_id) if contact.person_id else its_own


async def release_held(session: AsyncSession, contact: Contact, now: datetime, reason: str = "question") -> None:
    """A question was answered, or whatever else `reason` names is over: what waited behind it may go."""
    released = await session.scalars(
        update(Outbox)
        .where(_for(contact), col(Outbox.state) == OutboxState.HELD, col(Outbox.reason) == reason)
        .values(state=OutboxState.QUEUED, reason=None, due_at=now)
        .returning(col(Outbox.id))
    )
    if list(released):
        ring(session, DELIVER)


async def by_receipt(session: AsyncSession, receipt: str) -> Outbox | None:
    found: Outbox | None = await session.scalar(select(Outbox).where(col(Outbox.receipt) == receipt))
    return found


async def keep_receipt(session: AsyncSession, receipt: str, status: str, now: datetime) -> None:
    """WeChat was quicker than our own note that this was sent: whoever writes that note finds it here."""
    await add_once(session, EarlyReceipt, receipt=receipt, status=status, at=now)
    await session.execute(delete(EarlyReceipt).where(col(EarlyReceipt.at) < now - EARLY))


async def early_receipts(session: AsyncSession, receipts: Iterable[str]) -> dict[str, str]:
    """What WeChat said already of these messages."""
    if await session.scalar(select(col(EarlyReceipt.receipt)).limit(1)) is None:
        return {}  # as nearly always
    rows = await session.scalars(
        delete(EarlyReceipt).where(col(EarlyReceipt.receipt).in_(list(receipts))).returning(EarlyReceipt)
    )
    return {row.receipt: row.status for row in rows}


async def last_subscription_sent(session: AsyncSession, contact: Contact) -> Outbox | None:
    """The message that a receipt without a known number must be about (bizsend names none): the one under way, or
    the last one that went out."""
    found: Outbox | None = await session.scalar(
        select(Outbox)
        .where(_for(contact), col(Outbox.sending_by) == "subscription")
        .where(col(Outbox.state).in_([OutboxState.SENDING, OutboxState.SENT]))
        .order_by(col(Outbox.finished_at).is_not(None), col(Outbox.finished_at).desc())
        .limit(1)
    )
    return found


async def log_attempt(
    session: AsyncSession, row: Outbox, rung: str, now: datetime, result: str, errcode: int | None = None
) -> None:
    session.add(Attempt(outbox_id=ident(row), house_id=row.house_id, rung=rung, at=now, result=result, errcode=errcode))


async def tries_about(
    session: AsyncSession, kind: str, subject_id: int, people: Iterable[int]
) -> list[tuple[Outbox, list[Attempt]]]:
    """What these people were, or are to be, told of this kind about this subject, each with what was tried."""
    rows = await session.scalars(
        select(Outbox)
        .where(col(Outbox.person_id).in_(list(people)), col(Outbox.kind) == kind, col(Outbox.subject_id) == subject_id)
        .order_by(col(Outbox.id))
    )
    found: dict[int, tuple[Outbox, list[Attempt]]] = {ident(row): (row, []) for row in rows}
    tries = select(Attempt).where(col(Attempt.outbox_id).in_(found)).order_by(col(Attempt.id))
    for one in await session.scalars(tries):
        found[one.outbox_id][1].append(one)
    return list(found.values())


def visible_outbox(scope: Scope) -> Select[Outbox]:
    return select(Outbox).where(within(scope, Outbox))


async def waiting(session: AsyncSession, n: int) -> list[Outbox]:
    """What will be sent next."""
    rows = (
        select(Outbox)
        .where(col(Outbox.due_at).is_not(None), col(Outbox.state).in_(OPEN_STATES))
        .order_by(col(Outbox.due_at))
        .limit(n)
    )
    return list(await session.scalars(rows))
