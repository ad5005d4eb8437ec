"""How long it takes until somebody is told, takes a case, and speaks to the person; and whom it wakes.

Everything is computed from rows that are written anyway: the first alert that left, the log of the case.
"""

import math
import statistics
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import local
from app.escalations.models import CaseEvent, CaseRow
from app.escalations.states import Level, Outcome
from app.messages.models import Attempt, Outbox
from app.people.models import House, Person

WORK_BEGINS, WORK_ENDS = time(8, 30), time(17, 30)
SATURDAY = 5
# Closing a case with one of these says that the person was spoken to.
SPOKEN = (Outcome.CALLED, Outcome.MET)
# As it stands in the index: a bound value would not be looked up in it.
IS_ALERT = col(Outbox.kind) == literal_column("'case_alert'")


@dataclass(frozen=True)
class Life:
    """One case as far as it has come. `target`: how long after its opening the person should be spoken to.

    `outcome`: how it ended, if it did.
    """

    level: Level
    person_id: int
    opened_at: datetime
    target: timedelta
    alerted_at: datetime | None = None
    taken_at: datetime | None = None
    contacted_at: datetime | None = None
    false_alarm: bool = False
    house_id: int = 0
    outcome: Outcome | None = None

    def until(self, moment: datetime | None) -> timedelta | None:
        return None if moment is None else max(moment - self.opened_at, timedelta())


@dataclass(frozen=True)
class Spread:
    """`n` of `of` cases; the median and the span within which nine of ten lie (None where there is none)."""

    n: int
    of: int
    median: timedelta | None
    p90: timedelta | None

    @classmethod
    def over(cls, spans: Collection[timedelta | None]) -> "Spread":
        known = sorted(span for span in spans if span is not None)
        if not known:
            return cls(0, len(spans), None, None)
        p90 = known[math.ceil(len(known) * 0.9) - 1]
        return cls(len(known), len(spans), _median(known), p90)


def _median(spans: Sequence[timedelta]) -> timedelta:
    return timedelta(seconds=statistics.median(span.total_seconds() for span in spans))


@dataclass(frozen=True)
class Figures:
    """Of one level. `within` of `decided`: see `within_target`."""

    level: Level
    cases: int
    people: int
    alert: Spread
    taking: Spread
    contact: Spread
    within: int
    decided: int
    never_taken: int


def within_target(lives: Collection[Life], now: datetime) -> tuple[int, int]:
    """How many people were spoken to in time, of how many cases in which that is decided.

    False alarms are left out, and cases whose time has not run out yet.
    """
    decided = [
        life for life in lives
        if not life.false_alarm and (life.contacted_at is not None or now > life.opened_at + life.target)
    ]  # fmt: skip
    in_time = [one for one in decided if (took := one.until(one.contacted_at)) is not None and took <= one.target]
    return len(in_time), len(decided)


def figures_of(level: Level, lives: Sequence[Life], now: datetime) -> Figures:
    """`lives` are all of this level."""
    within, decided = within_target(lives, now)
    return Figures(
        level=level, cases=len(lives), people=len({life.person_id for life in lives}),
        alert=Spread.over([life.until(life.alerted_at) for life in lives]),
        taking=Spread.over([life.until(life.taken_at) for life in lives]),
        contact=Spread.over([life.until(life.contacted_at) for life in lives]),
        within=within, decided=decided, never_taken=sum(life.taken_at is None for life in lives),
    )  # fmt: skip


def by_level(lives: Sequence[Life], now: datetime) -> list[Figures]:
    """Every level, the most urgent first."""
    return [figures_of(level, [life for life in lives if life.level is level], now) for level in sorted(Level)[::-1]]


def is_off_hours(moment: datetime, zone: str) -> bool:
    """Outside of 08:30 to 17:30 from Monday to Friday, by the wall clock of the house; holidays are not known here."""
    here = local(moment, zone)
    return here.weekday() >= SATURDAY or not WORK_BEGINS <= here.time() < WORK_ENDS


# Out of the tables


def _real() -> Select[CaseRow]:
    """The cases that count: in practice nobody is in danger."""
    return select(CaseRow).where(~col(CaseRow.drill))


