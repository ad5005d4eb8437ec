"""Verbs of the activities room: write dates out, ask, answer, come."""

import secrets
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import due
from app.activities import closing, machine
from app.activities.calendar import AHEAD, CLOSED_WITHIN, Quiet, dates, milestones
from app.activities.machine import Answer, Door, Outcome, Seat
from app.activities.models import Attendance, Milestone, Occurrence, Plan, Rsvp, Series, State
from app.clock import local, wall
from app.db import ident, insert_once, insert_selected, table_of
from app.messages import outbox
from app.messages import service as messages
from app.messages.lateness import MAX_LATENESS
from app.people import service as people
from app.people.models import Person, Topic
from app.people.scope import Scope, within

# Dates


async def write_dates(session: AsyncSession, series: Series, now: datetime, quiet: Quiet) -> int:
    """Write out the dates of a series for the next eight weeks; how many are new."""
    house = await people.house(session, series.house_id)
    today = local(now, house.zone).date()
    made = 0
    for day in dates(series.rule, series.starts_on, first=today, last=today + AHEAD):
        starts_at = wall(day, time.fromisoformat(series.at), house.zone)
        if starts_at <= now:
            continue
        made += await schedule(
            session, house_id=series.house_id, slot=f"{series.code}:{day}", title=series.title,
            starts_at=starts_at, minutes=series.minutes, venue=series.venue, now=now, quiet=quiet,
            series_id=ident(series),
        )  # fmt: skip
    return made


async def schedule(
    session: AsyncSession, *, house_id: int, slot: str, title: str, starts_at: datetime, minutes: int,
    venue: str, now: datetime, quiet: Quiet, series_id: int | None = None,
) -> bool:  # fmt: skip
    """Put one occurrence into the calendar, with everything that will happen around it. False: it is there."""
    occurrence_id = await insert_once(
        session, Occurrence, house_id=house_id, series_id=series_id, slot=slot, title=title,
        starts_at=starts_at, ends_at=starts_at + timedelta(minutes=minutes), venue=venue,
        door_code=f"{secrets.randbelow(9000) + 1000}", scene=f"c{secrets.token_urlsafe(15)}",
    )  # fmt: skip
    if occurrence_id is None:
        return False
    await plan_around(session, await occurrence(session, occurrence_id), now, quiet)
    return True


async def plan_around(session: AsyncSession, what: Occurrence, now: datetime, quiet: Quiet) -> None:
    """(Re)write the due rows of an occurrence; what has happened already is not planned again."""
    house = await people.house(session, what.house_id)
    programme = await people.programme(session, house.programme_id)
    times = milestones(
        what.starts_at, what.ends_at, house.zone, invite_days=programme.invite_days, quiet=quiet, now=now
    )
    standing = {
        plan.milestone: plan for plan in await session.scalars(select(Plan).where(col(Plan.occurrence_id) == what.id))
    }
    for milestone in Milestone:
        at = times.get(milestone)
        plan = standing.get(milestone)
        if plan is None:
            if at is not None:
                session.add(
                    Plan(
                        occurrence_id=ident(what), house_id=what.house_id, milestone=milestone, due_at=at, planned_at=at
                    )
                )
        elif milestone is not Milestone.INVITE or plan.due_at is not None:
            plan.due_at, plan.planned_at = at, at or plan.planned_at
    await session.flush()


async def occurrence(session: AsyncSession, occurrence_id: int) -> Occurrence:
    found = await session.get(Occurrence, occurrence_id)
    if found is None:
        raise LookupError(f"no occurrence {occurrence_id}")
    return found


def visible_occurrences(scope: Scope) -> Select[Occurrence]:
    return select(Occurrence).where(within(scope, Occurrence))


async def visible_occurrence(session: AsyncSession, scope: Scope, occurrence_id: int) -> Occurrence:
    """LookupError where there is none, or one of another scope: that is one and the same."""
    found: Occurrence | None = await session.scalar(
        visible_occurrences(scope).where(col(Occurrence.id) == occurrence_id)
    )
    if found is None:
        raise LookupError(f"no occurrence {occurrence_id}")
    return found


