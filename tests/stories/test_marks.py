"""What a worker says about what the machine read becomes a labelled row; nothing else changes by it."""

import ast
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.escalations import service as escalations
from app.escalations.models import CaseRow, Flag
from app.escalations.states import Level, State
from app.marks import service
from app.marks.models import Mark, MarkKind, Urgency, Why
from app.messages.models import Inbox
from app.people.models import House, Person, Posting, Role
from bot.screening.screener import in_force
from bot.simulator import Phone
from tests.conftest import Story
from tests.stories.visits import Visit
from tests.stories.ways import here, outbox, registered

ROOT = Path(__file__).parent.parent.parent
RED, ORANGE = "不想活了，药都攒好了", "活着没意思"
UNSEEN = "我把猫送给隔壁阿姨了"  # nothing in it is on any list


@pytest.fixture
async def member(story: Story) -> Phone:
    return await story.joined()


@pytest.fixture
async def visit(story: Story) -> AsyncIterator[Visit]:
    async with Visit(story) as opened:
        yield opened


async def marks(story: Story) -> list[Mark]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(Mark).order_by(col(Mark.id))))


async def the_mark(story: Story) -> Mark:
    (mark,) = await marks(story)
    return mark


async def cases(story: Story) -> list[CaseRow]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(CaseRow).order_by(col(CaseRow.id))))


async def a_false_alarm(story: Story, member: Phone) -> Phone:
    """王乐 has closed the case as one."""
    worker = await story.phone("王乐")
    await member.says(RED)
    for said in ("接", "结果", "6"):
        await worker.says(said)
    return worker


async def of_another_house(story: Story, name: str = "赵新") -> Phone:
    """A worker of the same programme who is posted elsewhere."""
    async with story.house.db.begin() as session:
        house = House(programme_id=1, code="haishu", name="海曙生活小站")
        session.add(house)
        await session.flush()
        now = story.house.clock.now()
        session.add(
            Person(
                programme_id=1, house_id=house.id, code="zhaoxin", name=name, role=Role.WORKER, joined_at=now,
                stopped=[],
            )
        )  # fmt: skip
        await session.flush()
    return await here(story, "zhaoxin", name)


# 误报


async def test_a_false_alarm_is_a_labelled_row_before_anybody_says_why(story: Story, member: Phone) -> None:
    worker = await a_false_alarm(story, member)
    await worker.hears("是误报，已结束", "1 玩笑", "不回也可以")
    mark = await the_mark(story)
    assert (mark.kind, mark.level, mark.category, mark.why) == (MarkKind.FALSE_ALARM, Urgency.NONE, "none", None)
    assert (mark.said, mark.speaker, mark.screen_level) == (RED, "member", Urgency.RED)
    assert (mark.rules_version, mark.model) == (
        in_force().rules.version, in_force().model.version if in_force().model else ""  # type: ignore[union-attr]
    )  # fmt: skip
    assert mark.rule.startswith(("suicide", "model"))
    assert (mark.by_id, mark.house_id) == ((await registered(story, "wangle")).id, 1)
    assert (await cases(story))[0].state is State.RESOLVED


@pytest.mark.parametrize(("said", "why"), [("1", Why.JOKE), ("4", Why.OTHERS), ("6", Why.ELSE)])
async def test_why_it_was_one_is_one_number(story: Story, member: Phone, said: str, why: Why) -> None:
    worker = await a_false_alarm(story, member)
    await worker.says(said)
    await worker.hears("记下了，谢谢您")
    assert (await the_mark(story)).why is why


async def test_the_question_may_be_left_alone_and_holds_nothing_up(story: Story, member: Phone) -> None:
    worker = await a_false_alarm(story, member)
    await worker.says("待办")
    await worker.hears("现在没有待办")
    await story.clock.forward(minutes=31)
    await worker.says("1")  # the number means nothing any more
    await worker.hears("没看懂")
    assert (await the_mark(story)).why is None


