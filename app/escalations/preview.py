"""Who would be told when, if somebody cried for help at a moment and nobody took it: nobody is really told.

The machine of the cases itself decides, and whom a step leads to is asked of `targets`, moment by moment: so what
is shown here is what the ladder does, as far as the rota, the people and their channels stay as they are now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ident
from app.duty import service as duty
from app.duty.rota import present
from app.escalations import events, machine, targets
from app.escalations.states import Case, Ladder, Level
from app.escalations.telling import next_digest
from app.messages import service as messages
from app.people.models import House, Person, Role

ROUNDS_SHOWN = 3


class What(StrEnum):
    """`STEP`: a step fires. `EMPTY`: it leads to nobody, and takes no time. `AGAIN`: everybody is told once more.
    `COMING`: whoever comes on duty meanwhile is told. `NOBODY`: it stands on the list of what nobody handles."""

    STEP = "step"
    EMPTY = "empty"
    AGAIN = "again"
    COMING = "coming"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Moment:
    """`channels` come first for this step; `loud`: by every way at once. `step` counts from 0."""

    at: datetime
    what: What
    step: int
    people: tuple[int, ...] = ()
    channels: tuple[str, ...] = ()
    loud: bool = False


def somebody(house: House, worker_id: int | None, backup_id: int | None) -> Person:
    """Stands for a member of this house with this worker and backup; never in the database."""
    return Person(
        programme_id=house.programme_id, house_id=ident(house), code="", name="", role=Role.GUEST,
        worker_id=worker_id, backup_id=backup_id,
    )  # fmt: skip


async def foretell(
    session: AsyncSession, house: House, subject: Person, level: Level, ladder: Ladder, begins: datetime
) -> list[Moment]:
    """What happens from `begins` on while nobody takes it; of the repeats, the first `ROUNDS_SHOWN`."""
    case = machine.open_case(level, ladder, begins)
    comings = await _comings(session, house, begins, _longest(ladder)) if level is Level.RED else []
    found: list[Moment] = []
    while (case.rounds < ROUNDS_SHOWN or case.ran_out) and case.next_action_at is not None:
        at = case.next_action_at
        while comings and comings[0].at <= at:
            found.append(comings.pop(0))
        reachable = await targets.reachable(session, subject, ladder, at)
        before = case
        case, effects = machine.decide(case, events.Due(reachable), at)
        found += [
            Moment(at, What.EMPTY, step)
            for step in range(before.step, len(ladder.steps))
            if step < case.step and not reachable[step]
        ]
        found += [moment for effect in effects if (moment := _moment(before, effect, at, house.zone)) is not None]
        if before.ran_out:
            break
    return found


def _longest(ladder: Ladder) -> timedelta:
    return sum((step.after for step in ladder.steps), ladder.repeat_every * (ROUNDS_SHOWN + 1))


def _moment(before: Case, effect: events.Effect, at: datetime, zone: str) -> Moment | None:
    match effect:
        case events.Alert():
            what = What.STEP if effect.step < len(before.ladder.steps) else What.AGAIN
            told_at = next_digest(at, zone) if before.level is Level.YELLOW else at
            return Moment(told_at, what, effect.step, effect.people, effect.channels, effect.loud)
        case events.NobodyTookIt():
            return Moment(at, What.NOBODY, before.step)
    return None


async def _comings(session: AsyncSession, house: House, begins: datetime, lasts: timedelta) -> list[Moment]:
    """Who comes on duty in this time: red that waits is told to them at once."""
    planned = await duty.plan(session, house, begins, begins + lasts)
    by_channel = await messages.reachable(session, {shift.person_id for shift in planned})
    there = set(present(planned, begins))
    found = []
    for at in sorted({edge for shift in planned for edge in (shift.starts_at, shift.ends_at) if begins < edge}):
        now = present(planned, at)
        coming = tuple(person for person in now if person not in there and person in by_channel)
        there = set(now)
        if coming:
            found.append(Moment(at, What.COMING, 0, coming))
    return found
