"""What a member of staff does with a case, whichever way they do it: may they, and what came of it.

Chat, the button in WeCom, the page behind a link and the API ask and act here; each says it in its own words.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import local
from app.db import ident
from app.escalations import aftercare, events, journal
from app.escalations import service as escalations
from app.escalations.events import Event, Refused
from app.escalations.models import CaseRow, Via
from app.escalations.states import Level, Outcome, State
from app.messages import service as messages
from app.people import service as people
from app.people.models import Person, Role
from app.people.scope import scope_of

_PLACE = re.compile(r"(?=.*[^\W\d_].*[^\W\d_]).{2,60}")
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
    NEWS = "news"
    NEXT_CONTACT_TOO_FAR = "next_contact_too_far"
    NEEDS_NEXT_CONTACT = "needs_next_contact"
    NEXT_CONTACT_IS_OVER = "next_contact_is_over"
    NEXT_CONTACT_TOO_LATE = "next_contact_too_late"
    NEEDS_GRADE = "needs_grade"
    NEEDS_REFERRAL = "needs_referral"


# What has to be said before a case can end, and was not.
MISSING = (
    Came.NEEDS_NEXT_CONTACT, Came.NEXT_CONTACT_IS_OVER, Came.NEXT_CONTACT_TOO_LATE, Came.NEXT_CONTACT_TOO_FAR,
    Came.NEEDS_GRADE, Came.NEEDS_REFERRAL,
)  # fmt: skip


@dataclass(frozen=True)
class Ending:
    """How a case ended: `grade` is how dangerous it was (0 to 5), `whereto` where somebody was referred to."""

    outcome: Outcome
    next_contact: date | None = None
    grade: int | None = None
    whereto: str = ""


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
    if row.owner_id is None and await _since(session, row, seq, events.Taken):
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
    if await _since(session, row, seq, events.Contacted):
        return await standing(session, who, row)
    return await _do(session, who, row, events.Contacted(ident(who)), now, via)


async def close(
    session: AsyncSession, who: Person, row: CaseRow, end: Ending, now: datetime, *, via: Via, seq: int | None = None
) -> Handled:
    """How it ended; UNREACHED is no ending. A form (`seq`) counts once. Where somebody was referred to is kept."""
    if await _since(session, row, seq, events.Closed):
        return await standing(session, who, row)
    is_theirs = row.owner_id == who.id and row.state is not State.RESOLVED
    ends = is_theirs and end.outcome is not Outcome.UNREACHED
    if ends and seq is not None and await _danger_since(session, row, seq):
        return await _now(session, row, Came.NEWS)
    referred = is_place(end.whereto) or await aftercare.referral_of(session, row) is not None
    if is_theirs and end.outcome is Outcome.REFERRED and end.grade is not None and not referred:
        return await _now(session, row, Came.NEEDS_REFERRAL)
    today = local(now, (await people.house(session, row.house_id)).zone).date()
    closed = events.Closed(
        ident(who), end.outcome, end.next_contact, end.grade, referred=referred, on=today
    )  # fmt: skip
    handled = await _do(session, who, row, closed, now, via)
    told = is_place(end.whereto) and end.grade is not None and end.outcome is not Outcome.FALSE_ALARM
    if handled.done and told and row.state is State.RESOLVED:
        await aftercare.refer(session, row, who, end.grade or 0, end.whereto.strip(), now)
    return handled


async def standing(session: AsyncSession, who: Person, row: CaseRow) -> Handled:
    """How it stands between this person and the case when nothing is done; of a case nobody has: OUT_OF_DATE."""
    if not await may_act(session, who, row):
        return Handled(Came.NOT_FOR_YOU)
    if row.state is State.RESOLVED:
        return await _now(session, row, Came.RESOLVED)
    if row.owner_id is None:
        return Handled(Came.OUT_OF_DATE)
    return await _now(session, row, Came.YOURS if row.owner_id == who.id else Came.TAKEN)


def is_place(text: str) -> bool:
    """Whether it can be where somebody was referred to: at least two letters or characters, not just a number."""
    return _PLACE.fullmatch(text.strip()) is not None


async def may_act(session: AsyncSession, who: Person, row: CaseRow) -> bool:
    return who.role in MAY_TAKE and escalations.may_see(await scope_of(session, who), who, row)


async def _do(session: AsyncSession, who: Person, row: CaseRow, event: Event, now: datetime, via: Via) -> Handled:
    if not await may_act(session, who, row):
        return Handled(Came.NOT_FOR_YOU)
    effects = await escalations.happened(session, row, event, now, actor=who, via=via)
    refused = next((effect for effect in effects if isinstance(effect, Refused)), None)
    return await _now(session, row, Came(refused.why) if refused else Came.DONE)


async def _now(session: AsyncSession, row: CaseRow, came: Came) -> Handled:
    return Handled(came, await people.person(session, row.owner_id) if row.owner_id is not None else None)


async def _danger_since(session: AsyncSession, row: CaseRow, seq: int) -> bool:
    """Whether they said something dangerous after this entry of the log: whoever filled in a form has not read it."""
    return any(
        entry.seq > seq
        and (entry.kind == events.HelpWanted.__name__
             or (entry.kind == events.Flagged.__name__ and entry.detail["level"] >= Level.ORANGE))
        for entry in await journal.entries(session, row)
    )  # fmt: skip


async def _since(session: AsyncSession, row: CaseRow, seq: int | None, kind: type[Event]) -> bool:
    return seq is not None and await journal.happened_since(session, row, seq, kind.__name__)
