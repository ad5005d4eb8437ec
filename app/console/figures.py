"""The figures of a month: on the page, and the same ones as a sheet to take along."""

import asyncio

from starlette.responses import Response

from app.clock import local
from app.console.desk import ANYBODY, BASE, Answer, Desk, Page, Room
from app.db import ident
from app.people.models import Role
from app.reports import service as reports
from app.reports.service import Asked
from app.reports.sheet import MEDIA_TYPE, workbook

room = Room("figures", nav=f"{BASE}/figures", roles=ANYBODY)
HOUSES_A_PAGE = 30


@room.get("/figures", roles=ANYBODY)
async def show(desk: Desk) -> Answer:
    return await _page(desk, desk.query("house"), desk.query("month"), desk.query("shared"))


@room.post("/figures", roles=ANYBODY, writes=False)
async def take_along(desk: Desk) -> Answer:
    """Counting a month and drawing its sheet takes a while: nobody's message waits for that."""
    wanted = [desk.form.get(name, "") for name in ("house", "month", "shared")]
    try:
        asked = await _asked(desk, *wanted)
    except ValueError:
        return await _page(desk, *wanted)
    report, cut = await reports.report_for(desk.session, desk.who, desk.scope, asked, desk.now)
    name = f"{report.month}-{asked.house.code if asked.house else 'all'}{'-shared' if report.shared else ''}.xlsx"
    content = await asyncio.to_thread(workbook, report)
    async with desk.tools.db.begin() as session:
        await reports.given(session, desk.who, cut, report, desk.now)
    return Response(
        content, media_type=MEDIA_TYPE, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )  # fmt: skip


async def at_a_glance(desk: Desk) -> list[tuple[str, str]]:
    """For the first page: (what, how many) of this month, as far as this role may see it."""
    return await reports.at_a_glance(desk.session, desk.who, desk.scope, desk.now)


async def _asked(desk: Desk, house: str, month: str, shared: str) -> Asked:
    """LookupError: not a house of theirs; ValueError: no month."""
    chosen = None
    if house:
        number = int(house) if house.isdecimal() and len(house) < 10 else 0
        chosen = await reports.visible_house(desk.session, desk.who, desk.scope, number)
    return Asked(await reports.month_of(desk.session, desk.scope, month, desk.now), chosen, bool(shared))


async def _page(desk: Desk, house: str, month: str, shared: str) -> Answer:
    """What was asked for; where that is no month, the present one, and a sentence that says how to write it."""
    trouble = None
    try:
        asked = await _asked(desk, house, month, shared)
    except ValueError:
        trouble = "console_figures.no_month"
        asked = await _asked(desk, house, "", shared)
    report, cut = await reports.report_for(desk.session, desk.who, desk.scope, asked, desk.now)
    houses = await reports.visible_houses(desk.session, desk.who, desk.scope)
    given_out = await reports.given_out(desk.session, cut)
    page = desk.query("page")
    return Page(
        "figures/show.html", status=422 if trouble else 200, trouble=trouble, typed=month or report.month,
        report=report, house=ident(asked.house) if asked.house else "", only_shared=desk.who.role is Role.ADMINISTRATOR,
        houses=[("", desk.say("console_figures.all_houses")), *((ident(one), one.name) for one in houses)],
        issues=[(f"{local(at, desk.zone):%Y-%m-%d %H:%M}", by, changed) for at, by, changed in given_out],
        page=int(page) if page.isdecimal() and len(page) < 5 else 0, a_page=HOUSES_A_PAGE,
    )  # fmt: skip
