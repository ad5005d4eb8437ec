"""Who looked at whom, when and why: written with every page of a person, read by whoever leads."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.people.models import GlassBroken, Person, PersonView, Reason

# What somebody chooses from whom the house does not know a reason of.
CHOSEN = (Reason.DUTY, Reason.HANDOVER, Reason.SUPERVISION, Reason.OTHER)
REASON_LASTS = timedelta(hours=1)
LONGEST_REASON = 200  # characters
# Where a reason was chosen. Looking again within the hour repeats it and does not prolong it.
CHOICE = "choice"


async def note(
    session: AsyncSession, who: Person, by: Person, reason: Reason, now: datetime, *, via: str,
    said: str | None = None, glass: GlassBroken | None = None,
) -> None:  # fmt: skip
    """`by` looked at `who` just now."""
    session.add(
        PersonView(
            house_id=who.house_id, person_id=ident(who), by_id=ident(by), at=now, reason=reason, said=said, via=via,
            glass_id=ident(glass) if glass is not None else None,
        )
    )  # fmt: skip
    await session.flush()


async def given(session: AsyncSession, who: Person, by: Person, now: datetime) -> PersonView | None:
    """The reason that this member of staff chose for this person within the last hour, on its first view."""
    found: PersonView | None = await session.scalar(
        select(PersonView)
        .where(
            col(PersonView.person_id) == who.id, col(PersonView.by_id) == by.id,
            col(PersonView.reason).in_(CHOSEN), col(PersonView.at) > now - REASON_LASTS, col(PersonView.via) == CHOICE,
        )
        .order_by(col(PersonView.at).desc(), col(PersonView.id).desc())
        .limit(1)
    )  # fmt: skip
    return found


async def of(session: AsyncSession, who: Person, n: int, before: int | None = None) -> Sequence[PersonView]:
    """The last `n` views of a person, newest first; those with a number below `before`, if one is given."""
    lately = select(PersonView).where(col(PersonView.person_id) == who.id)
    if before is not None:
        lately = lately.where(col(PersonView.id) < before)
    return list(await session.scalars(lately.order_by(col(PersonView.id).desc()).limit(n)))
