"""Somebody was not told, and that has a consequence: the next person, a phone call, a gap with its reason."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.escalations import aftercare
from app.escalations import service as escalations
from app.messages import outbox, reach
from app.messages import service as messages
from app.messages.outbox import Parcel
from app.mood import service as mood
from app.people import service as people
from app.people.models import Role
from app.tasks import service as tasks
from app.tasks.models import TaskKind
from bot.notices import NOTICES

ALERTS = ("case_alert", "case_week")
URGENT_NOTES = ("more", "raised", "help", "contact", "result")
# What is about the safety of somebody is not taken back because one way to a person is gone.
NEVER_CLEARED = (
    *ALERTS, "case_note", "case_reminder", "case_taken", "case_group", "case_follow_up", "danger_reply", "mood",
)  # fmt: skip


async def follow_up(session: AsyncSession, parcel: Parcel, why: str, now: datetime) -> None:
    alert = parcel.kind in ALERTS and "only" not in parcel.params  # of several ways at once, others may be open
    note = parcel.kind in ("case_note", "case_reminder") and parcel.params.get("what") in URGENT_NOTES
    if (alert or note) and parcel.subject_id is not None and parcel.person_id is not None:
        await escalations.undeliverable(session, parcel.subject_id, parcel.person_id, now, alert=alert)
    elif parcel.kind == "case_follow_up" and parcel.subject_id is not None and parcel.person_id is not None:
        await aftercare.unreached(session, parcel.subject_id, parcel.person_id, now)
    elif parcel.kind == "mood" and parcel.subject_id is not None:
        await mood.could_not_ask(session, parcel.subject_id, why)
    elif NOTICES[parcel.kind].call_if_lost and parcel.person_id is not None:
        who = await people.person(session, parcel.person_id)
        await tasks.ask_a_person(
            session, TaskKind.CALL, f"lost_{parcel.kind}", key=f"call:{parcel.id}", now=now, about=who
        )


async def nobody_there(
    session: AsyncSession, person_id: int | None, contact_id: int, because: str, now: datetime
) -> None:
    """WeChat can no longer reach somebody: what waits for them is taken back, and staff hear of it once."""
    if not await reach.unreachable(session, contact_id, because):
        return
    elsewhere = await messages.reachable(session, [person_id]) if person_id is not None else set()
    if not elsewhere:  # staff whom WeCom or mail still reaches get theirs that way
        await outbox.clear_all(
            session, "unreachable", now, person_id=person_id, contact_id=contact_id, but=NEVER_CLEARED
        )
    if person_id is None:
        return
    who = await people.person(session, person_id)
    reason = "staff_unreachable" if who.role.is_staff else "unreachable"
    if who.role in (Role.MEMBER, Role.COUNSELLOR, Role.WORKER, Role.SUPERVISOR):
        await tasks.ask_a_person(
            session, TaskKind.CLEAR, reason, key=f"unreachable:{contact_id}:{now:%Y%m%d%H%M}", now=now, about=who
        )