# What happens around an occurrence


async def carry_out(session: AsyncSession, plan: Plan, now: datetime) -> None:
    """Do what a milestone is for: put a notice into the outbox of everybody whom it concerns, once."""
    what = await occurrence(session, plan.occurrence_id)
    if what.state is State.SCHEDULED and plan.milestone is Milestone.CLOSE:
        await closing.ask_to_close(session, what, now)
    elif what.state is State.SCHEDULED:
        await _tell(session, what, plan.milestone, plan.planned_at, now)
    await due.finish(session, plan)


async def _tell(
    session: AsyncSession, what: Occurrence, milestone: Milestone, planned_at: datetime, now: datetime
) -> None:
    """What comes too late after its planned moment, or after the start, is not said any more.

    Everybody it concerns in one statement: a house may have thousands, and the door waits meanwhile.
    """
    until = planned_at + MAX_LATENESS[milestone]
    if milestone is not Milestone.MISSED:
        until = min(until, what.starts_at)
    if until <= now:
        return
    members = people.joined_members(what.house_id).where(people.wanting(Topic.ACTIVITIES))
    if milestone is Milestone.INVITE:
        await _ask_all(session, what, members, now)
        told = members.where(col(Person.id).in_(_asked_at(what, now)))
    elif milestone is Milestone.MISSED:
        told = members.where(col(Person.id).in_(_answered(what, Answer.GOING)))
    else:
        told = members.where(col(Person.id).in_(_answered(what, *machine.REMINDED)))
    told = told.where(col(Person.id).not_in(_there(what)))
    await outbox.fan_out(
        session, milestone.value, f"{milestone.value}:{what.id}:{what.version}", told, now=now, until=until,
        subject_id=ident(what),
    )  # fmt: skip
    if milestone is Milestone.REMIND_DAY:
        await outbox.fan_out(
            session, "family_reminder", f"family:{what.id}:{what.version}", people.their_relatives(told), now=now,
            until=until, subject_id=ident(what),
        )  # fmt: skip


def _answered(what: Occurrence, *answers: Answer) -> Select[Any]:
    return select(col(Rsvp.person_id)).where(col(Rsvp.occurrence_id) == what.id, col(Rsvp.answer).in_(answers))


def _asked_at(what: Occurrence, now: datetime) -> Select[Any]:
    """Whom this invitation is the first word to: who was asked before is not asked again."""
    return select(col(Rsvp.person_id)).where(col(Rsvp.occurrence_id) == what.id, col(Rsvp.asked_at) == now)


def _there(what: Occurrence) -> Select[Any]:
    return select(col(Attendance.person_id)).where(
        col(Attendance.occurrence_id) == what.id, col(Attendance.undone_at).is_(None)
    )


async def _ask_all(session: AsyncSession, what: Occurrence, members: people.Recipients, now: datetime) -> None:
    asked = members.subquery("asked")
    table = table_of(Rsvp)
    columns = [
        table.c[name] for name in ("person_id", "house_id", "occurrence_id", "asked_at", "asked_version", "changes")
    ]
    same = [
        literal(value, table.c[name].type)
        for name, value in (
            ("occurrence_id", what.id), ("asked_at", now), ("asked_version", what.version), ("changes", 0),
        )
    ]  # fmt: skip
    await insert_selected(session, table, columns, select(asked.c.person_id, asked.c.house_id, *same))


async def _ask(session: AsyncSession, what: Occurrence, member: Person, now: datetime) -> bool:
    asked = await insert_once(
        session, Rsvp, occurrence_id=ident(what), person_id=ident(member), house_id=what.house_id, asked_at=now,
        asked_version=what.version,
    )  # fmt: skip
    return asked is not None


async def catch_up(session: AsyncSession, who: Person, now: datetime) -> None:
    """Somebody joined, or wants to hear from us again: ask them what the others have been asked already."""
    asked_already = (
        select(Occurrence)
        .join(Plan, col(Plan.occurrence_id) == col(Occurrence.id))
        .where(col(Occurrence.house_id) == who.house_id, col(Occurrence.starts_at) > now)
        .where(col(Occurrence.state) == State.SCHEDULED)
        .where(col(Plan.milestone) == Milestone.INVITE, col(Plan.due_at).is_(None))
        .order_by(col(Occurrence.starts_at))
    )
    for what in (await session.scalars(asked_already)).all():
        if await _ask(session, what, who, now):
            await _invite(session, what, who, now)


