"""A case is over when it has been said how grave it was, where somebody was sent, and when they are asked again."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.escalations.models import CaseEvent, CaseRow, Referral
from app.escalations.states import State
from app.tasks.models import Task
from bot.conversation import grammar
from bot.simulator import Phone
from tests.conftest import MONDAY, Story

WORDS = "不想活了，药都攒好了"


async def taken(story: Story) -> tuple[Phone, Phone]:
    """小河 was in danger and 王乐 has it."""
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await worker.hears("已记录")
    return worker, member


async def closed(worker: Phone, *answers: str) -> str:
    await worker.says("结果")
    for answer in answers:
        await worker.says(answer)
    return await worker.hears("已结束")


async def the_case(story: Story) -> CaseRow:
    async with story.house.db.read() as session:
        row = await session.scalar(select(CaseRow).order_by(CaseRow.id.desc()))
        assert row is not None
        return row


# How grave it was


async def test_grave_danger_does_not_end_before_it_is_written_down_where_somebody_was_sent(story: Story) -> None:
    worker, _member = await taken(story)
    await worker.says("结果")
    await worker.says("1")
    await worker.hears("危险程度，是几级", "0 没有", "5 ")
    await worker.says("4")
    await worker.hears("转到哪里了")
    await worker.says("1")
    await worker.hears("请用几个字写转到了哪里")
    assert (await the_case(story)).state is State.ACKNOWLEDGED
    await worker.says("区里的门诊，约了明天上午")
    await worker.hears("下次哪天联系")
    await worker.says("12月20日")
    await worker.hears("14 天内", "12月7日")
    await worker.says("12月5日")
    await worker.hears("已结束，转介也记下了", "12月5日")
    case = await the_case(story)
    assert (case.state, case.grade) == (State.RESOLVED, 4)
    async with story.house.db.read() as session:
        referral = await session.scalar(select(Referral))
        assert referral is not None
        assert (referral.case_id, referral.grade, referral.whereto) == (case.id, 4, "区里的门诊，约了明天上午")


async def test_a_referral_says_where_to_even_when_the_danger_is_small(story: Story) -> None:
    worker, _member = await taken(story)
    await worker.says("结果 4")
    await worker.says("1")
    await worker.hears("转到哪里了")


@pytest.mark.parametrize("said", ["7", "很严重", "3 4"])
def test_a_grade_is_one_of_six_numbers(said: str) -> None:
    assert grammar.grade(said) is None


@pytest.mark.parametrize(("said", "grade"), [("0", 0), ("３", 3), ("5级", 5), ("选2", 2), ("零", 0), ("四", None)])
def test_a_grade_may_be_written_as_people_write_numbers(said: str, grade: int | None) -> None:
    assert grammar.grade(said) == grade


async def test_a_false_alarm_asks_nothing_further(story: Story) -> None:
    worker, _member = await taken(story)
    await worker.says("结果 6")
    await worker.hears("误报，已结束")
    await story.clock.forward(days=3)
    await worker.hears_not("约好")


# The contact that was agreed on


async def test_the_agreed_contact_is_asked_for_each_morning_until_it_is_made(story: Story) -> None:
    worker, _member = await taken(story)
    await closed(worker, "1", "0", "1")
    await story.until(8, 59, days=1)
    await worker.hears_not("该做了")
    await story.until(9)
    await worker.hears("A-0001 约好的联系，该做了", "回访 A-0001")
    await story.until(9, days=1)
    await worker.sees_card("待办提醒", 类型="再联系", 提示="做了请回 回访")
    await worker.says("回访")
    await worker.hears("A-0001 约好的联系做了")
    await story.clock.forward(days=3)
    await worker.hears_not("该做了")


async def test_after_three_mornings_whoever_leads_hears_of_it(story: Story) -> None:
    worker, boss = await story.phone("王乐"), await story.phone("周敏")
    worker, _member = await taken(story)
    await closed(worker, "1", "0", "1")
    await story.until(9, days=3)
    await boss.hears_nothing()
    await story.until(9, days=1)
    await boss.sees_card("待办提醒", 类型="再联系")


async def test_where_the_danger_was_grave_whoever_leads_hears_of_the_first_day_that_was_missed(story: Story) -> None:
    boss = await story.phone("周敏")
    worker, _member = await taken(story)
    await closed(worker, "1", "4", "区里的门诊", "1")
    await story.until(9, days=1)
    await boss.says("待办")
    await boss.hears("没有待办")
    await boss.hears_nothing()
    await story.until(9, days=1)
    await boss.hears("A-0001 约好的联系还没做，在 王乐 手上")


async def test_where_nothing_reaches_its_owner_whoever_leads_hears_of_it_the_same_morning(story: Story) -> None:
    boss = await story.phone("周敏")
    worker, _member = await taken(story)
    await closed(worker, "1", "0", "1")
    await worker.unfollows()
    await boss.says("待办")
    await boss.hears("待办")
    await story.until(8, 59, days=1)
    await boss.hears_not("约好的联系")
    await story.until(9)
    await boss.hears("A-0001 约好的联系还没做，在 王乐 手上")
    await story.until(23, 0)
    await boss.hears_not("约好的联系")
    await story.until(9, days=1)
    await boss.sees_card("待办提醒", 类型="再联系")


async def test_a_contact_is_made_once(story: Story) -> None:
    worker, _member = await taken(story)
    await closed(worker, "1", "0", "1")
    for answer in ("A-0001 约好的联系做了", "没有等着做的联系"):
        await worker.says("回访 A-0001")
        await worker.hears(answer)


# The worker


async def test_a_day_after_red_the_worker_is_asked_how_they_are(story: Story) -> None:
    worker, _member = await taken(story)
    await closed(worker, "1", "0", "3")
    await story.clock.forward(hours=23, minutes=50)
    await worker.hears_not("您自己还好吗")
    await story.clock.forward(minutes=10)
    await worker.hears("昨天 A-0001 那件事之后，您自己还好吗")
    await worker.says("1")
    await worker.hears("谢谢您")
    async with story.house.db.read() as session:
        assert await session.scalar(select(CaseEvent).where(CaseEvent.kind == "Debriefed")) is not None


async def test_who_wants_to_talk_about_it_is_put_before_whoever_leads(story: Story) -> None:
    boss = await story.phone("周敏")
    worker, _member = await taken(story)
    await boss.says("待办")
    await closed(worker, "1", "0", "3")
    await story.clock.forward(hours=24)
    await worker.says("2")
    await worker.hears("请督导来找您")
    page = await story.open_link(await boss.hears("请您看一下"))
    assert "同事想和督导聊聊" in page
    async with story.house.db.read() as session:
        task = await session.scalar(select(Task).where(Task.reason == "debrief"))
        assert task is not None
        assert task.note is None


async def test_the_question_waits_for_the_morning(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await story.until(23, 0)
    await member.says(WORDS)
    await worker.says("接")
    await closed(worker, "1", "0", "3")
    await story.until(23, 30, days=1)
    await worker.hears_not("您自己还好吗")
    await story.until(8, 30, days=1)
    await worker.hears("您自己还好吗")


# Episodes


async def test_another_time_is_another_episode_that_knows_the_one_before(story: Story) -> None:
    worker, member = await taken(story)
    first = await the_case(story)
    await closed(worker, "1", "0", "3")
    await story.clock.forward(days=20)
    await member.says(WORDS)
    second = await the_case(story)
    assert (second.previous_id, second.code) == (first.id, "A-0002")
    assert second.opened_at - first.opened_at == timedelta(days=20)
    assert first.opened_at == MONDAY
