"""Pieces of a message, as the statistical layer counts them. Training and reading cut in the same way."""

import re
from collections import Counter
from collections.abc import Iterator

from bot.screening.text import SENTENCE_ENDS, Text

LONGEST = 4  # characters in a row
SENTENCES = 4  # sentences, or messages, in a row that are read as one
LONG = 400  # characters of one such stretch that are read
EDGE = "\x02"
_MARKS = re.compile(r"[\s!-/:-@\[-`{-~，。、！？；：…—·～“”‘’（）【】《》]*")


def stretches(message: Text) -> Iterator[tuple[int, int]]:
    """Each run of up to four sentences. Harmless sentences beside a dangerous one then take nothing off it."""
    bounds = _sentences(message.plain)
    for first in range(len(bounds)):
        for last in range(first, min(first + SENTENCES, len(bounds))):
            yield bounds[first][0], min(bounds[last][1], bounds[first][0] + LONG)


def _sentences(plain: str) -> list[tuple[int, int]]:
    """Where they lie; what holds nothing but marks is none."""
    ends = [index for index, char in enumerate(plain) if char in SENTENCE_ENDS] + [len(plain)]
    starts = [0, *(end + 1 for end in ends[:-1])]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if not _MARKS.fullmatch(plain, a, b)] or [(0, len(plain))]


def grams(plain: str) -> Counter[str]:
    """Character 1- to 4-grams, with an edge at either end: a bare 死 is not the 死 of 死党."""
    framed = EDGE + plain + EDGE
    n = len(framed)
    return Counter(framed[i : i + k] for k in range(1, LONGEST + 1) for i in range(n - k + 1))
