"""A story that goes on from what was played before is the same story as one that is played from the start."""

import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from sqlalchemy import func, select
from sqlmodel import SQLModel

from app.clock import Clock
from app.people.models import Person
from app.settings import Settings
from tests.conftest import MONDAY, Story, open_story

WORDS = "不想活了，药都攒好了"


@pytest.fixture
async def played(settings: Settings, migrated_file: Path) -> AsyncIterator[Story]:
    """The same Monday in another house, of which nothing was played before."""
    folder = settings.data_dir / "played"
    folder.mkdir()
    shutil.copy(migrated_file, folder / "tongxing.db")
    there = {"data_dir": folder, "database_url": f"sqlite+aiosqlite:///{folder / 'tongxing.db'}"}
    async with open_story(settings.model_copy(update=there), Clock(frozen_at=MONDAY)) as opened:
        yield opened


async def all_of(story: Story) -> dict[str, object]:
    """How many rows each table has, what the platform remembers, and all chats but for links and secret digits."""
    box = story.platform
    async with story.house.db.read() as session:
        found: dict[str, object] = {
            table.name: await session.scalar(select(func.count()).select_from(table))
            for table in SQLModel.metadata.sorted_tables
        }
    found["calls"] = [(call.at, call.direction, call.what, call.who, call.ok) for call in box.calls]
    found["counted"] = (box._counter, box._used, len(box.sent_ids), len(box.qr_codes))
    for openid, user in sorted(box.users.items()):
        phone = await story.phone(user.name)
        await phone._refresh()
        chat = re.sub(r"http\S+|\d{4}", "…", phone.transcript())
        found[openid] = (user.name, user.role, user.following, user.followed_at, user.windows, chat)
    return found


async def test_it_begins_the_same(story: Story, played: Story) -> None:
    assert await all_of(story) == await all_of(played)


async def test_it_goes_on_the_same(story: Story, played: Story) -> None:
    for one in (story, played):
        worker, member = await one.phone("王乐"), await one.joined()
        await worker.hears_nothing()
        await member.hears("手工课", "想来吗")
        await member.says("1")
        await one.joined("阿珠")
        await one.wednesday(20)
        await member.says(WORDS)
        await worker.sees_card("待办提醒")
        await worker.says("接")
        await one.clock.forward(minutes=40)
    assert await all_of(story) == await all_of(played)


def by_hand(story: Story) -> None:
    story.platform.limits.message_count = 2


def another_hour(story: Story) -> None:
    story.house.clock.forward(hours=1)


async def in_the_database(story: Story) -> None:
    async with story.house.db.begin() as session:
        for person in await session.scalars(select(Person)):
            person.phone = "0574-00000000"


async def somebody_else(story: Story) -> None:
    await (await story.phone("路人")).follows()


async def on_their_own_phone(story: Story) -> None:
    await story.phone("小河", "同伴")


@pytest.fixture
def playing(story: Story, monkeypatch: pytest.MonkeyPatch) -> AsyncMock:
    """What plays the joining; here it is only noticed."""
    playing = AsyncMock()
    monkeypatch.setattr(story, "plays_joining", playing)
    return playing


@pytest.mark.parametrize("before", [by_hand, another_hour, in_the_database, somebody_else, on_their_own_phone])
async def test_what_a_test_did_before_stays_done_and_joining_is_played(
    story: Story, playing: AsyncMock, before: Callable[[Story], Awaitable[None] | None]
) -> None:
    done = before(story)
    if done is not None:
        await done
    await story.joined()
    playing.assert_awaited_once_with("小河", mood=True, called=None)


@pytest.mark.parametrize(
    "how",
    [{"name": "阿珠"}, {"mood": False}, {"called": "河河"}],
    ids=["somebody else", "without mood", "called otherwise"],
)
async def test_whoever_joins_in_another_way_is_played(story: Story, playing: AsyncMock, how: dict[str, Any]) -> None:
    await story.joined(**how)
    usual = {"name": "小河", "mood": True, "called": None}
    who = {**usual, **how}
    playing.assert_awaited_once_with(who.pop("name"), **who)


async def test_a_phone_that_was_only_fetched_is_kept(story: Story, playing: AsyncMock) -> None:
    mother = await story.phone("小河妈妈", "家属")
    member = await story.joined()
    await member.hears("手工课", "想来吗")
    assert story.platform.users[mother.openid].role == "家属"
    await mother.hears_nothing()
    playing.assert_not_awaited()
