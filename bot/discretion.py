"""What must not show: a look at everything that is about to leave, by the words of `wording/discretion.yaml`.

A phone lies on a table, and others read its lock screen. What would tell them too much is replaced by a neutral
form before it leaves, and reported by the words found and the place they stood in, never by the text itself.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from bot.wording import Wording, wording

FILE = Path(__file__).parent / "wording" / "discretion.yaml"
A_NAME, A_QUOTATION = "a name", "a quotation"  # what a report says instead of the name, instead of the words

HANZI = "\u3400-\u9fff\U00020000-\U0003ffff"
_BLANK, _PAUSE = " ", ","
_PAUSES = frozenset(",.!?;:\n\r。、…")
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_QUOTES = re.compile('[\u201c\u201d\u300c-\u300f"\uff02\u300a\u300b]')
# The sealed part of one of our links: random letters in both cases, with digits, are no words.
_SEALED = re.compile(r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{20,}", re.ASCII)
_LATIN = re.compile("[a-z]{3}|(?<![a-z])[a-z] [a-z] ")
_SPELLED = re.compile(r"(?<![a-z])([a-z]) (?=[a-z](?![a-z]))")  # p s y c h


class DiscretionError(Exception):
    """The list of words cannot be read; the text says where and what to do."""


class Shows(IntEnum):
    """Where a text can be seen; each bans what those before it ban."""

    LOCK_SCREEN = 0  # a message to the person themselves
    CARD = 1  # the field of a card, a tag, a scene, a URL, the title of a page, a menu
    ROBOT = 2  # a group of people, or an SMS: no names and no quotations either


def banned(text: str, where: Shows = Shows.CARD, names: Collection[str] = ()) -> list[str]:
    """The words in `text` that must not show there, as the list has them; empty when it is fine.

    `names`: people whose names must not stand in it. A name is reported as `a name`, never by itself.
    """
    return list(_found(text, where)) if not names else _look(text, where, names)


@lru_cache(maxsize=4096)
def _found(text: str, where: Shows) -> tuple[str, ...]:
    """A thousand reminders of one activity are looked at once."""
    return tuple(_look(text, where, ()))


def _look(text: str, where: Shows, names: Collection[str]) -> list[str]:
    rules = _rules()
    blanked = _seen(text).translate(rules.folding)
    squeezed = blanked.replace(_BLANK, "")
    if where is not Shows.LOCK_SCREEN:
        # A field is short, and one comma must not save a word in it. In a sentence it ends a word.
        squeezed = squeezed.replace(_PAUSE, "")
    level = rules.levels[where]
    found = [match[0] for match in level.hanzi.finditer(squeezed)]
    if _LATIN.search(blanked):
        spaced = _SPELLED.sub(r"\1", _words(blanked))
        found += [match[0] for match in level.latin.finditer(spaced)]
    if where is Shows.ROBOT and _QUOTES.search(text):
        found.append(A_QUOTATION)
    if names and any(_has_name(blanked, name, rules) for name in names):
        found.append(A_NAME)
    return list(dict.fromkeys(found))


def _seen(text: str) -> str:
    """What a reader can make of it: an address is read with its % signs undone, and its sealed part is no word."""
    if "%" in text:
        text = unquote(text)
    return _SEALED.sub(_BLANK, text) if "/p/" in text or "://" in text else text


def _has_name(blanked: str, name: str, rules: "Rules") -> bool:
    called, spaced = _words(name.translate(rules.folding)), _words(blanked)
    if re.search(f"[{HANZI}]", called):
        return called.replace(_BLANK, "") in spaced.replace(_BLANK, "")
    return len(called) > 1 and re.search(rf"(?<!\w){re.escape(called)}(?!\w)", spaced) is not None


def _words(folded: str) -> str:
    """With one blank between two words, whatever stood there."""
    return _BLANK.join(folded.replace(_PAUSE, _BLANK).split())


class Discreet:
    """Looks over what is about to leave, and has the neutral words for what may not."""

    def __init__(self, words: Wording | None = None) -> None:
        _rules()  # read when the program starts, not when something is about to leave
        words = words or wording()
        place = words.say("neutral.place")
        self.neutral: Mapping[str, str] = {
            "title": words.say("neutral.title"),
            "place": place,
            "old_place": place,
            "home": words.say("neutral.home"),
            "kind": words.say("neutral.kind"),
            "note": words.say("neutral.note"),
            "text": words.say("neutral.text"),
        }

    def text(
        self, letter_text: str, neutral: str, where: Shows = Shows.LOCK_SCREEN, names: Collection[str] = ()
    ) -> tuple[str, list[str]]:
        """The text, or the neutral form of it; with the words for which it was replaced."""
        found = banned(letter_text, where, names)
        return (neutral, found) if found else (letter_text, [])

    def card(
        self, fields: Mapping[str, str], neutral: Mapping[str, str] | None = None, where: Shows = Shows.CARD,
        names: Collection[str] = (),
    ) -> tuple[dict[str, str], list[str]]:  # fmt: skip
        """The fields of a card by what they mean; with the meanings whose value was replaced.

        A meaning that has no neutral word becomes empty, which no field takes: such a card never leaves.
        """
        instead = self.neutral if neutral is None else neutral
        replaced = [meaning for meaning, value in fields.items() if banned(value, where, names)]
        return {**fields, **{meaning: instead.get(meaning, "") for meaning in replaced}}, replaced

    def data(self, values: Mapping[str, Any], where: Shows = Shows.CARD) -> tuple[dict[str, Any], list[str]]:
        """What a sentence will speak of, before it is said; with the names of the values that were replaced.

        Only what somebody has named (an activity, a place, a house) is looked at, and it is judged like a field:
        a sentence with `活动` in it reads well, one with a gap does not.
        """
        replaced = [
            name for name, value in values.items()
            if name in self.neutral and isinstance(value, str) and banned(value, where)
        ]  # fmt: skip
        return {**values, **{name: self.neutral[name] for name in replaced}}, replaced


@lru_cache
def discreet(words: Wording) -> Discreet:
    """The one that speaks this language."""
    return Discreet(words)


# The list of words


@dataclass(frozen=True)
class Level:
    hanzi: re.Pattern[str]
    latin: re.Pattern[str]


@dataclass(frozen=True)
class Rules:
    folding: "Folding"
    levels: Mapping[Shows, Level]


class Folding(dict[int, str]):
    """For `str.translate`: each character as it is compared, worked out when it is first met."""

    def __init__(self, simplified: Mapping[str, str]) -> None:
        super().__init__()
        self._simplified = simplified

    def __missing__(self, code: int) -> str:
        self[code] = folded = "".join(map(self._one, unicodedata.normalize("NFKD", chr(code)).lower()))
        return folded

    def _one(self, char: str) -> str:
        if char in _PAUSES:
            return _PAUSE
        if char in _INVISIBLE_LETTERS or unicodedata.category(char) in ("Cf", "Mn", "Me", "Cc", "Cs"):
            return _BLANK if char.isspace() else ""
        return self._simplified.get(char, char) if char.isalnum() else _BLANK


@lru_cache
def _rules() -> Rules:
    return read_rules(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def read_rules(data: Mapping[str, Any]) -> Rules:
    """The list of words, ready to search with; DiscretionError says what is wrong in it."""
    for key in ("traditional", "simplified", "lists", "groups"):
        if key not in data:
            raise DiscretionError(f"discretion.yaml: {key!r} is missing")
    if len(data["traditional"]) != len(data["simplified"]):
        raise DiscretionError("discretion.yaml: 'traditional' must be as long as 'simplified'")
    folding = Folding(dict(zip(data["traditional"], data["simplified"], strict=True)))
    lists: Mapping[str, Sequence[str]] = data["lists"]
    words: dict[Shows, dict[str, set[str]]] = {where: {} for where in Shows}
    for name, group in data["groups"].items():
        for key in ("shows", "words", "but"):
            if key not in group:
                raise DiscretionError(f"discretion.yaml: group {name} has no {key!r}")
        if str(group["shows"]).upper() not in Shows.__members__:
            raise DiscretionError(f"discretion.yaml: 'shows' of group {name} must be lock_screen, card or robot")
        shows = Shows[str(group["shows"]).upper()]
        harmless = set(_spelled_out(name, group["but"], lists))
        for word in _spelled_out(name, group["words"], lists):
            for where in Shows:
                if where >= shows:
                    words[where].setdefault(word, set()).update(longer for longer in harmless if _stem(word) in longer)
    return Rules(folding, {where: _level(found, folding) for where, found in words.items()})


def _spelled_out(group: str, words: Sequence[object], lists: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Each word, and for `{案}` the words of that list."""
    for word in words:
        parts = re.split(r"\{(.*?)\}", str(word))
        try:
            choices = [[str(each) for each in lists[part]] if odd % 2 else [part] for odd, part in enumerate(parts)]
        except KeyError as missing:
            raise DiscretionError(f"discretion.yaml: group {group} names a list {missing} that is not there") from None
        yield from map("".join, product(*choices))


