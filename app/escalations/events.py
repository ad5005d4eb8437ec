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

    `reachable` holds, for each step, the people it leads to at this moment, and after the steps, where it is
    longer than the ladder, everybody else who may be rung when nobody takes it.
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
    by: int
    outcome: Outcome
    next_contact: date | None = None


Event = Flagged | Due | Undeliverable | HelpWanted | Taken | Offered | Contacted | Closed


# What follows from it.


@dataclass(frozen=True)
class Alert:
    """Tell these people that somebody must take the case."""

    people: tuple[int, ...]
    step: int


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
    """An orange ladder has run out: it stands on a list until a person clears it."""


@dataclass(frozen=True)
class Refused:
    """The event changes nothing; `why` names a sentence."""

    why: str
    owner: int | None = None


Effect = Alert | TellOwner | TellOthers | TellMember | AskToAccept | NobodyTookIt | Refused