async def _invite(session: AsyncSession, what: Occurrence, member: Person, now: datetime) -> None:
    await messages.send(
        session, Milestone.INVITE, key=f"{Milestone.INVITE}:{what.id}:{what.version}:{member.id}", to=member,
        subject_id=ident(what), now=now, max_lateness=min(MAX_LATENESS[Milestone.INVITE], what.starts_at - now),
    )  # fmt: skip


# Answers


async def seat_of(session: AsyncSession, what: Occurrence, who: Person) -> Seat:
    return (await seats_of(session, what, {ident(who)}))[ident(who)]


async def seats_of(session: AsyncSession, what: Occurrence, people_ids: Collection[int]) -> dict[int, Seat]:
    """What each of these people has said to an occurrence, and whether they are there."""
    said = await session.execute(
        select(col(Rsvp.person_id), col(Rsvp.answer), col(Rsvp.changes)).where(
            col(Rsvp.occurrence_id) == what.id, col(Rsvp.person_id).in_(list(people_ids))
        )
    )
    answers = {person_id: (answer, changes) for person_id, answer, changes in said}
    there = set(await session.scalars(_there(what).where(col(Attendance.person_id).in_(list(people_ids)))))
    return {n: Seat(*answers.get(n, (None, 0)), present=n in there) for n in people_ids}


async def answer(session: AsyncSession, what: Occurrence, who: Person, said: Answer, now: datetime) -> Outcome:
    """Record what a member says to an occurrence; a change takes back the reminders it makes wrong."""
    seat, outcome = machine.answer(
        await seat_of(session, what, who), said, now, ends_at=what.ends_at,
        cancelled=what.state is State.CANCELLED,
    )  # fmt: skip
    if outcome not in (Outcome.RECORDED, Outcome.CHANGED):
        return outcome
    await _ask(session, what, who, now)
    await session.execute(
        update(Rsvp)
        .where(col(Rsvp.occurrence_id) == what.id, col(Rsvp.person_id) == who.id)
        .values(answer=seat.answer, changes=seat.changes, answered_at=now)
        .execution_options(synchronize_session="fetch")
    )
    await messages.clear(session, "answered", now, person_id=ident(who), subject_id=ident(what), kind="invite")
    if said is Answer.NOT_GOING:
        for kind in (Milestone.REMIND_DAY, Milestone.REMIND_HOURS):
            await messages.clear(
                session, "not going", now, person_id=ident(who), subject_id=ident(what), kind=kind.value
            )
    return outcome


async def ahead_of(session: AsyncSession, who: Person, now: datetime, n: int = 3) -> list[Occurrence]:
    """The next occurrences a person was asked to, soonest first."""
    found = (
        select(Occurrence)
        .join(Rsvp, col(Rsvp.occurrence_id) == col(Occurrence.id))
        .where(col(Rsvp.person_id) == who.id, col(Occurrence.ends_at) > now)
        .where(col(Occurrence.state) == State.SCHEDULED)
        .order_by(col(Occurrence.starts_at))
        .limit(n)
    )
    return list(await session.scalars(found))


async def history_of(
    session: AsyncSession, who: Person
) -> list[tuple[Occurrence, Answer | None, datetime | None]]:  # fmt: skip
    """What a person was asked to or came to, oldest first: what they answered, and when they checked in."""
    rows = await session.execute(
        select(Occurrence, col(Rsvp.answer), col(Attendance.at))
        .outerjoin(Rsvp, (col(Rsvp.occurrence_id) == col(Occurrence.id)) & (col(Rsvp.person_id) == who.id))
        .outerjoin(
            Attendance,
            (col(Attendance.occurrence_id) == col(Occurrence.id))
            & (col(Attendance.person_id) == who.id)
            & col(Attendance.undone_at).is_(None),
        )
        .where(col(Rsvp.id).is_not(None) | col(Attendance.id).is_not(None))
        .order_by(col(Occurrence.starts_at))
    )
    return [(what, said, came) for what, said, came in rows]


