"""One access token for every process of the house."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import Clock
from app.db import Database
from app.vault import Vault
from bot.channels.token_store import DatabaseTokenStore
from bot.wechat import AccessToken
from tests.conftest import MONDAY

KEY = "a key that only tests use"


@pytest.fixture
async def db(tmp_path: Path, migrated_file: Path) -> AsyncIterator[Database]:
    shutil.copy(migrated_file, tmp_path / "house.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'house.db'}", Vault(KEY))
    yield database
    await database.close()


async def test_while_one_process_asks_for_the_first_token_the_others_wait_for_it(db: Database) -> None:
    clock = Clock(frozen_at=MONDAY)
    one, other = (DatabaseTokenStore(db, "account", clock) for _ in range(2))
    token = AccessToken("the first", clock.now() + timedelta(hours=2))
    asked, answer = asyncio.Event(), asyncio.Event()

    async def fetch() -> AccessToken:
        asked.set()
        await answer.wait()
        return token

    async def fetch_twice() -> AccessToken:
        raise AssertionError("it is being fetched already")

    renewing = asyncio.create_task(one.refresh(None, fetch))
    await asked.wait()
    assert await other.get() is None
    waiting = asyncio.create_task(other.refresh(None, fetch_twice))
    for _ in range(3):
        await DatabaseTokenStore(db, "account", clock).get()  # so that the other one has had time to look
    assert not waiting.done()
    answer.set()
    assert await asyncio.gather(renewing, waiting) == [token, token]
