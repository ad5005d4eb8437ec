"""What is on, and how many come: for a calendar of several houses, and page by page for programs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities.machine import Answer
from app.activities.models import Attendance, Occurrence, Rsvp
from app.activities.service import visible_occurrences
from app.people.scope import Scope


class Place(NamedTuple):
    """Where a page ended."""

    starts_at: datetime
    number: int


async def between(
    session: AsyncSession, scope: Scope, begin: datetime, end: datetime, n: int | None = None,
    after: Place | None = None,
) -> list[Occurrence]:  # fmt: skip
    """What begins in a span of time, its end excluded, the earliest first; what was called off as well. `n` of them."""
    found = visible_occurrences(scope).where(col(Occurrence.starts_at) >= begin, col(Occurrence.starts_at) < end)
    if after is not None:
        found = found.where(tuple_(col(Occurrence.starts_at), col(Occurrence.id)) > tuple_(*after))
    return list(await session.scalars(found.order_by(col(Occurrence.starts_at), col(Occurrence.id)).limit(n)))


@dataclass
class Tally:
    """How many were asked to an occurrence and said what, and how many were there."""

    going: int = 0
    undecided: int = 0
    not_going: int = 0
    none: int = 0
    present: int = 0


async def tallies(session: AsyncSession, occurrences: Collection[int]) -> dict[int, Tally]:
    found = {number: Tally() for number in occurrences}
    said = select(col(Rsvp.occurrence_id), col(Rsvp.answer), func.count()).where(
        col(Rsvp.occurrence_id).in_(list(occurrences))
    )
    for number, answer, n in await session.execute(said.group_by(col(Rsvp.occurrence_id), col(Rsvp.answer))):
        setattr(found[number], answer.value if answer else "none", n)
    there = select(col(Attendance.occurrence_id), func.count()).where(
        col(Attendance.occurrence_id).in_(list(occurrences)), col(Attendance.undone_at).is_(None)
    )
    for number, n in await session.execute(there.group_by(col(Attendance.occurrence_id))):
        found[number].present = n
    return found


async def answers(session: AsyncSession, what: Occurrence) -> dict[int, Answer | None]:
    """What each person who was asked has said; None: nothing yet."""
    rows = select(col(Rsvp.person_id), col(Rsvp.answer)).where(col(Rsvp.occurrence_id) == what.id)
    return dict((await session.execute(rows.order_by(col(Rsvp.id)))).all())
