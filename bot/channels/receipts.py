"""What WeChat tells us afterwards about a template message: delivered, refused, or lost."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ring
from app.messages import service as messages
from app.messages.models import Contact, Outbox, OutboxState


async def settle(session: AsyncSession, receipt: str, status: str, now: datetime) -> None:
    """Note what became of a message: `success`, `blocked` or `failed`. What did not arrive goes on to its next rung."""
    row = await messages.by_receipt(session, receipt)
    if row is None or row.state is not OutboxState.SENT:
        return
    await messages.log_attempt(session, row, "receipt", now, status)
    if status == "success":
        row.state = OutboxState.DELIVERED
        return
    if status == "blocked":
        contact = await _contact(session, row)
        if contact is not None:
            contact.unreachable_because = "blocked"
    # Not by the same rung again: WeChat would take the repeated client_msg_id for the first one and say nothing.
    row.rungs_tried = f"{row.rungs_tried} {row.sending_by or ''}".strip()
    row.state, row.reason, row.receipt = OutboxState.QUEUED, status, None
    row.due_at, row.finished_at = now, None
    ring(session, messages.DELIVER)


async def _contact(session: AsyncSession, row: Outbox) -> Contact | None:
    if row.contact_id is not None:
        return await session.get(Contact, row.contact_id)
    return await messages.contact_of(session, row.person_id) if row.person_id else None
