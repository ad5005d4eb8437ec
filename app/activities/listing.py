"""Activities in their order, a page at a time, for whoever may see the houses."""

from collections.abc import Collection
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


async def find(session: AsyncSession, scope: Scope, number: int) -> Occurrence | None:
    """The activity with this number, if it is of one of these houses."""
    found: Occurrence | None = await session.scalar(visible_occurrences(scope).where(col(Occurrence.id) == number))
    return found


async def between(
    session: AsyncSession, scope: Scope, first: datetime, last: datetime, n: int, after: Place | None = None
) -> list[Occurrence]:
    """Up to `n` of those that begin from `first` on and before `last`, the earliest first; called off or not."""
    found = visible_occurrences(scope).where(col(Occurrence.starts_at) >= first, col(Occurrence.starts_at) < last)
    if after is not None:
        found = found.where(tuple_(col(Occurrence.starts_at), col(Occurrence.id)) > tuple_(*after))
    return list(await session.scalars(found.order_by(col(Occurrence.starts_at), col(Occurrence.id)).limit(n)))


async def how_many(session: AsyncSession, numbers: Collection[int]) -> dict[int, tuple[int, int]]:
    """Of each of these activities, how many said that they come, and how many are there."""
    going = (
        select(col(Rsvp.occurrence_id), func.count())
        .where(col(Rsvp.occurrence_id).in_(numbers), col(Rsvp.answer) == Answer.GOING)
        .group_by(col(Rsvp.occurrence_id))
    )
    there = (
        select(col(Attendance.occurrence_id), func.count())
        .where(col(Attendance.occurrence_id).in_(numbers), col(Attendance.undone_at).is_(None))
        .group_by(col(Attendance.occurrence_id))
    )
    said: dict[int, int] = dict((await session.execute(going)).all())
    present: dict[int, int] = dict((await session.execute(there)).all())
    return {number: (said.get(number, 0), present.get(number, 0)) for number in numbers}


async def answers(session: AsyncSession, what: Occurrence) -> dict[int, Answer | None]:
    """What each person who was asked has said; None: nothing yet."""
    rows = select(col(Rsvp.person_id), col(Rsvp.answer)).where(col(Rsvp.occurrence_id) == what.id)
    return dict((await session.execute(rows.order_by(col(Rsvp.id)))).all())
