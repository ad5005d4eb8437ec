"""Verbs of the people room: agree, stop, tie to a relative, find. Letting in is in `tickets`."""

import secrets
import typing
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.db import ident
from app.people import staff
from app.people.models import (
    Consent,
    FamilyLink,
    House,
    Person,
    Programme,
    Role,
    Ticket,
    Topic,
)
from app.people.scope import Scope, covering, within

# Selects person_id and house_id.
Recipients: TypeAlias = Select[*tuple[Any, ...]]


async def person(session: AsyncSession, person_id: int) -> Person:
    found = await session.get(Person, person_id)
    if found is None:
        raise LookupError(f"no person {person_id}")
    return found


async def house(session: AsyncSession, house_id: int) -> House:
    found = await session.get(House, house_id)
    if found is None:
        raise LookupError(f"no house {house_id}")
    return found


async def people_by_id(session: AsyncSession, wanted: Collection[int]) -> dict[int, Person]:
    return {ident(one): one for one in await session.scalars(select(Person).where(col(Person.id).in_(list(wanted))))}


async def houses_by_id(session: AsyncSession, wanted: Collection[int]) -> dict[int, House]:
    return {ident(one): one for one in await session.scalars(select(House).where(col(House.id).in_(list(wanted))))}


async def find_house(session: AsyncSession, programme_id: int, code: str) -> House | None:
    found: House | None = await session.scalar(
        select(House).where(col(House.programme_id) == programme_id, col(House.code) == code)
    )
    return found


async def houses_of(session: AsyncSession, programme_id: int) -> frozenset[int]:
    found = await session.scalars(select(col(House.id)).where(col(House.programme_id) == programme_id))
    return frozenset(house_id for house_id in found if house_id is not None)


async def programme(session: AsyncSession, programme_id: int) -> Programme:
    found = await session.get(Programme, programme_id)
    if found is None:
        raise LookupError(f"no programme {programme_id}")
    return found


async def only_programme(session: AsyncSession) -> Programme | None:
    """The programme a stranger has come to, where there is just one behind this account."""
    found = (await session.scalars(select(Programme).limit(2))).all()
    return found[0] if len(found) == 1 else None


def visible_people(scope: Scope) -> Select[Person]:
    return select(Person).where(within(scope, Person))


async def visible_person(session: AsyncSession, scope: Scope, person_id: int) -> Person:
    """LookupError where there is nobody with this number in this scope."""
    found: Person | None = await session.scalar(visible_people(scope).where(col(Person.id) == person_id))
    if found is None:
        raise LookupError(f"no person {person_id}")
    return found


async def find_by_name(session: AsyncSession, scope: Scope, name: str, roles: Iterable[Role]) -> list[Person]:
    """The people of `scope` who are called, or registered as, `name`. Names are sealed, so we look at each."""
    people = await session.scalars(visible_people(scope).where(col(Person.role).in_(list(roles))))
    return [p for p in people if name and name in (p.name, p.called)]


def wants(who: Person, topic: Topic) -> bool:
    return topic not in who.stopped


def wanting(topic: Topic) -> ColumnElement[bool]:
    """The same as a condition, for whoever asks about many people."""
    return cast(col(Person.stopped), Text).not_like(f'%"{topic}"%')


def joined_members(house_id: int) -> Recipients:
    """Those of a house who have joined, as the recipients of a fan-out."""
    members: Any = (
        select(col(Person.id).label("person_id"), col(Person.house_id).label("house_id"))
        .where(col(Person.house_id) == house_id, col(Person.role) == Role.MEMBER)
        .where(col(Person.joined_at).is_not(None))
    )
    return typing.cast(Recipients, members)


