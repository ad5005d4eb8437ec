"""Two sets of rules over the same messages: what changes is counted, rule by rule and message by message."""

from dataclasses import replace
from datetime import date

import pytest

from bot.screening.comparing import Heard, compare
from bot.screening.context import Speaker
from bot.screening.language import guess_language
from bot.screening.reading import Level
from bot.screening.screener import Screener, shipped

DAY = date(2026, 11, 23)
TEXTS = ("不想活了，药都攒好了", "活着没意思", "明天几点", "他想跳楼")


def heard(*texts: str) -> list[Heard]:
    return [Heard(number, DAY, text) for number, text in enumerate(texts, start=1)]


def without_rules() -> Screener:
    return replace(shipped(), rules=replace(shipped().rules, rules=()), model=None)


def by_rules_alone() -> Screener:
    return replace(shipped(), model=None)


def test_a_set_of_rules_beside_itself_changes_nothing() -> None:
    found = compare(heard(*TEXTS), shipped(), shipped())
    assert (found.read, found.more, found.less, found.lost) == (4, [], [], [])
    assert not found.newly
    assert not found.no_longer
    assert found.named == set()
    assert found.before == found.after


def test_what_is_gained_one_way_is_lost_the_other_way() -> None:
    one = compare(heard(*TEXTS), by_rules_alone(), without_rules())
    other = compare(heard(*TEXTS), without_rules(), by_rules_alone())
    assert one.no_longer == other.newly
    assert (one.less, one.lost) == (other.more, [n for n in one.less if n in (1, 4)])
    assert other.lost == []
    assert one.after[DAY] == {Level.NONE: 4}
    assert sum(one.before[DAY].values()) == 4
    assert 3 not in one.named


def test_each_message_is_read_with_what_is_known_of_it() -> None:
    relative = Heard(1, DAY, "想死，不想活了", Speaker.FAMILY)
    assert compare([relative], by_rules_alone(), without_rules()).lost == [1]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我不想活了", "zh-Hans"),
        ("我不想活了，對不起", "zh-Hant"),
        ("我唔想活喇", "yue"),
        ("I want to die", "en"),
        ("wo bu xiang huo le", "pinyin"),
        ("今天在 Hamilton 吃饭", "mixed"),
        ("😭", "zh-Hans"),
        ("", "zh-Hans"),
    ],
)
def test_the_language_of_a_message_is_guessed(text: str, language: str) -> None:
    assert guess_language(text) == language
