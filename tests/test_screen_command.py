"""`tongxing screen rules|marks|propose`: rules are looked at before they are switched on, and can be taken back."""

import json
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select, update
from sqlmodel import col

from app import doctor
from app import screen_marks_command as marks_command
from app import screen_rules_command as command
from app.clock import Clock
from app.marks import books
from app.marks.models import Mark, RuleBook
from app.messages.models import Inbox
from bot.keeper import RULES as RULES_BELL
from bot.keeper import RuleKeeper
from bot.screening.loader import CATEGORIES, RULES
from bot.screening.reading import Level
from bot.screening.screener import in_force, put_in_force, shipped
from bot.simulator import Phone
from tests.conftest import Story, open_story
from tests.stories.ways import alarms, here

RED = "不想活了，药都攒好了"
BALLOON = "我要放那个紫色气球了"  # a sentence that only the rules of this test know
LANGUAGES = ("zh-Hans", "zh-Hant", "yue", "en", "mixed", "pinyin")


def changed(*, balloon: str = "red", without: tuple[str, ...] = (), version: str = "t2") -> str:
    """The rules that came with the program, with one more, or with some fewer."""
    book = yaml.safe_load(RULES.read_text("utf-8"))
    book["version"] = version
    book["rules"] = [rule for rule in book["rules"] if rule["id"] not in without]
    if balloon:
        book["rules"].append(
            {
                "id": "test.balloon", "level": balloon, "category": "suicide", "any": ["紫色气球"],
                "examples_pos": [BALLOON, "紫色气球"], "examples_neg": ["红色气球", "不会有紫色气球"],
                "author": "test", "since": "2026-11-23", "reason": "a test",
            }
        )  # fmt: skip
    text: str = yaml.safe_dump(book, allow_unicode=True, sort_keys=False)
    return text


def broken() -> str:
    """A file whose own examples do not do what they say."""
    return changed().replace("红色气球", BALLOON)


class Screen:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def show(self, line: str) -> None:
        self.lines.append(line)

    @property
    def said(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
async def member(story: Story) -> Phone:
    return await here(story)


async def checks(story: Story, source: str, screen: Screen, *, texts: bool = False) -> str:
    await command.check(story.settings, story.house.clock, source, screen.show, texts=texts)
    return screen.said


async def uses(story: Story, source: str, **more: Any) -> str:
    return await command.use(story.settings, story.house.clock, source, **more)


async def put(story: Story, source: str | None, version: str = "") -> int:
    """A row as no command of this version writes it."""
    async with story.house.db.begin() as session:
        row = RuleBook(source=source, version=version, at=story.house.clock.now())
        session.add(row)
        await session.flush()
        return row.id or 0


async def the_bell_rings(story: Story) -> None:
    """As it does every few seconds in every process."""
    await story.house.tower.bells[RULES_BELL].drain()


async def it_came(story: Story, ago: timedelta) -> None:
    """Everything that came in so far came in so long ago."""
    async with story.house.db.begin() as session:
        await session.execute(update(Inbox).values(received_at=story.house.clock.now() - ago))


async def rows(story: Story) -> list[RuleBook]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(RuleBook).order_by(col(RuleBook.id))))


# Looking


async def test_what_would_change_is_counted_by_day_level_and_rule_and_no_words_are_shown(
    story: Story, member: Phone, screen: Screen
) -> None:
    await member.says(BALLOON)
    await it_came(story, timedelta(days=1))
    await member.says("我想放紫色气球 下午去")
    await member.says(RED)
    said = await checks(story, changed(), screen)
    assert "30 天里读了 3 句" in said
    assert "11-22　红 0→1　橙 0→0　黄 0→0" in screen.lines
    assert "11-23　红 1→2　橙 0→0　黄 0→0" in screen.lines
    assert "一共　红 1→3　橙 0→0　黄 0→0" in screen.lines
    assert "新响的　test.balloon　2 句　M-1 M-2" in screen.lines
    assert "更急的 2 句，没那么急的 0 句。" in screen.lines
    assert not any(word in said for word in ("气球 下午", BALLOON, RED, "小河"))
    assert await rows(story) == []


