"""While the database is away nothing is lost: danger hears the hotline, every word waits on disk, sealed."""

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.machine import Answer
from app.activities.models import Rsvp
from app.clock import Clock
from app.db import Database
from app.escalations.models import CaseRow, Flag
from app.messages.models import Inbox
from app.tasks.models import Task
from app.vault import Vault
from bot.reception import Reception
from bot.spool import Spool
from bot.wechat import Text
from tests.conftest import MONDAY, Story, open_story

WORDS = "不想活了，药都攒好了"
KIND = "收到了。我这边有点慢，稍后回您"
HOTLINE = "这里现在没有人看着。请先打 12356"


@contextmanager
def database_away() -> Iterator[None]:
    """Nothing can be read or written, in any house of this process."""

    @asynccontextmanager
    async def away(_db: Database) -> AsyncIterator[AsyncSession]:
        raise OperationalError("BEGIN IMMEDIATE", {}, Exception("unable to open database file"))
        yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "begin", away)
        patch.setattr(Database, "read", away)
        yield


def waiting(story: Story) -> list[Path]:
    folder = story.settings.data_dir / "spool"
    return sorted(folder.iterdir()) if folder.exists() else []


async def count(story: Story, what: Any) -> int:
    async with story.house.db.read() as session:
        return await session.scalar(select(func.count()).select_from(what)) or 0


# Away


async def test_danger_hears_the_hotline_although_nothing_can_be_stored(story: Story) -> None:
    member = await story.joined()
    with database_away():
        delivery = await story.platform.message(member.openid, WORDS)
    assert delivery.error is None
    assert HOTLINE in (delivery.reply_text or "")
    assert "我已经请" not in (delivery.reply_text or "")


async def test_everybody_else_hears_a_kind_word_with_the_numbers_to_call(story: Story) -> None:
    member = await story.joined()
    with database_away():
        delivery = await story.platform.message(member.openid, "1")
    assert KIND in (delivery.reply_text or "")
    assert "12356" in (delivery.reply_text or "")


async def test_what_is_no_text_is_kept_without_a_word(story: Story) -> None:
    with database_away():
        for delivery in (
            await story.platform.follow("o_路人"),
            await story.platform.unreadable("o_路人", "voice"),
            await story.platform.unfollow("o_路人"),
        ):
            assert (delivery.error, delivery.reply_text) == (None, None)
    assert len(waiting(story)) == 3
    assert await story.house.door.take_in_spool() == 3
    async with story.house.db.read() as session:
        assert set(await session.scalars(select(Inbox.kind))) == {"followed", "unreadable", "unfollowed"}
    assert waiting(story) == []


async def test_on_disk_nobody_can_read_who_wrote_or_what(story: Story) -> None:
    member = await story.joined()
    with database_away():
        await story.platform.message(member.openid, WORDS)
    [file] = waiting(story)
    raw = file.read_bytes()
    for secret in (WORDS, "不想活", member.openid, "小河", "xml", "Content"):
        assert secret.encode() not in raw
    assert not any(secret in file.name for secret in (WORDS, member.openid))


async def test_even_a_full_disk_shows_nobody_a_broken_service(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "put", full)
    with database_away():
        danger = await story.platform.message("o_路人", WORDS)
        other = await story.platform.message("o_路人", "你好")
    assert HOTLINE in (danger.reply_text or "")
    assert "这句话没有收好，请过几分钟再发一次" in (other.reply_text or "")
    assert "12356" in (other.reply_text or "")


