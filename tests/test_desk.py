"""The desk behind the door: deliveries share a commit, a bad one refuses only itself, a slow one is made up for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.machine import Answer
from app.activities.models import Rsvp
from app.escalations.models import CaseRow
from app.messages.models import Inbox
from bot import desk
from bot.reception import Reception
from bot.simulator import Delivery
from bot.waiting import Slip, WaitingLine
from bot.wechat import Inbound, Text
from tests.conftest import MONDAY, Story

WORDS = "不想活了，药都攒好了"
KIND = "收到了。我这边有点慢，稍后回您"
HOTLINE = "这里现在没有人看着。请先打 12356"

Receive = Callable[..., Any]


def around_receiving(monkeypatch: pytest.MonkeyPatch, before: Callable[[Inbound], Any]) -> None:
    """Let `before` see each delivery inside its unit of work, before it is handled."""
    receive: Receive = Reception.receive

    async def watched(
        self: Reception, session: AsyncSession, heard: Inbound, now: datetime, *, late: bool = False
    ) -> str | None:
        await before(heard)
        return await receive(self, session, heard, now, late=late)

    monkeypatch.setattr(Reception, "receive", watched)


async def kept(story: Story) -> list[str | None]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(Inbox.content).order_by(Inbox.id)))


async def spooled(story: Story) -> list[str]:
    folder = story.settings.data_dir / "spool"
    return sorted(file.suffix for file in folder.iterdir()) if folder.exists() else []


def says(story: Story, words: str, person: str | None = None) -> "asyncio.Task[Delivery]":
    return asyncio.ensure_future(story.platform.message(person or f"o_{words}", words))


# One of many


async def test_one_that_breaks_takes_none_of_its_neighbours_with_it(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_on_7(heard: Inbound) -> None:
        if isinstance(heard, Text) and heard.content == "7":
            raise LookupError("nobody foresaw this")

    with monkeypatch.context() as patch:
        around_receiving(patch, break_on_7)
        answers = await asyncio.gather(*(says(story, str(n)) for n in range(20)))
    assert [KIND in (answer.reply_text or "") for answer in answers] == [n == 7 for n in range(20)]
    assert await kept(story) == [str(n) for n in range(20) if n != 7]
    assert await spooled(story) == [".sealed"]
    await story.clock.settle()
    assert (await kept(story))[-1] == "7"
    assert await spooled(story) == []


async def test_when_the_shared_commit_fails_each_is_handled_by_itself(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, commits = story.house.db.begin, 0

    @asynccontextmanager
    async def refuses_shared_commits() -> AsyncIterator[AsyncSession]:
        nonlocal commits
        async with begin() as session:
            before = await session.scalar(select(func.count()).select_from(Inbox)) or 0
            yield session
            written = (await session.scalar(select(func.count()).select_from(Inbox)) or 0) - before
            if written > 1:
                raise IntegrityError("COMMIT", {}, Exception("one of them"))
            commits += 1

    monkeypatch.setattr(story.house.db, "begin", refuses_shared_commits)
    answers = await asyncio.gather(*(says(story, str(n)) for n in range(10)))
    assert all(answer.error is None and KIND not in (answer.reply_text or "") for answer in answers)
    assert await kept(story) == [str(n) for n in range(10)]
    assert commits == 10
    assert await spooled(story) == []


async def test_while_the_database_is_away_nobody_waits_for_it_in_a_queue(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0

    @asynccontextmanager
    async def away() -> AsyncIterator[AsyncSession]:
        nonlocal tried
        tried += 1
        raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))
        yield

    monkeypatch.setattr(story.house.db, "begin", away)
    answers = await asyncio.gather(*(says(story, str(n)) for n in range(30)))
    assert all(KIND in (answer.reply_text or "") for answer in answers)
    assert tried <= 6
    assert len(await spooled(story)) == 30


async def test_more_than_one_transaction_full_is_handled_in_several(story: Story) -> None:
    answers = await asyncio.gather(*(says(story, str(n)) for n in range(150)))
    assert all(answer.error is None for answer in answers)
    await story.house.desk._slips.join()
    assert sorted(await kept(story), key=lambda words: int(words or 0)) == [str(n) for n in range(150)]


@pytest.mark.parametrize(
    ("shared_for", "all_of_them"),
    [(desk.SHARED_FOR, False), (3600.0, True)],
    ids=["a few are committed first", "control: without a limit an alert waits for all of them"],
)
async def test_who_sends_alerts_does_not_wait_for_a_whole_crowd_at_the_door(
    story: Story, monkeypatch: pytest.MonkeyPatch, shared_for: float, all_of_them: bool
) -> None:
    monkeypatch.setattr(desk, "SHARED_FOR", shared_for)
    under_way, heard = asyncio.Event(), 0

    async def slow(_heard: Inbound) -> None:
        nonlocal heard
        heard += 1
        if heard == 3:
            under_way.set()
        await asyncio.sleep(0.03)

    around_receiving(monkeypatch, slow)
    crowd = [says(story, str(n)) for n in range(30)]
    await under_way.wait()
    async with story.house.db.begin() as session:
        before_us = await session.scalar(select(func.count()).select_from(Inbox))
    await asyncio.gather(*crowd)
    assert (before_us == 30) is all_of_them
    assert len(await kept(story)) == 30


async def test_who_is_in_danger_is_heard_before_a_crowd_and_so_is_what_they_wrote_before(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await story.joined()
    await member.hears("手工课")
    under_way = asyncio.Event()

    async def slow(_heard: Inbound) -> None:
        under_way.set()
        await asyncio.sleep(0.03)

    around_receiving(monkeypatch, slow)
    crowd = [says(story, str(n)) for n in range(20)]
    await under_way.wait()
    theirs = [says(story, words, member.openid) for words in ("在吗", "好的", WORDS)]
    crowd += [says(story, str(n)) for n in range(20, 30)]
    assert "我已经请王乐来联系您" in ((await theirs[-1]).reply_text or "")
    assert len(await kept(story)) < 20
    await asyncio.gather(*crowd, *theirs)
    said = [words for words in await kept(story) if words in ("在吗", "好的", WORDS)]
    assert said == ["在吗", "好的", WORDS]


def test_what_there_was_no_time_for_comes_next_but_never_after_later_words_of_the_same_person() -> None:
    loop = asyncio.new_event_loop()
    line = WaitingLine()

    def slip(who: str, words: str, *, first: bool = False) -> Slip:
        heard = Text(openid=who, account="gh", sent_at=MONDAY, key=words, content=words)
        return Slip(heard, loop.create_future(), first=first)

    in_hand = [slip("a", "a1"), slip("b", "b1"), slip("a", "a2")]
    for waiting in (slip("c", "c1"), slip("a", "a3"), slip("b", "b2"), slip("a", "a4!", first=True), slip("a", "a5")):
        line.put_nowait(waiting)
    line.put_back(in_hand)
    assert line.qsize() == 8
    order = [line.get_nowait().heard.key for _ in range(8)]
    assert order == ["a1", "a2", "a3", "a4!", "b1", "c1", "b2", "a5"]
    assert line.empty()
    loop.close()


async def test_closing_finishes_what_lies_on_the_desk(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Event()

    async def wait(_heard: Inbound) -> None:
        await gate.wait()

    around_receiving(monkeypatch, wait)
    waiting = [says(story, str(n)) for n in range(5)]
    await asyncio.sleep(0.05)
    closing = asyncio.ensure_future(story.house.desk.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    gate.set()
    await closing
    assert all(delivery.error is None for delivery in await asyncio.gather(*waiting))
    assert await kept(story) == ["0", "1", "2", "3", "4"]


# Slower than WeChat waits


class Gate:
    """Holds up whatever is delivered until it is opened; the door waits for a tenth of a second."""

    def __init__(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        self.event = asyncio.Event()
        monkeypatch.setattr(story.house.door, "_answer_within", 0.1)
        around_receiving(monkeypatch, self._wait)

    async def _wait(self, _heard: Inbound) -> None:
        await self.event.wait()

    def open(self) -> None:
        self.event.set()


async def test_danger_hears_the_hotline_at_once_and_the_real_answer_as_a_message_once(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.hears("手工课")
    gate = Gate(story, monkeypatch)
    delivery = await story.platform.message(member.openid, WORDS)
    assert HOTLINE in (delivery.reply_text or "")
    gate.open()
    await until_handled(story, WORDS)
    await story.clock.settle()
    await member.hears(HOTLINE)
    await member.hears("我已经请王乐来联系您")
    await member.hears_nothing()
    await worker.sees_card("待办提醒")
    await story.clock.forward(minutes=1)
    await member.hears_nothing()
    assert await spooled(story) == []


async def test_what_waits_behind_a_slow_one_is_made_up_for_too_and_in_its_order(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await story.joined()
    await member.hears("手工课")
    gate = Gate(story, monkeypatch)
    slow = says(story, "慢")
    await asyncio.sleep(0.02)
    behind = [says(story, words, member.openid) for words in ("1", "改", "2")]
    for delivery in await asyncio.gather(slow, *behind):
        assert KIND in (delivery.reply_text or "")
    gate.open()
    await until_handled(story, "2")
    await story.clock.settle()
    await member.hears("给您留位了")
    await member.hears("您现在是：周三手工课 · 能来")
    await member.hears("改好了：周三手工课 · 来不了")
    await member.hears_nothing()
    async with story.house.db.read() as session:
        assert await session.scalar(select(Rsvp.answer)) is Answer.NOT_GOING


async def test_an_answer_in_time_is_not_said_again(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    await member.hears("给您留位了")
    await member.hears_nothing()
    assert await spooled(story) == []


async def test_what_nobody_waits_for_any_more_lies_on_disk_until_it_is_handled(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(story, monkeypatch)
    await story.platform.message("o_路人", WORDS)
    assert await spooled(story) == [".sealed"]
    gate.open()
    await until_handled(story, WORDS)
    assert await spooled(story) == []
    async with story.house.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(CaseRow)) == 1


async def test_a_late_one_that_breaks_stays_on_disk_and_is_taken_in_later(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await story.joined()
    await member.hears("手工课")
    gate = asyncio.Event()

    async def breaks_late(_heard: Inbound) -> None:
        await gate.wait()
        raise OperationalError("INSERT", {}, Exception("disk I/O error"))

    with monkeypatch.context() as patch:
        around_receiving(patch, breaks_late)
        patch.setattr(story.house.door, "_answer_within", 0.1)
        await story.platform.message(member.openid, "1")
        gate.set()
        await asyncio.sleep(0.05)
    assert await spooled(story) == [".sealed"]
    await story.clock.settle()
    await member.hears(KIND)
    await member.hears("给您留位了")
    await member.hears_nothing()
    assert await spooled(story) == []


async def test_the_spool_may_be_taken_in_while_the_late_one_is_still_being_handled(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await story.joined()
    await member.hears("手工课")
    gate = Gate(story, monkeypatch)
    await story.platform.message(member.openid, "1")
    taking_in = asyncio.ensure_future(story.house.door.take_in_spool())
    await asyncio.sleep(0.02)
    gate.open()
    await taking_in
    await story.clock.settle()
    await member.hears(KIND)
    await member.hears("给您留位了")
    await member.hears_nothing()


async def until_handled(story: Story, words: str) -> None:
    """Wait (a moment of real time) until the desk is done with what was said."""
    for _ in range(100):
        if words in await kept(story):
            await story.house.desk._slips.join()
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never handled")
