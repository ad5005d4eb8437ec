"""Makes the statistical layer from labelled messages.

One logistic regression a head over TF-IDF of character n-grams and the rules that fired (scikit-learn, liblinear),
calibrated by Platt's method on the scores of authors that the fit had not seen. The thresholds are chosen on those
same scores, from what a house can bear (`Budget`), never on the author that is tested.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bot.screening import engine
from bot.screening.lab.corpus import Example
from bot.screening.model import HEADS, LEVELS, Model, Scores, fired
from bot.screening.ngrams import grams
from bot.screening.reading import CATEGORIES, Level, Reading
from bot.screening.rules import RuleSet
from bot.screening.text import Text, normalise

SEEN = 2  # messages at least, for a gram to count
KEPT = 120_000  # grams, the most frequent
STRENGTH = 10.0  # C of the regressions
ELSEWHERE = 1.0  # what a message of another corpus weighs beside one of ours
OTHERS = ("everyday", "psysuicide", "rules")  # in the place of an author
GROUPS = 4  # of authors, for scores that the fit had not seen
Ints = NDArray[np.int64]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a house can bear, for yellow, orange and red: alarms per 1 000 everyday messages; and the share of hard
    negatives that may be alarmed at all. The rules' own alarms count."""

    per_thousand: tuple[float, float, float] = (15.0, 3.0, 0.35)
    hard_negatives: float = 0.12


@dataclass(frozen=True, slots=True)
class Prepared:
    """One example as the fit sees it."""

    example: Example
    message: Text
    by_rules: Reading
    grams: Counter[str]
    fired: dict[str, float]


def prepare(examples: Iterable[Example], rules: RuleSet) -> list[Prepared]:
    found = []
    for each in examples:
        message = normalise(each.text, rules.dialect)
        reading = engine.read(each.text, rules)
        found.append(
            Prepared(each, message, reading, grams(message.plain), fired(message, 0, len(message.plain), reading.hits))
        )
    return found


def train(ours: Sequence[Prepared], elsewhere: Sequence[Prepared], rules: RuleSet, budget: Budget) -> Model:
    """A model of all these, calibrated and with thresholds by groups of authors that each fit had not seen."""
    raw: list[tuple[Prepared, Scores]] = []
    for group in range(GROUPS):
        known = [each for each in (*ours, *elsewhere) if _group(each.example) != group]
        model = fit(known, rules)
        raw += [
            (each, model.scores(each.message, each.by_rules.hits))
            for each in (*ours, *elsewhere) if _group(each.example) == group
        ]  # fmt: skip
    return _calibrated(fit([*ours, *elsewhere], rules), raw, budget)


def _group(example: Example) -> int:
    """Authors stay together; everyday messages are dealt out one by one."""
    name = example.text if example.author in OTHERS else example.author
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % GROUPS


