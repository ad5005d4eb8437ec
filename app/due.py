"""Due rows: the one queue of the house.

Everything that will happen is a row with one nullable `due_at`: NULL finished, at or before now due, later
scheduled or leased. Claiming moves `due_at` to the end of a lease and counts the attempt, in one statement;
a worker that dies leaves a row that falls due again. Finishing names the attempt it finishes, so a worker
that wakes up after its lease has run out changes nothing (fencing).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    SQLColumnExpression,
    Update,
    func,
    select,
    true,
    update,
)
from sqlalchemy import Row as SqlRow
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field

from app.db import Record, UTCDateTime, changed, table_of

LEASE = timedelta(seconds=60)


class DueRow(Record):
    """The two columns of every table that works as a queue; mix in, and add `due_index(table)`."""

    id: int | None = Field(default=None, primary_key=True)
    due_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


Row = TypeVar("Row", bound=DueRow)


def _take(
    model: type[DueRow],
    now: datetime,
    n: int,
    lease: timedelta,
    first: Sequence[SQLColumnExpression[Any]],
    only: ColumnElement[bool] | None,
) -> Update:
    table = table_of(model)
    due = (
        select(table.c.id)
        .where(table.c.due_at <= now, true() if only is None else only)
        .order_by(*first, table.c.due_at, table.c.id)
        .limit(n)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (
        update(table).where(table.c.id.in_(select(due.c.id))).values(due_at=now + lease, attempts=table.c.attempts + 1)
    )


async def claim(
    session: AsyncSession,
    model: type[Row],
    now: datetime,
    *,
    n: int = 100,
    lease: timedelta = LEASE,
    first: Sequence[SQLColumnExpression[Any]] = (),
    only: ColumnElement[bool] | None = None,
) -> list[Row]:
    """Claim up to `n` due rows, in the order of `first` and then of their time; nobody else sees them.

    `only` narrows them down further.
    """
    claimed = await session.scalars(_take(model, now, n, lease, first, only).returning(table_of(model).c.id))
    ids = list(claimed)
    if not ids:
        return []
    table = table_of(model)
    rows = await session.scalars(
        select(model).where(table.c.id.in_(ids)).order_by(*first, table.c.id),
        execution_options={"populate_existing": True},
    )
    return list(rows)


async def take(
    session: AsyncSession,
    model: type[DueRow],
    now: datetime,
    columns: Sequence[Column[Any]],
    *,
    n: int,
    lease: timedelta = LEASE,
    only: ColumnElement[bool] | None = None,
) -> list[SqlRow[Any]]:
    """The same as `claim` in one statement and without an object a row: for whoever takes thousands."""
    return list(await session.execute(_take(model, now, n, lease, (), only).returning(*columns)))


async def finish(session: AsyncSession, row: DueRow, *, due_at: datetime | None = None, **values: Any) -> bool:
    """Finish this attempt at `row` (or put it off until `due_at`), and set `values` with it.

    False: the lease ran out and somebody else has the row; nothing was changed.
    """
    table = table_of(type(row))
    finished = (
        update(table)
        .where(table.c.id == row.id, table.c.attempts == row.attempts, table.c.due_at.is_not(None))
        .values(due_at=due_at, **values)
    )
    return await changed(session, finished) == 1


async def next_due(session: AsyncSession, model: type[DueRow]) -> datetime | None:
    """When the earliest unfinished row of `model` falls due."""
    earliest: datetime | None = await session.scalar(select(func.min(table_of(model).c.due_at)))
    return earliest


async def upcoming(session: AsyncSession, model: type[Row], n: int) -> list[Row]:
    """The next `n` unfinished rows of `model`, soonest first."""
    due_at = table_of(model).c.due_at
    return list(await session.scalars(select(model).where(due_at.is_not(None)).order_by(due_at).limit(n)))