async def test_what_would_be_lost_is_named_by_number(story: Story, member: Phone, screen: Screen) -> None:
    await put(story, changed(), "t2")
    await the_bell_rings(story)
    await member.says(BALLOON)
    said = await checks(story, changed(balloon="", version="t3"), screen)
    assert "不再响的　test.balloon　1 句　M-1" in screen.lines
    assert "注意：1 句原来是红的，用新规则就不红了：M-1" in said


async def test_the_words_behind_it_are_shown_only_when_they_are_asked_for(
    story: Story, member: Phone, screen: Screen
) -> None:
    await member.says(f"{BALLOON}\x9b31m真的")
    await member.says("明天几点")
    await checks(story, changed(), screen, texts=True)
    assert screen.lines[-1] == f"M-1　{BALLOON} 31m真的"  # and nothing in them drives the terminal


async def test_a_month_is_read_without_staff_and_without_bare_commands(
    story: Story, member: Phone, screen: Screen
) -> None:
    await member.says(BALLOON)
    await it_came(story, timedelta(days=31))
    await member.says("帮助")
    await (await story.phone("王乐")).says(BALLOON)
    await member.says("明天几点")
    said = await checks(story, changed(), screen)
    assert "30 天里读了 1 句" in said
    assert "新响的" not in said


async def test_danger_in_two_pieces_is_read_as_it_was(story: Story, member: Phone, screen: Screen) -> None:
    await member.says("我要放紫色")
    await member.says("气球")
    await checks(story, changed(), screen)
    assert "新响的　test.balloon　1 句　M-2" in screen.lines


@pytest.mark.parametrize("source", [broken(), "rules: []", changed(version="a-version-that-is-much-too-long")])
async def test_a_bad_file_is_refused_and_nothing_is_changed(story: Story, screen: Screen, source: str) -> None:
    for does in (checks(story, source, screen), uses(story, source)):
        with pytest.raises(ValueError, match="这份规则不能用"):
            await does
    assert await rows(story) == []
    assert in_force() is shipped()


# Switching on, and taking back


async def test_a_book_is_in_force_within_seconds_and_its_flags_say_so(story: Story, member: Phone) -> None:
    said = await uses(story, changed(), by="周医生", note="气球")
    assert "第 1 份规则（t2+" in said
    await the_bell_rings(story)
    assert in_force().rules.version.startswith("t2+")
    await member.says(BALLOON)
    await (await story.phone("王乐")).sees_card("待办提醒")
    (book,) = await rows(story)
    assert (book.by, book.note, book.version) == ("周医生", "气球", in_force().rules.version)
    await (await story.phone("王乐")).says("级别 A-0001 没事")
    async with story.house.db.read() as session:
        mark = (await session.scalars(select(Mark))).one()
    assert (mark.rule, mark.rules_version) == ("test.balloon", book.version)


async def test_back_brings_the_earlier_one_again_and_adds_a_row(story: Story, member: Phone) -> None:
    clock = story.house.clock
    await uses(story, changed())
    await uses(story, changed(balloon="orange", version="t3"))
    assert "换回了第 1 份规则（t2+" in await command.back(story.settings, clock, by="王乐")
    await the_bell_rings(story)
    assert in_force().read(BALLOON).level is Level.RED
    assert "换回了程序自带的规则" in await command.back(story.settings, clock)
    await the_bell_rings(story)
    assert in_force().rules == shipped().rules
    with pytest.raises(ValueError, match="前面没有别的了"):
        await command.back(story.settings, clock)
    assert [(row.id, row.again_of) for row in await rows(story)] == [(1, None), (2, None), (3, 1), (4, 0)]
    shown = await command.show(story.settings)
    assert shown[0].startswith("在用的：第 4 份")
    assert "换回第 1 份规则" in shown[1]
    assert "王乐" in shown[1]


