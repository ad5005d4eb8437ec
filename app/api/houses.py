"""`/people`, `/duty`, `/figures`: what a house is at a glance."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.api.activities import LISTING
from app.api.activity_shapes import (
    DutiesOut,
    DutyAsked,
    DutyOut,
    FiguresAsked,
    FiguresOut,
    MemberOut,
    MembersAsked,
    MembersOut,
    ShiftOut,
)
from app.api.callers import Gate, LetIn, guarded
from app.api.cases import REFUSALS
from app.api.problems import Colleague, Problem, ProblemOut
from app.clock import Clock
from app.db import Database, ident
from app.duty import service as duty
from app.people import listing
from app.people import service as people
from app.people.scope import scope_of
from app.people.tokens import May
from app.reports import service as reports
from app.reports.service import Asked

NEEDS_READ: dict[int | str, dict[str, Any]] = {
    **LISTING,
    403: {"model": ProblemOut, "description": "The token may not `read`"},
}


def house_routes(db: Database, clock: Clock, gate: Gate) -> APIRouter:
    router = APIRouter(route_class=guarded(gate))

    @router.get("/people", tags=["people"], summary="The members of your houses; needs `read`", responses=NEEDS_READ)
    async def members(caller: LetIn, asked: Annotated[MembersAsked, Query()]) -> MembersOut:
        caller.needs(May.READ)
        async with db.read() as session:
            scope = await scope_of(session, await people.person(session, caller.person_id))
            rows = await listing.members(session, scope, asked.limit + 1, asked.after)
            shown = rows[: asked.limit]
            houses = await people.houses_by_id(session, {row.house_id for row in shown})
            return MembersOut(
                people=[
                    MemberOut(
                        number=ident(row), code=row.code, house=houses[row.house_id].code, joined_at=row.joined_at,
                        called=row.known_as,
                    )
                    for row in shown
                ],
                next=ident(shown[-1]) if len(rows) > len(shown) else None,
            )  # fmt: skip

    @router.get("/duty", tags=["duty"], summary="Who is there, and when, at your houses", responses=LISTING)
    async def rota(caller: LetIn, asked: Annotated[DutyAsked, Query()]) -> DutiesOut:
        now = clock.now()
        async with db.read() as session:
            scope = await scope_of(session, await people.person(session, caller.person_id))
            numbers = sorted(number for number in scope.houses if number > asked.after)
            shown = numbers[: asked.limit]
            houses = await people.houses_by_id(session, shown)
            plans = [
                (houses[number], await duty.plan(session, houses[number], now, now + timedelta(days=asked.days)))
                for number in shown
            ]
            staff = await people.people_by_id(session, {shift.person_id for _, plan in plans for shift in plan})
            found = [
                DutyOut(
                    house=house.code,
                    shifts=[
                        ShiftOut(
                            who=Colleague(code=staff[shift.person_id].code, name=staff[shift.person_id].name),
                            starts_at=shift.starts_at, ends_at=shift.ends_at,
                        )
                        for shift in plan
                    ],
                )
                for house, plan in plans
            ]  # fmt: skip
            return DutiesOut(houses=found, next=shown[-1] if len(numbers) > len(shown) else None)

    @router.get(
        "/figures/{month}", tags=["figures"], summary="The report of a month, as the page and the sheet have it",
        responses=REFUSALS,
    )  # fmt: skip
    async def figures(month: str, caller: LetIn, asked: Annotated[FiguresAsked, Query()]) -> FiguresOut:
        async with db.read() as session:
            who = await people.person(session, caller.person_id)
            scope = await scope_of(session, who)
            house = None
            if asked.house is not None:
                mine = await reports.visible_houses(session, who, scope)
                house = next((one for one in mine if one.code == asked.house), None)
                if house is None:
                    raise Problem("not_found", 404)
            try:
                span = await reports.month_of(session, scope, month, clock.now())
            except ValueError:
                raise Problem("invalid", 422, where=["path.month"]) from None
            report, _cut = await reports.report_for(
                session, who, scope, Asked(span, house, asked.shared), clock.now()
            )  # fmt: skip
            return FiguresOut.of(report)

    return router
