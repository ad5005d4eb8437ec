"""A house whose process may die between any two of its steps, and which another process then takes up.

A step is whatever is seen outside of the process: a unit of work begins, is about to be committed, has been
committed; a call leaves for the platform, its answer comes back. The platform, the clock and the database live on.
"""

import asyncio
import itertools
import json
import shutil
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import ASGIApp

from app.clock import Clock
from app.db import table_of
from app.duty.changes import DUTY
from app.escalations.aftercare import FOLLOW_UPS
from app.escalations.service import CASES
from app.main import Tongxing, create_app
from app.messages.outbox import ALERT, DELIVER
from app.settings import Settings
from bot.simulator import Platform, WorkPlatform, create_box
from bot.worlds import Worlds
from scheduler.works import DUE_TABLES
from tests.beginnings import Moment
from tests.conftest import ACCOUNT, COMPANY, MONDAY, ROBOT, open_story
from tests.stories.ways import no_activities

STUCK = 300
# What has nothing to do in a house without activities and questions about the mood.
IDLE = {"milestones", "moods", "materialise", "operators", "tags", "spool"}
STAFF = {"王乐": "wangle", "李红": "lihong", "周敏": "zhoumin", "李老师": "lilaoshi"}
BELLS = {
    "cases": {CASES},
    "outbox": {ALERT, DELIVER},
    "follow_up": {FOLLOW_UPS},
    "duty_watch": {DUTY},
}  # any other table: all of them
NEXT_OF_EACH = union_all(
    *(select(literal(model.__tablename__), func.min(table_of(model).c.due_at)) for model in DUE_TABLES)
)
_numbers = itertools.count()


class Killed(BaseException):
    """kill -9. No `except Exception` hears of it."""


