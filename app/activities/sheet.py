"""The list of an activity: who is expected, who is there; ticked by several hands on a bad network.

Every form carries what it was shown, person by person, as the number of their last mark. So a form may come twice,
late, or after somebody else's: what was ticked stays ticked, and what was taken back is not put back by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities import machine
from app.activities import service as activities
from app.activities.machine import Absence, Answer, Door, Tick
from app.activities.models import Attendance, Occurrence, Rsvp, Undone
from app.db import ident
from app.people import service as people
from app.people.models import Person, Role

ON_LISTS = (Role.MEMBER, Role.COUNSELLOR)
A_PAGE = 60


@dataclass(frozen=True)
class Line:
    """One person on the list. `mark`: the last one they got, taken back or not."""

    person: Person
    answer: Answer | None = None
    absence: Absence | None = None
    mark: Attendance | None = None

    @property
    def present(self) -> bool:
        return self.mark is not None and self.mark.undone_at is None

    @property
    def shown(self) -> int:
        return ident(self.mark) if self.mark is not None else 0


@dataclass
class Ticked:
    """What became of each name that was ticked: `refused` says why none of them counted."""

    done: list[Person] = field(default_factory=list)
    already: list[Person] = field(default_factory=list)
    old: list[Person] = field(default_factory=list)
    refused: Door | None = None


async def last_marks(session: AsyncSession, what: Occurrence) -> dict[int, Attendance]:
    """The last mark of everybody who has one."""
    marks = select(Attendance).where(col(Attendance.occurrence_id) == what.id).order_by(col(Attendance.id))
    return {mark.person_id: mark for mark in await session.scalars(marks)}


async def expected(session: AsyncSession, what: Occurrence) -> list[Line]:
    """Who said that they come, and whoever was ticked; by number, so that the list keeps its order."""
    going = {rsvp.person_id: rsvp for rsvp in await activities.expected_at(session, what)}
    marks = await last_marks(session, what)
    others = [number for number in marks if number not in going]
    said = select(Rsvp).where(col(Rsvp.occurrence_id) == what.id, col(Rsvp.person_id).in_(others))
    rsvps = going | {rsvp.person_id: rsvp for rsvp in await session.scalars(said)}
    known = await people.people_by_id(session, [*going, *others])
    return [_line(known[number], rsvps.get(number), marks.get(number)) for number in sorted(known)]


def _line(person: Person, rsvp: Rsvp | None, mark: Attendance | None) -> Line:
    return Line(person, rsvp.answer if rsvp else None, rsvp.absence if rsvp else None, mark)


async def others(session: AsyncSession, what: Occurrence, page: int = 1) -> tuple[list[Line], bool]:
    """The other members of the house, most likely first, a page at a time; whether there are more."""
    likely = case(
        (col(Rsvp.answer) == Answer.UNDECIDED, 0), (col(Rsvp.id).is_not(None) & col(Rsvp.answer).is_(None), 1),
        (col(Rsvp.answer) == Answer.NOT_GOING, 2), else_=3,
    )  # fmt: skip
    marked = select(col(Attendance.person_id)).where(col(Attendance.occurrence_id) == what.id)
    found = await session.execute(
        select(Person, Rsvp)
        .outerjoin(Rsvp, (col(Rsvp.person_id) == col(Person.id)) & (col(Rsvp.occurrence_id) == what.id))
        .where(col(Person.house_id) == what.house_id, col(Person.role) == Role.MEMBER)
        .where(col(Rsvp.answer).is_(None) | (col(Rsvp.answer) != Answer.GOING), col(Person.id).not_in(marked))
        .order_by(likely, col(Person.id))
        .offset((page - 1) * A_PAGE)
        .limit(A_PAGE + 1)
    )
    lines = [_line(person, rsvp, None) for person, rsvp in found]
    return lines[:A_PAGE], len(lines) > A_PAGE


async def tick(
    session: AsyncSession, what: Occurrence, ticks: Mapping[int, int], by: Person, now: datetime
) -> Ticked:  # fmt: skip
    """Tick these people, each as the list showed them. LookupError: one of them is nobody of this list."""
    known = await people.people_by_id(session, ticks)
    asked = set(
        await session.scalars(
            select(col(Rsvp.person_id)).where(col(Rsvp.occurrence_id) == what.id, col(Rsvp.person_id).in_(list(ticks)))
        )
    )
    marks = await last_marks(session, what)
    for number in ticks:
        who = known.get(number)
        of_house = who is not None and who.house_id == what.house_id and who.role in ON_LISTS
        if not of_house and number not in asked and number not in marks:
            raise LookupError(f"nobody {number} on this list")
    result = Ticked()
    for number, shown in ticks.items():
        who, mark = known[number], marks.get(number)
        live = mark is not None and mark.undone_at is None
        match machine.tick(mark.id if mark else None, live=live, shown=shown):
            case Tick.ALREADY:
                result.already.append(who)
            case Tick.OLD:
                result.old.append(who)
            case Tick.TICKED:
                door, _walk_in = await activities.check_in(
                    session, what, who, now, source="list", marked_by=by, on_list=True
                )
                if door is Door.WELCOME:
                    result.done.append(who)
                elif door is Door.ALREADY:
                    result.already.append(who)
                else:
                    result.refused = door
    return result


async def mark_on(session: AsyncSession, what: Occurrence, mark_id: int) -> Attendance:
    """LookupError: it is no mark on this list."""
    mark = await session.get(Attendance, mark_id)
    if mark is None or mark.occurrence_id != what.id:
        raise LookupError(f"no mark {mark_id}")
    return mark


async def undo(
    session: AsyncSession, what: Occurrence, mark: Attendance, because: Undone, by: Person, now: datetime
) -> bool:  # fmt: skip
    """Take a mark back; it stays, with who did so and why. False: it was taken back already, or the list is closed."""
    if mark.undone_at is not None or what.closed_at is not None:
        return False
    mark.undone_at, mark.undone_because, mark.undone_by = now, because, ident(by)
    await session.flush()
    return True
