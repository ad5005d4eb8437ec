"""A person of the staff talks to somebody: from their first word on the robot is quiet, until it is handed back.

It is handed back by whoever talks, or by itself a while after their last word: nobody may be left between two.
What counts is the word of the staff: a member who goes on writing to nobody gets the robot back all the same.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.messages import service as messages
from app.messages.models import Contact, Lane, Outbox, QuestionState
from app.messages.questions import UNYIELDING, current
from app.people.models import Person

SPOKEN = "spoken"
HELD_FOR_IT = "talk"


def talker(contact: Contact, now: datetime) -> int | None:
    """Who of the staff talks to this person just now."""
    return contact.talker_id if contact.talker_until is not None and contact.talker_until > now else None


async def held(session: AsyncSession, person_id: int) -> Contact | None:
    """The contact of a person, held until this unit of work ends."""
    found: Contact | None = await session.scalar(
        select(Contact).where(col(Contact.person_id) == person_id).with_for_update(),
        execution_options={"populate_existing": True},
    )
    return found


async def say(
    session: AsyncSession, contact: Contact, who: Person, by: Person, now: datetime, *, quiet_for: timedelta,
    once: str, text: str | None = None, phrase: str | None = None, urgent: bool = False,
) -> bool:  # fmt: skip
    """Send a word of `by` to `who`, and be quiet from here on. False: this very one (`once`) is on its way already.

    Either `text` or the name of a reviewed `phrase`, which is put into words when it is sent.
    """
    sent = await messages.send(
        session, SPOKEN, key=f"{SPOKEN}:{ident(who)}:{ident(by)}:{once}", to=who, subject_id=ident(by), now=now,
        params={"text": text} if text is not None else {"phrase": phrase},
        lane=Lane.URGENT if urgent else Lane.NORMAL,
    )  # fmt: skip
    if sent:
        await _begin(session, contact, by, now, now + quiet_for)
    return sent


async def _begin(session: AsyncSession, contact: Contact, by: Person, now: datetime, until: datetime) -> None:
    """From here on a number they write is meant for a person: what the robot had asked is asked no more."""
    asked = await current(session, contact, now)
    if asked is not None and asked.topic not in UNYIELDING:
        asked.state = QuestionState.REPLACED
    contact.talker_id, contact.talker_until, contact.misunderstood = by.id, until, 0
    await session.flush()


async def hand_back(session: AsyncSession, contact: Contact, now: datetime) -> bool:
    """The robot may speak again, and what waited for that goes. False: nobody was talking."""
    if talker(contact, now) is None:
        return False
    contact.talker_id, contact.talker_until = None, None
    await messages.release_held(session, contact, now, HELD_FOR_IT)
    return True


async def last_spoken(session: AsyncSession, person_id: int) -> Outbox | None:
    """The last word that staff sent to somebody, and what became of it."""
    found: Outbox | None = await session.scalar(
        select(Outbox)
        .where(col(Outbox.person_id) == person_id, col(Outbox.kind) == SPOKEN)
        .order_by(col(Outbox.id).desc())
        .limit(1)
    )
    return found
