"""At the end of a shift: who still has open cases, and who could take them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ident
from app.duty import service as duty
from app.duty.rota import Shift
from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.messages import service as messages
from app.people import service as people
from app.people.models import Person, Role

CHOICES = 3
# Whoever has not said to whom their cases go by then is told that they still have them.
ANSWER_WITHIN = timedelta(hours=1)


async def shift_over(session: AsyncSession, shift: Shift, now: datetime) -> bool:
    """Ask somebody whose shift has ended, by name, to whom their open cases go; False: they have none."""
    who = await people.person(session, shift.person_id)
    if not await escalations.owned_by(session, who):
        return False
    about = {"ended": shift.ends_at.isoformat()}
    key = f"{ident(who)}:{shift.ends_at:%Y%m%d%H%M}"
    await messages.send(session, "shift_over", key=f"shift_over:{key}", to=who, params=about, now=now)
    await messages.send(
        session, "shift_kept", key=f"shift_kept:{key}", to=who, params=about, now=now, not_before=now + ANSWER_WITHIN
    )
    return True


async def heirs(
    session: AsyncSession, who: Person, cases: Sequence[CaseRow], now: datetime, *, choices: int | None = CHOICES
) -> list[Person]:  # fmt: skip
    """Who could take these cases over, at most `choices`, all of whom some channel leads to.

    First who is on duty now where the cases are, then who else answers for these members, then who leads; where
    there is no limit, then everybody else who serves there.
    """
    found: list[int | None] = []
    for house_id in dict.fromkeys(row.house_id for row in cases):
        found += await duty.on_duty(session, await people.house(session, house_id), now)
    for row in cases:
        member = await people.person(session, row.person_id)
        found += [member.worker_id, member.backup_id]
    for row in cases[:1]:
        staff = await people.staff_of(session, await people.person(session, row.person_id))
        everybody = [await people.person(session, number) for number in staff]
        found += [person.id for person in everybody if person.role is Role.SUPERVISOR]
        found += [person.id for person in everybody if choices is None]
    asked = list(dict.fromkeys(number for number in found if number not in (None, who.id)))
    by_channel = await messages.reachable(session, [number for number in asked if number is not None])
    chosen = [number for number in asked if number is not None and number in by_channel]
    return [await people.person(session, number) for number in chosen[:choices]]
