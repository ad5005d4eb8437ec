"""After the call: what came of each, written down for a handful at a time, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ring
from app.messages import broadcasts, channels, outbox, questions, reach
from app.messages import service as messages
from app.messages.channels import in_order
from app.messages.models import Lane, OutboxState
from app.messages.outbox import Parcel
from bot.channels import lost, receipts
from bot.channels.sorting import Envelope
from bot.notices import NOTICES
from bot.outside import (
    ContentRefused,
    Misconfigured,
    NotSent,
    OutcomeUnknown,
    OutsideError,
    PersonUnreachable,
    QuotaUsedUp,
    TryLater,
    UnknownError,
)

log = structlog.get_logger()

BACKOFF = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
MOST_TRIES = 8
MOST_URGENT_TRIES = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """`receipt` where it went out, `error` where it did not; neither where our own code broke.

    Not `in_time`: its turn came so late that the call was not begun.
    """

    envelope: Envelope
    sent: bool = False
    in_time: bool = True
    receipt: str | None = None
    error: OutsideError | None = None


async def settle(session: AsyncSession, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write all of it down. Whose lease ran out meanwhile belongs to somebody else and is left alone."""
    contacts = {o.envelope.to.wechat.id for o in outcomes if o.envelope.to.wechat is not None}
    if contacts:
        await reach.hold(session, contacts)
    mine = {o.envelope.parcel.id for o in outcomes if now <= o.envelope.until}
    doubtful = [o.envelope.parcel for o in outcomes if now > o.envelope.until]
    if doubtful:  # of the others the lease has half of its time to run, so that nobody else has them
        mine |= await outbox.still_mine(session, doubtful)
    sent = [o for o in outcomes if o.sent]
    await _sent(session, sent, mine, now)
    ours = [o for o in outcomes if not o.sent and o.envelope.parcel.id in mine]
    await unsent(session, [o.envelope for o in ours if not o.in_time], now)
    for outcome in ours:
        if outcome.in_time:
            await _not_sent(session, outcome, now)
    if contacts:
        await reach.free(session, {o.envelope.claim for o in outcomes}, contacts)


async def _sent(session: AsyncSession, outcomes: Sequence[Outcome], mine: set[int], now: datetime) -> None:
    """That somebody was told is noted even where the lease was lost: it is true."""
    await outbox.log_attempts(
        session, [outbox.attempt(o.envelope.parcel, o.envelope.rung.name, "sent", now) for o in outcomes]
    )
    ours = [o for o in outcomes if o.envelope.parcel.id in mine]
    if not ours:
        return
    out = [
        outbox.Sent(
            e.parcel.id, e.to.wechat.id if e.to.wechat is not None else None, o.receipt, e.letter.unsolicited
        )
        for o, e in ((o, o.envelope) for o in ours)
    ]  # fmt: skip
    await outbox.sent(session, out, now)
    asked = [
        questions.Put(
            e.to.wechat.id, e.parcel.house_id, e.letter.ask.topic, e.letter.ask.lasts, e.letter.ask.subject_id,
            e.letter.ask.data,
        )
        for e in (o.envelope for o in ours)
        if e.letter.ask is not None and e.to.wechat is not None
    ]  # fmt: skip
    await questions.ask_many(session, asked, now)
    marks = [o.receipt for o in ours if o.receipt is not None]
    if marks:
        for receipt, status in (await messages.early_receipts(session, marks)).items():
            await receipts.settle(session, receipt, status, now)  # WeChat was quicker than our own commit


async def _not_sent(session: AsyncSession, outcome: Outcome, now: datetime) -> None:
    envelope, error = outcome.envelope, outcome.error
    parcel, rung = envelope.parcel, envelope.rung
    if error is None:
        # A fault of our own in this rung must not stop the letter: the next rung may carry it.
        await outbox.log_attempts(session, [outbox.attempt(parcel, rung.name, "broken", now)])
        await _next_rung(session, envelope, now)
        return
    await outbox.log_attempts(session, [outbox.attempt(parcel, rung.name, error.error_class.value, now, error.errcode)])
    if not isinstance(error, OutcomeUnknown):
        await rung.give_back(session, envelope.letter, envelope.to)
    await rung.learn(session, envelope.letter, envelope.to, error, now)
    await _tell_operators(session, envelope, error, now)
    match error:
        case TryLater() | NotSent():
            await _again_or_next(session, envelope, error, now)
        case OutcomeUnknown():
            if parcel.tries < _most_tries(parcel) and rung.may_repeat(parcel, envelope.letter, now):
                await outbox.change(session, parcel, due_at=now + BACKOFF[0])
            elif envelope.letter.repeatable:
                await _next_rung(session, envelope, now)
            else:
                await _lost(session, envelope, "outcome unknown", now)
        case PersonUnreachable():
            if rung.name in receipts.BY_WECHAT and envelope.to.wechat is not None:
                because = error.code or "unreachable"
                await lost.nobody_there(session, parcel.person_id, envelope.to.wechat.id, because, now)
            await _next_rung(session, envelope, now)
        case QuotaUsedUp() if parcel.lane is not Lane.URGENT:
            # This way is shut for everybody until a known hour: it was not tried and found wanting.
            await _next_rung(session, envelope, now, opens_again=True)
        case _:
            await _next_rung(session, envelope, now)