async def test_any_other_ending_marks_nothing(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(RED)
    for said in ("接", "结果", "1", "1", "1"):
        await worker.says(said)
    assert (await cases(story))[0].state is State.RESOLVED
    assert await marks(story) == []


async def test_a_cry_for_help_that_nothing_was_read_in_is_no_example(story: Story, member: Phone) -> None:
    """What they said after they were asked whether they are safe was no reading."""
    worker = await story.phone("王乐")
    await member.says(ORANGE)
    await member.says("帮帮我")
    for said in ("接", "结果", "6"):
        await worker.says(said)
    assert [mark.said for mark in await marks(story)] == [ORANGE]


async def test_practice_is_never_marked(story: Story, member: Phone) -> None:
    who = await registered(story, "xiaohe")
    async with story.house.db.begin() as session:
        ladder = await escalations.ladder_for(session, 1, Level.RED)
        row = await escalations.open_case(
            session, who, Level.RED, "suicide", ladder, story.house.clock.now(), drill=True
        )
        session.add(
            Flag(
                case_id=row.id, person_id=who.id, house_id=1, level=Level.RED, category="suicide", rule="suicide.wish",
                rules_version="1", said=RED, at=story.house.clock.now(),
            )
        )  # fmt: skip
    worker = await story.phone("王乐")
    await worker.says(f"级别 {row.code} 橙")
    await worker.hears("没有机器读出来的话")
    assert await marks(story) == []


# 级别


@pytest.mark.parametrize(
    ("said", "kind", "level", "category"),
    [
        ("橙", MarkKind.LEVEL, Urgency.ORANGE, "suicide"),
        ("黄色", MarkKind.LEVEL, Urgency.YELLOW, "suicide"),
        ("没事", MarkKind.FALSE_ALARM, Urgency.NONE, "none"),
    ],
)
async def test_real_but_not_as_urgent_changes_the_label_and_not_the_case(
    story: Story, member: Phone, said: str, kind: MarkKind, level: Urgency, category: str
) -> None:
    worker = await story.phone("王乐")
    await member.says(RED)
    before = (await cases(story))[0]
    await worker.says(f"级别 A-0001 {said}")
    await worker.hears("记下了", "这件事照旧")
    mark = await the_mark(story)
    assert (mark.kind, mark.level, mark.category, mark.screen_level) == (kind, level, category, Urgency.RED)
    after = (await cases(story))[0]
    assert (after.level, after.state, after.version) == (before.level, before.state, before.version)


async def test_the_last_word_counts(story: Story, member: Phone) -> None:
    worker, backup = await story.phone("王乐"), await story.phone("李红")
    await member.says(RED)
    await worker.says("级别 A-0001 没事")
    await backup.says("级别 A-0001 红")
    mark = await the_mark(story)
    assert (mark.level, mark.kind, mark.category) == (Urgency.RED, MarkKind.LEVEL, "suicide")
    assert mark.by_id == (await registered(story, "lihong")).id


async def test_without_a_code_it_means_what_is_in_hand(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await worker.says("级别 橙")
    await worker.hears("没有没结束的事")
    await member.says(RED)
    await worker.says("接")
    await worker.says("级别 橙")
    assert (await the_mark(story)).level is Urgency.ORANGE


async def test_how_it_is_written_is_said(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(RED)
    for said in ("级别", "级别 A-0001", "级别 A-0001 紫"):
        await worker.says(said)
        await worker.hears("请写：级别 编号")
    assert await marks(story) == []


async def test_another_house_cannot_mark(story: Story, member: Phone) -> None:
    stranger = await of_another_house(story)
    await member.says(RED)
    await member.says(UNSEEN)
    await stranger.says("级别 A-0001 没事")
    await stranger.hears("没有 A-0001 这件事")
    await stranger.says(f"漏报 红 {UNSEEN}")
    await stranger.hears("没有收到一样的话")
    mark = await the_mark(story)
    assert (mark.person_id, mark.inbox_id, mark.said) == (None, None, UNSEEN)  # words, and nobody's
    assert len(await cases(story)) == 1


async def test_whoever_is_posted_there_can(story: Story, member: Phone) -> None:
    posted = await of_another_house(story)
    async with story.house.db.begin() as session:
        session.add(Posting(person_id=(await registered(story, "zhaoxin")).id, house_id=1))
    await member.says(UNSEEN)
    await posted.says(f"漏报 黄 {UNSEEN}")
    await posted.hears("应该是“这周”")


async def test_a_counsellor_reads_nobodys_words_and_marks_none(story: Story, member: Phone) -> None:
    counsellor = await story.phone("李老师")
    await member.says(UNSEEN)
    await counsellor.says(f"漏报 {UNSEEN}")
    await counsellor.hears("漏报由社工来记")
    await member.says(RED)
    await counsellor.says("级别 A-0001 没事")
    await counsellor.hears("现在没有等人接手的事")
    assert await marks(story) == []


async def test_a_member_gives_no_orders(story: Story, member: Phone) -> None:
    await member.says(f"漏报 {UNSEEN}")
    await member.hears("没看懂")
    assert await marks(story) == []


# 漏报


async def test_what_was_missed_is_found_marked_and_acted_on(story: Story, member: Phone) -> None:
    worker, backup = await story.phone("李红"), await story.phone("王乐")
    await member.says(f"{UNSEEN}。")
    assert await cases(story) == []
    await story.clock.forward(minutes=30)
    await worker.says(f"漏报 红 {UNSEEN} ")
    await worker.hears("已经开了 A-0001", "接 A-0001")
    (case,) = await cases(story)
    assert (case.level, case.state) == (Level.RED, State.OPEN)
    await backup.sees_card("待办提醒")
    mark = await the_mark(story)
    assert (mark.kind, mark.level, mark.screen_level) == (MarkKind.MISSED, Urgency.RED, Urgency.NONE)
    assert (mark.said, mark.person_id) == (f"{UNSEEN}。", case.person_id)
    assert mark.rules_version == in_force().rules.version
    async with story.house.db.read() as session:
        flag = (await session.scalars(select(Flag))).one()
        assert (flag.rule, flag.said) == ("staff.missed", f"{UNSEEN}。")


async def test_without_a_level_it_is_for_today(story: Story, member: Phone) -> None:
    await member.says(UNSEEN)
    await (await story.phone("王乐")).says(f"漏报：{UNSEEN}")
    assert [case.level for case in await cases(story)] == [Level.ORANGE]
    assert (await the_mark(story)).level is Urgency.ORANGE


async def test_what_can_wait_opens_nothing(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(UNSEEN)
    await worker.says(f"漏报 黄 {UNSEEN}")
    await worker.hears("应该是“这周”", "没有另外叫人")
    assert await cases(story) == []
    assert (await the_mark(story)).level is Urgency.YELLOW


async def test_a_case_that_is_open_and_as_urgent_is_left_alone(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(UNSEEN)
    await member.says(RED)
    await worker.says("接")
    alerts = len(await outbox(story, "case_alert"))
    await worker.says(f"漏报 橙 {UNSEEN}")
    await worker.hears("A-0001 还开着")
    assert len(await outbox(story, "case_alert")) == alerts
    (case,) = await cases(story)
    assert (case.level, case.state) == (Level.RED, State.ACKNOWLEDGED)


async def test_one_that_is_open_and_less_urgent_rings_again(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(UNSEEN)
    await member.says(ORANGE)
    await worker.says("接")
    await worker.says(f"漏报 红 {UNSEEN}")
    (case,) = await cases(story)
    assert (case.level, case.state) == (Level.RED, State.OPEN)


async def test_words_that_never_came_are_kept_all_the_same(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await worker.says(f"漏报 红 {UNSEEN}")
    await worker.hears("没有收到一样的话", "请直接联系他")
    mark = await the_mark(story)
    assert (mark.said, mark.level, mark.inbox_id, mark.person_id) == (UNSEEN, Urgency.RED, None, None)
    assert await cases(story) == []


async def test_words_of_more_than_a_week_ago_are_not_looked_for(story: Story, member: Phone) -> None:
    await member.says(UNSEEN)
    async with story.house.db.begin() as session:
        await session.execute(update(Inbox).values(received_at=story.house.clock.now() - timedelta(days=7, minutes=1)))
    await (await story.phone("王乐")).says(f"漏报 红 {UNSEEN}")
    assert (await the_mark(story)).inbox_id is None


async def test_two_who_wrote_the_same_are_both_looked_after(story: Story, member: Phone) -> None:
    another = await here(story, "azhu", "阿珠")
    await member.says(UNSEEN)
    await another.says(UNSEEN)
    worker = await story.phone("王乐")
    await worker.says(f"漏报 红 {UNSEEN}")
    await worker.hears("已经开了 A-0001", "已经开了 A-0002")
    assert len({case.person_id for case in await cases(story)}) == 2


async def test_what_was_taken_too_lightly_is_no_miss(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(ORANGE)
    await worker.says(f"漏报 红 {ORANGE}")
    mark = await the_mark(story)
    assert (mark.kind, mark.screen_level, mark.level) == (MarkKind.LEVEL, Urgency.ORANGE, Urgency.RED)
    assert [case.level for case in await cases(story)] == [Level.RED]


async def test_marking_it_again_changes_the_one_row(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(UNSEEN)
    await worker.says(f"漏报 黄 {UNSEEN}")
    await worker.says(f"漏报 红 {UNSEEN}")
    assert (await the_mark(story)).level is Urgency.RED


@pytest.mark.parametrize("said", ["漏报", "漏报 ", "漏报 哦"])
async def test_words_are_needed(story: Story, said: str) -> None:
    worker = await story.phone("王乐")
    await worker.says(said)
    await worker.hears("请把原话贴在后面")


# The page


async def taken_on_the_page(story: Story, member: Phone, visit: Visit) -> str:
    await member.says(RED)
    await visit.opens((await (await story.phone("王乐")).sees_card("待办提醒"))["url"])
    return await visit.presses("我来处理")


async def test_one_tap_on_the_page_says_why_it_was_a_false_alarm(story: Story, member: Phone, visit: Visit) -> None:
    await taken_on_the_page(story, member, visit)
    page = await visit.presses("玩笑")
    assert "已记：误报　玩笑" in page
    mark = await the_mark(story)
    assert (mark.kind, mark.why, mark.via) == (MarkKind.FALSE_ALARM, Why.JOKE, "page")
    assert (await cases(story))[0].state is State.ACKNOWLEDGED  # it ends by its result alone


async def test_one_tap_says_that_it_is_real_and_how_urgent(story: Story, member: Phone, visit: Visit) -> None:
    await taken_on_the_page(story, member, visit)
    assert "已记：是真的，应该是　● 今天" in await visit.presses("● 今天")
    assert (await the_mark(story)).level is Urgency.ORANGE


async def test_a_result_on_the_page_marks_it_and_the_page_asks_why(story: Story, member: Phone, visit: Visit) -> None:
    await taken_on_the_page(story, member, visit)
    page = await visit.presses("记下结果", outcome="false_alarm")
    assert "已经结束" in page
    assert (await the_mark(story)).why is None
    assert visit.buttons == [
        "玩笑", "引用别人的话", "以前的事", "说的是别人", "词的意思不一样", "别的", "▲ 紧急", "● 今天", "○ 这周",
    ]  # fmt: skip
    await visit.presses("引用别人的话")
    assert (await the_mark(story)).why is Why.QUOTE


@pytest.mark.parametrize("sent", [{"level": "purple"}, {"why": "because", "level": "none"}])
async def test_a_mark_that_no_button_sends_is_refused(
    story: Story, member: Phone, visit: Visit, sent: dict[str, str]
) -> None:
    await taken_on_the_page(story, member, visit)
    await visit.presses(visit.form("玩笑"), **sent)
    assert visit.status == 422
    assert await marks(story) == []


async def test_a_token_made_for_something_else_marks_nothing(story: Story, member: Phone, visit: Visit) -> None:
    await taken_on_the_page(story, member, visit)
    other = visit.form("已联系上").fields["token"]
    await visit.presses(visit.form("玩笑"), token=other)
    assert visit.status == 410
    assert await marks(story) == []


# Nothing learns by itself


async def test_marks_change_nothing_about_what_is_read(story: Story, member: Phone) -> None:
    before, read = in_force(), in_force().read(RED)
    worker = await a_false_alarm(story, member)
    await worker.says("1")
    await member.says(UNSEEN)
    await worker.says(f"漏报 红 {UNSEEN}")
    await story.clock.forward(hours=1)
    assert in_force() is before
    assert in_force().read(RED) == read
    assert in_force().read(UNSEEN).level == 0


def test_every_flag_that_no_reading_led_to_is_known_as_such() -> None:
    """`escalations.flag(…, rule="…")` with a name of ours: screening said nothing of those words."""
    named = {
        keyword.value.value
        for file in [*ROOT.glob("app/**/*.py"), *ROOT.glob("bot/**/*.py")]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "rule" and isinstance(keyword.value, ast.Constant)
    }
    assert named == service.NOT_READ
