"""The measurement behind `tongxing screen eval`: what is printed, what is kept in docs/screening.md, and the gates.

Three kinds of figures, from the least to the most flattering: authors held out (a fit for each of the four first
authors that has read all the others), the sealed author (nobody who built this has read a line), and what the shipped
model says of everyday messages that it was not trained on.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.screening.lab import corpus, measure
from bot.screening.lab.corpus import Example
from bot.screening.lab.fit import Budget, Prepared, prepare, train
from bot.screening.lab.measure import Gate, Read, Share
from bot.screening.lab.psysuicide import five_folds
from bot.screening.model import Model
from bot.screening.reading import Level
from bot.screening.rules import RuleSet
from bot.screening.screener import Screener

FIRST_AUTHORS = "abcd"
A_DAY = 100  # messages, in a house of some sixty members
VERDICTS = Path(__file__).with_name("verdicts.json")  # of the last release
TAUGHT = 2 / 3  # of the everyday messages are trained on; the others measure false alarms
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Data:
    """What is trained on and measured with; the two last are not ours to keep in the project."""

    authors: dict[str, list[Example]]
    sealed: dict[str, list[Example]]
    psysuicide: list[Example]
    everyday: list[Example]

    @classmethod
    def read(cls, psysuicide: Path | None, everyday: Path | None) -> "Data":
        return cls(
            corpus.authors(),
            corpus.authors(corpus.HELD_OUT),
            corpus.psysuicide(psysuicide) if psysuicide else [],
            corpus.everyday(everyday) if everyday else [],
        )

    @property
    def everyday_taught(self) -> list[Example]:
        return self.everyday[: int(TAUGHT * len(self.everyday))]

    def elsewhere(self, rules: RuleSet) -> list[Example]:
        """What is trained on besides our authors."""
        return [*self.psysuicide, *self.everyday_taught, *corpus.idioms(rules)]

    @property
    def everyday_unseen(self) -> list[Example]:
        return self.everyday[int(TAUGHT * len(self.everyday)) :]


def train_all(data: Data, rules: RuleSet, budget: Budget) -> Model:
    """A model of every author, PsySUICIDE and two thirds of the everyday messages."""
    ours = [each for lines in data.authors.values() for each in lines]
    return train(prepare(ours, rules), prepare(data.elsewhere(rules), rules), rules, budget)


def held_out(data: Data, rules: RuleSet, budget: Budget) -> Iterator[tuple[str, list[Read], list[Read]]]:
    """For each of the first authors: their lines and the unseen everyday messages, by a model that never met them."""
    ours = {author: prepare(lines, rules) for author, lines in data.authors.items()}
    elsewhere = prepare(data.elsewhere(rules), rules)
    unseen = prepare(data.everyday_unseen, rules)
    for tested in FIRST_AUTHORS:
        known = [each for author, lines in ours.items() if author != tested for each in lines]
        model = train(known, elsewhere, rules, budget)
        yield tested, _read(model, ours[tested], rules), _read(model, unseen, rules)


def _read(model: Model, prepared: Sequence[Prepared], rules: RuleSet) -> list[Read]:
    return [(each.example, model.over(each.by_rules, each.example.text, rules).level) for each in prepared]


def by_screener(screener: Screener, examples: Sequence[Example]) -> list[Read]:
    return [(each, screener.read(each.text).level) for each in examples]


def evaluate_all(data: Data, screener: Screener, tell: Tell, *, folds: bool = True) -> list[Gate]:
    """Print the whole measurement; the gates, kept or not."""
    gates: list[Gate] = []
    if folds:
        gates += _authors_held_out(data, screener.rules, tell)
    for author, lines in data.sealed.items():
        for line in measure.table(f"sealed author {author}, shipped model", by_screener(screener, lines)):
            tell(line)
    if data.everyday:
        gates += _everyday(by_screener(screener, data.everyday_unseen), tell)
    if data.psysuicide and folds:
        gates += _psysuicide(data, screener.rules, tell)
    turned = changes(screener, data, VERDICTS)
    tell(f"## verdicts that changed since the last release: {sum(turned.values())}\n")
    for (before, now), n in sorted(turned.items()):
        tell(f"- {before.word} -> {now.word}: {n}")
    texts = [each.text for lines in data.authors.values() for each in lines][::7]
    p50, p99 = measure.latency(texts, screener.read)
    tell(f"\n## latency of one message: p50 {p50:.2f} ms, p99 {p99:.2f} ms (n = {len(texts)})\n")
    gates.append(Gate("p99 of one message, ms", p99, most=20.0, shown=f"{p99:.2f}"))
    tell("## gates\n")
    for gate in gates:
        tell(str(gate))
    return gates


def _authors_held_out(data: Data, rules: RuleSet, tell: Tell) -> list[Gate]:
    every: list[Read] = []
    daily: list[Read] = []
    for author, read, everyday in held_out(data, rules, Budget()):
        tell(f"## author {author} held out: n = {len(read)}\n")
        for name, figure in measure.essentials(read).items():
            tell(f"- {name}: {figure}")
        for level, figure in measure.false_alarms(everyday).items():
            tell(f"- everyday, {level.word} or above, per 1 000: {figure.per_thousand()}")
        tell("")
        every += read
        daily += everyday
    for line in measure.table("four authors, each held out", every):
        tell(line)
    found = measure.essentials(every)
    gates = [
        _gate("author-held-out: red alerted at orange or above", found["red alerted at orange or above"], least=0.88),
        _gate("author-held-out: any risk noticed", found["any risk noticed"], least=0.82),
        _gate(
            "author-held-out: hard negatives noticed (yellow or above)",
            found["hard negatives noticed (yellow or above)"], most=0.08,
        ),
    ]  # fmt: skip
    return gates + (_everyday_gates("author-held-out: ", daily) if daily else [])


def _everyday(read: list[Read], tell: Tell) -> list[Gate]:
    tell(f"## everyday messages that were not trained on, shipped model: n = {len(read)}\n")
    found = measure.false_alarms(read)
    for level, figure in found.items():
        tell(f"- {level.word} or above, per 1 000: {figure.per_thousand()}")
    calls, glances = found[Level.ORANGE].value, found[Level.YELLOW].value - found[Level.ORANGE].value
    tell(
        f"- {A_DAY} ordinary messages a day: {A_DAY * calls:.2f} false calls, {A_DAY * glances:.2f} more to glance at\n"
    )
    return _everyday_gates("", read)


def _everyday_gates(prefix: str, read: list[Read]) -> list[Gate]:
    found = measure.false_alarms(read)
    return [
        _per_thousand(f"{prefix}everyday red per 1 000", found[Level.RED], 0.5),
        _per_thousand(f"{prefix}everyday orange or red per 1 000", found[Level.ORANGE], 3.0),
        _per_thousand(f"{prefix}everyday yellow or above per 1 000", found[Level.YELLOW], 15.0),
    ]


def _psysuicide(data: Data, rules: RuleSet, tell: Tell) -> list[Gate]:
    read, eleven = five_folds(data, rules)
    found = measure.Detection.of(read, Level.YELLOW)
    tell(f"## PsySUICIDE valid, five folds: n = {len(read)}\n")
    tell(f"- any risk: precision {found.precision}, recall {found.recall}, F1 {found.f1:.3f}")
    tell(f"- eleven classes: accuracy {eleven}\n")
    return [Gate("PsySUICIDE any-risk F1", found.f1, least=0.90)]


def _gate(name: str, figure: Share, *, least: float | None = None, most: float | None = None) -> Gate:
    return Gate(name, figure.value, least, most, shown=str(figure))


def _per_thousand(name: str, figure: Share, most: float) -> Gate:
    return Gate(name, 1000 * figure.value, most=most, shown=figure.per_thousand())


def changes(screener: Screener, data: Data, kept: Path) -> dict[tuple[Level, Level], int]:
    """How many of the authors' lines were read as (before) in the release of the file `kept` and as (now) today."""
    before = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    found: Counter[tuple[Level, Level]] = Counter()
    for author, now in verdicts(screener, data).items():
        known = before.get(author, "")
        if len(known) == len(now):  # the author's lines are the same ones
            found.update((Level(int(a)), Level(int(b))) for a, b in zip(known, now, strict=True) if a != b)
    return dict(found)


def verdicts(screener: Screener, data: Data) -> dict[str, str]:
    """A digit for each line of each author, in order: its level."""
    return {
        author: "".join(str(int(level)) for _, level in by_screener(screener, lines))
        for author, lines in {**data.authors, **data.sealed}.items()
    }
