"""A worker that is a process of its own, on PostgreSQL, is killed; the web process beside it notices and goes on."""

import asyncio
from pathlib import Path

import httpx
import pytest

from app.clock import Clock
from app.main import WEB_BELLS, Tongxing
from app.settings import GivenSettings, Settings
from app.watch import service as watching
from app.watch.models import Role
from bot.mail.post import RecordedPost
from bot.worlds import Worlds
from tests import watch_worker
from tests.line import nobody_listens
from tests.processes import PATIENCE, Child

OPERATOR = {"operator_mail": "ops@example.org", "mail_host": "mail.example.org", "mail_from": "house@example.org"}


@pytest.fixture
def settings_of_both(settings: Settings, postgres_db: str) -> Settings:
    nowhere = {"database_url": postgres_db, "wechat_api_base": nobody_listens()}
    return GivenSettings.model_validate({**settings.model_dump(), **OPERATOR, **nowhere})


async def beats_of(house: Tongxing, role: Role) -> list[str]:
    async with house.db.read() as session:
        return [beat.name for beat in await watching.beats(session) if beat.role is role]


async def until_beats(house: Tongxing, n: int) -> list[str]:
    """Until so many workers have a row; their names."""
    async with asyncio.timeout(PATIENCE):
        found = await beats_of(house, Role.WORKER)
        while len(found) != n:
            await asyncio.sleep(0.02)
            found = await beats_of(house, Role.WORKER)
    return found


@pytest.mark.postgres
async def test_a_worker_that_is_killed_is_missed_and_one_that_is_stopped_leaves(
    settings_of_both: Settings, tmp_path: Path
) -> None:
    mail, nowhere = RecordedPost(), httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    clock = Clock()
    house = Tongxing.build(settings_of_both, clock, Worlds(nowhere, nowhere, nowhere, post=mail))

    async def a_minute_and_ten_seconds() -> None:
        for _ in range(7):
            clock.forward(seconds=10)  # ours; the worker's own stands where it is
            await house.heart.beat()
            await house.watch.round()

    async with house.running(bells=WEB_BELLS, roles=(Role.WEB,)):
        worker = Child(watch_worker.work, settings_of_both, tmp_path / "1.log")
        [name] = await until_beats(house, 1)
        await house.watch.round()
        worker.kill()
        await a_minute_and_ten_seconds()
        assert ["worker）一分钟没有动静" in one.text for one in mail.sent] == [True]
        assert await beats_of(house, Role.WORKER) == [name]

        worker = Child(watch_worker.work, settings_of_both, tmp_path / "2.log")
        await until_beats(house, 2)
        await house.watch.round()
        assert ["worker）又有动静了" in one.text for one in mail.sent] == [False, True]
        assert worker.stop() == 0
        assert await beats_of(house, Role.WORKER) == [name]
    assert await the_web_process_has_left(settings_of_both)


async def the_web_process_has_left(settings: Settings) -> bool:
    house = Tongxing.build(settings, Clock())
    try:
        return await beats_of(house, Role.WEB) == []
    finally:
        await house.worlds.close()
        await house.db.close()
