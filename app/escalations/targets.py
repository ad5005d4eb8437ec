"""Whom a ladder leads to at this moment: the people behind its words, as far as some channel reaches them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.duty.service import on_duty
from app.escalations.machine import Reachable
from app.escalations.states import Ladder, Target
from app.messages import service as messages
from app.people import service as people
from app.people.models import Person, Role


async def reachable(session: AsyncSession, subject: Person, ladder: Ladder, now: datetime) -> Reachable:
    """For each step whom it leads to, then the circles: all staff of the house, all staff of the programme."""
    named = [*await named_by(session, subject, ladder, now), *await _circles(session, subject)]
    by_channel = await messages.reachable(session, {p for step in named for p in step})
    return tuple(tuple(p for p in step if p in by_channel) for step in named)


async def named_by(session: AsyncSession, subject: Person, ladder: Ladder, now: datetime) -> list[list[int]]:
    """For each step the people it means, whether a channel leads to them or not."""
    return [await _meant(session, subject, step.targets, now) for step in ladder.steps]


async def _circles(session: AsyncSession, subject: Person) -> list[list[int]]:
    everywhere = [*await of_role(session, subject, Role.SUPERVISOR), *await of_role(session, subject, Role.WORKER)]
    return [await people.staff_of(session, subject), [p for p in everywhere if p != subject.id]]


async def _meant(session: AsyncSession, subject: Person, targets: tuple[Target, ...], now: datetime) -> list[int]:
    house = await people.house(session, subject.house_id)
    found: list[int | None] = []
    for target in targets:
        match target:
            case Target.ASSIGNED:
                found.append(subject.worker_id)
            case Target.BACKUP:
                found.append(subject.backup_id)
            case Target.DUTY:
                found += await on_duty(session, house, now)
            case Target.SUPERVISOR:
                found += await people.leads_of(session, subject)
            case Target.EVERYONE:
                found += [subject.worker_id, subject.backup_id, *await on_duty(session, house, now)]
                found += await people.leads_of(session, subject)
    return list(dict.fromkeys(p for p in found if p is not None and p != subject.id))


async def of_role(session: AsyncSession, subject: Person, role: Role) -> list[int]:
    """Everybody of this role in the subject's programme."""
    ids = select(col(Person.id)).where(col(Person.programme_id) == subject.programme_id, col(Person.role) == role)
    return [found for found in await session.scalars(ids.order_by(col(Person.id))) if found is not None]
