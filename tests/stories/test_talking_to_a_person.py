"""A worker writes to a member: the robot is quiet until it is handed back, but for what a life can hang on."""

from datetime import timedelta

from sqlalchemy import select

from app.activities.models import Rsvp
from app.db import ident
from app.escalations.models import Flag
from app.messages import talking
from app.messages.models import Contact, Lane, Outbox, OutboxState
from app.mood.models import MoodPrompt
from app.people import service as people
from app.people.models import Person
from app.tasks.models import Task, TaskKind
from bot.discretion import Shows, banned
from bot.wording import locales, wording
from tests.conftest import MONDAY, Story
from tests.stories.wechat_browser import Inside

QUIET = timedelta(hours=4)


async def person(story: Story, code: str) -> Person:
    async with story.house.db.read() as session:
        found = await people.find_by_code(session, code)
    assert found is not None
    return found


async def says(
    story: Story, text: str | None = None, *, phrase: str | None = None, once: str = "a", by: str = "王乐"
) -> bool:
    """A worker writes to 小河."""
    async with story.house.db.begin() as session:
        known = {one.name: one for one in await session.scalars(select(Person))}
        contact = await talking.held(session, ident(known["小河"]))
        assert contact is not None
        sent = await talking.say(
            session, contact, known["小河"], known[by], story.house.clock.now(), quiet_for=QUIET, once=once, text=text,
            phrase=phrase,
        )  # fmt: skip
    await story.clock.settle()
    return sent


async def hands_back(story: Story) -> bool:
    async with story.house.db.begin() as session:
        contact = await _contact(story)
        held = await talking.held(session, contact.person_id or 0)
        assert held is not None
        back = await talking.hand_back(session, held, story.house.clock.now())
    await story.clock.settle()
    return back


async def _contact(story: Story) -> Contact:
    async with story.house.db.read() as session:
        return (await session.scalars(select(Contact).where(Contact.openid == "o_小河"))).one()


async def tasks(story: Story, reason: str) -> list[Task]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(Task).where(Task.reason == reason).order_by(Task.id)))


# What arrives, and that the robot is quiet


async def test_a_word_of_a_worker_arrives_under_their_name_and_once(story: Story) -> None:
    member = await story.joined()
    assert await says(story, "中午我给您打个电话，好吗？")
    await member.hears("王乐：", "中午我给您打个电话")
    assert not await says(story, "中午我给您打个电话，好吗？")  # the button was pressed twice
    await member.hears_nothing()


async def test_a_number_that_answers_an_invitation_is_for_the_person_who_talks_and_not_for_the_robot(
    story: Story,
) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.hears("想来吗")
    await says(story, "今天几点方便？1 上午 2 下午")
    await member.hears("几点方便")
    await member.says("2")
    await member.hears_nothing()
    async with story.house.db.read() as session:
        assert [rsvp.answer for rsvp in await session.scalars(select(Rsvp)) if rsvp.answer is not None] == []
    (task,) = await tasks(story, "wrote_back")
    assert (task.kind, task.note, task.assignee_id) == (TaskKind.READ, None, ident(await person(story, "wangle")))
    assert "回话了" in await story.open_link(await worker.hears("请您看一下"))


async def test_several_words_are_one_task_until_it_is_done(story: Story) -> None:
    member = await story.joined()
    await says(story, "在吗")
    for text in ("在", "我在家", "你说"):
        await member.says(text)
    assert len(await tasks(story, "wrote_back")) == 1
    worker = await story.phone("王乐")
    await worker.says(f"办好 T-{(await tasks(story, 'wrote_back'))[0].id:04d}")
    await member.says("还有")
    assert [task.done_at is None for task in await tasks(story, "wrote_back")] == [False, True]


async def test_it_is_told_to_whoever_talks_not_to_the_worker_of_the_member(story: Story) -> None:
    member = await story.joined()
    await says(story, "我是李红，替王乐", by="李红")
    await member.says("好的李老师")
    (task,) = await tasks(story, "wrote_back")
    assert task.assignee_id == ident(await person(story, "lihong"))


async def test_after_it_is_handed_back_the_robot_answers_again(story: Story) -> None:
    member = await story.joined()
    await says(story, "在吗")
    await member.hears("在吗")
    await member.says("我的活动")
    await member.hears_nothing()
    assert await hands_back(story)
    assert not await hands_back(story)
    await member.says("我的活动")
    await member.hears("您接下来的活动")


async def test_four_hours_after_the_last_word_of_the_worker_the_robot_is_back_by_itself(story: Story) -> None:
    member = await story.joined()
    await says(story, "在吗", once="a")
    await story.clock.forward(hours=3)
    await says(story, "还在吗", once="b")
    await member.hears("还在吗")
    await story.clock.forward(hours=3, minutes=59)
    await member.says("帮我看看活动")
    await member.hears_nothing()
    await story.clock.forward(minutes=1)
    await member.says("我的活动")
    await member.hears("您接下来的活动")


# What a life can hang on


