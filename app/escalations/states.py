"""What a case is: its level, its state, and the ladder it climbs."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How soon a person must act: this week, today, now."""

    YELLOW = 1
    ORANGE = 2
    RED = 3


class State(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CONTACTED = "contacted"
    RESOLVED = "resolved"


class Target(StrEnum):
    ASSIGNED = "assigned"
    BACKUP = "backup"
    DUTY = "duty"
    SUPERVISOR = "supervisor"
    EVERYONE = "everyone"


@dataclass(frozen=True)
class Step:
    """Who is told, `after` the step before."""

    targets: tuple[Target, ...]
    after: timedelta


@dataclass(frozen=True)
class Ladder:
    """The policy that a case was opened under; editing the policy later does not change it."""

    steps: tuple[Step, ...]
    repeat_every: timedelta
    loops: int | None
    contact_within: timedelta
    result_within: timedelta = timedelta(hours=24)


class Outcome(StrEnum):
    CALLED = "called"
    MET = "met"
    FAMILY = "family"
    REFERRED = "referred"
    UNREACHED = "unreached"
    FALSE_ALARM = "false_alarm"


@dataclass(frozen=True)
class Case:
    level: Level
    ladder: Ladder
    state: State = State.OPEN
    step: int = 0
    rounds: int = 0
    owner: int | None = None
    offered_to: int | None = None
    reminded: int = 0
    version: int = 0
    next_action_at: datetime | None = None
    outcome: Outcome | None = None
    next_contact: date | None = None