async def _again_or_next(session: AsyncSession, envelope: Envelope, error: TryLater | NotSent, now: datetime) -> None:
    """An alert has no time to wait for one rung while another may be open."""
    parcel = envelope.parcel
    wait = BACKOFF[min(parcel.tries, len(BACKOFF)) - 1]
    if isinstance(error, TryLater):
        wait = max(wait, error.retry_after)
    ways = in_order(NOTICES[parcel.kind].rungs, parcel.params)
    others = set(ways) - {*parcel.rungs_tried.split(), envelope.rung.name}
    too_long = parcel.lane is Lane.URGENT and wait > BACKOFF[0] and bool(others)
    if too_long or parcel.tries >= _most_tries(parcel):
        await _next_rung(session, envelope, now)
        return
    await outbox.change(
        session, parcel, due_at=now + wait, state=OutboxState.QUEUED, reason="try later", sending_by=None,
        first_sent_at=None,
    )  # fmt: skip


def _most_tries(parcel: Parcel) -> int:
    return MOST_URGENT_TRIES if parcel.lane is Lane.URGENT else MOST_TRIES


async def _tell_operators(session: AsyncSession, envelope: Envelope, error: OutsideError, now: datetime) -> None:
    """Close what is closed for everybody, and raise an alarm, once an hour for the same code."""
    rung, parcel = envelope.rung.name, envelope.parcel
    match error:
        case QuotaUsedUp():
            await channels.close(session, rung, error.until, "quota")
        case Misconfigured():
            await channels.close(session, rung, now + channels.REST, "configuration")
    if not error.alarms:
        return
    detail = error.detail if isinstance(error, Misconfigured) else None
    if isinstance(error, ContentRefused):
        detail = error.field
        log.error("content refused", outbox=parcel.id, kind=parcel.kind, field=error.field)
    known = "unknown" if isinstance(error, UnknownError) else error.error_class.value
    await channels.alarm(session, rung, known, now, code=error.code, errcode=error.errcode, detail=detail)


async def _next_rung(
    session: AsyncSession, envelope: Envelope, now: datetime, *, opens_again: bool = False
) -> None:  # fmt: skip
    parcel, rung = envelope.parcel, envelope.rung
    tried = parcel.rungs_tried if opens_again else f"{parcel.rungs_tried} {rung.name}".strip()
    error_free = {"state": OutboxState.QUEUED, "reason": None, "sending_by": None, "first_sent_at": None, "tries": 0}
    log.warning("rung closed", rung=rung.name, kind=parcel.kind, outbox=parcel.id)
    await outbox.change(session, parcel, due_at=now, rungs_tried=tried, **error_free)
    ring(session, outbox.bell_of(parcel.lane))


async def _lost(session: AsyncSession, envelope: Envelope, why: str, now: datetime) -> None:
    parcel = envelope.parcel
    if await outbox.change(session, parcel, state=OutboxState.FAILED, reason=why, finished_at=now):
        await lost.follow_up(session, parcel, why, now)


async def unsent(
    session: AsyncSession, envelopes: Sequence[Envelope], now: datetime, *, stopped: bool = False
) -> None:  # fmt: skip
    """These were ready and are not sent after all: what they cost is given back, and they wait as before.

    `stopped`: until their broadcast is resumed.
    """
    for envelope in envelopes:
        parcel = envelope.parcel
        await envelope.rung.give_back(session, envelope.letter, envelope.to)
        if envelope.repeated:  # of the first time still nobody knows
            await outbox.change(session, parcel, due_at=now)
            continue
        state, why, due_at = OutboxState.QUEUED, None, parcel.created_at
        if stopped and parcel.not_after is not None:
            state, why, due_at = OutboxState.HELD, broadcasts.STOPPED, broadcasts.parked_until(parcel.not_after)
        await outbox.change(
            session, parcel, due_at=due_at, state=state, reason=why, sending_by=None, first_sent_at=None,
            tries=parcel.tries - 1,
        )  # fmt: skip
    contacts = {e.to.wechat.id for e in envelopes if e.to.wechat is not None}
    if contacts:
        await reach.free(session, {e.claim for e in envelopes}, contacts)
