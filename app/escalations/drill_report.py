"""What came of a drill: who was called when and by what, who took it, who did not answer, who was out of reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ident
from app.escalations import journal
from app.escalations.drills import PRACTISED
from app.escalations.models import CaseEvent, CaseRow
from app.escalations.states import State
from app.escalations.telling import ALERTED
from app.messages import service as messages
from app.messages.models import OPEN_STATES, Attempt, Outbox
from app.people import service as people


class Fate(StrEnum):
    """What is known of an alert: still on its way, gone out, received, or given up."""

    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Ring:
    """One alert to one person: `step` from 1, and how it left (`rung`), if it did."""

    step: int
    queued_at: datetime
    fate: Fate
    rung: str | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    in_hand: bool = True


class Answer(StrEnum):
    """What somebody who was called did.

    `SPARED`: somebody else took it before the next step, so that nobody knows. `UNREACHED`: nothing left for them.
    """

    TOOK = "took"
    SILENT = "silent"
    SPARED = "spared"
    UNREACHED = "unreached"
    ASKED = "asked"


@dataclass(frozen=True)
class Called:
    person_id: int
    name: str
    answer: Answer
    rings: tuple[Ring, ...]


@dataclass(frozen=True)
class DrillReport:
    """`unreachable`: the names of those whom the ladder means and to whom no way led when it began."""

    code: str
    house_id: int
    began_at: datetime
    ended_at: datetime | None
    called_off: str
    taken_by: str | None
    taken_at: datetime | None
    called: tuple[Called, ...]
    unreachable: tuple[str, ...]

    @property
    def first_alert_after(self) -> timedelta | None:
        """From the beginning until the first alert was on the wire."""
        sent = [ring.sent_at for one in self.called for ring in one.rings if ring.sent_at is not None]
        return min(sent) - self.began_at if sent else None

    @property
    def taken_after(self) -> timedelta | None:
        return self.taken_at - self.began_at if self.taken_at is not None else None


async def report(session: AsyncSession, row: CaseRow) -> DrillReport:
    """What is known by now; while the drill goes on, or receipts come in, there may be more later."""
    entries = await journal.entries(session, row)
    calls = [entry for entry in entries if entry.kind == ALERTED]
    order = list(dict.fromkeys(person for entry in calls for person in entry.detail["people"]))
    rings: dict[int, list[Ring]] = {person: [] for person in order}
    for told, tries in await messages.tries_about(session, "case_alert", ident(row), order):
        rings[told.person_id or 0].append(_ring(told, tries, _step_of(told, calls)))
    taken = next((entry for entry in entries if entry.kind == "Taken"), None)
    off = next((entry.detail["why"] for entry in entries if entry.kind == "CalledOff"), "")
    names = {person: (await people.person(session, person)).name for person in order}
    earlier = {person for entry in calls[:-1] for person in entry.detail["people"]}
    called = [
        Called(person, names[person], _answer(row, person, rings[person], called_off=bool(off),
               just_now=person not in earlier), tuple(rings[person]))
        for person in order
    ]  # fmt: skip
    without: list[int] = next((entry.detail["without_a_way"] for entry in entries if entry.kind == PRACTISED), [])
    return DrillReport(
        code=row.code, house_id=row.house_id, began_at=row.opened_at, ended_at=row.resolved_at, called_off=off,
        taken_by=(await people.person(session, row.owner_id)).name if row.owner_id is not None else None,
        taken_at=taken.at if taken is not None and row.owner_id is not None else None, called=tuple(called),
        unreachable=tuple([(await people.person(session, person)).name for person in without if person not in order]),
    )  # fmt: skip


def _step_of(told: Outbox, calls: Sequence[CaseEvent]) -> int:
    """An alert names the entry of the log that it follows from; the call itself is the next entry."""
    return next(int(entry.detail["step"]) + 1 for entry in calls if entry.seq > told.params["seq"])


def _ring(told: Outbox, tries: Sequence[Attempt], step: int) -> Ring:
    """The last way that it took counts: what a receipt says did not arrive went on to the next one."""
    sent: Attempt | None = None
    delivered_at = None
    for one in tries:
        if one.rung != "receipt":
            sent = one if one.result == "sent" else None
        elif one.result == "success":
            delivered_at = one.at
        else:
            sent = None
    waits = told.state in OPEN_STATES
    fate = Fate.WAITING if waits else Fate.FAILED
    if sent is not None:
        fate = Fate.DELIVERED if delivered_at is not None else Fate.SENT
    rung = sent.rung if sent is not None else next((one.rung for one in reversed(tries) if one.rung != "receipt"), None)
    return Ring(
        step, told.created_at, fate, rung, sent.at if sent is not None else None, delivered_at,
        in_hand=told.attempts > 0 or bool(tries) or not waits,
    )  # fmt: skip


def _answer(row: CaseRow, person: int, rings: Sequence[Ring], *, called_off: bool, just_now: bool) -> Answer:
    """`just_now`: they were called by the last step only, so that nobody has waited for them in vain."""
    if row.owner_id == person:
        return Answer.TOOK
    if rings and all(ring.fate is Fate.FAILED for ring in rings):
        return Answer.UNREACHED
    if just_now and row.state is not State.RESOLVED:
        return Answer.ASKED
    return Answer.SPARED if just_now and (row.owner_id is not None or called_off) else Answer.SILENT
