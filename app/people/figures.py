"""How often each person of each house did something: from it come 人数 and 人次, and nothing is counted twice.

A room counts with one grouped query and gives a `Tally`. Whoever adds houses up adds tallies, so that somebody who
comes to two houses is one person.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.people.models import House, Person, Programme, Role


@dataclass(frozen=True)
class Tally:
    """Of each house, how many times each person; both by their number."""

    by_house: Mapping[int, Counter[int]] = field(default_factory=dict)

    @classmethod
    def over(cls, rows: Iterable[Any]) -> "Tally":
        """Rows of (house, person, times)."""
        found: dict[int, Counter[int]] = {}
        for house_id, person_id, times in rows:
            found.setdefault(house_id, Counter())[person_id] += times
        return cls(found)

    def of(self, houses: Collection[int]) -> Counter[int]:
        """How many times each person in any of these houses."""
        found: Counter[int] = Counter()
        for house_id in houses:
            found.update(self.by_house.get(house_id, {}))
        return found

    def __or__(self, other: "Tally") -> "Tally":
        """Both together; times are added up."""
        houses = {*self.by_house, *other.by_house}
        return Tally({one: Counter(self.of([one])) + other.of([one]) for one in houses})

    def __sub__(self, other: "Tally") -> "Tally":
        """What is left of this without what `other` counted, person by person, never less than nothing."""
        return Tally({one: there - other.of([one]) for one, there in self.by_house.items()})


async def houses_in_order(session: AsyncSession, programme: Programme) -> list[House]:
    """The houses of a programme, by their codes."""
    houses = select(House).where(col(House.programme_id) == programme.id).order_by(col(House.code))
    return list(await session.scalars(houses))


async def registered(session: AsyncSession, houses: Collection[int]) -> Tally:
    """Members in the register as it is now; since when they stand there is not known."""
    members = select(col(Person.house_id), col(Person.id)).where(
        col(Person.house_id).in_(houses), col(Person.role) == Role.MEMBER
    )
    return Tally.over((house_id, person_id, 1) for house_id, person_id in await session.execute(members))


async def joined(
    session: AsyncSession, houses: Collection[int], until: datetime, *, since: datetime | None = None
) -> Tally:  # fmt: skip
    """Members who came in before `until`, and from `since` on where that is given."""
    members = select(col(Person.house_id), col(Person.id)).where(
        col(Person.house_id).in_(houses), col(Person.role) == Role.MEMBER, col(Person.joined_at) < until
    )
    if since is not None:
        members = members.where(col(Person.joined_at) >= since)
    return Tally.over((house_id, person_id, 1) for house_id, person_id in await session.execute(members))
