"""What each bell works off. Every function here is idempotent and safe to run in any number of processes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import due
from app.activities import service as activities
from app.activities.calendar import Quiet
from app.activities.models import Plan, Series
from app.clock import Clock
from app.db import Database, is_database_trouble
from app.due import DueRow, Row
from app.duty import arranging, changes, watch
from app.duty.models import DutyWatch
from app.escalations import aftercare, checks, drills, handing_over
from app.escalations import service as escalations
from app.escalations.models import CaseRow, DrillPlan, FollowUp
from app.messages.models import Outbox
from app.mood import service as mood
from app.mood.models import MoodPlan
from app.opinions.models import SecondOpinion

log = structlog.get_logger()

DUE_TABLES: Sequence[type[DueRow]] = (
    CaseRow, FollowUp, Outbox, Plan, MoodPlan, Series, DutyWatch, DrillPlan, SecondOpinion,
)  # fmt: skip
MATERIALISE_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class Works:
    """The works over due rows; each claims a batch, does it, and says how many rows it was."""

    db: Database
    clock: Clock
    quiet: Quiet
    looked_on: set[date] = field(default_factory=set)

    async def cases(self) -> int:
        """Advance every case whose moment has come, each in a unit of work of its own."""
        now = self.clock.now()
        async with self.db.begin() as session:
            rows = await due.claim(session, CaseRow, now, n=20, first=[col(CaseRow.level).desc()])
        for row in rows:
            try:
                async with self.db.begin() as session:
                    current = await escalations.case(session, row.id or 0)
                    if (current.attempts, current.due_at) == (row.attempts, row.due_at):
                        await escalations.advance(session, current, self.clock.now())
            except Exception as error:
                # One broken case must not keep the others waiting; its lease brings it back in a minute.
                log.error("case broke", case=row.id, error=type(error).__name__, exc_info=True)
        return len(rows)

    async def milestones(self) -> int:
        """Invite, remind, ask after: fan a milestone out to the people it concerns."""
        return await self._each(Plan, 1, lambda session, plan: activities.carry_out(session, plan, self.clock.now()))

    async def moods(self) -> int:
        """Ask those whose hour it is."""

        async def ask(session: AsyncSession, plan: MoodPlan) -> None:
            open_case = await escalations.red_case_is_open(session, plan.person_id)
            await mood.prompt(session, plan, self.clock.now(), case_is_open=open_case)

        return await self._each(MoodPlan, 100, ask)

    async def follow_ups(self) -> int:
        """Ask for the contacts that were agreed on when cases were closed."""
        return await self._each(FollowUp, 20, lambda session, row: aftercare.remind(session, row, self.clock.now()))

    async def look_at_ladders(self) -> int:
        """Once a day, and when the house opens: would a cry for help be heard?"""
        today = self.clock.now().date()
        if today in self.looked_on:
            return 0
        async with self.db.begin() as session:
            found = await checks.warn(session, self.clock.now())
        self.looked_on.add(today)
        return found

    async def duty(self) -> int:
        """Shift changes: who has come hears of what waits, who has gone is asked to whom their cases go."""

        async def turn(session: AsyncSession, house: DutyWatch) -> None:
            now = self.clock.now()
            changed = await watch.look(session, house, now)
            if changed is None:
                return
            await escalations.shift_changed(session, house.house_id, changed.coming, now)
            for shift in changed.going:
                await handing_over.shift_over(session, shift, now)

        async with self.db.begin() as session:
            await watch.begin(session, self.clock.now())
        await self._lapse()
        return await self._each(DutyWatch, 1, turn)  # red cases are held: for no longer than one house takes

    async def _lapse(self) -> None:
        """Whoever proposed a swap that nobody has answered hears that it is over."""
        now = self.clock.now()
        try:
            async with self.db.begin() as session:
                for swap in await changes.lapse(session, now):
                    await arranging.tell_settled(session, swap, swap.made_by, now)
        except Exception as error:
            if is_database_trouble(error):
                raise
            log.error("swaps did not lapse", error=type(error).__name__, exc_info=True)

    async def drills(self) -> int:
        """Begin the drills whose day it is."""

        async def practise(session: AsyncSession, plan: DrillPlan) -> None:
            await drills.come_due(session, plan, self.clock.now(), self.quiet)

        return await self._each(DrillPlan, 1, practise)

    async def materialise(self) -> int:
        """Write the dates of every series out, eight weeks ahead."""

        async def write(session: AsyncSession, series: Series) -> None:
            now = self.clock.now()
            await activities.write_dates(session, series, now, self.quiet)
            await due.finish(session, series, due_at=now + MATERIALISE_EVERY)

        return await self._each(Series, 50, write)

    async def _each(self, table: type[Row], n: int, do: Callable[[AsyncSession, Row], Awaitable[None]]) -> int:
        """Claim a batch and do each row in a savepoint: a row that breaks comes back when its lease is over."""
        async with self.db.begin() as session:
            rows = await due.claim(session, table, self.clock.now(), n=n)
            for row in rows:
                number = row.id
                try:
                    async with session.begin_nested():
                        await do(session, row)
                except Exception as error:
                    if is_database_trouble(error):
                        raise
                    log.error("row broke", table=table.__name__, row=number, error=type(error).__name__, exc_info=True)
        return len(rows)

    async def next_due(self) -> datetime | None:
        """When the next thing will happen."""
        async with self.db.read() as session:
            return await earliest(session)


async def earliest(session: AsyncSession) -> datetime | None:
    moments = [await due.next_due(session, table) for table in DUE_TABLES]
    return min((moment for moment in moments if moment is not None), default=None)
