"""Lists of cases for whoever looks at many: in colleagues' hands, over, and how many of each there are."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.escalations.models import CaseRow, Flag
from app.escalations.service import can_take, case, may_see, visible_cases
from app.escalations.states import Level, State
from app.people.models import Person
from app.people.scope import Scope

PLACE = re.compile(r"[1-3]\.[01]\.[0-9]{1,9}")


@dataclass(frozen=True)
class Place:
    """Where a page of cases ended; as an address has it: `3.0.17`."""

    level: Level
    mine: bool
    case_id: int

    @classmethod
    def of(cls, who: Person, row: CaseRow) -> "Place":
        return cls(row.level, row.owner_id == who.id, ident(row))

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """None: no page ends there."""
        if PLACE.fullmatch(text) is None:
            return None
        level, mine, number = map(int, text.split("."))
        return cls(Level(level), bool(mine), number)

    def __str__(self) -> str:
        return f"{self.level:d}.{self.mine:d}.{self.case_id}"


async def visible_case(
    session: AsyncSession, scope: Scope, who: Person, case_id: int, *, held: bool = True
) -> CaseRow:  # fmt: skip
    """A case that this member of staff may see; `held` until this work ends, for whoever changes it.

    LookupError: there is none for them.
    """
    found = await case(session, case_id) if held else await session.get(CaseRow, case_id)
    if found is None or not may_see(scope, who, found):
        raise LookupError(f"no case {case_id}")
    return found


async def at_hand(
    session: AsyncSession, scope: Scope, who: Person, n: int, after: Place | None = None
) -> list[CaseRow]:
    """What this person has and what they can take, the most urgent first; `n` of them, behind `after`."""
    mine, level, number = col(CaseRow.owner_id) == who.id, col(CaseRow.level), col(CaseRow.id)
    in_danger = select(number).where(can_take(scope, who), level == Level.RED, ~col(CaseRow.drill)).exists()
    wanted = select(CaseRow).where(
        col(CaseRow.state) != State.RESOLVED,
        mine | and_(can_take(scope, who), ~(col(CaseRow.drill) & in_danger)),
    )
    others = func.coalesce(col(CaseRow.owner_id), 0) != who.id
    if after is not None:
        beside = number > after.case_id
        behind = or_(others, beside) if after.mine else and_(others, beside)
        wanted = wanted.where(or_(level < after.level, and_(level == after.level, behind)))
    return list(await session.scalars(wanted.order_by(level.desc(), others, number).limit(n)))


async def with_others(
    session: AsyncSession, scope: Scope, who: Person, n: int | None = None, skip: int = 0
) -> list[CaseRow]:  # fmt: skip
    """What colleagues are at work on in these houses, the most urgent first; `n` of them, or all."""
    theirs = visible_cases(scope).where(
        col(CaseRow.state) != State.RESOLVED, col(CaseRow.owner_id).is_not(None), col(CaseRow.owner_id) != who.id
    )
    return list(
        await session.scalars(theirs.order_by(col(CaseRow.level).desc(), col(CaseRow.id)).offset(skip).limit(n))
    )


async def over(session: AsyncSession, scope: Scope, n: int, skip: int = 0) -> list[CaseRow]:
    """What has ended in these houses, the last first."""
    ended = visible_cases(scope).where(col(CaseRow.state) == State.RESOLVED)
    return list(await session.scalars(ended.order_by(col(CaseRow.resolved_at).desc()).offset(skip).limit(n)))


@dataclass(frozen=True)
class Counts:
    """How many cases are mine, wait for anybody (`red` of them urgently), and are with colleagues."""

    mine: int
    waiting: int
    red: int
    others: int


async def counts(session: AsyncSession, scope: Scope, who: Person) -> Counts:
    unresolved = select(func.count()).select_from(CaseRow).where(col(CaseRow.state) != State.RESOLVED)
    waiting = unresolved.where(can_take(scope, who))
    numbers = [
        await session.scalar(one) or 0
        for one in (
            unresolved.where(col(CaseRow.owner_id) == who.id),
            waiting,
            waiting.where(col(CaseRow.level) == Level.RED, ~col(CaseRow.drill)),
            unresolved.where(
                col(CaseRow.house_id).in_(scope.houses), col(CaseRow.owner_id).is_not(None),
                col(CaseRow.owner_id) != who.id,
            ),
        )
    ]  # fmt: skip
    return Counts(*numbers)


async def newest_flags(session: AsyncSession, cases: Collection[int]) -> dict[int, Flag]:
    """The last reading of each of these cases."""
    last = select(func.max(col(Flag.id))).where(col(Flag.case_id).in_(list(cases))).group_by(col(Flag.case_id))
    return {flag.case_id: flag for flag in await session.scalars(select(Flag).where(col(Flag.id).in_(last)))}


async def visible_of(session: AsyncSession, scope: Scope, who: Person, cases: Collection[int]) -> list[CaseRow]:
    """Those of these cases that this member of staff may see."""
    rows = await session.scalars(select(CaseRow).where(col(CaseRow.id).in_(list(cases))).order_by(col(CaseRow.id)))
    return [row for row in rows if may_see(scope, who, row)]
