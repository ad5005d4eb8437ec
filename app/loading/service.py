"""Brings the database to what a programme file says: the programme, its houses, its people and their hours."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import weak_ladders
from app.activities.calendar import Quiet
from app.db import ident
from app.duty import changes
from app.escalations.checks import refuse_alone
from app.escalations.ladders import LadderError, ladder_for, read_ladder
from app.escalations.models import LadderRow
from app.escalations.states import Level
from app.loading import meetings, people, practice, rota
from app.loading.checks import plan_of
from app.loading.file import ProgrammeFile
from app.loading.problems import LoadError, Problem
from app.loading.schema import ProgrammeEntry
from app.loading.tally import Loaded, Tally, settle
from app.messages import service as messages
from app.people.models import House, Programme


async def load(session: AsyncSession, file: ProgrammeFile, *, now: datetime, quiet: Quiet, account: str = "") -> Loaded:
    """Create what is new, change what differs, leave the rest; the same file a second time changes nothing.

    What the file says about a person, a house or an activity replaces what was there: a line taken out of
    it (a `phone`, a `duty`, a ladder, a turn of the `rota`, a day) is taken out here. People, houses and
    activities that the file does not name at all are left alone, and so is what only they themselves decide:
    what they are called, whether they joined, what they stopped, and the WeChat user that they joined with.

    Never commits. LoadError, and nothing may be committed, when the file is at odds with the database.
    """
    tally = Tally()
    programme, changed = await _programme(session, file.programme, tally)
    houses, zones_before = await _houses(session, file, programme, tally)
    await people.load(session, file, programme, houses, tally, now=now, account=account)
    await rota.load(session, file, programme, houses, tally)
    await practice.load(session, file, programme, houses, zones_before, tally, now=now, quiet=quiet)
    await meetings.load(session, file, houses, zones_before, tally, now=now, quiet=quiet)
    await session.flush()
    if not tally.problems and await messages.reachable(session, await people.staff_in(session, file)):
        await _nobody_alone(session, file, programme, changed, tally, now)
    if tally.problems:
        raise LoadError(tally.problems)
    tally.notes += await weak_ladders.in_words(session, ident(programme), now)
    if tally.created or tally.changed:
        await changes.rearm(session, now)
    return tally.loaded(ident(programme))


# Programme and houses


async def _programme(session: AsyncSession, entry: ProgrammeEntry, tally: Tally) -> tuple[Programme, set[Level]]:
    """The programme, and the levels whose ladders are other ones from now on."""
    row = await session.scalar(select(Programme).where(col(Programme.code) == entry.code))
    values = {
        **entry.model_dump(exclude={"code", "mood", "ladders", "drill", "region", "lines"}),
        "region": entry.calls,
        "lines": [line.as_stored() for line in entry.lines],
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
    ladders = await _ladders(session, row, entry, tally)
    tally.count(new=new, changed=changed or bool(ladders))
    return row, ladders


async def _nobody_alone(
    session: AsyncSession, file: ProgrammeFile, programme: Programme, levels: set[Level], tally: Tally, now: datetime
) -> None:
    """A ladder that is written anew while staff have joined already must lead to somebody at night as well."""
    for level in levels:
        try:
            ladder = await ladder_for(session, ident(programme), level)
            await refuse_alone(session, ident(programme), level, ladder, now)
        except LadderError as refused:
            tally.problems.append(file.sheet.problem(("programme", "ladders", level.name.lower()), str(refused)))


async def _ladders(session: AsyncSession, programme: Programme, entry: ProgrammeEntry, tally: Tally) -> set[Level]:
    """What staff wrote in the console stays: whoever answers for it wrote it there, and its history is there."""
    written = {level: plan_of(plan) for level, plan in entry.ladders.plans().items()}
    rows = await session.scalars(select(LadderRow).where(col(LadderRow.programme_id) == programme.id))
    all_rows = {Level(row.level): row for row in rows}
    standing = {level: row for level, row in all_rows.items() if row.made_by is None}
    for level in all_rows.keys() - standing.keys():
        if level in written and read_ladder(written[level]) != read_ladder(all_rows[level].plan):
            tally.notes.append(
                f"{level.name.lower()} 的求助阶梯已经在控制台改过，文件里写的没有用上；"
                "想用文件的，请在控制台的求助阶梯页点“交还给项目文件”，再加载一次"
            )
        written.pop(level, None)
    for level in standing.keys() - written.keys():
        await session.delete(standing[level])
    for level in written.keys() - standing.keys():
        session.add(LadderRow(programme_id=ident(programme), level=level, plan=written[level]))
    both = written.keys() & standing.keys()
    changed = {level for level in both if settle(standing[level], plan=written[level])}
    return changed | (standing.keys() ^ written.keys())


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
        changed = settle(row, name=entry.name, venue=entry.venue, phone=entry.phone, zone=zone, district=entry.district)
        session.add(row)
        tally.count(new=entry.code not in standing, changed=changed)
        houses[entry.code] = row
    await session.flush()
    return houses, {ident(row): before.get(code, row.zone) for code, row in houses.items()}
