"""Every sentence that a person reads, per locale, as data: `zh-Hans.yaml` and its sisters.

`zh-Hans.yaml` has them all, but for those of the console, which are written in zh-Hans only: each page has its file
in `console/`. Another locale has what was written for its readers; a sentence that it does not have is said as
zh-Hans has it, each by itself.
"""

from collections.abc import Mapping, Set
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

FOLDER = Path(__file__).parent
DEFAULT = "zh-Hans"


class WordingError(Exception):
    """A sentence that does not exist, or one that needs data it was not given."""


class Wording:
    """The sentences of one locale: `say("rsvp.going", when=…, place=…)`.

    `borrowed`: the keys whose sentences are those of zh-Hans, because this locale has none of its own.
    """

    def __init__(self, locale: str, sentences: Mapping[str, str], borrowed: Set[str] = frozenset()) -> None:
        self.locale = locale
        self.borrowed = borrowed
        self._sentences = sentences
        self._needs: dict[str, set[str]] = {}

    def say(self, key: str, **data: Any) -> str:
        return self.say_with(key, data)

    def say_with(self, key: str, data: Mapping[str, Any]) -> str:
        """The same, with data that may be looked up only when the sentence speaks of it."""
        sentence = self._sentences.get(key)
        if sentence is None:
            raise WordingError(f"no sentence {key} in {self.locale}")
        try:
            return sentence.format_map(data)
        except KeyError as missing:
            raise WordingError(f"{key} needs {missing.args[0]}") from None

    def keys(self) -> set[str]:
        return set(self._sentences)

    def written_in(self, room: str) -> str:
        """The locale in which people read the sentences of `room`: zh-Hans where one of them is borrowed."""
        return DEFAULT if any(key.startswith(f"{room}.") for key in self.borrowed) else self.locale

    @property
    def version(self) -> str:
        """The words in which people are asked for their consent, as it is kept with what they answered."""
        return self.written_in("join")

    def needs(self, key: str) -> set[str]:
        """The names of the data that a sentence speaks of."""
        known = self._needs.get(key)
        if known is None:
            parsed = Formatter().parse(self._sentences[key])
            known = self._needs[key] = {name for _text, name, _spec, _conversion in parsed if name}
        return known


@lru_cache
def wording(locale: str = DEFAULT) -> Wording:
    """The sentences of `locale`; those of zh-Hans for what it lacks, and for everything where there is no such file."""
    everything = _read(DEFAULT)
    own = _read(locale) if (FOLDER / f"{locale}.yaml").exists() and locale != DEFAULT else None
    if own is None:
        return Wording(DEFAULT, everything)
    if unknown := own.keys() - everything.keys():
        raise WordingError(f"{locale} has sentences that nobody says: {', '.join(sorted(unknown))}")
    return Wording(locale, {**everything, **own}, everything.keys() - own.keys())


@lru_cache
def locales() -> tuple[str, ...]:
    """The locales that have sentences of their own, the one that has them all first."""
    found = {file.stem for file in FOLDER.glob("*.yaml")} - {"discretion"}
    return (DEFAULT, *sorted(found - {DEFAULT}))


def _read(locale: str) -> dict[str, str]:
    tree = _tree(FOLDER / f"{locale}.yaml")
    if locale == DEFAULT:
        tree |= {f"console_{file.stem}": _tree(file) for file in sorted((FOLDER / "console").glob("*.yaml"))}
    return {f"{room}.{name}": str(text) for room, lines in tree.items() for name, text in lines.items()}


def _tree(file: Path) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tree
