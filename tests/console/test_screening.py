"""The screening desk: marks, what was missed, the rules and how they fare, and a new book that is tried first."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.escalations.models import CaseRow, Flag
from app.marks.models import Mark, MarkKind, Urgency, Why
from app.people.models import House, Person, Programme, Reach, Role
from bot import trial
from bot.screening.loader import PROBLEMS
from bot.screening.screener import in_force, shipped
from bot.simulator import Phone
from bot.wording import wording
from tests.conftest import Story
from tests.console.clerk import Clerk
from tests.stories.ways import here
from tests.test_screen_command import BALLOON, broken, changed, rows, the_bell_rings, uses

HERE = "/console/screening"
RED, ORANGE, UNSEEN = "不想活了，药都攒好了", "活着没意思", "我把猫送给隔壁阿姨了"


@pytest.fixture
async def member(story: Story) -> Phone:
    return await here(story)


async def marks(story: Story) -> list[Mark]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(Mark).order_by(col(Mark.id))))


async def somebody(story: Story, name: str, role: Role, *, programme: str = "", house: str = "") -> None:
    """One more of the staff: of another house or another programme, if these are named."""
    async with story.house.db.begin() as session:
        programme_id, house_id = 1, 1
        if programme:
            row = Programme(code=programme, name=programme)
            session.add(row)
            await session.flush()
            programme_id = row.id or 0
        if programme or house:
            place = House(programme_id=programme_id, code=house or programme, name=f"{house or programme}小站")
            session.add(place)
            await session.flush()
            house_id = place.id or 0
        session.add(
            Person(
                programme_id=programme_id, house_id=house_id, code=f"staff-{name}", role=role, name=name, stopped=[],
                joined_at=story.house.clock.now(),
            )
        )  # fmt: skip


# What was read


async def test_a_reading_is_marked_with_one_tap_and_says_who_and_when(story: Story, member: Phone) -> None:
    await member.says(RED)
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens(HERE)
        assert "还有 1 句没人说过对不对" in page
        assert "小河（" in page
        assert re.search(r"<details><summary>看原话</summary><blockquote>.*不想活了", page)
        page = await wangle.presses("玩笑")
        assert "记下了，谢谢您" in page
        assert "还有 0 句" in page
        page = await wangle.opens(f"{HERE}?show=false_alarm")
        assert "✓ 误报：玩笑" in page
        assert "王乐，" in page
        await wangle.presses("● 今天")
        page = await wangle.opens(f"{HERE}?show=real")
        assert "✓ 是真的，应该是 ● 今天" in page
    (mark,) = await marks(story)
    assert (mark.kind, mark.level, mark.why, mark.said) == (MarkKind.LEVEL, Urgency.ORANGE, None, RED)
    async with story.house.db.read() as session:
        (case,) = await session.scalars(select(CaseRow))
    assert case.owner_id is None  # a label changes nothing of its case


async def test_any_reading_of_a_case_can_be_marked_not_only_the_newest(story: Story, member: Phone) -> None:
    await member.says(ORANGE)
    await story.clock.forward(minutes=20)
    await member.says(RED)
    async with Clerk(story, "李红") as lihong:
        await lihong.opens(HERE)
        await lihong.presses("以前的事", nth=1)
    (mark,) = await marks(story)
    assert (mark.said, mark.why, mark.screen_level) == (ORANGE, Why.PAST, Urgency.ORANGE)


async def test_what_was_read_long_ago_and_what_no_reading_led_to_is_not_asked_about(
    story: Story, member: Phone
) -> None:
    await member.says(RED)
    await member.says("帮帮我")
    async with Clerk(story, "王乐") as wangle:
        assert "还有 1 句" in await wangle.opens(HERE)
        async with story.house.db.begin() as session:
            for flag in await session.scalars(select(Flag)):
                flag.at -= timedelta(days=29)
        assert "这里没有" in await wangle.opens(HERE)


async def test_long_lists_come_in_pages(story: Story, member: Phone) -> None:
    await member.says(RED)
    async with story.house.db.begin() as session:
        (flag,) = await session.scalars(select(Flag))
        for _ in range(24):
            session.add(Flag(**flag.model_dump(exclude={"id"})))
    async with Clerk(story, "王乐") as wangle:
        seen: list[str] = []
        page = await wangle.opens(HERE)
        for _ in range(3):
            seen += re.findall(r'id="r(\d+)"', page)
            assert len(page.encode()) < 21_000  # beside the style and the script it stays below 80 kB
            further = re.search(r'href="([^"]*before=\d+)"', page)
            if further:
                page = await wangle.opens(further.group(1).replace("&amp;", "&"))
        assert len(seen) == len(set(seen)) == 25


async def test_another_house_has_no_such_reading(story: Story, member: Phone) -> None:
    await member.says(RED)
    await somebody(story, "赵新", Role.WORKER, house="haishu")
    async with Clerk(story, "赵新") as stranger:
        assert "这里没有" in await stranger.opens(HERE)
        csrf = stranger.csrf
        assert RED not in await stranger.opens(f"{HERE}?marked=1")
        assert stranger.status == 404
        for said in ("joke", "nonsense"):
            await stranger.posts(f"{HERE}/readings/1", [("csrf", csrf), ("as", said)])
            assert stranger.status == 404
    assert await marks(story) == []


@pytest.mark.parametrize("said", ["none", "purple", "", "else "])
async def test_a_mark_that_no_button_sends_is_refused(story: Story, member: Phone, said: str) -> None:
    await member.says(RED)
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens(HERE)
        await wangle.posts(f"{HERE}/readings/1", [("csrf", wangle.csrf), ("as", said)])
        assert wangle.status == 400
    assert await marks(story) == []


async def test_marks_are_counted_by_week(story: Story, member: Phone) -> None:
    await member.says(RED)
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens(HERE)
        await wangle.presses("玩笑")
        await wangle.opens(f"{HERE}/missed")
        await wangle.presses("记下漏报", words="从来没有收到过的话", level="yellow")
        async with story.house.db.begin() as session:
            for mark in await session.scalars(select(Mark)):
                mark.at -= timedelta(days=7)
        page = await wangle.opens(HERE)
    cells = re.findall(r"<tr><th scope=\"row\">([^<]*)</th>((?:<td class=\"n\">\d+</td>)+)", page)
    assert [re.findall(r">(\d+)<", counts) for _day, counts in cells][:2] == [
        ["0", "0", "0", "0"], ["1", "1", "0", "2"],
    ]  # fmt: skip
    assert len(cells) == 8


# What was missed


async def test_what_was_missed_is_looked_for_and_acted_on(story: Story, member: Phone) -> None:
    await member.says(UNSEEN)
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens(f"{HERE}/missed")
        page = await wangle.presses("记下漏报", words=UNSEEN, level="red")
        assert "1 个人写过。已经叫人：A-0001" in page
        assert "应该是 ▲ 马上 · 机器读成 没事" in page
        page = await wangle.presses("记下漏报", words=UNSEEN, level="red")
        assert "A-0001 还开着" in page
    (mark,) = await marks(story)
    assert (mark.kind, mark.level) == (MarkKind.MISSED, Urgency.RED)


async def test_words_that_nobody_wrote_are_kept_and_that_is_said(story: Story, member: Phone) -> None:
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens(f"{HERE}/missed")
        page = await wangle.presses("记下漏报", words=UNSEEN, level="orange")
        assert "请直接联系他" in page
        assert "没有找到是谁写的" in page


async def test_what_is_missing_in_the_form_is_said_and_nothing_typed_is_lost(story: Story, member: Phone) -> None:
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens(f"{HERE}/missed")
        page = await wangle.presses("记下漏报", words=UNSEEN)
        assert wangle.status == 422
        assert "请选应该多急" in page
        assert UNSEEN in page
        await wangle.presses("记下漏报", words="哦", level="red")
        assert "2 到 1000 个字" in wangle.page
        long = "啊" * 1000  # as much as the form allows arrives
        await wangle.presses("记下漏报", words=long, level="yellow")
        assert wangle.status == 200
    assert [mark.said for mark in await marks(story)] == [long]


async def test_what_the_address_says_is_not_repeated(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens(f"{HERE}/missed?people=2&level=red&opened=1&cases=打电话给骗子")
        assert "骗子" not in page


# Rules


async def test_every_rule_stands_there_with_its_examples_and_how_it_fares(story: Story, member: Phone) -> None:
    await member.says(RED)
    rule = in_force().read(RED).hits[0].rule
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens(f"{HERE}/rules?q={rule}")
        assert shipped().rules.version in page
        assert "30 天里因为它叫人 1 次" in page
        assert "知道结果的只有 0 次，太少" in page
        async with story.house.db.begin() as session:
            (flag,) = await session.scalars(select(Flag))
            for _ in range(5):
                session.add(Flag(**flag.model_dump(exclude={"id"})))
        await wangle.opens(HERE)
        await wangle.presses("玩笑")
        for _ in range(4):
            await wangle.opens(HERE)
            await wangle.presses("▲ 马上")
        page = await wangle.opens(f"{HERE}/rules?q={rule}")
        assert "30 天里因为它叫人 6 次" in page
        assert "知道结果的 5 次里，对的 4 次（80%）" in page
        seen = ""
        for number in range(1, 9):
            seen += await wangle.opens(f"{HERE}/rules?page={number}")
        for one in in_force().rules.rules:
            assert f"<h2>{one.id}</h2>" in seen
        assert "没有这样的规则" in await wangle.opens(f"{HERE}/rules?q=没有这种东西")
        assert "看过" in seen or "还没有医生看过" in seen


async def test_a_worker_reads_rules_and_changes_none(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        assert "换规则" not in await wangle.opens(f"{HERE}/rules")
        csrf = wangle.csrf
        for path in ("book", "book/text", "drafts/1", "back"):
            await wangle.opens(f"{HERE}/{path}")
            assert wangle.status == 404
        for path in ("drafts", "drafts/1/use", "back"):
            await wangle.posts(f"{HERE}/{path}", [("csrf", csrf)])
            assert wangle.status == 404
    async with Clerk(story, "李老师") as counsellor:
        for path in ("", "/missed", "/rules", "/book"):
            await counsellor.opens(HERE + path)
            assert counsellor.status == 404


# Another book


async def hands_in(clerk: Clerk, source: str) -> str:
    await clerk.opens(f"{HERE}/book")
    return await clerk.presses("先看看会改变什么", source=source)


async def test_a_new_book_is_tried_and_then_put_in_force_and_taken_back(story: Story, member: Phone) -> None:
    await member.says(BALLOON)
    async with Clerk(story, "周敏") as zhoumin:
        page = await hands_in(zhoumin, changed())
        assert zhoumin.status == 200
        assert "没事 → ▲ 马上　1 句" in page
        assert re.search(r"test\.balloon</th><td>新对上的</td><td class=\"n\">1</td>", page)
        assert f"<blockquote>{BALLOON}</blockquote>" in page
        assert await rows(story) == []  # nothing is in force by looking
        page = await zhoumin.presses("生效", note="气球")
        assert "第 1 份规则（t2+" in page
        await the_bell_rings(story)
        assert in_force().rules.version.startswith("t2+")
        (row,) = await rows(story)
        assert (row.by, row.note, row.source) == ("周敏", "气球", changed())
        await zhoumin.opens(f"{HERE}/back")
        assert "▲ 马上 → 没事　1 句" in zhoumin.page
        page = await zhoumin.presses("换回去")
        assert "第 2 份规则" in page
        await the_bell_rings(story)
        assert in_force().rules == shipped().rules
        await zhoumin.opens(f"{HERE}/back")
        assert "前面没有别的了" in zhoumin.page


async def test_the_load_of_a_day_is_said_for_each_house_and_its_workers(story: Story, member: Phone) -> None:
    for _ in range(3):
        await member.says(BALLOON)
        await story.clock.forward(hours=7)  # the last one is at night
    async with Clerk(story, "周敏") as zhoumin:
        page = await hands_in(zhoumin, changed())
    line = re.search(r"<tr><th scope=\"row\">段塘[^<]*</th>(.*?)</tr>", page)
    assert line is not None
    # three alarms in thirty days, one of them at night, for two workers
    assert re.findall(r">([^<]+)</td>", line.group(1)) == ["0.0 → 0.1", "0.0 → 0.0", "2", "0.0 → 0.1"]


async def test_what_is_wrong_with_a_file_is_said_with_its_line_and_the_file_is_not_lost(story: Story) -> None:
    source = broken()
    line = next(n for n, said in enumerate(source.splitlines(), 1) if "test.balloon" in said)
    async with Clerk(story, "周敏") as zhoumin:
        page = await hands_in(zhoumin, source)
        assert zhoumin.status == 422
        number = int(re.findall(r"第 (\d+) 行", page)[0])
        assert line < number < line + 20
        assert "examples_neg" in source.splitlines()[number - 1]
        assert f"规则 test.balloon的 examples_neg：例子「{BALLOON}」不应该读成 ▲ 马上" in page
        assert zhoumin.button("先看看会改变什么").form.fields["source"].strip() == source.strip()
        page = await hands_in(zhoumin, "version: a\nwords: [1,\nrules: b: c\n")
        assert "第 3 行" in page
        page = await zhoumin.presses("先看看会改变什么", source=changed())  # mended in place
        assert "新对上的" in page or "没有一句变了级别" in page
    assert await rows(story) == []


async def test_a_file_that_is_empty_or_too_long_is_refused_with_a_sentence(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        assert "请把规则文件的文字贴进来" in await hands_in(zhoumin, "  ")
        assert "超过 200 KB" in await hands_in(zhoumin, "# 很长\n" * 30_000)
        assert zhoumin.status == 422
        await hands_in(zhoumin, changed() + "# 长\n" * 15_000)  # well over what came with the program
        assert zhoumin.status == 200


async def test_what_loses_a_red_message_needs_a_word(story: Story, member: Phone) -> None:
    await uses(story, changed())
    await the_bell_rings(story)
    await member.says(BALLOON)
    async with Clerk(story, "周敏") as zhoumin:
        page = await hands_in(zhoumin, changed(balloon="orange", version="t3"))
        assert "注意：1 句原来是 ▲ 马上，换了就不是了" in page
        page = await zhoumin.presses("生效", note="写过的理由")
        assert "没有换：请先勾选" in page
        assert zhoumin.button("生效").form.fields["note"] == "写过的理由"
        assert len(await rows(story)) == 1
        page = await zhoumin.presses("生效", even_so="yes")
        assert "第 2 份规则" in page


async def test_nothing_is_put_in_force_that_nobody_has_looked_at(story: Story) -> None:
    """A forged form, another's button, an old one, and one of another draft change nothing."""
    await somebody(story, "孙工", Role.ADMINISTRATOR)
    async with Clerk(story, "周敏") as zhoumin, Clerk(story, "孙工") as sungong:
        await hands_in(zhoumin, changed())
        button, csrf = zhoumin.button("生效"), zhoumin.csrf
        looked = button.form.fields["looked"]
        for forged in ("", "x", looked[:-2]):
            await zhoumin.posts(f"{HERE}/drafts/1/use", [("csrf", csrf), ("looked", forged)])
            assert "页放得太久了" in zhoumin.page
        await sungong.opens(f"{HERE}/book")
        await sungong.posts(f"{HERE}/drafts/1/use", [("csrf", sungong.csrf), ("looked", looked)])
        await sungong.posts(f"{HERE}/drafts/1/use", [("csrf", csrf), ("looked", looked)])
        assert sungong.status == 400
        await zhoumin.posts(f"{HERE}/drafts/1/use", [("looked", looked)])
        assert zhoumin.status == 400
        await hands_in(zhoumin, changed(version="t3"))
        await zhoumin.posts(f"{HERE}/drafts/2/use", [("csrf", csrf), ("looked", looked)])
        await zhoumin.posts(f"{HERE}/back", [("csrf", csrf), ("looked", looked)])
        assert await rows(story) == []
        await story.clock.forward(hours=1, minutes=1)
        await zhoumin.presses(button)
        assert "放得太久了" in zhoumin.page
    assert await rows(story) == []


