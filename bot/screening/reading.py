"""What screening says about one message."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How soon a person must look: never, this week, today, now."""

    NONE = 0
    YELLOW = 1
    ORANGE = 2
    RED = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    def lowered(self, steps: int) -> "Level":
        return Level(max(self - steps, 0))


@dataclass(frozen=True, slots=True)
class Hit:
    """One rule that fired, and where: `start:end` is a slice of the text as the member sent it."""

    rule: str
    level: Level
    category: str
    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The verdict: the highest hit decides; `version` names the rule set that gave it."""

    level: Level
    category: str
    hits: tuple[Hit, ...]
    version: str
