"""What staff changed about the rota: who, when, and what is different by it in the days ahead. Append-only."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import local, wall
from app.db import ident
from app.duty import service as duty
from app.duty.grid import Difference, difference
from app.duty.models import Change, Edit, RotaEdit
from app.duty.rota import Shift, Span
from app.people.models import House, Person
from app.people.scope import Scope, within

DAYS_AHEAD = 14


@dataclass
class Draft:
    """An edit while it is being made. `drop`: nothing was changed after all, so nothing is written down."""

    detail: dict[str, Any] = field(default_factory=dict)
    drop: bool = False


@asynccontextmanager
async def noted(
    session: AsyncSession, houses: Sequence[House], what: Edit, by: Person, now: datetime
) -> AsyncIterator[Draft]:
    """Write down for each of these houses what is done inside, with its effect on the days ahead."""
    before = [await duty.plan(session, house, now, ahead(house, now)) for house in houses]
    draft = Draft()
    yield draft
    if draft.drop:
        return
    await session.flush()
    for house, planned in zip(houses, before, strict=True):
        last = ahead(house, now)
        effect = difference(planned, await duty.plan(session, house, now, last), now, last)
        session.add(
            RotaEdit(
                house_id=ident(house), at=now, by_id=ident(by), what=what, detail=draft.detail, effect=_written(effect)
            )
        )
    await session.flush()


def ahead(house: House, now: datetime) -> datetime:
    """The end of the last day that the plan shows."""
    return wall(local(now, house.zone).date() + timedelta(days=DAYS_AHEAD), time(), house.zone)


def of_change(change: Change) -> dict[str, Any]:
    """What a change is about, for the log."""
    return {
        "change": change.id, "kind": change.kind.value, "person": change.person_id, "instead": change.instead_of_id,
        "starts": change.starts_at.isoformat(), "ends": change.ends_at.isoformat(),
    }  # fmt: skip


def _written(effect: Difference) -> dict[str, list[list[Any]]]:
    def shifts(found: Sequence[Shift]) -> list[list[Any]]:
        return [[s.person_id, s.starts_at.isoformat(), s.ends_at.isoformat()] for s in found]

    alone = [[starts.isoformat(), ends.isoformat()] for starts, ends in effect.alone]
    return {"more": shifts(effect.more), "less": shifts(effect.less), "alone": alone}


def effect_of(edit: RotaEdit) -> Difference:
    """What became different by an edit, as it was written down."""

    def shifts(written: Sequence[Sequence[Any]]) -> tuple[Shift, ...]:
        return tuple(Shift(person, *_span(span)) for person, *span in written)

    alone = tuple(_span(span) for span in edit.effect["alone"])
    return Difference(shifts(edit.effect["more"]), shifts(edit.effect["less"]), alone)


def _span(written: Sequence[str]) -> Span:
    starts, ends = (datetime.fromisoformat(moment) for moment in written)
    return starts, ends


async def find(session: AsyncSession, scope: Scope, edit_id: int) -> RotaEdit:
    """LookupError: there is none, or it is of a house outside `scope`."""
    found: RotaEdit | None = await session.scalar(
        select(RotaEdit).where(within(scope, RotaEdit), col(RotaEdit.id) == edit_id)
    )
    if found is None:
        raise LookupError(f"no edit {edit_id}")
    return found


async def latest(session: AsyncSession, house: House, n: int) -> list[RotaEdit]:
    """The last `n` edits of a house, the newest first."""
    newest = select(RotaEdit).where(col(RotaEdit.house_id) == house.id).order_by(col(RotaEdit.id).desc())
    return list(await session.scalars(newest.limit(n)))
