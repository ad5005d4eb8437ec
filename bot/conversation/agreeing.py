"""Stopping, and agreeing again: the same, whether it is said in the chat or pressed on a page."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities import service as activities
from app.activities.models import Milestone
from app.db import ident
from app.messages import service as messages
from app.mood import service as mood
from app.people import service as people
from app.people.models import Person, Role, Topic

# What is on its way and no longer wanted, by what was stopped. A relative's reminder is for the relative.
KINDS = {
    Topic.ACTIVITIES: (*(m.value for m in Milestone), "moved", "family_reminder"),
    Topic.MOOD: ("mood",),
    Topic.FAMILY: (),
}
ROUTINE = tuple(kind for kinds in KINDS.values() for kind in kinds)


async def stop_everything(session: AsyncSession, who: Person, now: datetime) -> None:
    """退订: nothing more that was not asked for. A case that is open is not affected."""
    people.stop(who)
    await _take_back(session, who, ROUTINE, now)
    if who.role is Role.FAMILY:
        await people.unlink(session, who, now)


async def stop(session: AsyncSession, who: Person, topic: Topic, wording: str, now: datetime) -> None:
    """One thing and no other. `wording`: the words in which it was asked, as they are kept with the answer."""
    people.stop(who, [topic])
    await people.record_consent(session, who, topic, False, wording, now)
    await _take_back(session, who, KINDS[topic], now)
    if topic is Topic.FAMILY:
        await end_ties(session, who, now)


async def agree(session: AsyncSession, who: Person, topic: Topic, wording: str, now: datetime) -> None:
    people.resume(who, [topic])
    await people.record_consent(session, who, topic, True, wording, now)
    if topic is Topic.ACTIVITIES:
        await activities.catch_up(session, who, now)
    if topic is Topic.MOOD:
        await mood.ask_weekly(session, who, now)


async def is_agreed(session: AsyncSession, who: Person, topic: Topic) -> bool:
    """Reminders come with joining; what is further asked about was asked for by itself."""
    asked_apart = topic is not Topic.ACTIVITIES
    return people.wants(who, topic) and not (asked_apart and not await people.has_consented(session, who, topic))


async def end_ties(session: AsyncSession, who: Person, now: datetime) -> list[tuple[Person, Person]]:
    """Between a member and a relative, from either side: the other one hears it as well, without a reason."""
    ended = await people.unlink(session, who, now)
    for member, relative in ended:
        await messages.clear(session, "unlinked", now, person_id=relative.id, kind="family_reminder")
        if relative.id != who.id:
            await messages.send(
                session, "family_ended", key=f"family-ended:{member.id}:{ident(relative)}:{int(now.timestamp())}",
                to=relative, params={"member": member.id}, now=now,
            )  # fmt: skip
    return ended


async def _take_back(session: AsyncSession, who: Person, kinds: tuple[str, ...], now: datetime) -> None:
    for kind in kinds:
        await messages.clear(session, "stopped", now, person_id=who.id, kind=kind)
