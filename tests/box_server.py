"""The platform in a box behind a real wire: a server in a thread, which outlives whoever calls it."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from threading import Thread
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from app.clock import Clock
from bot.simulator import Call, Fault, Platform, create_box
from bot.simulator.callbacks import Fields
from bot.simulator.state import User
from tests.conftest import ACCOUNT
from tests.processes import wait_until

TEXT, CARD = "message/custom/send", "message/template/send"
# Seconds there and back: 5 to 20 milliseconds together.
THERE = (0.002, 0.009, 0.005, 0.003, 0.010)
BACK = (0.010, 0.003, 0.006)


class FarBox(Platform):
    """The platform with all its rules, some milliseconds away. It counts what was asked of it, and by whom.

    People are called by their openid. It tells nobody what became of a message: there is no door.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(ACCOUNT, clock, door=httpx.AsyncClient())
        self.asked: Counter[str] = Counter()
        self.under_way: Counter[tuple[str, str]] = Counter()
        self._there, self._back = cycle(THERE), cycle(BACK)
        self._box: Starlette = create_box(self)

    def shown(self, openid: str) -> int:
        """How many messages of ours this person has seen."""
        return sum(bubble.who == "account" for bubble in self.users[openid].bubbles)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        what = (self._caller(scope), scope["path"].removeprefix("/cgi-bin/"))

        async def late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(next(self._back))
            await send(message)

        self.under_way[what] += 1
        try:
            await self._box(scope, receive, late)
        finally:
            self.under_way[what] -= 1

    @staticmethod
    def _caller(scope: Scope) -> str:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        return headers.get(b"user-agent", b"").decode()

    def take_fault(self, path: str) -> Fault | None:
        return Fault(path, latency=next(self._there)) if path in (TEXT, CARD) else super().take_fault(path)

    def log(self, call: Call) -> Call:
        if call.what in (TEXT, CARD):
            self.asked[call.who] += 1
        return call

    def tell_later(self, user: User, fields: Fields) -> None:
        del user, fields


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an ASGI application: its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_keep_alive=65,
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
