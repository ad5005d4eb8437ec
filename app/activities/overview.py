"""What is on, and how many come: for a calendar of several houses."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities.models import Attendance, Occurrence, Rsvp
from app.activities.service import visible_occurrences
from app.people.scope import Scope


async def between(session: AsyncSession, scope: Scope, begin: datetime, end: datetime) -> list[Occurrence]:
    """What begins in a span of time, its end excluded; what was called off as well."""
    found = visible_occurrences(scope).where(col(Occurrence.starts_at) >= begin, col(Occurrence.starts_at) < end)
    return list(await session.scalars(found.order_by(col(Occurrence.starts_at), col(Occurrence.id))))


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
