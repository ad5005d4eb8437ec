"""What somebody said to activities, and where they were."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.machine import Answer
from app.activities.models import Attendance, Occurrence, Rsvp
from app.db import table_of
from app.people.life import Mark, before

RSVP, ATTENDANCE, OCCURRENCE = table_of(Rsvp), table_of(Attendance), table_of(Occurrence)


@dataclass(frozen=True, slots=True)
class Answered:
    number: int
    at: datetime
    answer: Answer
    changes: int
    occurrence_id: int
    title: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Came:
    number: int
    at: datetime
    first_time: bool
    walk_in: bool
    occurrence_id: int
    title: str
    starts_at: datetime


_WHAT = (OCCURRENCE.c.id, OCCURRENCE.c.title, OCCURRENCE.c.starts_at)


async def answered(session: AsyncSession, person_id: int, mark: Mark, n: int) -> list[Answered]:
    rows = await session.execute(
        select(RSVP.c.id, RSVP.c.answered_at, RSVP.c.answer, RSVP.c.changes, *_WHAT)
        .join(OCCURRENCE, OCCURRENCE.c.id == RSVP.c.occurrence_id)
        .where(RSVP.c.person_id == person_id, RSVP.c.answer.is_not(None))
        .where(before(RSVP.c.answered_at, RSVP.c.id, mark))
        .order_by(RSVP.c.answered_at.desc(), RSVP.c.id.desc())
        .limit(n)
    )
    return [Answered(*row) for row in rows]


async def came(session: AsyncSession, person_id: int, mark: Mark, n: int) -> list[Came]:
    rows = await session.execute(
        select(ATTENDANCE.c.id, ATTENDANCE.c.at, ATTENDANCE.c.first_time, ATTENDANCE.c.walk_in, *_WHAT)
        .join(OCCURRENCE, OCCURRENCE.c.id == ATTENDANCE.c.occurrence_id)
        .where(ATTENDANCE.c.person_id == person_id, ATTENDANCE.c.undone_at.is_(None))
        .where(before(ATTENDANCE.c.at, ATTENDANCE.c.id, mark))
        .order_by(ATTENDANCE.c.at.desc(), ATTENDANCE.c.id.desc())
        .limit(n)
    )
    return [Came(*row) for row in rows]
