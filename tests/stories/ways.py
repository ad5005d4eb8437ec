"""What the stories about reaching people share: a house with every way out, and people who are simply there."""

import asyncio
import json
import time
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.models import Occurrence, Plan, Series
from app.db import ident, table_of
from app.duty import changes
from app.duty.models import Duty
from app.messages import broadcasts, channels, window
from app.messages.models import Alarm, Attempt, Contact, Outbox
from app.messages.window import Limits
from app.people.models import Person, Role
from app.settings import GivenSettings, Settings
from app.tasks.models import Task, TaskKind
from bot.simulator import Phone
from tests.conftest import ACCOUNT, WITH_WECOM, Story

TEXT, CARD = "message/custom/send", "message/template/send"


def every_way(settings: Settings, **changes: Any) -> Settings:
    """The same installation with WeCom and the robot of its group; SMS and mail are handed in beside it."""
    return GivenSettings.model_validate({**settings.model_dump(), **WITH_WECOM, **changes})


async def registered(story: Story, code: str) -> Person:
    async with story.house.db.read() as session:
        found = await session.scalar(select(Person).where(Person.code == code))
        assert found is not None
        return found


async def reached_by(story: Story, code: str, **addresses: str | None) -> None:
    """Write down a `wecom` id, a `phone`, a `mail` for somebody; None: they have none."""
    async with story.house.db.begin() as session:
        await session.execute(update(Person).where(Person.code == code).values(**addresses))


async def without_wechat(story: Story, *codes: str) -> None:
    """These have never been seen in WeChat."""
    async with story.house.db.begin() as session:
        ids = select(Person.id).where(Person.code.in_(codes))
        await session.execute(delete(Contact).where(Contact.person_id.in_(ids)))


async def here(story: Story, code: str = "xiaohe", name: str = "小河", *, window_open: bool = True) -> Phone:
    """A member who joined some time ago, and was not asked to anything yet."""
    now, openid = story.house.clock.now(), f"o_{code}"
    phone = await story.book.phone(name, openid=openid)
    user = story.platform.user(openid)
    user.following = True
    async with story.house.db.begin() as session:
        who = await session.scalar(select(Person).where(Person.code == code))
        assert who is not None
        who.joined_at = now
        contact = Contact(account=ACCOUNT.app_id, openid=openid, person_id=who.id)
        if window_open:
            window.opened_by_message(contact, now, Limits.of(story.settings))
            story.platform.open_window(user, "message")
        session.add(contact)
    return phone


async def occurrence(story: Story, title: str) -> Occurrence:
    """The next one of this title."""
    async with story.house.db.read() as session:
        found = await session.scalar(
            select(Occurrence).where(Occurrence.title == title).order_by(Occurrence.starts_at)
        )  # fmt: skip
        assert found is not None
        return found


async def outbox(story: Story, *kinds: str) -> list[Outbox]:
    """What is, or was, to be said; of these kinds, or all of it."""
    async with story.house.db.read() as session:
        found = await session.scalars(select(Outbox).order_by(Outbox.id))
        return [row for row in found if not kinds or row.kind in kinds]


async def ways_taken(story: Story, rows: Collection[Outbox]) -> list[tuple[str, str]]:
    """Each try and what came of it, in its order."""
    ids = {row.id for row in rows}
    async with story.house.db.read() as session:
        tries = await session.scalars(select(Attempt).order_by(Attempt.id))
        return [(one.rung, one.result) for one in tries if one.outbox_id in ids and one.rung != "receipt"]


async def tasks(story: Story, kind: TaskKind | None = None) -> list[Task]:
    async with story.house.db.read() as session:
        return [one for one in await session.scalars(select(Task).order_by(Task.id)) if kind in (None, one.kind)]


async def alarms(story: Story, since: datetime) -> list[Alarm]:
    async with story.house.db.read() as session:
        return await channels.alarms_since(session, since)


async def no_activities(story: Story) -> None:
    """Nothing is planned: nobody is asked or reminded of anything by itself."""
    async with story.house.db.begin() as session:
        await session.execute(update(Plan).values(due_at=None))
        await session.execute(update(Series).values(due_at=None))


