"""The statistical layer: character n-grams and the rules that fired, weighed by logistic regressions.

It may raise what the rules say and never lowers it. The weights are a file of arrays (`model.npz`, made by
`tongxing screen train`, described in docs/screening.md); nothing but numpy is needed to read with them. Measured on
Chinese before it was built: character 1- to 4-grams with rules as features, facts in docs/screening.md.
"""

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bot.screening.ngrams import grams, stretches
from bot.screening.reading import CATEGORIES, Hit, Level, Reading
from bot.screening.rules import RuleSet
from bot.screening.text import Text, normalise

SHIPPED = Path(__file__).with_name("model.npz")
HEADS = ("any", "orange", "red")
LEVELS = (Level.YELLOW, Level.ORANGE, Level.RED)
NAME = "model"
REASON = "像以前标注过的危险消息"
Floats = NDArray[np.float32]
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """Log-odds for each head and each category, of the stretch of a message that sounds most dangerous."""

    heads: tuple[float, float, float]
    categories: tuple[float, ...]
    start: int
    end: int  # of the stretch, in the normalised text


@dataclass(frozen=True)
class Model:
    version: str
    vocabulary: Mapping[str, int]
    idf: Floats  # one a gram
    weights: Floats  # gram x (heads + categories), L2-normalised counts go in
    rules: Mapping[str, int]  # rule id, or "@red" for any rule of that level, to its row in `rule_weights`
    rule_weights: Floats
    bias: Floats
    thresholds: tuple[float, float, float]  # log-odds, for each head
    notes: Mapping[str, Any]

    def over(self, by_rules: Reading, text: str, rules: RuleSet) -> Reading:
        """The reading of the rules, raised where this layer is surer than they are."""
        message = normalise(text, rules.dialect)
        scores = self.scores(message, by_rules.hits, by_rules.denied)
        chance = 1 / (1 + math.exp(-max(min(scores.heads[1], 30.0), -30.0)))
        reading = replace(by_rules, score=round(chance, 4), model=self.version)
        level = self.level(scores)
        if by_rules.denied and _holds(message, (scores.start, scores.end), by_rules.denied):
            level = min(level, Level.YELLOW)  # all that is left is a no; somebody may look at it this week
        if level <= by_rules.level or not message.plain.strip():
            return reading
        category = CATEGORIES[int(np.argmax(scores.categories))]
        if by_rules.level >= Level.ORANGE:
            category = by_rules.category  # a rule knows what it speaks of
        start, end = message.span(*self._where(message.plain, scores))
        hit = Hit(NAME, level, category, start, end, REASON)
        return replace(reading, level=level, category=category, hits=(hit, *by_rules.hits))

    def level(self, scores: Scores) -> Level:
        """As high as every head up to it goes: what is hardly orange is not red."""
        said = Level.NONE
        for level, z, least in zip(LEVELS, scores.heads, self.thresholds, strict=True):
            if z < least:
                break
            said = level
        return said

    def scores(self, message: Text, hits: tuple[Hit, ...], denied: Spans = ()) -> Scores:
        """Each head at its highest over the stretches; the categories of where `orange` is highest.

        A stretch in which danger is denied says 自杀 as well, so where there are others only those are read.
        """
        best: Scores | None = None
        heads = np.full(len(HEADS), -np.inf, dtype=np.float32)
        every = list(stretches(message))
        meant = [each for each in every if not _holds(message, each, denied)] if denied else every
        for start, end in meant or every:
            z = self._log_odds(message, start, end, hits)
            np.maximum(heads, z[: len(HEADS)], out=heads)
            if best is None or z[1] > best.heads[1]:
                best = Scores(
                    (float(z[0]), float(z[1]), float(z[2])), tuple(map(float, z[len(HEADS) :])), start, end
                )  # fmt: skip
        assert best is not None  # noqa: S101 (there is always a stretch)
        return replace(best, heads=(float(heads[0]), float(heads[1]), float(heads[2])))

    def _log_odds(self, message: Text, start: int, end: int, hits: tuple[Hit, ...]) -> Floats:
        z = self.bias.copy()
        counts = grams(message.plain[start:end])
        known = [(row, n) for gram, n in counts.items() if (row := self.vocabulary.get(gram)) is not None]
        if known:
            rows = np.fromiter((row for row, _ in known), dtype=np.intp, count=len(known))
            tf = np.fromiter((1 + math.log(n) for _, n in known), dtype=np.float32, count=len(known))
            tf *= self.idf[rows]
            z += (tf / np.linalg.norm(tf)) @ self.weights[rows]
        for name, worth in fired(message, start, end, hits).items():
            if (row := self.rules.get(name)) is not None:
                z += np.float32(worth) * self.rule_weights[row]
        return z

    def _where(self, plain: str, scores: Scores) -> tuple[int, int]:
        """The ten characters of the stretch that weigh most, to be shown to whoever reads why."""
        weight = np.zeros(scores.end - scores.start + 1, dtype=np.float32)
        piece = plain[scores.start : scores.end]
        for k in (2, 3, 4):
            for i in range(len(piece) - k + 1):
                if (row := self.vocabulary.get(piece[i : i + k])) is not None:
                    weight[i : i + k] += self.weights[row, 1] * self.idf[row] / k
        width = min(10, len(piece))
        sums = np.convolve(weight[: len(piece)], np.ones(max(width, 1)), "valid")
        first = scores.start + int(np.argmax(sums))
        return first, first + max(width, 1)

    # In and out of a file

    @classmethod
    def read(cls, data: bytes) -> Self:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            notes = json.loads(bytes(file["notes"]).decode())
            words = bytes(file["vocabulary"]).decode().split("\0")
            return cls(
                version=hashlib.sha256(data).hexdigest()[:12],
                vocabulary={gram: row for row, gram in enumerate(words)},
                idf=file["idf"].astype(np.float32),
                weights=file["weights"].astype(np.float32),
                rules={name: row for row, name in enumerate(notes["rules"])},
                rule_weights=file["rule_weights"].astype(np.float32),
                bias=file["bias"].astype(np.float32),
                thresholds=tuple(notes["thresholds"]),
                notes=notes,
            )

    def write(self) -> bytes:
        out = io.BytesIO()
        notes = {**self.notes, "rules": list(self.rules), "thresholds": list(self.thresholds)}
        np.savez_compressed(
            out,
            vocabulary=np.frombuffer("\0".join(self.vocabulary).encode(), dtype=np.uint8),
            notes=np.frombuffer(json.dumps(notes, ensure_ascii=False, sort_keys=True).encode(), dtype=np.uint8),
            idf=self.idf.astype(np.float16),
            weights=self.weights.astype(np.float16),
            rule_weights=self.rule_weights.astype(np.float16),
            bias=self.bias,
        )
        return out.getvalue()


def _holds(message: Text, stretch: tuple[int, int], spans: Spans) -> bool:
    """Whether one of the slices of the raw text begins inside this stretch of the normalised one."""
    start, end = stretch
    if start >= end:
        return False
    first, last = message.at[start], message.at[end - 1]
    return any(first <= a <= last for a, _ in spans)


def fired(message: Text, start: int, end: int, hits: tuple[Hit, ...]) -> dict[str, float]:
    """The rules that fired inside a stretch, as features: each by its id, and any of its level."""
    found: dict[str, float] = {}
    if not hits or start >= end:
        return found
    first, last = message.at[start], message.at[end - 1] + 1
    for hit in hits:
        if first <= hit.start and hit.end <= last:
            found[hit.rule] = max(found.get(hit.rule, 0.0), int(hit.level) / 3)
            found[f"@{hit.level.word}"] = 1.0
    return found


@lru_cache(maxsize=1)
def shipped_model() -> Model | None:
    """The model that came with the program; None in a checkout where none has been trained yet."""
    return Model.read(SHIPPED.read_bytes()) if SHIPPED.exists() else None
