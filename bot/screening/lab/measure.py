"""What the screen finds and what it alarms about, in figures with their uncertainty.

Intervals are Wilson's at 95 % (Wilson 1927): they say what chance alone does within the authors that were asked. What
another author would do is what the author-held-out table is for.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.screening.lab.corpus import Example
from bot.screening.reading import Level, Reading

Z = 1.959964  # two-sided 95 %
Read = tuple[Example, Level]


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`, with Wilson's interval."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        if not self.of:
            return float("nan"), float("nan")
        p, n = self.value, self.of
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        return max(middle - half, 0.0), min(middle + half, 1.0)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} [{low:.3f}, {high:.3f}] ({self.hits}/{self.of})" if self.of else "- (0/0)"

    def per_thousand(self) -> str:
        low, high = self.interval
        return f"{1000 * self.value:.2f} [{1000 * low:.2f}, {1000 * high:.2f}] ({self.hits}/{self.of})"


def share(read: Iterable[Read], among: Callable[[Example], bool], said: Callable[[Level], bool]) -> Share:
    asked = [level for example, level in read if among(example)]
    return Share(sum(map(said, asked)), len(asked))


def at_least(least: Level) -> Callable[[Level], bool]:
    return lambda level: level >= least


@dataclass(frozen=True, slots=True)
class Detection:
    """Precision, recall and F1 of one question: is it at least this level?"""

    precision: Share
    recall: Share

    @property
    def f1(self) -> float:
        p, r = self.precision.value, self.recall.value
        return 2 * p * r / (p + r) if p + r else 0.0

    @classmethod
    def of(cls, read: Sequence[Read], least: Level) -> "Detection":
        right = sum(1 for example, level in read if example.level >= least and level >= least)
        return cls(
            Share(right, sum(1 for _, level in read if level >= least)),
            Share(right, sum(1 for example, _ in read if example.level >= least)),
        )


def table(name: str, read: Sequence[Read]) -> list[str]:
    """Everything that is known about one set, as lines of text."""
    out = [f"## {name}: n = {len(read)}", ""]
    confusion = Counter((example.level, level) for example, level in read)
    out += ["labelled \\ read | none | yellow | orange | red", "---|---|---|---|---"]
    for truth in reversed(Level):
        out.append(f"{truth.word} | " + " | ".join(str(confusion[truth, said]) for said in Level))
    out.append("")
    for word, least in (("any risk", Level.YELLOW), ("orange or red", Level.ORANGE), ("red", Level.RED)):
        found = Detection.of(read, least)
        if found.recall.of:
            out.append(f"- {word}: precision {found.precision}, recall {found.recall}, F1 {found.f1:.3f}")
    out += [f"- {word}: {figure}" for word, figure in essentials(read).items()]
    out += _by("category", read, lambda example: example.category)
    out += _by("language", read, lambda example: example.lang)
    return [*out, ""]


def essentials(read: Sequence[Read]) -> dict[str, Share]:
    return {
        "red alerted at orange or above": share(read, lambda e: e.level is Level.RED, at_least(Level.ORANGE)),
        "any risk noticed": share(read, lambda e: e.level > Level.NONE, at_least(Level.YELLOW)),
        "implicit red alerted": share(read, lambda e: e.level is Level.RED and e.implicit, at_least(Level.ORANGE)),
        "hard negatives noticed (yellow or above)": share(read, lambda e: e.hard_negative, at_least(Level.YELLOW)),
        "hard negatives alarmed (orange or above)": share(read, lambda e: e.hard_negative, at_least(Level.ORANGE)),
    }


def _by(word: str, read: Sequence[Read], key: Callable[[Example], str]) -> list[str]:
    out = []
    for name in sorted({key(example) for example, _ in read if example.level > Level.NONE}):
        mine = [(example, level) for example, level in read if key(example) == name]
        noticed = share(mine, lambda e: e.level > Level.NONE, at_least(Level.YELLOW))
        grave = share(mine, lambda e: e.level >= Level.ORANGE, at_least(Level.ORANGE))
        out.append(f"- {word} {name}: any risk {noticed}; orange or red alerted {grave}")
    return out


def false_alarms(read: Sequence[Read]) -> dict[Level, Share]:
    """Of messages that mean nothing: how many are red, orange or above, yellow or above."""
    return {level: share(read, lambda e: e.level is Level.NONE, at_least(level)) for level in reversed(Level) if level}


def latency(texts: Sequence[str], read: Callable[[str], Reading]) -> tuple[float, float]:
    """p50 and p99 in milliseconds, one message after another on one core."""
    took = []
    for text in texts:
        started = time.perf_counter()
        read(text)
        took.append(1000 * (time.perf_counter() - started))
    took.sort()
    return took[len(took) // 2], took[min(int(0.99 * len(took)), len(took) - 1)]


@dataclass(frozen=True, slots=True)
class Gate:
    """One promise and whether it is kept. A figure is compared as it stands, not by the kind end of its interval."""

    name: str
    figure: float
    least: float | None = None
    most: float | None = None
    shown: str = ""

    @property
    def kept(self) -> bool:
        return (self.least is None or self.figure >= self.least) and (self.most is None or self.figure <= self.most)

    def __str__(self) -> str:
        wanted = f"at least {self.least}" if self.least is not None else f"at most {self.most}"
        return (
            f"{'kept  ' if self.kept else 'FAILED'} {self.name}: {self.shown or f'{self.figure:.3f}'}, wanted {wanted}"
        )
