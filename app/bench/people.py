"""Houses full of people for a measurement: invented, and in the database within seconds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.models import Occurrence, Rsvp
from app.db import ident
from app.duty.models import Duty
from app.messages.models import Contact, Inbox, Lane, Outbox, OutboxState
from app.people.models import House, Person, Programme, Role

MEMBERS_OF_A_HOUSE = 60
WORKERS_OF_A_HOUSE = 2
ALL_DAY = "00:00"  # a shift that ends when it starts lasts until the next day


async def fill_house(session: AsyncSession, n: int, now: datetime, *, account: str) -> tuple[int, list[int]]:
    """A programme with one house and `n` members who joined and follow the account; the house, and their numbers."""
    programme = await _programme(session)
    home = await _house(session, programme, "bench")
    return ident(home), await _members(session, home, range(n), now, account=account)


@dataclass(frozen=True)
class City:
    """Members by their numbers in the database, in the order of their openids: `openid(0)`, `openid(1)`, …"""

    programme: int
    houses: frozenset[int]
    members: list[int]


def openid(number: int) -> str:
    return f"o_member_{number}"


async def fill_city(session: AsyncSession, n: int, now: datetime, *, account: str, messages: int) -> City:
    """A programme of houses with `n` members in all, each with a worker and a second one; one of the two is on duty
    round the clock. There is a supervisor, an activity in two days for each house, and `messages` old messages."""
    programme = await _programme(session)
    supervisor = Person(
        programme_id=ident(programme), house_id=ident(await _house(session, programme, "lead")), code="lead",
        role=Role.SUPERVISOR, name="督导", joined_at=now,
    )  # fmt: skip
    session.add(supervisor)
    await session.flush()
    session.add(Contact(account=account, openid="o_lead", person_id=ident(supervisor), seen_at=now))
    houses, members = list[House](), list[int]()
    for first in range(0, n, MEMBERS_OF_A_HOUSE):
        house = await _house(session, programme, f"h{first}")
        workers = await _workers(session, house, now, account=account)
        some = range(first, min(first + MEMBERS_OF_A_HOUSE, n))
        here = await _members(session, house, some, now, account=account, workers=workers)
        await _in_two_days(session, house, here, now)
        houses.append(house)
        members += here
    await _history(session, houses, members, messages, now, account=account)
    return City(ident(programme), frozenset(ident(house) for house in houses), members)


async def _programme(session: AsyncSession) -> Programme:
    programme = Programme(code="bench", name="生活小站")
    session.add(programme)
    await session.flush()
    return programme


async def _house(session: AsyncSession, programme: Programme, code: str) -> House:
    house = House(programme_id=ident(programme), code=code, name="生活小站", venue="活动室")
    session.add(house)
    await session.flush()
    return house


async def _members(
    session: AsyncSession, house: House, which: range, now: datetime, *, account: str, workers: Sequence[int] = ()
) -> list[int]:  # fmt: skip
    worker, backup = workers or (None, None)
    members = [
        Person(
            programme_id=house.programme_id, house_id=ident(house), code=f"m{number}", role=Role.MEMBER,
            name=f"同伴{number}", joined_at=now, worker_id=worker, backup_id=backup,
        )
        for number in which
    ]  # fmt: skip
    session.add_all(members)
    await session.flush()
    session.add_all(
        Contact(account=account, openid=openid(number), person_id=ident(member), seen_at=now)
        for number, member in zip(which, members, strict=True)
    )
    await session.flush()
    return [ident(member) for member in members]


async def _workers(session: AsyncSession, house: House, now: datetime, *, account: str) -> list[int]:
    workers = [
        Person(
            programme_id=house.programme_id, house_id=ident(house), code=f"{house.code}-w{n}", role=Role.WORKER,
            name=f"社工{n}", joined_at=now,
        )
        for n in range(WORKERS_OF_A_HOUSE)
    ]  # fmt: skip
    session.add_all(workers)
    await session.flush()
    for worker in workers:
        session.add(Contact(account=account, openid=f"o_{worker.code}", person_id=ident(worker), seen_at=now))
    session.add_all(
        Duty(house_id=ident(house), person_id=ident(workers[-1]), weekday=day, starts=ALL_DAY, ends=ALL_DAY)
        for day in range(7)
    )
    await session.flush()
    return [ident(worker) for worker in workers]


async def _in_two_days(session: AsyncSession, house: House, invited: Sequence[int], now: datetime) -> None:
    starts = now + timedelta(days=2)
    what = Occurrence(
        house_id=ident(house), slot="bench", title="手工课", starts_at=starts, ends_at=starts + timedelta(hours=2),
        venue="活动室", door_code="0000", scene=f"bench-{house.code}",
    )  # fmt: skip
    session.add(what)
    await session.flush()
    session.add_all(
        Rsvp(occurrence_id=ident(what), person_id=member, house_id=ident(house), asked_at=now) for member in invited
    )


async def _history(
    session: AsyncSession, houses: Sequence[House], members: Sequence[int], n: int, now: datetime, *, account: str
) -> None:  # fmt: skip
    """The last weeks: half of the `n` messages came in, half went out."""
    whose: Iterator[tuple[int, int]] = cycle(enumerate(members))
    for at, (number, member) in enumerate(islice(whose, n // 2)):
        when = now - timedelta(minutes=n // 2 - at)
        house = ident(houses[number // MEMBERS_OF_A_HOUSE])
        came_in = Inbox(
            account=account, openid=openid(number), key=f"m:old-{at}", kind="text", content="今天还可以，出去走了走",
            person_id=member, house_id=house, sent_at=when, received_at=when, reply="好的，收到了。",
        )  # fmt: skip
        went_out = Outbox(
            key=f"old:{at}", person_id=member, house_id=house, kind="text", params={"text": "明天下午有手工课。"},
            lane=Lane.NORMAL, state=OutboxState.SENT, created_at=when, finished_at=when, due_at=None,
        )  # fmt: skip
        session.add_all((came_in, went_out))
    await session.flush()
