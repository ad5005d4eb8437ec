"""A dialogue: one open question, what it hears, and what it says when it did not understand.

Each file of this folder declares its dialogues with `@dialogue(topic, again=…)`. The function gets the
talk and the open question and answers with a sentence, or with None when the text was not an answer to it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.messages.models import Question
from bot.conversation.talk import Talk

Hear = Callable[[Talk, Question, str], Awaitable[str | None]]


@dataclass(frozen=True)
class Dialogue:
    topic: str
    hear: Hear
    again: str


DIALOGUES: dict[str, Dialogue] = {}


def dialogue(topic: str, *, again: str) -> Callable[[Hear], Hear]:
    """Declare who hears the answers to the questions of `topic`; `again` names the sentence that asks anew."""

    def declare(hear: Hear) -> Hear:
        if topic in DIALOGUES:
            raise ValueError(f"two dialogues for {topic}")
        DIALOGUES[topic] = Dialogue(topic, hear, again)
        return hear

    return declare
