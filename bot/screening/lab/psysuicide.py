"""The public benchmark, as far as its valid split goes: five folds, any risk or none, and its own eleven classes.

PsySUICIDE (PsyGUARD, EMNLP 2024). Its text stays out of the project; posts of social media are no proxy for what is
written to a bot, so this is here to compare with others, not to tune by.
"""

from typing import TYPE_CHECKING

from bot.screening.lab.corpus import Example, idioms
from bot.screening.lab.fit import Budget, prepare, train
from bot.screening.lab.measure import Read, Share
from bot.screening.rules import RuleSet

if TYPE_CHECKING:
    from bot.screening.lab.evaluate import Data

FOLDS = 5


def five_folds(data: "Data", rules: RuleSet) -> tuple[list[Read], Share]:
    ours = prepare([each for lines in data.authors.values() for each in lines], rules)
    everyday = prepare([*data.everyday_taught, *idioms(rules)], rules)
    rows = prepare(data.psysuicide, rules)
    read: list[Read] = []
    right = 0
    for fold in range(FOLDS):
        tested = rows[fold::FOLDS]
        known = [each for index, each in enumerate(rows) if index % FOLDS != fold]
        model = train(ours, [*known, *everyday], rules, Budget())
        read += [(each.example, model.over(each.by_rules, each.example.text, rules).level) for each in tested]
        right += _eleven([each.example for each in known], [each.example for each in tested])
    return read, Share(right, len(rows))


def _eleven(known: list[Example], tested: list[Example]) -> int:
    """How many get one of their own labels, by one regression over the same n-grams."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    guess = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True),
        LogisticRegression(C=30, max_iter=400),
    )
    guess.fit([each.text for each in known], [each.labels[0] for each in known])
    said = guess.predict([each.text for each in tested])
    return sum(one in each.labels for one, each in zip(said, tested, strict=True))
