"""The one queue of the house: nothing is done twice, nothing is forgotten, and what is done costs nothing.

Every promise holds on both databases. The controls show what happens to somebody who leaves the guard off.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import col

import app.tables  # noqa: F401
from app import due
from app.db import Database, ident
from app.messages.models import Lane, Outbox, OutboxState
from app.vault import Vault

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
SECOND = timedelta(seconds=1)
KEY = "a key that only tests use"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_db")
        return address
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "due.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'due.db'}"


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    database = Database(url, Vault(KEY))
    yield database
    await database.close()


@pytest.fixture
async def neighbour(url: str) -> AsyncIterator[Database]:
    """Another process on the same database, as far as the database can tell."""
    database = Database(url, Vault(KEY))
    yield database
    await database.close()


def letter(key: str, due_at: datetime | None = NOON, lane: Lane = Lane.NORMAL) -> Outbox:
    return Outbox(key=key, kind="text", created_at=NOON, due_at=due_at, lane=lane)


async def put(db: Database, *letters: Outbox) -> list[int]:
    async with db.begin() as session:
        session.add_all(letters)
    return [ident(row) for row in letters]


async def claim(db: Database, now: datetime = NOON, n: int = 100) -> list[Outbox]:
    async with db.begin() as session:
        return await due.claim(session, Outbox, now, n=n, first=[col(Outbox.lane)])


async def stored(db: Database, number: int) -> Outbox:
    async with db.read() as session:
        return (await session.scalars(select(Outbox).where(col(Outbox.id) == number))).one()


# Who gets what


async def test_two_workers_at_once_share_the_rows_and_each_row_is_claimed_once(
    db: Database, neighbour: Database
) -> None:
    everything = await put(db, *(letter(f"n{n}") for n in range(200)))

    async def worker(own: Database) -> list[int]:
        mine: list[int] = []
        while rows := await claim(own, n=7):
            mine += [ident(row) for row in rows]
        return mine

    shares = await asyncio.gather(*(worker(own) for own in (db, neighbour) for _ in range(4)))
    claimed = [number for share in shares for number in share]
    assert sorted(claimed) == sorted(everything)


async def test_urgent_rows_come_first_and_within_a_lane_the_one_that_waited_longest(db: Database) -> None:
    await put(
        db,
        letter("broadcast, early", NOON - timedelta(hours=9), Lane.BROADCAST),
        letter("normal, late", NOON - SECOND),
        letter("normal, early", NOON - timedelta(hours=1)),
        letter("urgent, late", NOON, Lane.URGENT),
        letter("urgent, early", NOON - SECOND, Lane.URGENT),
        letter("not due yet", NOON + SECOND, Lane.URGENT),
        letter("finished", None, Lane.URGENT),
    )
    order = []
    while rows := await claim(db, n=1):
        order.append(rows[0].key)
    assert order == ["urgent, early", "urgent, late", "normal, early", "normal, late", "broadcast, early"]


async def test_a_batch_comes_in_the_order_of_its_lanes(db: Database) -> None:
    lanes = [Lane.BROADCAST, Lane.NORMAL, Lane.URGENT, Lane.NORMAL, Lane.URGENT]
    await put(db, *(letter(f"n{n}", lane=lane) for n, lane in enumerate(lanes)))
    assert [row.lane for row in await claim(db)] == sorted(lanes)


async def test_only_what_is_due_is_claimed(db: Database) -> None:
    await put(
        db,
        letter("overdue", NOON - SECOND),
        letter("due just now", NOON),
        letter("not yet due", NOON + SECOND),
        letter("finished", None),
    )
    assert [row.key for row in await claim(db)] == ["overdue", "due just now"]


async def test_an_empty_house_has_nothing_to_claim_and_nothing_next(db: Database) -> None:
    assert await claim(db) == []
    async with db.read() as session:
        assert await due.next_due(session, Outbox) is None


async def test_the_next_moment_is_the_earliest_that_is_not_finished(db: Database) -> None:
    await put(db, letter("a", LATER), letter("b", LATER + SECOND), letter("c", None))
    async with db.read() as session:
        assert await due.next_due(session, Outbox) == LATER


async def test_a_claim_that_is_rolled_back_leaves_the_row_due(db: Database) -> None:
    await put(db, letter("a"))
    async with db.begin() as session:
        assert await due.claim(session, Outbox, NOON)
        await session.rollback()
    assert [row.attempts for row in await claim(db)] == [1]


# Leases and fencing


async def test_a_claimed_row_is_hidden_until_its_lease_is_over_and_then_falls_due_again(db: Database) -> None:
    await put(db, letter("a"))
    (first,) = await claim(db)
    assert first.attempts == 1
    assert first.due_at == NOON + due.LEASE
    assert await claim(db, NOON + due.LEASE - SECOND) == []
    (second,) = await claim(db, NOON + due.LEASE)
    assert (second.id, second.attempts) == (first.id, 2)


async def test_a_worker_that_wakes_up_after_its_lease_changes_nothing(db: Database) -> None:
    (number,) = await put(db, letter("a"))
    (asleep,) = await claim(db)
    (successor,) = await claim(db, LATER)
    async with db.begin() as session:
        assert not await due.finish(session, asleep, state=OutboxState.FAILED)
    row = await stored(db, number)
    assert (row.state, row.due_at, row.attempts) == (OutboxState.QUEUED, LATER + due.LEASE, 2)
    async with db.begin() as session:
        assert await due.finish(session, successor, state=OutboxState.SENT)


async def test_a_worker_that_wakes_up_after_the_row_was_finished_does_not_open_it_again(db: Database) -> None:
    (number,) = await put(db, letter("a"))
    (asleep,) = await claim(db)
    (successor,) = await claim(db, LATER)
    async with db.begin() as session:
        assert await due.finish(session, successor, state=OutboxState.SENT)
        assert not await due.finish(session, asleep, due_at=LATER, state=OutboxState.FAILED)
    row = await stored(db, number)
    assert (row.state, row.due_at) == (OutboxState.SENT, None)


async def test_a_worker_that_is_late_but_alone_may_still_finish(db: Database) -> None:
    (number,) = await put(db, letter("a"))
    (slow,) = await claim(db)
    async with db.begin() as session:
        assert await due.finish(session, slow, state=OutboxState.SENT)
    assert (await stored(db, number)).state is OutboxState.SENT


# Finishing and putting off


async def test_finishing_sets_the_values_and_the_row_never_falls_due_again(db: Database) -> None:
    (number,) = await put(db, letter("a"))
    (row,) = await claim(db)
    async with db.begin() as session:
        assert await due.finish(session, row, state=OutboxState.SENT, finished_at=NOON)
    done = await stored(db, number)
    assert (done.due_at, done.state, done.finished_at) == (None, OutboxState.SENT, NOON)
    assert await claim(db, NOON + timedelta(days=365)) == []


async def test_a_row_is_finished_once(db: Database) -> None:
    await put(db, letter("a"))
    (row,) = await claim(db)
    async with db.begin() as session:
        assert await due.finish(session, row)
        assert not await due.finish(session, row)


async def test_a_row_that_is_put_off_falls_due_at_its_new_moment(db: Database) -> None:
    await put(db, letter("a"))
    (row,) = await claim(db)
    async with db.begin() as session:
        assert await due.finish(session, row, due_at=LATER, state=OutboxState.HELD, reason="quiet")
    assert await claim(db, LATER - SECOND) == []
    (again,) = await claim(db, LATER)
    assert (again.state, again.reason, again.attempts) == (OutboxState.HELD, "quiet", 2)


async def test_finishing_one_row_leaves_its_neighbours_alone(db: Database) -> None:
    await put(db, letter("a"), letter("b"))
    first, second = await claim(db)
    async with db.begin() as session:
        await due.finish(session, first, state=OutboxState.SENT)
    assert (await stored(db, ident(second))).due_at == NOON + due.LEASE


async def test_finished_rows_cost_nothing_because_the_claim_goes_by_an_index_without_them(db: Database) -> None:
    asked: list[tuple[str, Any]] = []

    @event.listens_for(db.engine.sync_engine, "before_cursor_execute")
    def _listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    async with db.begin() as session:
        await session.execute(
            insert(Outbox),
            [letter(f"done {n}", None).model_dump(exclude={"id"}) for n in range(2000)],
        )
        if not db.is_sqlite:
            await session.execute(text("ANALYZE outbox"))
    await claim(db)
    statement, parameters = next((s, p) for s, p in asked if s.startswith("WITH due"))
    async with db.engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN " if db.is_sqlite else "EXPLAIN "
        plan = await connection.exec_driver_sql(explain + statement, parameters)
        assert "ix_outbox_due" in " ".join(str(line) for line in plan.all())


# What the guards are for


Take = Callable[[AsyncSession, "Meeting"], Awaitable[Sequence[int]]]


class Meeting:
    """Holds whoever comes until everybody is here, so that a race happens each time and not now and then."""

    def __init__(self, people: int) -> None:
        self._missing = people
        self._complete = asyncio.Event()

    async def wait(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self._complete.set()
        with suppress(TimeoutError):  # where the guard keeps the other one out, nobody else comes
            await asyncio.wait_for(self._complete.wait(), 0.2)


async def look_then_take(session: AsyncSession, meeting: Meeting) -> Sequence[int]:
    """The way that seems right: see what is due, then mark it."""
    seen = list(await session.scalars(select(col(Outbox.id)).where(col(Outbox.due_at) <= NOON)))
    await meeting.wait()
    await session.execute(update(Outbox).where(col(Outbox.id).in_(seen)).values(due_at=LATER))
    return seen


async def take_by_claim(session: AsyncSession, meeting: Meeting) -> Sequence[int]:
    rows = await due.claim(session, Outbox, NOON)
    await meeting.wait()
    return [ident(row) for row in rows]


@pytest.mark.parametrize(
    ("take", "times_done"),
    [(take_by_claim, 1), (look_then_take, 2)],
    ids=["by claim each row is done once", "control: look, then take, and each row is done twice"],
)
async def test_a_row_that_two_want_at_the_same_moment(url: str, db: Database, take: Take, times_done: int) -> None:
    numbers = await put(db, *(letter(f"n{n}") for n in range(10)))
    meeting = Meeting(2)
    # The control has the database as its driver gives it; the guarded pair has it as our engine gives it.
    plain = create_async_engine(url)
    two = [Database(url, Vault(KEY)) for _ in range(2)]

    async def with_guard(own: Database) -> Sequence[int]:
        async with own.begin() as session:
            return await take(session, meeting)

    async def without_guard(_own: Database) -> Sequence[int]:
        async with AsyncSession(plain) as session, session.begin():
            return await take(session, meeting)

    worker = with_guard if times_done == 1 else without_guard
    try:
        shares = await asyncio.gather(*(worker(own) for own in two))
    finally:
        await plain.dispose()
        for own in two:
            await own.close()
    done = [number for share in shares for number in share]
    assert sorted(done) == sorted(numbers * times_done)


async def read_add_one_write(session: AsyncSession, meeting: Meeting) -> None:
    so_far = await session.scalar(select(col(Outbox.subject_id)))
    await meeting.wait()
    await session.execute(update(Outbox).values(subject_id=(so_far or 0) + 1))


async def count_with(db: Database, two: Sequence[Callable[[Meeting], Awaitable[None]]]) -> tuple[int, list[object]]:
    """Two add one to a number, having read it both before either wrote: what it is then, and who failed."""
    meeting = Meeting(len(two))
    ended = await asyncio.gather(*(one(meeting) for one in two), return_exceptions=True)
    async with db.read() as session:
        total = await session.scalar(select(func.coalesce(func.max(col(Outbox.subject_id)), 0)))
    return total or 0, [error for error in ended if error is not None]


async def test_a_unit_of_work_that_reads_before_it_writes_loses_nothing(migrated_file: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_file, tmp_path / "count.db")
    two = [Database(f"sqlite+aiosqlite:///{tmp_path / 'count.db'}", Vault(KEY)) for _ in range(2)]
    await put(two[0], letter("a"))

    def counter(own: Database) -> Callable[[Meeting], Awaitable[None]]:
        async def add(meeting: Meeting) -> None:
            async with own.begin() as session:
                await read_add_one_write(session, meeting)

        return add

    assert await count_with(two[0], [counter(own) for own in two]) == (2, [])
    for own in two:
        await own.close()


@pytest.mark.parametrize(
    ("begin", "refused"),
    [(None, 0), ("BEGIN", 1)],
    ids=["as the driver does it: one of two is lost without a word", "with plain BEGIN: one of two is refused"],
)
async def test_control_sqlite_without_begin_immediate(
    migrated_file: Path, tmp_path: Path, begin: str | None, refused: int
) -> None:
    shutil.copy(migrated_file, tmp_path / "count.db")
    url = f"sqlite+aiosqlite:///{tmp_path / 'count.db'}"
    db, plain = Database(url, Vault(KEY)), create_async_engine(url)
    await put(db, letter("a"))

    async def add(meeting: Meeting) -> None:
        async with plain.connect() as connection:
            if begin is not None:
                raw = await connection.get_raw_connection()
                raw.driver_connection._conn.isolation_level = None
                await connection.exec_driver_sql(begin)
            async with AsyncSession(connection) as session:
                await read_add_one_write(session, meeting)
                await session.commit()
            if begin is not None:
                await connection.exec_driver_sql("COMMIT")

    total, errors = await count_with(db, [add, add])
    assert (total, len(errors)) == (1, refused)
    assert all(isinstance(error, OperationalError) and "locked" in str(error) for error in errors)
    await plain.dispose()
    await db.close()
