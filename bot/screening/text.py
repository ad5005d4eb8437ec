"""The text as the rules read it, with the way back to the text as it was sent.

People space words out, hide them behind dots and zero-width characters, and type full-width. The rules
should not have to know, and the page that shows why a rule fired must still mark the member's own characters.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.simplified import simplified

SQUEEZED = frozenset(".·•・‧*-_~|/\\^+=#'\"`")  # hides between two hanzi: 自.杀, 自*杀
SENTENCE_ENDS = frozenset("。!?;\n")
LONG = 120  # characters: no sentence is followed further, so that a long text costs no more than its length
_MARKS = re.compile(r"[\s!-/:-@\[-`{-~，。、！？；：…—·～“”‘’（）【】《》]*")
CLAUSE_ENDS = SENTENCE_ENDS | frozenset(",:、 ")


@dataclass(frozen=True, slots=True)
class Text:
    """`plain[i]` comes from `raw[at[i]]`; a squeezed space before `plain[i]` leaves `i` in `breaks`.

    Members write spaces where others write commas, so a space must vanish for the words
    and stay for the clauses.
    """

    raw: str
    plain: str
    at: tuple[int, ...]
    breaks: frozenset[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `plain[start:end]` stands in the raw text."""
        return self.at[start], self.at[end - 1] + 1

    def clause_start(self, index: int) -> int:
        first = max(index - LONG, 0)
        while index > first and index not in self.breaks and self.plain[index - 1] not in CLAUSE_ENDS:
            index -= 1
        return index

    def sentences(self) -> list[tuple[int, int]]:
        """Start and end of each, the marks between them left out; one for a text without a word."""
        ends = [index for index, char in enumerate(self.plain) if char in SENTENCE_ENDS] + [len(self.plain)]
        starts = [0, *(end + 1 for end in ends[:-1])]
        spans = [(a, b) for a, b in zip(starts, ends, strict=True) if not _MARKS.fullmatch(self.plain, a, b)]
        return spans or [(0, len(self.plain))]

    def sentence(self, index: int) -> tuple[int, int]:
        """Start and end of the sentence around `plain[index]`."""
        start = end = index
        first, last = max(index - LONG, 0), min(index + LONG, len(self.plain))
        while start > first and self.plain[start - 1] not in SENTENCE_ENDS:
            start -= 1
        while end < last and self.plain[end] not in SENTENCE_ENDS:
            end += 1
        return start, end


def hanzi(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" or "\U00020000" <= char <= "\U0003134f"


@lru_cache(maxsize=8192)
def _fold(char: str) -> str:
    """One character as it is compared; empty for what nobody sees."""
    if unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f":
        return ""
    return "".join(map(simplified, unicodedata.normalize("NFKC", char).lower()))


def fold(words: str, dialect: Mapping[str, str]) -> str:
    """`words` as `normalise` would leave them, for the words of the rules themselves."""
    return "".join(dialect.get(each, each) for char in words for each in _fold(char))


def normalise(raw: str, dialect: Mapping[str, str]) -> Text:
    """`dialect`: small words of Cantonese and other dialects, each with its neighbour in Mandarin."""
    folded = [(dialect.get(each, each), i) for i, char in enumerate(raw) for each in _fold(char)]
    chars: list[str] = []
    at: list[int] = []
    breaks: set[int] = set()

    def keep(char: str, index: int) -> None:
        chars.append(char)
        at.append(index)

    here = 0
    while here < len(folded):
        after = here
        while after < len(folded) and (folded[after][0].isspace() or folded[after][0] in SQUEEZED):
            after += 1
        gap = folded[here:after]
        if not gap:
            keep(*folded[here])
            here += 1
            continue
        between = after < len(folded) and bool(chars) and hanzi(chars[-1]) and hanzi(folded[after][0])
        # A hanzi alone belongs to the word before it: "不想 死" is one clause, "不 想死" is two.
        alone = between and (after + 1 == len(folded) or not hanzi(folded[after + 1][0]))
        newline = next((index for char, index in gap if char in "\n\r"), None)
        if newline is not None and not alone:
            keep("\n", newline)
        elif between:
            if not alone:
                breaks.add(len(chars))
        else:
            for char, index in gap:
                if not char.isspace():
                    keep(char, index)
                elif chars and chars[-1] != " ":
                    keep(" ", index)
        here = after
    return Text(raw, "".join(chars), tuple(at), frozenset(breaks))
