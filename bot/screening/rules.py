"""A rule set in memory. How it is written is in `rules.zh.yaml`; `loader` reads and checks it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.screening.reading import Level

GAP = "[^。!?\n]{0,6}?"  # what "…" stands for
_PIECES = re.compile(r"(…|\{[^{}]*\})")


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    level: Level
    category: str
    reason: str
    author: str
    since: str
    reviewed_by: str  # the clinician who has read it; empty while nobody has
    phrases: re.Pattern[str]  # any: one of these fires
    alone: re.Pattern[str] | None  # alone: one of these fires when it is the whole message
    also: tuple[re.Pattern[str], ...]  # all: each must stand somewhere in the message
    near: re.Pattern[str] | None  # one must stand close by
    never: re.Pattern[str] | None  # not: none may stand in the same sentence
    negation: bool
    past: bool
    fiction: bool
    subject: bool
    examples_pos: tuple[str, ...]
    examples_neg: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mask:
    """A harmless phrase with a danger word in it; `must_fire` shows that it does not hide a real one."""

    words: re.Pattern[str]
    phrases: tuple[str, ...]
    harmless: tuple[str, ...]  # each phrase as a message of its own
    must_fire: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The small words that turn a meaning round."""

    negators: re.Pattern[str]
    not_negators: re.Pattern[str]  # 不得不, 会不会: contain a negator and negate nothing
    past: re.Pattern[str]
    recovery: re.Pattern[str]
    again: re.Pattern[str]
    fiction: re.Pattern[str]
    people: re.Pattern[str]
    saying: re.Pattern[str]
    must_fire: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    version: str
    dialect: Mapping[str, str]
    masks: tuple[Mask, ...]
    grammar: Grammar
    rules: tuple[Rule, ...]


def pattern(phrases: Sequence[str], words: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    """One expression for phrases in the rule language: plain words, `…` for a short gap, `{list}` for a list.

    Longer phrases come first, so that a hit marks as much of the text as it can.
    A KeyError names a list that does not exist.
    """
    return re.compile("|".join(_expression(each, words) for each in sorted(phrases, key=len, reverse=True)))


def whole(phrases: Sequence[str], words: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    """Those phrases as the whole message: marks, particles and saying it twice change nothing."""
    return re.compile(rf"[\W_]*+(?P<said>(?:(?:{pattern(phrases, words).pattern})[啊呀吧了啦呢哦喔嘛的\W_]*+)++)")


def _expression(phrase: str, words: Mapping[str, Sequence[str]]) -> str:
    return "".join(
        GAP
        if piece == "…"
        else "(?:" + "|".join(map(re.escape, sorted(words[piece[1:-1]], key=len, reverse=True))) + ")"
        if piece.startswith("{")
        else re.escape(piece)
        for piece in _PIECES.split(phrase)
    )
