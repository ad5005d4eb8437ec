"""The house as a process of its own that dies (SIGKILL) at a point of its life that has a name.

A point is every place where a death could leave something half done: after each statement that wrote something,
before and after each commit of what was written, before a call goes out and after its answer is here, before and after
somebody is answered at the door. They are named after what happens there and numbered by how often it has, so that the
same point is found again in another run: `UPDATE outbox #3`, `after COMMIT of cases, outbox #1`, `CALL menu/get #2`.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
from aiohttp import ClientSession
from httpx_aiohttp import AiohttpTransport
from sqlalchemy import Engine, event
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.clock import Clock
from app.logs import set_up_logs
from app.main import SPOOL, Tongxing, create_app
from app.settings import Settings
from bot.worlds import Worlds
from tests.crash.guards import GUARDS
from tests.line import open_line

MOMENT = "x-moment"
# What the test asks of the process, beside what the world outside does.
DRAIN, PASSED = "/drain", "/passed"


class Points:
    """Each point that this process has passed, in order; at `dies_at` it ends as in a power cut."""

    def __init__(self, dies_at: str | None) -> None:
        self._dies_at = dies_at
        self._times: Counter[str] = Counter()
        self.passed: list[str] = []

    def __call__(self, what: str) -> None:
        self._times[what] += 1
        point = f"{what} #{self._times[what]}"
        if point == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed.append(point)


def live(
    settings: Settings, now: datetime, dies_at: str | None, without: str | None, log: Path, born: Connection
) -> None:  # fmt: skip
    """Serve, tell `born` where, and go on until somebody ends it or it comes to `dies_at`.

    `without`: the name of a guard (`tests/crash/guards.py`) that this house does not have.
    """
    sys.stderr = log.open("a", encoding="utf-8", buffering=1)
    set_up_logs("warning")
    if without is not None:
        GUARDS[without]()
    for proxy in [variable for variable in os.environ if variable.lower().endswith("_proxy")]:
        del os.environ[proxy]
    asyncio.run(_live(settings, Clock(frozen_at=now), Points(dies_at), born))


async def _live(settings: Settings, clock: Clock, points: Points, born: Connection) -> None:
    line = WatchedCalls(AiohttpTransport(client=ClientSession), points)
    box = httpx.AsyncClient(base_url=settings.wechat_api_base, transport=line)
    house = Tongxing.build(settings, clock, Worlds(wechat=box, wecom=box, plain=box))
    async with house.running(bells=()):
        watch_writes(house.db.engine.sync_engine, points)
        async with open_line() as door:
            door.connect(Watched(create_app(house, bells=()), house, clock, points))
            born.send(door.url)
            await asyncio.Event().wait()


def watch_writes(engine: Engine, points: Callable[[str], None]) -> None:
    """Statements that wrote a row, and the commits of what they wrote; what found nothing to write has no points."""

    @event.listens_for(engine, "after_cursor_execute")
    def wrote(connection: Any, cursor: Any, _sql: str, _values: Any, context: Any, _many: bool) -> None:
        verb = "INSERT" if context.isinsert else "UPDATE" if context.isupdate else "DELETE" if context.isdelete else ""
        # The driver of SQLite does not count for what begins with WITH; then it gives back what it wrote.
        rows = len(cursor._rows) if cursor.rowcount < 0 else cursor.rowcount
        if verb and rows:
            table = context.compiled.compile_state.dml_table.name
            connection.info.setdefault("wrote", set()).add(table)
            points(f"{verb} {table}")

    @event.listens_for(engine, "rollback")
    def rolled_back(connection: Any) -> None:
        connection.info.pop("wrote", None)

    commit = engine.dialect.do_commit

    def watched_commit(connection: Any) -> None:
        what = ", ".join(sorted(connection.info.pop("wrote", ())))
        if what:
            points(f"before COMMIT of {what}")
        commit(connection)
        if what:
            points(f"after COMMIT of {what}")

    engine.dialect.do_commit = watched_commit  # type: ignore[method-assign, assignment]


class WatchedCalls(httpx.AsyncBaseTransport):
    """What goes out. Calls that are under way together are answered together: so a death leaves the most in doubt,
    and a run is like the other."""

    def __init__(self, line: httpx.AsyncBaseTransport, points: Callable[[str], None]) -> None:
        self._line, self._points = line, points
        self._under_way = 0
        self._all_answered = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/cgi-bin/")
        self._points(f"CALL {path}")
        self._under_way += 1
        self._all_answered.clear()
        try:
            response = await self._line.handle_async_request(request)
            content = await response.aread()
            await response.aclose()
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._all_answered.set()
        await self._all_answered.wait()
        self._points(f"ANSWER of {path}")
        return httpx.Response(response.status_code, content=content)

    async def aclose(self) -> None:
        await self._line.aclose()


class Watched:
    """The application, and what the test asks. Each request brings the moment at which it is made."""

    def __init__(self, app: ASGIApp, house: Tongxing, clock: Clock, points: Points) -> None:
        self._app, self._house, self._clock, self._points = app, house, clock, points

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._clock.move_to(datetime.fromisoformat(dict(scope["headers"])[MOMENT.encode()].decode()))
        if scope["path"] == DRAIN:
            await _answer(send, await self._drain())
        elif scope["path"] == PASSED:
            await _answer(send, self._points.passed)
        else:
            await self._app(scope, receive, self._watched(scope["path"], send))

    def _watched(self, path: str, send: Send) -> Send:
        async def watched(message: Message) -> None:
            begins = message["type"] == "http.response.start"
            if begins:
                self._points(f"before answering {path}")
            await send(message)
            if not begins and not message.get("more_body"):
                self._points(f"after answering {path}")

        return watched

    async def _drain(self) -> str | None:
        """Work off what is due; when the next thing is."""
        bells = self._house.tower.bells
        while True:
            spooled = await bells[SPOOL].drain()
            at = await self._house.works.next_due()
            if not spooled and (at is None or at > self._clock.now()):
                break
            for bell in bells.values():
                await bell.drain()
        return at.isoformat() if at is not None else None


async def _answer(send: Send, what: Any) -> None:
    body = json.dumps(what).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    with suppress(OSError):
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
