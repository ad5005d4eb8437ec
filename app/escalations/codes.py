"""The short codes that staff type: A-0312. One of each among the open cases; a closed one's rests for a week."""

from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.escalations.models import CaseRow
from app.escalations.states import State

LETTERS = "ABCDEFGHJKLMNPQRSUVWXYZ"  # no I and O, which look like digits; T is for tasks
RESTS = timedelta(days=7)


def nth(n: int) -> str:
    return f"{LETTERS[n // 10_000 % len(LETTERS)]}-{n % 10_000:04d}"


async def free(session: AsyncSession, n: int, now: datetime) -> str:
    """The `n`th code, or the next one after it that means no other case to anybody."""
    for candidate in map(nth, count(n)):
        meant = select(col(CaseRow.id)).where(
            col(CaseRow.code) == candidate,
            (col(CaseRow.state) != State.RESOLVED) | (col(CaseRow.resolved_at) > now - RESTS),
        )
        if await session.scalar(meant.limit(1)) is None:
            return candidate
    raise AssertionError("count() ends never")
