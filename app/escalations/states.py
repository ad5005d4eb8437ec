"""What a case is: its level, its state, and the ladder it climbs."""

import math
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
    """Who is told, `after` the step before; by these `channels` first, where any are named."""

    targets: tuple[Target, ...]
    after: timedelta
    channels: tuple[str, ...] = ()


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
    DRILL = "drill"


GRADES = range(6)  # 危险性评估 0 to 5, of the national norm for follow-up
REFER_FROM = 3
FOLLOW_UP_WITHIN = timedelta(days=14)
# The norm sees even those who are stable every three months.
LONGEST_WITHOUT_CONTACT = timedelta(days=100)


@dataclass(frozen=True)
class Case:
    """`reminded` counts what its owner was reminded of since they took it. `drill`: practised, nobody is in danger."""

    level: Level
    ladder: Ladder
    drill: bool = False
    state: State = State.OPEN
    step: int = 0
    rounds: int = 0
    owner: int | None = None
    offered_to: int | None = None
    reminded: int = 0
    version: int = 0
    next_action_at: datetime | None = None
    outcome: Outcome | None = None
    grade: int | None = None
    next_contact: date | None = None

    @property
    def ran_out(self) -> bool:
        """Its ladder is at its end and nobody took it: it stands on the list of what nobody handles."""
        return self.state is State.OPEN and self.step >= len(self.ladder.steps) and self.rounds >= self.most_rounds

    @property
    def most_rounds(self) -> float:
        """How often everybody is told again: red goes on, whatever its ladder says; practice ends."""
        if self.drill:
            return 1
        if self.level is Level.RED or self.ladder.loops is None:
            return math.inf
        return self.ladder.loops
