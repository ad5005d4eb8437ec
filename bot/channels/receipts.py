"""What WeChat tells us afterwards about a message: delivered, refused, or lost."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ident, ring
from app.messages import outbox, subscriptions
from app.messages import service as messages
from app.messages.models import Contact, Outbox, OutboxState
from bot.channels import lost
from bot.wechat.inbound import SentResult

BY_WECHAT = ("customer", "template", "subscription")
REFUSED_BY_THE_PERSON = 43101


async def settle(session: AsyncSession, receipt: str, status: str, now: datetime) -> None:
    """Note what became of a message: `success`, `blocked` or `failed`. What did not arrive goes on to its next rung."""
    row = await messages.by_receipt(session, receipt)
    if row is None:
        await messages.keep_receipt(session, receipt, status, now)
    elif row.state is OutboxState.SENT:
        await _note(session, row, status, now)


async def settle_subscription(session: AsyncSession, contact: Contact, result: SentResult, now: datetime) -> None:
    """The same for a subscription notice, whose sending answers with no number on many accounts."""
    if result.errcode == REFUSED_BY_THE_PERSON:
        await subscriptions.refused(session, ident(contact), result.template_id, now)
    status = "success" if result.errcode == 0 else "failed"
    row = await messages.by_receipt(session, result.message_id)
    row = row or await messages.last_subscription_sent(session, contact)
    if row is None or row.state is OutboxState.SENDING:
        number = result.message_id if row is None else outbox.our_number(ident(row))
        await messages.keep_receipt(session, number, status, now)
    elif row.state is OutboxState.SENT:
        await _note(session, row, status, now, result.errcode or None)


async def _note(session: AsyncSession, row: Outbox, status: str, now: datetime, errcode: int | None = None) -> None:
    await messages.log_attempt(session, row, "receipt", now, status, errcode)
    if status == "success":
        row.state = OutboxState.DELIVERED
        return
    if status == "blocked" and row.contact_id is not None:
        await session.flush()
        await lost.nobody_there(session, row.person_id, row.contact_id, "blocked", now)
    # Not by the same rung again: WeChat would take the repeated client_msg_id for the first one and say nothing.
    row.rungs_tried = f"{row.rungs_tried} {row.sending_by or ''}".strip()
    row.state, row.reason, row.receipt, row.tries = OutboxState.QUEUED, status, None, 0
    row.sending_by, row.first_sent_at = None, None
    row.due_at, row.finished_at = now, None
    ring(session, outbox.bell_of(row.lane))
