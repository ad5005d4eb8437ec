"""Would a cry for help be heard? Where a ladder leads to nobody, asked before anybody needs it.

Looked at when the house opens, every day from then on, and whenever a ladder is written down.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.duty import service as duty
from app.escalations.ladders import ALONE_AT_NIGHT, ENDS, LEADS_NOWHERE, LadderError, ladder_for
from app.escalations.states import Ladder, Level, Target
from app.messages import channels
from app.messages import service as messages
from app.people.models import House, Person, Role
from app.people.scope import covering
from app.tasks import service as tasks
from app.tasks.models import TaskKind

ROTA_AHEAD = timedelta(days=14)


class Weak(StrEnum):
    """`UNREADABLE`: the ladder itself. `STEP`: one of its steps leads to nobody in a house. `NOBODY`: outside the
    hours of duty no channel leads to anybody. `NO_CHANNEL`: somebody whom it means can be told by no channel."""

    UNREADABLE = "unreadable_ladder"
    STEP = "empty_step"
    NOBODY = "nobody_reachable"
    NO_CHANNEL = "no_channel"


@dataclass(frozen=True, slots=True)
class Weakness:
    kind: Weak
    level: Level | None = None
    house_id: int | None = None
    step: int | None = None
    person_id: int | None = None

    @property
    def code(self) -> str:
        """What it is about, by numbers: a name does not belong in an alarm."""
        named = {"house": self.house_id, "level": self.level, "step": self.step, "person": self.person_id}
        return " ".join(f"{name}={value}" for name, value in named.items() if value is not None)


@dataclass(frozen=True)
class _House:
    """A house as its ladders see it: who answers for its members, who is on its rota, who leads."""

    id: int
    pairs: frozenset[tuple[int | None, int | None]]
    rota: frozenset[int]
    leads: frozenset[int]

    def named(self, targets: Iterable[Target], pair: tuple[int | None, int | None], *, at_night: bool) -> set[int]:
        found: set[int | None] = set()
        for target in targets:
            whole = target is Target.EVERYONE
            found |= {pair[0]} if whole or target is Target.ASSIGNED else set()
            found |= {pair[1]} if whole or target is Target.BACKUP else set()
            found |= self.leads if whole or target is Target.SUPERVISOR else set()
            found |= self.rota if (whole or target is Target.DUTY) and not at_night else set()
        return {person_id for person_id in found if person_id is not None}


async def weaknesses(
    session: AsyncSession, programme_id: int, now: datetime, *, instead: Mapping[Level, Ladder] | None = None
) -> list[Weakness]:  # fmt: skip
    """Everything that is wrong with the ladders of a programme; with those of `instead`, if they were its own."""
    found: list[Weakness] = []
    ladders: dict[Level, Ladder] = {}
    for level in Level:
        try:
            ladders[level] = (instead or {}).get(level) or await ladder_for(session, programme_id, level)
        except LadderError:
            found.append(Weakness(Weak.UNREADABLE, level))
    houses = await _houses(session, programme_id, now)
    meant = {
        (level, house.id, n): {p for pair in house.pairs for p in house.named(step.targets, pair, at_night=False)}
        for level, ladder in ladders.items() for house in houses for n, step in enumerate(ladder.steps)
    }  # fmt: skip
    everybody = set().union(*meant.values())
    by_channel = await messages.reachable(session, everybody)
    found += [Weakness(Weak.STEP, level, house_id, n) for (level, house_id, n), people in meant.items() if not people]
    for house in houses:
        for level, ladder in ladders.items():
            at_night = [
                {p for step in ladder.steps for p in house.named(step.targets, pair, at_night=True)}
                for pair in house.pairs
            ]
            if level is not Level.YELLOW and any(not people & by_channel for people in at_night):
                found.append(Weakness(Weak.NOBODY, level, house.id))
    return found + [Weakness(Weak.NO_CHANNEL, person_id=p) for p in sorted(everybody - by_channel)]


async def _houses(session: AsyncSession, programme_id: int, now: datetime) -> list[_House]:
    found = []
    for house in await session.scalars(select(House).where(col(House.programme_id) == programme_id)):
        pairs = await session.execute(
            select(col(Person.worker_id), col(Person.backup_id))
            .where(col(Person.house_id) == house.id, col(Person.role) == Role.MEMBER)
            .distinct()
        )
        there = frozenset((worker, backup) for worker, backup in pairs)
        if there:
            shifts = await duty.plan(session, house, now, now + ROTA_AHEAD)
            leads = select(col(Person.id)).where(col(Person.role) == Role.SUPERVISOR, covering(house))
            leading = frozenset(p for p in await session.scalars(leads) if p is not None)
            found.append(_House(house.id or 0, there, frozenset(shift.person_id for shift in shifts), leading))
    return found


async def refuse_alone(session: AsyncSession, programme_id: int, level: Level, ladder: Ladder, now: datetime) -> None:
    """LadderError if a programme with this ladder would leave somebody in danger alone."""
    if level is Level.RED and ladder.loops is not None:
        raise LadderError(ENDS)
    for weakness in await weaknesses(session, programme_id, now, instead={level: ladder}):
        if weakness.level is level and weakness.kind is Weak.STEP:
            raise LadderError(LEADS_NOWHERE.format(step=(weakness.step or 0) + 1))
        if weakness.level is level and weakness.kind is Weak.NOBODY:
            raise LadderError(ALONE_AT_NIGHT)


async def warn(session: AsyncSession, now: datetime) -> int:
    """Tell whoever runs the program, and about colleagues whoever leads, once a day each; how many were new."""
    told = 0
    for programme_id in await session.scalars(select(col(House.programme_id)).distinct()):
        for weakness in await weaknesses(session, programme_id, now):
            told += await channels.alarm(session, "ladder", weakness.kind, now, code=weakness.code, once_a="%Y%m%d")
            if weakness.person_id is not None:
                await tasks.ask_a_person(
                    session, TaskKind.CLEAR, "no_channel", key=f"no-channel:{weakness.person_id}:{now:%G%V}", now=now,
                    about=await session.get(Person, weakness.person_id),
                )  # fmt: skip
    return told
