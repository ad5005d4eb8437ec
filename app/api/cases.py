"""`/cases`: what waits, and what a worker does about it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.callers import Caller, Gate, LetIn, guarded
from app.api.problems import Colleague, Problem, ProblemOut, refused
from app.api.shapes import Button, Case, Cases, Close, Marked, MarkIn, Member, Offer, Page, Words
from app.clock import Clock
from app.db import Database, ident
from app.escalations import handling, journal, lists
from app.escalations import service as escalations
from app.escalations.handling import Came, Ending, Handled
from app.escalations.lists import Place
from app.escalations.models import CaseRow, Via
from app.escalations.states import Outcome
from app.marks import service as marks
from app.marks.models import Urgency
from app.marks.service import Judged, NothingToMark
from app.people import service as people
from app.people.models import Person
from app.people.scope import scope_of
from app.people.tokens import May

Act = Callable[[AsyncSession, Person, CaseRow], Awaitable[Handled]]
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": ProblemOut, "description": "No good token"},
    404: {"model": ProblemOut, "description": "No such case in your houses"},
    422: {"model": ProblemOut, "description": "The request is not as it should be"},
    413: {"model": ProblemOut, "description": "More than 64 KiB"},
    429: {"model": ProblemOut, "description": "Too often: see Retry-After"},
}
ACTING: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    403: {"model": ProblemOut, "description": "The token may not `take`"},
    409: {"model": ProblemOut, "description": "Nothing was changed: somebody else has it, it has ended, …"},
}


def cases(db: Database, clock: Clock, gate: Gate) -> APIRouter:
    router = APIRouter(prefix="/cases", tags=["cases"], route_class=guarded(gate))

    async def act(caller: Caller, code: str, does: Act) -> Case:
        caller.needs(May.TAKE)
        async with db.begin() as session:
            who = await people.person(session, caller.person_id)
            row = await _found(session, who, code)
            handled = await does(session, who, row)
            if not handled.done and handled.came is not Came.YOURS:
                raise refused(handled)
            return await _case(session, who, row)

    @router.get("", summary="Yours, and those that wait", responses={n: REFUSALS[n] for n in (401, 422, 429)})
    async def waiting(caller: LetIn, page: Annotated[Page, Query()]) -> Cases:
        async with db.read() as session:
            who = await people.person(session, caller.person_id)
            scope = await scope_of(session, who)
            rows = await lists.at_hand(session, scope, who, page.limit + 1, Place.read(page.after or ""))
            shown = rows[: page.limit]
            found = await _cases(session, who, shown)
            if caller.may_read:
                subjects = await people.people_by_id(session, {row.person_id for row in shown})
                for case, row in zip(found, shown, strict=True):
                    case.member = Member(called=subjects[row.person_id].known_as)
            return Cases(cases=found, next=str(Place.of(who, shown[-1])) if len(rows) > len(shown) else None)

    @router.get("/{code}", summary="One case; with `read`, who it is about and what they wrote", responses=REFUSALS)
    async def one(code: str, caller: LetIn) -> Case:
        async with db.begin() as session:
            who = await people.person(session, caller.person_id)
            row = await _found(session, who, code)
            if not caller.may_read:
                return await _case(session, who, row)
            await escalations.viewed(session, row, who, clock.now(), via=Via.API)
            subject = await people.person(session, row.person_id)
            flags = await escalations.flags_of(session, row)
            shown = await _case(session, who, row)
            shown.member = Member(called=subject.known_as, phone=subject.phone)
            shown.words = [Words(at=flag.at, said=flag.said) for flag in flags if flag.said]
            return shown

    @router.post("/{code}/take", summary="You answer for it; a second time changes nothing", responses=ACTING)
    async def take(code: str, caller: LetIn, button: Button | None = None) -> Case:
        seq = button.seq if button else None
        return await act(
            caller, code, lambda session, who, row: handling.take(session, who, row, clock.now(), via=Via.API, seq=seq)
        )

    @router.post("/{code}/contacted", summary="The person was reached", responses=ACTING)
    async def contacted(code: str, caller: LetIn, button: Button | None = None) -> Case:
        seq = button.seq if button else None
        return await act(
            caller, code,
            lambda session, who, row: handling.contacted(session, who, row, clock.now(), via=Via.API, seq=seq),
        )  # fmt: skip

    @router.post("/{code}/close", summary="How it ended, and when you look again", responses=ACTING)
    async def close(code: str, caller: LetIn, end: Close) -> Case:
        async def does(session: AsyncSession, who: Person, row: CaseRow) -> Handled:
            ending = Ending(Outcome(end.outcome), end.next_contact, end.grade, end.whereto)
            return await marks.close(session, who, row, ending, clock.now(), via=Via.API, seq=end.seq)

        return await act(caller, code, does)

    @router.post("/{code}/offer", summary="Ask a colleague; it stays yours until they take it", responses=ACTING)
    async def offer(code: str, caller: LetIn, offered: Offer) -> Case:
        async def does(session: AsyncSession, who: Person, row: CaseRow) -> Handled:
            to = await people.colleague(session, who, offered.to)
            handled = await handling.offer(session, who, row, to, clock.now(), via=Via.API)
            return Handled(Came.NO_COLLEAGUE) if handled.came is Came.YOURS else handled  # oneself is none

        return await act(caller, code, does)

    @router.post("/{code}/mark", summary="What its newest words were; the case stays as it is", responses=ACTING)
    async def mark(code: str, caller: LetIn, says: MarkIn) -> Marked:
        caller.needs(May.TAKE)
        judged = Judged(says.level, says.why if says.level is Urgency.NONE else None)
        async with db.begin() as session:
            who = await people.person(session, caller.person_id)
            row = await _found(session, who, code)
            try:
                kept = await marks.mark_newest(session, who, row, judged, clock.now(), via=Via.API)
            except NothingToMark:
                raise Problem("nothing_to_mark", 409) from None
            return Marked.model_validate(kept, from_attributes=True)

    return router


async def _found(session: AsyncSession, who: Person, code: str) -> CaseRow:
    row = await escalations.by_code(session, await scope_of(session, who), who, code)
    if row is None:
        raise Problem("not_found", 404)
    return row


async def _case(session: AsyncSession, who: Person, row: CaseRow) -> Case:
    (case,) = await _cases(session, who, [row])
    return case


async def _cases(session: AsyncSession, who: Person, rows: Sequence[CaseRow]) -> list[Case]:
    """What is shown of these; as many queries for a hundred of them as for one."""
    houses = await people.houses_by_id(session, {row.house_id for row in rows})
    hands = {person_id for row in rows for person_id in (row.owner_id, row.offered_to_id) if person_id is not None}
    staff = {
        number: Colleague(code=found.code, name=found.name)
        for number, found in (await people.people_by_id(session, hands)).items()
    }
    seqs = await journal.newest_of(session, [ident(row) for row in rows])
    return [
        Case(
            code=row.code, level=row.level.name.lower(), state=row.state, house=houses[row.house_id].code,
            drill=row.drill, opened_at=row.opened_at, next_action_at=row.next_action_at,
            owner=staff.get(row.owner_id or 0), offered_to=staff.get(row.offered_to_id or 0),
            yours=row.owner_id == who.id, outcome=row.outcome, grade=row.grade, next_contact=row.next_contact,
            seq=seqs.get(ident(row), 0),
        )
        for row in rows
    ]  # fmt: skip
