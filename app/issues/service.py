"""Verbs of the issues room: give out, and find what was given out before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.issues.models import ReportIssue


@dataclass(frozen=True)
class Cut:
    """Which report: of which programme, house (None: several) and month, and of what (`name`, up to 64 characters)."""

    programme_id: int
    month: str
    name: str
    house_id: int | None = None


def digest_of(numbers: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(numbers.items()), ensure_ascii=False).encode()).hexdigest()


async def last_other(session: AsyncSession, cut: Cut, numbers: Mapping[str, str]) -> ReportIssue | None:
    """The newest that was given out of this cut and did not say just these numbers."""
    found: ReportIssue | None = await session.scalar(
        select(ReportIssue)
        .where(col(ReportIssue.programme_id) == cut.programme_id, col(ReportIssue.month) == cut.month)
        .where(col(ReportIssue.cut) == cut.name, col(ReportIssue.digest) != digest_of(numbers))
        .order_by(col(ReportIssue.id).desc())
        .limit(1)
    )
    return found


async def issues_of(session: AsyncSession, cut: Cut, n: int = 10) -> list[ReportIssue]:
    """What was given out of this cut, the newest first."""
    found = (
        select(ReportIssue)
        .where(col(ReportIssue.programme_id) == cut.programme_id, col(ReportIssue.month) == cut.month)
        .where(col(ReportIssue.cut) == cut.name)
        .order_by(col(ReportIssue.id).desc())
        .limit(n)
    )
    return list(await session.scalars(found))


async def issue(
    session: AsyncSession, cut: Cut, numbers: Mapping[str, str], now: datetime, *, by_id: int | None
) -> ReportIssue:
    """Note that these numbers are given out now."""
    before = await issues_of(session, cut, 1)
    was = before[0].numbers if before else dict(numbers)
    row = ReportIssue(
        programme_id=cut.programme_id, house_id=cut.house_id, month=cut.month, cut=cut.name, by_id=by_id, at=now,
        digest=digest_of(numbers), numbers=dict(numbers),
        changed=sum(was.get(cell) != numbers.get(cell) for cell in {*was, *numbers}),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row
