"""Whatever happens, somebody hears next: louder, further, or every morning on a list."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.clock import Clock
from app.escalations import checks, codes, policy
from app.escalations import service as escalations
from app.escalations.ladders import DEFAULTS, LadderError
from app.escalations.models import CaseRow, LadderRow
from app.escalations.states import Level, State
from app.messages.models import Alarm
from app.people.models import Person
from app.settings import Settings
from app.tasks.models import Task
from bot.mail.post import RecordedPost
from bot.outside import PersonUnreachable
from bot.sms.recorded import RecordedSms
from tests.conftest import MONDAY, Story, open_story
from tests.stories.ways import every_way, here, outbox, reached_by, registered, ways_taken, without_wechat

RED, ORANGE, YELLOW = "不想活了，药都攒好了", "活着没意思", "好几天没睡着了"


async def the_case(story: Story) -> CaseRow:
    async with story.house.db.read() as session:
        row = await session.scalar(select(CaseRow).order_by(CaseRow.id.desc()))
        assert row is not None
        return row


async def flagged(story: Story, code: str, level: Level) -> CaseRow:
    """What a member wrote was read as this."""
    who = await registered(story, code)
    async with story.house.db.begin() as session:
        row = await escalations.flag(
            session, who, level, "distress", rule="test", rules_version="1", said=None, now=story.house.clock.now()
        )
    await story.clock.settle()
    return row


# Louder and further


@pytest.fixture
async def with_sms(settings: Settings) -> AsyncIterator[Story]:
    """Monday, 09:00. Every way is set up; 王乐 has a telephone."""
    ways: dict[str, Any] = {"sms": RecordedSms(), "post": RecordedPost()}
    async with open_story(every_way(settings), Clock(frozen_at=MONDAY), **ways) as opened:
        await reached_by(opened, "wangle", phone="100-0000-0001", wecom=None)
        yield opened


async def test_when_nobody_takes_it_the_rounds_come_by_every_way_at_once(with_sms: Story) -> None:
    member = await here(with_sms)
    await member.says(RED)
    wangle = (await registered(with_sms, "wangle")).id
    first = [row for row in await outbox(with_sms, "case_alert") if row.person_id == wangle]
    assert await ways_taken(with_sms, first) == [("template", "sent")]
    await with_sms.clock.forward(minutes=25)
    rounds = [row for row in await outbox(with_sms, "case_alert") if row.person_id == wangle][1:]
    assert sorted(await ways_taken(with_sms, rounds)) == [("sms", "sent"), ("template", "sent")]


async def test_a_text_that_fails_while_a_card_got_through_calls_nobody_else(with_sms: Story) -> None:
    member = await here(with_sms)
    gateway = with_sms.house.worlds.sms
    assert isinstance(gateway, RecordedSms)
    gateway.failures = [PersonUnreachable(None, "recorded/SendSms", code="no such number")] * 3
    await member.says(RED)
    await with_sms.clock.forward(minutes=25)
    assert (await the_case(with_sms)).rounds == 1


async def test_a_step_may_want_its_people_told_by_text_first(with_sms: Story) -> None:
    member = await here(with_sms)
    plan = {**DEFAULTS[Level.RED], "steps": [{"targets": ["assigned"], "after": 0, "channels": ["sms"]}]}
    async with with_sms.house.db.begin() as session:
        session.add(LadderRow(programme_id=1, level=Level.RED, plan=plan))
    await member.says(RED)
    assert await ways_taken(with_sms, (await outbox(with_sms, "case_alert"))[:1]) == [("sms", "sent")]


async def test_who_takes_it_in_wechat_is_not_relieved_by_a_text_that_failed(with_sms: Story) -> None:
    member, worker = await here(with_sms), await with_sms.phone("王乐")
    await member.says(RED)
    await worker.says("接")
    async with with_sms.house.db.begin() as session:
        wangle = (await registered(with_sms, "wangle")).id or 0
        await escalations.undeliverable(session, 1, wangle, with_sms.house.clock.now(), alert=True)
    case = await the_case(with_sms)
    assert (case.state, case.owner_id) == (State.ACKNOWLEDGED, wangle)


# What nobody took


async def test_orange_that_nobody_took_stands_on_the_list_and_is_said_again_every_day(story: Story) -> None:
    boss, member = await story.phone("周敏"), await story.joined()
    await member.says(ORANGE)
    assert (await the_case(story)).level is Level.ORANGE
    await story.clock.forward(hours=9)
    await boss.says("待办")
    page = await story.open_link(await boss.hears("件待办"))
    assert "提醒了几轮，没有人接手" in page
    for _ in range(3):
        await story.until(16, 50, days=1)
        await boss.says("待办")
        await story.until(17)
        await boss.hears("A-0001 提醒了几轮，没有人接手")
    case = await the_case(story)
    assert case.next_action_at is not None
    assert case.next_action_at > story.house.clock.now()


async def test_it_is_cleared_by_taking_it_and_not_by_a_tick(story: Story) -> None:
    boss, member = await story.phone("周敏"), await story.joined()
    await member.says(ORANGE)
    await story.clock.forward(hours=9)
    await boss.says("办好 T-0001")
    await boss.hears("A-0001 还没有人接手", "接 A-0001")
    await boss.says("接 A-0001")
    await boss.hears("已记录")
    async with story.house.db.read() as session:
        assert await session.scalar(select(Task.done_at)) is not None
    await boss.says("待办")
    await boss.hears("现在没有待办")


async def test_yellow_waits_for_the_morning_and_comes_in_one_message(story: Story) -> None:
    worker = await story.phone("王乐")
    await story.joined()
    await here(story, "azhu", "阿珠")
    for code in ("xiaohe", "azhu"):
        await flagged(story, code, Level.YELLOW)
    await worker.hears_not("这周内")
    await story.until(8, 59, days=1)
    await worker.hears_not("这周内")
    await story.until(9)
    await worker.hears("A-0001、A-0002 这周内请留意")
    await story.clock.forward(hours=2)
    await worker.hears_not("这周内")


async def test_yellow_that_was_taken_meanwhile_is_not_brought_up(story: Story) -> None:
    worker = await story.phone("王乐")
    await story.joined()
    await flagged(story, "xiaohe", Level.YELLOW)
    await worker.says("接")
    await worker.hears("已记录")
    await story.until(9, days=1)
    await worker.hears_not("这周内")


async def test_red_that_no_channel_leads_anywhere_for_is_alarmed(story: Story) -> None:
    member = await story.joined()
    await without_wechat(story, "wangle", "lihong", "zhoumin")
    await member.says(RED)
    async with story.house.db.read() as session:
        alarm = await session.scalar(select(Alarm).where(Alarm.what == "nobody_reachable", Alarm.channel == "ladder"))
        assert alarm is not None
    case = await the_case(story)
    assert case.next_action_at == story.house.clock.now() + timedelta(minutes=10)


# Codes


async def test_digits_mean_that_case_and_never_another(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(RED)
    await worker.says("接 2")
    await worker.hears("没有 2 这件事")
    assert (await the_case(story)).owner_id is None
    await worker.says("接 1")
    await worker.hears("王乐", "接手 A-0001")


async def test_the_same_digits_under_two_letters_are_asked_back(story: Story) -> None:
    worker = await story.phone("王乐")
    await story.joined()
    await here(story, "azhu", "阿珠")
    first, second = [await flagged(story, code, Level.RED) for code in ("xiaohe", "azhu")]
    async with story.house.db.begin() as session:
        await session.execute(update(CaseRow).where(CaseRow.id == second.id).values(code="B-0001"))
    await worker.says("接 1")
    await worker.hears("有好几件", "A-0001", "B-0001")
    await worker.says("接 B-0001")
    await worker.hears("接手 B-0001")
    async with story.house.db.read() as session:
        owners = {row.id: row.owner_id for row in await session.scalars(select(CaseRow))}
    assert (owners[first.id], owners[second.id]) == (None, (await registered(story, "wangle")).id)


async def test_a_code_rests_for_a_week_after_its_case_is_over(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(RED)
    await worker.says("接")
    await worker.says("结果 6")
    await worker.hears("已结束")
    async with story.house.db.begin() as session:
        now = story.house.clock.now()
        assert await codes.free(session, 1, now + timedelta(days=6)) == "A-0002"
        assert await codes.free(session, 1, now + timedelta(days=8)) == "A-0001"


def test_codes_go_round_through_the_letters() -> None:
    assert [codes.nth(n) for n in (1, 9_999, 10_000, 229_999, 230_000)] == [
        "A-0001", "A-9999", "B-0000", "Z-9999", "A-0000",
    ]  # fmt: skip


async def test_the_newest_case_is_meant_by_a_code_that_came_back(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(RED)
    await worker.says("接")
    await worker.says("结果 6")
    await story.clock.forward(days=8)
    await member.says(RED)
    async with story.house.db.begin() as session:
        await session.execute(update(CaseRow).values(code="A-0001"))
    await worker.says("接 A-0001")
    await worker.hears("接手 A-0001")


# Before anybody needs it


async def test_a_house_that_is_set_up_right_has_no_weak_spot(story: Story) -> None:
    await story.joined()
    async with story.house.db.read() as session:
        assert await checks.weaknesses(session, 1, story.house.clock.now()) == []


async def test_a_colleague_whom_no_channel_reaches_is_told_of_the_same_day(story: Story) -> None:
    boss = await story.phone("周敏")
    await boss.says("待办")
    await without_wechat(story, "lihong")
    await story.clock.forward(days=1)
    await boss.says("待办")
    assert "没有一个办法送得到" in await story.open_link(await boss.hears("件待办"))
    async with story.house.db.read() as session:
        alarms = list(await session.scalars(select(Alarm).where(Alarm.channel == "ladder")))
    assert {alarm.what for alarm in alarms} == {"no_channel"}
    assert len(alarms) == len({alarm.at.date() for alarm in alarms}), "once a day"


async def test_a_ladder_that_leads_to_nobody_at_night_is_refused_and_the_old_one_stays(story: Story) -> None:
    only_duty = {**DEFAULTS[Level.RED], "steps": [{"targets": ["duty"], "after": 0}]}
    boss = await registered(story, "zhoumin")
    async with story.house.db.begin() as session:
        with pytest.raises(LadderError, match="值班以外的时间"):
            await policy.save_ladder(session, 1, Level.RED, only_duty, MONDAY, by=boss)
        with pytest.raises(LadderError, match="一直找下去"):
            await policy.save_ladder(session, 1, Level.RED, {**DEFAULTS[Level.RED], "loops": 3}, MONDAY, by=boss)
        by_pigeon = [{"targets": ["assigned"], "after": 0, "channels": ["pigeon"]}]
        with pytest.raises(LadderError, match="channels 只能写"):
            await policy.save_ladder(
                session, 1, Level.RED, {**DEFAULTS[Level.RED], "steps": by_pigeon}, MONDAY, by=boss
            )
        assert await session.scalar(select(LadderRow)) is None
        await policy.save_ladder(session, 1, Level.RED, {**DEFAULTS[Level.RED], "repeat_every": 5}, MONDAY, by=boss)
        assert await session.scalar(select(LadderRow)) is not None


async def test_a_step_for_backups_where_nobody_has_one_is_refused(story: Story) -> None:
    boss = await registered(story, "zhoumin")
    async with story.house.db.begin() as session:
        await session.execute(update(Person).values(backup_id=None))
        with pytest.raises(LadderError, match="第 2 步"):
            await policy.save_ladder(session, 1, Level.RED, DEFAULTS[Level.RED], MONDAY, by=boss)


# Asked whether they are safe


async def test_tapping_help_in_the_menu_while_asked_whether_they_are_safe_is_a_cry_for_help(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(RED)
    await worker.says("接")
    await worker.hears("已记录")
    await member.hears("您现在安全吗")
    await member.taps("help")
    await member.hears("我正在叫人")
    await worker.hears("说现在需要帮忙")