def their_relatives(members: Recipients) -> Recipients:
    """The relatives of these members who let them know time and place, and the house each belongs to."""
    told = members.where(wanting(Topic.FAMILY)).subquery("told")
    relative = aliased(Person)
    relatives: Any = (
        select(col(FamilyLink.relative_id).label("person_id"), col(relative.house_id).label("house_id"))
        .join(told, told.c.person_id == col(FamilyLink.member_id))
        .join(relative, col(relative.id) == col(FamilyLink.relative_id))
        .where(
            col(FamilyLink.ended_at).is_(None), cast(col(relative.stopped), Text).not_like(f'%"{Topic.ACTIVITIES}"%')
        )
        .distinct()
    )
    return typing.cast(Recipients, relatives)


async def find_by_code(session: AsyncSession, code: str) -> Person | None:
    """The person with this code in the register; for whoever runs the program, not for staff in a chat."""
    found: Person | None = await session.scalar(select(Person).where(col(Person.code) == code))
    return found


async def colleague(session: AsyncSession, who: Person, code: str) -> Person | None:
    """The member of staff of the same programme with this code."""
    found: Person | None = await session.scalar(
        select(Person).where(col(Person.programme_id) == who.programme_id, col(Person.code) == code)
    )
    return found if found is not None and found.role.is_staff else None


async def staff_in(session: AsyncSession, roles: Collection[Role]) -> list[Person]:
    """Everybody with one of these roles; for whoever runs the program, not for staff in a chat."""
    found = select(Person).where(col(Person.role).in_(list(roles))).order_by(col(Person.id))
    return list(await session.scalars(found))


async def find_by_wecom(session: AsyncSession, userid: str) -> Person | None:
    """The member of staff with this id in WeCom, which does not tell upper from lower case in it."""
    found: Person | None = await session.scalar(select(Person).where(func.lower(col(Person.wecom)) == userid.lower()))
    return found


async def staff_of(session: AsyncSession, who: Person) -> list[int]:
    """Every worker who serves this person's house, and whoever leads it."""
    found = await staff.workers_at(session, await house(session, who.house_id))
    return [person_id for person_id in found if person_id != who.id]


async def leads_of(session: AsyncSession, who: Person) -> list[int]:
    """The supervisors whose scope has this person's house in it."""
    leads = select(col(Person.id)).where(
        col(Person.role) == Role.SUPERVISOR, covering(await house(session, who.house_id))
    )
    return [found for found in await session.scalars(leads.order_by(col(Person.id))) if found is not None]


async def who_looks_after(session: AsyncSession, who: Person | None) -> list[int]:
    """Those to whom a matter of this person falls, in order: worker, backup, then the others of the house."""
    if who is None:
        leads = select(col(Person.id)).where(col(Person.role) == Role.SUPERVISOR).order_by(col(Person.id))
        return [found for found in await session.scalars(leads) if found is not None]
    first = [found for found in (who.worker_id, who.backup_id) if found is not None]
    if who.role.is_staff:  # what concerns a colleague is first for whoever leads
        first += await leads_of(session, who)
    return [p for p in dict.fromkeys([*first, *await staff_of(session, who)]) if p != who.id]


# People who were not registered


async def stranger(session: AsyncSession, *, name: str) -> Person | None:
    """A row for somebody in danger who is not registered, so that a case can be opened for them.

    None where there is no house at all to answer for it.
    """
    first = await session.scalar(select(House).order_by(col(House.id)).limit(1))
    if first is None:
        return None
    guest = Person(
        programme_id=first.programme_id, house_id=ident(first), role=Role.GUEST, code=f"guest-{secrets.token_hex(6)}",
        name=name,
    )  # fmt: skip
    session.add(guest)
    await session.flush()
    return guest


async def stand_in(session: AsyncSession, house: House, *, name: str) -> Person:
    """The row about nobody with which a house practises: no member, in no list, and nothing is ever sent to it."""
    code = f"guest-drill-{house.id}"
    found: Person | None = await session.scalar(
        select(Person).where(col(Person.programme_id) == house.programme_id, col(Person.code) == code)
    )
    if found is not None:
        return found
    nobody = Person(
        programme_id=house.programme_id, house_id=ident(house), role=Role.GUEST, code=code, name=name
    )  # fmt: skip
    session.add(nobody)
    await session.flush()
    return nobody


