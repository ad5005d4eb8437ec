"""The statistical layer raises and never lowers, shows where, and is the same after a trip through its file."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.screening import Level, engine, load_rules, screen
from bot.screening.model import NAME, Model, shipped_model
from bot.screening.screener import Screener, in_force, put_in_force

RULES = load_rules()
MODEL = shipped_model()
assert MODEL is not None
BOTH, RULES_ALONE = Screener(RULES, MODEL), Screener(RULES, None)


@given(st.text(alphabet="我不想死活了自杀没有药他说以前现在好，。！ \n跳楼桥刀再见", max_size=60))
def test_it_never_lowers_what_the_rules_say(text: str) -> None:
    assert BOTH.read(text).level >= RULES_ALONE.read(text).level


@given(st.text())
def test_any_string_is_read_and_what_fired_lies_inside_it(text: str) -> None:
    reading = BOTH.read(text)
    assert 0 <= reading.score <= 1
    assert reading.level == max((hit.level for hit in reading.hits), default=Level.NONE)
    for hit in reading.hits:
        assert 0 <= hit.start < hit.end <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "坐在水库边上 鞋脱了 水看着挺暖和的 手机放石头上了",
        "这几个月攒的小白片 数了数 够了",
    ],
)
def test_danger_without_a_word_of_danger_reaches_somebody_today(text: str) -> None:
    assert RULES_ALONE.read(text).level < Level.ORANGE or NAME in {hit.rule for hit in BOTH.read(text).hits}
    assert BOTH.read(text).level >= Level.ORANGE


@pytest.mark.parametrize(
    "text",
    ["好的老师", "1", "明天下雨吗", "公交晚点 十分钟到", "中午吃面", "谢谢", "热死", "哈哈哈", "👍", "👋", "🙏", "3"],
)
def test_ordinary_answers_stay_ordinary(text: str) -> None:
    assert BOTH.read(text).level is Level.NONE


def test_a_trip_through_the_file_changes_no_verdict() -> None:
    again = Model.read(MODEL.write())
    for text in ("坐在水库边上 鞋脱了", "好的", "药攒够了", "I can not do this any more, goodbye"):
        first = MODEL.over(engine.read(text, RULES), text, RULES)
        second = again.over(engine.read(text, RULES), text, RULES)
        assert (first.level, first.category) == (second.level, second.category)
        assert first.score == pytest.approx(second.score, abs=1e-3)


def test_the_reading_names_the_rules_and_the_model_that_gave_it() -> None:
    reading = screen("坐在水库边上 鞋脱了")
    assert reading.version == RULES.version
    assert reading.model


def test_what_is_in_force_is_swapped_as_a_whole_and_given_back() -> None:
    quiet = replace(MODEL, thresholds=(99.0, 99.0, 99.0))
    text = "坐在水库边上 鞋脱了 水看着挺暖和的 手机放石头上了"
    put_in_force(Screener(RULES, quiet))
    try:
        assert screen(text).level is Level.NONE
    finally:
        put_in_force(None)
    assert screen(text).level >= Level.ORANGE
    assert in_force().model is not None