def _stem(word: str) -> str:
    return word.removesuffix("*")


def _level(words: Mapping[str, set[str]], folding: Folding) -> Level:
    hanzi: dict[str, list[str]] = {}
    latin: dict[str, list[str]] = {}
    for word in sorted(words, key=lambda word: (-len(word), word)):
        pattern = _pattern(word, words[word], folding)
        (latin if word.isascii() else hanzi).setdefault(pattern[0], []).append(pattern[1:])
    return Level(re.compile(_any_of(hanzi)), re.compile(f"(?<![a-z0-9])(?:{_any_of(latin)})"))


def _any_of(patterns: Mapping[str, Sequence[str]]) -> str:
    """Each first character once: a text has many characters, and few of them begin a word of the list."""
    return "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in patterns.items())


def _pattern(word: str, harmless: Collection[str], folding: Folding) -> str:
    """Finds `word`, but not inside one of the longer words that mean no harm."""
    is_latin = word.isascii()
    stem = _folded(_stem(word), folding, is_latin)
    but = ""
    for longer in sorted({_folded(each, folding, is_latin) for each in harmless}):
        before, _, after = longer.partition(stem)
        but += f"(?!(?<={re.escape(before)}{re.escape(stem)}){re.escape(after)})"
    if is_latin:
        end = "[a-z]*" if word.endswith("*") else "(?![a-z0-9])"
        return f"{re.escape(stem)}{but}{end}"
    # 心情2 is not in 心情20.
    return f"{re.escape(stem)}{'(?![0-9])' if stem[-1].isdigit() else ''}{but}"


def _folded(word: str, folding: Folding, is_latin: bool) -> str:
    words = _words(word.translate(folding))
    return words if is_latin else words.replace(_BLANK, "")
