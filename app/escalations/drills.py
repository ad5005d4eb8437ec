"""The fire drill: a marked case about nobody climbs the real ladder, over the real channels, by the real clock."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import due
from app.activities.calendar import Quiet
from app.clock import local
from app.db import ident
from app.duty import service as duty
from app.escalations import events, journal, monthly, service, targets
from app.escalations.ladders import ladder_for
from app.escalations.models import CaseEvent, CaseRow, DrillPlan
from app.escalations.monthly import Monthly
from app.escalations.states import Ladder, Level, State
from app.escalations.telling import NOBODY_SENDS
from app.messages import service as messages
from app.people import service as people
from app.people.models import House, Person

log = structlog.get_logger()
DRILLS = "drills"
PRACTISED = "Practised"
CATEGORY, NAME = "drill", "演练"
A_DAY, AROUND, SATURDAY = timedelta(days=1), timedelta(days=35), 5
HALF_AN_HOUR = timedelta(minutes=30)
TOO_LATE = timedelta(hours=1)  # after the planned moment: whoever is called then was not told to expect it


class DrillRefused(Exception):  # noqa: N818 - it is an answer, and `why` names its sentence
    """There can be no drill now: `running`, `danger` or `quiet`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


async def begin(
    session: AsyncSession, house: House, now: datetime, quiet: Quiet, *, by: Person | None = None,
    at_night: bool = False,
) -> CaseRow:  # fmt: skip
    """Somebody has to answer for nobody, as if they were in danger. DrillRefused says why not now.

    Not while another drill runs in the house, nor while somebody there is in danger or a case of danger elsewhere
    waits for those whom it would call, nor (unless `at_night`) where it would ring in the quiet hours before it ends.
    """
    # One after the other; a key of this row that somebody else's row refers to is in nobody's way.
    await session.get(House, house.id, with_for_update={"key_share": True}, populate_existing=True)
    ladder = await ladder_for(session, house.programme_id, Level.RED)
    if await running(session, house) is not None:
        raise DrillRefused("running")
    if await service.red_case_in(session, ident(house)):
        raise DrillRefused("danger")
    if not at_night and not is_calm(ladder, now, quiet, house.zone):
        raise DrillRefused("quiet")
    nobody = await people.stand_in(session, house, name=NAME)
    nobody.worker_id, nobody.backup_id = await _whose_turn(session, house)
    meant = {person for step in await targets.named_by(session, nobody, ladder, now) for person in step}
    if meant & await service.called_to_danger(session, house.programme_id):
        raise DrillRefused("danger")
    row = await service.open_case(session, nobody, Level.RED, CATEGORY, ladder, now, drill=True)
    without = sorted(meant - await messages.reachable(session, meant))
    detail = {"worker": nobody.worker_id, "backup": nobody.backup_id, "without_a_way": without}
    await journal.append(session, row, PRACTISED, detail, now=now, actor=by)
    await service.advance(session, row, now)
    return row


async def running(session: AsyncSession, house: House) -> CaseRow | None:
    """The drill of a house that is not over."""
    found: CaseRow | None = await session.scalar(
        select(CaseRow).where(
            col(CaseRow.house_id) == house.id, col(CaseRow.drill), col(CaseRow.state) != State.RESOLVED
        )
    )
    return found


async def find(session: AsyncSession, code: str) -> CaseRow | None:
    """The newest drill that had this code."""
    newest = select(CaseRow).where(col(CaseRow.drill), col(CaseRow.code) == code).order_by(col(CaseRow.id).desc())
    found: CaseRow | None = await session.scalar(newest.limit(1))
    return found


async def nobody_sends(session: AsyncSession, case_id: int, now: datetime) -> None:
    """Nothing of it has left and nothing will: it is called off before anybody hears of it."""
    row = await service.case(session, case_id)
    await service.happened(session, row, events.CalledOff(NOBODY_SENDS), now)


def is_calm(ladder: Ladder, begins: datetime, quiet: Quiet, zone: str) -> bool:
    """Whether a drill that begins then is over before the quiet hours, even if nobody takes it."""
    halves = lasts(ladder) // HALF_AN_HOUR + 1
    moments = [begins + n * HALF_AN_HOUR for n in range(halves)]
    return not any(quiet.holds(moment, zone) for moment in (*moments, begins + lasts(ladder)))


