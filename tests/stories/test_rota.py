"""The duty rota as people meet it: what it says, how it is changed, and what is promised to members by it."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from app.clock import Clock
from app.db import Record
from app.duty import changes
from app.duty import service as duty
from app.duty.models import Change, ChangeState, DayKind, DutyWatch
from app.escalations.models import CaseRow
from app.people.models import House, Person, Role
from app.settings import Settings
from bot.simulator import Phone
from tests.conftest import MONDAY, ZONE, Story, open_story

Row = TypeVar("Row", bound=Record)
WORDS = "不想活了，药都攒好了"
EVE = datetime(2025, 9, 30, 16, 0, tzinfo=ZoneInfo(ZONE))  # the last Tuesday before National Day, off until October 8th


@pytest.fixture
async def national_day(settings: Settings) -> AsyncIterator[Story]:
    async with open_story(settings, Clock(frozen_at=EVE)) as opened:
        yield opened


async def rows(story: Story, table: type[Row]) -> list[Row]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(table)))


async def writes_here(story: Story, name: str) -> Phone:
    """The phone of somebody who has just written to the account, so that texts reach them."""
    phone = await story.phone(name)
    await phone.says("待办")
    await phone.hears("没有待办")
    return phone


# What it says


async def test_the_rota_says_who_is_there_now_and_in_the_next_two_weeks(story: Story) -> None:
    worker = await story.phone("王乐")
    await worker.says("值班")
    said = await worker.hears("现在值班：王乐，到今天 17:00")
    assert said.splitlines()[1:] == [
        "11月23日至11月27日 王乐 08:30-17:00", "11月28日周六 李红 09:00-12:00", "11月29日周日 没有人",
        "11月30日至12月4日 王乐 08:30-17:00", "12月5日周六 李红 09:00-12:00", "12月6日周日 没有人",
    ]  # fmt: skip
    await story.clock.forward_to(MONDAY.replace(hour=20))
    await worker.says("值班表")
    await worker.hears("现在没有人值班")


async def test_in_the_last_days_of_a_year_the_rota_says_that_the_make_up_days_are_not_known_yet(story: Story) -> None:
    worker = await story.phone("王乐")
    await story.clock.forward_to(MONDAY.replace(month=12, day=10))
    await worker.says("值班")
    await worker.hears_not("调休")
    await story.clock.forward_to(MONDAY.replace(month=12, day=28))
    await worker.says("值班")
    await worker.hears("2027 年哪天调休还不知道")


async def test_a_member_who_writes_the_word_is_told_nothing_of_the_rota(story: Story) -> None:
    member = await story.joined()
    await member.says("值班")
    heard = await member.hears("我没看懂")
    assert "王乐" not in heard


# What members are promised


async def test_on_national_day_the_reply_promises_the_first_working_day_after_it(national_day: Story) -> None:
    member = await national_day.joined()
    await national_day.clock.forward_to(EVE.replace(month=10, day=1, hour=10))
    await member.says(WORDS)
    await member.hears("现在值班的人不在", "最早10月9日（周四）08:30看到")


async def test_on_the_saturday_that_makes_up_for_national_day_fridays_people_are_there(national_day: Story) -> None:
    member = await national_day.joined()
    await national_day.clock.forward_to(EVE.replace(month=10, day=11, hour=10))
    await member.says(WORDS)
    await member.hears("我已经请王乐来联系您")


async def test_whoever_is_put_on_duty_on_a_holiday_is_promised_and_alerted(national_day: Story) -> None:
    boss, backup, member = (
        await national_day.phone("周敏"),
        await writes_here(national_day, "李红"),
        await national_day.joined(),
    )
    await boss.says("值班 李红 10月2日 09:00-12:00")
    await boss.hears("排好了：李红 10月2日（周四）09:00-12:00 值班")
    await national_day.clock.forward_to(EVE.replace(month=10, day=1, hour=10))
    await backup.hears("周敏 排了您值班：10月2日（周四）09:00-12:00")
    await member.says("找人")
    await member.hears("最早明天 09:00看到")
    await national_day.clock.forward_to(EVE.replace(month=10, day=2, hour=10))
    await member.says(WORDS)
    await member.hears("我已经请李红来联系您")
    await backup.sees_card("待办提醒")


async def test_who_is_on_leave_is_not_promised_and_the_supervisor_hears_that_nobody_is_left(story: Story) -> None:
    boss, member = await story.phone("周敏"), await story.joined()
    await boss.says("不值班 王乐 明天")
    await boss.hears("记好了：王乐 11月24日 不值班", "11月24日（周二）08:30-17:00 没有人值班了")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=10))
    await member.says(WORDS)
    await member.hears("现在值班的人不在", "最早明天 08:30看到")


async def test_a_leave_of_several_days_with_somebody_else_put_on_in_between(story: Story) -> None:
    boss, worker = await story.phone("周敏"), await writes_here(story, "王乐")
    await boss.says("值班 李红 周四 09:00-12:00")
    await boss.hears("排好了")
    await boss.says("不值班 王乐 11月24日至11月27日")
    await boss.hears("王乐 11月24日至11月27日 不值班")
    await worker.hears("周敏 记了您不值班")
    await worker.says("值班")
    said = await worker.hears("现在值班：王乐")
    assert "11月24日至11月25日 没有人" in said
    assert "11月26日周四 李红 09:00-12:00" in said
    assert "11月27日周五 没有人" in said


async def test_a_day_that_the_house_is_closed_is_promised_to_nobody(story: Story) -> None:
    member = await story.joined()
    async with story.house.db.begin() as session:
        house = (await session.scalars(select(House))).one()
        boss = (await session.scalars(select(Person).where(Person.role == Role.SUPERVISOR))).one()
        now = story.house.clock.now()
        await changes.note_day(session, house.programme_id, house, date(2026, 11, 24), DayKind.OFF, by=boss, now=now)
    await story.clock.forward_to(MONDAY.replace(day=24, hour=10))
    await member.says(WORDS)
    await member.hears("最早明天 08:30看到")


# Swaps


async def test_a_swap_holds_when_the_other_one_has_said_yes_and_both_are_told(story: Story) -> None:
    worker, backup, member = await story.phone("王乐"), await writes_here(story, "李红"), await story.joined()
    await member.hears("手工课")
    await worker.says("换班 李红 明天")
    await worker.hears("已经问李红能不能替您 11月24日（周二）08:30-17:00 的班", "对方同意以前，这个班还是您的")
    await backup.hears("王乐 想请您替 11月24日（周二）08:30-17:00 的班", "1 可以　2 不行")
    await backup.says("1")
    await backup.hears("好，11月24日（周二）08:30-17:00 由您值班")
    await worker.hears("李红 同意了：11月24日（周二）08:30-17:00 由李红值班")
    await member.hears_nothing()
    await story.clock.forward_to(MONDAY.replace(day=24, hour=9))
    await member.says(WORDS)
    await member.hears("我已经请李红来联系您")


async def test_who_has_not_written_for_days_sees_a_card_and_finds_the_question_behind_it(story: Story) -> None:
    worker, backup = await story.phone("王乐"), await story.phone("李红")
    await worker.says("换班 李红 明天")
    card = await backup.sees_card("待办提醒", 提示="回 值班 看详情")
    assert "王乐" not in str(card)
    await backup.says("值班")
    await backup.hears("王乐 想请您替 11月24日（周二）08:30-17:00 的班")
    await backup.says("1")
    await worker.hears("李红 同意了")


async def test_a_swap_that_nobody_has_answered_changes_nothing_and_lapses_when_the_shift_begins(story: Story) -> None:
    worker, backup, member = await story.phone("王乐"), await writes_here(story, "李红"), await story.joined()
    await worker.says("换班 李红 明天")
    await worker.hears("已经问李红")
    await backup.hears("1 可以　2 不行")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=8, minute=30))
    await worker.hears("李红 没有回答，11月24日（周二）08:30-17:00 的班还是您的")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=9))
    await member.says(WORDS)
    await member.hears("我已经请王乐来联系您")
    assert [swap.state for swap in await rows(story, Change)] == [ChangeState.EXPIRED]


async def test_a_swap_that_is_declined_leaves_the_shift_where_it_was(story: Story) -> None:
    worker, backup = await story.phone("王乐"), await writes_here(story, "李红")
    await worker.says("换班 李红 明天")
    await backup.hears("1 可以　2 不行")
    await backup.says("2")
    await backup.hears("好，不换")
    await worker.hears("李红 不能替，11月24日（周二）08:30-17:00 的班还是您的")
    await worker.says("值班")
    assert "李红 08:30" not in await worker.hears("现在值班：王乐")


async def test_a_swap_that_is_taken_back_cannot_be_agreed_to_any_more(story: Story) -> None:
    worker, backup = await story.phone("王乐"), await writes_here(story, "李红")
    await worker.says("换班 李红 明天")
    await backup.hears("1 可以　2 不行")
    await worker.says("取消换班")
    await worker.hears("好，不换了")
    await backup.hears("王乐 不换班了")
    await backup.says("1")
    await backup.hears("这次换班已经不算了")
    assert [swap.state for swap in await rows(story, Change)] == [ChangeState.WITHDRAWN]


async def test_two_days_swap_both_ways(story: Story) -> None:
    worker, backup = await story.phone("王乐"), await writes_here(story, "李红")
    await worker.says("换班 李红 周五 周六")
    await worker.hears("对方值您 11月27日（周五）08:30-17:00 的班，您值 11月28日（周六）09:00-12:00 的班")
    await backup.hears("您值 11月27日（周五）08:30-17:00，王乐 值 11月28日（周六）09:00-12:00")
    await backup.says("1")
    await worker.hears("李红 同意了")
    await worker.says("值班")
    said = await worker.hears("现在值班：王乐")
    assert "11月27日周五 李红 08:30-17:00\n11月28日周六 王乐 09:00-12:00" in said


async def test_who_lost_the_question_finds_it_again_by_asking_for_the_rota(story: Story) -> None:
    worker, backup = await story.phone("王乐"), await writes_here(story, "李红")
    await worker.says("换班 李红 周五")
    await backup.hears("1 可以　2 不行")
    await story.clock.forward(days=2, hours=1)  # the question is over, the shift has not begun
    await backup.says("值班")
    await backup.hears("王乐 想请您替 11月27日（周五）08:30-17:00 的班")
    await backup.says("1")
    await backup.hears("由您值班")


async def test_a_swap_agreed_to_at_four_changes_who_is_alerted_at_half_past_five(story: Story) -> None:
    worker, backup, boss = await story.phone("王乐"), await writes_here(story, "李红"), await story.phone("周敏")
    member = await story.joined()
    await boss.says("值班 李红 今天 17:00-20:00")
    await backup.hears("排了您值班")
    await story.clock.forward_to(MONDAY.replace(hour=15, minute=50))
    await backup.says("换班 周敏 今天")
    await boss.hears("李红 想请您替 11月23日（周一）17:00-20:00 的班")
    await story.clock.forward_to(MONDAY.replace(hour=16))
    await boss.says("1")
    await backup.hears("周敏 同意了")
    await story.clock.forward_to(MONDAY.replace(hour=17, minute=30))
    await member.says(WORDS)
    await member.hears("我已经请周敏来联系您")
    await boss.sees_card("待办提醒")
    await worker.sees_card("待办提醒")
    await backup.hears_nothing()


# What is written wrong


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("换班", "请写：换班 名字 日期"), ("换班 李红", "请写：换班 名字 日期"),
        ("换班 李红 2月30日", "请写：换班 名字 日期"), ("换班 李红 明天 09:00-12:00", "请写：换班 名字 日期"),
        ("换班 张三 明天", "没有找到叫“张三”的同事"), ("换班 王乐 明天", "不用和自己换"),
        ("换班 李红 周日", "您 11月29日 没有班"), ("换班 李红 明天 周日", "李红 11月29日 没有班"),
        ("换班 李红 今天", "这个班已经开始了"), ("换班 李红 10月1日", "只能排今天起半年以内的日子"),
        ("换班 李老师 明天", "没有找到叫“李老师”的同事"),
        ("取消换班", "现在没有等人回答的换班"), ("交班", "您手上现在没有没结束的事"),
        ("值班 李红 12月3日 09:00-12:00", "值班表由督导来改"), ("不值班 李红 12月3日", "值班表由督导来改"),
    ],
)  # fmt: skip
async def test_what_a_worker_cannot_do_is_said_in_a_sentence(story: Story, text: str, answer: str) -> None:
    worker = await story.phone("王乐")
    await worker.says(text)
    await worker.hears(answer)
    assert await rows(story, Change) == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("值班 李红 12月3日", "请写：值班 名字 日期 时间"), ("值班 李红 12月3日 9点", "请写：值班 名字 日期 时间"),
        ("值班 12月3日 09:00-12:00", "请写：值班 名字 日期 时间"), ("值班 李红 12月3日 09:00-25:00", "请写：值班"),
        ("值班 李红 今天 07:00-08:00", "这个时间已经过了"), ("值班 小河 明天 09:00-12:00", "没有找到叫“小河”的同事"),
        ("不值班 李红", "请写：不值班 名字 日期"), ("不值班 李红 明天", "李红 11月24日 没有班"),
        ("不值班 王乐 11月27日至11月24日", "只能排今天起半年以内"), ("换班 王乐 明天", "您 11月24日 没有班"),
    ],
)  # fmt: skip
async def test_what_a_supervisor_writes_wrong_is_answered_with_how_it_is_written(
    story: Story, text: str, answer: str
) -> None:
    boss = await story.phone("周敏")
    await boss.says(text)
    await boss.hears(answer)
    assert await rows(story, Change) == []


async def test_the_same_shift_is_not_offered_to_two_people(story: Story) -> None:
    worker = await story.phone("王乐")
    await worker.says("换班 李红 明天")
    await worker.hears("已经问李红")
    await worker.says("换班 周敏 明天")
    await worker.hears("这个班您已经问过人了")


async def test_a_colleague_whom_nothing_reaches_is_not_asked(story: Story) -> None:
    worker, backup = await story.phone("王乐"), await writes_here(story, "李红")
    await backup.unfollows()
    await worker.says("换班 李红 明天")
    await worker.hears("李红 现在收不到这里的消息")


async def test_nobody_changes_the_rota_of_a_house_they_do_not_serve(story: Story) -> None:
    now = story.house.clock.now()
    async with story.house.db.begin() as session:
        programme_id = (await session.scalars(select(House))).one().programme_id
        other = House(programme_id=programme_id, code="elsewhere", name="别处")
        session.add(other)
        await session.flush()
        stranger = Person(programme_id=programme_id, house_id=other.id or 0, code="x", role=Role.WORKER, name="外人")
        session.add(stranger)
        await session.flush()
        home = (await session.scalars(select(House).where(House.code == "duantang"))).one()
        worker = (await session.scalars(select(Person).where(Person.code == "wangle"))).one()
        with pytest.raises(LookupError):
            await changes.put_on(session, home, worker, now, now + timedelta(hours=1), by=stranger, now=now)
        with pytest.raises(LookupError):
            await changes.propose(session, [home], worker, stranger, date(2026, 11, 24), now)
        with pytest.raises(LookupError):
            await changes.note_day(session, programme_id, None, date(2026, 11, 24), DayKind.OFF, by=worker, now=now)
        made = await changes.propose(
            session, [home], worker, (await session.scalars(select(Person).where(Person.code == "lihong"))).one(),
            date(2026, 11, 24), now,
        )  # fmt: skip
        assert isinstance(made, Change)
        for verb, by in ((changes.agree, stranger), (changes.agree, worker), (changes.withdraw, stranger)):
            with pytest.raises(LookupError):
                await verb(session, made.id or 0, by, now)


# A shift begins, and ends


async def test_whoever_comes_on_duty_hears_of_the_red_case_that_nobody_has_taken(story: Story) -> None:
    boss, member = await story.phone("周敏"), await story.joined()
    await boss.says("值班 周敏 今天 17:00-20:00")
    await boss.hears("排好了")
    await story.clock.forward_to(MONDAY.replace(hour=16, minute=58))
    await member.says(WORDS)
    await story.clock.forward(minutes=1)
    await boss.hears_nothing()
    await story.clock.forward(minutes=1)
    await boss.sees_card("待办提醒", 编号="A-0001")


async def test_whoever_does_not_come_on_duty_hears_of_it_only_when_the_ladder_comes_to_them(story: Story) -> None:
    boss, member = await story.phone("周敏"), await story.joined()
    await story.clock.forward_to(MONDAY.replace(hour=16, minute=58))
    await member.says(WORDS)
    await story.clock.forward(minutes=5)
    await boss.hears_nothing()


async def test_whoever_comes_on_duty_hears_nothing_of_what_somebody_has_taken(story: Story) -> None:
    worker, boss, member = await story.phone("王乐"), await story.phone("周敏"), await story.joined()
    await boss.says("值班 周敏 今天 17:00-20:00")
    await boss.hears("排好了")
    await story.clock.forward_to(MONDAY.replace(hour=16, minute=58))
    await member.says(WORDS)
    await worker.says("接")
    await story.clock.forward(minutes=5)
    await boss.hears_nothing()


async def test_at_the_end_of_a_shift_whoever_has_cases_is_asked_by_name_to_whom_they_go(story: Story) -> None:
    worker, backup, member = await story.phone("王乐"), await writes_here(story, "李红"), await story.joined()
    await member.says("撑不下去了")
    await worker.says("接")
    await worker.says("已联系")
    await worker.hears("已联系上")
    await story.clock.forward_to(MONDAY.replace(hour=16, minute=59))
    await worker.hears_not("下班")
    await story.clock.forward_to(MONDAY.replace(hour=17))
    await worker.hears("您 17:00 下班，还有 1 件没结束，交给谁？", "1 李红　2 周敏　3 继续由我", "不回，就还由您跟进")
    await worker.says("1")
    await worker.hears("已转给李红：1 件", "等对方接手后您才算放下")
    await backup.hears("王乐 想把 A-0001 转给您")
    [case] = await rows(story, CaseRow)
    assert case.offered_to_id is not None
    assert case.owner_id != case.offered_to_id, "it is the old owner's until the other one has taken it"
    await backup.says("接 A-0001")
    await worker.hears("您可以放下了")
    await story.clock.forward_to(MONDAY.replace(hour=19))
    await worker.hears_not("没有交")


async def test_who_does_not_answer_keeps_them_and_is_told_so(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("撑不下去了")
    await worker.says("接")
    await worker.says("已联系")
    await story.clock.forward_to(MONDAY.replace(hour=17))
    await worker.hears("交给谁")
    await story.clock.forward_to(MONDAY.replace(hour=18))
    await worker.hears("还有 1 件没有交，还由您跟进：A-0001")


async def test_who_keeps_them_says_so_and_hears_no_more_of_it(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("撑不下去了")
    await worker.says("接")
    await worker.says("已联系")
    await story.clock.forward_to(MONDAY.replace(hour=17))
    await worker.hears("3 继续由我")
    await worker.says("3")
    await worker.hears("好，1 件还由您跟进")
    await story.clock.forward_to(MONDAY.replace(hour=19))
    await worker.hears_not("没有交")


async def test_who_has_no_case_goes_home_in_peace_and_whoever_goes_on_working_is_not_asked(story: Story) -> None:
    worker, boss, member = await story.phone("王乐"), await story.phone("周敏"), await story.joined()
    await story.clock.forward_to(MONDAY.replace(hour=17))
    await worker.hears_not("下班")
    await boss.says("值班 王乐 明天 16:00-20:00")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=9))
    await member.says("撑不下去了")
    await worker.says("接")
    await worker.says("已联系")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=17))
    await worker.hears_not("下班")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=20))
    await worker.hears("您 20:00 下班")


async def test_the_watch_of_a_house_is_always_set_for_the_next_change(story: Story) -> None:
    boss = await story.phone("周敏")
    for _ in range(8):
        [watch] = await rows(story, DutyWatch)
        async with story.house.db.read() as session:
            house = (await session.scalars(select(House))).one()
            now = story.house.clock.now()
            next_change = await duty.next_change(session, house, now)
            there = await duty.on_duty(session, house, now)
        assert watch.there == there
        assert next_change is not None
        assert watch.due_at is not None
        assert now < watch.due_at <= min(next_change, now + timedelta(days=1))
        await story.clock.forward_to(watch.due_at)
    await boss.says("值班 周敏 今天 00:00-23:59")
    await story.clock.settle()
    [watch] = await rows(story, DutyWatch)
    assert len(watch.there) >= 1


async def test_a_house_that_slept_through_a_shift_change_asks_as_soon_as_it_wakes(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("撑不下去了")
    await worker.says("接")
    await worker.says("已联系")
    await worker.hears("已联系上")
    story.house.clock.move_to(MONDAY.replace(hour=18, minute=20))
    await story.clock.settle()
    await worker.hears("您 17:00 下班")
