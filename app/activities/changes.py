"""Another time, another place, or called off: who hears what is planned first, shown, and then done as it was shown."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities import machine
from app.activities import service as activities
from app.activities.calendar import Quiet, afterwards
from app.activities.machine import Hears, Invited
from app.activities.models import Milestone, Occurrence, Plan, Rsvp, State
from app.db import ident
from app.messages import service as messages
from app.people import service as people
from app.people.models import Topic

MOVED, CALLED_OFF = "moved", "called_off"


@dataclass(frozen=True)
class Change:
    """What is going to be done to an occurrence, and what each person who was asked hears of it.

    `kind` is that of the message; `again`: everybody is asked anew, and until they answer nobody counts as coming.
    """

    kind: str
    version: int
    starts_at: datetime
    ends_at: datetime
    venue: str
    again: bool
    people: tuple[tuple[int, Hears], ...]

    def who(self, hears: Hears) -> list[int]:
        return [person_id for person_id, heard in self.people if heard is hears]

    @property
    def stamp(self) -> str:
        """The same for the same change to the same people: whoever agrees to a preview agrees to this."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


async def plan_move(
    session: AsyncSession, what: Occurrence, now: datetime, quiet: Quiet, *, starts_at: datetime | None = None,
    venue: str | None = None, minutes: int | None = None,
) -> Change:  # fmt: skip
    """Another time or place. A move of more than an hour asks anew. Another length concerns nobody."""
    start, place = starts_at or what.starts_at, venue or what.venue
    length = what.ends_at - what.starts_at if minutes is None else timedelta(minutes=minutes)
    again = machine.ask_again(start - what.starts_at)
    moved = (start, place) != (what.starts_at, what.venue)
    told = await _concerned(session, what, now, quiet, min(start, what.starts_at), again=again) if moved else ()
    return Change(MOVED, what.version, start, start + length, place, again, told)


async def plan_cancel(session: AsyncSession, what: Occurrence, now: datetime, quiet: Quiet) -> Change:
    """Everybody who was asked and has not said no is told."""
    told = await _concerned(session, what, now, quiet, what.starts_at, again=False)
    return Change(CALLED_OFF, what.version, what.starts_at, what.ends_at, what.venue, again=False, people=told)


async def _concerned(
    session: AsyncSession, what: Occurrence, now: datetime, quiet: Quiet, until: datetime, *, again: bool
) -> tuple[tuple[int, Hears], ...]:
    """What is held over the quiet hours until nobody can act on it any more is a matter for the telephone."""
    house = await people.house(session, what.house_id)
    rsvps = await _asked(session, what)
    known = await people.people_by_id(session, [rsvp.person_id for rsvp in rsvps])
    reached = await messages.taken_by_wechat(session, known, now) if quiet.after(now, house.zone) <= until else set()
    return tuple(
        (
            rsvp.person_id,
            machine.hears(
                Invited(rsvp.answer, people.wants(known[rsvp.person_id], Topic.ACTIVITIES), rsvp.person_id in reached),
                again=again,
            ),
        )
        for rsvp in rsvps
    )


async def _asked(session: AsyncSession, what: Occurrence) -> Sequence[Rsvp]:
    asked = select(Rsvp).where(col(Rsvp.occurrence_id) == what.id).order_by(col(Rsvp.person_id))
    return (await session.scalars(asked)).all()


async def carry_out(session: AsyncSession, what: Occurrence, change: Change, now: datetime, quiet: Quiet) -> bool:
    """Do what was planned of this occurrence as it stands. False: there was nothing to do."""
    if change.kind == CALLED_OFF:
        return await _call_off(session, what, change, now)
    old_start, old_venue = what.starts_at, what.venue
    if (change.starts_at, change.venue) == (old_start, old_venue):
        return await _another_length(session, what, change.ends_at, quiet)
    what.starts_at, what.ends_at, what.venue = change.starts_at, change.ends_at, change.venue
    what.version += 1
    await activities.plan_around(session, what, now, quiet)
    for rsvp in await _asked(session, what):
        if change.again and rsvp.answer is not None:
            rsvp.answer = machine.Answer.UNDECIDED
    before = {"start": old_start.isoformat(), "venue": old_venue}
    until = min(old_start, what.starts_at)
    await _tell(session, what, change, now, until, f"moved:{what.id}:{what.version}", before)
    return True


async def _call_off(session: AsyncSession, what: Occurrence, change: Change, now: datetime) -> bool:
    if what.state is State.CANCELLED:
        return False
    what.state = State.CANCELLED
    for plan in await session.scalars(select(Plan).where(col(Plan.occurrence_id) == what.id)):
        plan.due_at = None
    for kind in Milestone:
        await messages.clear(session, "cancelled", now, subject_id=ident(what), kind=kind.value)
    await _tell(session, what, change, now, what.starts_at, f"off:{what.id}", {})
    return True


async def _tell(
    session: AsyncSession, what: Occurrence, change: Change, now: datetime, until: datetime, key: str,
    params: dict[str, str],
) -> None:  # fmt: skip
    """Who is to be called gets a row as well: it fails at once, and that puts them on the list of calls."""
    heard = {person_id for person_id, hears in change.people if hears in (Hears.TOLD, Hears.CALLED)}
    known = await people.people_by_id(session, heard)
    for rsvp in await _asked(session, what):
        if rsvp.person_id in heard:
            rsvp.asked_version = what.version
            await messages.send(
                session, change.kind, key=f"{key}:{rsvp.person_id}", to=known[rsvp.person_id],
                subject_id=ident(what), now=now, params=params, max_lateness=until - now,
            )  # fmt: skip


async def _another_length(session: AsyncSession, what: Occurrence, ends_at: datetime, quiet: Quiet) -> bool:
    """It moves only what follows the end; nobody needs to be told."""
    if ends_at == what.ends_at:
        return False
    what.ends_at = ends_at
    house = await people.house(session, what.house_id)
    times = afterwards(ends_at, house.zone, quiet)
    for plan in await session.scalars(select(Plan).where(col(Plan.occurrence_id) == what.id)):
        if plan.due_at is not None and plan.milestone in times:
            plan.due_at = plan.planned_at = times[plan.milestone]
    return True


async def move(
    session: AsyncSession, what: Occurrence, now: datetime, quiet: Quiet, *, starts_at: datetime | None = None,
    venue: str | None = None, minutes: int | None = None,
) -> bool:  # fmt: skip
    """Another time, place or length, planned and done at once; whether anything was different."""
    change = await plan_move(session, what, now, quiet, starts_at=starts_at, venue=venue, minutes=minutes)
    return await carry_out(session, what, change, now, quiet)


async def cancel(session: AsyncSession, what: Occurrence, now: datetime, quiet: Quiet) -> bool:
    """Call an occurrence off. False: it was called off already."""
    return await carry_out(session, what, await plan_cancel(session, what, now, quiet), now, quiet)


def rename(what: Occurrence, title: str) -> None:
    """Another title. Nobody needs to be told: what is said from now on speaks of the new one."""
    what.title = title