def lasts(ladder: Ladder) -> timedelta:
    """How long it goes on if nobody takes it: every step, everybody once more, and the wait after that."""
    return sum((step.after for step in ladder.steps[1:]), timedelta()) + 2 * ladder.repeat_every


async def minutes(session: AsyncSession, house: House) -> int:
    """How many minutes a drill of this house goes on if nobody takes it."""
    return lasts(await ladder_for(session, house.programme_id, Level.RED)) // timedelta(minutes=1)


async def _whose_turn(session: AsyncSession, house: House) -> tuple[int | None, int | None]:
    """The worker who has not been practised with for the longest time, and of their backups the same."""
    pairs = await people.who_answers_for_whom(session, ident(house))
    if not pairs:
        return None, None  # the ladder leads to whoever is on duty and whoever leads
    before = await _practised(session, house)
    workers = [worker for worker, _ in before]
    return min(pairs, key=lambda pair: (_last(workers, pair[0]), _last(before, pair)))


def _last(before: Sequence[object], this: object) -> int:
    return max((n for n, one in enumerate(before) if one == this), default=-1)


async def _practised(session: AsyncSession, house: House) -> list[tuple[int | None, int | None]]:
    entries = (
        select(CaseEvent)
        .join(CaseRow, col(CaseRow.id) == col(CaseEvent.case_id))
        .where(col(CaseRow.house_id) == house.id, col(CaseRow.drill), col(CaseEvent.kind) == PRACTISED)
        .order_by(col(CaseEvent.id))
    )
    return [(one.detail["worker"], one.detail["backup"]) for one in await session.scalars(entries)]


# Every month by itself


async def plan(session: AsyncSession, house: House, wanted: Monthly | None, now: datetime, *, anew: bool) -> bool:
    """The house practises at these times from now on (None: never by itself); whether that is new.

    `anew`: its clock is another one, so that the same words mean another moment.
    """
    standing: DrillPlan | None = await session.scalar(select(DrillPlan).where(col(DrillPlan.house_id) == house.id))
    if wanted is None:
        if standing is not None:
            await session.delete(standing)
        return standing is not None
    if standing is not None and _monthly(standing) == wanted and not anew:
        return False
    moment = await next_time(session, house, wanted, now)
    plan = standing or DrillPlan(house_id=ident(house), **wanted._asdict(), planned_at=moment)
    plan.nth, plan.weekday, plan.at = wanted
    plan.planned_at = plan.due_at = moment
    session.add(plan)
    await session.flush()
    return True


async def come_due(session: AsyncSession, plan: DrillPlan, now: datetime, quiet: Quiet) -> None:
    """The day has come. Where it is not possible it is tried at the same hour of the next day, within the month."""
    house = await people.house(session, plan.house_id)
    begun = False
    if now - plan.planned_at <= TOO_LATE:
        try:
            await begin(session, house, now, quiet)
            begun = True
        except DrillRefused as refused:
            log.warning("no drill today", house=plan.house_id, why=refused.why)
    moved = await _to_a_working_day(session, house, plan.planned_at)
    moment = None if begun else monthly.tomorrow(plan.planned_at, plan.at, house.zone, moved=moved)
    if moment is None or moment <= now:
        moment = await next_time(session, house, _monthly(plan), max(now, plan.planned_at))
    await due.finish(session, plan, due_at=moment, planned_at=moment)


async def next_time(session: AsyncSession, house: House, wanted: Monthly, after: datetime) -> datetime:
    """The next day of the month on which a house practises; a holiday is put off to the next working day."""
    moved = await _to_a_working_day(session, house, after)
    return monthly.next_time(wanted, after, house.zone, moved=moved)


async def _to_a_working_day(session: AsyncSession, house: House, around: datetime) -> Callable[[date], date]:
    """Weekends are taken as the file has them: who practises on Saturdays does so; only holidays are moved."""
    today = local(around, house.zone).date()
    day_of = await duty.calendar(session, house, today - AROUND, today + 3 * AROUND)

    def moved(day: date) -> date:
        if not day_of(day).off:
            return day
        while day_of(day).off or day_of(day).hours_of >= SATURDAY:
            day += A_DAY
        return day

    return moved


def _monthly(plan: DrillPlan) -> Monthly:
    return Monthly(plan.nth, plan.weekday, plan.at)