async def announce(story: Story, said: str = "明天下午停电，早点回家") -> int:
    """Tell it everybody; the number of the broadcast."""
    programme_id = (await registered(story, "wangle")).programme_id
    async with story.house.db.begin() as session:
        cast_ = await broadcasts.start(session, said, story.house.clock.now(), programme_id=programme_id)
        assert cast_.id is not None
        return cast_.id


# Very many people, whom nobody plays


class BareApi:
    """WeChat as far as sending needs it: takes everything, and notes to whom and when.

    `latency`, `slower` (by how much each call is slower than the one before), the moments of `taken` and the
    `patience` of a test that waits for it (TimeoutError) are in real seconds.
    """

    def __init__(self, latency: float = 0.001) -> None:
        self.slower, self.patience = 0.0, 60.0
        self.begun = 0
        self.taken: list[tuple[str, float]] = []
        self.latency = latency
        self._news = asyncio.Condition()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("stable_token"):
            return httpx.Response(200, json={"access_token": "bare", "expires_in": 7200})
        self.begun += 1
        await self._tell()
        await asyncio.sleep(self.latency + self.slower * self.begun)
        self.taken.append((json.loads(request.content)["touser"], time.perf_counter()))
        await self._tell()
        return httpx.Response(200, json={"errcode": 0, "errmsg": "ok", "msgid": 7_000_000 + len(self.taken)})

    @property
    def openids(self) -> list[str]:
        return [openid for openid, _ in self.taken]

    async def after(self, n: int) -> None:
        """Until so many messages have been taken."""
        async with asyncio.timeout(self.patience), self._news:
            await self._news.wait_for(lambda: len(self.taken) >= n)

    async def asked(self, n: int) -> None:
        """Until so many have begun to be sent."""
        async with asyncio.timeout(self.patience), self._news:
            await self._news.wait_for(lambda: self.begun >= n)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


def instead_of_wechat(story: Story, api: BareApi) -> None:
    story.house.worlds.wechat._transport = httpx.MockTransport(api.answer)


async def crowd(story: Story, n: int) -> None:
    """So many more members of the house, written straight into the tables; every second one's window is shut."""
    now, worker = story.house.clock.now(), await registered(story, "wangle")
    person, contact = (table_of(model) for model in (Person, Contact))
    same = {
        "programme_id": worker.programme_id, "house_id": worker.house_id, "role": Role.MEMBER, "joined_at": now,
        "stopped": [], "worker_id": worker.id, "name": "某人",
    }  # fmt: skip
    values = {
        "account": ACCOUNT.app_id, "following": True, "misunderstood": 0, "wrong_codes": 0,
        "window_opened_by": "message", "window_until": now + timedelta(hours=48),
    }  # fmt: skip
    async with story.house.db.begin() as session:
        for begin in range(0, n, 10_000):
            chunk = range(begin, min(begin + 10_000, n))
            await session.execute(insert(person), [{**same, "code": f"c{number}"} for number in chunk])
        chosen = select(
            person.c.id, literal("o_").concat(person.c.code), (person.c.id % 2) * 5,
            *(literal(value, contact.c[name].type) for name, value in values.items()),
        ).where(person.c.code.like("c%"))  # fmt: skip
        await session.execute(
            insert(contact).from_select(["person_id", "openid", "window_left", *values], chosen)
        )  # fmt: skip


# The rota


async def rota(story: Story, *shifts: tuple[str, int, str, str]) -> None:
    """These are on duty, and nobody else: (code of the person, weekday from 0, from, until)."""
    async with story.house.db.begin() as session:
        await write_rota(session, shifts, story.house.clock.now())


async def write_rota(session: AsyncSession, shifts: Iterable[tuple[str, int, str, str]], now: datetime) -> None:
    await session.execute(delete(Duty))
    people = {person.code: person for person in await session.scalars(select(Person))}
    for code, weekday, starts, ends in shifts:
        who = people[code]
        session.add(Duty(house_id=who.house_id, person_id=ident(who), weekday=weekday, starts=starts, ends=ends))
    await session.flush()
    await changes.rearm(session, now)
