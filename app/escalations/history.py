"""What was read of a person, and of their house, before: as far as it weighs on what they write now."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.escalations.models import CaseRow, Flag
from app.escalations.states import Level
from app.people.models import Person

ABOUT_OTHERS = "third_party"
NOT_READ = "none"  # the category of what joined a case although nothing was read in it
OUTBURST = timedelta(hours=1)


async def outbursts(
    session: AsyncSession, person_id: int, since: datetime, now: datetime, *, about_others: bool
) -> int:  # fmt: skip
    """How many times before now somebody was read as yellow since then, about themselves or about others.

    What is written within an hour is one outburst, however many messages it takes; so is what belongs to now.
    """
    category = col(Flag.category)
    moments = await session.scalars(
        select(col(Flag.at))
        .where(
            col(Flag.person_id) == person_id, col(Flag.at) >= since, col(Flag.level) == Level.YELLOW,
            category == ABOUT_OTHERS if about_others else category.not_in((ABOUT_OTHERS, NOT_READ)),
        )
        .order_by(col(Flag.at).desc())
        .limit(500)
    )  # fmt: skip
    counted, last = 0, now
    for moment in moments:
        if last - moment >= OUTBURST:
            counted, last = counted + 1, moment
    return counted


async def others_worried(session: AsyncSession, who: Person, since: datetime) -> int:
    """How many others of the same house wrote since then that they worry about somebody."""
    return (
        await session.scalar(
            select(func.count(col(Flag.person_id).distinct())).where(
                col(Flag.house_id) == who.house_id, col(Flag.at) >= since, col(Flag.category) == ABOUT_OTHERS,
                col(Flag.person_id) != who.id,
            )
        )
        or 0
    )  # fmt: skip


async def earlier_cases(session: AsyncSession, row: CaseRow, n: int = 5) -> list[CaseRow]:
    """The last `n` cases of the same person before this one, newest first; no practice."""
    before = select(CaseRow).where(
        col(CaseRow.person_id) == row.person_id, col(CaseRow.id) < row.id, ~col(CaseRow.drill)
    )  # fmt: skip
    return list(await session.scalars(before.order_by(col(CaseRow.id).desc()).limit(n)))