async def who_answers_for_whom(session: AsyncSession, house_id: int) -> list[tuple[int, int | None]]:
    """Each pair of worker and backup to whom a member of this house is assigned."""
    pairs = (
        select(col(Person.worker_id), col(Person.backup_id))
        .where(col(Person.house_id) == house_id, col(Person.role) == Role.MEMBER, col(Person.worker_id).is_not(None))
        .distinct()
        .order_by(col(Person.worker_id), col(Person.backup_id))
    )
    return [(worker, backup) for worker, backup in await session.execute(pairs) if worker is not None]


# Agreeing and stopping


async def record_consent(
    session: AsyncSession, who: Person, kind: str, granted: bool, wording: str, now: datetime
) -> None:
    session.add(
        Consent(person_id=ident(who), house_id=who.house_id, kind=kind, granted=granted, wording=wording, at=now)
    )


async def has_consented(session: AsyncSession, who: Person, kind: str) -> bool:
    latest: bool | None = await session.scalar(
        select(col(Consent.granted))
        .where(col(Consent.person_id) == who.id, col(Consent.kind) == kind)
        .order_by(col(Consent.id).desc())
        .limit(1)
    )
    return bool(latest)


async def consents_of(session: AsyncSession, who: Person) -> list[Consent]:
    """Everything that this person ever answered to a question of consent, oldest first."""
    return list(
        await session.scalars(select(Consent).where(col(Consent.person_id) == who.id).order_by(col(Consent.id)))
    )


def stop(who: Person, topics: Iterable[Topic] = tuple(Topic)) -> None:
    who.stopped = sorted({*who.stopped, *(t.value for t in topics)})


def resume(who: Person, topics: Iterable[Topic] = tuple(Topic)) -> None:
    who.stopped = sorted(set(who.stopped) - {t.value for t in topics})


# Relatives


async def link_relative(
    session: AsyncSession, ticket: Ticket, relative: Person | None, now: datetime, *, name: str
) -> tuple[Person, Person]:
    """Use up a family code: (relative, member). A relative we do not know yet gets a row of their own."""
    member = await person(session, ticket.person_id)
    if relative is None:
        relative = Person(
            programme_id=member.programme_id, house_id=member.house_id, role=Role.FAMILY,
            worker_id=member.worker_id, backup_id=member.backup_id,
            code=f"family-{secrets.token_hex(6)}", name=name, joined_at=now,
        )  # fmt: skip
        session.add(relative)
        await session.flush()
    ticket.used_at = now
    if relative.id not in [r.id for r in await relatives_of(session, member)]:
        session.add(
            FamilyLink(house_id=member.house_id, member_id=ident(member), relative_id=ident(relative), started_at=now)
        )
        await session.flush()
    return relative, member


async def relatives_of(session: AsyncSession, member: Person) -> list[Person]:
    return await _linked(session, col(FamilyLink.relative_id), col(FamilyLink.member_id) == member.id)


async def members_linked_to(session: AsyncSession, relative_id: int) -> list[Person]:
    return await _linked(session, col(FamilyLink.member_id), col(FamilyLink.relative_id) == relative_id)


async def _linked(session: AsyncSession, wanted: object, known: object) -> list[Person]:
    people = (
        select(Person)
        .join(FamilyLink, wanted == col(Person.id))
        .where(known, col(FamilyLink.ended_at).is_(None))  # type: ignore[arg-type]
        .order_by(col(Person.id))
    )
    return list(await session.scalars(people))


async def unlink(session: AsyncSession, who: Person, now: datetime) -> list[tuple[Person, Person]]:
    """End every link of `who`, whichever side they are on: the (member, relative) pairs that were tied."""
    live = select(FamilyLink).where(
        col(FamilyLink.ended_at).is_(None),
        (col(FamilyLink.member_id) == who.id) | (col(FamilyLink.relative_id) == who.id),
    )
    ended = []
    for link in (await session.scalars(live)).all():
        link.ended_at, link.ended_by = now, who.id
        ended.append((await person(session, link.member_id), await person(session, link.relative_id)))
    return ended
