"""What the machine decided is carried out: who is told what, as rows of the outbox in the same unit of work."""

from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import local, wall
from app.db import ident
from app.escalations import events
from app.escalations.events import Effect
from app.escalations.journal import append
from app.escalations.models import CaseEvent, CaseRow
from app.escalations.states import Level
from app.messages import channels
from app.messages import service as messages
from app.messages.models import Lane
from app.people import service as people
from app.tasks import service as tasks
from app.tasks.models import TaskKind

ALERTED = "Alerted"
# The quiet hours hold these back; everything else about a case is said at once.
GOES_ON_EVERY = 600  # seconds
REMINDERS = ("result", "overdue", "unhandled")
DIGEST_AT = time(9, 0)
NOBODY_SENDS = "nobody_sends"
A_MOMENT = timedelta(seconds=10)
REPORT_AFTER = timedelta(minutes=1)  # by then the receipts of the last messages are in
REPORT_AFTER_DANGER = timedelta(hours=1)


async def carry_out(session: AsyncSession, row: CaseRow, effect: Effect, seq: int, now: datetime) -> None:
    """Do what follows from entry `seq` of the log."""
    match effect:
        case events.Alert():
            await _alert(session, row, effect, seq, now)
        case events.TellOwner(person_id, what):
            await notify(session, row, person_id, seq, now, what=what)
        case events.TellOthers(owner):
            await _somebody_has_it(session, row, owner, seq, now)
        case events.TellMember(owner, by):
            if row.level > Level.YELLOW:
                await _send(session, row, "case_taken", row.person_id, seq, now, owner=owner, by=by.isoformat())
        case events.AskToAccept(person_id, by):
            await notify(session, row, person_id, seq, now, what="offered", owner=by)
        case events.NobodyTookIt():
            await _nobody_took_it(session, row, seq, now)
        case events.TellLeaders(what):
            await _tell_leaders(session, row, what, seq, now)
        case events.DrillOver(called_off):
            await _practice_is_over(session, row, called_off, seq, now)
        case events.Refused():
            pass


async def _alert(session: AsyncSession, row: CaseRow, alert: events.Alert, seq: int, now: datetime) -> None:
    await append(session, row, ALERTED, {"people": list(alert.people), "step": alert.step}, now=now)
    if row.level is Level.YELLOW:
        for person_id in alert.people:
            await _into_digest(session, row, person_id, now)
        return
    ways = await messages.ways_to(session, alert.people) if alert.loud else {}
    for person_id in alert.people:
        several = ways.get(person_id, ())
        if len(several) < 2:
            first: dict[str, Any] = {"first": list(alert.channels)} if alert.channels else {}
            await _send(session, row, "case_alert", person_id, seq, now, **first)
        for way in several if len(several) > 1 else ():
            await _send(session, row, "case_alert", person_id, seq, now, what=way, only=[way])
    await _tell_the_group(session, row, seq, now)


async def _into_digest(session: AsyncSession, row: CaseRow, person_id: int, now: datetime) -> None:
    """Yellow can wait for the morning, and all of it together is one message."""
    told = await people.person(session, person_id)
    morning = next_digest(now, (await people.house(session, row.house_id)).zone)
    await messages.send(
        session, "case_week", key=f"case_week:{person_id}:{morning:%Y%m%d}", to=told, subject_id=ident(row), now=now,
        not_before=morning,
    )  # fmt: skip


def next_digest(now: datetime, zone: str) -> datetime:
    """When the next message of a morning goes out in a house."""
    here = local(now, zone)
    return wall(here.date() + timedelta(days=here.time() >= DIGEST_AT), DIGEST_AT, zone)


async def alerted(session: AsyncSession, row: CaseRow) -> list[int]:
    """Everybody who was called to this case, in the order in which they were called."""
    entries = select(CaseEvent).where(col(CaseEvent.case_id) == row.id, col(CaseEvent.kind) == ALERTED)
    in_order = await session.scalars(entries.order_by(col(CaseEvent.seq)))
    return list(dict.fromkeys(p for entry in in_order for p in entry.detail["people"]))


