"""The shipped rules: every example holds, no mask hides a person, and the idioms of everyday talk stay quiet."""

import pytest

from bot.screening import Level, load_rules, screen
from bot.screening.rules import Mask, Rule

BOOK = load_rules()


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in BOOK.rules for text in rule.examples_pos])
def test_fires(rule: Rule, text: str) -> None:
    assert (rule.id, rule.level) in [(hit.rule, hit.level) for hit in screen(text).hits]


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in BOOK.rules for text in rule.examples_neg])
def test_stays_quiet(rule: Rule, text: str) -> None:
    assert (rule.id, rule.level) not in [(hit.rule, hit.level) for hit in screen(text).hits]


@pytest.mark.parametrize("mask", BOOK.masks, ids=lambda mask: mask.phrases[0])
def test_a_mask_silences_its_idiom_and_hides_nobody(mask: Mask) -> None:
    for phrase in mask.phrases:
        assert screen(phrase).level == Level.NONE
    for text in mask.must_fire:
        assert screen(text).level >= Level.ORANGE


@pytest.mark.parametrize("text", BOOK.grammar.must_fire)
def test_a_negator_hides_nobody(text: str) -> None:
    assert screen(text).level >= Level.ORANGE


@pytest.mark.parametrize(
    "text",
    [
        "笑死我了",
        "想死你们了",
        "死党明天结婚",
        "剧本杀三缺一",
        "菜场跳楼价五块",
        "不想活动，腿疼",
        "热死了",
        "他打我电话",
        "借点钱开学再还",
        "顺丰今天寄走了",
        "确定好时间",
        "衣服被打湿了",
        "感冒不吃药也好了",
        "医生让我停药的",
        "我先走了",
        "不想去了",
        "没空，来不了",
        "作业多得要命",
        "《自杀小队》好看",
        "我不会自杀的",
        "1",
        "好的",
        "来不及了",
        "无语",
        "😄",
        "手机死机了",
        "下班了，我先走一步",
        "他打死也不肯来",
        "自杀热线是多少，宣传栏要写",
        "今天吃鱼",
        "有没有吃药",
    ],
)
def test_everyday_talk(text: str) -> None:
    assert screen(text).level < Level.ORANGE


@pytest.mark.parametrize(
    ("text", "level", "category"),
    [
        ("不想活了，不去了", Level.RED, "suicide"),
        ("1 不想活了", Level.RED, "suicide"),
        ("自 杀 我想", Level.ORANGE, "suicide"),
        ("我想自.杀", Level.RED, "suicide"),
        ("我想自\u200b杀", Level.RED, "suicide"),
        ("我 想 死", Level.RED, "suicide"),
        ("我想自殺", Level.RED, "suicide"),
        ("藥我早不吃了", Level.ORANGE, "medication"),
        ("没有一天不想死", Level.ORANGE, "suicide"),
        ("活着没意思", Level.ORANGE, "suicide"),
        ("他说他想死", Level.RED, "third_party"),
        ("我儿子说不想活了", Level.RED, "third_party"),
        ("我儿子说我没用，我不想活了", Level.RED, "suicide"),
        ("以前想自杀，现在好了", Level.YELLOW, "suicide"),
        ("以前想自杀，现在又想自杀了", Level.RED, "suicide"),
        ("有首歌的歌词是我想死", Level.YELLOW, "suicide"),
        ("不是不想死", Level.ORANGE, "suicide"),
        ("电视里的人在说我", Level.ORANGE, "relapse"),
        ("又失眠了", Level.YELLOW, "distress"),
        ("", Level.NONE, "none"),
    ],
)
def test_readings(text: str, level: Level, category: str) -> None:
    reading = screen(text)
    assert (reading.level, reading.category) == (level, category)


def test_the_version_names_the_rules_that_spoke() -> None:
    assert screen("好").version == BOOK.version
    assert BOOK.version.startswith("20")
    assert Level.RED.word == "red"
