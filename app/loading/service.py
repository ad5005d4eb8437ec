"""Brings the database to what a programme file says: the programme, its houses, its people and their hours."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities.calendar import Quiet
from app.db import ident
from app.escalations import drills, monthly
from app.escalations.ladders import DEFAULTS, read_ladder
from app.escalations.models import LadderRow
from app.escalations.states import Ladder, Level
from app.loading import meetings, people
from app.loading.checks import plan_of
from app.loading.file import ProgrammeFile
from app.loading.problems import LoadError, Problem
from app.loading.schema import ProgrammeEntry
from app.loading.tally import Loaded, Tally, settle
from app.people.models import House, Programme


async def load(session: AsyncSession, file: ProgrammeFile, *, now: datetime, quiet: Quiet, account: str = "") -> Loaded:
    """Create what is new, change what differs, leave the rest; the same file a second time changes nothing.

    What the file says about a person, a house or an activity replaces what was there: a line taken out of
    it (a `phone`, a `duty`, a ladder) is taken out here. People, houses and activities that the file does not name
    at all are left alone, and so is what only they themselves decide: what they are called, whether they
    joined, what they stopped, and the WeChat user that they joined with.

    Never commits. LoadError, and nothing may be committed, when the file is at odds with the database.
    """
    tally = Tally()
    programme, new, changed = await _programme(session, file.programme)
    houses, zones_before = await _houses(session, file, programme, tally)
    changed |= await _drills(session, file, houses, zones_before, tally, now=now, quiet=quiet)
    tally.count(new=new, changed=changed)
    await people.load(session, file, programme, houses, tally, now=now, account=account)
    await meetings.load(session, file, houses, zones_before, tally, now=now, quiet=quiet)
    await session.flush()
    if tally.problems:
        raise LoadError(tally.problems)
    return tally.loaded(ident(programme))


# Programme and houses


async def _programme(session: AsyncSession, entry: ProgrammeEntry) -> tuple[Programme, bool, bool]:
    """The programme, whether it is new, and whether it was changed."""
    row = await session.scalar(select(Programme).where(col(Programme.code) == entry.code))
    values = {
        **entry.model_dump(exclude={"code", "mood", "ladders", "drill"}),
        "mood_weekday": entry.mood.weekday,
        "mood_at": entry.mood.at,
    }
    new = row is None
    if new and (other := await session.scalar(select(col(Programme.code)).limit(1))) is not None:
        # One account, one programme: a second one's people would be written to through the wrong account.
        raise LoadError([Problem(1, f"这个数据库里已经有项目 {other}：一个数据库只放一个项目，另一个请用另一个数据库")])
    row = row or Programme(code=entry.code, name=entry.name)
    changed = settle(row, **values)
    session.add(row)
    await session.flush()
    changed |= await _ladders(session, row, entry)
    return row, new, changed


async def _ladders(session: AsyncSession, programme: Programme, entry: ProgrammeEntry) -> bool:
    written = {level: plan_of(plan) for level, plan in entry.ladders.plans().items()}
    rows = await session.scalars(select(LadderRow).where(col(LadderRow.programme_id) == programme.id))
    standing = {Level(row.level): row for row in rows}
    for level in standing.keys() - written.keys():
        await session.delete(standing[level])
    for level in written.keys() - standing.keys():
        session.add(LadderRow(programme_id=ident(programme), level=level, plan=written[level]))
    changed = [settle(standing[level], plan=written[level]) for level in written.keys() & standing.keys()]
    return any(changed) or standing.keys() != written.keys()


async def _houses(
    session: AsyncSession, file: ProgrammeFile, programme: Programme, tally: Tally
) -> tuple[dict[str, House], dict[int, str]]:
    """The houses by code, and the zone in which each has lived until now."""
    rows = await session.scalars(select(House).where(col(House.programme_id) == programme.id))
    standing = {row.code: row for row in rows}
    houses: dict[str, House] = {}
    before = {code: row.zone for code, row in standing.items()}
    for entry in file.houses:
        row = standing.get(entry.code) or House(programme_id=ident(programme), code=entry.code, name=entry.name)
        zone = entry.zone or file.programme.zone
        changed = settle(row, name=entry.name, venue=entry.venue, phone=entry.phone, zone=zone)
        session.add(row)
        tally.count(new=entry.code not in standing, changed=changed)
        houses[entry.code] = row
    await session.flush()
    return houses, {ident(row): before.get(code, row.zone) for code, row in houses.items()}


async def _drills(
    session: AsyncSession, file: ProgrammeFile, houses: dict[str, House], zones_before: dict[int, str], tally: Tally,
    *, now: datetime, quiet: Quiet,
) -> bool:  # fmt: skip
    """Each house practises as the file says, by its own clock; whether that is new for any of them."""
    wanted = file.programme.drill
    plan = file.programme.ladders.red
    ladder = read_ladder(plan_of(plan) if plan is not None else DEFAULTS[Level.RED])
    changed = False
    for house in houses.values():
        if wanted is not None:
            first = monthly.next_time(wanted, now, house.zone)
            if not drills.is_calm(ladder, first, quiet, house.zone):
                tally.problems.append(file.problem(file.programme, "drill", _too_late_in_the_day(ladder, quiet)))
                return changed
        anew = zones_before[ident(house)] != house.zone
        changed |= await drills.plan(session, house, wanted, now, anew=anew)
    return changed


def _too_late_in_the_day(ladder: Ladder, quiet: Quiet) -> str:
    minutes = drills.lasts(ladder) // timedelta(minutes=1)
    hours = f"{quiet.starts:%H:%M}-{quiet.ends:%H:%M}"
    return f"会响到安静时段（{hours}）里：没有人接的话，一次演练要 {minutes} 分钟，请写早一点的白天的时间"
