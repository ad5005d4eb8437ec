"""Verbs of the escalations room: flag, advance, take, hand over, close. The machine decides; this obeys."""

import secrets
from collections.abc import Collection
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident, is_database_trouble, ring
from app.escalations import aftercare, codes, events, journal, log, machine, targets
from app.escalations.events import Effect, Event
from app.escalations.ladders import ladder_for, read_ladder, write_ladder
from app.escalations.models import CaseEvent, CaseRow, Flag, Via
from app.escalations.states import Case, Ladder, Level, State
from app.escalations.telling import ALERTED, alerted, carry_out, notify
from app.messages import service as messages
from app.people import service as people
from app.people.models import Person
from app.people.scope import Scope, within
from app.tasks.models import Task

logger = structlog.get_logger()
CASES = "cases"
DANGER = "danger"
# A lock that shows the row as it was read before the lock would decide on what is over.
FRESH = {"populate_existing": True}


# Finding


def visible_cases(scope: Scope) -> Select[CaseRow]:
    return select(CaseRow).where(within(scope, CaseRow))


async def case(session: AsyncSession, case_id: int) -> CaseRow:
    found = await session.get(CaseRow, case_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise LookupError(f"no case {case_id}")
    return found


async def open_case_of(session: AsyncSession, who: Person) -> CaseRow | None:
    found: CaseRow | None = await session.scalar(
        select(CaseRow).where(col(CaseRow.person_id) == who.id, col(CaseRow.state) != State.RESOLVED).with_for_update(),
        execution_options=FRESH,
    )
    return found


async def red_case_in(session: AsyncSession, house_id: int) -> bool:
    """Whether somebody of this house is in danger and the matter is not over; practice does not count."""
    real = select(col(CaseRow.id)).where(
        col(CaseRow.house_id) == house_id, col(CaseRow.level) == Level.RED, col(CaseRow.state) != State.RESOLVED,
        ~col(CaseRow.drill),
    )  # fmt: skip
    return await session.scalar(real.limit(1)) is not None


async def called_to_danger(session: AsyncSession, programme_id: int) -> set[int]:
    """Everybody who was called, in any house of the programme, to a red case that nobody has taken; no practice."""
    untaken = select(CaseRow).where(
        col(CaseRow.programme_id) == programme_id, col(CaseRow.level) == Level.RED, col(CaseRow.state) == State.OPEN,
        ~col(CaseRow.drill),
    )  # fmt: skip
    return {person_id for row in list(await session.scalars(untaken)) for person_id in await alerted(session, row)}


async def in_the_way(session: AsyncSession, practised_with: Person, ladder: Ladder, now: datetime) -> bool:
    """Whether practice about this person is in the way: danger in the house, or somebody it means is called to some."""
    if await red_case_in(session, practised_with.house_id):
        return True
    called = await called_to_danger(session, practised_with.programme_id)
    if not called:
        return False
    return any(called & set(step) for step in await targets.named_by(session, practised_with, ladder, now))


async def red_case_is_open(session: AsyncSession, person_id: int) -> bool:
    row = await session.scalar(
        select(col(CaseRow.level)).where(col(CaseRow.person_id) == person_id, col(CaseRow.state) != State.RESOLVED)
    )
    return row is Level.RED


def _open_to(scope: Scope, who: Person) -> ColumnElement[bool]:
    """What a member of staff may act on: their houses' cases, and what they hold or were offered elsewhere."""
    mine = (col(CaseRow.owner_id) == who.id) | (col(CaseRow.offered_to_id) == who.id)
    return within(scope, CaseRow) | mine


async def by_code(session: AsyncSession, scope: Scope, who: Person, code: str) -> CaseRow | None:
    """The case that this code means to this person: the newest one that had it."""
    newest = select(CaseRow).where(_open_to(scope, who), col(CaseRow.code) == code).order_by(col(CaseRow.id).desc())
    found: CaseRow | None = await session.scalar(newest.limit(1).with_for_update(), execution_options=FRESH)
    return found


def may_see(scope: Scope, who: Person, row: CaseRow) -> bool:
    return scope.covers(row.house_id) or who.id in (row.owner_id, row.offered_to_id)


def can_take(scope: Scope, who: Person) -> ColumnElement[bool]:
    return and_(
        _open_to(scope, who),
        (col(CaseRow.state) == State.OPEN) | (col(CaseRow.offered_to_id) == who.id),
        col(CaseRow.state) != State.RESOLVED,
    )


async def to_take(session: AsyncSession, scope: Scope, who: Person) -> list[CaseRow]:
    """The cases that a bare 接 of this person can mean: untaken in their houses, or offered to them.

    While somebody is in danger, it never means practice.
    """
    untaken = select(CaseRow).where(can_take(scope, who))
    rows = list(await session.scalars(untaken.order_by(col(CaseRow.level).desc(), col(CaseRow.id))))
    danger = any(row.level is Level.RED and not row.drill for row in rows)
    return [row for row in rows if not (danger and row.drill)]


async def owned_by(session: AsyncSession, who: Person) -> list[CaseRow]:
    mine = select(CaseRow).where(col(CaseRow.owner_id) == who.id, col(CaseRow.state) != State.RESOLVED)
    return list(await session.scalars(mine.order_by(col(CaseRow.level).desc(), col(CaseRow.id))))


async def to_take_this_week(session: AsyncSession, person_id: int) -> list[CaseRow]:
    """The yellow cases that nobody has taken and for which this person is asked."""
    programme = select(col(Person.programme_id)).where(col(Person.id) == person_id).scalar_subquery()
    asked = (
        select(CaseRow, col(CaseEvent.detail))
        .join(CaseEvent, col(CaseEvent.case_id) == col(CaseRow.id))
        .where(
            col(CaseRow.programme_id) == programme, col(CaseRow.level) == Level.YELLOW,
            col(CaseRow.state) == State.OPEN, col(CaseEvent.kind) == ALERTED,
        )
    )  # fmt: skip
    waiting = await session.execute(asked.order_by(col(CaseRow.id)))
    return list({row.id: row for row, detail in waiting if person_id in detail["people"]}.values())


async def flags_of(session: AsyncSession, row: CaseRow) -> list[Flag]:
    return list(await session.scalars(select(Flag).where(col(Flag.case_id) == row.id).order_by(col(Flag.id))))


async def previous(session: AsyncSession, row: CaseRow) -> CaseRow | None:
    """The episode before this one."""
    return await session.get(CaseRow, row.previous_id) if row.previous_id is not None else None


async def unhandled_behind(session: AsyncSession, task_id: int) -> CaseRow | None:
    """The case that nobody has taken yet and that stands on the list as this task: it is cleared by taking it."""
    task = await session.get(Task, task_id)
    row = await session.get(CaseRow, task.subject_id or 0) if task is not None and task.reason == "unhandled" else None
    return row if row is not None and row.state is State.OPEN else None


# What happens to a case


async def flag(
    session: AsyncSession, subject: Person, level: Level, category: str, *, rule: str, rules_version: str,
    said: str | None, now: datetime, model: str = "", span: tuple[int, int] | None = None,
    weighed: Collection[str] = (),
) -> CaseRow:  # fmt: skip
    """Danger was read: open a case or join the open one, and alert the first people, in this unit of work.

    `span`: which part of `said` the rule read; `weighed` as in `Flag`.
    """
    ladder = await ladder_for(session, subject.programme_id, level)
    row = await open_case_of(session, subject)
    if row is None:
        row = await open_case(session, subject, level, category, ladder, now)
    else:
        if level > row.level:
            row.category = category
        await happened(session, row, events.Flagged(level, ladder), now, actor=subject)
    session.add(
        Flag(
            case_id=ident(row),
            person_id=ident(subject),
            house_id=subject.house_id,
            level=level,
            category=category,
            rule=rule,
            rules_version=rules_version,
            model=model,
            said=said,
            start=span[0] if span else None,
            end=span[1] if span else None,
            weighed=" ".join(weighed),
            at=now,
        )
    )
    if row.state is State.OPEN and row.next_action_at is not None and row.next_action_at <= now:
        await advance(session, row, now)
    return row


async def open_case(
    session: AsyncSession, subject: Person, level: Level, category: str, ladder: Ladder, now: datetime, *,
    drill: bool = False,
) -> CaseRow:  # fmt: skip
    """An episode of this person begins; `drill`: nobody is in danger, it is practised."""
    before = await session.scalar(select(func.max(col(CaseRow.id))).where(col(CaseRow.person_id) == subject.id))
    row = CaseRow(
        code=secrets.token_hex(4), programme_id=subject.programme_id, house_id=subject.house_id,
        person_id=ident(subject), category=category, level=level, ladder=write_ladder(ladder), opened_at=now,
        drill=drill, previous_id=before, next_action_at=now, due_at=now,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    row.code = await codes.free(session, ident(row), now)
    opened = log.opened(level, ladder, drill=drill)
    await journal.append(session, row, *opened, now=now, actor=None if drill else subject)
    return row


async def advance(session: AsyncSession, row: CaseRow, now: datetime) -> None:
    """The moment of a case has come."""
    if row.drill:
        nobody = await people.person(session, row.person_id)
        if await in_the_way(session, nobody, read_ladder(row.ladder), now):
            await happened(session, row, events.CalledOff(DANGER), now)
            return
    await happened(session, row, events.Due(await reachable_for(session, row, now)), now)


async def undeliverable(session: AsyncSession, case_id: int, person_id: int, now: datetime, *, alert: bool) -> None:
    """An alert, or a note to whoever has the case, reached this person by no channel: the next one, now."""
    row = await case(session, case_id)
    if alert and row.owner_id == person_id:
        return  # they took it by another way while this one failed
    await happened(session, row, events.Undeliverable(person_id, await reachable_for(session, row, now)), now)


async def shift_changed(session: AsyncSession, house_id: int, coming: Collection[int], now: datetime) -> None:
    """These came on duty at a house: whoever of them some channel reaches hears of the red cases that wait there."""
    there = await messages.reachable(session, coming)
    waiting = select(CaseRow).where(
        col(CaseRow.house_id) == house_id, col(CaseRow.state) == State.OPEN, col(CaseRow.level) == Level.RED
    )
    for row in await session.scalars(waiting.order_by(col(CaseRow.id)).with_for_update(), execution_options=FRESH):
        news = tuple(person_id for person_id in coming if person_id in there)
        if news:
            await happened(session, row, events.ShiftChanged(news), now)


async def help_wanted(session: AsyncSession, row: CaseRow, member: Person, now: datetime) -> None:
    await happened(session, row, events.HelpWanted(await reachable_for(session, row, now)), now, actor=member)


async def happened(
    session: AsyncSession, row: CaseRow, event: Event, now: datetime, *, actor: Person | None = None,
    via: Via | None = None,
) -> tuple[Effect, ...]:  # fmt: skip
    """Let the machine decide, write down what it decided, and carry out what follows from it."""
    before = as_case(row)
    after, effects = machine.decide(before, event, now)
    if after == before and any(isinstance(effect, events.Refused) for effect in effects):
        return effects
    _write(row, after, now)
    seq = await journal.append(session, row, *log.encode(event), now=now, actor=actor, via=via)
    for effect in effects:
        await carry_out(session, row, effect, seq, now)
    if row.state is State.RESOLVED:
        await aftercare.begin(session, row, now)
    await session.flush()
    ring(session, CASES)
    called = {person_id for effect in effects if isinstance(effect, events.Alert) for person_id in effect.people}
    if row.level is Level.RED and not row.drill and called:
        await _make_way(session, row, called, now)
    return effects


async def _make_way(session: AsyncSession, danger: CaseRow, called: set[int], now: datetime) -> None:
    """These are called because of danger: what is practised in that house, or elsewhere with them, ends at once.

    The alert never waits for that: practice that is in other hands just now ends by itself at its next step, and
    whatever goes wrong here is undone by itself.
    """
    practised = select(CaseRow).where(
        col(CaseRow.programme_id) == danger.programme_id, col(CaseRow.drill), col(CaseRow.state) != State.RESOLVED
    )
    if await session.scalar(practised.limit(1)) is None:
        return
    try:
        async with session.begin_nested():
            meant = [
                ident(row)
                for row in list(await session.scalars(practised))
                if row.house_id == danger.house_id or called & set(await alerted(session, row))
            ]
            locked = practised.where(col(CaseRow.id).in_(meant)).with_for_update(skip_locked=True)
            for row in await session.scalars(locked, execution_options=FRESH):
                await happened(session, row, events.CalledOff(DANGER), now)
    except Exception as error:
        if is_database_trouble(error):
            raise
        logger.error("practice did not make way", house=danger.house_id, error=type(error).__name__, exc_info=True)


async def joined(session: AsyncSession, row: CaseRow, by: Person, now: datetime, *, via: Via) -> None:
    """协助: a second person works on it too; the owner stays the one who answers for it."""
    seq = await journal.append(session, row, "Joined", {}, now=now, actor=by, via=via)
    if row.owner_id is not None:
        await notify(session, row, row.owner_id, seq, now, what="joined", owner=by.id)


async def adopt(session: AsyncSession, guest: Person, who: Person, now: datetime) -> None:
    """A stranger turns out to be somebody we know: their open case is that person's from now on."""
    row = await open_case_of(session, guest)
    if row is None or await open_case_of(session, who) is not None:
        return
    row.person_id, row.house_id = ident(who), who.house_id
    for flag_row in await flags_of(session, row):
        flag_row.person_id, flag_row.house_id = ident(who), who.house_id
    await session.flush()
    now_theirs = [person_id for person_id in (who.worker_id,) if person_id is not None]
    news = tuple(await messages.reachable(session, now_theirs))
    if news and row.state is State.OPEN:  # the step that meant their worker led to nobody when it came
        await happened(session, row, events.ShiftChanged(news), now)


async def viewed(session: AsyncSession, row: CaseRow, by: Person, now: datetime, *, via: Via) -> None:
    await journal.append(session, row, "Viewed", {}, now=now, actor=by, via=via)


async def reachable_for(session: AsyncSession, row: CaseRow, now: datetime) -> machine.Reachable:
    """Whom the ladder of a case leads to at this moment."""
    subject = await people.person(session, row.person_id)
    return await targets.reachable(session, subject, read_ladder(row.ladder), now)


def as_case(row: CaseRow) -> Case:
    """The case that a row describes, as the machine sees it."""
    return Case(
        level=row.level, ladder=read_ladder(row.ladder), drill=row.drill, state=row.state, step=row.step,
        rounds=row.rounds, owner=row.owner_id, offered_to=row.offered_to_id, reminded=row.reminded,
        version=row.version, next_action_at=row.next_action_at, outcome=row.outcome, grade=row.grade,
        next_contact=row.next_contact,
    )  # fmt: skip


def _write(row: CaseRow, case: Case, now: datetime) -> None:
    if case.ladder != read_ladder(row.ladder):
        row.ladder = write_ladder(case.ladder)
    if case.level != row.level:
        row.level_since = now
    row.level, row.state, row.step, row.rounds = case.level, case.state, case.step, case.rounds
    row.owner_id, row.offered_to_id, row.reminded = case.owner, case.offered_to, case.reminded
    row.version, row.next_action_at, row.due_at = case.version, case.next_action_at, case.next_action_at
    row.outcome, row.grade, row.next_contact = case.outcome, case.grade, case.next_contact
    if case.state is State.RESOLVED:
        row.resolved_at = now
