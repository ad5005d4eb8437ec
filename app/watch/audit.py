"""The auditor: looks at every case that is not resolved with eyes of its own.

Nothing here calls the ladder, its machine or its verbs: whatever breaks there must show here. It reads the
tables, tells what it finds, and mends only what can do no harm: a case without a next action gets one, now,
and one that is late waits no longer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.escalations import journal, log
from app.escalations.figures import IS_ALERT
from app.escalations.models import CaseEvent, CaseRow
from app.escalations.states import Level, State
from app.messages.models import Outbox, OutboxState

# A bell rings every second, and a lease is a minute: what has not happened by then, nobody does.
LATE = timedelta(minutes=2)
# The first alert of a red case leaves within seconds; each rung that does not answer takes some more.
FIRST_ALERT = timedelta(minutes=5)
# So often was it tried in vain, once a minute, since something last happened to it.
TRIES = 3


class Trouble(StrEnum):
    NO_NEXT_ACTION = "no_next_action"
    OVERDUE = "overdue"
    UNHEARD = "unheard"
    BREAKS = "breaks"


@dataclass(frozen=True)
class Finding:
    """`code` is the case's, which names nobody."""

    trouble: Trouble
    code: str


@dataclass
class Auditor:
    """Remembers from one audit to the next only how often a case was tried since something happened to it."""

    _tried: dict[int, tuple[int, int]] = field(default_factory=dict)

    async def audit(self, session: AsyncSession, now: datetime) -> list[Finding]:
        """What is wrong with any case now, the most urgent case first."""
        rows = list(
            await session.scalars(
                select(CaseRow)
                .where(col(CaseRow.state) != State.RESOLVED)
                .order_by(col(CaseRow.level).desc(), col(CaseRow.id))
            )
        )
        last = await _last_entries(session, rows)
        untaken = [row for row in rows if row.level is Level.RED and row.state is State.OPEN]
        unheard = await _unheard(session, untaken, now)
        found: list[Finding] = []
        for row in rows:
            if row.next_action_at is None or row.due_at is None:
                found.append(Finding(Trouble.NO_NEXT_ACTION, row.code))
            elif row.next_action_at < now - LATE:
                found.append(Finding(Trouble.OVERDUE, row.code))
            if ident(row) in unheard:
                found.append(Finding(Trouble.UNHEARD, row.code))
            if self._breaks(row, last.get(ident(row), 0)):
                found.append(Finding(Trouble.BREAKS, row.code))
        self._tried = {number: was for number, was in self._tried.items() if number in {ident(r) for r in rows}}
        return found

    def _breaks(self, row: CaseRow, seq: int) -> bool:
        """Every try that succeeds leaves an entry in the case's log; the lease counts the others as well."""
        entry, attempts = self._tried.setdefault(ident(row), (seq, row.attempts))
        if entry != seq:
            self._tried[ident(row)] = (seq, row.attempts)
        return entry == seq and row.attempts - attempts >= TRIES


async def mend(session: AsyncSession, codes: Iterable[str], now: datetime) -> None:
    """Cases without a next action act now; and of those that are late, none waits longer than a lease.

    Since when one is late is left as it is: moving that would hide it.
    """
    its = (col(CaseRow.code).in_(list(codes)), col(CaseRow.state) != State.RESOLVED)
    nothing_next = col(CaseRow.next_action_at).is_(None) | col(CaseRow.due_at).is_(None)
    for row in list(await session.scalars(select(CaseRow).where(*its, nothing_next).with_for_update())):
        row.next_action_at = row.due_at = now
        await journal.append(session, row, log.MENDED, {}, now=now)
    leased_out = (col(CaseRow.next_action_at) <= now) & (col(CaseRow.due_at) > now + LATE)
    await session.execute(update(CaseRow).where(*its, leased_out).values(due_at=now))


async def red_overdue(session: AsyncSession, now: datetime) -> int:
    """How many red cases nobody advances; practice is not counted."""
    late = select(func.count()).where(
        col(CaseRow.level) == Level.RED, col(CaseRow.state) != State.RESOLVED, ~col(CaseRow.drill),
        col(CaseRow.next_action_at).is_(None) | (col(CaseRow.next_action_at) < now - LATE),
    )  # fmt: skip
    return await session.scalar(late) or 0


async def _last_entries(session: AsyncSession, rows: Sequence[CaseRow]) -> dict[int, int]:
    entries = (
        select(col(CaseEvent.case_id), func.max(col(CaseEvent.seq)))
        .where(col(CaseEvent.case_id).in_([ident(row) for row in rows]))
        .group_by(col(CaseEvent.case_id))
    )
    return dict((await session.execute(entries)).all())


# Did anybody hear?


async def _unheard(session: AsyncSession, rows: Sequence[CaseRow], now: datetime) -> set[int]:
    """Those of these red cases about which no alert has left for anybody for too long."""
    if not rows:
        return set()
    numbers = [ident(row) for row in rows]
    since = await _untaken_since(session, rows)
    sent = select(col(Outbox.subject_id), func.max(col(Outbox.finished_at))).where(
        IS_ALERT, col(Outbox.subject_id).in_(numbers),
        col(Outbox.state).in_([OutboxState.SENT, OutboxState.DELIVERED]),
    ).group_by(col(Outbox.subject_id))  # fmt: skip
    heard = {number: at for number, at in await session.execute(sent) if number is not None and at is not None}
    return {ident(row) for row in rows if now > _heard_by(row, since[ident(row)], heard.get(ident(row)))}


def _heard_by(row: CaseRow, since: datetime, heard: datetime | None) -> datetime:
    """When the next alert has to have left, after the last one or since it was in nobody's hands."""
    if heard is None or heard < since:
        return since + FIRST_ALERT
    return heard + _longest_wait(row.ladder) + FIRST_ALERT


async def _untaken_since(session: AsyncSession, rows: Sequence[CaseRow]) -> dict[int, datetime]:
    """Since when each has been red and in nobody's hands: more words from the member do not move it."""
    since = {ident(row): row.opened_at for row in rows}
    level = dict.fromkeys(since, 0)
    taken: set[int] = set()
    entries = select(CaseEvent).where(col(CaseEvent.case_id).in_(list(since)))
    for entry in await session.scalars(entries.order_by(col(CaseEvent.case_id), col(CaseEvent.seq))):
        number = entry.case_id
        if entry.kind in ("Opened", "Flagged") and (raised := entry.detail["level"]) > level[number]:
            level[number], since[number] = raised, entry.at
            taken.discard(number)
        elif entry.kind == "Taken":
            taken.add(number)
        elif entry.kind == "Alerted" and number in taken:
            since[number] = entry.at
            taken.discard(number)
    return since


def _longest_wait(ladder: dict[str, Any]) -> timedelta:
    """The longest time from one alert of a ladder to the next; read with care: a broken ladder must not blind us."""
    waits = [step.get("after") for step in ladder.get("steps", ()) if isinstance(step, dict)]
    minutes = [wait for wait in (*waits, ladder.get("repeat_every")) if isinstance(wait, int | float)]
    return timedelta(minutes=max(minutes, default=10))
