"""When a case is over: the contact that was agreed on is made, a referral is looked after, the worker is asked."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import due
from app.clock import local, wall
from app.db import ident, ring
from app.escalations import journal
from app.escalations.models import CaseRow, FollowUp, Referral
from app.escalations.states import REFER_FROM, Level
from app.messages import service as messages
from app.people import service as people
from app.people.models import Person

FOLLOW_UPS = "follow-ups"
FOLLOW_UP_AT = time(9, 0)
REMIND_EVERY = timedelta(days=1)
LEADERS_HEAR_AFTER = 3  # reminders, unless the danger was of a grade at which they hear of the first missed day
DEBRIEF_AFTER = timedelta(hours=24)


async def refer(session: AsyncSession, row: CaseRow, by: Person, grade: int, whereto: str, now: datetime) -> None:
    """Write down where somebody was referred to, and how dangerous it was (0 to 5)."""
    referral = Referral(
        case_id=ident(row), person_id=row.person_id, house_id=row.house_id, grade=grade, whereto=whereto,
        by_id=ident(by), at=now,
    )  # fmt: skip
    session.add(referral)
    await session.flush()


async def referral_of(session: AsyncSession, row: CaseRow) -> Referral | None:
    found: Referral | None = await session.scalar(
        select(Referral).where(col(Referral.case_id) == row.id).order_by(col(Referral.id).desc()).limit(1)
    )
    return found


async def begin(session: AsyncSession, row: CaseRow, now: datetime) -> None:
    """What a case that ends just now leaves to be done later."""
    if row.owner_id is None or row.drill:
        return
    if row.level is Level.RED:
        await messages.send(
            session, "debrief", key=f"debrief:{row.id}", to=await people.person(session, row.owner_id),
            subject_id=ident(row), now=now, not_before=now + DEBRIEF_AFTER,
        )  # fmt: skip
    if row.next_contact is not None:
        session.add(
            FollowUp(
                case_id=ident(row), house_id=row.house_id, owner_id=row.owner_id, on=row.next_contact,
                due_at=await _morning(session, row, row.next_contact),
            )
        )  # fmt: skip
        await session.flush()
        ring(session, FOLLOW_UPS)


async def _morning(session: AsyncSession, row: CaseRow, day: date) -> datetime:
    return wall(day, FOLLOW_UP_AT, (await people.house(session, row.house_id)).zone)


async def remind(session: AsyncSession, follow_up: FollowUp, now: datetime) -> None:
    """The day has come, or has passed: its owner hears of it every morning until they say that it was done."""
    row = await session.get(CaseRow, follow_up.case_id)
    if row is None:
        await due.finish(session, follow_up)
        return
    nth = follow_up.reminded
    await _tell(session, row, "case_follow_up", follow_up.owner_id, nth, now)
    grave = row.grade is not None and row.grade >= REFER_FROM
    if nth >= (1 if grave else LEADERS_HEAR_AFTER):
        await _tell_leaders(session, row, follow_up, nth, now)
    house = await people.house(session, row.house_id)
    tomorrow = await _morning(session, row, local(now, house.zone).date() + REMIND_EVERY)
    await due.finish(session, follow_up, due_at=tomorrow, reminded=nth + 1)


async def unreached(session: AsyncSession, case_id: int, person_id: int, now: datetime) -> None:
    """What this person was to be reminded of reached them by no channel: whoever leads hears of it, once a morning."""
    row = await session.get(CaseRow, case_id)
    follow_up = await waiting_for(session, row) if row is not None else None
    if row is not None and follow_up is not None and follow_up.owner_id == person_id:
        await _tell_leaders(session, row, follow_up, follow_up.reminded - 1, now)


async def _tell_leaders(session: AsyncSession, row: CaseRow, follow_up: FollowUp, nth: int, now: datetime) -> None:
    for person_id in await people.leads_of(session, await people.person(session, row.person_id)):
        if person_id != follow_up.owner_id:
            await _tell(session, row, "case_missed", person_id, nth, now)


async def _tell(session: AsyncSession, row: CaseRow, kind: str, person_id: int, nth: int, now: datetime) -> None:
    await messages.send(
        session, kind, key=f"{kind}:{row.id}:{nth}:{person_id}", to=await people.person(session, person_id),
        subject_id=ident(row), now=now,
    )  # fmt: skip


async def waiting_for(session: AsyncSession, row: CaseRow) -> FollowUp | None:
    """The contact that was agreed on for this case and is still to be made."""
    found: FollowUp | None = await session.scalar(
        select(FollowUp).where(col(FollowUp.case_id) == row.id, col(FollowUp.done_at).is_(None)).limit(1)
    )
    return found


async def waits_for(session: AsyncSession, who: Person) -> list[CaseRow]:
    """The cases whose agreed contact this person has still to make and whose day has come, the oldest first."""
    of_theirs = (
        select(CaseRow)
        .join(FollowUp, col(FollowUp.case_id) == col(CaseRow.id))
        .where(col(FollowUp.owner_id) == who.id, col(FollowUp.done_at).is_(None), col(FollowUp.reminded) > 0)
        .order_by(col(FollowUp.id))
    )
    return list(await session.scalars(of_theirs))


async def followed_up(session: AsyncSession, row: CaseRow, by: Person, now: datetime) -> bool:
    """The agreed contact was made. False: there is none that waits."""
    follow_up = await waiting_for(session, row)
    if follow_up is None:
        return False
    follow_up.done_at, follow_up.due_at = now, None
    await journal.append(session, row, "FollowedUp", {}, now=now, actor=by)
    return True


async def debriefed(session: AsyncSession, row: CaseRow, by: Person, now: datetime, *, wants_to_talk: bool) -> None:
    """What the worker said a day after: how they are. Only that they were asked stands in the log of the case."""
    await journal.append(session, row, "Debriefed", {"wants_to_talk": wants_to_talk}, now=now, actor=by)
