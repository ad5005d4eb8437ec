"""A house full of people for a measurement: invented, and in the database within a second."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ident
from app.messages.models import Contact
from app.people.models import House, Person, Programme, Role


async def fill_house(session: AsyncSession, n: int, now: datetime, *, account: str) -> tuple[int, list[int]]:
    """A programme with one house and `n` members who joined and follow the account; the house, and their numbers."""
    programme = Programme(code="bench", name="生活小站")
    session.add(programme)
    await session.flush()
    house = House(programme_id=ident(programme), code="bench", name="生活小站", venue="活动室")
    session.add(house)
    await session.flush()
    members = [
        Person(
            programme_id=ident(programme), house_id=ident(house), code=f"m{number}", role=Role.MEMBER,
            name=f"同伴{number}", joined_at=now,
        )
        for number in range(n)
    ]  # fmt: skip
    session.add_all(members)
    await session.flush()
    session.add_all(
        Contact(account=account, openid=f"o_member_{number}", person_id=ident(member), seen_at=now)
        for number, member in enumerate(members)
    )
    await session.flush()
    return ident(house), [ident(member) for member in members]
