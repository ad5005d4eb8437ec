"""Two halves of one danger reach two processes in the same second: whichever is handled second reads both.

Each process holds the row of the contact from its first statement on, so the second one begins to look when the
first has committed. Which half was written first nobody can know then, and it is read both ways.
"""

import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from app.clock import Clock
from app.db import Database
from app.escalations.models import Flag
from app.escalations.states import Level
from app.messages.models import Inbox
from app.settings import Settings
from bot.links import Links
from bot.reception import Reception
from bot.wechat import Text
from tests.conftest import MONDAY, open_story

ROUNDS = 20


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_db")
        return address
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "house.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'house.db'}"


async def hears(db: Database, reception: Reception, openid: str, text: str) -> None:
    heard = Text(openid=openid, account="gh_box", sent_at=MONDAY, key=f"m:{text}", content=text)
    async with db.begin() as session:
        await reception.receive(session, heard, MONDAY)


async def test_two_processes_read_the_halves_together_once(settings: Settings, url: str) -> None:
    settings = settings.model_copy(update={"database_url": url})
    async with open_story(settings, Clock(frozen_at=MONDAY)) as story:
        one, other = story.house.db, Database(url, story.house.db.vault)
        reception = Reception.of(settings, Links(settings.public_url, one.vault))
        for n in range(ROUNDS):
            halves = [(one, "我今晚就去"), (other, "跳河")][:: (-1) ** n]
            await asyncio.gather(*(hears(db, reception, f"o_half_{n}", text) for db, text in halves))
        await other.close()
        async with one.read() as session:
            red = [flag for flag in await session.scalars(select(Flag)) if flag.level is Level.RED]
            texts = [row for row in await session.scalars(select(Inbox)) if row.openid.startswith("o_half")]
    assert len(texts) == 2 * ROUNDS
    assert len({flag.person_id for flag in red}) == len(red) == ROUNDS
    assert {flag.weighed for flag in red} == {"before"}
