"""Coming or not, being reminded, being there."""

import pytest
from sqlalchemy import select

from app.activities import changes
from app.activities.calendar import Quiet
from app.activities.machine import Answer
from app.activities.models import Attendance, Occurrence, Rsvp
from app.clock import wall
from app.messages.models import Outbox, OutboxState
from app.tasks.models import Task
from tests.conftest import MONDAY, Story


async def answers(story: Story) -> list[Answer | None]:
    async with story.house.db.read() as session:
        return [r.answer for r in await session.scalars(select(Rsvp).order_by(Rsvp.id))]


@pytest.mark.parametrize(
    ("reply", "answer", "heard"),
    [
        ("1", Answer.GOING, "给您留位了"),
        ("１。", Answer.GOING, "给您留位了"),
        ("能来", Answer.GOING, "给您留位了"),
        ("2", Answer.NOT_GOING, "没关系"),
        ("来不了，家里有事", Answer.NOT_GOING, "没关系"),
        ("3", Answer.UNDECIDED, "不急"),
        ("看情况吧", Answer.UNDECIDED, "不急"),
    ],
)
async def test_a_member_answers_an_invitation(story: Story, reply: str, answer: Answer, heard: str) -> None:
    member = await story.joined()
    await member.hears("手工课", "回一个数字就行")
    await member.says(reply)
    await member.hears(heard)
    assert await answers(story) == [answer]


async def test_a_member_changes_their_mind_by_word_and_by_number(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    await member.says("改")
    await member.hears("您现在是：周三手工课 · 能来", "2 来不了")
    await member.says("2")
    await member.hears("改好了：周三手工课 · 来不了")
    await member.says("又能去了")
    await member.hears("改好了：周三手工课 · 能来", "11月25日（周三）14:00")
    assert await answers(story) == [Answer.GOING]


async def test_a_number_and_words_that_disagree_are_asked_again(story: Story) -> None:
    member = await story.joined()
    await member.says("1 不来")
    await member.hears("我没看懂", "来请回 1")
    assert await answers(story) == [None]


async def test_thanks_is_not_an_answer(story: Story) -> None:
    member = await story.joined()
    await member.says("收到，谢谢")
    assert await answers(story) == [None]


async def test_two_misunderstandings_bring_a_person(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("哦那个东西")
    await member.hears("我没看懂")
    await member.says("就是那个")
    await member.hears("我请王乐来看您的消息")
    page = await story.open_link(await worker.hears("请您看一下"))
    assert "就是那个" in page


async def test_reminders_come_the_day_before_and_two_hours_before(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    await member.hears("给您留位了")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=9, minute=59))
    await member.hears_nothing()
    await story.clock.forward(minutes=1)
    await member.hears("明天下午 2 点", "手工课", "1 我会到")
    await member.says("1")
    await story.wednesday(11, 59)
    await member.hears_not("今天下午 2 点")
    await story.wednesday(12)
    await member.hears("今天下午 2 点见", "或者回：到了")


async def test_who_says_no_is_not_reminded(story: Story) -> None:
    member = await story.joined()
    await member.says("2")
    await story.wednesday(15)
    await member.hears_not("手工课")


async def test_a_reminder_can_be_answered_with_no(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=10))
    await member.hears("明天")
    await member.says("2")
    await member.hears("改好了", "来不了")
    await story.wednesday(13)
    await member.hears_not("今天下午")


async def test_outside_the_window_the_reminder_comes_as_a_card(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    async with story.house.db.begin() as session:
        what = await session.scalar(select(Occurrence).where(Occurrence.title == "手工课"))
        assert what is not None
        quiet = Quiet(story.settings.quiet_from, story.settings.quiet_until)
        await changes.move(session, what, story.house.clock.now(), quiet, venue="石碶文化站一楼")
    await story.clock.settle()
    await member.hears("换地方了", "原来：段塘街道活动室", "现在：石碶文化站一楼")
    await member.says("1")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=10))
    await member.hears("明天", "石碶文化站一楼")
    # Two days later nobody has written: only the card may go.
    await story.clock.forward_to(MONDAY.replace(day=30, hour=10))
    await member.sees_card("活动提醒", 活动名称="手工课", 时间="2026年12月2日")


