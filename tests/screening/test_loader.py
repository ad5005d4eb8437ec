"""A bad rule file is refused with one sentence that names the rule and the key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.screening import Level, RuleError, load_rules
from bot.screening.engine import read
from bot.screening.lines import line_of
from bot.screening.loader import parse_rules

GRAMMAR = ("negators", "not_negators", "past", "recovery", "again", "fiction", "people", "saying")


def book() -> dict[str, Any]:
    return {
        "version": "t1",
        "dialect": "殺",
        "mandarin": "杀",
        "words": {"要": ["想", "要"]},
        "masks": [{"phrases": ["自杀式"], "must_fire": ["自杀式的，我想自杀"]}],
        "grammar": {**{key: ["不会"] for key in GRAMMAR}, "must_fire": ["我想自杀"]},
        "rules": [
            {
                "id": "wish",
                "level": "red",
                "category": "suicide",
                "any": ["{要}自杀", "去…死"],
                "examples_pos": ["我想自杀", "去那边死"],
                "examples_neg": ["不会想自杀", "自杀式"],
                "author": "test",
                "since": "2026-11-22",
                "reason": "a test",
            }
        ],
    }


def parse(data: object) -> Any:
    return parse_rules(yaml.safe_dump(data, allow_unicode=True))


def test_a_good_file() -> None:
    rules = parse(book())
    assert rules.version.startswith("t1+")
    assert read("我要自殺", rules).level == Level.RED


def test_the_version_changes_with_the_file() -> None:
    changed = book()
    changed["rules"][0]["reason"] = "another"
    assert parse(changed).version != parse(book()).version


def rule(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["rules"][0].__setitem__(key, value)


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    """`put("masks", 0, "phrases", [""])` sets what stands at that path."""
    *way, key, value = path

    def change(data: dict[str, Any]) -> None:
        target: Any = data
        for step in way:
            target = target[step]
        target[key] = value

    return change


@pytest.mark.parametrize(
    ("change", "named", "key"),
    [
        (rule("anny", ["x"]), "wish", "anny"),
        (rule("any", [""]), "wish", "any"),
        (rule("any", ["…"]), "wish", "any"),
        (rule("any", ["死…"]), "wish", "any"),
        (rule("any", ["\u200b"]), "wish", "any"),
        (rule("any", []), "wish", "any"),
        (rule("any", "自杀"), "wish", "any"),
        (rule("any", [5]), "wish", "any"),
        (rule("any", ["死…了…吧…呀…哦"]), "wish", "any"),
        (rule("any", ["{没有}自杀"]), "wish", "any"),
        (rule("any", ["{要自杀"]), "wish", "any"),
        (rule("not", [" "]), "wish", "not"),
        (rule("alone", []), "wish", "alone"),
        (rule("alone", ["{没有}"]), "wish", "alone"),
        (rule("level", "purple"), "wish", "level"),
        (rule("level", None), "wish", "level"),
        (rule("category", "weather"), "wish", "category"),
        (rule("negation", "yes please"), "wish", "negation"),
        (rule("reason", " "), "wish", "reason"),
        (rule("examples_pos", ["我想自杀"]), "wish", "examples_pos"),
        (rule("examples_neg", ["不会想自杀"]), "wish", "examples_neg"),
        (rule("examples_pos", ["我想自杀", "来"]), "wish", "examples_pos"),
        (rule("examples_neg", ["我想自杀", "来"]), "wish", "examples_neg"),
        (lambda data: data["rules"][0].pop("since"), "wish", "since"),
        (lambda data: data["rules"].append(dict(data["rules"][0])), "wish", "id"),
        (lambda data: data["rules"][0].pop("id"), "without an id", "id"),
        (put("masks", 0, "must_fire", []), "自杀式", "must_fire"),
        (put("masks", 0, "must_fire", ["自杀式"]), "自杀式", "must_fire"),
        (put("masks", 0, "phrases", [""]), "mask", "phrases"),
        (put("grammar", "must_fire", ["好"]), "grammar", "must_fire"),
        (put("grammar", "negator", ["不"]), "grammar", "negator"),
        (put("dialect", "殺藥"), "rule file", "dialect"),
        (put("rules", []), "rule file", "rules"),
        (put("extra", 1), "rule file", "extra"),
        (put("version", "a-version-too-long-to-be-kept"), "rule file", "version"),
        (rule("id", "x" * 61), "x" * 61, "id"),
        (put("words", "要", [""]), "word lists", "要"),
    ],
)
def test_refusals(change: Callable[[dict[str, Any]], None], named: str, key: str) -> None:
    data = book()
    change(data)
    with pytest.raises(RuleError) as refused:
        parse(data)
    sentence = str(refused.value)
    assert named in sentence
    assert f"'{key}'" in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize("source", ["", "[", "- a", "a: b: c", "5"])
def test_not_a_rule_file(source: str) -> None:
    with pytest.raises(RuleError):
        parse_rules(source)


@pytest.mark.parametrize("source", ["[" * 200_000, "{" * 100_000, "- " * 100_000])
def test_brackets_without_end_are_refused_before_they_end_the_process(source: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rules(source)
    assert (refused.value.code, refused.value.line) == ("too_deep", 1)


FILE = """version: t1
dialect: "殺"
mandarin: "杀"
words:
  要: [想, 要]
masks:
  - phrases: [自杀式]
    must_fire: [自杀式的，我想自杀]
grammar:
  negators: [不会]
rules:
  - id: wish
    level: red
    reason: a test
  - id: other
    level: purple
"""


@pytest.mark.parametrize(
    ("where", "key", "line"),
    [
        ("rule 'other'", "level", 16),
        ("rule 'other'", "since", 15),
        ("mask '自杀式'", "must_fire", 8),
        ("the grammar", "negators", 10),
        ("the word lists", "要", 5),
        ("the rule file", "dialect", 2),
        ("the rule file", "extra", None),
        ("rule 'third'", "level", None),
    ],
)
def test_a_refusal_says_on_which_line(where: str, key: str, line: int | None) -> None:
    assert line_of(RuleError(where, key, "empty"), FILE) == line


def test_what_is_no_yaml_says_on_which_line_it_breaks() -> None:
    with pytest.raises(RuleError) as refused:
        parse_rules("version: a\nwords: [1,\nrules: b: c\n")
    assert line_of(refused.value, "") == refused.value.line == 3


def test_read_once(tmp_path: Path) -> None:
    assert load_rules() is load_rules()
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(book(), allow_unicode=True), "utf-8")
    assert load_rules(path).version.startswith("t1+")
