"""Verbs of the escalations room: flag, advance, take, hand over, close. The machine decides; this obeys."""

import secrets
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import wall
from app.db import ident, ring
from app.escalations import events, log, machine
from app.escalations.duty import on_duty
from app.escalations.events import Effect, Event
from app.escalations.ladders import ladder_for, read_ladder, write_ladder
from app.escalations.models import CaseEvent, CaseRow, Flag, Via
from app.escalations.states import Case, Ladder, Level, State, Target
from app.messages import channels
from app.messages import service as messages
from app.messages.models import Lane
from app.people import service as people
from app.people.models import Person, Role
from app.people.scope import Scope, within
from app.tasks import service as tasks
from app.tasks.models import TaskKind

CASES = "cases"
# A lock that shows the row as it was read before the lock would decide on what is over.
FRESH = {"populate_existing": True}
FOLLOW_UP_AT = time(9, 0)
ALERTED = "Alerted"
LETTERS = "ABCDEFGHJKLMNPQRSUVWXYZ"  # no I and O, which look like digits; T is for tasks


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
    found: CaseRow | None = await session.scalar(
        select(CaseRow).where(_open_to(scope, who), col(CaseRow.code) == code).with_for_update(),
        execution_options=FRESH,
    )
    return found


def may_see(scope: Scope, who: Person, row: CaseRow) -> bool:
    return scope.covers(row.house_id) or who.id in (row.owner_id, row.offered_to_id)


async def to_take(session: AsyncSession, scope: Scope, who: Person) -> list[CaseRow]:
    """The cases that a bare 接 of this person can mean: untaken in their houses, or offered to them."""
    untaken = select(CaseRow).where(
        _open_to(scope, who),
        (col(CaseRow.state) == State.OPEN) | (col(CaseRow.offered_to_id) == who.id),
        col(CaseRow.state) != State.RESOLVED,
    )
    return list(await session.scalars(untaken.order_by(col(CaseRow.level).desc(), col(CaseRow.id))))


async def owned_by(session: AsyncSession, who: Person) -> list[CaseRow]:
    mine = select(CaseRow).where(col(CaseRow.owner_id) == who.id, col(CaseRow.state) != State.RESOLVED)
    return list(await session.scalars(mine.order_by(col(CaseRow.level).desc(), col(CaseRow.id))))


async def flags_of(session: AsyncSession, row: CaseRow) -> list[Flag]:
    return list(await session.scalars(select(Flag).where(col(Flag.case_id) == row.id).order_by(col(Flag.id))))


async def timeline(session: AsyncSession, row: CaseRow) -> list[CaseEvent]:
    entries = select(CaseEvent).where(col(CaseEvent.case_id) == row.id).order_by(col(CaseEvent.seq))
    return list(await session.scalars(entries))


# What happens to a case


async def flag(
    session: AsyncSession, subject: Person, level: Level, category: str, *, rule: str, rules_version: str,
    said: str | None, now: datetime,
) -> CaseRow:  # fmt: skip
    """Danger was read: open a case or join the open one, and alert the first people, in this unit of work."""
    ladder = await ladder_for(session, subject.programme_id, level)
    row = await open_case_of(session, subject)
    if row is None:
        row = await _open(session, subject, level, category, ladder, now)
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
            said=said,
            at=now,
        )
    )
    if row.state is State.OPEN and row.due_at is not None and row.due_at <= now:
        await advance(session, row, now)
    return row


