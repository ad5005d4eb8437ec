"""`tongxing bench escalation`: from a member's message at the door to the first alert on the wire.

`tongxing serve` runs as it is installed, a process of its own with a database of a city (and, with PostgreSQL,
`tongxing worker` beside it). This process is WeChat: it lets members write at their time, most of them something
everyday, and takes what is sent. The clock runs from the moment at which a dangerous message was to be posted
until the last byte of the first card about its case is there; what the API takes to answer is not in it, but it
does keep the next message to the same worker waiting. The peer is `app.bench.plain`, with the same arrivals.
"""

import asyncio
import math
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import typer

import app
from app import migrations
from app.bench.arrivals import WeChat, Writing, make_sure_of_the_texts, schedule
from app.bench.people import City, fill_city, openid
from app.clock import Clock
from app.db import Database
from app.escalations import service as escalations
from app.messages import outbox
from app.messages.models import OPEN_STATES
from app.people.scope import Scope
from app.settings import GivenSettings
from app.vault import Vault
from bot.simulator import Account

HOST = "127.0.0.1"
ACCOUNT = Account("wx_measurement", "s" * 32, "a-token", "k" * 43)
TONGXING = "from app.cli import main; main()"
START_WITHIN = 60.0


@dataclass(frozen=True)
class Load:
    rate: float = 50.0
    seconds: float = 60.0
    warm_up: float = 10.0
    danger: float = 0.1
    members: int = 2118
    messages: int = 40_000
    latency: float = 0.05

    @property
    def plan(self) -> list[Writing]:
        return schedule(self.rate, self.warm_up + self.seconds, self.danger, self.members)


@dataclass(frozen=True)
class Figures:
    """Milliseconds. A message that was answered by no alert counts as one that waited for ever."""

    waited: Sequence[float]
    answered: Sequence[float]
    errors: int
    behind: float
    left: int = 0

    @classmethod
    def of(cls, wechat: WeChat, code_of: dict[str, str], left: int = 0) -> "Figures":
        alerted = [wechat.alerted.get(code_of.get(who, ""), math.inf) for who in wechat.written]
        waited = [1000 * (at - since) for at, since in zip(alerted, wechat.written.values(), strict=True)]
        answered = [1000 * seconds for seconds in wechat.answered]
        return cls(waited, answered, wechat.errors.total(), 1000 * wechat.behind, left)

    @property
    def line(self) -> str:
        alerted = sum(map(math.isfinite, self.waited))
        return (
            f"{alerted} of {len(self.waited)} alerted, {last_line(self.waited)}; {len(self.answered)} answered, "
            f"{last_line(self.answered)}; {self.errors} errors, {self.left} alerts left in the queue; "
            f"the load was {self.behind:.0f} ms late at most"
        )


def last_line(milliseconds: Sequence[float]) -> str:
    return f"p50 {percentile(milliseconds, 50):.1f} ms p99 {percentile(milliseconds, 99):.1f} ms"


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest of the values that `percent` of them do not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[math.ceil(percent / 100 * len(ordered)) - 1] if ordered else math.nan


async def measure(load: Load, database_url: str = "") -> tuple[Figures, Figures]:
    """What we take, and what the peer takes. ValueError if the database is not an empty one."""
    return await _ours(load, database_url), await _plain(load)


async def _plain(load: Load) -> Figures:
    wechat, port = WeChat(ACCOUNT, load.latency), _free_port()
    async with wechat.listening() as api:
        words = ("-m", "app.bench.plain", str(port), api, ACCOUNT.token, ACCOUNT.encoding_aes_key, ACCOUNT.app_id)
        async with _program(words, {}, Path.cwd(), port):
            await wechat.write(f"http://{HOST}:{port}", load.plan, warm_up=load.warm_up)
    return Figures.of(wechat, {who: who for who in wechat.written})


