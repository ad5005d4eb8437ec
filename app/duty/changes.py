"""What people arrange otherwise: somebody more, somebody less, a swap that the other one agreed to, a date."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident, ring
from app.duty.models import CalendarDay, Change, ChangeKind, ChangeState, DayKind, DutyWatch
from app.duty.rota import Shift
from app.duty.service import shifts_on
from app.people import service as people
from app.people.models import House, Person
from app.people.scope import Scope, scope_of, within

DUTY = "duty"


class Obstacle(StrEnum):
    """Why something cannot be arranged."""

    NO_SHIFT = "no_shift"
    NONE_IN_RETURN = "none_in_return"
    BEGUN = "begun"
    ASKED_ALREADY = "asked_already"
    YOURSELF = "yourself"
    UNREACHABLE = "unreachable"
    OVER = "over"


async def _within_reach(session: AsyncSession, by: Person, house_id: int | None) -> None:
    """What belongs to a house that somebody does not serve is not there for them: LookupError."""
    scope = await scope_of(session, by)
    houses = [house_id] if house_id is not None else await people.houses_of(session, by.programme_id)
    if not all(scope.covers(each) for each in houses):
        raise LookupError(f"no house {house_id} for person {by.id}")


async def rearm(session: AsyncSession, now: datetime, house_id: int | None = None) -> None:
    """Rules, changes or the calendar are others now (of one house, or of all): somebody looks again at once."""
    these = select(col(DutyWatch.id)).order_by(col(DutyWatch.id)).with_for_update()  # two who look at all do not cross
    found = list(await session.scalars(these if house_id is None else these.where(col(DutyWatch.house_id) == house_id)))
    await session.execute(update(DutyWatch).where(col(DutyWatch.id).in_(found)).values(due_at=now))
    ring(session, DUTY)


# Somebody more, somebody less


async def put_on(
    session: AsyncSession, house: House, who: Person, starts_at: datetime, ends_at: datetime, *, by: Person,
    now: datetime,
) -> Change:  # fmt: skip
    """`who` is there between these moments, besides whoever is. LookupError: not a house of `by`."""
    return await _arrange(session, house, ChangeKind.THERE, who, starts_at, ends_at, by, now)


async def take_off(
    session: AsyncSession, house: House, who: Person, starts_at: datetime, ends_at: datetime, *, by: Person,
    now: datetime,
) -> Change:  # fmt: skip
    """`who` is not there between these moments: leave, or less than the rules say. LookupError as above."""
    return await _arrange(session, house, ChangeKind.AWAY, who, starts_at, ends_at, by, now)


async def _arrange(
    session: AsyncSession, house: House, kind: ChangeKind, who: Person, starts_at: datetime, ends_at: datetime,
    by: Person, now: datetime,
) -> Change:  # fmt: skip
    await _within_reach(session, by, house.id)
    change = Change(
        house_id=ident(house), kind=kind, person_id=ident(who), starts_at=starts_at, ends_at=ends_at,
        state=ChangeState.AGREED, made_by=ident(by), made_at=now, settled_at=now,
    )  # fmt: skip
    session.add(change)
    await session.flush()
    await rearm(session, now, house.id)
    return change


async def visible(session: AsyncSession, scope: Scope, change_id: int) -> Change:
    """LookupError: there is no such change, or it is of a house outside `scope`."""
    found: Change | None = await session.scalar(
        select(Change).where(within(scope, Change), col(Change.id) == change_id)
    )
    if found is None:
        raise LookupError(f"no change {change_id}")
    return found


async def agreed(session: AsyncSession, house: House, first: datetime, last: datetime) -> list[Change]:
    """What was arranged for a house between two moments and holds, in the order in which it begins."""
    rows = select(Change).where(
        col(Change.house_id) == house.id, col(Change.state) == ChangeState.AGREED, col(Change.ends_at) > first,
        col(Change.starts_at) < last,
    )  # fmt: skip
    return list(await session.scalars(rows.order_by(col(Change.starts_at), col(Change.id))))


async def undo(session: AsyncSession, change: Change, *, by: Person, now: datetime) -> list[Change]:
    """What was agreed holds no longer; what of it has been worked stays. The rows that were concerned, maybe none.

    A swap is undone as a whole. LookupError: not a house of `by`.
    """
    rows = await _held(session, change.swap_id or ident(change))
    for house_id in {row.house_id for row in rows}:
        await _within_reach(session, by, house_id)
    holding = [row for row in rows if row.state is ChangeState.AGREED and row.ends_at > now]
    for row in holding:
        if row.starts_at < now:
            row.ends_at = now
        else:
            row.state, row.settled_at = ChangeState.WITHDRAWN, now
    await session.flush()
    for house_id in {row.house_id for row in holding}:
        await rearm(session, now, house_id)
    return holding


# Swaps


async def propose(
    session: AsyncSession, houses: Sequence[House], asker: Person, other: Person, day: date, now: datetime, *,
    back: date | None = None,
) -> Change | Obstacle:  # fmt: skip
    """`other` is to take the hours that `asker` has on `day` (and `asker` theirs on `back`).

    Nothing changes until the other one has said yes. The row that is returned stands for the whole swap.
    LookupError: one of the houses is none of theirs.
    """
    for house in houses:
        await _within_reach(session, asker, house.id)
        await _within_reach(session, other, house.id)
    given = await _shifts_in(session, houses, asker, day)
    taken = await _shifts_in(session, houses, other, back) if back else []
    if not given:
        return Obstacle.NO_SHIFT
    if back and not taken:
        return Obstacle.NONE_IN_RETURN
    if any(shift.starts_at <= now for _, shift in [*given, *taken]):
        return Obstacle.BEGUN
    if await _is_asked(session, asker, [shift for _, shift in given]):
        return Obstacle.ASKED_ALREADY
    rows = [
        Change(
            house_id=ident(house), kind=ChangeKind.INSTEAD, person_id=ident(stands_in), instead_of_id=shift.person_id,
            starts_at=shift.starts_at, ends_at=shift.ends_at, state=ChangeState.PROPOSED, made_by=ident(asker),
            made_at=now,
        )
        for stands_in, shifts in ((other, given), (asker, taken))
        for house, shift in shifts
    ]  # fmt: skip
    session.add(rows[0])
    await session.flush()
    for row in rows[1:]:
        row.swap_id = rows[0].id
    session.add_all(rows[1:])
    await session.flush()
    await rearm(session, now)
    return rows[0]


async def _shifts_in(
    session: AsyncSession, houses: Sequence[House], who: Person, day: date
) -> list[tuple[House, Shift]]:
    return [(house, shift) for house in houses for shift in await shifts_on(session, house, ident(who), day)]


async def _is_asked(session: AsyncSession, asker: Person, shifts: Sequence[Shift]) -> bool:
    pending = select(Change).where(
        col(Change.instead_of_id) == asker.id, col(Change.made_by) == asker.id,
        col(Change.state) == ChangeState.PROPOSED,
    )  # fmt: skip
    return any(
        row.starts_at < shift.ends_at and row.ends_at > shift.starts_at
        for row in await session.scalars(pending)
        for shift in shifts
    )


async def swap_rows(session: AsyncSession, swap_id: int) -> list[Change]:
    """All that a swap consists of, the row that stands for it first."""
    return list(await session.scalars(_rows_of(swap_id)))


def _rows_of(swap_id: int) -> Select[Change]:
    return select(Change).where((col(Change.id) == swap_id) | (col(Change.swap_id) == swap_id)).order_by(col(Change.id))


async def _held(session: AsyncSession, swap_id: int) -> list[Change]:
    """The same, fresh, and ours until this unit of work ends."""
    rows = _rows_of(swap_id).with_for_update()
    return list(await session.scalars(rows, execution_options={"populate_existing": True}))


async def agree(session: AsyncSession, swap_id: int, by: Person, now: datetime) -> ChangeState:
    """The other one says yes. What the swap is now: agreed, or what became of it before."""
    return await _settle(session, swap_id, by, ChangeState.AGREED, now)


async def decline(session: AsyncSession, swap_id: int, by: Person, now: datetime) -> ChangeState:
    return await _settle(session, swap_id, by, ChangeState.DECLINED, now)


async def withdraw(session: AsyncSession, swap_id: int, by: Person, now: datetime) -> ChangeState:
    """Whoever asked takes it back, as long as nobody has answered."""
    return await _settle(session, swap_id, by, ChangeState.WITHDRAWN, now)


async def _settle(session: AsyncSession, swap_id: int, by: Person, to: ChangeState, now: datetime) -> ChangeState:
    rows = await _held(session, swap_id)
    # Only the row that stands for a swap: whoever asked must not say yes for the other one by a row of their own.
    whole = bool(rows) and rows[0].swap_id is None
    may = whole and (rows[0].made_by if to is ChangeState.WITHDRAWN else rows[0].person_id) == by.id
    if not may:
        raise LookupError(f"no swap {swap_id} for person {by.id}")
    if rows[0].state is ChangeState.PROPOSED:
        # A shift that has begun has an owner already: nobody takes it over with a late yes.
        to = ChangeState.EXPIRED if min(row.starts_at for row in rows) <= now else to
        for row in rows:
            row.state, row.settled_at = to, now
        await session.flush()
        await rearm(session, now)
    return rows[0].state


async def lapse(session: AsyncSession, now: datetime) -> list[Change]:
    """The swaps, each by the row that stands for it, that nobody had answered when their first shift began.

    Not in a unit of work that has claimed a house: whoever answers a swap holds it and then looks at the houses.
    """
    begun = select(Change).where(col(Change.state) == ChangeState.PROPOSED, col(Change.starts_at) <= now)
    lapsed = []
    for swap_id in sorted({row.swap_id or ident(row) for row in await session.scalars(begun)}):
        rows = [row for row in await _held(session, swap_id) if row.state is ChangeState.PROPOSED]
        for row in rows:
            row.state, row.settled_at = ChangeState.EXPIRED, now
        lapsed += rows[:1]
    await session.flush()
    return lapsed


async def waiting_for(session: AsyncSession, who: Person, now: datetime) -> list[Change]:
    """The swaps that wait for an answer of this person, each by the row that stands for it."""
    return await _open_swaps(session, now, person_id=who.id)


async def asked_by(session: AsyncSession, who: Person, now: datetime) -> list[Change]:
    """The swaps that this person has proposed and that nobody has answered."""
    return await _open_swaps(session, now, made_by=who.id)


async def _open_swaps(session: AsyncSession, now: datetime, **whose: int | None) -> list[Change]:
    rows = select(Change).where(
        col(Change.state) == ChangeState.PROPOSED, col(Change.swap_id).is_(None), col(Change.starts_at) > now,
        *(getattr(Change, name) == number for name, number in whose.items()),
    )  # fmt: skip
    return list(await session.scalars(rows.order_by(col(Change.starts_at), col(Change.id))))


# The calendar


async def note_day(
    session: AsyncSession, programme_id: int, house: House | None, day: date, kind: DayKind, *, by: Person,
    now: datetime, hours_of: int | None = None,
) -> CalendarDay:  # fmt: skip
    """A house (or every house of the programme) is closed on a day, or works it with the hours of a weekday."""
    await _within_reach(session, by, house.id if house else None)
    row = await _noted(session, programme_id, house, day)
    if row is None:
        row = CalendarDay(programme_id=programme_id, house_id=house.id if house else None, day=day, kind=kind)
        session.add(row)
    row.kind, row.hours_of, row.made_by = kind, hours_of, by.id
    await session.flush()
    await rearm(session, now, house.id if house else None)
    return row


async def forget_day(
    session: AsyncSession, programme_id: int, house: House | None, day: date, *, by: Person, now: datetime
) -> bool:
    """The country's calendar holds again on a day. False: nothing was noted."""
    await _within_reach(session, by, house.id if house else None)
    row = await _noted(session, programme_id, house, day)
    if row is None:
        return False
    await session.delete(row)
    await session.flush()
    await rearm(session, now, house.id if house else None)
    return True


async def _noted(session: AsyncSession, programme_id: int, house: House | None, day: date) -> CalendarDay | None:
    where = col(CalendarDay.house_id) == house.id if house else col(CalendarDay.house_id).is_(None)
    found: CalendarDay | None = await session.scalar(
        select(CalendarDay).where(col(CalendarDay.programme_id) == programme_id, where, col(CalendarDay.day) == day)
    )
    return found
