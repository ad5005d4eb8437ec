"""The inbox: what waits, the most urgent first; taken, carried on and closed without a script."""

import re

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.escalations.models import CaseEvent, CaseRow
from app.escalations.states import State
from bot.simulator import Phone
from tests.conftest import Story
from tests.console.clerk import Clerk

WORDS = "不想活了，药都攒好了"


@pytest.fixture
async def member(story: Story) -> Phone:
    phone = await story.joined()
    await phone.says(WORDS)
    return phone


async def the_case(story: Story) -> CaseRow:
    async with story.house.db.read() as session:
        return (await session.scalars(select(CaseRow))).one()


async def logged(story: Story, kind: str) -> list[str]:
    """By which way this was done to the case, each time."""
    async with story.house.db.read() as session:
        entries = await session.scalars(select(CaseEvent).order_by(col(CaseEvent.seq)))
        return [entry.detail.get("via", "") for entry in entries if entry.kind == kind]


async def test_a_worker_takes_calls_and_closes_a_red_case(story: Story, member: Phone) -> None:
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens("/console/inbox")
        assert "小河" in page
        assert "▲ 紧急" in page
        assert "剩 30 分钟" in page
        assert "还没有人接手" in page
        await wangle.presses("我来处理")
        assert "您在处理" in wangle.page
        assert (await the_case(story)).state is State.ACKNOWLEDGED
        await member.hears("王乐看到您的消息了")
        await wangle.presses("已联系上")
        assert (await the_case(story)).state is State.CONTACTED
        await wangle.presses("记下结果", outcome="called", grade="1", next="3")
        assert "已经结束" in wangle.page
        assert (await the_case(story)).state is State.RESOLVED
        assert "还没有" not in await wangle.opens("/console/inbox")
        assert "小河" in await wangle.opens("/console/inbox?tab=over")
    for kind in ("Taken", "Contacted", "Closed"):
        assert await logged(story, kind) == ["console"]


async def test_words_are_hidden_until_somebody_taps_and_reading_them_is_written_down(
    story: Story, member: Phone
) -> None:
    async with Clerk(story, "王乐") as wangle:
        assert "攒好了" not in await wangle.opens("/console/inbox")
        assert await logged(story, "Viewed") == []
        case = await the_case(story)
        assert "攒好了" in await wangle.opens(f"/console/cases/{case.id}/words")
        assert await logged(story, "Viewed") == ["console"]


async def test_two_workers_press_at_once_and_the_second_is_told_who_has_it(story: Story, member: Phone) -> None:
    await (await story.phone("李红")).says("待办")
    async with Clerk(story, "王乐") as wangle, Clerk(story, "周敏") as zhoumin:
        await wangle.opens("/console/inbox")
        await zhoumin.opens("/console/inbox")
        hers = zhoumin.button("我来处理")
        await wangle.presses("我来处理")
        assert "刚才没有接成：王乐 已经接手了。" in await zhoumin.presses(hers)
        assert "王乐 在处理" in await zhoumin.opens("/console/inbox?tab=others")
    assert await logged(story, "Taken") == ["console"]


async def test_a_case_goes_to_a_colleague_and_stays_mine_until_they_take_it(story: Story, member: Phone) -> None:
    await (await story.phone("李红")).says("待办")
    async with Clerk(story, "王乐") as wangle, Clerk(story, "李红") as lihong:
        await wangle.opens("/console/inbox")
        await wangle.presses("我来处理")
        await wangle.presses("请对方接手", to="lihong")
        assert "已请 李红 接手" in await wangle.opens("/console/inbox")
        assert "李红" not in str((await the_case(story)).owner_id)
        await (await story.phone("李红")).hears("想把")
        await lihong.opens("/console/inbox")
        await lihong.presses("我来处理")
        assert "您在处理" in lihong.page
        assert "李红 在处理" in await wangle.opens("/console/inbox?tab=others")


async def test_a_result_that_lacks_something_is_not_kept_and_what_was_written_stays(
    story: Story, member: Phone
) -> None:
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens("/console/inbox")
        await wangle.presses("我来处理")
        page = await wangle.presses("记下结果", outcome="referred", grade="3", next="3", whereto="")
        assert wangle.status == 422
        assert "请写转到哪里" in page
        assert re.search(r'value="referred" checked', page)
        assert (await the_case(story)).state is State.ACKNOWLEDGED


async def test_an_old_page_takes_nothing_away_from_who_has_it_now(story: Story, member: Phone) -> None:
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens("/console/inbox")
        old = wangle.button("我来处理")
        await wangle.presses(old)
        await story.clock.forward(minutes=50)  # nobody was reached: it is everybody's again
        assert (await the_case(story)).state is State.OPEN
        assert "刚才那一页是旧的" in await wangle.presses(old)
        assert (await the_case(story)).state is State.OPEN


async def test_what_nobody_was_reached_for_stands_above_everything(story: Story) -> None:
    member = await story.joined()
    for name in ("王乐", "李红", "周敏", "李老师"):
        await (await story.phone(name)).unfollows()
    await member.says(WORDS)
    async with Clerk(story, "王乐") as wangle:
        await story.clock.forward(minutes=20)
        assert "一个人也没有叫到" in await wangle.opens("/console/inbox")


async def test_the_pulse_tells_of_news_and_of_the_minutes_that_are_left(story: Story, member: Phone) -> None:
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens("/console/inbox")
        pulse = re.search(r'hx-get="(/console/inbox/pulse[^"]*)"', page)
        assert pulse is not None
        where = pulse[1].replace("&amp;", "&")
        assert "有新的变化" not in await wangle.opens(where)
        await story.clock.forward(minutes=9)
        assert "剩 21 分钟" in await wangle.opens(where)
        await member.says("我真的撑不下去了，今晚就走")
        assert "有新的变化" in await wangle.opens(where)


async def test_a_counsellor_has_no_inbox(story: Story, member: Phone) -> None:
    async with Clerk(story, "李老师") as teacher:
        await teacher.opens("/console/inbox")
        assert teacher.status == 404
        await teacher.opens(f"/console/cases/{(await the_case(story)).id}")
        assert teacher.status == 404


async def test_a_task_is_done_by_one_button(story: Story) -> None:
    member = await story.joined()
    await member.says("人工")
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens("/console/inbox?tab=tasks")
        assert "小河" in page
        await wangle.presses("办好了")
        assert "记下了" in wangle.page
        assert "小河" not in re.sub(r"<header.*?</header>", "", wangle.page, flags=re.DOTALL)
