"""`tongxing screen train` and `tongxing screen eval`: the statistical layer, made and measured."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

from bot.screening.lab.evaluate import VERDICTS, Data, evaluate_all, train_all, verdicts
from bot.screening.lab.fit import Budget, describe
from bot.screening.loader import load_rules
from bot.screening.model import SHIPPED
from bot.screening.screener import shipped

Tell = Callable[[str], None]


def train(psysuicide: Path | None, everyday: Path | None, out: Path | None, tell: Tell) -> None:
    _needs_scikit_learn()
    if everyday is None:
        raise ValueError("训练一定要有平常的话（--everyday）：没有它们，模型会对七成的平常短信报警")
    rules, data, budget = load_rules(), Data.read(psysuicide, everyday), Budget()
    model = describe(
        train_all(data, rules, budget),
        rules_version=rules.version,
        authors={author: len(lines) for author, lines in data.authors.items()},
        psysuicide=len(data.psysuicide),
        everyday=len(data.everyday_taught),
    )
    file = out or SHIPPED
    written = model.write()
    file.write_bytes(written)
    thresholds = ", ".join(f"{each:.2f}" for each in model.thresholds)
    tell(f"{file.name}: {len(written):,} bytes, {len(model.vocabulary):,} n-grams, thresholds {thresholds}")


def evaluate(psysuicide: Path | None, everyday: Path | None, tell: Tell, *, folds: bool) -> bool:
    """Whether every gate that could be asked is kept."""
    if folds:
        _needs_scikit_learn()
    for given, what in ((psysuicide, "--psysuicide"), (everyday, "--everyday")):
        if given is None:
            tell(f"left out, no {what} was given\n")
    gates = evaluate_all(Data.read(psysuicide, everyday), shipped(), tell, folds=folds)
    return all(gate.kept for gate in gates)


def keep_verdicts(tell: Tell) -> None:
    """At a release: what the next measurement will be compared with."""
    kept = verdicts(shipped(), Data.read(None, None))
    VERDICTS.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    tell(f"{VERDICTS.name}: {sum(map(len, kept.values())):,} verdicts of {len(kept)} authors")


def _needs_scikit_learn() -> None:
    if importlib.util.find_spec("sklearn") is None:
        raise ValueError("这里没有 scikit-learn：先装上（pip install 'tongxing[train]'，或者 make install-dev）")
