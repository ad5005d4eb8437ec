"""What people put around their words changes nothing: harmless talk, dots between the characters, width."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.screening import Level, load_rules, screen
from bot.screening.lab import corpus
from bot.screening.text import hanzi

BOOK = load_rules()
REDS = sorted({text for rule in BOOK.rules for text in rule.examples_pos if screen(text).level is Level.RED})
# The seeds of the corpus as well: what the statistical layer found has to stay found.
REDS += [
    each.text for lines in corpus.authors().values() for each in lines[::25] if screen(each.text).level is Level.RED
]
HARMLESS = [
    "今天天气很好", "周三下午两点在段塘", "好的老师", "谢谢", "中午吃的面条", "公交车来了", "1", "我在买菜", "晚上见",
    "明天有太极课", "收到", "孙子今年上小学", "OK", "哦",
]  # fmt: skip
ENDS = ["。", "\n", "！", "。\n"]


@given(st.sampled_from(REDS), st.lists(st.sampled_from(HARMLESS), max_size=3), st.sampled_from(ENDS))
@example("救命", ["今天天气很好"], "。")
@example("我要死", ["好的老师", "1"], "\n")
def test_harmless_sentences_before_a_red_never_lower_it(red: str, harmless: list[str], end: str) -> None:
    assert screen("".join(each + end for each in harmless) + red).level is Level.RED


@given(st.sampled_from(REDS), st.lists(st.sampled_from(HARMLESS), max_size=3), st.sampled_from(ENDS))
def test_harmless_sentences_after_a_red_never_lower_it(red: str, harmless: list[str], end: str) -> None:
    assert screen(red + end + end.join(harmless)).level is Level.RED


# Blanks are left out where the text has blanks of its own: those are its commas.
SAID = sorted(
    {
        text
        for rule in BOOK.rules for text in (*rule.examples_pos, *rule.examples_neg)
        if not any(char.isspace() or (char.isascii() and char.isalnum()) for char in text)
    }
)  # fmt: skip


@given(st.sampled_from(SAID), st.sampled_from([".", "·", "*", "-", "_", "~", "|", "/", "\u200b", "\u2060", "・"]))
@example("我想死", "·")
def test_separators_between_the_characters_never_change_a_level(text: str, between: str) -> None:
    wrapped = "".join(
        char + (between if hanzi(char) and i + 1 < len(text) and hanzi(text[i + 1]) else "")
        for i, char in enumerate(text)
    )
    assert (screen(wrapped).level, screen(wrapped).category) == (screen(text).level, screen(text).category)


EVERY = sorted({text for rule in BOOK.rules for text in (*rule.examples_pos, *rule.examples_neg)})


@given(st.sampled_from(EVERY))
@example("bu xiang huo le")
def test_full_width_never_changes_a_level(text: str) -> None:
    wide = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)
    assert screen(wide).level == screen(text).level


@pytest.mark.parametrize(("left", "right"), [("【", "】"), ("「", "」"), ("*", "*"), ("~~", "~~"), ("…", "…")])
@pytest.mark.parametrize("text", ["我想死", "今晚我就去跳河", "药都攒好了", "我先走了"])
def test_marks_around_it_never_change_a_level(text: str, left: str, right: str) -> None:
    assert screen(left + text + right).level == screen(text).level


def test_the_guard_would_see_a_change() -> None:
    """The same comparison with words that do turn it round."""
    assert screen("以前想自杀，现在好了").level < screen("想自杀").level is Level.RED