async def test_nothing_was_ever_put_in_force(story: Story) -> None:
    assert await command.show(story.settings) == [f"在用的是程序自带的规则：{shipped().rules.version}"]
    assert await command.text_in_force(story.settings) == RULES.read_text("utf-8")
    with pytest.raises(ValueError, match="前面没有别的了"):
        await command.back(story.settings, story.house.clock)


async def test_the_text_in_force_can_be_had_to_change_it(story: Story) -> None:
    await uses(story, changed())
    assert await command.text_in_force(story.settings) == changed()


async def test_the_same_file_twice_is_no_change(story: Story) -> None:
    await uses(story, changed())
    with pytest.raises(ValueError, match="已经在用了"):
        await uses(story, changed())
    assert len(await rows(story)) == 1


async def test_rules_that_lose_a_red_are_switched_on_only_by_whoever_says_even_so(story: Story, member: Phone) -> None:
    await uses(story, changed())
    await the_bell_rings(story)
    await member.says(BALLOON)
    weaker = changed(balloon="orange", version="t3")
    with pytest.raises(ValueError, match=r"1 句原来是红的.*M-1.*--even-so"):
        await uses(story, weaker)
    assert len(await rows(story)) == 1
    await uses(story, weaker, even_so=True)
    assert len(await rows(story)) == 2


# Every process


async def test_a_book_that_cannot_be_read_keeps_the_old_one_and_is_reported_once(story: Story, member: Phone) -> None:
    await uses(story, changed())
    await the_bell_rings(story)
    bad = await put(story, broken(), "t9")
    since = story.house.clock.now()
    for _ in range(3):
        await the_bell_rings(story)
    assert in_force().rules.version.startswith("t2+")
    await member.says(BALLOON)
    await (await story.phone("王乐")).sees_card("待办提醒")
    told = await alarms(story, since)
    assert [(one.what, one.detail) for one in told] == [("rules", "t9")]
    other = RuleKeeper(story.house.db, story.house.clock)  # another process that starts now
    await other.look()
    assert in_force().rules.version.startswith("t2+")
    assert len(await alarms(story, since)) == 1
    assert bad == 2


async def test_a_process_that_starts_reads_with_the_book_from_its_first_message_on(story: Story) -> None:
    async with story.house.db.begin() as session:
        await books.put(session, changed(), "t2", by="", note="", now=story.house.clock.now())
    put_in_force(None)
    async with open_story(story.settings, Clock(frozen_at=story.house.clock.now()), story.platform) as again:
        assert in_force().rules.version.startswith("t2+")
        assert again.house.rules is not story.house.rules
    assert in_force() is shipped()  # it is over


async def test_whoever_looks_twice_reads_the_file_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    await uses(story, changed())
    keeper = RuleKeeper(story.house.db, story.house.clock)
    assert await keeper.look() == 1
    monkeypatch.setattr("bot.keeper.parse_rules", lambda _source: pytest.fail("read again"))
    assert await keeper.look() == 0


async def test_an_alarm_about_it_is_explained_by_the_doctor(story: Story) -> None:
    await put(story, "nonsense", "t9")
    await the_bell_rings(story)
    lines = await doctor.examine(story.settings, story.house.clock, story.house.worlds.wechat)
    assert any("watch rules" in str(line) and "新换的规则读不出来" in str(line) for line in lines)


# Marks, out of the house