async def _ours(load: Load, database_url: str) -> Figures:
    wechat, port = WeChat(ACCOUNT, load.latency), _free_port()
    with tempfile.TemporaryDirectory(prefix="tongxing-bench-") as folder:
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(wechat.listening())
            given = _settings(Path(folder), api, database_url)
            settings = GivenSettings.model_validate(given)
            db = await stack.enter_async_context(_database(settings.database, given["secret_key"]))
            async with db.begin() as session:
                city = await fill_city(
                    session, load.members, Clock().now(), account=ACCOUNT.app_id, messages=load.messages
                )
            serve = ("-c", TONGXING, "serve", "--port", str(port))
            await stack.enter_async_context(_program(serve, given, Path(folder), port))
            if not db.is_sqlite:
                await stack.enter_async_context(_program(("-c", TONGXING, "worker"), given, Path(folder)))
            await wechat.write(f"http://{HOST}:{port}", load.plan, warm_up=load.warm_up)
            return Figures.of(wechat, *await _what_became_of_it(db, city))


async def _what_became_of_it(db: Database, city: City) -> tuple[dict[str, str], int]:
    """The code of the case of each who wrote something dangerous; how many alerts are still on their way."""
    who = {person: openid(number) for number, person in enumerate(city.members)}
    async with db.read() as session:
        cases = await session.scalars(escalations.visible_cases(Scope(city.programme, city.houses)))
        codes = {who[case.person_id]: case.code for case in cases}
        states = await outbox.counts(session, "case_alert")
    return codes, sum(n for state, n in states.items() if state in OPEN_STATES)


def _settings(folder: Path, api: str, database_url: str) -> dict[str, Any]:
    return {
        "data_dir": folder, "database_url": database_url, "secret_key": "a key that only measures",
        "log_level": "error", "wechat_app_id": ACCOUNT.app_id, "wechat_app_secret": ACCOUNT.app_secret,
        "wechat_token": ACCOUNT.token, "wechat_encoding_aes_key": ACCOUNT.encoding_aes_key, "wechat_api_base": api,
        "wechat_template_duty": "TPL_DUTY", "wechat_template_activity": "TPL_ACTIVITY",
    }  # fmt: skip


@asynccontextmanager
async def _database(url: str, key: str) -> AsyncIterator[Database]:
    """An empty database with our tables. ValueError if there were any before: it may be somebody's."""
    if await asyncio.to_thread(migrations.current, url) is not None:
        raise ValueError("这个数据库里已经有同行的表了：量快慢要用一个空的数据库")
    await asyncio.to_thread(migrations.migrate, url)
    db = Database(url, Vault(key))
    try:
        yield db
    finally:
        await db.close()


@asynccontextmanager
async def _program(
    words: Sequence[str], settings: dict[str, Any], folder: Path, port: int | None = None
) -> AsyncIterator[None]:
    """A Python process of its own, with these settings and no others; with a port, once it is ready there."""
    process = await asyncio.create_subprocess_exec(sys.executable, *words, env=_environment(settings), cwd=folder)
    try:
        if port is not None:
            await _ready(process, f"http://{HOST}:{port}/readyz")
        yield
        if process.returncode is not None:
            raise RuntimeError(f"{' '.join(words)} has ended")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _environment(settings: dict[str, Any]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith("TONGXING_") and "_proxy" not in k.lower()}
    here = str(Path(app.__file__).parent.parent)
    paths = os.pathsep.join(path for path in (here, kept.get("PYTHONPATH")) if path)
    return {**kept, "PYTHONPATH": paths, **{f"TONGXING_{name}".upper(): str(v) for name, v in settings.items()}}


async def _ready(process: asyncio.subprocess.Process, address: str) -> None:
    until = time.monotonic() + START_WITHIN
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            if process.returncode is not None or time.monotonic() > until:
                raise RuntimeError("what was to be measured did not start")
            try:
                if (await client.get(address)).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def run(load: Load, database_url: str = "") -> None:
    make_sure_of_the_texts()
    typer.echo(
        f"{load.rate:.0f} messages/s for {load.seconds:.0f} s after {load.warm_up:.0f} s, {100 * load.danger:.0f} % of "
        f"them dangerous; {load.members} members, {load.messages} old messages; "
        f"the API answers after {1000 * load.latency:.0f} ms; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    ours, plain = asyncio.run(measure(load, database_url))
    typer.echo(f"bare handler:   {plain.line}")
    typer.echo(f"tongxing serve: {ours.line}")
    ratios = [percentile(ours.waited, p) / percentile(plain.waited, p) for p in (50, 99)]
    typer.echo(f"of the bare handler's time: p50 {ratios[0]:.1f} times, p99 {ratios[1]:.1f} times")
    typer.echo(last_line(ours.waited))
