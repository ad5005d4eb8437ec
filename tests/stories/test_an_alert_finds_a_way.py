"""An alert has no time to stand before a door that is shut: each of these once cost a minute, or the alert."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.clock import Clock
from app.db import ident
from app.messages import service as messages
from app.messages.models import Contact, Outbox, OutboxState
from app.settings import Settings
from bot.channels import lost
from bot.mail.post import RecordedPost
from bot.simulator import Phone
from bot.sms.recorded import RecordedSms
from tests.conftest import MONDAY, Story, open_story
from tests.stories.ways import every_way, here, outbox, reached_by, registered, ways_taken

WORDS = "不想活了，药都攒好了"


@pytest.fixture
async def story(settings: Settings) -> AsyncIterator[Story]:
    """Monday, 09:00. Every way is set up, and 王乐 is in WeCom."""
    ways: dict[str, Any] = {"sms": RecordedSms(), "post": RecordedPost()}
    async with open_story(every_way(settings), Clock(frozen_at=MONDAY), **ways) as opened:
        await reached_by(opened, "wangle", wecom="WangLe")
        yield opened


@pytest.fixture
async def member(story: Story) -> Phone:
    return await here(story)


async def first_alert(story: Story) -> list[Outbox]:
    wangle = ident(await registered(story, "wangle"))
    return [row for row in await outbox(story, "case_alert") if row.person_id == wangle][:1]


async def test_wecom_that_does_not_answer_is_asked_twice_and_then_a_card_goes_by_wechat(
    story: Story, member: Phone
) -> None:
    worker = await story.phone("王乐")
    story.platform.break_next("message/send", drop=True, times=None)
    await member.says(WORDS)
    await story.clock.forward(seconds=10)
    await worker.sees_card("待办提醒")
    assert await ways_taken(story, await first_alert(story)) == [
        ("wecom", "unknown"), ("wecom", "unknown"), ("template", "sent"),
    ]  # fmt: skip


async def test_too_many_calls_in_wecom_are_not_waited_for_with_an_alert(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    story.platform.break_next("message/send", errcode=45009)
    await member.says(WORDS)
    await worker.sees_card("待办提醒")
    assert await ways_taken(story, await first_alert(story)) == [("wecom", "retry"), ("template", "sent")]


async def test_a_card_that_is_on_its_way_by_wechat_does_not_hold_up_the_alert_by_wecom(
    story: Story, member: Phone
) -> None:
    """A process died while it wrote to the worker: for a minute nobody else may, by WeChat."""
    worker = await story.phone("王乐")
    person, now = await registered(story, "wangle"), story.house.clock.now()
    async with story.house.db.begin() as session:
        await session.execute(
            update(Contact)
            .where(col(Contact.person_id) == person.id)
            .values(busy_until=now + timedelta(seconds=58), busy_with=77)
        )
    await member.says(WORDS)
    await worker.sees_work_card("待办提醒")


async def test_where_there_is_only_wechat_an_alert_waits_ten_seconds_for_the_one_before_it(
    story: Story, member: Phone
) -> None:
    await reached_by(story, "wangle", wecom=None)
    worker = await story.phone("王乐")
    person, now = await registered(story, "wangle"), story.house.clock.now()
    async with story.house.db.begin() as session:
        await session.execute(
            update(Contact)
            .where(col(Contact.person_id) == person.id)
            .values(busy_until=now + timedelta(seconds=58), busy_with=77)
        )
    await member.says(WORDS)
    await story.clock.forward(seconds=7)
    await worker.hears_nothing()
    await story.clock.forward(seconds=3)
    await worker.sees_card("待办提醒")


async def test_staff_whom_wechat_no_longer_reaches_keep_what_wecom_can_bring(story: Story) -> None:
    person, now = await registered(story, "wangle"), story.house.clock.now()
    async with story.house.db.begin() as session:
        contact = await session.scalar(select(Contact).where(col(Contact.person_id) == person.id))
        assert contact is not None
        in_a_while = now + timedelta(minutes=5)
        await messages.send(session, "stopped", key="stopped:1", to=person, now=now, not_before=in_a_while)
        await lost.nobody_there(session, person.id, ident(contact), "43004", now)
    await story.clock.forward(minutes=6)
    [row] = await outbox(story, "stopped")
    assert (row.state, row.sending_by) == (OutboxState.SENT, "wecom")


async def test_what_wecom_takes_no_more_of_in_this_minute_goes_in_the_next(story: Story) -> None:
    person, now = await registered(story, "wangle"), story.house.clock.now()
    async with story.house.db.begin() as session:
        await session.execute(update(Contact).where(col(Contact.person_id) == person.id).values(following=False))
        for number in range(40):
            await messages.send(session, "stopped", key=f"stopped:{number}", to=person, now=now)
    await story.clock.settle()
    states = [(row.state, row.reason) for row in await outbox(story, "stopped")]
    assert states.count((OutboxState.SENT, None)) == story.settings.wecom_a_minute
    assert states.count((OutboxState.HELD, "pace")) == 40 - story.settings.wecom_a_minute
    await story.clock.forward(minutes=2)
    assert {row.state for row in await outbox(story, "stopped")} == {OutboxState.SENT}
