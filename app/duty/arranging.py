"""What people arrange about the rota, and whoever it concerns hears of it. The chat and the console both ask here."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import wall
from app.db import ident
from app.duty import changes, edits
from app.duty import service as duty
from app.duty.changes import Obstacle
from app.duty.models import Change, ChangeState, Edit
from app.duty.rota import Shift, Span, present
from app.messages import service as messages
from app.people import service as people
from app.people.models import House, Person, Posting, Role
from app.people.scope import Scope, scope_of, serves

A_DAY = timedelta(days=1)
Hours = tuple[time, time]


async def crew(session: AsyncSession, house: House) -> list[Person]:
    """Everybody who can be on the rota of a house: who belongs to it or is posted to it, and works with cases."""
    posted = select(col(Posting.person_id)).where(col(Posting.house_id) == house.id)
    serving = select(Person).where(
        col(Person.role).in_((Role.WORKER, Role.SUPERVISOR)),
        (col(Person.house_id) == house.id) | col(Person.id).in_(posted),
    )
    return list(await session.scalars(serving.order_by(col(Person.id))))


# Whoever leads says who is there


async def put_on(
    session: AsyncSession, houses: Sequence[House], who: Person, day: date, hours: Hours, *, by: Person, now: datetime
) -> list[Change] | Obstacle:
    """`who` is there besides, in each of these houses by its own wall clock; an end before the start is the next day's.

    LookupError: one of the houses is none of `by`.
    """
    spans = [(house, *span_of(day, hours, house.zone)) for house in houses]
    if not spans or any(ends <= now for _, _, ends in spans):
        return Obstacle.OVER
    made = []
    for house, starts, ends in spans:
        async with edits.noted(session, [house], Edit.PUT_ON, by, now) as edit:
            change = await changes.put_on(session, house, who, starts, ends, by=by, now=now)
            edit.detail = edits.of_change(change)
        made.append(change)
    await _tell_changed(session, made[0], who, by, now)
    return made


class TakenOff(NamedTuple):
    """`alone`: the first times in which nobody is there any more, with the house."""

    made: list[Change]
    alone: list[tuple[House, Shift]]


async def take_off(
    session: AsyncSession, houses: Sequence[House], who: Person, day: date, *, by: Person, now: datetime,
    last: date | None = None, hours: Hours | None = None,
) -> TakenOff | Obstacle:  # fmt: skip
    """`who` is not there on `day`, or until `last`, or in these hours of it; what has been worked has been worked.

    LookupError: one of the houses is none of `by`.
    """
    made: list[Change] = []
    alone: list[tuple[House, Shift]] = []
    for house in houses:
        starts, ends = span_of(day, hours, house.zone) if hours else await _away(session, house, who, day, last or day)
        starts = max(starts, now)
        planned = await duty.plan(session, house, starts, ends) if starts < ends else []
        lost = [shift for shift in planned if shift.person_id == who.id]
        if not lost:
            continue
        async with edits.noted(session, [house], Edit.TAKEN_OFF, by, now) as edit:
            change = await changes.take_off(session, house, who, starts, ends, by=by, now=now)
            edit.detail = edits.of_change(change)
        made.append(change)
        left = await duty.plan(session, house, starts, ends)
        alone += [(house, shift) for shift in lost if not present(left, shift.starts_at)]
    if not made:
        return Obstacle.NO_SHIFT
    await _tell_changed(session, made[0], who, by, now)
    return TakenOff(made, alone)


def span_of(day: date, hours: Hours, zone: str) -> Span:
    """These hours of a day; an end at or before the start is on the next day."""
    starts, ends = hours
    return wall(day, starts, zone), wall(day if starts < ends else day + A_DAY, ends, zone)


async def _away(session: AsyncSession, house: House, who: Person, day: date, last: date) -> Span:
    """From when until when somebody is away: the days, and the nights that begin on them, not the one before."""
    starts, ends = wall(day, time(), house.zone), wall(last + A_DAY, time(), house.zone)
    around = await duty.plan(session, house, starts - A_DAY, ends + A_DAY)
    mine = [shift for shift in around if shift.person_id == who.id]
    before = [s.ends_at for s in mine if starts - A_DAY < s.starts_at < starts < s.ends_at < starts + A_DAY / 2]
    after = [s.ends_at for s in mine if starts <= s.starts_at < ends < s.ends_at < ends + A_DAY]
    return max([starts, *before]), max([ends, *after])


async def undo(session: AsyncSession, change: Change, *, by: Person, now: datetime) -> bool:
    """What was arranged holds no longer from now on, all of a swap together; whom it was about hears of it.

    False: it was over, or no longer held. LookupError: not a house of `by`.
    """
    async with edits.noted(session, await _houses(session, change), Edit.UNDONE, by, now) as edit:
        edit.detail = edits.of_change(change)
        undone = await changes.undo(session, change, by=by, now=now)
        edit.drop = not undone
    concerned = dict.fromkeys(p for row in undone for p in (row.person_id, row.instead_of_id) if p is not None)
    for person_id in concerned:
        await _tell_changed(session, undone[0], await people.person(session, person_id), by, now, undone=True)
    return bool(undone)


async def _houses(session: AsyncSession, change: Change) -> list[House]:
    """The houses that a change, or all of the swap that it belongs to, is about."""
    rows = await changes.swap_rows(session, change.swap_id or ident(change))
    by_id = await people.houses_by_id(session, {row.house_id for row in rows})
    return [by_id[house_id] for house_id in sorted(by_id)]


async def _tell_changed(
    session: AsyncSession, change: Change, who: Person, by: Person, now: datetime, *, undone: bool = False
) -> None:
    if who.id != by.id:
        await messages.send(
            session, "duty_changed", key=f"duty_changed:{change.id}{f':undone:{who.id}' if undone else ''}", to=who,
            subject_id=ident(change), params={"by": ident(by), "undone": undone}, now=now,
        )  # fmt: skip


# Swaps


async def ask(
    session: AsyncSession, scope: Scope, asker: Person, other: Person, day: date, now: datetime, *,
    back: date | None = None,
) -> Change | Obstacle:  # fmt: skip
    """`other` is asked to take the shifts of `asker` on `day`, and `asker` theirs on `back`: in the houses of `scope`
    that both serve, the asker's own first. The row that is returned stands for the whole swap."""
    if other.id == asker.id:
        return Obstacle.YOURSELF
    if not await messages.reachable(session, [ident(other)]):
        return Obstacle.UNREACHABLE
    leads = other.role is Role.SUPERVISOR
    shared = scope.houses & ((await scope_of(session, other)).houses if leads else await serves(session, other))
    by_id = await people.houses_by_id(session, shared)
    houses = [by_id[n] for n in sorted(shared, key=lambda n: (n != asker.house_id, n))]
    made = await changes.propose(session, houses, asker, other, day, now, back=back)
    if isinstance(made, Change):
        await messages.send(
            session, "swap_asked", key=f"swap_asked:{made.id}", to=other, subject_id=ident(made), now=now,
            max_lateness=made.starts_at - now,
        )  # fmt: skip
    return made


