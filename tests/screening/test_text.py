"""Whatever is sent, screening answers, soon, and points into the text as it was sent."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.screening import Level, screen
from bot.screening.text import normalise

WILD = st.one_of(
    st.text(),
    st.text(alphabet="我不想死活了自杀没有药他说以前现在好，。！ \n.*😀\u200b\ufe0f１ﬃ㍿殺İ", max_size=80),
    st.text(alphabet=st.characters()),  # lone surrogates too
)


@given(WILD)
def test_hits_lie_inside_the_text(text: str) -> None:
    reading = screen(text)
    assert reading.level == max((hit.level for hit in reading.hits), default=Level.NONE)
    for hit in reading.hits:
        assert 0 <= hit.start < hit.end <= len(text)


@given(WILD)
def test_every_character_read_was_sent(text: str) -> None:
    message = normalise(text, {})
    assert len(message.plain) == len(message.at)
    assert list(message.at) == sorted(message.at)
    assert all(0 <= index < len(text) for index in message.at)
    assert all(0 < index < len(message.plain) for index in message.breaks)


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("老师，我想自.杀了", "想自.杀"),
        ("😀😀我 想 死", "我 想 死"),
        ("唉\u200b……不想\u200b活了！", "不想\u200b活了"),
        ("ＯＫ　我想自殺", "想自殺"),
    ],
)
def test_the_span_is_the_members_own_words(text: str, marked: str) -> None:
    hit = screen(text).hits[0]
    assert marked in text[hit.start : hit.end]
    assert len(text[hit.start : hit.end]) <= len(marked) + 1


@pytest.mark.parametrize(
    ("raw", "plain", "breaks"),
    [
        ("不 想死", "不想死", {1}),  # two clauses: no, and: I want to die
        ("不想 死", "不想死", set()),
        ("自 杀", "自杀", set()),
        ("出来了 没带钥匙", "出来了没带钥匙", {3}),
        ("来不了\n不想活了", "来不了\n不想活了", set()),
        ("1 想死", "1 想死", set()),
    ],
)
def test_spaces_vanish_for_words_and_stay_for_clauses(raw: str, plain: str, breaks: set[int]) -> None:
    message = normalise(raw, {})
    assert (message.plain, message.breaks) == (plain, breaks)


@pytest.mark.parametrize(
    "text",
    [
        "不想活了" * 2500,
        "救命" * 5000,
        "我走了你们" * 2000,
        "我不会自杀" * 2000,
        "他" * 10_000,
        "😀" * 10_000,
        "以前想死 " * 2000 + "现在好了",
    ],
)
def test_long_texts_cost_no_more_than_their_length(text: str) -> None:
    screen("")  # the rules are read once
    started = time.perf_counter()
    screen(text)
    assert time.perf_counter() - started < 2
