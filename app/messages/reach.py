"""How WeChat can reach somebody just now, read and written for many people at a time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import table_of
from app.due import LEASE
from app.messages.models import Contact

CONTACT = table_of(Contact)


@dataclass(slots=True)
class Reach:
    """A contact as a deliverer sees it; what is `spent` here is written back by `write_to`."""

    id: int
    openid: str
    person_id: int | None
    following: bool
    unreachable_because: str | None
    window_opened_by: str | None
    window_left: int
    window_until: datetime | None
    busy_until: datetime | None
    busy_with: int | None
    talker_until: datetime | None = None
    spent: bool = False

    def __repr__(self) -> str:
        return f"<Reach {self.id}>"

    @property
    def follows(self) -> bool:
        return self.following and self.unreachable_because is None

    def talked_to_until(self, now: datetime) -> datetime | None:
        """Until when a person of the staff talks to them, and the robot asks nothing; None: nobody does."""
        return self.talker_until if self.talker_until is not None and self.talker_until > now else None

    def busy(self, now: datetime, *, patience: timedelta = LEASE) -> bool:
        """Another message to this person is on its way; two at once would overtake each other (43108).

        `patience`: how long that is respected. Whoever sent it may have died, and an alert does not wait a minute.
        """
        return self.busy_until is not None and self.busy_until - LEASE + patience > now


_COLUMNS = [CONTACT.c[name] for name in Reach.__slots__ if name != "spent"]


async def locked(
    session: AsyncSession, people: Collection[int], contacts: Collection[int]
) -> tuple[dict[int, Reach], dict[int, Reach]]:
    """By person and by contact: those of these that nobody else holds, held until the unit of work ends.

    Whom somebody else holds is left out rather than waited for: a deliverer that waited could lock out a door
    that waits for it.
    """
    wanted = or_(CONTACT.c.person_id.in_(list(people)), CONTACT.c.id.in_(list(contacts)))
    rows = await session.execute(
        select(*_COLUMNS).where(wanted).order_by(CONTACT.c.id).with_for_update(skip_locked=True)
    )
    found = [Reach(*row) for row in rows]
    return {r.person_id: r for r in found if r.person_id is not None}, {r.id: r for r in found}


async def known(session: AsyncSession, people: Collection[int]) -> set[int]:
    """Those of these people who have a contact, whoever may hold it just now."""
    rows = await session.scalars(select(CONTACT.c.person_id).where(CONTACT.c.person_id.in_(list(people))))
    return {number for number in rows if number is not None}


async def hold(session: AsyncSession, contacts: Collection[int]) -> None:
    """Wait for these contacts and hold them until the unit of work ends. SQLite has but one writer anyway."""
    if session.get_bind().dialect.name != "sqlite":
        await session.execute(
            select(CONTACT.c.id).where(CONTACT.c.id.in_(sorted(contacts))).order_by(CONTACT.c.id).with_for_update()
        )


async def write_to(session: AsyncSession, people: Sequence[Reach], claim: int, until: datetime) -> None:
    """Messages of this claim are on their way to these people, and what they cost is taken from the windows."""
    if not people:
        return
    busy = {"busy_until": until, "busy_with": claim}
    await session.execute(update(CONTACT).where(CONTACT.c.id.in_([r.id for r in people])).values(**busy))
    spent = [{"row": r.id, "left": r.window_left} for r in people if r.spent]
    if spent:
        await session.execute(
            update(CONTACT).where(CONTACT.c.id == bindparam("row")).values(window_left=bindparam("left")), spent
        )


async def free(session: AsyncSession, claims: Collection[int], contacts: Collection[int]) -> None:
    """Messages of these claims are no longer on their way: the next ones to the same people may go."""
    await session.execute(
        update(CONTACT)
        .where(CONTACT.c.id.in_(sorted(contacts)), CONTACT.c.busy_with.in_(list(claims)))
        .values(busy_until=None, busy_with=None)
    )


async def refund(session: AsyncSession, contact_id: int) -> None:
    """A message that surely was not sent took nothing from the window."""
    await session.execute(
        update(CONTACT).where(CONTACT.c.id == contact_id).values(window_left=CONTACT.c.window_left + 1)
    )


async def shut(session: AsyncSession, contact_id: int) -> None:
    """The platform says that our ledger was wrong: nothing is left in this window."""
    await session.execute(update(CONTACT).where(CONTACT.c.id == contact_id).values(window_left=0))


async def unreachable(session: AsyncSession, contact_id: int, because: str) -> bool:
    """The platform can no longer reach this person. False: that was known already."""
    marked = await session.scalars(
        update(CONTACT)
        .where(CONTACT.c.id == contact_id, CONTACT.c.unreachable_because.is_(None))
        .values(unreachable_because=because[:40])
        .returning(CONTACT.c.id)
    )
    return marked.first() is not None
