"""How are you: asked only of those who agreed, once a week, and never pushed."""

import pytest
from sqlalchemy import select

from app.escalations.models import CaseRow, Flag
from app.escalations.states import Level
from app.mood.models import MoodPrompt, PromptState
from bot.simulator import Phone
from tests.conftest import MONDAY, Story

ASK = (16, 30)


async def prompts(story: Story) -> list[MoodPrompt]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(MoodPrompt).order_by(MoodPrompt.id)))


async def asked(story: Story) -> Phone:
    """A member who came on Wednesday, so that we may write to them, and is asked."""
    member = await story.joined()
    await story.wednesday(13, 40)
    await member.says("1")
    await story.wednesday(*ASK)
    await member.hears("今天心情怎么样", "不想说也可以不回")
    return member


async def test_who_did_not_agree_is_never_asked(story: Story) -> None:
    member = await story.joined(mood=False)
    await story.wednesday(13, 40)
    await member.says("1")
    await story.wednesday(20)
    await member.hears_not("心情")
    assert await prompts(story) == []


@pytest.mark.parametrize(
    ("said", "score", "note", "heard"),
    [
        ("5", 5, None, "记下了，真好"),
        ("心情4", 4, None, "记下了，真好"),
        ("😐", 3, None, "想说一句吗"),
        ("3 有点累", 3, "有点累", "记下了，谢谢您"),
        ("２。", 2, None, "要不要王乐给您回个电话"),
        ("很难受", 1, None, "要不要王乐给您回个电话"),
    ],
)
async def test_a_member_answers_in_their_own_way(
    story: Story, said: str, score: int, note: str | None, heard: str
) -> None:
    member = await asked(story)
    await member.says(said)
    await member.hears(heard)
    answer = (await prompts(story))[-1]
    assert (answer.score, answer.note, answer.state) == (score, note, PromptState.ANSWERED)


async def test_a_sentence_may_follow_the_number(story: Story) -> None:
    member = await asked(story)
    await member.says("4")
    await member.says("今天包了饺子，大家都说好吃")
    await member.hears("记下了，谢谢您")
    assert (await prompts(story))[-1].note == "今天包了饺子，大家都说好吃"


async def test_who_feels_low_and_wants_a_call_gets_one_today(story: Story) -> None:
    worker, member = await story.phone("王乐"), await asked(story)
    await member.says("2")
    await member.says("1")
    await member.hears("我跟王乐说了")
    await worker.sees_card("待办提醒")
    async with story.house.db.read() as session:
        flag = await session.scalar(select(Flag))
        assert flag is not None
        assert (flag.level, flag.rule) == (Level.ORANGE, "mood.wants-a-call")


async def test_who_feels_low_and_wants_no_call_is_left_in_peace(story: Story) -> None:
    worker, member = await story.phone("王乐"), await asked(story)
    await member.says("2")
    await member.says("2")
    await member.hears("随时回：找人")
    await worker.hears_not("待办")


async def test_the_lowest_face_twice_running_asks_for_a_person(story: Story) -> None:
    member = await asked(story)
    await member.says("1")
    await member.says("2")
    await member.says("心情1")
    async with story.house.db.read() as session:
        rules = list(await session.scalars(select(Flag.rule)))
    assert rules == ["mood.lowest-twice"]


async def test_no_answer_is_a_gap_with_its_reason_and_never_a_zero(story: Story) -> None:
    member = await asked(story)
    await story.clock.forward_to(MONDAY.replace(month=12, day=2, hour=16, minute=31))
    first, second = await prompts(story)
    assert (first.state, first.score, first.missing_because) == (PromptState.MISSING, None, "no answer")
    # A week without a word from them: the window is closed, and a card would say too much.
    assert (second.state, second.missing_because) == (PromptState.MISSING, "no channel")
    await member.hears_not("卡片")


async def test_nobody_is_asked_how_they_are_while_a_red_case_is_open(story: Story) -> None:
    member = await story.joined()
    await story.wednesday(13, 40)
    worker = await story.phone("王乐")
    await member.says("不想活了，药都攒好了")
    await worker.says("接")
    await worker.says("已联系")
    await story.wednesday(17)
    await member.hears_not("今天心情怎么样")
    assert [p.missing_because for p in await prompts(story)] == ["open case"]


async def test_a_two_is_a_mood_when_mood_was_asked_and_a_no_when_coming_was_asked(story: Story) -> None:
    member = await asked(story)
    await member.says("2")
    await member.hears("回个电话")
    await member.says("2")
    await member.says("改")
    await member.hears("现在是：周五书法")
    await member.says("2")
    await member.hears("知道了，没关系")
    assert [p.score for p in await prompts(story)] == [2]
    async with story.house.db.read() as session:
        assert list(await session.scalars(select(CaseRow))) == []
