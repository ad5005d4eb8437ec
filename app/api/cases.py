"""`/cases`: what waits, and what a worker does about it."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.callers import Gate, Sent
from app.api.problems import Colleague, Problem, ProblemOut, refused
from app.api.shapes import Button, Case, Cases, Close, Member, Offer, Words
from app.clock import Clock
from app.db import Database
from app.escalations import handling, journal
from app.escalations import service as escalations
from app.escalations.handling import Came, Ending, Handled
from app.escalations.models import CaseRow, Via
from app.escalations.states import Outcome
from app.people import service as people
from app.people.models import Person
from app.people.scope import scope_of
from app.people.tokens import May

Act = Callable[[AsyncSession, Person, CaseRow], Awaitable[Handled]]
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": ProblemOut, "description": "No good token"},
    404: {"model": ProblemOut, "description": "No such case in your houses"},
    422: {"model": ProblemOut, "description": "The request is not as it should be"},
    429: {"model": ProblemOut, "description": "Too often: see Retry-After"},
}
ACTING: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    403: {"model": ProblemOut, "description": "The token may not `take`"},
    409: {"model": ProblemOut, "description": "Nothing was changed: somebody else has it, it has ended, …"},
}


def cases(db: Database, clock: Clock, gate: Gate) -> APIRouter:
    router = APIRouter(prefix="/cases", tags=["cases"])

    async def act(sent: Sent, code: str, does: Act) -> Case:
        caller = await gate.let_in(sent, May.TAKE)
        async with db.begin() as session:
            who = await people.person(session, caller.person_id)
            row = await _found(session, who, code)
            handled = await does(session, who, row)
            if not handled.done and handled.came is not Came.YOURS:
                raise refused(handled)
            return await _case(session, who, row)

    @router.get("", summary="Yours, and those that wait", responses={n: REFUSALS[n] for n in (401, 429)})
    async def waiting(sent: Sent) -> Cases:
        caller = await gate.let_in(sent)
        async with db.read() as session:
            who = await people.person(session, caller.person_id)
            to_take = await escalations.to_take(session, await scope_of(session, who), who)
            rows = {row.id: row for row in [*await escalations.owned_by(session, who), *to_take]}
            found = []
            for row in rows.values():
                shown = await _case(session, who, row)
                if caller.may_read:
                    subject = await people.person(session, row.person_id)
                    shown.member = Member(called=subject.known_as)
                found.append(shown)
            return Cases(cases=found)

    @router.get("/{code}", summary="One case; with `read`, who it is about and what they wrote", responses=REFUSALS)
    async def one(code: str, sent: Sent) -> Case:
        caller = await gate.let_in(sent)
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
    async def take(code: str, sent: Sent, button: Button | None = None) -> Case:
        seq = button.seq if button else None
        return await act(
            sent, code, lambda session, who, row: handling.take(session, who, row, clock.now(), via=Via.API, seq=seq)
        )

    @router.post("/{code}/contacted", summary="The person was reached", responses=ACTING)
    async def contacted(code: str, sent: Sent, button: Button | None = None) -> Case:
        seq = button.seq if button else None
        return await act(
            sent, code,
            lambda session, who, row: handling.contacted(session, who, row, clock.now(), via=Via.API, seq=seq),
        )  # fmt: skip

    @router.post("/{code}/close", summary="How it ended, and when you look again", responses=ACTING)
    async def close(code: str, sent: Sent, end: Close) -> Case:
        return await act(
            sent, code,
            lambda session, who, row: handling.close(
                session, who, row, Ending(Outcome(end.outcome), end.next_contact, end.grade, end.whereto), clock.now(),
                via=Via.API, seq=end.seq,
            ),
        )  # fmt: skip

    @router.post("/{code}/offer", summary="Ask a colleague; it stays yours until they take it", responses=ACTING)
    async def offer(code: str, sent: Sent, offered: Offer) -> Case:
        async def does(session: AsyncSession, who: Person, row: CaseRow) -> Handled:
            to = await people.colleague(session, who, offered.to)
            handled = await handling.offer(session, who, row, to, clock.now(), via=Via.API)
            return Handled(Came.NO_COLLEAGUE) if handled.came is Came.YOURS else handled  # oneself is none

        return await act(sent, code, does)

    return router


async def _found(session: AsyncSession, who: Person, code: str) -> CaseRow:
    row = await escalations.by_code(session, await scope_of(session, who), who, code)
    if row is None:
        raise Problem("not_found", 404)
    return row


async def _case(session: AsyncSession, who: Person, row: CaseRow) -> Case:
    return Case(
        code=row.code, level=row.level.name.lower(), state=row.state,
        house=(await people.house(session, row.house_id)).code, drill=row.drill, opened_at=row.opened_at,
        next_action_at=row.next_action_at,
        owner=await _colleague(session, row.owner_id), offered_to=await _colleague(session, row.offered_to_id),
        yours=row.owner_id == who.id, outcome=row.outcome, grade=row.grade,
        next_contact=row.next_contact,
        seq=await journal.newest(session, row),
    )  # fmt: skip


async def _colleague(session: AsyncSession, person_id: int | None) -> Colleague | None:
    if person_id is None:
        return None
    found = await people.person(session, person_id)
    return Colleague(code=found.code, name=found.name)
