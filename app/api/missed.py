"""`/missed`: words that somebody wrote and that nobody was called for."""

from fastapi import APIRouter

from app.api.callers import Gate, LetIn, guarded
from app.api.cases import ACTING
from app.api.shapes import MissedIn, MissedOut
from app.clock import Clock
from app.db import Database
from app.escalations.models import Via
from app.marks import service as marks
from app.marks.models import Urgency
from app.people import service as people
from app.people.tokens import May
from bot.conversation.marking import what_reads


def missed(db: Database, clock: Clock, gate: Gate) -> APIRouter:
    router = APIRouter(tags=["marks"], route_class=guarded(gate))

    @router.post(
        "/missed", summary="Nobody was called for this; from orange on somebody is now",
        responses={status: how for status, how in ACTING.items() if status not in (404, 409)},
    )  # fmt: skip
    async def note(caller: LetIn, said: MissedIn) -> MissedOut:
        caller.needs(May.TAKE)
        async with db.begin() as session:
            who = await people.person(session, caller.person_id)
            came = await marks.missed(
                session, who, said.said, Urgency(said.level), what_reads(said.said), clock.now(), via=Via.API
            )
            return MissedOut(people=came.people, cases=[row.code for row in came.cases], opened=came.opened)

    return router