async def answer(session: AsyncSession, swap_id: int, by: Person, now: datetime, *, yes: bool) -> ChangeState:
    """The other one says yes or no, and whoever asked hears of it. What the swap is now, or became before."""
    settle = changes.agree if yes else changes.decline
    rows = await changes.swap_rows(session, swap_id)
    if not rows:
        raise LookupError(f"no swap {swap_id}")
    async with edits.noted(session, await _houses(session, rows[0]), Edit.SWAPPED, by, now) as edit:
        edit.detail = edits.of_change(rows[0])
        state = await settle(session, swap_id, by, now)
        edit.drop = state is not ChangeState.AGREED or rows[0].settled_at != now
    if rows[0].settled_at == now:
        await tell_settled(session, rows[0], rows[0].made_by, now)
    return state


async def take_back(session: AsyncSession, swap: Change, by: Person, now: datetime) -> ChangeState:
    """Whoever asked does not ask any more; the other one hears of it, unless the question has not gone out yet."""
    state = await changes.withdraw(session, ident(swap), by, now)
    asked = await messages.clear(session, "withdrawn", now, kind="swap_asked", subject_id=swap.id)
    if state is ChangeState.WITHDRAWN and not asked:
        await tell_settled(session, swap, swap.person_id, now)
    return state


async def tell_settled(session: AsyncSession, swap: Change, person_id: int, now: datetime) -> None:
    """What became of a swap, to one of the two."""
    await messages.send(
        session, "swap_settled", key=f"swap_settled:{swap.id}:{person_id}", to=await people.person(session, person_id),
        subject_id=ident(swap), now=now,
    )  # fmt: skip