def fit(examples: Sequence[Prepared], rules: RuleSet) -> Model:
    """The regressions, with thresholds at zero: not to be read with yet."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    seen = Counter(gram for each in examples for gram in each.grams)
    words = [gram for gram, n in seen.most_common(KEPT) if n >= SEEN and "\0" not in gram]
    vocabulary = {gram: row for row, gram in enumerate(words)}
    idf = np.array([math.log((1 + len(examples)) / (1 + seen[gram])) + 1 for gram in words], dtype=np.float32)
    names = ["@yellow", "@orange", "@red", *(rule.id for rule in rules.rules)]
    columns = {name: column for column, name in enumerate(names)}
    rows, cols, values = [], [], []
    fired_rows, fired_cols, fired_values = [], [], []
    for row, each in enumerate(examples):
        known = [(vocabulary[gram], (1 + math.log(n))) for gram, n in each.grams.items() if gram in vocabulary]
        tfidf = [(column, tf * float(idf[column])) for column, tf in known]
        length = math.sqrt(sum(value * value for _, value in tfidf)) or 1.0
        for column, value in tfidf:
            rows.append(row)
            cols.append(column)
            values.append(value / length)
        for name, worth in each.fired.items():
            fired_rows.append(row)
            fired_cols.append(columns[name])
            fired_values.append(worth)
    x = hstack([
        csr_matrix((values, (rows, cols)), shape=(len(examples), len(words)), dtype=np.float64),
        csr_matrix((fired_values, (fired_rows, fired_cols)), shape=(len(examples), len(names)), dtype=np.float64),
    ]).tocsr()  # fmt: skip
    weight = np.array(
        [1.0 if each.example.author not in ("everyday", "psysuicide") else ELSEWHERE for each in examples]
    )
    level = np.array([int(each.example.level) for each in examples])
    category = np.array([each.example.category for each in examples])
    answers: list[NDArray[np.bool_]] = [level >= int(least) for least in LEVELS]
    answers += [category == name for name in CATEGORIES]
    table = np.zeros((x.shape[1], len(answers)), dtype=np.float32)
    bias = np.zeros(len(answers), dtype=np.float32)
    risky = level > 0
    for column, answer in enumerate(answers):
        among = slice(None) if column < len(HEADS) else risky  # what kind of danger, where there is one
        if len(set(answer[among])) < 2:
            bias[column] = -9.0
            continue
        learnt = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=300, random_state=0)
        learnt.fit(x[among], answer[among], sample_weight=weight[among])
        table[:, column], bias[column] = learnt.coef_[0], learnt.intercept_[0]
    return Model(
        version="", vocabulary=vocabulary, idf=idf, weights=table[: len(words)], rules=columns,
        rule_weights=table[len(words) :], bias=bias, thresholds=(0.0, 0.0, 0.0), notes={},
    )  # fmt: skip


def _calibrated(model: Model, raw: Sequence[tuple[Prepared, Scores]], budget: Budget) -> Model:
    slopes, offsets = [], []
    for column, least in enumerate(LEVELS):
        z = np.array([scores.heads[column] for _, scores in raw])
        y = np.array([each.example.level >= least for each, _ in raw])
        slope, offset = platt(z, y)
        slopes.append(slope)
        offsets.append(offset)
    scale = np.ones(model.bias.shape[0], dtype=np.float32)
    scale[: len(HEADS)] = slopes
    bias = model.bias * scale
    bias[: len(HEADS)] += np.array(offsets, dtype=np.float32)
    thresholds = []
    for column, level in enumerate(LEVELS):
        scored = [(each, slopes[column] * scores.heads[column] + offsets[column]) for each, scores in raw]
        thresholds.append(threshold(scored, level, budget))
    return replace(
        model, weights=model.weights * scale, rule_weights=model.rule_weights * scale, bias=bias,
        thresholds=(thresholds[0], thresholds[1], thresholds[2]),
    )  # fmt: skip


def platt(z: Doubles, y: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset that make a score the log-odds of `y` (Platt 1999)."""
    from sklearn.linear_model import LogisticRegression

    learnt = LogisticRegression(C=1e6).fit(z.reshape(-1, 1), y)
    return max(float(learnt.coef_[0][0]), 1e-3), float(learnt.intercept_[0])


def threshold(scored: Sequence[tuple[Prepared, float]], level: Level, budget: Budget) -> float:
    """The lowest at which everyday messages and hard negatives stay inside the budget, the rules' alarms included."""
    everyday = [(z, each.by_rules.level >= level) for each, z in scored if each.example.author == "everyday"]
    hard = [(z, each.by_rules.level > Level.NONE) for each, z in scored if each.example.hard_negative]
    allowed = budget.per_thousand[level - 1] / 1000
    return max(_lowest(everyday, allowed), _lowest(hard, budget.hard_negatives))


def _lowest(scored: Sequence[tuple[float, bool]], allowed: float) -> float:
    """The lowest score such that at most this share lies above it or is alarmed anyway."""
    if not scored:
        return 0.0
    spare = int(allowed * len(scored)) - sum(anyway for _, anyway in scored)
    quiet = sorted((z for z, anyway in scored if not anyway), reverse=True)
    if spare < 0 or not quiet:
        return quiet[0] + 1e-3 if quiet else 0.0
    return quiet[min(spare, len(quiet) - 1)] + 1e-6


def describe(model: Model, **notes: object) -> Model:
    """The model with what must be known about it, and with its weights as they will be read from the file."""
    return Model.read(replace(model, notes=json.loads(json.dumps(notes, ensure_ascii=False))).write())
