"""The sentences: each exists, each is used, each gets what it speaks of, and none says what must not be said."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from app.settings import Settings
from bot.discretion import Shows, banned
from bot.notices import NOTICES
from bot.simulator.rules import field_fault
from bot.wording import Wording, WordingError, wording

ROOT = Path(__file__).parent.parent
SENTENCES = wording()
KEYS = SENTENCES.keys()
ROOMS = {key.split(".")[0] for key in KEYS}
KEY = re.compile(rf"(?:{'|'.join(sorted(ROOMS))})\.[a-z][a-z0-9_]*")
PREFIX = re.compile(rf"(?:{'|'.join(sorted(ROOMS))})\.[a-z0-9_]*")

# What Talk.say and a notice's say fill in by themselves, and what `**words_of(…)` and its like bring along.
COMMON = {"home", "phone", "support", "later", "emergency", "worker", "called"}
BROUGHT = {"title", "place", "when", "day", "at", "support", "emergency", "asker", "name", "shift", "back"}

# No reason to be angry (docs: how we speak). What gives a reason to be ashamed is in bot/wording/discretion.yaml.
LECTURES = ("病友", "冷静", "想开点", "坚强")
# Where the sentences of a room can be seen, if others than the person themselves may look there.
SEEN = {"card": Shows.CARD, "neutral": Shows.CARD, "menu": Shows.CARD, "robot": Shows.ROBOT, "sms": Shows.ROBOT}


@dataclass(frozen=True)
class Said:
    """A sentence that the program says: `key` may be the beginning of several; `given` is None where it is unclear."""

    key: str
    where: str
    given: frozenset[str] | None = None
    is_prefix: bool = False


@cache
def said() -> tuple[Said, ...]:
    found: list[Said] = []
    for file in sorted([*ROOT.glob("app/**/*.py"), *ROOT.glob("bot/**/*.py"), *ROOT.glob("scheduler/**/*.py")]):
        if "simulator" not in file.parts:
            found += _in_code(file)
    for file in sorted(ROOT.glob("app/**/*.html")):
        found += _in_page(file)
    return tuple(found)


def _in_code(file: Path) -> Iterator[Said]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="ask") | ast.Name(id="dialogue" | "Ask"), args=[topic, *_]):
                parts.add(id(topic))  # what a question is about looks like a sentence's key
    for node in ast.walk(tree):
        if id(node) in parts:
            continue
        where = f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Call(func=ast.Attribute(attr="say") | ast.Name(id="say"), args=[ast.Constant(value=str(key))]):
                own = {keyword.arg for keyword in node.keywords if keyword.arg}
                brought = BROUGHT if any(keyword.arg is None for keyword in node.keywords) else set()
                yield Said(key, where, frozenset(own | brought | COMMON))
            case ast.Constant(value=str(text)) if KEY.fullmatch(text):
                yield Said(text, where)
            case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]) if PREFIX.fullmatch(start):
                yield Said(start, where, is_prefix=True)


def _in_page(file: Path) -> Iterator[Said]:
    text = file.read_text(encoding="utf-8")
    for key, joined, rest in re.findall(r'say\("([a-z_.]+)"(\s*~)?([^)]*)\)', text):
        given = frozenset(re.findall(r"(\w+)=", rest))
        yield Said(key, str(file.relative_to(ROOT)), None if joined else given, is_prefix=bool(joined))


def test_every_sentence_that_is_said_exists() -> None:
    missing = [
        f"{one.where} says {one.key}"
        for one in said()
        if not (any(key.startswith(one.key) for key in KEYS) if one.is_prefix else one.key in KEYS)
    ]
    assert not missing, missing


def test_every_sentence_that_exists_is_said() -> None:
    exact = {one.key for one in said() if not one.is_prefix}
    beginnings = {one.key for one in said() if one.is_prefix}
    # `f"{key}_why"`: a sentence and its reason are said together.
    exact |= {f"{key}_why" for key in KEYS if f"{key}_why" in KEYS}
    unused = sorted(key for key in KEYS - exact if not key.startswith(tuple(beginnings)))
    assert not unused, unused


def test_every_sentence_gets_what_it_speaks_of() -> None:
    lacking = [
        f"{one.where}: {one.key} needs {sorted(SENTENCES.needs(one.key) - one.given)}"
        for one in said()
        if not one.is_prefix and one.given is not None and not SENTENCES.needs(one.key) <= one.given
    ]
    assert not lacking, lacking


def test_every_kind_of_message_has_its_words() -> None:
    for kind, notice in NOTICES.items():
        assert f"agenda.kind_{kind}" in KEYS
        if notice.call_if_lost:
            assert f"task.lost_{kind}" in KEYS


def test_every_reason_that_a_person_is_asked_for_has_its_words() -> None:
    """`hand_over(kind, reason, …)` and `ask_a_person(session, kind, reason, …)`."""
    reasons = set()
    for file in [*ROOT.glob("app/**/*.py"), *ROOT.glob("bot/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="hand_over" | "ask_a_person"),
                    args=[*_, ast.Attribute(value=ast.Name(id="TaskKind")), ast.Constant(value=str(reason))],
                ):
                    reasons.add(reason)
    assert len(reasons) > 5
    assert not [reason for reason in reasons if f"task.{reason}" not in KEYS]


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_sentence_can_be_said_and_fits_into_a_message(key: str) -> None:
    long = {"link": "https://house.example.org/p/case/" + "x" * 120}
    data = {name: long.get(name, "很长的名字" * 8) for name in SENTENCES.needs(key)}
    words = SENTENCES.say(key, **data)
    assert words.strip() == words != ""
    assert len(words.encode()) <= 2048
    assert "{" not in words
    assert not re.search(r"[ \t]\n|\n\n\n", words)


def plain(key: str) -> str:
    return SENTENCES.say(key, **dict.fromkeys(SENTENCES.needs(key), ""))


@pytest.mark.parametrize("word", LECTURES)
def test_no_sentence_lectures_anybody(word: str) -> None:
    assert not {key for key in KEYS if word in plain(key)}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_no_sentence_labels_anybody(key: str) -> None:
    assert banned(plain(key), SEEN.get(key.split(".")[0], Shows.LOCK_SCREEN)) == []


@pytest.mark.parametrize("key", sorted(key for key in KEYS if key.startswith("card.")))
def test_what_stands_on_a_card_fits_its_field(key: str) -> None:
    settings = Settings.model_validate({"wechat_app_id": "wx_tongxing_demo"})
    meaning = "kind" if key == "card.duty_kind" else "note"
    fields = settings.wechat_template_duty_fields if "duty" in key else settings.wechat_template_activity_fields
    assert field_fault(fields[meaning], SENTENCES.say(key)) == ""


def test_nothing_says_that_somebody_is_there_around_the_clock() -> None:
    for key in KEYS - {"lines.day_and_night"}:  # said of a number for which it is written down, tests/test_lines.py
        words = plain(key)
        assert not re.search(r"24 ?小时(?!内)|全天|随时都在|马上(就)?(来|到)", words), key


def test_whoever_is_in_danger_is_always_told_whom_to_call() -> None:
    for key in ("red.on_duty", "red.off_duty", "red.no_rota", "red.family", "red.unstored", "red.orange"):
        assert {"support", "emergency"} <= SENTENCES.needs(key)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(WordingError, match=r"no sentence red\.nothing"):
        SENTENCES.say("red.nothing")
    with pytest.raises(WordingError, match=r"red\.taken needs (owner|by)"):
        SENTENCES.say("red.taken")


def test_what_people_wrote_is_never_read_as_a_pattern() -> None:
    odd = Wording("x", {"a.b": "好的，{called}。"})
    assert odd.say("a.b", called="{worker}{0}%s") == "好的，{worker}{0}%s。"


def test_a_place_without_words_of_its_own_speaks_ours() -> None:
    assert wording("xx-Nowhere").say("help.welcome_word") == SENTENCES.say("help.welcome_word")
