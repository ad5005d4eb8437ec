"""What counts as an answer: exactly the JSON that was asked for, and a quotation that is in the message. Pure.

The message may have been written by somebody who tells the machine what to answer, and the machine may have obeyed:
nothing of it is believed but one of four levels, and that only upwards.
"""

import json
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.opinion.redaction import GONE
from bot.screening import Level

PROMPT = Path(__file__).with_name("prompt.yaml")
LONGEST = 2000  # characters of an answer
# Categories of Unicode whose characters say nothing by themselves.
_MUTE = frozenset("PZC")


class Unusable(Exception):  # noqa: N818 - it is no error of ours, it is what came
    """Something came back that is no answer to this message; the text says what, and nothing of what was said."""


class Finding(BaseModel):
    """One answer. `quote` is in the message; `reason` is for the machine to think with and goes nowhere."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    level: Literal["none", "yellow", "orange", "red"]
    category: Literal[
        "suicide", "self_harm", "violence", "relapse", "medication", "abuse", "gambling", "third_party", "distress",
        "none",
    ]  # fmt: skip
    quote: str = Field(max_length=400, repr=False)
    reason: str = Field(max_length=400, repr=False)

    @property
    def urgency(self) -> Level:
        return Level[self.level.upper()]


class Prompt(BaseModel):
    version: int
    system: str


@lru_cache(maxsize=1)
def prompt() -> Prompt:
    return Prompt.model_validate(yaml.safe_load(PROMPT.read_text(encoding="utf-8")))


def question(text: str) -> list[dict[str, str]]:
    """The messages of a request about `text`, which stands in JSON of its own: whatever is in it stays inside."""
    return [
        {"role": "system", "content": prompt().system},
        {"role": "user", "content": json.dumps({"message": text}, ensure_ascii=False)},
    ]


def read_answer(content: str | None, text: str) -> Finding:
    """What was answered about `text`, as it was sent. Unusable: anything but a whole and true answer."""
    if content is None:
        raise Unusable("nothing")
    if len(content) > LONGEST:
        raise Unusable("too long")
    found = _validated(content)
    if found.urgency is Level.NONE:
        return found
    if found.category == "none":
        raise Unusable("a level without a category")
    if found.quote not in text or not _says_something(found.quote):
        raise Unusable("a quote that is not in the message")
    return found


def _validated(content: str) -> Finding:
    try:
        return Finding.model_validate(json.loads(content, object_pairs_hook=_each_once, parse_constant=_never))
    except ValidationError:
        wrong = "not the keys and words that were asked for"
    except (ValueError, RecursionError):
        wrong = "not JSON"
    # Outside of the handlers: pydantic's exception holds what was answered, and so what was said.
    raise Unusable(wrong)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two levels in one object, which one was meant?"""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key twice")
    return made


def _never(_constant: str) -> None:
    raise ValueError("no such number")


def _says_something(quote: str) -> bool:
    """Marks alone, or what we put in the place of a name, are not anybody's words."""
    return any(unicodedata.category(char)[0] not in _MUTE for char in quote.replace(GONE, ""))