async def lives(
    session: AsyncSession, *, since: datetime | None = None, until: datetime | None = None,
    houses: Collection[int] | None = None,
) -> list[Life]:  # fmt: skip
    """Every case that was opened from `since` on and before `until`, in these houses or in all."""
    chosen = _real()
    if since is not None:
        chosen = chosen.where(col(CaseRow.opened_at) >= since)
    if until is not None:
        chosen = chosen.where(col(CaseRow.opened_at) < until)
    if houses is not None:
        chosen = chosen.where(col(CaseRow.house_id).in_(houses))
    rows = list(await session.scalars(chosen.order_by(col(CaseRow.id))))
    numbers = chosen.with_only_columns(col(CaseRow.id))
    alerts = (
        select(col(Outbox.subject_id), func.min(col(Attempt.at)))
        .join(Attempt, col(Attempt.outbox_id) == col(Outbox.id))
        .where(IS_ALERT, col(Attempt.result) == "sent", col(Outbox.subject_id).in_(numbers))
        .group_by(col(Outbox.subject_id))
    )
    alerted: dict[int | None, datetime] = dict((await session.execute(alerts)).all())
    entries = (
        select(col(CaseEvent.case_id), col(CaseEvent.kind), func.min(col(CaseEvent.at)))
        .where(col(CaseEvent.kind).in_(["Taken", "Contacted"]), col(CaseEvent.case_id).in_(numbers))
        .group_by(col(CaseEvent.case_id), col(CaseEvent.kind))
    )
    first: dict[tuple[int | None, str], datetime] = {
        (number, kind): at for number, kind, at in await session.execute(entries)
    }
    return [
        Life(
            level=row.level, person_id=row.person_id, opened_at=row.opened_at,
            target=timedelta(minutes=row.ladder["contact_within"]), alerted_at=alerted.get(row.id),
            taken_at=first.get((row.id, "Taken")), contacted_at=_contacted_at(row, first.get((row.id, "Contacted"))),
            false_alarm=row.outcome is Outcome.FALSE_ALARM, house_id=row.house_id, outcome=row.outcome,
        )
        for row in rows
    ]  # fmt: skip


def _contacted_at(row: CaseRow, said_so: datetime | None) -> datetime | None:
    if said_so is None and row.outcome in SPOKEN:
        return row.resolved_at
    return said_so


async def off_hours(
    session: AsyncSession, *, since: datetime, until: datetime, houses: Collection[int] | None = None
) -> dict[str, int]:
    """How many alerts reached each member of staff outside of working hours, by their code, the most woken first."""
    sent = (
        select(col(Person.code), col(House.zone), func.min(col(Attempt.at)))
        .select_from(Outbox)
        .join(Attempt, col(Attempt.outbox_id) == col(Outbox.id))
        .join(Person, col(Person.id) == col(Outbox.person_id))
        .join(House, col(House.id) == col(Person.house_id))
        .where(IS_ALERT, col(Attempt.result) == "sent", col(Outbox.subject_id).in_(_real_of(houses)))
        .group_by(col(Outbox.id), col(Person.code), col(House.zone))
        .having(func.min(col(Attempt.at)) >= since, func.min(col(Attempt.at)) < until)
    )
    woken = Counter(code for code, zone, at in await session.execute(sent) if is_off_hours(at, zone))
    return dict(woken.most_common())


def _real_of(houses: Collection[int] | None) -> Select[tuple[int | None]]:
    chosen = _real() if houses is None else _real().where(col(CaseRow.house_id).in_(houses))
    return chosen.with_only_columns(col(CaseRow.id))


# For whoever measures from outside


@dataclass(frozen=True)
class Now:
    """How it stands: unresolved cases by level and state, those that are overdue, the oldest red nobody took."""

    cases: dict[tuple[Level, str], int]
    overdue: dict[Level, int]
    untaken_red_since: datetime | None


async def now_open(session: AsyncSession, late: datetime) -> Now:
    """`late`: what was due before that moment is overdue."""
    unresolved = _real().where(col(CaseRow.state) != "resolved")
    by_kind = unresolved.with_only_columns(col(CaseRow.level), col(CaseRow.state), func.count())
    cases = await session.execute(by_kind.group_by(col(CaseRow.level), col(CaseRow.state)))
    overdue = unresolved.where(col(CaseRow.next_action_at) < late).with_only_columns(col(CaseRow.level), func.count())
    untaken = unresolved.where(col(CaseRow.level) == Level.RED, col(CaseRow.state) == "open")
    return Now(
        {(level, state.value): n for level, state, n in cases},
        dict((await session.execute(overdue.group_by(col(CaseRow.level)))).all()),
        await session.scalar(untaken.with_only_columns(func.min(col(CaseRow.opened_at)))),
    )
