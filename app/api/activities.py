"""`/activities`: what is planned, who comes, and who is there."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities import overview
from app.activities import service as activities
from app.activities.machine import Door
from app.activities.models import Occurrence
from app.activities.overview import Place
from app.api.activity_shapes import ActivitiesAsked, ActivitiesOut, ActivityOut, Arrived, ArrivedOut, Guest
from app.api.callers import Gate, LetIn, guarded
from app.api.cases import ACTING, REFUSALS
from app.api.problems import Problem
from app.api.shapes import LARGEST
from app.clock import Clock, local, wall
from app.db import Database, ident
from app.people import listing
from app.people import service as people
from app.people.models import Person
from app.people.scope import Scope, scope_of
from app.people.tokens import May

AHEAD = timedelta(weeks=8)
REFUSED = {Door.NOT_YET: "not_yet", Door.CLOSED: "door_closed", Door.CANCELLED: "called_off"}
Number = Annotated[int, Path(ge=1, le=LARGEST)]
LISTING: dict[int | str, dict[str, Any]] = {n: REFUSALS[n] for n in (401, 422, 429)}


def activity_routes(db: Database, clock: Clock, gate: Gate) -> APIRouter:
    router = APIRouter(prefix="/activities", tags=["activities"], route_class=guarded(gate))

    @router.get("", summary="What is planned at your houses", responses=LISTING)
    async def planned(caller: LetIn, asked: Annotated[ActivitiesAsked, Query()]) -> ActivitiesOut:
        async with db.read() as session:
            who = await people.person(session, caller.person_id)
            zone = (await people.house(session, who.house_id)).zone
            first = asked.first or local(clock.now(), zone).date()
            until = asked.until or first + AHEAD
            rows = await overview.between(
                session, await scope_of(session, who), wall(first, time(), zone), wall(until, time(), zone),
                asked.limit + 1, _place(asked.after),
            )  # fmt: skip
            shown = rows[: asked.limit]
            return ActivitiesOut(
                activities=await _out(session, shown), next=_after(shown[-1]) if len(rows) > len(shown) else None
            )

    @router.get("/{number}", summary="One; with `read`, who was asked and who is there", responses=REFUSALS)
    async def one(number: Number, caller: LetIn) -> ActivityOut:
        async with db.read() as session:
            what = await _found(session, await _scope(session, caller.person_id), number)
            (shown,) = await _out(session, [what])
            if caller.may_read:
                shown.people = await _guests(session, what)
            return shown

    @router.post(
        "/{number}/attendance", summary="Somebody is there; a second time changes nothing", responses=ACTING
    )  # fmt: skip
    async def arrived(number: Number, caller: LetIn, there: Arrived) -> ArrivedOut:
        caller.needs(May.TAKE)
        async with db.begin() as session:
            by = await people.person(session, caller.person_id)
            scope = await scope_of(session, by)
            what = await _found(session, scope, number)
            who = await listing.member_called(session, scope, there.person)
            if who is None:
                raise Problem("not_found", 404)
            door, walk_in = await activities.check_in(session, what, who, clock.now(), source="api", marked_by=by)
            if door in REFUSED:
                raise Problem(REFUSED[door], 409)
            return ArrivedOut(present=True, again=door is Door.ALREADY, walk_in=walk_in)

    return router


async def _scope(session: AsyncSession, person_id: int) -> Scope:
    return await scope_of(session, await people.person(session, person_id))


async def _found(session: AsyncSession, scope: Scope, number: int) -> Occurrence:
    try:
        return await activities.visible_occurrence(session, scope, number)
    except LookupError:
        raise Problem("not_found", 404) from None


async def _out(session: AsyncSession, rows: Sequence[Occurrence]) -> list[ActivityOut]:
    """As many queries for a hundred of them as for one."""
    houses = await people.houses_by_id(session, {row.house_id for row in rows})
    counted = await overview.tallies(session, [ident(row) for row in rows])
    return [
        ActivityOut(
            number=ident(row), house=houses[row.house_id].code, title=row.title, starts_at=row.starts_at,
            ends_at=row.ends_at, venue=row.venue, state=row.state, going=counted[ident(row)].going,
            present=counted[ident(row)].present,
        )
        for row in rows
    ]  # fmt: skip


async def _guests(session: AsyncSession, what: Occurrence) -> list[Guest]:
    """Who was asked, in that order; then who came without having been."""
    said = await overview.answers(session, what)
    there = {mark.person_id: mark.source for mark in await activities.present_at(session, what)}
    known: dict[int, Person] = await people.people_by_id(session, {*said, *there})
    return [
        Guest(
            code=known[number].code, called=known[number].known_as, answer=said.get(number), present=number in there,
            marked_as=there.get(number),
        )
        for number in dict.fromkeys([*said, *there])
    ]  # fmt: skip


def _after(row: Occurrence) -> str:
    return f"{int(row.starts_at.timestamp())}.{row.id}"


def _place(after: str | None) -> Place | None:
    if after is None:
        return None
    seconds, number = (int(part) for part in after.split("."))
    return Place(datetime.fromtimestamp(seconds, UTC), number)