async def _open(
    session: AsyncSession, subject: Person, level: Level, category: str, ladder: Ladder, now: datetime
) -> CaseRow:
    row = CaseRow(
        code=secrets.token_hex(4), programme_id=subject.programme_id, house_id=subject.house_id,
        person_id=ident(subject), category=category, level=level, ladder=write_ladder(ladder), opened_at=now,
        due_at=now,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    row.code = f"{LETTERS[ident(row) // 10_000 % len(LETTERS)]}-{ident(row) % 10_000:04d}"
    await _log(session, row, *log.opened(level, ladder), now=now, actor=subject)
    return row


async def advance(session: AsyncSession, row: CaseRow, now: datetime) -> None:
    """The moment of a case has come."""
    await happened(session, row, events.Due(await _reachable(session, row, now)), now)


async def undeliverable(session: AsyncSession, case_id: int, person_id: int, now: datetime) -> None:
    """An alert reached this person by no channel: the next one, now."""
    row = await case(session, case_id)
    reachable = await _reachable(session, row, now)
    await happened(session, row, events.Undeliverable(person_id, reachable), now)


async def help_wanted(session: AsyncSession, row: CaseRow, member: Person, now: datetime) -> None:
    await happened(session, row, events.HelpWanted(await _reachable(session, row, now)), now, actor=member)


async def happened(
    session: AsyncSession, row: CaseRow, event: Event, now: datetime, *, actor: Person | None = None,
    via: Via | None = None,
) -> tuple[Effect, ...]:  # fmt: skip
    """Let the machine decide, write down what it decided, and carry out what follows from it."""
    before = _read(row)
    after, effects = machine.decide(before, event, now)
    if after == before and any(isinstance(effect, events.Refused) for effect in effects):
        return effects
    _write(row, after, now)
    seq = await _log(session, row, *log.encode(event), now=now, actor=actor, via=via)
    for effect in effects:
        await _carry_out(session, row, effect, seq, now)
    if row.state is State.RESOLVED:
        await _follow_up(session, row, now)
    await session.flush()
    ring(session, CASES)
    return effects


async def joined(session: AsyncSession, row: CaseRow, by: Person, now: datetime, *, via: Via) -> None:
    """协助: a second person works on it too; the owner stays the one who answers for it."""
    seq = await _log(session, row, "Joined", {}, now=now, actor=by, via=via)
    if row.owner_id is not None:
        await _notify(session, row, "case_note", row.owner_id, seq, now, what="joined", owner=by.id)


async def adopt(session: AsyncSession, guest: Person, who: Person) -> None:
    """A stranger turns out to be somebody we know: their open case is that person's from now on."""
    row = await open_case_of(session, guest)
    if row is None or await open_case_of(session, who) is not None:
        return
    row.person_id, row.house_id = ident(who), who.house_id
    for flag_row in await flags_of(session, row):
        flag_row.person_id, flag_row.house_id = ident(who), who.house_id
    await session.flush()


async def viewed(session: AsyncSession, row: CaseRow, by: Person, now: datetime, *, via: Via) -> None:
    await _log(session, row, "Viewed", {}, now=now, actor=by, via=via)


def _read(row: CaseRow) -> Case:
    return Case(
        level=row.level, ladder=read_ladder(row.ladder), state=row.state, step=row.step, rounds=row.rounds,
        owner=row.owner_id, offered_to=row.offered_to_id, reminded=row.reminded, version=row.version,
        next_action_at=row.due_at, outcome=row.outcome, next_contact=row.next_contact,
    )  # fmt: skip


def _write(row: CaseRow, case: Case, now: datetime) -> None:
    if case.ladder != read_ladder(row.ladder):
        row.ladder = write_ladder(case.ladder)
    row.level, row.state, row.step, row.rounds = case.level, case.state, case.step, case.rounds
    row.owner_id, row.offered_to_id, row.reminded = case.owner, case.offered_to, case.reminded
    row.version, row.due_at = case.version, case.next_action_at
    row.outcome, row.next_contact = case.outcome, case.next_contact
    if case.state is State.RESOLVED:
        row.resolved_at = now


async def _log(
    session: AsyncSession, row: CaseRow, kind: str, detail: dict[str, Any], *, now: datetime,
    actor: Person | None = None, via: Via | None = None,
) -> int:  # fmt: skip
    last = await session.scalar(select(func.max(col(CaseEvent.seq))).where(col(CaseEvent.case_id) == row.id))
    session.add(
        CaseEvent(
            case_id=ident(row),
            house_id=row.house_id,
            seq=(last or 0) + 1,
            at=now,
            kind=kind,
            actor_id=actor.id if actor else None,
            detail={**detail, log.VIA: via} if via else detail,
        )
    )
    await session.flush()
    return (last or 0) + 1


# Who is told


async def _reachable(session: AsyncSession, row: CaseRow, now: datetime) -> tuple[tuple[int, ...], ...]:
    """For each step of the ladder, whom it leads to at this moment by some channel; last, all staff there."""
    subject = await people.person(session, row.person_id)
    named = [await _targets(session, subject, step.targets, now) for step in read_ladder(row.ladder).steps]
    # Beyond the ladder stands everybody else of the house: red that nobody takes rings them as well.
    named.append(await people.staff_of(session, subject))
    by_channel = await messages.reachable(session, {p for step in named for p in step})
    return tuple(tuple(p for p in step if p in by_channel) for step in named)


async def _targets(session: AsyncSession, subject: Person, targets: tuple[Target, ...], now: datetime) -> list[int]:
    house = await people.house(session, subject.house_id)
    found: list[int | None] = []
    for target in targets:
        match target:
            case Target.ASSIGNED:
                found.append(subject.worker_id)
            case Target.BACKUP:
                found.append(subject.backup_id)
            case Target.DUTY:
                found += await on_duty(session, house, now)
            case Target.SUPERVISOR:
                found += await _of_role(session, subject, Role.SUPERVISOR)
            case Target.EVERYONE:
                found += [subject.worker_id, subject.backup_id, *await on_duty(session, house, now)]
                found += await _of_role(session, subject, Role.SUPERVISOR)
    return list(dict.fromkeys(p for p in found if p is not None and p != subject.id))


async def _of_role(session: AsyncSession, subject: Person, role: Role) -> list[int | None]:
    ids = select(col(Person.id)).where(col(Person.programme_id) == subject.programme_id, col(Person.role) == role)
    return list(await session.scalars(ids.order_by(col(Person.id))))


async def _alerted(session: AsyncSession, row: CaseRow) -> list[int]:
    entries = select(CaseEvent).where(col(CaseEvent.case_id) == row.id, col(CaseEvent.kind) == ALERTED)
    return list(dict.fromkeys(p for e in await session.scalars(entries) for p in e.detail["people"]))


async def _carry_out(session: AsyncSession, row: CaseRow, effect: Effect, seq: int, now: datetime) -> None:
    match effect:
        case events.Alert(told, step):
            detail = {"people": list(told), "step": step}
            await _log(session, row, ALERTED, detail, now=now)
            for person_id in told:
                await _notify(session, row, "case_alert", person_id, seq, now)
            await _tell_the_group(session, row, seq, now)
        case events.TellOwner(person_id, what):
            await _notify(session, row, "case_note", person_id, seq, now, what=what)
        case events.TellOthers(owner):
            await messages.clear(session, "taken", now, kind="case_alert", subject_id=ident(row))
            for person_id in await _alerted(session, row):
                if person_id != owner:
                    await _notify(session, row, "case_note", person_id, seq, now, what="taken", owner=owner)
        case events.TellMember(owner, by):
            if row.level > Level.YELLOW:
                await _notify(session, row, "case_taken", row.person_id, seq, now, owner=owner, by=by.isoformat())
        case events.AskToAccept(person_id, by):
            await _notify(session, row, "case_note", person_id, seq, now, what="offered", owner=by)
        case events.NobodyTookIt():
            await tasks.ask_a_person(
                session, TaskKind.CLEAR, "unhandled", key=f"case:{row.id}:unhandled", now=now,
                about=await people.person(session, row.person_id),
            )  # fmt: skip
        case events.Refused():
            pass


async def _notify(
    session: AsyncSession, row: CaseRow, kind: str, person_id: int, seq: int, now: datetime, **params: Any
) -> None:
    """Tell somebody what this entry of the log means for them; every entry is news of its own."""
    told = await people.person(session, person_id)
    await messages.send(
        session, kind, key=f"{kind}:{row.id}:{seq}:{params.get('what', '')}:{person_id}", to=told,
        subject_id=ident(row), params={"version": row.version, "seq": seq, **params}, now=now,
        lane=Lane.NORMAL if row.level is Level.YELLOW else Lane.URGENT,
    )  # fmt: skip


async def _tell_the_group(session: AsyncSession, row: CaseRow, seq: int, now: datetime) -> None:
    """Where the house has a group in WeCom, it hears beside those who were called that something is to be done."""
    if "robot" in await channels.configured(session) and row.level > Level.YELLOW:
        await messages.send(
            session, "case_group", key=f"case_group:{row.id}:{seq}", house_id=row.house_id, subject_id=ident(row),
            now=now, lane=Lane.URGENT,
        )  # fmt: skip


async def _follow_up(session: AsyncSession, row: CaseRow, now: datetime) -> None:
    """On the day that was agreed for the next contact, whoever closed the case is reminded of it."""
    if row.next_contact is None or row.owner_id is None:
        return
    house = await people.house(session, row.house_id)
    await messages.send(
        session, "case_follow_up", key=f"follow-up:{row.id}", to=await people.person(session, row.owner_id),
        subject_id=ident(row), now=now, not_before=wall(row.next_contact, FOLLOW_UP_AT, house.zone),
        max_lateness=timedelta(days=2),
    )  # fmt: skip
