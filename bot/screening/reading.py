"""What screening says about one message."""

from dataclasses import dataclass
from enum import IntEnum

CATEGORIES = (
    "suicide", "self_harm", "violence", "relapse", "medication", "abuse", "gambling", "third_party", "distress",
)  # fmt: skip


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

    def raised(self) -> "Level":
        return Level(min(self + 1, Level.RED))


@dataclass(frozen=True, slots=True)
class Hit:
    """What fired, and where: `start:end` is a slice of the text as the member sent it.

    `rule` is the id of a rule, or "model" for what the statistical layer found. `lowered`: what took levels off it,
    "past" or "fiction". `before`: it began in the messages before this one.
    """

    rule: str
    level: Level
    category: str
    start: int
    end: int
    reason: str
    lowered: str = ""
    before: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """The verdict; `version` names the rule set that gave it and `model` the statistical layer, "" if it had no say.

    `score`: how likely somebody must look today, from 0 to 1, by the statistical layer (calibrated on authors that it
    had not read). `raised`: what besides the words made it more urgent: "mood", "yellows", "worried". `denied`: where
    danger was named only to say no to it (我不会自杀), slices of the text as the member sent it.
    """

    level: Level
    category: str
    hits: tuple[Hit, ...]
    version: str
    score: float = 0.0
    model: str = ""
    raised: tuple[str, ...] = ()
    denied: tuple[tuple[int, int], ...] = ()
