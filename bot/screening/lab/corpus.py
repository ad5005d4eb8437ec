"""Labelled messages, read from files. What a label means stands in `corpus/CODEBOOK.md`.

Split by author, never by line: a number on lines whose author was trained on says nothing about the next member.
"""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.screening.reading import CATEGORIES, Level
from bot.screening.rules import RuleSet

OURS = Path(__file__).parent.parent / "corpus"
HELD_OUT = OURS / "held-out"
# PsySUICIDE (PsyGUARD, EMNLP 2024): its eleven labels as our levels and categories.
PSYSUICIDE: Mapping[str, tuple[Level, str]] = {
    "自杀未遂": (Level.RED, "suicide"),
    "自杀准备行为": (Level.RED, "suicide"),
    "自杀计划": (Level.RED, "suicide"),
    "主动自杀意图": (Level.RED, "suicide"),
    "被动自杀意图": (Level.ORANGE, "suicide"),
    "自伤行为": (Level.ORANGE, "self_harm"),
    "自伤意图": (Level.ORANGE, "self_harm"),
    "用户攻击行为": (Level.ORANGE, "violence"),
    "关于自杀的探索": (Level.YELLOW, "suicide"),
    "他人攻击行为": (Level.YELLOW, "abuse"),
}


class CorpusError(Exception):
    """A file that cannot be trained on or measured with; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled message. `labels`: those of another code book, where it came with one."""

    text: str
    level: Level
    category: str
    author: str
    lang: str = "zh-Hans"
    speaker: str = "member"
    implicit: bool = False
    hard_negative: bool = False
    labels: tuple[str, ...] = ()


def authors(folder: Path = OURS) -> dict[str, list[Example]]:
    """Each author's lines, by the author's letter: `author-a.jsonl` is a."""
    files = sorted(folder.glob("author-*.jsonl"))
    if not files:
        raise CorpusError(f"{folder} holds no author-*.jsonl: give the folder of the labelled messages")
    return {file.stem.removeprefix("author-"): list(read_author(file)) for file in files}


def read_author(file: Path) -> Iterator[Example]:
    author = file.stem.removeprefix("author-")
    for number, row in _rows(file):
        try:
            level = Level[str(row["level"]).upper()]
            category = str(row["category"])
            text = row["text"]
        except KeyError as error:
            raise CorpusError(f"{file.name}, line {number}: {error.args[0]!r} is missing or unknown") from None
        if not isinstance(text, str) or not text.strip():
            raise CorpusError(f"{file.name}, line {number}: 'text' is empty")
        if category not in (*CATEGORIES, "none") or (category == "none") != (level is Level.NONE):
            raise CorpusError(f"{file.name}, line {number}: category {category!r} does not go with {level.word}")
        yield Example(
            text, level, category, author, str(row.get("lang", "zh-Hans")), str(row.get("speaker", "member")),
            bool(row.get("implicit")), bool(row.get("hard_negative")),
        )  # fmt: skip


def psysuicide(file: Path) -> list[Example]:
    found = []
    for _, row in _rows(file):
        labels = tuple(str(each) for each in row["labels"])
        level, category = max(
            (PSYSUICIDE[each] for each in labels if each in PSYSUICIDE), default=(Level.NONE, "none"),
            key=lambda pair: pair[0],
        )  # fmt: skip
        found.append(Example(str(row["text"]), level, category, "psysuicide", labels=labels))
    return found


def everyday(file: Path) -> list[Example]:
    """One ordinary message a line, shuffled the same way each time."""
    lines = [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
    random.Random(0).shuffle(lines)  # noqa: S311 (an order, not a secret)
    return [Example(line, Level.NONE, "none", "everyday") for line in lines]


def idioms(rules: RuleSet) -> list[Example]:
    """What the masks call harmless, each as a message of its own: 热死, 剧本杀."""
    return [
        Example(phrase, Level.NONE, "none", "rules")
        for mask in rules.masks for phrase in mask.phrases if "{" not in phrase
    ]  # fmt: skip


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{file} cannot be read: {type(error).__name__}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise CorpusError(f"{file.name}, line {number}: is not a JSON object") from None
        if not isinstance(row, dict):
            raise CorpusError(f"{file.name}, line {number}: is not a JSON object")
        yield number, row
