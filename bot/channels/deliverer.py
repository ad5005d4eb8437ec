"""The deliverer: claims what is due, picks the rung that is open now, sends, and writes down what came of it.

A row is marked `sending` before the call, in a unit of work of its own. After a crash such a row says:
nobody knows whether this went out. Then the rung decides whether saying it again does more good than harm.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import due
from app.activities.calendar import Quiet
from app.clock import Clock
from app.db import Database, is_database_trouble
from app.escalations import service as escalations
from app.messages import questions, window
from app.messages import service as messages
from app.messages.models import Contact, Lane, Outbox, OutboxState
from app.mood import service as mood
from app.people import service as people
from app.tasks import service as tasks
from app.tasks.models import TaskKind
from bot.channels import receipts
from bot.channels.rungs import Rung
from bot.links import Links
from bot.notices import NOTICES, Desk, Dropped, Letter, Notice
from bot.outside import (
    ChannelClosed,
    ContentRefused,
    NotSent,
    OutcomeUnknown,
    OutsideError,
    PersonUnreachable,
    QuotaUsedUp,
    TryLater,
)

log = structlog.get_logger()

BATCH = 100
QUESTION_KEEPS = timedelta(hours=1)
BACKOFF = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
MOST_TRIES = 8
BROKEN_AFTER = 3  # a letter that cannot be composed three times over will not be the fourth time
URGENT_NOTES = ("more", "raised", "help", "contact", "result")


@dataclass(frozen=True)
class Envelope:
    """A row that is marked as being sent, and all that is needed to send it without the database."""

    row: Outbox
    contact: Contact
    letter: Letter
    rung: Rung


class Deliverer:
    def __init__(
        self, db: Database, clock: Clock, links: Links, rungs: Sequence[Rung], quiet: Quiet, *, senders: int
    ) -> None:
        self._db = db
        self._clock = clock
        self._links = links
        self._rungs = {rung.name: rung for rung in rungs}
        self._quiet = quiet
        self._senders = asyncio.Semaphore(senders)
        self._closed_until: dict[str, datetime] = {}

    async def drain(self) -> int:
        """Work off one batch of what is due; how many rows that were. Several processes may do so at once."""
        return await self._drain(None)

    async def drain_urgent(self) -> int:
        """The same for alerts alone: they wait for no batch of anything else."""
        return await self._drain(col(Outbox.lane) == Lane.URGENT)

    async def _drain(self, only: ColumnElement[bool] | None) -> int:
        async with self._db.begin() as session:
            rows = await due.claim(session, Outbox, self._clock.now(), n=BATCH, first=[col(Outbox.lane)], only=only)
        by_person: dict[tuple[int | None, int | None], list[Outbox]] = {}
        for row in sorted(rows, key=lambda row: (row.lane, row.id)):
            by_person.setdefault((row.person_id, row.contact_id), []).append(row)
        await asyncio.gather(*(self._one_after_another(queue) for queue in by_person.values()))
        return len(rows)

    async def _one_after_another(self, rows: Sequence[Outbox]) -> None:
        async with self._senders:
            for row in rows:
                try:
                    await self._deliver(row)
                except Exception as error:
                    # One bad row must not keep the others from going out; its lease brings it back.
                    log.error("delivery broke", outbox=row.id, kind=row.kind, error=type(error).__name__)

    async def _deliver(self, row: Outbox) -> None:
        try:
            async with self._db.begin() as session:
                envelope = await self._prepare(session, row, self._clock.now())
        except Exception as error:
            if is_database_trouble(error) or row.attempts < BROKEN_AFTER:
                raise
            log.error("letter broke", outbox=row.id, kind=row.kind, error=type(error).__name__, exc_info=True)
            async with self._db.begin() as session:
                await self._lost(session, row, NOTICES[row.kind], OutboxState.FAILED, "broken", self._clock.now())
            return
        if envelope is None:
            return
        try:
            receipt = await envelope.rung.send(envelope.row, envelope.letter, envelope.contact)
        except OutsideError as error:
            async with self._db.begin() as session:
                await self._refused(session, envelope, error, self._clock.now())
            return
        except Exception as error:
            # A fault of our own in this rung must not stop the letter: the next rung may carry it.
            log.error("rung broke", rung=envelope.rung.name, kind=row.kind, error=type(error).__name__, exc_info=True)
            async with self._db.begin() as session:
                await self._next_rung(session, row, envelope.rung, self._clock.now())
            return
        async with self._db.begin() as session:
            await self._sent(session, envelope, receipt, self._clock.now())

    # Before the call

    async def _prepare(self, session: AsyncSession, row: Outbox, now: datetime) -> Envelope | None:
        """Decide what happens to a row now; None when it is not to be sent now."""
        notice = NOTICES[row.kind]
        if row.not_after is not None and now > row.not_after:
            await self._lost(session, row, notice, OutboxState.EXPIRED, "too late", now)
            return None
        desk = await Desk.open(session, row, now, self._links)
        if notice.topic is not None and desk.person is not None and not people.wants(desk.person, notice.topic):
            await self._end(session, row, OutboxState.MUTED, "stopped", now)
            return None
        contact = await self._contact(session, row)
        if contact is None or not contact.following or contact.unreachable_because:
            await self._lost(session, row, notice, OutboxState.FAILED, "unreachable", now)
            return None
        if notice.disturbs and row.lane is not Lane.URGENT and self._quiet.holds(now, desk.zone):
            await self._hold(session, row, "quiet", self._quiet.after(now, desk.zone))
            return None
        try:
            letter = await notice.compose(desk)
        except Dropped as dropped:
            await self._end(session, row, OutboxState.CLEARED, str(dropped), now)
            return None
        if letter.ask is not None and await self._waits_for_an_answer(session, row, contact, letter, now):
            return None
        return await self._choose(session, row, notice, letter, contact, now)

    async def _choose(
        self, session: AsyncSession, row: Outbox, notice: Notice, letter: Letter, contact: Contact, now: datetime
    ) -> Envelope | None:
        tried = set(row.rungs_tried.split())
        if row.state is OutboxState.SENDING and row.sending_by:
            rung = self._rungs[row.sending_by]
            if not rung.may_repeat(row, letter, now):
                await messages.log_attempt(session, row, rung.name, now, "outcome unknown")
                await self._lost(session, row, notice, OutboxState.FAILED, "outcome unknown", now)
                return None
        for name in notice.rungs:
            rung = self._rungs[name]
            if name in tried or self._is_shut(name, row, now) or not rung.is_open(row, letter, contact, now):
                continue
            first = row.first_sent_at if row.sending_by == name and row.first_sent_at else now
            mine = await due.finish(
                session, row, due_at=now + due.LEASE, state=OutboxState.SENDING, sending_by=name,
                first_sent_at=first, contact_id=contact.id,
            )  # fmt: skip
            return Envelope(row, contact, letter, rung) if mine else None
        opens_again = min(
            (self._closed_until[name] for name in notice.rungs if self._is_shut(name, row, now)), default=None
        )
        if opens_again is not None and (row.not_after is None or opens_again < row.not_after):
            await self._hold(session, row, "quota", opens_again)
            return None
        await self._lost(session, row, notice, OutboxState.FAILED, "no channel", now)
        return None

    def _is_shut(self, rung: str, row: Outbox, now: datetime) -> bool:
        """A used-up quota stops a rung until midnight; an alert still tries, since asking costs nothing."""
        return row.lane is not Lane.URGENT and self._closed_until.get(rung, now) > now

    async def _waits_for_an_answer(
        self, session: AsyncSession, row: Outbox, contact: Contact, letter: Letter, now: datetime
    ) -> bool:
        """A fresh question keeps its digits for an hour, unless this letter asks about the same thing."""
        open_question = await questions.current(session, contact, now)
        if open_question is None or letter.ask is None:
            return False
        if open_question.topic in questions.UNYIELDING and row.lane is not Lane.URGENT:
            await self._hold(session, row, "question", open_question.expires_at)
            return True
        same = (open_question.topic, open_question.subject_id) == (letter.ask.topic, letter.ask.subject_id)
        until = min(open_question.asked_at + QUESTION_KEEPS, open_question.expires_at)
        if same or until <= now or row.lane is Lane.URGENT:
            return False
        await self._hold(session, row, "question", until)
        return True

    async def _hold(self, session: AsyncSession, row: Outbox, why: str, until: datetime) -> None:
        await due.finish(session, row, due_at=until, state=OutboxState.HELD, reason=why)

    async def _contact(self, session: AsyncSession, row: Outbox) -> Contact | None:
        """Where the person is today; a row that was meant for a contact only (no person yet) keeps to it."""
        if row.person_id is not None:
            return await messages.contact_of(session, row.person_id)
        return await session.get(Contact, row.contact_id) if row.contact_id else None

    # After the call

    async def _sent(self, session: AsyncSession, envelope: Envelope, receipt: str | None, now: datetime) -> None:
        row, letter = envelope.row, envelope.letter
        mine = await due.finish(session, row, state=OutboxState.SENT, reason=None, receipt=receipt, finished_at=now)
        if mine and receipt is not None and (early := await messages.early_receipt(session, receipt)):
            await receipts.settle(session, receipt, early, now)  # WeChat was quicker than our own commit
        await messages.log_attempt(session, row, envelope.rung.name, now, "sent")
        contact = await session.get(Contact, envelope.contact.id, with_for_update=True)
        if not mine or contact is None:
            return
        if envelope.rung.name == "customer":
            window.spend(contact)
        asked_meanwhile = await questions.current(session, contact, now)
        if asked_meanwhile is not None and asked_meanwhile.topic in questions.UNYIELDING:
            return
        if letter.ask is not None:
            await questions.ask(
                session, contact, letter.ask.topic, now=now, lasts=letter.ask.lasts,
                subject_id=letter.ask.subject_id, data=letter.ask.data, house_id=row.house_id,
            )  # fmt: skip

    async def _refused(self, session: AsyncSession, envelope: Envelope, error: OutsideError, now: datetime) -> None:
        row, rung = envelope.row, envelope.rung
        notice = NOTICES[row.kind]
        await messages.log_attempt(session, row, rung.name, now, error.error_class.value, error.errcode)
        contact = await session.get(Contact, envelope.contact.id, with_for_update=True)
        match error:
            case TryLater() | NotSent():
                wait = BACKOFF[min(row.attempts, len(BACKOFF)) - 1]
                if isinstance(error, TryLater):
                    wait = max(wait, error.retry_after)
                # An alert has no time to wait for one rung while another may be open.
                if row.attempts >= (2 if row.lane is Lane.URGENT else MOST_TRIES):
                    await self._next_rung(session, row, rung, now)
                else:
                    await due.finish(session, row, due_at=now + wait, state=OutboxState.QUEUED, reason="try later")
            case OutcomeUnknown():
                if row.attempts < MOST_TRIES and rung.may_repeat(row, envelope.letter, now):
                    await due.finish(session, row, due_at=now + BACKOFF[0])
                else:
                    await self._lost(session, row, notice, OutboxState.FAILED, "outcome unknown", now)
            case PersonUnreachable():
                if contact is not None:
                    contact.unreachable_because = str(error.errcode)
                await self._lost(session, row, notice, OutboxState.FAILED, "unreachable", now)
            case _:
                if isinstance(error, ChannelClosed) and rung.name == "customer" and contact is not None:
                    window.shut(contact)
                if isinstance(error, QuotaUsedUp):
                    self._closed_until[rung.name] = error.until
                level = "warning" if isinstance(error, ChannelClosed) else "error"
                if isinstance(error, ContentRefused):
                    log.error("content refused", outbox=row.id, kind=row.kind, field=error.field)
                getattr(log, level)("rung closed", rung=rung.name, errcode=error.errcode, advice=error.advice)
                await self._next_rung(session, row, rung, now)

    async def _next_rung(self, session: AsyncSession, row: Outbox, rung: Rung, now: datetime) -> None:
        await due.finish(
            session, row, due_at=now, state=OutboxState.QUEUED, reason=None,
            rungs_tried=f"{row.rungs_tried} {rung.name}".strip(),
        )  # fmt: skip

    async def _end(self, session: AsyncSession, row: Outbox, state: OutboxState, why: str, now: datetime) -> bool:
        values: dict[str, Any] = {"state": state, "reason": why, "finished_at": now}
        return await due.finish(session, row, **values)

    async def _lost(
        self, session: AsyncSession, row: Outbox, notice: Notice, state: OutboxState, why: str, now: datetime
    ) -> None:
        """Nobody was told, and that has a consequence: the next person, a phone call, a gap with its reason."""
        if not await self._end(session, row, state, why, now):
            return
        somebody_must_act = row.kind == "case_alert" or (
            row.kind == "case_note" and row.params.get("what") in URGENT_NOTES
        )
        if somebody_must_act and row.subject_id is not None and row.person_id is not None:
            await escalations.undeliverable(session, row.subject_id, row.person_id, now)
        elif row.kind == "mood" and row.subject_id is not None:
            await mood.could_not_ask(session, row.subject_id, why)
        elif notice.call_if_lost and row.person_id is not None:
            who = await people.person(session, row.person_id)
            await tasks.ask_a_person(
                session, TaskKind.CALL, f"lost_{row.kind}", key=f"call:{row.id}", now=now, about=who
            )
