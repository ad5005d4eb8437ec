"""Several ask for a drill of one house at the same moment: one begins, the others are told that it runs."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.calendar import Quiet
from app.db import Database
from app.escalations import drills
from app.escalations.drills import DrillRefused
from app.escalations.models import CaseRow
from app.people.models import House, Person, Programme, Role
from app.vault import Vault

TEN = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Ningbo
QUIET = Quiet(time(21, 30), time(8, 30))
AT_ONCE = 8


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_db")
        return address
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "house.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'house.db'}"


@pytest.fixture
async def processes(url: str) -> AsyncIterator[list[Database]]:
    """Two, as far as the database can tell, and in it a house with a supervisor whom no way leads to."""
    both = [Database(url, Vault("a key that only tests use")) for _ in range(2)]
    async with both[0].begin() as session:
        programme = Programme(code="duantang", name="段塘")
        session.add(programme)
        await session.flush()
        house = House(programme_id=programme.id or 0, code="duantang", name="段塘", phone="000")
        session.add(house)
        await session.flush()
        of_house = {"programme_id": programme.id, "house_id": house.id}
        session.add(Person(**of_house, code="zhoumin", role=Role.SUPERVISOR, name="周敏"))
    yield both
    for database in both:
        await database.close()


async def ask(database: Database) -> str:
    """What somebody who asks for a drill is told."""
    try:
        async with database.begin() as session:
            row = await drills.begin(session, await session.get_one(House, 1), TEN, QUIET)
            return row.code
    except DrillRefused as refused:
        return refused.why
    except IntegrityError:
        return "a fault"


async def everybody_asks(processes: list[Database]) -> list[str]:
    return list(await asyncio.gather(*[ask(processes[n % 2]) for n in range(AT_ONCE)]))


async def codes(processes: list[Database]) -> list[str]:
    async with processes[0].read() as session:
        return [row.code for row in await session.scalars(select(CaseRow))]


async def test_one_begins_and_the_others_are_told_so(processes: list[Database]) -> None:
    told = await everybody_asks(processes)
    [code] = await codes(processes)
    assert sorted(told) == sorted([code, *["running"] * (AT_ONCE - 1)])


async def test_without_looking_first_they_would_run_into_each_other(
    processes: list[Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the database refuses a second one all the same, but nobody gets an answer."""

    async def nobody_looks(_session: AsyncSession, _house: House) -> None:
        return None

    monkeypatch.setattr(drills, "running", nobody_looks)
    told = await everybody_asks(processes)
    assert told.count("a fault") == AT_ONCE - 1
    assert len(await codes(processes)) == 1
