"""What lies on the screening desk: what was read lately, what people said of it, and how the rules fare by that."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import local
from app.escalations.models import CaseRow, Flag
from app.escalations.states import State
from app.marks.models import Mark, MarkKind
from app.marks.service import NOT_READ
from app.people.scope import Scope, within

LOOKS_BACK = timedelta(days=28)
WEEKS = 8


class Shown(StrEnum):
    """Which readings are asked for."""

    UNMARKED = "unmarked"
    FALSE_ALARM = "false_alarm"
    REAL = "real"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Read:
    """A reading, and what was said of it."""

    flag: Flag
    mark: Mark | None
    code: str


@dataclass(frozen=True, slots=True)
class Fared:
    """How often a rule was what somebody was called for; `known`: of these, how many are known to have been right or
    wrong (marked, or the case is over); `wrong`: how many of those were marked as a false alarm."""

    fired: int = 0
    known: int = 0
    wrong: int = 0

    @property
    def right(self) -> int:
        return self.known - self.wrong


@dataclass(frozen=True, slots=True)
class Week:
    """How many marks of each kind were set in the week that begins on `monday`."""

    monday: date
    counts: Counter[MarkKind]

    @property
    def total(self) -> int:
        return self.counts.total()


def _readings(scope: Scope, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Of words that screening has read, in these houses; practice is none."""
    found: Select[*tuple[Any, ...]] = (
        select(*columns)
        .select_from(Flag)
        .join(CaseRow, col(CaseRow.id) == col(Flag.case_id))
        .outerjoin(Mark, col(Mark.flag_id) == col(Flag.id))
        .where(within(scope, Flag), ~col(CaseRow.drill), col(Flag.said).is_not(None), col(Flag.rule).not_in(NOT_READ))
    )
    return found


async def readings(
    session: AsyncSession, scope: Scope, shown: Shown, now: datetime, n: int, *, before: int | None = None
) -> list[Read]:
    """What was read in the last four weeks, the newest first: `n` of them, older than the reading `before`."""
    wanted = _readings(scope, Flag, Mark, col(CaseRow.code)).where(col(Flag.at) >= now - LOOKS_BACK)
    match shown:
        case Shown.UNMARKED:
            wanted = wanted.where(col(Mark.id).is_(None))
        case Shown.FALSE_ALARM:
            wanted = wanted.where(col(Mark.kind) == MarkKind.FALSE_ALARM)
        case Shown.REAL:
            wanted = wanted.where(col(Mark.kind) != MarkKind.FALSE_ALARM)
    if before is not None:
        wanted = wanted.where(col(Flag.id) < before)
    rows = await session.execute(wanted.order_by(col(Flag.id).desc()).limit(n))
    return [Read(flag, mark, code) for flag, mark, code in rows]


async def reading(session: AsyncSession, scope: Scope, flag_id: int) -> Read:
    """One reading in these houses, however long ago. LookupError: none, or elsewhere."""
    rows = await session.execute(_readings(scope, Flag, Mark, col(CaseRow.code)).where(col(Flag.id) == flag_id))
    found = rows.first()
    if found is None:
        raise LookupError(f"no reading {flag_id}")
    return Read(*found)


async def unmarked(session: AsyncSession, scope: Scope, now: datetime) -> int:
    """How many readings of the last four weeks nobody has said anything of."""
    wanted = _readings(scope, func.count()).where(col(Flag.at) >= now - LOOKS_BACK, col(Mark.id).is_(None))
    return await session.scalar(wanted) or 0


async def missed(
    session: AsyncSession, scope: Scope, now: datetime, n: int, *, before: int | None = None
) -> list[Mark]:  # fmt: skip
    """The words for which nobody had been called, or not urgently enough, as they were written down: newest first."""
    wanted = select(Mark).where(
        within(scope, Mark), col(Mark.flag_id).is_(None), col(Mark.at) >= now - LOOKS_BACK
    )  # fmt: skip
    if before is not None:
        wanted = wanted.where(col(Mark.id) < before)
    return list(await session.scalars(wanted.order_by(col(Mark.id).desc()).limit(n)))


async def fared(session: AsyncSession, scope: Scope, since: datetime) -> dict[str, Fared]:
    """By rule, what came of those readings since then in which it was the strongest one."""
    wrong = col(Mark.kind) == MarkKind.FALSE_ALARM
    known = or_(col(Mark.id).is_not(None), col(CaseRow.state) == State.RESOLVED)
    rows = await session.execute(
        _readings(
            scope, col(Flag.rule), func.count(), func.sum(case((known, 1), else_=0)),
            func.sum(case((wrong, 1), else_=0)),
        )
        .where(col(Flag.at) >= since)
        .group_by(col(Flag.rule))
    )  # fmt: skip
    return {rule: Fared(fired, known, wrong) for rule, fired, known, wrong in rows}


async def weeks(session: AsyncSession, scope: Scope, now: datetime, zone: str, n: int = WEEKS) -> list[Week]:
    """How much was marked in each of the last `n` weeks by this zone's calendar, this one first."""
    mondays = [_monday(now, zone) - timedelta(weeks=back) for back in range(n)]
    since = now - timedelta(weeks=n)
    rows = await session.execute(select(col(Mark.at), col(Mark.kind)).where(within(scope, Mark), col(Mark.at) >= since))
    return _by_week(mondays, ((_monday(at, zone), kind) for at, kind in rows))


def _by_week(mondays: list[date], marked: Iterable[tuple[date, MarkKind]]) -> list[Week]:
    counted = Counter(marked)
    return [
        Week(monday, Counter({kind: counted[monday, kind] for kind in MarkKind if counted[monday, kind]}))
        for monday in mondays
    ]


def _monday(moment: datetime, zone: str) -> date:
    day = local(moment, zone).date()
    return day - timedelta(days=day.weekday())
