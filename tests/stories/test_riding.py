"""What waits for somebody and is short goes along with an answer to them: it costs nothing and arrives for certain."""

from datetime import timedelta

import pytest

from app.messages.models import Outbox, OutboxState
from bot.simulator import Phone
from tests.conftest import MONDAY, Story
from tests.test_delivery import OFF, WORDS, row_of, tell, tries_of


@pytest.fixture
async def member(story: Story) -> Phone:
    """小河 has joined and answered the invitation. It is half past nine in the evening, and nobody is disturbed."""
    phone = await story.joined()
    await phone.hears("手工课", "想来吗")
    await phone.says("1")
    await phone.hears("给您留位了")
    await story.until(21, 40)
    return phone


async def held(story: Story, phone: Phone, kind: str = "called_off", **how: object) -> Outbox:
    """Something for this person that waits for the morning."""
    key = await tell(story, phone, kind=kind, **how)
    await story.clock.settle()
    row = await row_of(story, key)
    assert (row.state, row.reason) == (OutboxState.HELD, "quiet")
    return row


async def test_who_writes_at_night_reads_what_would_have_waited_for_the_morning(story: Story, member: Phone) -> None:
    row = await held(story, member)
    await member.says("谢谢")
    await member.hears("不客气", OFF)
    row = await row_of(story, row.key)
    assert (row.state, row.sending_by) == (OutboxState.SENT, "passive")
    assert await tries_of(story, row.key) == [("passive", "sent", None)]
    await story.until(12, days=1)
    await member.hears_not(OFF)


async def test_a_question_stays_the_last_thing_that_is_said(story: Story, member: Phone) -> None:
    await held(story, member)
    await member.says("改")
    answer = await member.hears(OFF, "改成：1 能来")
    assert answer.index(OFF) < answer.index("改成：1 能来")


async def test_nothing_stands_beside_words_to_somebody_in_danger(story: Story, member: Phone) -> None:
    await held(story, member)
    await member.says(WORDS)
    answer = await member.hears("您不用一个人扛着")
    assert OFF not in answer
    await member.says("谢谢")
    assert OFF not in await member.hears("安全")
    await story.until(8, 31, days=1)
    await member.hears(OFF)


async def test_what_asks_something_does_not_ride(story: Story, member: Phone) -> None:
    row = await held(story, member, kind="moved", params={"start": MONDAY.isoformat(), "venue": "旧地方"})
    await member.says("谢谢")
    assert "改时间了" not in await member.hears("不客气")
    assert (await row_of(story, row.key)).state is OutboxState.HELD


async def test_what_was_stopped_does_not_ride(story: Story, member: Phone) -> None:
    await held(story, member)
    await member.says("退订")
    assert OFF not in await member.hears("以后不再发提醒了")


async def test_what_is_too_late_does_not_ride(story: Story, member: Phone) -> None:
    key = await tell(story, member, max_lateness=timedelta(hours=12))
    await story.clock.settle()
    story.house.clock.forward(hours=12, minutes=1)
    await story.platform.message(member.openid, "谢谢")
    await member.hears("不客气")
    await member.hears_not(OFF)
    assert (await row_of(story, key)).state is not OutboxState.SENT


async def test_a_delivery_that_comes_again_says_it_again_and_sends_it_once(story: Story, member: Phone) -> None:
    row = await held(story, member)
    delivery = await story.platform.message(member.openid, "谢谢", deliveries=3)
    assert all(reply is not None and OFF in reply for reply in delivery.replies)
    assert await tries_of(story, row.key) == [("passive", "sent", None)]
