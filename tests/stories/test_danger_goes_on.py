"""What somebody in danger says while their case is in somebody's hands is never filed away."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.escalations.states import Level, State
from bot.simulator import Phone
from tests.conftest import MONDAY, Story
from tests.stories.ways import here, outbox, registered

WORDS, AGAIN, ORANGE = "不想活了，药都攒好了", "我现在就要跳楼", "活着没意思"


async def the_case(story: Story) -> CaseRow:
    async with story.house.db.read() as session:
        row = await session.scalar(select(CaseRow).order_by(CaseRow.id.desc()))
        assert row is not None
        return row


@pytest.fixture
async def worker(story: Story) -> Phone:
    return await story.phone("王乐")


@pytest.fixture
async def member(story: Story, worker: Phone) -> Phone:
    """小河 was in danger, 王乐 has it and has spoken to them."""
    phone = await story.joined()
    await phone.says(WORDS)
    await worker.says("接")
    await worker.says("已联系")
    await worker.hears("已联系上")
    return phone


async def test_red_words_after_they_were_spoken_to_want_them_spoken_to_again(
    story: Story, worker: Phone, member: Phone
) -> None:
    backup = await story.phone("李红")
    await story.clock.forward(hours=2)
    await member.says(AGAIN)
    await worker.hears("又有新的消息")
    case = await the_case(story)
    assert (case.state, case.owner_id) == (State.ACKNOWLEDGED, (await registered(story, "wangle")).id)
    await story.clock.forward(minutes=41)
    await backup.sees_card("待办提醒")


async def test_who_then_says_not_safe_is_everybodys_within_ten_minutes(
    story: Story, worker: Phone, member: Phone
) -> None:
    boss = await story.phone("周敏")
    await story.clock.forward(hours=2)
    await member.says("2")
    await boss.sees_card("待办提醒")
    await story.clock.forward(minutes=10)
    assert (await the_case(story)).state is State.OPEN
    await boss.says("接 A-0001")
    await boss.hears("已记录：周敏")


@pytest.mark.parametrize("outcome", [("1", "0"), ("4", "1", "区里的门诊")], ids=["called", "referred"])
async def test_a_case_does_not_end_over_words_that_nobody_has_read(
    story: Story, worker: Phone, member: Phone, outcome: tuple[str, ...]
) -> None:
    await worker.says("结果")
    for answer in outcome:
        await worker.says(answer)
    await worker.hears("下次哪天联系")
    await member.says(AGAIN)
    await worker.says("1")
    await worker.hears("A-0001 刚才又有新的话，还没有结束")
    assert (await the_case(story)).state is not State.RESOLVED
    await worker.says("结果")
    for answer in ("1", "0", "1"):
        await worker.says(answer)
    await worker.hears("已结束")


async def test_a_false_alarm_is_none_any_more_after_new_words(story: Story, worker: Phone, member: Phone) -> None:
    await worker.says("结果")
    await member.says(AGAIN)
    await worker.says("6")
    await worker.hears("刚才又有新的话")


async def test_not_safe_is_red_whatever_was_open(story: Story, worker: Phone, member: Phone) -> None:
    await worker.says("结果 6")
    await worker.hears("已结束")
    who = await registered(story, "xiaohe")
    async with story.house.db.begin() as session:
        await escalations.flag(
            session, who, Level.YELLOW, "distress", rule="test", rules_version="1", said=None, now=MONDAY
        )
    await member.says("2")
    await member.hears("我正在叫人")
    assert (await the_case(story)).level is Level.RED
    await worker.sees_card("待办提醒")


async def test_what_became_red_today_has_the_time_of_today(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(ORANGE)
    await worker.says("接")
    await worker.hears("已记录")
    await story.until(11, days=1)
    await member.says(WORDS)
    await worker.sees_card("待办提醒", 时限="11月24日 11:30")


async def test_harmless_lines_ring_the_owner_once_in_ten_minutes(story: Story, worker: Phone, member: Phone) -> None:
    await member.says("1")
    for n in range(8):
        await member.says(f"云真白，{n}朵")
    notes = [row for row in await outbox(story, "case_note") if row.params.get("what") == "goes_on"]
    assert len(notes) == 1


async def test_twice_not_reached_is_heard_by_whoever_leads(story: Story, worker: Phone, member: Phone) -> None:
    boss = await story.phone("周敏")
    await boss.says("待办")
    await worker.says("结果 5")
    await worker.hears("还没联系上")
    await boss.hears_not("联系不上")
    await worker.says("结果 5")
    await boss.hears("两次都联系不上")
    assert (await the_case(story)).state is State.ACKNOWLEDGED


async def test_the_next_contact_is_not_years_away(story: Story, worker: Phone, member: Phone) -> None:
    await worker.says("结果")
    for answer in ("1", "0", "11月20日"):
        await worker.says(answer)
    await worker.hears("太久了，最晚")
    await worker.says("12月1日")
    await worker.hears("已结束")


async def test_a_counsellor_does_not_tick_off_a_contact(story: Story, worker: Phone, member: Phone) -> None:
    counsellor = await story.phone("李老师")
    await worker.says("结果")
    for answer in ("1", "0", "1"):
        await worker.says(answer)
    await counsellor.says("回访 A-0001")
    await counsellor.hears("没有等人接手的事")
    await story.until(9, days=1)
    await worker.hears("该做了")


async def test_a_bare_take_means_the_red_one(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await here(story, "azhu", "阿珠")
    async with story.house.db.begin() as session:
        other = await registered(story, "azhu")
        await escalations.flag(
            session, other, Level.YELLOW, "distress", rule="test", rules_version="1", said=None, now=MONDAY
        )
    await member.says(WORDS)
    await worker.says("接")
    await worker.hears("接手 A-0002")


async def test_a_stranger_who_turns_out_to_be_a_member_has_their_worker_called(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.phone("小河")
    await story.clock.forward_to(MONDAY.replace(hour=22))
    await member.follows()
    await member.says("我不想活了，今晚就走")
    await story.clock.forward(minutes=1)
    await worker.says("邀请 小河")
    invitation = await worker.hears("四个数字")
    await member.scans(await story.scan_page(invitation))
    for text in ("好", invitation.rsplit("：", 1)[1][:4], "1", "2", "3", "小河"):
        await member.says(text)
    await worker.sees_card("待办提醒")
    assert story.house.clock.now() - (await the_case(story)).opened_at == timedelta(minutes=1)
