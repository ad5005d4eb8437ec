"""Finding people among many: a page of a list, or by name. Names are sealed, so that a search looks at each."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, and_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import table_of, unsealed
from app.people.models import House, Person, Role
from app.people.scope import Scope

PERSON, HOUSE = table_of(Person), table_of(House)
PRACTICE = "guest-drill-"  # how the code of a row about nobody begins


@dataclass(frozen=True, slots=True)
class Found:
    number: int
    code: str
    role: Role
    known_as: str
    house: str
    worker_id: int | None
    joined: bool

    def __repr__(self) -> str:
        return f"<Found {self.number}>"


_COLUMNS = (
    PERSON.c.id, PERSON.c.code, PERSON.c.role, type_coerce(PERSON.c.name, Text), type_coerce(PERSON.c.called, Text),
    HOUSE.c.name, PERSON.c.worker_id, PERSON.c.joined_at,
)  # fmt: skip


async def page(
    session: AsyncSession, scope: Scope, roles: Collection[Role], n: int, after: int = 0
) -> list[Found]:  # fmt: skip
    """`n` people of a scope by their numbers, those behind `after`."""
    rows = await session.execute(
        select(*_COLUMNS)
        .join(HOUSE, HOUSE.c.id == PERSON.c.house_id)
        .where(_in(scope, roles), PERSON.c.id > after)
        .order_by(PERSON.c.id)
        .limit(n)
    )
    return [_found(*row) for row in rows]


async def by_name(
    session: AsyncSession, scope: Scope, roles: Collection[Role], words: str, n: int
) -> list[Found]:  # fmt: skip
    """The first `n` whose name, the one they chose or the registered one, has `words` in it, or whose code it is."""
    wanted = words.strip().casefold()
    if not wanted:
        return []
    rows = await session.execute(
        select(*_COLUMNS).join(HOUSE, HOUSE.c.id == PERSON.c.house_id).where(_in(scope, roles)).order_by(PERSON.c.id)
    )
    found: list[Found] = []
    for row in rows:
        names = (unsealed(row[3]) or "", unsealed(row[4]) or "")
        if row[1].casefold() == wanted or any(wanted in name.casefold() for name in names):
            found.append(_found(*row))
            if len(found) == n:
                break
    return found


def _in(scope: Scope, roles: Collection[Role]) -> ColumnElement[bool]:
    return and_(
        PERSON.c.house_id.in_(scope.houses), PERSON.c.role.in_(list(roles)), PERSON.c.code.not_like(f"{PRACTICE}%")
    )


def _found(
    number: int, code: str, role: Role, name: str | None, called: str | None, house: str, worker_id: int | None,
    joined_at: object,
) -> Found:  # fmt: skip
    known_as = unsealed(called) or unsealed(name) or ""
    return Found(number, code, role, known_as, house, worker_id, joined_at is not None)
