"""What a member of staff does with a case, whichever way they do it: may they, and what came of it.

Chat, the button in WeCom, the page behind a link and the API ask and act here; each says it in its own words.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import local
from app.db import ident
from app.escalations import events
from app.escalations import service as escalations
from app.escalations.events import Event, Refused
from app.escalations.models import CaseEvent, CaseRow, Via
from app.escalations.states import Outcome, State
from app.messages import service as messages
from app.people import service as people
from app.people.models import Person, Role
from app.people.scope import scope_of

MAY_TAKE = (Role.WORKER, Role.SUPERVISOR)
# How a person may say that it ended, in the order in which they are asked.
OUTCOMES = (
    Outcome.CALLED, Outcome.MET, Outcome.FAMILY, Outcome.REFERRED, Outcome.UNREACHED, Outcome.FALSE_ALARM,
)  # fmt: skip


class Came(StrEnum):
    """What came of it. But for the first, nothing was changed. The names of what the machine refuses are its own."""

    DONE = "done"
    YOURS = "yours"
    TAKEN = "taken"
    NOT_YOURS = "not_yours"
    RESOLVED = "resolved"
    OUT_OF_DATE = "out_of_date"
    NOT_FOR_YOU = "not_for_you"
    NO_COLLEAGUE = "no_colleague"
    UNREACHABLE = "unreachable"
    NEEDS_NEXT_CONTACT = "needs_next_contact"
    NEXT_CONTACT_IS_OVER = "next_contact_is_over"


@dataclass(frozen=True)
class Handled:
    """`owner`: who has the case now, whatever came of it."""

    came: Came
    owner: Person | None = None

    @property
    def done(self) -> bool:
        return self.came is Came.DONE


async def take(
    session: AsyncSession, who: Person, row: CaseRow, now: datetime, *, via: Via, seq: int | None = None
) -> Handled:
    """From here on `who` answers for it.

    `seq` is the entry of the log that the button was made for. A case that was taken after it and is open again
    is not taken by it: OUT_OF_DATE.
    """
    if seq is not None and row.owner_id is None and await _since(session, row, seq, events.Taken):
        return await standing(session, who, row)
    return await _do(session, who, row, events.Taken(ident(who)), now, via)


async def offer(
    session: AsyncSession, who: Person, row: CaseRow, to: Person | None, now: datetime, *, via: Via
) -> Handled:
    """Ask a colleague to take it over; until they do, it stays with its owner."""
    if to is None or to.role not in MAY_TAKE or to.programme_id != who.programme_id:
        return await _now(session, row, Came.NO_COLLEAGUE)
    if not await messages.reachable(session, [ident(to)]):
        return await _now(session, row, Came.UNREACHABLE)
    return await _do(session, who, row, events.Offered(ident(who), ident(to)), now, via)


async def assist(session: AsyncSession, who: Person, row: CaseRow, now: datetime, *, via: Via) -> Handled:
    """Work on it too, and the owner knows; a case that nobody has is taken."""
    if row.owner_id is None:
        return await take(session, who, row, now, via=via)
    stands = await standing(session, who, row)
    if stands.came is not Came.TAKEN:
        return stands
    await escalations.joined(session, row, who, now, via=via)
    return Handled(Came.DONE, stands.owner)


async def contacted(
    session: AsyncSession, who: Person, row: CaseRow, now: datetime, *, via: Via, seq: int | None = None
) -> Handled:
    """The person was reached. A button (`seq`) that was pressed before puts no clock back."""
    if seq is not None and await _since(session, row, seq, events.Contacted):
        return await standing(session, who, row)
    return await _do(session, who, row, events.Contacted(ident(who)), now, via)


async def close(
    session: AsyncSession, who: Person, row: CaseRow, outcome: Outcome, next_contact: date | None, now: datetime,
    *, via: Via, seq: int | None = None,
) -> Handled:  # fmt: skip
    """How it ended, and the day of the next contact; UNREACHED is no ending. A form (`seq`) counts once."""
    if seq is not None and await _since(session, row, seq, events.Closed):
        return await standing(session, who, row)
    house = await people.house(session, row.house_id)
    if next_contact is not None and next_contact < local(now, house.zone).date():
        return await _now(session, row, Came.NEXT_CONTACT_IS_OVER)
    return await _do(session, who, row, events.Closed(ident(who), outcome, next_contact), now, via)


async def standing(session: AsyncSession, who: Person, row: CaseRow) -> Handled:
    """How it stands between this person and the case when nothing is done; of a case nobody has: OUT_OF_DATE."""
    if not await may_act(session, who, row):
        return Handled(Came.NOT_FOR_YOU)
    if row.state is State.RESOLVED:
        return await _now(session, row, Came.RESOLVED)
    if row.owner_id is None:
        return Handled(Came.OUT_OF_DATE)
    return await _now(session, row, Came.YOURS if row.owner_id == who.id else Came.TAKEN)


async def may_act(session: AsyncSession, who: Person, row: CaseRow) -> bool:
    return who.role in MAY_TAKE and escalations.may_see(await scope_of(session, who), who, row)


async def last_entry(session: AsyncSession, row: CaseRow) -> int:
    """The newest entry of the log: a button made now is made for this one."""
    last: int | None = await session.scalar(
        select(func.max(col(CaseEvent.seq))).where(col(CaseEvent.case_id) == row.id)
    )
    return last or 0


async def _do(session: AsyncSession, who: Person, row: CaseRow, event: Event, now: datetime, via: Via) -> Handled:
    if not await may_act(session, who, row):
        return Handled(Came.NOT_FOR_YOU)
    effects = await escalations.happened(session, row, event, now, actor=who, via=via)
    refused = next((effect for effect in effects if isinstance(effect, Refused)), None)
    return await _now(session, row, Came(refused.why) if refused else Came.DONE)


async def _now(session: AsyncSession, row: CaseRow, came: Came) -> Handled:
    return Handled(came, await people.person(session, row.owner_id) if row.owner_id is not None else None)


async def _since(session: AsyncSession, row: CaseRow, seq: int, kind: type[Event]) -> bool:
    later = select(col(CaseEvent.id)).where(
        col(CaseEvent.case_id) == row.id, col(CaseEvent.seq) > seq, col(CaseEvent.kind) == kind.__name__
    )
    return await session.scalar(later.limit(1)) is not None
