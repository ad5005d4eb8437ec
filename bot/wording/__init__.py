"""Every sentence that a person reads, per locale, as data: `zh-Hans.yaml` and its sisters."""

from collections.abc import Mapping
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
    """The sentences of one locale: `say("rsvp.going", when=…, place=…)`."""

    def __init__(self, locale: str, sentences: dict[str, str]) -> None:
        self.locale = locale
        self.version = locale
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

    def needs(self, key: str) -> set[str]:
        """The names of the data that a sentence speaks of."""
        known = self._needs.get(key)
        if known is None:
            parsed = Formatter().parse(self._sentences[key])
            known = self._needs[key] = {name for _text, name, _spec, _conversion in parsed if name}
        return known


@lru_cache
def wording(locale: str = DEFAULT) -> Wording:
    """The sentences of `locale`; those of zh-Hans where there is no such file."""
    file = FOLDER / f"{locale}.yaml"
    if not file.exists():
        file = FOLDER / f"{DEFAULT}.yaml"
    tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    flat = {f"{room}.{name}": str(text) for room, lines in tree.items() for name, text in lines.items()}
    return Wording(file.stem, flat)
