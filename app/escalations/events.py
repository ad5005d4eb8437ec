"""What may happen to a case, and what may follow from it."""

from dataclasses import dataclass
from datetime import date, datetime

from app.escalations.states import Ladder, Level, Outcome

# What happens to a case.


@dataclass(frozen=True)
class Flagged:
    """Danger was read again; `ladder` is the one for that level."""

    level: Level
    ladder: Ladder


@dataclass(frozen=True)
class Due:
    """Its moment has come.

    `reachable` holds, for each step, the people it leads to at this moment; after the steps, wider and wider
    circles of those who are rung as well when nobody takes it.
    """

    reachable: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Undeliverable:
    """A person could be told by no channel."""

    person: int
    reachable: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class HelpWanted:
    """The member says: not safe."""

    reachable: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ShiftChanged:
    """These have come on duty."""

    coming: tuple[int, ...]


@dataclass(frozen=True)
class Taken:
    by: int


@dataclass(frozen=True)
class Offered:
    by: int
    to: int


@dataclass(frozen=True)
class Contacted:
    by: int


@dataclass(frozen=True)
class Closed:
    """`on`: the day it is at the house. `referred`: a record of the referral has been made."""

    by: int
    outcome: Outcome
    next_contact: date | None = None
    grade: int | None = None
    referred: bool = False
    on: date | None = None


@dataclass(frozen=True)
class CalledOff:
    """Practice ends before its time; `why`: somebody is in danger, or nobody sends anything just now."""

    why: str


Event = Flagged | Due | Undeliverable | HelpWanted | ShiftChanged | Taken | Offered | Contacted | Closed | CalledOff


# What follows from it.


@dataclass(frozen=True)
class Alert:
    """Tell these people that somebody must take the case; `loud`: by every way that leads to them."""

    people: tuple[int, ...]
    step: int
    channels: tuple[str, ...] = ()
    loud: bool = False


@dataclass(frozen=True)
class TellOwner:
    person: int
    what: str


@dataclass(frozen=True)
class TellOthers:
    """Everybody who was alerted hears who has it."""

    owner: int


@dataclass(frozen=True)
class TellMember:
    owner: int
    by: datetime


@dataclass(frozen=True)
class AskToAccept:
    person: int
    by: int


@dataclass(frozen=True)
class NobodyTookIt:
    """Nobody can be told, or an orange ladder has run out: it stands on a list until a person clears it."""


@dataclass(frozen=True)
class TellLeaders:
    """Those who lead hear that its owner owes something for too long, or cannot reach them again and again."""

    what: str = "overdue"


@dataclass(frozen=True)
class DrillOver:
    """The practice has ended: with whoever took it, with nobody, or because it was called off."""

    called_off: str = ""


@dataclass(frozen=True)
class Refused:
    """The event changes nothing; `why` names a sentence."""

    why: str
    owner: int | None = None


Effect = Alert | TellOwner | TellOthers | TellMember | AskToAccept | NobodyTookIt | TellLeaders | DrillOver | Refused