async def test_somebody_was_quicker(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        await hands_in(zhoumin, changed())
        button = zhoumin.button("生效")
        await uses(story, changed(version="t9"))
        assert "刚才有人换了规则" in await zhoumin.presses(button)
        await zhoumin.presses("生效")
        assert "第 2 份规则" in zhoumin.page
        assert "没有换：这份规则已经在用了" in await zhoumin.presses(button)
    assert len(await rows(story)) == 2


async def test_whoever_runs_the_programme_changes_rules_and_reads_nobodys_words(story: Story, member: Phone) -> None:
    await somebody(story, "孙工", Role.ADMINISTRATOR)
    await member.says(BALLOON)
    await member.says(RED)
    async with Clerk(story, "孙工") as sungong:
        page = await sungong.opens(HERE)
        assert sungong.at.endswith("/rules")
        assert "读到的话" not in page
        page = await hands_in(sungong, changed())
        assert "没事 → ▲ 马上　1 句" in page
        assert "段塘" in page
        for words in (BALLOON, RED, "小河", "攒好"):
            assert words not in page
        await sungong.presses("生效")
        assert "第 1 份规则" in sungong.page
        await sungong.opens(f"{HERE}/missed")
        assert sungong.status == 404


async def test_rules_are_everybodys_and_one_programme_of_two_does_not_change_them(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        await hands_in(zhoumin, changed())
        await somebody(story, "钱督导", Role.SUPERVISOR, programme="yinzhou")
        assert "只有管着全部小站的人能换" in await zhoumin.opens(f"{HERE}/book")
        await zhoumin.opens(f"{HERE}/drafts/1")
        assert zhoumin.status == 404
    await somebody(story, "孙工", Role.ADMINISTRATOR)
    async with story.house.db.begin() as session:
        other = (await session.scalars(select(Person).where(col(Person.code) == "staff-钱督导"))).one()
        other.role = Role.ADMINISTRATOR
    async with Clerk(story, "钱督导") as stranger:
        await stranger.opens(f"{HERE}/drafts/1")
        assert stranger.status == 404  # it was handed in elsewhere


async def test_whoever_looks_after_a_part_of_the_houses_changes_no_rules(story: Story) -> None:
    await somebody(story, "孙工", Role.ADMINISTRATOR, house="haishu")
    async with story.house.db.begin() as session:
        sungong = (await session.scalars(select(Person).where(col(Person.code) == "staff-孙工"))).one()
        sungong.reach = Reach.HOUSE
    async with Clerk(story, "孙工") as part:
        assert "只有管着全部小站的人能换" in await part.opens(f"{HERE}/book")
        csrf = part.csrf
        for path in ("book/text", "back"):
            await part.opens(f"{HERE}/{path}")
            assert part.status == 404
        await part.posts(f"{HERE}/drafts", [("csrf", csrf), ("source", "version: a")])
        assert part.status == 404


async def test_the_file_in_force_can_be_had(story: Story) -> None:
    await uses(story, changed())
    async with Clerk(story, "周敏") as zhoumin:
        assert await zhoumin.opens(f"{HERE}/book/text") == changed()
        assert "attachment" in zhoumin.headers["content-disposition"]


async def test_a_month_that_is_too_long_is_said(story: Story, member: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MOST", 2)
    for said in ("早上好", BALLOON, "下午见", BALLOON):
        await member.says(said)
    async with Clerk(story, "周敏") as zhoumin:
        page = await hands_in(zhoumin, changed())
    assert "只读了最新的 2 句" in page


def test_whatever_can_be_wrong_with_a_file_has_a_sentence() -> None:
    words = wording()
    for code, plain in PROBLEMS.items():
        needed = set(re.findall(r"\{(\w+)", plain))
        assert words.needs(f"console_screening.problem_{code}") <= needed