class Life:
    """How many more steps a process lives; None: until further notice."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.over = asyncio.Event()

    @property
    def is_over(self) -> bool:
        return self.over.is_set()

    def step(self) -> None:
        """Killed if this was one step too many, and at every step after that."""
        if self.left is not None and not self.is_over:
            self.left -= 1
            if self.left < 0:
                self.over.set()
        if self.is_over:
            raise Killed


class Wire(httpx.AsyncBaseTransport):
    """From a process to the platform. `answers`: status codes in place of the next answers; `meanwhile`: what
    happens while the next call is under way. `arrived`: when our numbers and cards first came to the platform."""

    def __init__(self, box: ASGIApp, life: Life, clock: Clock, arrived: dict[str, datetime]) -> None:
        self._box, self._life, self._clock = httpx.ASGITransport(box), life, clock
        self.answers: deque[int] = deque()
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.arrived = arrived

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/send" not in request.url.path:
            return await self._box.handle_async_request(request)
        self._life.step()
        if self.answers:
            return httpx.Response(self.answers.popleft())
        body = json.loads(await request.aread())
        number = body.get("client_msg_id") or (body.get("template_card") or {}).get("task_id")
        if number is not None:
            self.arrived.setdefault(number, self._clock.now())
        answer = await self._box.handle_async_request(request)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        self._life.step()
        return answer


class Doorway(httpx.AsyncBaseTransport):
    """From the platform to whichever process runs. One that has died answers nothing, and is started again."""

    def __init__(self, house: "MortalHouse") -> None:
        self._house = house

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._house.life.is_over:
            await self._house.starts_again()
        life, door = self._house.life, self._house.door
        if life.left is None:
            return await door.handle_async_request(request)
        answer = asyncio.ensure_future(door.handle_async_request(request))
        death = asyncio.ensure_future(life.over.wait())
        await asyncio.wait({answer, death}, return_when=asyncio.FIRST_COMPLETED)
        dead = life.is_over
        for one in (answer, death):
            if not one.done():
                one.cancel()
        results = await asyncio.gather(answer, death, return_exceptions=True)
        if dead:
            raise httpx.ConnectError("nobody listens")
        response = results[0]
        assert isinstance(response, httpx.Response), response
        return response


class MortalHouse:
    """One house with its platform, its people and a clock, from a `moment` on."""

    life: Life
    wire: Wire
    here: Tongxing
    door: httpx.ASGITransport
    _running: Any

    def __init__(self, settings: Settings, moment: Moment) -> None:
        self.folder = settings.data_dir / f"life-{next(_numbers)}"
        self.folder.mkdir()
        there = {"data_dir": self.folder, "database_url": f"sqlite+aiosqlite:///{self.folder / 'tongxing.db'}"}
        self.settings = settings.model_copy(update=there)
        self.clock = Clock(frozen_at=moment.at)
        doorway = httpx.AsyncClient(transport=Doorway(self), base_url="http://house")
        work = WorkPlatform(COMPANY, self.clock, door=doorway)
        self.platform = Platform(ACCOUNT, self.clock, door=doorway, work=work)
        moment.lay_out(self.settings, self.platform)
        for name, code in STAFF.items():
            work.add_member(code, name, phone=self.platform.users[f"o_{code}"])
        work.add_group("duantang", ROBOT)
        self.work = work
        self.box = create_box(self.platform)
        self.arrived: dict[str, datetime] = {}
        self.deaths = 0
        self._starting = asyncio.Lock()

    def another(self, life: Life) -> tuple[Tongxing, Wire]:
        """One more process over the same database and platform; nothing of it runs yet."""
        wire = Wire(self.box, life, self.clock, self.arrived)
        outside = httpx.AsyncClient(base_url="http://box", transport=wire)
        house = Tongxing.build(self.settings, self.clock, Worlds(wechat=outside, wecom=outside, plain=outside))
        _each_unit_of_work_is_a_step(house, life)
        return house, wire

    async def begins(self) -> None:
        self.life = Life()
        self.here, self.wire = self.another(self.life)
        self.door = httpx.ASGITransport(create_app(self.here, bells=()))
        self._running = self.here.running(bells=())
        await self._running.__aenter__()

    async def starts_again(self) -> None:
        """What is left of the dead process is cleared away, and another one begins: once, whoever notices first."""
        async with self._starting:
            if self.life.is_over:
                self.deaths += 1
                await self.ends()
                await self.begins()

    async def ends(self) -> None:
        """What still runs of a process that was killed runs no more; one that lives closes its doors."""
        if self.life.is_over:
            left = [task for task in asyncio.all_tasks() if _is_of_a_process(task)]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            self.here.desk._task = None
        try:
            await self._running.__aexit__(None, None, None)
        except Killed:
            await self.here.db.close()

    async def next_due(self) -> datetime | None:
        """When the next thing will happen."""
        return min((await self._due()).values(), default=None)

    async def _due(self) -> dict[str, datetime]:
        """For each table of the queue what `Works.next_due` says for all of them, asked in one statement."""
        async with self.here.db.read() as session:
            return {table: at for table, at in await session.execute(NEXT_OF_EACH) if at is not None}

    async def settle(self) -> None:
        """Everything that is due now happens. Killed if the process dies of it."""
        for _ in range(STUCK):
            await self.platform.settle()
            due = {table for table, at in (await self._due()).items() if at <= self.clock.now()}
            if not due:
                return
            rung = {name for table in due for name in BELLS.get(table, self.here.tower.bells.keys() - IDLE)}
            for name, bell in self.here.tower.bells.items():
                if name in rung:
                    await bell.drain()
        raise AssertionError("something rings for ever at one moment")

    async def lives_through(self, doing: Awaitable[Any] | None = None) -> None:
        """Do it, then settle; a process that dies of it is started again and settles what is left."""
        try:
            if doing is not None:
                await doing
        except Killed:
            pass
        while True:
            if self.life.is_over:
                await self.starts_again()
            try:
                await self.settle()
            except Killed:
                continue
            if not self.life.is_over:
                return

    async def forward_to(self, moment: datetime) -> None:
        """Time passes, from one due moment to the next."""
        while (at := await self.next_due()) is not None and at <= moment:
            self.clock.move_to(at)
            await self.lives_through()
        self.clock.move_to(moment)
        await self.lives_through()

    def forget(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_of_a_process(task: "asyncio.Task[Any]") -> bool:
    """Its desk and its senders: what it has of tasks besides the one in which the test itself runs."""
    return str(getattr(task.get_coro(), "__qualname__", "")).endswith(("Desk._work", "_Round._send_on"))


def _each_unit_of_work_is_a_step(house: Tongxing, life: Life) -> None:
    really = house.db.begin

    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncSession]:
        async with really() as session:
            life.step()
            yield session
            life.step()
        life.step()

    house.db.begin = begin  # type: ignore[method-assign]


async def two_have_joined(settings: Settings, empty: Path) -> Moment:
    """小河 and 阿珠 are there, nothing is planned, and nobody is asked about their mood."""
    folder = settings.data_dir / "before"
    folder.mkdir()
    shutil.copy(empty, folder / "tongxing.db")
    there = {"data_dir": folder, "database_url": f"sqlite+aiosqlite:///{folder / 'tongxing.db'}"}
    async with open_story(settings.model_copy(update=there), Clock(frozen_at=MONDAY)) as story:
        for name in ("小河", "阿珠"):
            await story.plays_joining(name, mood=False)
        await no_activities(story)
        await story.clock.settle()
        return Moment.of(story)
