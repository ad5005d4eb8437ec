"""The world around a house that dies: the platform, the phones and the time go on, and somebody starts it again."""

import asyncio
import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
from aiohttp import ClientSession
from httpx_aiohttp import AiohttpTransport
from sqlalchemy import NullPool, create_engine, text

from app.clock import Clock, aware
from app.migrations import sync_url
from app.settings import Settings
from bot.simulator import LocalWire, PhoneBook, Platform, create_box
from bot.simulator.callbacks import Fields
from bot.simulator.state import User
from tests.beginnings import TIES
from tests.conftest import ACCOUNT
from tests.crash import house
from tests.crash.life import UNHURRIED
from tests.crash.shelves import Shelf
from tests.line import Line
from tests.processes import PATIENCE, Child


class PatientPlatform(Platform):
    """The platform; its receipts come one after the other and when nothing else is under way, so that one run is
    like the other."""

    def __init__(self, clock: Clock, door: httpx.AsyncClient) -> None:
        super().__init__(ACCOUNT, clock, door=door, answer_limit=PATIENCE, name="段塘生活小站")
        self.receipts: list[tuple[User, Fields]] = []

    def tell_later(self, user: User, fields: Fields) -> None:
        self.receipts.append((user, fields))

    async def settle(self) -> None:
        while self.receipts:
            user, fields = self.receipts.pop(0)
            await self._deliver(user, fields, shows_failure=False)
        await super().settle()


class Keeper(httpx.AsyncBaseTransport):
    """Whoever keeps the house running, as a service manager does: it is started when somebody comes, and again when
    it has died. Who came when it died gets no answer, and comes again or not, as they do."""

    def __init__(self, settings: Settings, clock: Clock, dies_at: str | None, without: str | None) -> None:
        self._settings, self._clock = settings, clock
        self._dies_at, self._without = dies_at, without
        self._line = AiohttpTransport(client=ClientSession)
        self._child: Child | None = None
        self._address = httpx.URL()
        self._starting = asyncio.Lock()
        self.deaths = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with self._starting:
            child = self._child or await self._start()
        request.url = request.url.copy_with(host=self._address.host, port=self._address.port)
        request.headers[house.MOMENT] = self._clock.now().isoformat()
        try:
            response = await self._line.handle_async_request(request)
            return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())
        except httpx.TransportError:
            if child is self._child:
                await self.stop()
                self.deaths += 1
            raise

    async def _start(self) -> Child:
        log = self._settings.data_dir / f"house-{os.getpid()}.log"
        hears, born = Pipe(duplex=False)
        self._child = Child(house.live, self._settings, self._clock.now(), self._dies_at, self._without, log, born)
        born.close()
        self._dies_at = None
        self._line = AiohttpTransport(client=ClientSession)
        self._address = httpx.URL(await asyncio.to_thread(_wait_for, hears, log))
        return self._child

    async def stop(self) -> None:
        """Its time is over: no goodbye."""
        await self._line.aclose()
        if self._child is not None:
            self._child.kill()
        self._child = None


def _wait_for(hears: Connection, log: Path) -> str:
    with hears:
        try:
            address: str = hears.recv()
        except EOFError:
            raise AssertionError(f"the house did not start:\n{log.read_text() if log.exists() else ''}") from None
        return address


@dataclass(frozen=True, repr=False)
class Scene:
    """A moment at which nothing is under way: the platform with its phones; the database has the same name."""

    name: str
    at: datetime
    platform: dict[str, Any]
    clock: Clock


@dataclass(repr=False)
class World:
    """One house, its people, and a clock that is moved. `points` are those of the first process."""

    platform: PatientPlatform
    clock: Clock
    keeper: Keeper
    door: httpx.AsyncClient
    book: PhoneBook
    shelf: Shelf

    @classmethod
    def open(
        cls, settings: Settings, shelf: Shelf, line: Line, scene: Scene, *, dies_at: str | None = None,
        without: str | None = None,
    ) -> "World":  # fmt: skip
        """The world of a scene; the house is started when somebody comes, and dies once, at this point."""
        shelf.lay_out(scene.name)
        clock = Clock(frozen_at=scene.at)
        there = {"wechat_api_base": line.url, "database_url": shelf.url, **UNHURRIED}
        settings = settings.model_copy(update=there)
        keeper = Keeper(settings, clock, dies_at, without)
        door = httpx.AsyncClient(transport=keeper, base_url="http://house")
        platform = PatientPlatform(clock, door)
        vars(platform).update(deepcopy(scene.platform, {id(scene.clock): clock}))
        line.connect(create_box(platform))
        wire = LocalWire(platform)
        world = cls(platform, clock, keeper, door, PhoneBook(wire), shelf)
        wire.act = world._act(wire.act)  # type: ignore[method-assign]
        return world

    def _act(self, act: Any) -> Callable[..., Any]:
        async def settled(openid: str, verb: str, **details: str) -> None:
            await act(openid, verb, **details)
            await self.settle()

        return settled

    async def close(self) -> None:
        await self.keeper.stop()
        await self.door.aclose()

    def scene(self, name: str) -> Scene:
        """This moment, kept. Nobody may be connected to the database."""
        self.shelf.keep(name)
        return scene_of(name, self.platform)

    # Time

    async def settle(self) -> datetime | None:
        """Let everything that is due now happen, receipts from outside included; when the next thing is."""
        while True:
            await self.platform.settle()
            at = await self._ask(house.DRAIN)
            due = datetime.fromisoformat(at) if at is not None else None
            if not self.platform.receipts and (due is None or due > self.clock.now()):
                return due

    async def forward_to(self, moment: datetime) -> None:
        while (at := await self.settle()) is not None and at <= aware(moment):
            self.clock.move_to(at)
        self.clock.move_to(moment)
        await self.settle()

    async def forward(self, **span: float) -> None:
        await self.forward_to(self.clock.now() + timedelta(**span))

    async def passed(self) -> list[str]:
        points: list[str] = await self._ask(house.PASSED)
        return points

    async def _ask(self, what: str) -> Any:
        """Asked again if the house dies while it works."""
        while True:
            try:
                answer = await self.door.get(what, timeout=PATIENCE)
            except httpx.TransportError:
                continue
            assert answer.status_code == 200, answer.text
            return answer.json()

    def select(self, *what: str) -> list[tuple[Any, ...]]:
        """The rows of one query after the other."""
        engine = create_engine(sync_url(self.shelf.url), poolclass=NullPool)
        with engine.connect() as connection:
            return [tuple(row) for query in what for row in connection.execute(text(f"SELECT {query}"))]


def scene_of(name: str, platform: Platform) -> Scene:
    assert not platform._tasks, "something is still on its way to the house"
    kept = {key: what for key, what in vars(platform).items() if key not in TIES}
    return Scene(name, platform.clock.now(), deepcopy(kept, {id(platform.clock): platform.clock}), platform.clock)
