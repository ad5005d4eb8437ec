"""Put an activity into the calendar: once, or again and again.

A form brings its own `token`: sent twice over a bad network, it arranges one activity.
"""

import re
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities import service as activities
from app.activities.calendar import Quiet
from app.activities.models import Occurrence, Series
from app.db import ident, new_row
from app.people.models import House

_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,24}", re.ASCII)


def slot_of(token: str) -> str:
    """The name of what was arranged at the console. ValueError for a token that no form of ours carries."""
    if not _TOKEN.fullmatch(token):
        raise ValueError("no token of a form")
    return f"console-{token}"


async def once(
    session: AsyncSession, house: House, token: str, *, title: str, starts_at: datetime, minutes: int, venue: str,
    now: datetime, quiet: Quiet,
) -> Occurrence:  # fmt: skip
    """One meeting; the one that this token stands for, if there is one."""
    slot = slot_of(token)
    await activities.schedule(
        session, house_id=ident(house), slot=slot, title=title, starts_at=starts_at, minutes=minutes, venue=venue,
        now=now, quiet=quiet,
    )  # fmt: skip
    found = select(Occurrence).where(col(Occurrence.house_id) == house.id, col(Occurrence.slot) == slot)
    return (await session.scalars(found)).one()


async def again_and_again(
    session: AsyncSession, house: House, token: str, *, title: str, rule: str, first: date, at: time, minutes: int,
    venue: str, now: datetime, quiet: Quiet,
) -> Series:  # fmt: skip
    """A series, with its dates of the next eight weeks written out."""
    code = slot_of(token)
    made = await new_row(
        session, Series, house_id=ident(house), code=code, title=title, rule=rule, starts_on=first,
        at=f"{at:%H:%M}", minutes=minutes, venue=venue, due_at=now,
    )  # fmt: skip
    if made is not None:
        await activities.write_dates(session, made, now, quiet)
        return made
    found = select(Series).where(col(Series.house_id) == house.id, col(Series.code) == code)
    return (await session.scalars(found)).one()
