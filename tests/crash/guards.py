"""What keeps a death harmless, each taken away by its name: for the controls, which show what happens without it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.messages import outbox
from app.messages.outbox import OUTBOX, Parcel
from bot.channels import deliverer
from bot.channels.sorting import Envelope

ONE_BY_ONE, DUE_UNTIL_SENT = "one by one", "due until sent"


def _all_at_once() -> None:
    """Whatever follows from a case leaves together."""

    def waits_for_nobody(envelope: Envelope) -> int | None:
        del envelope
        return None

    deliverer._one_by_one = waits_for_nobody


def _finished_before_it_is_sent() -> None:
    """What was claimed never falls due again, whether it went out or not."""
    mark = outbox.mark_sending

    async def finish(session: AsyncSession, rung: str, parcels: Sequence[Parcel], now: datetime) -> None:
        await mark(session, rung, parcels, now)
        await session.execute(update(OUTBOX).where(OUTBOX.c.id.in_([p.id for p in parcels])).values(due_at=None))

    outbox.mark_sending = finish


GUARDS: dict[str, Callable[[], None]] = {
    ONE_BY_ONE: _all_at_once,
    DUE_UNTIL_SENT: _finished_before_it_is_sent,
}
