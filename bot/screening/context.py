"""What is known when a message arrives, besides its words, and what that does to their reading."""

from dataclasses import dataclass
from enum import StrEnum

MESSAGES = 6  # of the member's own, at most, are read together with a new one
MINUTES = 10  # how far back they may lie
LOOKED_AT = 4 * MESSAGES  # to find them: among what was written are numbers, commands, and what was acted on already
LOWEST_MOOD = 1
YELLOWS = 2  # in seven days before a yellow: the third is looked at today
WORRIED = 1  # other people of the house who worry, before somebody who worries as well


class Speaker(StrEnum):
    MEMBER = "member"
    FAMILY = "family"
    COUNSELLOR = "counsellor"


@dataclass(frozen=True, slots=True)
class Context:
    """`earlier`: what this person wrote in the last ten minutes, oldest first, six messages at most.

    `later`: what they wrote in the same second or after it, where that was handled first; two messages of one second
    stand in both. `mood`: their last answer (1 to 5, 5 the best) of the last day. `yellows`: how many times they, or
    somebody they worry about, were read as yellow in the last seven days, one outburst counted once. `worried`: how
    many other people of the house wrote words of worry about somebody in the last half hour.
    """

    earlier: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    mood: int | None = None
    yellows: int = 0
    worried: int = 0
    speaker: Speaker = Speaker.MEMBER


ALONE = Context()
