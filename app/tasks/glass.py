"""A worker breaks the glass: whoever leads hears of it at once, and looks at it before it is off the list."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ident
from app.messages import service as messages
from app.messages.models import Lane
from app.people import glass
from app.people import service as people
from app.people.models import GlassBroken, Person, Role
from app.people.scope import Scope
from app.tasks import service as tasks
from app.tasks.models import TaskKind


def _key(broken: GlassBroken) -> str:
    return f"glass:{ident(broken)}"


async def break_for(session: AsyncSession, by: Person, code: str, why: str, now: datetime) -> GlassBroken:
    """LookupError: nobody of the programme has this code, or this is nobody who may. One that is open stays open."""
    who = await glass.behind(session, by, code) if glass.may_break(by) else None
    if who is None:
        raise LookupError("nobody is behind this glass")
    standing = await glass.broken_for(session, ident(who), by, now)
    if standing is not None:
        return standing
    broken = await glass.write_down(session, who, by, why, now)
    leads = await people.leads_of(session, who)
    for lead in leads:
        await messages.send(
            session, "glass_broken", key=f"{_key(broken)}:{lead}", to=await people.person(session, lead),
            subject_id=ident(broken), now=now, lane=Lane.URGENT,
        )  # fmt: skip
    await tasks.ask_a_person(
        session, TaskKind.CLEAR, "glass_broken", key=_key(broken), now=now, about=who, subject_id=ident(broken),
        to=leads, tell=False,
    )  # fmt: skip
    return broken


async def clear(session: AsyncSession, scope: Scope, by: Person, glass_id: int, now: datetime) -> GlassBroken:
    """A supervisor has looked at it. LookupError: there is none in this scope, or this is no supervisor."""
    broken = await glass.visible(session, scope, glass_id)
    if by.role is not Role.SUPERVISOR:
        raise LookupError("only whoever leads clears it")
    if broken.cleared_at is None:
        broken.cleared_at, broken.cleared_by = now, by.id
        await tasks.finish_key(session, _key(broken), now)
    return broken
