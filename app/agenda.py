"""What will happen by itself, and why: every due row of the house in words, soonest first."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app import due
from app.activities import service as activities
from app.activities.models import Plan
from app.due import DueRow
from app.duty.models import DutyWatch
from app.escalations.models import CaseRow, DrillPlan
from app.messages import service as messages
from app.mood.models import MoodPlan
from app.people import service as people
from bot.wording import wording

HELD = ("quiet", "question", "enough", "try_later", "stopped")
say = wording().say


@dataclass(frozen=True)
class Entry:
    at: datetime
    what: str
    why: str


async def entries(session: AsyncSession, n: int = 12) -> list[Entry]:
    """The next `n` things."""
    found = [*await _plans(session, n), *await _cases(session, n), *await _moods(session, n)]
    found += [*await _letters(session, n), *await _duty(session, n), *await _drills(session, n)]
    return sorted(found, key=lambda entry: entry.at)[:n]


async def _plans(session: AsyncSession, n: int) -> list[Entry]:
    found = []
    for plan in await due.upcoming(session, Plan, n):
        occurrence = await activities.occurrence(session, plan.occurrence_id)
        key = f"agenda.{plan.milestone.value}"
        found.append(_entry(plan, say(key, title=occurrence.title), say(f"{key}_why")))
    return found


async def _cases(session: AsyncSession, n: int) -> list[Entry]:
    rows = await due.upcoming(session, CaseRow, n)
    return [_entry(row, say("agenda.case", code=row.code), say(f"agenda.case_{row.state.value}")) for row in rows]


async def _moods(session: AsyncSession, n: int) -> list[Entry]:
    found = []
    for plan in await due.upcoming(session, MoodPlan, n):
        member = await people.person(session, plan.person_id)
        found.append(_entry(plan, say("agenda.mood", name=member.known_as), say("agenda.mood_why")))
    return found


async def _drills(session: AsyncSession, n: int) -> list[Entry]:
    found = []
    for plan in await due.upcoming(session, DrillPlan, n):
        house = await people.house(session, plan.house_id)
        found.append(_entry(plan, say("agenda.drill", house=house.name), say("agenda.drill_why")))
    return found


async def _duty(session: AsyncSession, n: int) -> list[Entry]:
    found = []
    for watch in await due.upcoming(session, DutyWatch, n):
        house = await people.house(session, watch.house_id)
        found.append(_entry(watch, say("agenda.duty", house=house.name), say("agenda.duty_why")))
    return found


async def _letters(session: AsyncSession, n: int) -> list[Entry]:
    found = []
    for row in await messages.waiting(session, n):
        name = (await people.person(session, row.person_id)).known_as if row.person_id else say("people.stranger")
        what = say("agenda.sending", name=name, kind=say(f"agenda.kind_{row.kind}"))
        why = (row.reason or "queued").replace(" ", "_")
        found.append(_entry(row, what, say(f"agenda.{why if why in HELD else 'queued'}")))
    return found


def _entry(row: DueRow, what: str, why: str) -> Entry:
    if row.due_at is None:
        raise ValueError(f"{row!r} is finished")
    return Entry(row.due_at, what, why)