# Coming


async def at_the_door(session: AsyncSession, house_id: int, now: datetime) -> list[Occurrence]:
    """What is open for check-in at a house just now."""
    found = (
        select(Occurrence)
        .where(col(Occurrence.house_id) == house_id, col(Occurrence.state) == State.SCHEDULED)
        .where(col(Occurrence.starts_at) <= now + machine.OPENS_BEFORE, col(Occurrence.ends_at) >= now)
        .order_by(col(Occurrence.starts_at))
    )
    return list(await session.scalars(found))


async def lists_open(session: AsyncSession, house_id: int, now: datetime) -> list[Occurrence]:
    """Whose list staff may still complete: what is at the door, and then what ended within a day and is not closed."""
    ended = (
        select(Occurrence)
        .where(col(Occurrence.house_id) == house_id, col(Occurrence.state) == State.SCHEDULED)
        .where(col(Occurrence.ends_at) < now, col(Occurrence.ends_at) > now - CLOSED_WITHIN)
        .where(col(Occurrence.closed_at).is_(None))
        .order_by(col(Occurrence.ends_at).desc())
    )
    return [*await at_the_door(session, house_id, now), *await session.scalars(ended)]


async def on_day(session: AsyncSession, house_id: int, day: date, zone_name: str) -> list[Occurrence]:
    begin = wall(day, time(), zone_name)
    found = (
        select(Occurrence)
        .where(col(Occurrence.house_id) == house_id, col(Occurrence.state) == State.SCHEDULED)
        .where(col(Occurrence.starts_at) >= begin, col(Occurrence.starts_at) < begin + timedelta(days=1))
        .order_by(col(Occurrence.starts_at))
    )
    return list(await session.scalars(found))


async def by_scene(session: AsyncSession, scene: str) -> Occurrence | None:
    found: Occurrence | None = await session.scalar(select(Occurrence).where(col(Occurrence.scene) == scene))
    return found


async def check_in(
    session: AsyncSession, what: Occurrence, who: Person, now: datetime, *, source: str, marked_by: Person,
    on_list: bool = False,
) -> tuple[Door, bool]:  # fmt: skip
    """Mark somebody as there, once: what the door says, and whether they had not signed up.

    `on_list`: by staff, who may do so after the end as well, until the list is closed.
    """
    before = await seat_of(session, what, who)
    _seat, door = machine.arrive(
        before, now, starts_at=what.starts_at, ends_at=what.ends_at, cancelled=what.state is State.CANCELLED,
        on_list=on_list, closed=what.closed_at is not None,
    )  # fmt: skip
    walk_in = before.answer is not Answer.GOING
    if door is not Door.WELCOME:
        return door, walk_in
    came_before = select(col(Attendance.id)).where(
        col(Attendance.person_id) == who.id, col(Attendance.undone_at).is_(None)
    )
    first = await session.scalar(came_before.limit(1))
    marked = await insert_once(
        session, Attendance, occurrence_id=ident(what), person_id=ident(who), house_id=what.house_id, source=source,
        marked_by=ident(marked_by), at=now, first_time=first is None, walk_in=walk_in,
    )  # fmt: skip
    if marked is None:
        return Door.ALREADY, walk_in
    for kind in Milestone:
        await messages.clear(session, "there", now, person_id=ident(who), subject_id=ident(what), kind=kind.value)
    return door, walk_in


async def present_at(session: AsyncSession, what: Occurrence) -> list[Attendance]:
    there = select(Attendance).where(col(Attendance.occurrence_id) == what.id, col(Attendance.undone_at).is_(None))
    return list(await session.scalars(there))


async def expected_at(session: AsyncSession, what: Occurrence) -> list[Rsvp]:
    going = select(Rsvp).where(col(Rsvp.occurrence_id) == what.id, col(Rsvp.answer) == Answer.GOING)
    return list(await session.scalars(going))
