"""Letting in: a code that is good once, for the person it was made for."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.people.models import Person, Ticket, TicketPurpose
from app.people.service import person

JOIN_TICKET_LASTS = timedelta(days=7)
FAMILY_CODE_LASTS = timedelta(minutes=15)
WRONG_PINS_ALLOWED = 5


async def issue_join_ticket(session: AsyncSession, who: Person, now: datetime) -> Ticket:
    """A personal code to join, with four digits that the house hands over in person.

    The digits are the second factor: a forwarded picture must not let a stranger in. An older ticket of
    the same person is void from now on.
    """
    return await _issue(
        session,
        TicketPurpose.JOIN,
        who,
        now,
        now + JOIN_TICKET_LASTS,
        secret=secrets.token_urlsafe(24),
        pin=f"{secrets.randbelow(10_000):04d}",
    )


async def issue_family_ticket(session: AsyncSession, member: Person, now: datetime) -> Ticket:
    """Six digits that a member gives to a relative; good once, for a quarter of an hour."""
    while True:
        digits = f"{secrets.randbelow(1_000_000):06d}"
        if await _unused(session, TicketPurpose.FAMILY, digits) is None:
            break
    return await _issue(session, TicketPurpose.FAMILY, member, now, now + FAMILY_CODE_LASTS, secret=digits, pin=None)


async def _issue(
    session: AsyncSession, purpose: TicketPurpose, who: Person, now: datetime, expires_at: datetime,
    *, secret: str, pin: str | None,
) -> Ticket:  # fmt: skip
    older = select(Ticket).where(
        col(Ticket.purpose) == purpose, col(Ticket.person_id) == who.id, col(Ticket.used_at).is_(None)
    )
    for ticket in await session.scalars(older):
        ticket.expires_at = min(ticket.expires_at, now)
    ticket = Ticket(
        purpose=purpose, secret=secret, pin=pin, person_id=ident(who), house_id=who.house_id,
        issued_at=now, expires_at=expires_at,
    )  # fmt: skip
    session.add(ticket)
    await session.flush()
    return ticket


async def _unused(session: AsyncSession, purpose: TicketPurpose, secret: str) -> Ticket | None:
    unused = select(Ticket).where(
        col(Ticket.purpose) == purpose, col(Ticket.secret) == secret, col(Ticket.used_at).is_(None)
    )
    found: Ticket | None = await session.scalar(unused)
    return found


async def live_ticket(session: AsyncSession, purpose: TicketPurpose, secret: str, now: datetime) -> Ticket | None:
    ticket = await _unused(session, purpose, secret)
    if ticket is None or ticket.expires_at <= now or ticket.wrong_pins >= WRONG_PINS_ALLOWED:
        return None
    return ticket


async def ticket_by_id(session: AsyncSession, ticket_id: int, now: datetime) -> Ticket | None:
    ticket = await session.get(Ticket, ticket_id)
    if ticket is None:
        return None
    return await live_ticket(session, ticket.purpose, ticket.secret, now)


async def admit(session: AsyncSession, ticket: Ticket, now: datetime) -> Person:
    """Use up a ticket to join: the person it was made for is a member from now on."""
    who = await person(session, ticket.person_id)
    ticket.used_at = now
    who.joined_at = who.joined_at or now
    return who
