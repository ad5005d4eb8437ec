"""What somebody's words could give away: what the people around them are called, and where they are."""

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.people.models import Person, Role
from app.people.service import house, programme

SHORTEST_ID = 4


@dataclass(frozen=True, slots=True)
class Known:
    """`names` of people, `ids` (phones, mail, register), `places`. Not to be printed."""

    names: frozenset[str]
    ids: frozenset[str]
    places: frozenset[str]

    def __repr__(self) -> str:
        return "<Known>"


async def around(session: AsyncSession, who: Person) -> Known:
    """The people of their house, everybody on the staff of the programme, and the house itself."""
    staff = [role for role in Role if role.signs_in]
    people = await session.scalars(
        select(Person).where(
            or_(
                col(Person.house_id) == who.house_id,
                (col(Person.programme_id) == who.programme_id) & col(Person.role).in_(staff),
            ),
            col(Person.role) != Role.GUEST,
        )
    )
    names, ids = {who.name, who.called}, {who.phone, who.mail, who.wecom}
    for one in people:
        names |= {one.name, one.called}
        ids |= {one.phone, one.mail, one.wecom, one.code if len(one.code) >= SHORTEST_ID else None}
    where, of = await house(session, who.house_id), await programme(session, who.programme_id)
    places = {where.name, where.venue, of.name}
    ids |= {where.phone, of.phone}
    return Known(*(frozenset(word for word in words if word) for words in (names, ids, places)))
