"""Which report somebody may see, that report, and giving it out."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ident
from app.issues import service as issues
from app.issues.service import Cut
from app.people import service as people
from app.people.figures import houses_in_order
from app.people.models import House, Person, Programme, Role
from app.people.scope import Scope
from app.reports.facts import gather
from app.reports.lines import Part
from app.reports.month import View, build, changes_grid
from app.reports.report import Report
from app.reports.span import Month
from bot.wording import wording

EVERYTHING = frozenset(Part)
# Counsellors are members among members: how many are in danger, or answer how they are, is not theirs to know.
OF_ACTIVITIES = frozenset({Part.PEOPLE, Part.ACTIVITIES, Part.MESSAGES})
COMPANIONS = (Role.WORKER, Role.COUNSELLOR, Role.SUPERVISOR)


@dataclass(frozen=True)
class Asked:
    """Which report is wanted: of this house, or of all that there are in the scope; `shared`: to be shown to others."""

    month: Month
    house: House | None = None
    shared: bool = False


async def month_of(session: AsyncSession, scope: Scope, text: str | None, now: datetime) -> Month:
    """A month by the clock of the programme, so that all of its houses are counted alike. ValueError: no month."""
    return Month.read(text, now, (await people.programme(session, scope.programme_id)).zone)


def _covers(who: Person | None, scope: Scope, house_id: int) -> bool:
    """An administrator sees nobody, and so no house; but what a programme tells others, of each of its houses."""
    return scope.covers(house_id) or (who is not None and who.role is Role.ADMINISTRATOR)


async def visible_houses(session: AsyncSession, who: Person, scope: Scope) -> list[House]:
    """The houses whose figures this person may see."""
    programme = await people.programme(session, scope.programme_id)
    return [one for one in await houses_in_order(session, programme) if _covers(who, scope, ident(one))]


async def visible_house(session: AsyncSession, who: Person, scope: Scope, house_id: int) -> House:
    """LookupError: none, or not theirs."""
    for house in await visible_houses(session, who, scope):
        if house.id == house_id:
            return house
    raise LookupError("no such house")


async def given_out(session: AsyncSession, cut: Cut) -> list[tuple[datetime, str, int]]:
    """The last times that this report was given out: when, by whom, how many numbers were others than before."""
    rows = await issues.issues_of(session, cut)
    by = await people.people_by_id(session, {row.by_id for row in rows if row.by_id is not None})
    return [(row.at, by[row.by_id].name if row.by_id in by else "", row.changed) for row in rows]


async def report_for(
    session: AsyncSession, who: Person | None, scope: Scope, asked: Asked, now: datetime
) -> tuple[Report, Cut]:
    """What this person may see of it, with what has changed since it was given out, and which one it is.

    `who` is None for whoever runs the program. LookupError: a house that is not in their scope, or no house at all.
    """
    programme = await people.programme(session, scope.programme_id)
    everywhere = {ident(one): one for one in await houses_in_order(session, programme)}
    mine = [number for number in everywhere if _covers(who, scope, number)]
    chosen = mine if asked.house is None else [n for n in mine if n == asked.house.id]
    if not chosen:
        raise LookupError("no such house")
    companion = who is None or who.role in COMPANIONS
    parts = OF_ACTIVITIES if who is not None and who.role is Role.COUNSELLOR else EVERYTHING
    view = View(
        houses=tuple(chosen), parts=parts, shared=asked.shared or not companion,
        programme=len(chosen) == len(everywhere), staff=who is None or who.role is Role.SUPERVISOR,
    )  # fmt: skip
    counted = everywhere if view.shared else {number: everywhere[number] for number in chosen}
    words = wording()
    facts = await gather(session, asked.month, list(counted.values()), now)
    found = build(facts, view, words, place=_place(programme, view, everywhere))
    cut = Cut(scope.programme_id, str(asked.month), _name(view), chosen[0] if len(chosen) == 1 else None)
    before = await issues.last_other(session, cut, found.numbers)
    if before is not None:
        grid = changes_grid(found, before.numbers, before.at, programme.zone, words)
        if grid.rows:
            found = found.with_grid(grid)
    return found, cut


async def give_out(
    session: AsyncSession, who: Person | None, scope: Scope, asked: Asked, now: datetime
) -> tuple[Report, int]:
    """The same, noted as given out; and how many numbers are others than the last time."""
    found, cut = await report_for(session, who, scope, asked, now)
    return found, await given(session, who, cut, found, now)


async def given(session: AsyncSession, who: Person | None, cut: Cut, report: Report, now: datetime) -> int:
    """Note that this report was given out: who, when, and every number; how many are others than the last time."""
    row = await issues.issue(session, cut, report.numbers, now, by_id=None if who is None else ident(who))
    return row.changed


def _place(programme: Programme, view: View, everywhere: dict[int, House]) -> str:
    if len(view.houses) == 1:
        return everywhere[view.houses[0]].name
    if view.programme:
        return programme.name
    return wording().say("console_figures.some_houses", programme=programme.name, n=len(view.houses))


def _name(view: View) -> str:
    """Two reports with this name in common have the same cells."""
    which = ",".join(str(house) for house in view.houses), ",".join(sorted(view.parts)), view.shared, view.staff
    return sha256(repr(which).encode()).hexdigest()


async def at_a_glance(session: AsyncSession, who: Person, scope: Scope, now: datetime) -> list[tuple[str, str]]:
    """Some numbers of this month for the first page, as (what, how many): those that this person may see."""
    if not await visible_houses(session, who, scope):
        return []
    month = await month_of(session, scope, None, now)
    found, _cut = await report_for(session, who, scope, Asked(month), now)
    wanted = {"joined": 1, "held": 2, "attended": 2, "red": 2, "mood_answered_of_deliverable": 6}
    rows = {row.key: row.cells for grid in found.grids for row in grid.rows if len(row.cells) > 6}
    return [(str(rows[key][0]), str(rows[key][column])) for key, column in wanted.items() if key in rows]