async def test_danger_is_answered_and_alerts_while_a_person_talks(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await says(story, "今天怎么样？")
    await member.hears("今天怎么样")
    await member.says("不想活了，药都攒好了")
    await member.hears("您不用一个人扛着", "12356", "您现在安全吗")
    await worker.sees_card("待办提醒")
    await member.says("2")  # they were asked whether they are safe: that answer is heard
    await member.hears("我正在叫人")


async def test_words_of_somebody_with_an_open_case_join_it_and_the_robot_says_nothing(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("不想活了，药都攒好了")
    await member.hears("您现在安全吗")
    await member.says("1")
    await worker.says("接")
    await member.hears("王乐看到您的消息了")
    await says(story, "我在，慢慢说")
    await member.hears("我在，慢慢说")
    await member.says("刚才哭了一会儿")
    await member.hears_nothing()
    async with story.house.db.read() as session:
        flags = list(await session.scalars(select(Flag).order_by(Flag.id)))
    assert [flag.said for flag in flags] == ["不想活了，药都攒好了", "刚才哭了一会儿"]
    await member.says("帮帮我")
    await member.hears("我正在叫人")


async def test_stop_works_and_help_names_who_reads_and_whom_to_call(story: Story) -> None:
    member = await story.joined()
    await says(story, "在吗")
    await member.hears("在吗")
    for asked in ("帮助", "找人"):
        await member.says(asked)
        await member.hears("王乐刚才在和您说话", "12356", "120")
    await member.taps("mood")
    await member.hears("王乐刚才在和您说话")
    await member.says("退订")
    await member.hears("以后不再发提醒了")


async def test_a_voice_goes_to_whoever_talks_and_the_robot_says_nothing(story: Story) -> None:
    member = await story.joined()
    await says(story, "方便说话吗", by="李红")
    await member.hears("方便说话吗")
    await member.sends_voice()
    await member.hears_nothing()
    (task,) = await tasks(story, "unread_voice")
    assert task.assignee_id == ident(await person(story, "lihong"))


async def test_a_face_on_the_page_is_kept_nothing_is_asked_and_the_lowest_twice_still_calls(story: Story) -> None:
    member = await story.joined()
    for once in ("a", "b"):
        await says(story, "在吗", once=once)
        async with Inside(story, member) as inside:
            await inside.goes_to("/p/mood")
            page = await inside.presses("😣1 很难受", words="今天下雨")
        assert "记下了，谢谢您" in page
        assert "回个电话" not in page
        await story.clock.forward(days=1)
    async with story.house.db.read() as session:
        answers = list(await session.scalars(select(MoodPrompt)))
        flags = [flag.rule for flag in await session.scalars(select(Flag))]
    assert [(answer.score, answer.note) for answer in answers] == [(1, "今天下雨")] * 2
    assert flags == ["mood.lowest-twice", "case.goes-on"]  # what they wrote is for whoever takes it
    assert len(await tasks(story, "wrote_back")) == 2


# What the robot would have said unasked


async def test_what_they_signed_up_for_goes_in_time_without_a_question_and_the_rest_waits(story: Story) -> None:
    member = await story.joined()
    await member.says("1")  # 手工课 on Wednesday
    await member.hears("给您留位")
    await story.wednesday(11, 50)
    await member.says("我的活动")  # and so the window is open
    await says(story, "今天来吗？", once="a")  # until 15:50; the reminder of 12:00 can not wait that long
    await member.hears("今天来吗")
    await story.wednesday(12, 5)
    await member.hears("今天", "见")
    await member.says("2")  # for the worker: nothing has asked
    await member.hears_nothing()
    await story.wednesday(16, 1)  # the talk is over: what may be asked again is
    await member.hears("今天没见到您")


async def test_an_invitation_waits_until_the_talk_is_over(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    await member.hears("给您留位")
    async with story.house.db.read() as session:
        before = len(list(await session.scalars(select(Outbox).where(Outbox.kind == "invite"))))
    await story.clock.forward_to(MONDAY.replace(day=24, hour=8, minute=29))
    await says(story, "早")
    await member.hears("早")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=12))
    async with story.house.db.read() as session:
        later = list(await session.scalars(select(Outbox).where(Outbox.kind == "invite").order_by(Outbox.id)))
    assert len(later) > before
    assert (later[-1].state, later[-1].reason) == (OutboxState.HELD, "talk")
    await hands_back(story)
    await member.hears("明天", "我会到")  # the reminder had waited as well, and comes first
    await member.says("1")
    await member.hears("想来吗")


# The words


async def test_what_does_not_arrive_becomes_a_call(story: Story) -> None:
    member = await story.joined()
    await story.clock.forward(days=3)  # nobody wrote for longer than the window is open
    await says(story, "在吗")
    await member.hears_not("在吗")
    (task,) = await tasks(story, "lost_spoken")
    assert task.kind is TaskKind.CALL


async def test_no_word_of_a_worker_ever_goes_as_a_card(story: Story) -> None:
    await story.joined()
    await says(story, "在吗")
    async with story.house.db.read() as session:
        (row,) = await session.scalars(select(Outbox).where(Outbox.kind == "spoken"))
    assert (row.sending_by, row.lane, row.state) == ("customer", Lane.NORMAL, OutboxState.SENT)


async def test_every_phrase_is_written_in_every_language_and_tells_nobody_anything() -> None:
    here = wording()
    names = [key for key in sorted(here.keys()) if key.startswith(("phrases.", "talking."))]
    for locale in locales():
        words = wording(locale)
        assert not words.borrowed & set(names)
        for name in names:
            assert words.needs(name) == here.needs(name)
            assert banned(words.say(name, **dict.fromkeys(words.needs(name), "")), Shows.LOCK_SCREEN) == []


async def test_a_phrase_is_said_in_words(story: Story) -> None:
    member = await story.joined()
    await says(story, phrase="when_call")
    await member.hears("王乐：", "什么时候方便接电话")
