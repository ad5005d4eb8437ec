"""Pieces of a message, as the statistical layer counts them. Training and reading cut in the same way."""

from collections import Counter
from collections.abc import Iterator

from bot.screening.text import Text

LONGEST = 4  # characters in a row
SENTENCES = 4  # sentences, or messages, in a row that are read as one
MANY = 24  # sentences, from which on runs of four are read that overlap by two
LONG = 400  # characters of one such stretch that are read
EDGE = "\x02"


def stretches(message: Text) -> Iterator[tuple[int, int]]:
    """Each run of up to four sentences. Harmless sentences beside a dangerous one then take nothing off it."""
    bounds = message.sentences()
    if len(bounds) > MANY:  # nobody waits a second for a text of a thousand sentences
        for first in range(0, len(bounds), SENTENCES // 2):
            run = bounds[first : first + SENTENCES]
            yield run[0][0], min(run[-1][1], run[0][0] + LONG)
        return
    for first in range(len(bounds)):
        for last in range(first, min(first + SENTENCES, len(bounds))):
            yield bounds[first][0], min(bounds[last][1], bounds[first][0] + LONG)


def grams(plain: str) -> Counter[str]:
    """Character 1- to 4-grams, with an edge at either end: a bare 死 is not the 死 of 死党."""
    framed = EDGE + plain + EDGE
    n = len(framed)
    return Counter(framed[i : i + k] for k in range(1, LONGEST + 1) for i in range(n - k + 1))