async def marked(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(RED)
    for said in ("接", "结果", "6", "1"):
        await worker.says(said)
    another = await here(story, "azhu", "阿珠")
    await another.says("我把猫送给隔壁阿姨了")
    await worker.says("漏报 红 我把猫送给隔壁阿姨了")


async def test_what_was_marked_comes_out_in_the_form_of_the_corpus(story: Story, member: Phone, tmp_path: Path) -> None:
    await marked(story, member)
    file = tmp_path / "marks.jsonl"
    file.write_text("old")
    file.chmod(0o644)
    said = await marks_command.export(story.settings, file)
    assert "2 句写进了" in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [set(line) for line in lines] == [
        {"text", "level", "category", "speaker", "lang", "implicit", "hard_negative", "note"}
    ] * 2
    alarm, miss = lines
    assert (alarm["text"], alarm["level"], alarm["category"]) == (RED, "none", "none")
    assert (alarm["hard_negative"], alarm["implicit"], alarm["speaker"]) == (True, False, "member")
    assert "kind=false_alarm why=joke screen=red rule=" in alarm["note"]
    assert f"rules={shipped().rules.version}" in alarm["note"]
    assert (miss["text"], miss["level"], miss["hard_negative"]) == ("我把猫送给隔壁阿姨了", "red", False)
    assert (miss["implicit"], miss["lang"]) == (True, "zh-Hans")
    assert all(line["category"] in {*CATEGORIES, "none"} and line["lang"] in LANGUAGES for line in lines)
    async with story.house.db.read() as session:
        kept = list(await session.scalars(select(Mark).order_by(col(Mark.id))))
    assert [(mark.said, mark.level.value, mark.category) for mark in kept] == [
        (line["text"], line["level"], line["category"]) for line in lines
    ]


async def test_a_place_that_cannot_be_written_is_one_sentence(story: Story, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="写不了"):
        await marks_command.export(story.settings, tmp_path / "nowhere" / "marks.jsonl")


async def test_proposals_join_what_is_nearly_the_same_and_say_what_to_do_with_it(
    story: Story, member: Phone, screen: Screen
) -> None:
    await marked(story, member)
    worker = await story.phone("王乐")
    for said in ("把猫送给隔壁阿姨了", "冬天的衣服都洗干净了 一件不留"):
        await worker.says(f"漏报 红 {said}")
    await marks_command.propose(story.settings, screen.show, texts=True)
    assert "漏报　3 句　新规则的 examples_pos，应该是红" in screen.lines
    assert "  2 次　「我把猫送给隔壁阿姨了」" in screen.lines
    assert "  1 次　「冬天的衣服都洗干净了 一件不留」" in screen.lines
    assert f"  1 次　玩笑　「{RED}」" in screen.lines
    assert any(line.startswith("误报　1 句　规则 ") and "examples_neg" in line for line in screen.lines)
    assert "程序不会自己学" in screen.lines[-1]


async def test_words_are_shown_to_a_terminal_only(story: Story, member: Phone, screen: Screen) -> None:
    await marked(story, member)
    await marks_command.propose(story.settings, screen.show, texts=False)
    assert RED not in screen.said
    assert "（原话只在终端里显示）" in screen.said


async def test_without_a_mark_there_is_nothing_to_propose(story: Story, screen: Screen) -> None:
    await marks_command.propose(story.settings, screen.show, texts=True)
    assert screen.lines == ["还没有人记过误报、漏报或级别。"]


async def test_nothing_is_put_in_force_by_marks_or_proposals(story: Story, member: Phone, screen: Screen) -> None:
    before, model = in_force(), shipped().model
    await marked(story, member)
    await marks_command.propose(story.settings, screen.show, texts=True)
    await story.clock.forward(hours=1)
    await the_bell_rings(story)
    assert in_force() is before
    assert shipped().model is model
    assert await rows(story) == []


async def test_what_a_mark_bears_is_sealed_on_the_disk(story: Story, member: Phone) -> None:
    await marked(story, member)
    with closing(sqlite3.connect(story.settings.data_dir / "tongxing.db")) as file:
        stored = [said for (said,) in file.execute("SELECT said FROM mark")]
    assert len(stored) == 2
    assert not any("猫" in said or "不想活" in said for said in stored)
