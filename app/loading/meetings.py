"""Activities: what recurs, what happens once, and what becomes of the dates that are written out already."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities import changes
from app.activities import service as activities
from app.activities.calendar import Quiet, dates
from app.activities.models import Occurrence, Plan, Rsvp, Series, State
from app.clock import local, wall
from app.db import ident
from app.loading.file import ProgrammeFile
from app.loading.schema import ActivityEntry
from app.loading.tally import Tally, settle
from app.people.models import House


@dataclass(frozen=True)
class _Terms:
    """What everybody is told about the meetings of a series."""

    at: str
    zone: str
    venue: str
    title: str
    minutes: int

    def starts_at(self, day: date) -> datetime:
        return wall(day, time.fromisoformat(self.at), self.zone)


@dataclass
class _Desk:
    session: AsyncSession
    file: ProgrammeFile
    tally: Tally
    now: datetime
    quiet: Quiet


async def load(
    session: AsyncSession, file: ProgrammeFile, houses: dict[str, House], zones_before: dict[int, str], tally: Tally,
    *, now: datetime, quiet: Quiet,
) -> None:  # fmt: skip
    desk = _Desk(session, file, tally, now, quiet)
    numbers = [ident(house) for house in houses.values()]
    series = {
        (row.house_id, row.code): row
        for row in await session.scalars(select(Series).where(col(Series.house_id).in_(numbers)))
    }
    codes = [entry.code for entry in file.activities]
    single = {
        (row.house_id, row.slot): row
        for row in await session.scalars(
            select(Occurrence).where(col(Occurrence.house_id).in_(numbers), col(Occurrence.slot).in_(codes))
        )
    }
    for entry in file.activities:
        house = houses[entry.house]
        key = (ident(house), entry.code)
        if key in (series if entry.on else single):
            other = "定期的" if entry.on else "只办一次的"
            tally.problems.append(file.problem(entry, "code", f"以前是{other}活动，不能改成另一种，请换一个 code"))
        elif entry.on:
            await _once(desk, entry, house, single.get(key))
        else:
            await _series(desk, entry, house, zones_before[ident(house)], series.get(key))


# What recurs


async def _series(desk: _Desk, entry: ActivityEntry, house: House, zone_before: str, row: Series | None) -> None:
    venue = entry.venue or house.venue
    terms = _Terms(entry.at, house.zone, venue, entry.title, entry.minutes)
    if row is None:
        starts_on = entry.starts_on or local(desk.now, house.zone).date()
        row = Series(
            house_id=ident(house), code=entry.code, title=entry.title, rule=entry.recurrence, starts_on=starts_on,
            at=entry.at, minutes=entry.minutes, venue=venue, due_at=desk.now,
        )  # fmt: skip
        desk.session.add(row)
        desk.tally.count(new=True)
        return
    before = _Terms(row.at, zone_before, row.venue, row.title, row.minutes)
    changed = settle(
        row, title=entry.title, rule=entry.recurrence, starts_on=entry.starts_on or row.starts_on, at=entry.at,
        minutes=entry.minutes, venue=venue,
    )  # fmt: skip
    if changed or before != terms:
        await _follow(desk, row, before, terms)
        row.due_at = desk.now
        changed = True
    desk.tally.count(changed=changed)


async def _follow(desk: _Desk, series: Series, before: _Terms, terms: _Terms) -> None:
    """The dates ahead follow the series, except in what somebody has arranged otherwise for one of them."""
    ahead = select(Occurrence).where(
        col(Occurrence.series_id) == series.id,
        col(Occurrence.state) == State.SCHEDULED,
        col(Occurrence.starts_at) > desk.now,
    )
    meetings = {_day(what, series): what for what in await desk.session.scalars(ahead)}
    if not meetings:
        return
    days = set(dates(series.rule, series.starts_on, first=min(meetings), last=max(meetings)))
    for day, what in sorted(meetings.items()):
        if day not in days:
            await _call_off(desk, what)
            continue
        as_planned = what.starts_at == before.starts_at(day) and terms.starts_at(day) > desk.now
        length = (what.ends_at - what.starts_at) == timedelta(minutes=before.minutes)
        await _move(
            desk, what,
            starts_at=terms.starts_at(day) if as_planned else what.starts_at,
            venue=terms.venue if what.venue == before.venue else what.venue,
            title=terms.title if what.title == before.title else what.title,
            minutes=terms.minutes if length else None,
        )  # fmt: skip


def _day(what: Occurrence, series: Series) -> date:
    return date.fromisoformat(what.slot.removeprefix(f"{series.code}:"))


async def _call_off(desk: _Desk, what: Occurrence) -> None:
    """A date that its series does not have any more: called off, or taken out where nobody was asked yet.

    Taken out, because a date that is called off stays so, and the series may come back to this day.
    """
    asked = await desk.session.scalar(select(col(Rsvp.id)).where(col(Rsvp.occurrence_id) == what.id).limit(1))
    if asked is not None:
        await changes.cancel(desk.session, what, desk.now, desk.quiet)
        return
    await desk.session.execute(delete(Plan).where(col(Plan.occurrence_id) == what.id))
    await desk.session.delete(what)
    await desk.session.flush()


# What happens once


async def _once(desk: _Desk, entry: ActivityEntry, house: House, what: Occurrence | None) -> None:
    starts_at = wall(entry.on or date.max, entry.starts, house.zone)
    venue = entry.venue or house.venue
    past = starts_at <= desk.now
    if what is None:
        if not entry.cancelled and not past:
            await activities.schedule(
                desk.session, house_id=ident(house), slot=entry.code, title=entry.title, starts_at=starts_at,
                minutes=entry.minutes, venue=venue, now=desk.now, quiet=desk.quiet,
            )  # fmt: skip
            desk.tally.count(new=True)
            return
        if past:
            desk.tally.notes.append(f"活动 {entry.code} 的时间已经过了，没有安排")
        desk.tally.count()
    elif what.state is State.CANCELLED:
        if not entry.cancelled:
            desk.tally.notes.append(f"活动 {entry.code} 已经取消，不会再恢复；要重新办，请换一个 code")
        desk.tally.count()
    elif what.starts_at <= desk.now:
        desk.tally.count()  # it is history
    elif entry.cancelled:
        await changes.cancel(desk.session, what, desk.now, desk.quiet)
        desk.tally.count(changed=True)
    elif past:
        desk.tally.notes.append(f"活动 {entry.code} 改到的时间已经过了，没有改")
        desk.tally.count()
    else:
        moved = await _move(desk, what, starts_at=starts_at, venue=venue, title=entry.title, minutes=entry.minutes)
        desk.tally.count(changed=moved)


async def _move(
    desk: _Desk, what: Occurrence, *, starts_at: datetime, venue: str, title: str, minutes: int | None
) -> bool:  # fmt: skip
    """Move an occurrence to these terms, and tell whom it concerns; whether anything was different."""
    renamed = what.title != title
    changes.rename(what, title)
    moved = await changes.move(
        desk.session, what, desk.now, desk.quiet, starts_at=starts_at, venue=venue, minutes=minutes
    )
    return moved or renamed
