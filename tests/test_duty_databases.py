"""What the duty room promises of both databases: one answer to a swap, one shift change, the hours on any wall."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from app import due
from app.activities.calendar import Quiet
from app.clock import Clock, wall
from app.db import Database
from app.duty import changes, watch
from app.duty import service as duty
from app.duty.models import Change, ChangeState, DayKind, DutyWatch
from app.duty.watch import ShiftChange
from app.people import service as people
from app.people.models import House, Person
from app.vault import Vault
from scheduler.works import Works
from tests.test_loading import NOW, TEXT, bring
from tests.test_loading_rota import ROTA

AUCKLAND = "Pacific/Auckland"
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 09:00 in Ningbo
TUESDAY = date(2026, 11, 24)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_db")
        return address
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "duty.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'duty.db'}"


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    database = Database(url, Vault("k" * 32))
    yield database
    await database.close()


@pytest.fixture
async def neighbour(url: str) -> AsyncIterator[Database]:
    """Another process on the same database, as far as the database can tell."""
    database = Database(url, Vault("k" * 32))
    yield database
    await database.close()


async def person(db: Database, code: str) -> Person:
    async with db.read() as session:
        found = await people.find_by_code(session, code)
        assert found is not None
        return found


async def the_house(db: Database) -> House:
    async with db.read() as session:
        return (await session.scalars(select(House))).one()


async def there(db: Database, moment: datetime) -> list[int]:
    house = await the_house(db)
    async with db.read() as session:
        return await duty.on_duty(session, house, moment)


async def ask(db: Database, day: date = TUESDAY) -> int:
    """王乐 asks 李红 for a day."""
    house, asker, other = await the_house(db), await person(db, "wangle"), await person(db, "lihong")
    async with db.begin() as session:
        made = await changes.propose(session, [house], asker, other, day, MONDAY)
        assert isinstance(made, Change)
        return made.id or 0


async def test_a_yes_and_a_taking_back_in_the_same_instant_make_one_of_the_two(
    db: Database, neighbour: Database
) -> None:
    await bring(db, TEXT, NOW)
    asker, other = await person(db, "wangle"), await person(db, "lihong")

    async def settle(where: Database, yes: bool, swap_id: int) -> ChangeState:
        async with where.begin() as session:
            if yes:
                return await changes.agree(session, swap_id, other, MONDAY)
            return await changes.withdraw(session, swap_id, asker, MONDAY)

    for day in [TUESDAY + timedelta(days=7 * week + n) for week in range(3) for n in range(3)]:
        swap_id = await ask(db, day)
        answers = await asyncio.gather(settle(db, True, swap_id), settle(neighbour, False, swap_id))
        assert len(set(answers)) == 1, "both hear the same"
        on = await there(db, wall(day, time(10), "Asia/Shanghai"))
        assert on == ([other.id] if answers[0] is ChangeState.AGREED else [asker.id])


async def test_two_processes_see_one_shift_change(db: Database, neighbour: Database) -> None:
    await bring(db, TEXT, NOW)
    async with db.begin() as session:
        assert await watch.begin(session, MONDAY) == 1
        assert await watch.begin(session, MONDAY) == 0

    async def turn(where: Database, now: datetime) -> list[ShiftChange]:
        async with where.begin() as session:
            rows = await due.claim(session, DutyWatch, now)
            return [seen for row in rows if (seen := await watch.look(session, row, now)) is not None]

    [first] = await turn(db, MONDAY)
    assert (first.coming, first.going) == ([], [])
    evening = MONDAY.replace(hour=9)
    both = await asyncio.gather(turn(db, evening), turn(neighbour, evening))
    [(seen)] = [each for turned in both for each in turned]
    assert seen.coming == []
    assert [(shift.person_id, shift.ends_at) for shift in seen.going] == [((await person(db, "wangle")).id, evening)]
    async with db.read() as session:
        [row] = await session.scalars(select(DutyWatch))
        assert row.due_at == MONDAY + timedelta(hours=23, minutes=30), "when the next one comes, on Tuesday at 8:30"
    [morning] = await turn(neighbour, row.due_at)
    assert morning.coming == [(await person(db, "wangle")).id]


async def test_turns_changes_and_days_are_read_back_as_they_were_written(db: Database) -> None:
    await bring(db, TEXT + ROTA, NOW)
    house, boss, worker = await the_house(db), await person(db, "zhoumin"), await person(db, "wangle")
    at = wall(TUESDAY, time(8), "Asia/Shanghai")
    async with db.begin() as session:
        await changes.put_on(session, house, boss, at, at + timedelta(hours=1), by=boss, now=MONDAY)
        await changes.take_off(session, house, worker, at, at + timedelta(hours=2), by=boss, now=MONDAY)
        await changes.note_day(
            session, house.programme_id, house, TUESDAY + timedelta(days=1), DayKind.OFF, by=boss, now=MONDAY
        )
    async with db.read() as session:
        plan = await duty.plan(session, house, at, at + timedelta(days=2))
        assert [(s.person_id, s.starts_at, s.ends_at) for s in plan] == [
            (boss.id, at, at + timedelta(hours=1)),
            (worker.id, at + timedelta(hours=2), at + timedelta(hours=9)),
        ]
        assert await duty.next_change(session, house, at) == at + timedelta(hours=1)
        assert await duty.next_duty(session, house, at + timedelta(hours=9)) == at + timedelta(days=2, minutes=30)
        night = wall(date(2026, 12, 7), time(23), "Asia/Shanghai")
        assert await duty.on_duty(session, house, night) == [(await person(db, "lihong")).id]


async def test_a_house_in_auckland_goes_by_its_own_wall_and_its_own_holidays(db: Database) -> None:
    await bring(db, TEXT.replace("zone: Asia/Shanghai", f"zone: {AUCKLAND}"), NOW)
    worker = (await person(db, "wangle")).id
    assert await there(db, wall(TUESDAY, time(8, 30), AUCKLAND)) == [worker]
    assert await there(db, wall(TUESDAY, time(8, 29), AUCKLAND)) == []
    assert await there(db, wall(date(2027, 2, 1), time(10), AUCKLAND)) == [], "Auckland's own day"
    assert await there(db, wall(date(2026, 10, 1), time(10), AUCKLAND)) == [worker], "no holiday there"
    for monday in (date(2026, 9, 28), date(2027, 4, 5)):  # after a night on which the clock changed
        assert await there(db, wall(monday - timedelta(days=3), time(16, 59), AUCKLAND)) == [worker]
        house = await the_house(db)
        async with db.read() as session:
            before = wall(monday - timedelta(days=2), time(18), AUCKLAND)
            weekend = await duty.plan(session, house, before, wall(monday, time(17), AUCKLAND))
        assert weekend[-1].starts_at == wall(monday, time(8, 30), AUCKLAND)


# The bell beside whoever answers a swap


def works_of(where: Database, now: datetime) -> Works:
    return Works(where, Clock(frozen_at=now), Quiet(time(21, 30), time(8, 30)))


# On SQLite there is one writer at a time.
on_postgres = pytest.mark.parametrize("url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


async def bell_beside_an_answer(db: Database, neighbour: Database, ring: Callable[[Works], Awaitable[object]]) -> None:
    """A swap is held by its answerer when the bell rings; then the answerer looks at the houses, as an answer does."""
    await bring(db, TEXT, NOW)
    async with db.begin() as session:
        await watch.begin(session, MONDAY)
    swap_id = await ask(db)
    begun = wall(TUESDAY, time(10), "Asia/Shanghai")
    blocked = text("select count(*) from pg_locks where not granted")
    async with asyncio.TaskGroup() as group, db.begin() as session:
        await session.execute(select(Change).where(Change.id == swap_id).with_for_update())
        group.create_task(asyncio.wait_for(ring(works_of(neighbour, begun)), 20))
        async with asyncio.timeout(20):
            while True:
                async with db.read() as looking:
                    if await looking.scalar(blocked):
                        break
        await changes.rearm(session, begun)
    async with db.read() as session:
        assert (await session.get_one(Change, swap_id)).state is ChangeState.EXPIRED


@pytest.mark.postgres
@on_postgres
async def test_the_bell_and_an_answer_never_wait_for_each_other(db: Database, neighbour: Database) -> None:
    await bell_beside_an_answer(db, neighbour, lambda works: works.duty())


@pytest.mark.postgres
@on_postgres
async def test_with_a_house_claimed_first_they_would(db: Database, neighbour: Database) -> None:
    """The control: what the bell did once."""

    async def claims_first(works: Works) -> None:
        async with works.db.begin() as session:
            assert await due.claim(session, DutyWatch, works.clock.now())
            await changes.lapse(session, works.clock.now())

    with pytest.raises(ExceptionGroup) as crossed:
        await bell_beside_an_answer(db, neighbour, claims_first)
    assert "deadlock" in str(crossed.value.exceptions)


async def test_the_bell_lets_go_of_a_house_before_it_claims_the_next(
    db: Database, neighbour: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bring(db, TEXT, NOW)
    async with db.begin() as session:
        programme_id = (await session.scalars(select(House))).one().programme_id
        session.add(House(programme_id=programme_id, code="haishu", name="海曙生活小站"))
    done, look = [], watch.look

    async def looks(*args: Any) -> ShiftChange | None:
        async with neighbour.read() as beside:
            done.append(len(list(await beside.scalars(select(DutyWatch).where(col(DutyWatch.due_at) > MONDAY)))))
        return await look(*args)

    monkeypatch.setattr(watch, "look", looks)
    works = works_of(db, MONDAY)
    while await works.duty():
        pass
    assert done == [0, 1]
