"""Workers that are killed in the middle of their work: nothing is lost, and only what was under way is repeated."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

import app.tables  # noqa: F401
from app.db import Database
from app.messages.models import Outbox
from app.migrations import sync_url
from app.vault import Vault
from tests import due_worker
from tests.due_worker import BATCH, KEY
from tests.processes import Child, wait_until

LETTERS = 200
LEASE = timedelta(seconds=1.5)


class Worker(Child):
    """A process that sends letters; what it sent stands in its file, whatever becomes of it."""

    def __init__(self, url: str, file: Path) -> None:
        super().__init__(due_worker.work, url, file, LEASE)
        self._file = file

    def sent(self) -> list[int]:
        return [int(line) for line in self._file.read_text().split()] if self._file.exists() else []


def put_letters(url: str) -> set[int]:
    async def put() -> set[int]:
        db, now = Database(url, Vault(KEY)), datetime.now(UTC)
        letters = [
            Outbox(key=f"n{n}", kind="text", created_at=now, due_at=now - timedelta(seconds=1)) for n in range(LETTERS)
        ]
        async with db.begin() as session:
            session.add_all(letters)
        await db.close()
        return {letter.id for letter in letters if letter.id is not None}

    return asyncio.run(put())


def numbers(engine: Engine, where: str) -> set[int]:
    with engine.connect() as connection:
        return set(connection.scalars(text(f"SELECT id FROM outbox WHERE {where}")))


def kill_and_start_again(url: str, folder: Path, *, workers: int, kills: int) -> tuple[list[int], int]:
    """Kill each worker in turn as soon as it is at work, and start another: all that was sent, and how much of
    it was under way (sent, not yet finished) when its worker was killed."""
    everything = put_letters(url)
    engine = create_engine(sync_url(url))
    names = iter(range(1000))
    crew = [Worker(url, folder / f"sent-{next(names)}") for _ in range(workers)]
    buried: list[Worker] = []
    under_way = 0
    try:
        for turn in range(kills):
            victim = crew.pop(0)
            wait_until(lambda victim=victim, turn=turn: len(victim.sent()) > (turn + 1) * BATCH / 2)  # type: ignore[misc]
            victim.kill()
            buried.append(victim)
            under_way += len(set(victim.sent()) & numbers(engine, "due_at IS NOT NULL"))
            crew.append(Worker(url, folder / f"sent-{next(names)}"))
        assert numbers(engine, "due_at IS NOT NULL"), "the kills came when everything was done already"
        wait_until(lambda: not numbers(engine, "due_at IS NOT NULL"))
        assert all(worker.is_alive() for worker in crew)
    finally:
        for worker in crew:
            worker.kill()
        engine.dispose()
    sent = [number for worker in (*buried, *crew) for number in worker.sent()]
    assert set(sent) == everything, "a letter was lost"
    return sent, under_way


def test_a_worker_that_is_killed_again_and_again_loses_nothing_on_sqlite(tmp_path: Path, migrated_file: Path) -> None:
    shutil.copy(migrated_file, tmp_path / "crash.db")
    sent, under_way = kill_and_start_again(
        f"sqlite+aiosqlite:///{tmp_path / 'crash.db'}", tmp_path, workers=1, kills=4
    )  # fmt: skip
    assert under_way > 0, "no kill fell between sending and finishing"
    assert len(sent) - len(set(sent)) <= under_way


@pytest.mark.postgres
def test_two_workers_that_are_killed_in_turn_lose_nothing_on_postgres(tmp_path: Path, postgres_db: str) -> None:
    sent, under_way = kill_and_start_again(postgres_db, tmp_path, workers=2, kills=4)
    assert under_way > 0, "no kill fell between sending and finishing"
    assert len(sent) - len(set(sent)) <= under_way
