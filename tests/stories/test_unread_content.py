"""A voice, a picture, a place: no program here reads them, so a person does; and they are never no answer."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.escalations.models import CaseRow, Flag
from app.escalations.states import Level, State
from app.messages import questions
from app.messages import service as messages
from app.messages.models import Contact
from app.mood.models import MoodPrompt, PromptState
from app.tasks.models import Task, TaskKind
from bot.simulator import Phone
from tests.conftest import MONDAY, Story
from tests.stories.ways import no_activities, registered, tasks

RED, ORANGE = "不想活了，药都攒好了", "活着没意思"
KINDS = ("voice", "image", "video", "shortvideo", "location", "link", "file", "emoticon")


@pytest.fixture
async def member(story: Story) -> Phone:
    return await story.joined()


async def unread(story: Story) -> list[Task]:
    return [task for task in await tasks(story, TaskKind.READ) if task.reason.startswith("unread_")]


async def open_topic(story: Story) -> str | None:
    """What the next number of 小河 means."""
    async with story.house.db.begin() as session:
        contact = await messages.contact_of(session, (await registered(story, "xiaohe")).id or 0)
        assert isinstance(contact, Contact)
        question = await questions.current(session, contact, story.house.clock.now())
        return question.topic if question else None


# Before a person


@pytest.mark.parametrize("kind", KINDS)
async def test_whatever_is_no_text_is_put_before_a_person(story: Story, member: Phone, kind: str) -> None:
    worker = await story.phone("王乐")
    await member.sends(kind)
    await member.hears("我只看得懂字", "王乐")
    page = await story.open_link(await worker.hears("请您看一下"))
    assert "机器看不了" in page or "机器听不了" in page
    assert "小河" in page
    (task,) = await unread(story)
    assert task.reason == (f"unread_{kind}" if kind != "emoticon" else "unread_other")


async def test_ten_stickers_are_one_task_and_one_message(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    for _ in range(10):
        await member.sends("image")
        await story.clock.forward(minutes=2)
    await worker.hears("请您看一下")
    (task,) = await unread(story)
    assert task.note is None


async def test_what_else_came_in_that_hour_stands_beside_it(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    for kind in ("image", "location", "image", "voice", "location"):
        await member.sends(kind)
    assert len(await unread(story)) == 1
    await worker.says("待办")
    page = await story.open_link(await worker.hears("有 1 件待办"))
    shown = [page.index(words) for words in ("发来图片", "发来位置", "发来语音")]
    assert shown == sorted(shown)
    assert (page.count("发来图片"), page.count("发来位置")) == (1, 1)
    assert "原话" not in page


async def test_the_next_hour_is_a_task_of_its_own_and_so_is_what_comes_after_it_was_done(
    story: Story, member: Phone
) -> None:
    worker = await story.phone("王乐")
    await member.sends("image")
    await story.clock.forward(minutes=61)
    await member.sends("image")
    assert len(await unread(story)) == 2
    await worker.says("办好 T-0002")
    await worker.hears("T-0002 办好了")
    for kind in ("voice", "voice", "image"):
        await member.sends(kind)
    third = (await unread(story))[2:]
    assert [(task.reason, task.note) for task in third] == [("unread_voice", "发来图片，机器看不了")]


async def test_two_people_are_two_tasks(story: Story, member: Phone) -> None:
    stranger = await story.phone("路人")
    await stranger.follows()
    await stranger.sends_voice()
    await member.sends_voice()
    assert len(await unread(story)) == 2


# Never no answer


async def test_a_voice_leaves_the_question_open_and_counts_as_no_misunderstanding(story: Story, member: Phone) -> None:
    await member.hears("回一个数字就行")
    for _ in range(3):
        await member.sends_voice()
    assert await open_topic(story) == "rsvp"
    await member.says("嗒嗒嗒")
    await member.hears("来请回 1")  # the first time that something was not understood, not the fourth
    await member.says("1")
    await member.hears("好的，给您留位了")


async def test_a_voice_to_the_mood_question_is_not_recorded_as_silence(story: Story, member: Phone) -> None:
    await no_activities(story)
    await story.wednesday(9)
    await member.says("早")  # opens the window
    await story.wednesday(16, 30)
    await member.hears("今天心情怎么样")
    await member.sends_voice()
    await story.clock.forward(days=5)
    await member.says("早")
    await story.clock.forward(days=2, hours=1)
    async with story.house.db.read() as session:
        first, *_ = await session.scalars(select(MoodPrompt).order_by(MoodPrompt.id))
    assert (first.state, first.missing_because) == (PromptState.MISSING, "unread")


async def test_without_it_the_mood_question_was_not_answered(story: Story, member: Phone) -> None:
    await no_activities(story)
    await story.wednesday(9)
    await member.says("早")
    await story.wednesday(16, 30)
    await member.hears("今天心情怎么样")
    await story.clock.forward(days=7, hours=1)
    async with story.house.db.read() as session:
        first, *_ = await session.scalars(select(MoodPrompt).order_by(MoodPrompt.id))
    assert (first.state, first.missing_because) == (PromptState.MISSING, "no answer")


async def test_a_number_after_the_voice_is_the_answer(story: Story, member: Phone) -> None:
    await no_activities(story)
    await story.wednesday(9)
    await member.says("早")
    await story.wednesday(16, 30)
    await member.hears("今天心情怎么样")
    await member.sends_voice()
    await member.says("4")
    async with story.house.db.read() as session:
        (prompt,) = await session.scalars(select(MoodPrompt))
    assert (prompt.state, prompt.missing_because, prompt.score) == (PromptState.ANSWERED, None, 4)


# While somebody is in danger


async def test_a_voice_to_are_you_safe_joins_the_case_and_its_owner_hears(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(RED)
    await worker.says("接")
    await worker.hears("已记录")
    await story.clock.forward(minutes=3)
    await member.sends_voice()
    await member.hears("我只看得懂字，已经请王乐来看", "120", "您现在安全吗")
    await worker.hears("A-0001 又有新的消息")
    await worker.hears("请您看一下")
    assert await open_topic(story) == "safe"
    async with story.house.db.read() as session:
        flags = list(await session.scalars(select(Flag).order_by(Flag.id)))
        (case,) = await session.scalars(select(CaseRow))
    assert [(flag.rule, flag.said) for flag in flags[1:]] == [("case.unread", None)]
    assert (case.level, case.state) == (Level.RED, State.ACKNOWLEDGED)


async def test_it_sets_no_clock_back(story: Story, member: Phone) -> None:
    """Nobody has taken it yet: the next person is called when it was due, whatever else they send."""
    backup = await story.phone("李红")
    await member.says(RED)
    for _ in range(3):
        await story.clock.forward(minutes=3)
        await member.sends("image")
    await story.clock.forward_to(MONDAY + timedelta(minutes=10))
    await backup.sees_card("待办提醒")


async def test_after_they_said_where_they_are_it_still_joins(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(RED)
    await worker.says("接")
    await member.says("1")
    await story.clock.forward(minutes=11)
    await member.sends("location")
    heard = await member.hears("我只看得懂字", "帮帮我")
    assert "您现在安全吗" not in heard
    await worker.hears("A-0001 又有新的消息")


async def test_a_place_from_a_stranger_in_danger_joins_their_case(story: Story) -> None:
    boss, stranger = await story.phone("周敏"), await story.phone("路人")
    await stranger.follows()
    await stranger.says("我不想活了，今晚就走")
    await boss.says("接")
    await boss.hears("已记录")
    await stranger.sends("location")
    await boss.hears("A-0001 又有新的消息")
    (task,) = await unread(story)
    assert task.reason == "unread_location"


async def test_with_a_yellow_case_a_picture_is_a_picture(story: Story, member: Phone) -> None:
    await member.says("又失眠了")
    await member.sends("image")
    await member.hears("我只看得懂字。您打几个字告诉我")
    async with story.house.db.read() as session:
        assert [flag.rule for flag in await session.scalars(select(Flag))] == ["sleep.worse"]
