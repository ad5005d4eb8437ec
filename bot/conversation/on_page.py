"""What somebody does on a page of ours: it comes the same way as what they say in the chat.

Words of a page are words: they are read for danger first, they open a case, they are kept. But WeChat has not heard
them, so that they open no window through which we may write.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

from bot.wechat import Received, Text

Item = Literal["safe", "not_safe", "call", "no_call"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodOnPage(Text):
    """A face, words, or both: `score` 1 to 5, None for words that follow an answer; `prompt_id`: what was asked."""

    score: int | None = None
    prompt_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PressedOnPage(Received):
    """A button that answers what the page has just asked."""

    item: Item


OnPage = MoodOnPage | PressedOnPage


def key_of(form: str, *filled_in: object) -> str:
    """The same for the same form sent twice, another one where something else was chosen in it."""
    what = "\n".join([form, *map(str, filled_in)])
    return f"page:{hashlib.sha256(what.encode()).hexdigest()[:40]}"
