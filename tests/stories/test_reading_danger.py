"""Danger as people write it: in pieces, in pictures, in dialect, beside an answer, about somebody else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, select

from app.activities.machine import Answer
from app.activities.models import Rsvp
from app.escalations import history
from app.escalations import service as escalations
from app.escalations.models import CaseRow, Flag
from app.escalations.states import Level, State
from app.messages.models import Inbox
from app.mood.models import MoodPrompt
from bot.simulator import Phone
from tests.conftest import MONDAY, Story
from tests.stories.visits import Visit
from tests.stories.ways import here, no_activities, outbox, registered

YELLOW, ORANGE, RED = "又失眠了", "活着没意思", "不想活了，药都攒好了"
WORRY = "千万别做傻事啊"


@pytest.fixture
async def visit(story: Story) -> AsyncIterator[Visit]:
    async with Visit(story) as opened:
        yield opened


async def the_case(story: Story) -> CaseRow:
    async with story.house.db.read() as session:
        row = await session.scalar(select(CaseRow).order_by(CaseRow.id.desc()))
        assert row is not None
        return row


async def flags(story: Story) -> list[Flag]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(Flag).order_by(Flag.id)))


async def mother_of(story: Story, member: Phone) -> Phone:
    mother = await story.phone("小河妈妈", "家属")
    await member.says("绑定家属")
    code = (await member.hears("六个数字")).splitlines()[1]
    await mother.follows()
    await mother.says(code)
    await mother.says("1")
    await mother.hears("会告诉您时间和地点")
    return mother


# As people write it


@pytest.mark.parametrize(
    ("text", "level", "category", "heard"),
    [
        ("🔪🩸", Level.ORANGE, "self_harm", "我已经转告"),
        ("💊💊💊👋", Level.RED, "suicide", "您不用一个人扛着"),
        ("wo bu xiang huo le", Level.RED, "suicide", "您不用一个人扛着"),
        ("zisha", Level.RED, "suicide", "您不用一个人扛着"),
        ("我唔想生存落去", Level.RED, "suicide", "您不用一個人撐著"),
        ("唔想做人喇", Level.RED, "suicide", "您不用一個人撐著"),
        ("我想自殺", Level.RED, "suicide", "您不用一個人撐著"),
        ("自 杀，我真的 想", Level.ORANGE, "suicide", "我已经转告"),
    ],
)
async def test_pictures_pinyin_and_cantonese_are_read_as_well(
    story: Story, text: str, level: Level, category: str, heard: str
) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(text)
    await member.hears(heard)
    await worker.sees_card("待办提醒")
    case = await the_case(story)
    assert (case.level, case.category) == (level, category)


async def test_a_mother_reports_and_it_is_about_her_son(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    mother = await mother_of(story, member)
    await mother.says("这两天药早不吃了")
    await worker.sees_card("待办提醒")
    case = await the_case(story)
    assert (case.level, case.category) == (Level.ORANGE, "third_party")
    await mother.says("把门反锁了叫他不应，我儿子说不想活了")
    await mother.hears("先不要留他一个人", "120")
    assert (await the_case(story)).level is Level.RED


async def test_the_no_beside_the_danger_is_recorded(story: Story) -> None:
    member = await story.joined()
    await member.says("不想活了，不去了")
    await member.hears("您不用一个人扛着", "记下了：来不了")
    async with story.house.db.read() as session:
        assert (await session.scalar(select(Rsvp.answer))) is Answer.NOT_GOING
    assert (await the_case(story)).level is Level.RED


@pytest.mark.parametrize("text", ["2 不想活了", "2不想活了", "２，我不想活了"])
async def test_a_number_before_the_danger_answers_the_invitation_too(story: Story, text: str) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.hears("回一个数字就行")
    await member.says(text)
    await member.hears("您不用一个人扛着", "您现在安全吗", "记下了：来不了")
    await worker.sees_card("待办提醒")
    async with story.house.db.read() as session:
        assert (await session.scalar(select(Rsvp.answer))) is Answer.NOT_GOING


async def test_a_number_before_the_danger_is_the_mood_that_was_asked_for(story: Story) -> None:
    member = await story.joined()
    await member.says("心情")
    await member.hears("点一个或回数字")
    await member.says("2 不想活了")
    heard = await member.hears("您不用一个人扛着", "您现在安全吗")
    assert "回个电话" not in heard
    async with story.house.db.read() as session:
        assert list(await session.scalars(select(MoodPrompt.score))) == [2]


async def test_two_before_the_danger_is_no_to_are_you_safe(story: Story) -> None:
    backup, member = await story.phone("李红"), await story.joined()
    await member.says(RED)
    await member.says("2 不想活了")
    await member.hears("我正在叫人")
    await backup.sees_card("待办提醒")


# In pieces


async def test_danger_split_over_two_messages_is_one_danger(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("我今晚就去")
    async with story.house.db.read() as session:
        assert await session.scalar(select(CaseRow)) is None
    await story.clock.forward(minutes=3)
    await member.says("跳河")
    await member.hears("您不用一个人扛着")
    await worker.sees_card("待办提醒")
    (flag,) = await flags(story)
    assert (flag.level, flag.rule, flag.said, flag.weighed) == (Level.RED, "suicide.plan", "跳河", "before")
    assert (flag.start, flag.end) == (0, 2)


async def test_numbers_and_commands_between_do_not_hide_it(story: Story) -> None:
    member = await story.joined()
    for text in ("不想", "2", "我的活动", "活了"):
        await member.says(text)
    await member.hears("您不用一个人扛着")
    assert (await the_case(story)).level is Level.RED


async def test_what_lies_more_than_ten_minutes_apart_is_two_messages(story: Story) -> None:
    member = await story.joined()
    await member.says("我今晚就去")
    await story.clock.forward(minutes=11)
    await member.says("跳河")
    assert await flags(story) == []


async def test_after_the_danger_harmless_words_are_harmless(story: Story) -> None:
    member = await story.joined()
    await member.says("我今晚就去")
    await member.says("跳河")
    await member.says("1")
    await member.hears("王乐看到后会联系您")
    for text in ("今天吃鱼", "明天几点", "嗯"):
        await story.clock.forward(seconds=20)
        await member.says(text)
    assert [flag.level for flag in await flags(story) if flag.category != "none"] == [Level.RED]


async def test_what_two_people_wrote_is_not_one_danger(story: Story) -> None:
    member, other = await story.joined(), await here(story, "azhu", "阿珠")
    await member.says("我今晚就去")
    await other.says("跳河")
    assert await flags(story) == []


async def test_a_stranger_is_read_in_pieces_too_and_the_pieces_stay_with_them(story: Story, visit: Visit) -> None:
    boss, stranger = await story.phone("周敏"), await story.phone("路人")
    await stranger.follows()
    await stranger.says("我今晚就去")
    await stranger.says("跳河")
    await stranger.hears("把电话写给我")
    await boss.says("接")
    page = await visit.opens(await boss.hears("已记录"))
    assert "我今晚就去" in page


async def test_two_messages_of_one_second_are_read_together_whichever_was_handled_first(story: Story) -> None:
    """Each waits for the row of the contact, so the second one always sees the first; which stood first, WeChat does
    not say (its time is exact to a second)."""
    member = await story.joined()
    await member.says("跳河")
    assert await flags(story) == []
    await member.says("我今晚就去")
    await member.hears("您不用一个人扛着")
    (flag,) = await flags(story)
    assert (flag.said, flag.weighed) == ("我今晚就去", "before")


async def test_in_the_other_order_seconds_apart_they_say_nothing(story: Story) -> None:
    member = await story.joined()
    await member.says("跳河")
    await story.clock.forward(seconds=5)
    await member.says("我今晚就去")
    assert await flags(story) == []


async def test_two_that_arrive_at_once_alert_once(story: Story) -> None:
    """The desk puts red messages before others; neither of these is red by itself, and their order stays."""
    member = await story.joined()
    openid = member.openid
    other = [asyncio.ensure_future(story.platform.message(f"o_{n}", "今天吃鱼")) for n in range(5)]
    mine = [asyncio.ensure_future(story.platform.message(openid, text)) for text in ("我今晚就去", "跳河", "在吗")]
    await asyncio.gather(*other, *mine)
    await story.clock.settle()
    red = [flag.said for flag in await flags(story) if flag.level is Level.RED]
    assert red == ["跳河"]


@pytest.mark.parametrize(("minutes", "found"), [(3, ["跳河"]), (30, [])])
async def test_what_waited_on_disk_is_read_by_when_it_was_written(
    story: Story, monkeypatch: pytest.MonkeyPatch, minutes: int, found: list[str]
) -> None:
    """Half an hour between two messages stays half an hour, although both are taken in within one second."""
    member = await story.joined()
    broken = True
    begin = story.house.db.begin

    def away() -> object:
        if broken:
            raise TimeoutError("the database is away")
        return begin()

    monkeypatch.setattr(story.house.db, "begin", away)
    await story.platform.message(member.openid, "我今晚就去")
    story.house.clock.forward(minutes=minutes)
    await story.platform.message(member.openid, "跳河")
    broken = False
    await story.clock.settle()
    async with story.house.db.read() as session:
        texts = select(Inbox.content).where(Inbox.kind == "text")
        assert list(await session.scalars(texts.order_by(Inbox.id.desc()).limit(2))) == ["跳河", "我今晚就去"]
    assert [flag.said for flag in await flags(story)] == found


# What raises it


async def test_the_third_yellow_in_seven_days_is_looked_at_today(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await no_activities(story)
    for day in (24, 26):
        await member.says(YELLOW)
        await member.says("天天哭，心里闷")  # the same outburst
        assert (await the_case(story)).level is Level.YELLOW
        await story.clock.forward_to(MONDAY.replace(day=day, hour=9))
    await worker.hears_not("今天内请联系")
    await member.says(YELLOW)
    await worker.sees_card("待办提醒")
    assert (await the_case(story)).level is Level.ORANGE
    last = (await flags(story))[-1]
    assert (last.level, last.rule, last.weighed) == (Level.ORANGE, "sleep.worse", "yellows")


async def test_three_yellows_in_ten_days_are_three_yellows(story: Story) -> None:
    member = await story.joined()
    await no_activities(story)
    for _ in range(3):
        await member.says(YELLOW)
        await story.clock.forward(days=5)
    assert {flag.level for flag in await flags(story)} == {Level.YELLOW}


async def test_what_only_joined_a_case_is_no_yellow(story: Story) -> None:
    member = await story.joined()
    await member.says(ORANGE)
    for _ in range(3):
        await story.clock.forward(hours=2)
        await member.says("云真白")
    await member.says(YELLOW)
    assert (await flags(story))[-1].level is Level.YELLOW


async def test_after_the_lowest_face_of_today_a_yellow_is_orange(story: Story) -> None:
    member = await story.joined()
    await member.says("心情")
    await member.says("1")
    await member.hears("回个电话")
    await member.says("2")
    await story.clock.forward(hours=3)
    await member.says(YELLOW)
    flag = (await flags(story))[-1]
    assert (flag.level, flag.weighed) == (Level.ORANGE, "mood")
    await story.clock.forward(days=2)
    await member.says("饭也吃不下")
    assert (await flags(story))[-1].weighed == ""


async def test_when_a_second_one_worries_it_is_looked_at_today(story: Story) -> None:
    worker, member, other = await story.phone("王乐"), await story.joined(), await here(story, "azhu", "阿珠")
    await member.says(WORRY)
    assert (await the_case(story)).level is Level.YELLOW
    await member.says("快接电话，求你了")  # the same person again is no second one
    await worker.hears_not("今天内请联系")
    await story.clock.forward(minutes=20)
    await other.says("小河在哪呢，大家都在找，别想不开")
    await worker.sees_card("待办提醒")
    flag = (await flags(story))[-1]
    assert (flag.level, flag.category, flag.rule, flag.weighed) == (
        Level.ORANGE, "third_party", "peers.worry", "worried",
    )  # fmt: skip


async def test_worry_of_an_hour_ago_raises_nothing(story: Story) -> None:
    member, other = await story.joined(), await here(story, "azhu", "阿珠")
    await member.says(WORRY)
    await story.clock.forward(minutes=31)
    await other.says(WORRY)
    assert {flag.level for flag in await flags(story)} == {Level.YELLOW}


async def test_everyday_words_of_the_worried_alarm_nobody(story: Story) -> None:
    member, other = await story.joined(), await here(story, "azhu", "阿珠")
    for text in ("你在哪", "怎么不接电话", "快回话"):
        await member.says(text)
        await other.says(text)
    assert await flags(story) == []


async def test_outbursts_are_counted_by_the_hour(story: Story) -> None:
    member = await registered(story, "xiaohe")

    async def flagged(at: datetime, category: str = "distress", level: Level = Level.YELLOW) -> None:
        async with story.house.db.begin() as session:
            await escalations.flag(session, member, level, category, rule="t", rules_version="1", said=None, now=at)

    for minutes in (0, 10, 50, 70, 80, 200):
        await flagged(MONDAY + timedelta(minutes=minutes))
    await flagged(MONDAY + timedelta(minutes=300), "third_party")
    await flagged(MONDAY + timedelta(minutes=400), "none")
    await flagged(MONDAY + timedelta(minutes=500), "suicide", Level.ORANGE)
    now, week = MONDAY + timedelta(minutes=600), MONDAY - timedelta(days=7)
    async with story.house.db.read() as session:
        assert await history.outbursts(session, member.id or 0, week, now, about_others=False) == 3
        assert await history.outbursts(session, member.id or 0, week, now, about_others=True) == 1
        at_once = MONDAY + timedelta(minutes=205)
        assert await history.outbursts(session, member.id or 0, week, at_once, about_others=False) == 2


# One case


async def test_the_same_category_again_is_appended_and_rings_nobody_anew(story: Story) -> None:
    member = await story.joined()
    await member.says(ORANGE)
    alerts = len(await outbox(story, "case_alert"))
    await member.says("活得好累")
    assert len(await outbox(story, "case_alert")) == alerts
    assert [(flag.level, flag.category) for flag in await flags(story)] == [(Level.ORANGE, "suicide")] * 2
    assert (await the_case(story)).code == "A-0001"


async def test_another_category_at_the_same_level_is_appended_and_its_owner_hears(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(ORANGE)
    await worker.says("接")
    await worker.hears("已记录")
    await member.says("昨晚我又划了手臂")
    await worker.hears("A-0001 又有新的消息")
    assert [flag.category for flag in await flags(story)] == ["suicide", "self_harm"]
    case = await the_case(story)
    assert (case.code, case.category, case.state) == ("A-0001", "suicide", State.ACKNOWLEDGED)


async def test_a_higher_level_rings_again_and_the_case_is_about_that(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("昨晚我又划了手臂")
    await worker.says("接")
    await worker.hears("已记录")
    await member.says(RED)
    await worker.hears("A-0001 更急了")
    await worker.sees_card("待办提醒")
    case = await the_case(story)
    assert (case.level, case.category, case.state, case.owner_id) == (Level.RED, "suicide", State.OPEN, None)


async def test_what_only_the_context_makes_worse_rings_again_as_well(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(ORANGE)
    await worker.says("接")
    await worker.hears("已记录")
    await member.says("我今晚就去")
    await member.says("跳河")
    await worker.hears("A-0001 更急了")
    assert (await the_case(story)).level is Level.RED


# Why, on the page of the case


async def test_the_page_marks_what_was_read_and_says_why(story: Story, visit: Visit) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("老师好，我<真的>不想活了，抱歉")
    await worker.says("接")
    page = await visit.opens(await worker.hears("已记录"))
    assert "老师好，我&lt;真的&gt;<mark>不想活了</mark>，抱歉" in page
    assert "直接说想死或不想活。" in page
    assert "<script" not in page


async def test_the_page_shows_the_messages_that_belong_to_it_and_what_raised_it(story: Story, visit: Visit) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("我今晚就去")
    await member.says("跳河")
    await worker.says("接")
    page = await visit.opens(await worker.hears("已记录"))
    shown = page[page.index("原话（点开看）") : page.index("这前后说的话")]
    assert shown.index("我今晚就去") < shown.index("<mark>跳河</mark>")
    assert "说到方式或时间。一句看不出来，和前面几句连起来才看出来。" in shown


async def test_the_page_says_what_lowered_it(story: Story, visit: Visit) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(ORANGE)
    await member.says("有首歌的歌词是我想死")
    await worker.says("接")
    page = await visit.opens(await worker.hears("已记录"))
    assert "像在说书里、戏里、新闻里的事，所以降了级。" in page


async def test_the_page_tells_the_last_mood_to_their_own_worker_only(story: Story, visit: Visit) -> None:
    worker, backup, member = await story.phone("王乐"), await story.phone("李红"), await story.joined()
    await member.says("心情")
    await member.says("3 有点累")
    await member.says(RED)
    await worker.says("接")
    assert "最近一次说的心情：3（5 最好）" in await visit.opens(await worker.hears("已记录"))
    await backup.says("协助 A-0001")
    page = await visit.opens(await backup.hears("一起处理"))
    assert "药都攒好了" in page
    assert "说的心情" not in page


async def test_the_page_tells_how_earlier_cases_ended(story: Story, visit: Visit) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(RED)
    await worker.says("接")
    assert "以前的情况" not in await visit.opens(await worker.hears("已记录"))
    await worker.says("结果 6")
    await worker.hears("已结束")
    await story.clock.forward(days=1)
    await member.says(ORANGE)
    await worker.says("接")
    page = await visit.opens(await worker.hears("已记录"))
    assert "A-0001　11月23日　▲ 紧急　误报" in page


async def test_the_answers_to_our_own_questions_have_their_reasons(story: Story, visit: Visit) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(RED)
    await worker.says("接")
    link = await worker.hears("已记录")
    await member.says("1")
    await member.says("云真白")
    await member.sends_voice()
    page = await visit.opens(link)
    assert "事情还没结束，本人又说了这句。" in page
    assert "本人又发来机器看不了的东西" in page


# What it costs


async def test_an_everyday_message_costs_one_look_and_a_number_none(story: Story) -> None:
    member, worker = await story.joined(), await story.phone("王乐")
    asked: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        words = " ".join(statement.lower().split())
        if words.startswith("select") and ("sent_at between" in words or "from flag" in words):
            asked.append(words)
        if words.startswith("select") and "mood_prompt.score is not null" in words:
            asked.append(words)

    engine = story.house.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        for phone, text, looks in (
            (member, "今天吃鱼", 1), (member, "1", 0), (member, "帮助", 0), (worker, "待办", 0), (member, RED, 0),
            (member, YELLOW, 3), (member, WORRY, 3),
        ):  # fmt: skip
            asked.clear()
            await phone.says(text)
            assert len(asked) == looks, text
    finally:
        event.remove(engine, "before_cursor_execute", note)
