"""After an activity: the list is closed within a day, and says of everybody who was expected what is known."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities.calendar import CLOSED_WITHIN
from app.activities.machine import Absence, Answer
from app.activities.models import Attendance, ListEvent, Milestone, Occurrence, Plan, Rsvp, State
from app.clock import local
from app.db import ident
from app.people import service as people
from app.people.models import Person
from app.tasks import service as tasks
from app.tasks.models import TaskKind


class Closing(StrEnum):
    """What became of the wish to close a list."""

    DONE = "done"
    ALREADY = "already"
    NOT_OVER = "not_over"
    CANCELLED = "cancelled"


async def missing_from(session: AsyncSession, what: Occurrence) -> list[Rsvp]:
    """Who said that they come and has not been seen."""
    there = select(col(Attendance.person_id)).where(
        col(Attendance.occurrence_id) == what.id, col(Attendance.undone_at).is_(None)
    )
    expected = select(Rsvp).where(
        col(Rsvp.occurrence_id) == what.id, col(Rsvp.answer) == Answer.GOING, col(Rsvp.person_id).not_in(there)
    )
    return list(await session.scalars(expected.order_by(col(Rsvp.person_id))))


async def close(
    session: AsyncSession, what: Occurrence, by: Person, absences: Mapping[int, Absence], now: datetime
) -> Closing:
    """The list is complete: who is missing is `absences`, by person; whom nobody speaks of is unknown.

    Whoever came in meanwhile is not missing, whatever is said of them here.
    """
    if what.state is State.CANCELLED:
        return Closing.CANCELLED
    if now < what.ends_at:
        return Closing.NOT_OVER
    if what.closed_at is not None:
        return Closing.ALREADY
    for rsvp in await missing_from(session, what):
        rsvp.absence = absences.get(rsvp.person_id, Absence.UNKNOWN)
    what.closed_at, what.closed_by = now, ident(by)
    key = await _task_key(session, what)
    await _note(session, what, by, now, closed=True)
    await tasks.finish_key(session, key, now)
    return Closing.DONE


async def reopen(session: AsyncSession, what: Occurrence, by: Person, now: datetime) -> bool:
    """Something is still to be put right; a day later somebody is asked again. False: it is open."""
    if what.closed_at is None:
        return False
    what.closed_at = what.closed_by = None
    absent = select(Rsvp).where(col(Rsvp.occurrence_id) == what.id, col(Rsvp.absence).is_not(None))
    for rsvp in await session.scalars(absent):
        rsvp.absence = None
    await _note(session, what, by, now, closed=False)
    plan = await session.scalar(
        select(Plan).where(col(Plan.occurrence_id) == what.id, col(Plan.milestone) == Milestone.CLOSE)
    )
    if plan is not None:
        plan.due_at = plan.planned_at = max(now, what.ends_at) + CLOSED_WITHIN
    return True


async def history(session: AsyncSession, what: Occurrence) -> list[ListEvent]:
    """When the list was closed and opened again, and by whom; oldest first."""
    events = select(ListEvent).where(col(ListEvent.occurrence_id) == what.id).order_by(col(ListEvent.id))
    return list(await session.scalars(events))


async def ask_to_close(session: AsyncSession, what: Occurrence, now: datetime) -> None:
    """A day has gone by and the list is open: somebody who runs the house is asked, unless nobody was expected."""
    asked = await session.scalar(select(col(Rsvp.id)).where(col(Rsvp.occurrence_id) == what.id).limit(1))
    if what.closed_at is not None or asked is None:
        return
    house = await people.house(session, what.house_id)
    await tasks.ask_a_person(
        session, TaskKind.CLEAR, "list_open", key=await _task_key(session, what), now=now, of=house,
        subject_id=ident(what), note=f"{what.title} {local(what.starts_at, house.zone):%Y-%m-%d %H:%M}",
    )  # fmt: skip


async def _task_key(session: AsyncSession, what: Occurrence) -> str:
    """A new one each time the list was opened again."""
    events = await session.scalar(select(func.count()).where(col(ListEvent.occurrence_id) == what.id))
    return f"list:{what.id}:{events}"


async def _note(session: AsyncSession, what: Occurrence, by: Person, now: datetime, *, closed: bool) -> None:
    session.add(ListEvent(occurrence_id=ident(what), house_id=what.house_id, closed=closed, by_id=ident(by), at=now))
    await session.flush()


def late(what: Occurrence, now: datetime) -> bool:
    """Whether the list should have been closed by now."""
    return what.state is State.SCHEDULED and what.closed_at is None and now > what.ends_at + CLOSED_WITHIN


def time_left(what: Occurrence, now: datetime) -> timedelta:
    """How long the list may stay open; zero or less: it is late."""
    return what.ends_at + CLOSED_WITHIN - now