async def _somebody_has_it(session: AsyncSession, row: CaseRow, owner: int, seq: int, now: datetime) -> None:
    await messages.clear(session, "taken", now, kind="case_alert", subject_id=ident(row))
    await tasks.finish_key(session, unhandled_key(row), now)
    if row.level is Level.YELLOW:
        return  # it stood in a digest: there is nobody who waits to hear
    for person_id in await alerted(session, row):
        if person_id != owner:
            await notify(session, row, person_id, seq, now, what="taken", owner=owner)


def unhandled_key(row: CaseRow) -> str:
    return f"case:{row.id}:unhandled"


async def _nobody_took_it(session: AsyncSession, row: CaseRow, seq: int, now: datetime) -> None:
    if row.drill:
        return
    if row.level is Level.RED:  # the ladder goes on; but somebody must hear of it by another way than ours
        await channels.alarm(session, "ladder", "nobody_reachable", now, code=row.code)
    await tasks.ask_a_person(
        session, TaskKind.CLEAR, "unhandled", key=unhandled_key(row), now=now, subject_id=ident(row),
        about=await people.person(session, row.person_id),
    )  # fmt: skip
    await _tell_leaders(session, row, "unhandled", seq, now)


async def _tell_leaders(session: AsyncSession, row: CaseRow, what: str, seq: int, now: datetime) -> None:
    leads = await people.leads_of(session, await people.person(session, row.person_id))
    for person_id in await messages.reachable(session, leads):
        if person_id != row.owner_id:
            await notify(session, row, person_id, seq, now, what=what, owner=row.owner_id)


async def _practice_is_over(session: AsyncSession, row: CaseRow, called_off: str, seq: int, now: datetime) -> None:
    """Nobody is called any more; who was called hears that it is over, and those who lead how it went.

    None of it is in a hurry: where somebody is in danger, their alert goes first.
    """
    await messages.clear(session, "over", now, kind="case_alert", subject_id=ident(row))
    if called_off == NOBODY_SENDS:
        return  # nobody has heard of it yet
    if row.owner_id is None:  # otherwise they hear who took it
        what = "drill_off" if called_off else "drill_over"
        for person_id in await alerted(session, row):
            await notify(session, row, person_id, seq, now, what=what, not_before=now + A_MOMENT)
    leads = await people.leads_of(session, await people.person(session, row.person_id))
    for person_id in await messages.reachable(session, leads):
        await messages.send(
            session, "drill_report", key=f"drill_report:{row.id}:{person_id}",
            to=await people.person(session, person_id), subject_id=ident(row), now=now,
            not_before=now + (REPORT_AFTER_DANGER if called_off else REPORT_AFTER),
        )  # fmt: skip


async def notify(
    session: AsyncSession, row: CaseRow, person_id: int, seq: int, now: datetime, *, what: str, **params: Any
) -> None:
    """Tell a member of staff that something happened to a case that is theirs, was, or may become theirs."""
    kind = "case_reminder" if what in REMINDERS else "case_note"
    if what == "goes_on":  # whatever they write joins the case; its owner is told of it now and then
        seq = int(now.timestamp()) // GOES_ON_EVERY
    await _send(session, row, kind, person_id, seq, now, what=what, **params)


async def _send(
    session: AsyncSession, row: CaseRow, kind: str, person_id: int, seq: int, now: datetime, *,
    not_before: datetime | None = None, **params: Any,
) -> None:  # fmt: skip
    """Every entry of the log is news of its own."""
    told = await people.person(session, person_id)
    practised = row.drill and kind != "case_alert"
    calm = row.level is Level.YELLOW or kind == "case_reminder" or practised
    await messages.send(
        session, kind, key=f"{kind}:{row.id}:{seq}:{params.get('what', '')}:{person_id}", to=told,
        subject_id=ident(row), params={"version": row.version, "seq": seq, **params}, now=now,
        not_before=not_before, lane=Lane.NORMAL if calm else Lane.URGENT,
    )  # fmt: skip


async def _tell_the_group(session: AsyncSession, row: CaseRow, seq: int, now: datetime) -> None:
    """Where the house has a group in WeCom, it hears beside those who were called that something is to be done."""
    if "robot" in await channels.configured(session):
        await messages.send(
            session, "case_group", key=f"case_group:{row.id}:{seq}", house_id=row.house_id, subject_id=ident(row),
            now=now, lane=Lane.URGENT,
        )  # fmt: skip