async def test_a_database_that_another_program_holds_is_away_too(story: Story) -> None:
    member = await story.joined()
    await story.house.db.engine.dispose()

    @event.listens_for(story.house.db.engine.sync_engine, "connect")
    def be_impatient(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=20")

    holder = sqlite3.connect(story.settings.data_dir / "tongxing.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    delivery = await story.platform.message(member.openid, WORDS)
    holder.execute("ROLLBACK")
    holder.close()
    assert HOTLINE in (delivery.reply_text or "")
    await story.clock.settle()
    assert await count(story, CaseRow) == 1


# Back


async def test_when_it_is_back_the_alert_goes_out_and_the_answer_follows_once(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.hears("手工课")
    with database_away():
        await story.platform.message(member.openid, WORDS)
    assert await count(story, CaseRow) == 0
    assert await story.house.door.take_in_spool() == 1
    assert await story.house.door.take_in_spool() == 0
    await story.clock.settle()
    await worker.sees_card("待办提醒")
    await worker.hears_nothing()
    await member.hears(HOTLINE)
    await member.hears("我已经请王乐来联系您", "您现在安全吗")
    await member.hears_nothing()
    assert waiting(story) == []
    await member.says("1")
    await member.hears("王乐看到后会联系您")


async def test_the_bell_takes_in_what_is_kept(story: Story) -> None:
    member = await story.joined()
    with database_away():
        await story.platform.message(member.openid, "1")
    await story.house.tower.bells["spool"].drain()
    async with story.house.db.read() as session:
        assert await session.scalar(select(Rsvp.answer)) is Answer.GOING


async def test_what_wechat_delivers_three_times_in_vain_is_one_message(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.hears("手工课")
    with database_away():
        delivery = await story.platform.message(member.openid, WORDS, deliveries=3)
    assert len(delivery.replies) == 3
    assert len(waiting(story)) == 3
    await story.clock.settle()
    await member.hears(HOTLINE)
    await member.hears("我已经请王乐来联系您")
    await member.hears_nothing()
    await worker.sees_card("待办提醒")
    await worker.hears_nothing()
    assert await count(story, Flag) == 1


async def test_what_wechat_delivers_again_when_it_is_back_is_answered_once(story: Story) -> None:
    member = await story.joined()
    await member.hears("手工课")
    one = {"MsgType": "text", "Content": "1", "MsgId": 77}
    with database_away():
        await story.platform.send_callback(member.openid, one)
    again = await story.platform.send_callback(member.openid, one)
    assert "给您留位了" in (again.reply_text or "")
    await story.clock.settle()
    await member.hears(KIND)
    await member.hears("给您留位了")
    await member.hears_nothing()


async def test_people_are_heard_in_the_order_they_wrote(story: Story) -> None:
    member = await story.joined()
    with database_away():
        for words in ("1", "改", "2"):
            await story.platform.message(member.openid, words)
            story.house.clock.forward(seconds=1)
    await story.clock.settle()
    async with story.house.db.read() as session:
        assert await session.scalar(select(Rsvp.answer)) is Answer.NOT_GOING


async def test_it_survives_the_end_of_the_process(story: Story) -> None:
    member = await story.joined()
    with database_away():
        await story.platform.message(member.openid, WORDS)
    later = Clock(frozen_at=MONDAY.replace(hour=10))
    async with open_story(story.settings, later) as after:
        assert await count(after, CaseRow) == 1
        await (await after.phone("王乐")).sees_card("待办提醒")


async def test_if_it_goes_away_again_the_rest_stays_where_it_is(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    with database_away():
        for words in ("1", "2", "3"):
            await story.platform.message("o_路人", words)
            story.house.clock.forward(seconds=1)
    receive = Reception.receive

    async def away_at_2(self: Reception, session: AsyncSession, heard: Text, *args: Any, **how: Any) -> str | None:
        if heard.content == "2":
            raise OperationalError("INSERT", {}, Exception("disk I/O error"))
        return await receive(self, session, heard, *args, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Reception, "receive", away_at_2)
        assert await story.house.door.take_in_spool() == 1
    assert len(waiting(story)) == 2
    assert await story.house.door.take_in_spool() == 2


# Odd files


async def test_a_file_sealed_with_another_key_stays_and_does_not_hold_up_the_others(story: Story) -> None:
    foreign = Spool(story.settings.data_dir / "spool", Vault("quite another key, from before"))
    left = await foreign.put(b"<xml>alt</xml>", MONDAY)
    with database_away():
        await story.platform.message("o_路人", "你好")
    assert await story.house.door.take_in_spool() == 1
    assert waiting(story) == [left]


async def test_a_draft_that_a_power_cut_left_is_not_taken_for_a_delivery(story: Story) -> None:
    folder = story.settings.data_dir / "spool"
    folder.mkdir()
    (folder / ".00001-half").write_bytes(os.urandom(40))
    assert await story.house.door.take_in_spool() == 0
    assert len(waiting(story)) == 1


async def test_a_delivery_that_cannot_be_handled_is_set_aside_and_put_before_a_person(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database_away():
        for words in ("1", "坏", "3"):
            await story.platform.message("o_路人", words)
            story.house.clock.forward(seconds=1)
    receive = Reception.receive

    async def breaks(self: Reception, session: AsyncSession, heard: Text, *args: Any, **how: Any) -> str | None:
        if heard.content == "坏":
            raise LookupError("nobody foresaw this")
        return await receive(self, session, heard, *args, **how)

    monkeypatch.setattr(Reception, "receive", breaks)
    assert await story.house.door.take_in_spool() == 3
    assert [file.suffix for file in waiting(story)] == [".broken"]
    assert await story.house.door.take_in_spool() == 0
    async with story.house.db.read() as session:
        assert [task.note for task in await session.scalars(select(Task))] == ["坏"]


async def test_what_another_process_took_in_meanwhile_is_passed_over(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database_away():
        await story.platform.message("o_路人", "你好")
    listed = waiting(story)
    assert await story.house.door.take_in_spool() == 1
    monkeypatch.setattr(Spool, "waiting", lambda _self: listed)
    assert await story.house.door.take_in_spool() == 0
