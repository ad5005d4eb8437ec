"""Who has which tag at WeChat. A tag decides the menu that somebody sees; nobody is ever found by it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import case, exists, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.messages.models import Channel, Contact
from app.people.models import Person, Role

TAGS = "tags"  # the channel that is set up once the account's tags are there


@dataclass(frozen=True, slots=True)
class Untagged:
    """A contact whose tag is not the one that their person's role wants; None: no tag."""

    contact_id: int
    openid: str = field(repr=False)
    has: str | None
    wants: str | None


async def set_up(session: AsyncSession) -> None:
    """From now on people are given their tags."""
    await session.merge(Channel(name=TAGS, configured=True))


async def untagged(
    session: AsyncSession, account: str, wanted: Mapping[Role, str], *, n: int, but_not: Collection[int] = ()
) -> list[Untagged]:
    """Up to `n` followers whose tag is not what `wanted` says for their role; none until tags are set up."""
    wants = case(dict(wanted), value=col(Person.role), else_=None) if wanted else null()
    rows = await session.execute(
        select(col(Contact.id), col(Contact.openid), col(Contact.tag), wants)
        .outerjoin(Person, col(Person.id) == col(Contact.person_id))
        .where(
            exists().where(col(Channel.name) == TAGS, col(Channel.configured)),
            col(Contact.account) == account,
            col(Contact.following),
            col(Contact.unreachable_because).is_(None),
            col(Contact.tag).is_distinct_from(wants),
            col(Contact.id).not_in(list(but_not)),
        )
        .order_by(wants, col(Contact.tag), col(Contact.id))
        .limit(n)
    )
    return [Untagged(number, openid, has, wants) for number, openid, has, wants in rows]


async def tagged(session: AsyncSession, people: Collection[Untagged], tag: str | None) -> None:
    """WeChat has given these their tag; whoever left meanwhile lost it again."""
    ids = [one.contact_id for one in people]
    await session.execute(
        update(Contact).where(col(Contact.id).in_(ids), col(Contact.following)).values(tag=tag),
        execution_options={"synchronize_session": False},
    )


async def forget(session: AsyncSession, account: str, tag: str) -> None:
    """A tag of this name is new at WeChat: nobody has it yet."""
    await session.execute(
        update(Contact).where(col(Contact.account) == account, col(Contact.tag) == tag).values(tag=None),
        execution_options={"synchronize_session": False},
    )