async def test_a_moved_activity_moves_its_reminders(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    async with story.house.db.begin() as session:
        what = await session.scalar(select(Occurrence).where(Occurrence.title == "手工课"))
        assert what is not None
        quiet = Quiet(story.settings.quiet_from, story.settings.quiet_until)
        later = wall(MONDAY.date().replace(day=26), MONDAY.time().replace(hour=15), "Asia/Shanghai")
        await changes.move(session, what, story.house.clock.now(), quiet, starts_at=later)
    await story.clock.settle()
    await member.hears("改时间了", "11月25日（周三）14:00", "11月26日（周四）15:00")
    await member.says("1")
    await story.wednesday(9, 59)
    await member.hears_not("2026年11月26日")
    await story.wednesday(10)
    await member.sees_card("活动提醒", 活动名称="手工课", 时间="2026年11月26日 15:00")


async def test_nobody_is_reminded_of_a_cancelled_activity(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    async with story.house.db.begin() as session:
        what = await session.scalar(select(Occurrence).where(Occurrence.title == "手工课"))
        assert what is not None
        await changes.cancel(
            session, what, story.house.clock.now(), Quiet(story.settings.quiet_from, story.settings.quiet_until)
        )
    await story.clock.settle()
    await member.hears("取消了，不用来了")
    await story.wednesday(15)
    await member.hears_not("手工课")


async def test_a_member_checks_in_with_the_digits_on_the_wall(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("1")
    await story.wednesday(13, 40)
    await worker.says("签到码")
    digits = (await worker.hears("今天的四个数字")).split("四个数字：")[1][:4]
    await member.says("到了")
    await member.hears("墙上那四个数字")
    await member.says("0000")
    await member.hears("四个数字不对")
    await member.says(digits)
    await member.hears("欢迎，小河，签到好了")
    await member.says(digits)
    await member.hears("已经签过到了")
    async with story.house.db.read() as session:
        marks = (await session.scalars(select(Attendance))).all()
        assert [(m.source, m.walk_in) for m in marks] == [("digits", False)]


async def test_a_member_checks_in_by_scanning_the_code_at_the_door(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await story.wednesday(13, 45)
    await worker.says("签到码")
    scene = await story.scan_page(await worker.hears("扫码签到的图"))
    await member.scans(scene)
    await member.hears("欢迎，小河")


@pytest.mark.parametrize(("hour", "minute", "heard"), [(13, 29, "现在没有可以签到的活动"), (15, 31, "现在没有可以")])
async def test_check_in_is_open_from_half_an_hour_before_until_the_end(
    story: Story, hour: int, minute: int, heard: str
) -> None:
    member = await story.joined()
    await story.wednesday(hour, minute)
    await member.says("到了")
    await member.hears(heard)


async def test_a_counsellor_marks_those_without_a_phone(story: Story) -> None:
    counsellor = await story.phone("李老师")
    member = await story.joined("小河")
    await member.says("1")
    await story.joined("阿珠")
    await story.wednesday(14)
    await counsellor.says("签到 阿珠")
    await counsellor.hears("阿珠到了", "现在 1 人")
    await counsellor.says("签到 阿珠")
    await counsellor.hears("阿珠已经签过到了")
    await counsellor.says("名单")
    await counsellor.hears("到了 1 人，报名 1 人", "没到：小河")


async def test_who_was_expected_and_did_not_come_is_asked_gently_once(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("1")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=10))
    await member.says("1")
    await story.wednesday(15, 59)
    await member.hears_not("今天没见到您")
    await story.wednesday(16)
    await member.hears("今天没见到您，还好吗")
    await member.says("3")
    await member.hears("我请王乐来找您")
    card = await worker.sees_card("待办提醒", 提示="请点开看")
    assert "活动没来，说想和人聊聊" in await story.open_link(card["url"])


async def test_who_had_said_no_is_not_asked_where_they_were(story: Story) -> None:
    member = await story.joined()
    await member.says("2")
    await story.wednesday(17)
    await member.hears_not("没见到您")


async def test_a_late_bare_number_is_asked_about_rather_than_guessed(story: Story) -> None:
    member = await story.joined(mood=False)
    await story.clock.forward_to(MONDAY.replace(day=24, hour=9, minute=30))
    await member.says("1")
    await member.hears("您说的是周三手工课吗")
    assert await answers(story) == [None]
    await member.says("1")
    await member.hears("给您留位了")


async def test_nobody_is_disturbed_at_night_and_the_reminder_comes_before_it(story: Story) -> None:
    member = await story.joined()
    await story.clock.forward_to(MONDAY.replace(day=24, hour=11))
    await member.hears("书法", "想来吗")
    await member.says("1")
    await story.clock.forward_to(MONDAY.replace(day=26, hour=21, minute=28))
    await member.hears_not("上午 9 点半见")
    await story.clock.forward_to(MONDAY.replace(day=27, hour=9, minute=30))
    async with story.house.db.read() as session:
        sent = (await session.scalars(select(Outbox).where(Outbox.state == OutboxState.SENT))).all()
        hours = {(row.finished_at.hour + 8) % 24 for row in sent if row.finished_at}
    assert all(8 <= hour <= 21 for hour in hours)


async def test_whom_no_channel_reaches_stands_on_the_call_list(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    story.platform.users[member.openid].following = False  # WeChat knows; we do not yet
    await story.clock.forward_to(MONDAY.replace(day=24, hour=10))
    async with story.house.db.read() as session:
        calls = (await session.scalars(select(Task))).all()
        # To call because of what was not said, and to see why nothing reaches them any more.
        assert {(t.kind.value, t.phone is not None) for t in calls} == {("call", True), ("clear", True)}


async def test_after_an_outage_nobody_hears_of_a_tomorrow_that_is_today(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    story.house.clock.move_to(MONDAY.replace(day=25, hour=9))  # nobody was there on Tuesday
    await story.clock.settle()
    await member.hears_not("明天")
    await story.wednesday(12)
    await member.sees_card("活动提醒", 活动名称="手工课")


async def test_after_a_long_outage_nobody_is_asked_where_they_were_two_days_ago(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    await story.wednesday(15)
    await member.says("你好")
    story.house.clock.move_to(MONDAY.replace(day=27, hour=10))
    await story.clock.settle()
    await member.hears_not("没见到您")


async def test_an_early_reminder_that_comes_the_evening_before_says_tomorrow(story: Story) -> None:
    member = await story.joined()
    await story.clock.forward_to(MONDAY.replace(day=24, hour=11))
    await member.hears("书法")
    await member.says("1")
    await member.hears("给您留位了")
    await story.clock.forward_to(MONDAY.replace(day=26, hour=10))
    await member.hears("明天上午 9 点半")
    await member.says("1")
    await story.clock.forward_to(MONDAY.replace(day=26, hour=21, minute=29))
    await member.hears("明天上午 9 点半见")
