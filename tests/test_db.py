"""What the database promises: the right moment, closed envelopes, and everything or nothing."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlmodel import col

from app.db import Database, Record, ident, insert_once, is_database_trouble, ring
from app.escalations.ladders import DEFAULTS
from app.escalations.models import CaseRow
from app.escalations.states import Level, Outcome, State
from app.installation import Installation, prove_key
from app.messages.models import Lane, Outbox, OutboxState
from app.people.models import House, Person, Programme, Role
from app.vault import Vault, VaultError

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
KEY = "a key that only tests use"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_db")
        return address
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "house.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'house.db'}"


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    database = Database(url, Vault(KEY))
    yield database
    await database.close()


@pytest.fixture
def file(tmp_path: Path, migrated_file: Path) -> Path:
    shutil.copy(migrated_file, tmp_path / "file.db")
    return tmp_path / "file.db"


def letter(key: str = "a", **more: object) -> Outbox:
    return Outbox(key=key, kind="text", created_at=NOON, **more)


async def xiaohe(db: Database) -> Person:
    """A member, with the programme and the house around them."""
    async with db.begin() as session:
        programme = Programme(code="duantang", name="段塘")
        session.add(programme)
        await session.flush()
        house = House(programme_id=ident(programme), code="station", name="段塘生活小站")
        session.add(house)
        await session.flush()
        member = Person(
            programme_id=ident(programme), house_id=ident(house), code="m1", role=Role.MEMBER, name="王小河",
            called="小河", phone="13800001234",
        )  # fmt: skip
        session.add(member)
    return member


def case_of(member: Person, level: Level = Level.RED, **more: object) -> CaseRow:
    values = {
        "code": "A-0001", "programme_id": member.programme_id, "house_id": member.house_id, "person_id": ident(member),
        "category": "suicide", "level": level, "ladder": DEFAULTS[level], "opened_at": NOON, "due_at": NOON,
        "next_action_at": NOON,
    }  # fmt: skip
    return CaseRow(**{**values, **more})


async def keys(db: Database) -> list[str]:
    async with db.read() as session:
        return list(await session.scalars(select(col(Outbox.key)).order_by(col(Outbox.id))))


async def add(db: Database, *rows: Record) -> None:
    async with db.begin() as session:
        session.add_all(rows)


# Moments


AUCKLAND = ZoneInfo("Pacific/Auckland")
MOMENTS = {
    "UTC": NOON,
    "Shanghai": datetime(2026, 11, 25, 14, 0, tzinfo=ZoneInfo("Asia/Shanghai")),
    "Auckland in winter": datetime(2026, 7, 1, 9, 0, tzinfo=AUCKLAND),
    "the last minute before the clock goes forward": datetime(2026, 9, 27, 1, 59, tzinfo=AUCKLAND),
    "half past two, the first": datetime(2027, 4, 4, 2, 30, tzinfo=AUCKLAND, fold=0),
    "half past two, the second": datetime(2027, 4, 4, 2, 30, tzinfo=AUCKLAND, fold=1),
    "New Year, to the microsecond": datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=AUCKLAND),
}


async def test_a_moment_comes_back_as_the_same_moment(db: Database) -> None:
    await add(db, *(letter(name, due_at=moment) for name, moment in MOMENTS.items()))
    async with db.read() as session:
        stored = {row.key: row.due_at for row in await session.scalars(select(Outbox))}
    # Two datetimes of one zone are compared by their wall clock, so both are brought to UTC first.
    assert stored == {name: moment.astimezone(UTC) for name, moment in MOMENTS.items()}
    assert {moment.utcoffset() for moment in stored.values() if moment is not None} == {timedelta()}


async def test_a_moment_without_time_zone_is_refused(db: Database) -> None:
    with pytest.raises(StatementError, match="without time zone"):
        await add(db, letter(due_at=NOON.replace(tzinfo=None)))
    assert await keys(db) == []


async def test_moments_of_different_zones_are_compared_as_moments(db: Database) -> None:
    shanghai = datetime(2026, 11, 25, 14, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    auckland = datetime(2026, 11, 25, 14, 0, tzinfo=ZoneInfo("Pacific/Auckland"))
    await add(db, letter("later", due_at=shanghai), letter("sooner", due_at=auckland))
    async with db.read() as session:
        assert list(await session.scalars(select(col(Outbox.key)).order_by(col(Outbox.due_at)))) == ["sooner", "later"]
        assert list(await session.scalars(select(col(Outbox.key)).where(col(Outbox.due_at) < shanghai))) == ["sooner"]


# Envelopes


async def test_what_people_are_called_and_wrote_cannot_be_read_from_the_files(file: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{file}", Vault(KEY))
    await xiaohe(db)
    await add(db, letter(params={"text": "我很难过"}))
    files = sorted(file.parent.glob("file.db*"))
    assert [f.name for f in files] == ["file.db", "file.db-shm", "file.db-wal"]
    on_disk = b"".join(f.read_bytes() for f in files)
    await db.close()
    assert "段塘生活小站".encode() in on_disk, "the search itself finds what is not sealed"
    for secret in ("王小河", "小河", "13800001234", "我很难过"):
        assert secret.encode() not in on_disk
        assert secret.encode("unicode-escape") not in on_disk


async def test_what_was_sealed_is_read_again_with_the_same_key(url: str, db: Database) -> None:
    await xiaohe(db)
    await add(db, letter(params={"text": "我很难过", "n": [1, None]}))
    another = Database(url, Vault(KEY))
    async with another.read() as session:
        member = (await session.scalars(select(Person))).one()
        sent = (await session.scalars(select(Outbox))).one()
    await another.close()
    assert (member.name, member.called, member.phone) == ("王小河", "小河", "13800001234")
    assert sent.params == {"text": "我很难过", "n": [1, None]}


async def test_the_same_name_is_sealed_differently_each_time(db: Database) -> None:
    member = await xiaohe(db)
    same_name = Person(**(member.model_dump(exclude={"id"}) | {"code": "m2"}))
    await add(db, same_name)
    async with db.read() as session:
        sealed = list(await session.scalars(text("SELECT name FROM person")))
    assert len(set(sealed)) == 2


async def test_processes_that_start_together_over_a_new_database_all_start(db: Database, url: str) -> None:
    others = [Database(url, Vault(KEY)) for _ in range(4)]
    await asyncio.gather(*(prove_key(one) for one in (db, *others)))
    for other in others:
        await other.close()
    async with db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Installation)) == 1


async def test_a_wrong_key_is_noticed_at_the_start_in_one_sentence(url: str, db: Database) -> None:
    await prove_key(db)
    await prove_key(db)
    stranger = Database(url, Vault("another key, of another house"))
    with pytest.raises(VaultError, match=r"TONGXING_SECRET_KEY .*不是同一个：请换回原来的密钥"):
        await prove_key(stranger)
    await stranger.close()


@pytest.mark.parametrize("key", ["", "short", "x" * 15])
def test_a_key_that_is_too_short_is_refused_in_one_sentence(key: str) -> None:
    with pytest.raises(VaultError, match="TONGXING_SECRET_KEY 没有设置或太短：请设成至少 16 个字符"):
        Vault(key)


async def test_a_row_prints_as_its_name_and_number(db: Database) -> None:
    member = await xiaohe(db)
    for printed in (repr(member), str(member), f"{member}", f"{[member]}", f"{member!r:>30}"):
        assert f"<Person {member.id}>" in printed
        assert "河" not in printed
    assert repr(letter(params={"text": "我很难过"})) == "<Outbox None>"


async def test_an_error_of_the_database_names_nobody(db: Database) -> None:
    member = await xiaohe(db)
    naive = Person(**(member.model_dump(exclude={"id"}) | {"code": "m2", "joined_at": NOON.replace(tzinfo=None)}))
    with pytest.raises(StatementError) as refused:
        await add(db, naive)
    for secret in ("王小河", "小河", "13800001234"):
        assert secret not in str(refused.value)


def test_a_row_that_was_never_stored_has_no_number() -> None:
    with pytest.raises(LookupError, match="not in the database yet"):
        ident(letter())


# Everything or nothing


async def test_an_error_takes_back_everything_the_unit_of_work_did(db: Database) -> None:
    async def halfway() -> None:
        async with db.begin() as session:
            session.add(letter("first"))
            await session.flush()
            await insert_once(session, Outbox, key="second", kind="text", created_at=NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await halfway()
    assert await keys(db) == []
    await add(db, letter("third"))
    assert await keys(db) == ["third"]


async def test_a_cancelled_unit_of_work_leaves_nothing_and_keeps_nobody_waiting(db: Database) -> None:
    at_work = asyncio.Event()

    async def never_ends() -> None:
        async with db.begin() as session:
            session.add(letter("half done"))
            await session.flush()
            at_work.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(never_ends())
    await at_work.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(add(db, letter("the next one")), 5)
    assert await keys(db) == ["the next one"]


async def test_bells_ring_once_after_the_commit(db: Database) -> None:
    rung: list[frozenset[str]] = []
    db.on_commit = rung.append
    async with db.begin() as session:
        session.add(letter())
        for bell in ("deliver", "deliver", "cases"):
            ring(session, bell)
        await session.flush()
        assert rung == []
    assert rung == [frozenset({"deliver", "cases"})]


async def test_when_a_bell_rings_others_can_see_what_it_rings_for(file: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{file}", Vault(KEY))
    seen: list[int] = []

    def look(_bells: frozenset[str]) -> None:
        with closing(sqlite3.connect(file)) as elsewhere:
            seen.extend(elsewhere.execute("SELECT count(*) FROM outbox").fetchone())

    db.on_commit = look
    async with db.begin() as session:
        session.add(letter())
        ring(session, "deliver")
    await db.close()
    assert seen == [1]


@pytest.mark.parametrize("fails", [False, True], ids=["no bell was asked for", "the unit of work failed"])
async def test_no_bell_rings_without_a_reason(db: Database, fails: bool) -> None:
    rung: list[frozenset[str]] = []
    db.on_commit = rung.append
    await add(db, letter("a"))

    async def fail() -> None:
        async with db.begin() as session:
            ring(session, "deliver")
            session.add(letter("a"))

    if fails:
        with pytest.raises(IntegrityError):
            await fail()
    assert rung == []


# Looking


async def test_who_looks_sees_no_half_transaction(db: Database) -> None:
    async with db.begin() as session:
        session.add(letter("a"))
        await session.flush()
        assert await asyncio.wait_for(keys(db), 5) == [], "neither a half transaction nor a wait for its end"
        session.add(letter("b"))
    assert await keys(db) == ["a", "b"]


async def test_who_looks_twice_sees_the_same_moment_twice(db: Database) -> None:
    count = select(func.count()).select_from(Outbox)
    async with db.read() as session:
        assert await session.scalar(count) == 0
        await asyncio.wait_for(add(db, letter()), 5)
        assert await session.scalar(count) == 0
    async with db.read() as session:
        assert await session.scalar(count) == 1


async def test_who_looks_changes_nothing(db: Database) -> None:
    async with db.read() as session:
        session.add(letter())
        await session.flush()
    assert await keys(db) == []


async def test_a_connection_that_was_used_for_looking_is_used_for_work_again(url: str) -> None:
    db = Database(url, Vault(KEY), pool_size=1)
    for n in range(3):
        assert len(await keys(db)) == n
        await add(db, letter(f"n{n}"))
    await db.close()


# Once


async def test_what_is_inserted_once_stands_there_once(db: Database) -> None:
    values = {"key": "a", "kind": "text", "created_at": NOON, "due_at": NOON}
    async with db.begin() as session:
        first = await insert_once(session, Outbox, **values)
        assert first is not None
        assert await insert_once(session, Outbox, **values) is None
        assert await insert_once(session, Outbox, **{**values, "kind": "another"}) is None
        stored = (await session.scalars(select(Outbox))).one()
    assert (stored.id, stored.kind) == (first, "text")
    defaults = (stored.params, stored.lane, stored.state, stored.attempts, stored.rungs_tried)
    assert defaults == ({}, Lane.NORMAL, OutboxState.QUEUED, 0, "")


async def test_of_many_who_insert_the_same_at_once_exactly_one_does(db: Database, url: str) -> None:
    neighbour = Database(url, Vault(KEY))

    async def insert(own: Database) -> int | None:
        async with own.begin() as session:
            return await insert_once(session, Outbox, key="a", kind="text", created_at=NOON)

    made = await asyncio.gather(*(insert(own) for own in (db, neighbour) for _ in range(10)))
    await neighbour.close()
    assert len([number for number in made if number is not None]) == 1


# What the database itself refuses


CASES: dict[str, tuple[Level, dict[str, object], bool]] = {
    "red, open, nothing will happen": (Level.RED, {"due_at": None}, False),
    "red, taken, nothing will happen": (Level.RED, {"due_at": None, "state": State.ACKNOWLEDGED}, False),
    "red, contacted, nothing will happen": (Level.RED, {"due_at": None, "state": State.CONTACTED}, False),
    "red with a next action": (Level.RED, {"due_at": NOON}, True),
    "red and resolved": (Level.RED, {"due_at": None, "state": State.RESOLVED, "outcome": Outcome.MET}, True),
    "red, resolved without saying how": (Level.RED, {"due_at": None, "state": State.RESOLVED}, False),
    "orange, nothing will happen": (Level.ORANGE, {"due_at": None}, False),
    "orange, resolved without saying how": (Level.ORANGE, {"due_at": None, "state": State.RESOLVED}, False),
}


async def test_the_database_refuses_a_red_case_that_nobody_will_look_at(db: Database) -> None:
    member = await xiaohe(db)

    async def accepts(level: Level, values: dict[str, object]) -> bool:
        async with db.begin() as session:
            session.add(case_of(member, level, **values))
            try:
                await session.flush()
            except IntegrityError as refused:
                return "ck_cases_" not in str(refused)
            finally:
                await session.rollback()
        return True

    accepted = {name: await accepts(level, values) for name, (level, values, _accepted) in CASES.items()}
    assert accepted == {name: accepted for name, (_level, _values, accepted) in CASES.items()}


async def test_a_red_case_cannot_lose_its_next_action_afterwards(db: Database) -> None:
    case = case_of(await xiaohe(db))
    await add(db, case)
    with pytest.raises(IntegrityError, match="ck_cases_open_has_next_action"):
        async with db.begin() as session:
            await session.execute(update(CaseRow).values(due_at=None))


async def test_one_person_has_one_open_case(db: Database) -> None:
    member = await xiaohe(db)
    await add(db, case_of(member, code="A-0001", state=State.RESOLVED, outcome=Outcome.MET, due_at=None))
    await add(db, case_of(member, code="A-0002"))
    with pytest.raises(IntegrityError):
        await add(db, case_of(member, code="A-0003"))


async def test_a_row_that_points_to_nobody_is_refused(db: Database) -> None:
    with pytest.raises(IntegrityError):
        await add(db, letter(person_id=4711))


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OperationalError("INSERT", {}, sqlite3.OperationalError("disk I/O error")), True),
        (sqlite3.OperationalError("database is locked"), True),
        (ConnectionRefusedError(), True),
        (IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE")), False),
        (ValueError("wrong"), False),
        (LookupError("no person"), False),
    ],
    ids=["the disk", "locked", "no server", "a row that is there", "a wrong value", "somebody unknown"],
)
def test_trouble_with_the_database_is_told_from_a_wrong_row(error: Exception, trouble: bool) -> None:
    assert is_database_trouble(error) is trouble


async def test_sqlite_is_opened_so_that_a_power_cut_loses_nothing_that_was_answered(file: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{file}", Vault(KEY))
    async with db.begin() as session:
        found = {
            name: await session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    await db.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
