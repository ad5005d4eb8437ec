"""What happened at the houses in a span of time: activities held, who was asked, what they said, who came.

An activity belongs to the span in which it begins, and so does everything about it, whenever it was marked.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities.machine import Answer
from app.activities.models import Attendance, Occurrence, Rsvp, State
from app.people.figures import Tally
from app.people.models import Person, Role


@dataclass(frozen=True)
class Activities:
    """`held` and `called_off`: how many in each house. `came`: of those who had said that they would.

    Only members are counted; staff who are there are at work.
    """

    held: dict[int, int]
    called_off: dict[int, int]
    asked: Tally
    going: Tally
    not_going: Tally
    undecided: Tally
    silent: Tally
    attended: Tally
    first_time: Tally
    walk_in: Tally
    came: Tally


async def activities(
    session: AsyncSession, houses: Collection[int], since: datetime, until: datetime, now: datetime
) -> Activities:
    """Of what began from `since` on and before `until`; what has not begun by `now` is not held yet."""
    in_span = and_(
        col(Occurrence.house_id).in_(houses), col(Occurrence.starts_at) >= since,
        col(Occurrence.starts_at) < min(until, now),
    )  # fmt: skip

    async def number(state: State) -> dict[int, int]:
        counted = (
            select(col(Occurrence.house_id), func.count())
            .where(in_span, col(Occurrence.state) == state)
            .group_by(col(Occurrence.house_id))
        )
        return dict((await session.execute(counted)).all())

    async def rsvps(*those: ColumnElement[bool]) -> Tally:
        return Tally.over(await session.execute(_counted(Rsvp, in_span).where(*those)))

    async def marks(*those: ColumnElement[bool]) -> Tally:
        # One that was undone counts nowhere.
        return Tally.over(
            await session.execute(_counted(Attendance, in_span).where(col(Attendance.undone_at).is_(None), *those))
        )

    said_so = select(col(Rsvp.id)).where(
        col(Rsvp.occurrence_id) == col(Attendance.occurrence_id), col(Rsvp.person_id) == col(Attendance.person_id),
        col(Rsvp.answer) == Answer.GOING,
    )  # fmt: skip
    return Activities(
        held=await number(State.SCHEDULED), called_off=await number(State.CANCELLED), asked=await rsvps(),
        going=await rsvps(col(Rsvp.answer) == Answer.GOING),
        not_going=await rsvps(col(Rsvp.answer) == Answer.NOT_GOING),
        undecided=await rsvps(col(Rsvp.answer) == Answer.UNDECIDED),
        silent=await rsvps(col(Rsvp.answer).is_(None)), attended=await marks(),
        first_time=await marks(col(Attendance.first_time).is_(True)),
        walk_in=await marks(col(Attendance.walk_in).is_(True)),
        came=await marks(said_so.exists()),
    )  # fmt: skip


def _counted(table: type[Rsvp] | type[Attendance], in_span: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """How many such rows each member has, at activities that took place."""
    found: Any = (
        select(col(table.house_id), col(table.person_id), func.count())
        .join(Occurrence, col(Occurrence.id) == col(table.occurrence_id))
        .join(Person, col(Person.id) == col(table.person_id))
        .where(in_span, col(Occurrence.state) == State.SCHEDULED, col(Person.role) == Role.MEMBER)
        .group_by(col(table.house_id), col(table.person_id))
    )
    return found  # type: ignore[no-any-return]
