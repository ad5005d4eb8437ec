"""`tongxing bench delivery`: reminders a second, beside the fastest bare httpx loop that does the same POSTs.

The house is real: a database, a fan-out, the deliverer with its ladder, its receipts and questions. The other
side is a process of its own that answers after a fixed time. The loop knows nothing: it posts and reads `errcode`.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import time as time_of_day
from datetime import timedelta
from pathlib import Path

import httpx
import typer

from app import migrations
from app.activities.machine import Answer
from app.activities.models import Milestone, Occurrence, Plan, Rsvp
from app.bench.people import fill_house
from app.clock import Clock, local, wall
from app.db import ident
from app.main import Tongxing
from app.messages import outbox
from app.messages.models import OutboxState
from app.messages.outbox import DELIVER
from app.settings import GivenSettings
from app.tuning import tune
from bot.worlds import for_many_senders

TOKEN = "a-token-of-the-measurement"  # noqa: S105 - of nothing


@dataclass(frozen=True)
class Figures:
    senders: int
    ours: float
    bare: float
    past_the_client: float

    @property
    def line(self) -> str:
        return (
            f"{self.senders} senders: {self.ours:.0f} reminders/s through the ladder, beside "
            f"{self.past_the_client:.0f} POSTs/s past the client and {self.bare:.0f} by the fastest bare httpx loop, "
            f"ratio {self.ours / self.bare:.2f}"
        )


@asynccontextmanager
async def api(latency: float) -> AsyncIterator[str]:
    """The other side in a process of its own; its base address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.bench.api", str(latency), stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the other side has no output")
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def measure(n: int, latency: float, senders: int) -> Figures:
    """In turn, twice each: every kind of bare loop, then the ladder. Of each side the better run counts."""
    bare: list[float] = []
    ours: list[float] = []
    async with api(latency) as base:
        for _ in range(2):
            bare += [await _bare(base, n, senders, loop) for loop in (_one_client_each, _one_client_for_all)]
            ours.append(await _ours(base, n, senders))
        past = await _bare(base, n, senders, _one_client_for_all, _past_the_client)
    return Figures(senders, max(ours), max(bare), past)


# The bare loop

Post = Callable[[httpx.AsyncClient, httpx.Request], Awaitable[httpx.Response]]
PATH = "/cgi-bin/message/template/send"
ZONE = "Asia/Shanghai"
TIMEOUT = {"timeout": httpx.Timeout(8.0).as_dict()}
HEADERS = {"content-type": "application/json; charset=utf-8"}


async def _bare(
    base: str, n: int, senders: int, loop: "Callable[[str, int], Clients]", post: Post = httpx.AsyncClient.send
) -> float:  # fmt: skip
    numbers = iter(range(n))
    clients = loop(base, senders)
    url = httpx.URL(f"{base}{PATH}", params={"access_token": TOKEN})

    async def sender(which: int) -> None:
        client = clients[which % len(clients)]
        for number in numbers:
            # Made here, as the ladder does: the client's own way of making one costs a tenth of the call.
            request = httpx.Request("POST", url, content=_body(number), headers=HEADERS, extensions=TIMEOUT)
            response = await post(client, request)
            if json.loads(response.content)["errcode"] != 0:
                raise RuntimeError("the other side refused")

    began = time.perf_counter()
    await asyncio.gather(*(sender(which) for which in range(senders)))
    took = time.perf_counter() - began
    for client in clients:
        await client.aclose()
    return n / took


Clients = list[httpx.AsyncClient]


def _one_client_each(base: str, senders: int) -> Clients:
    return [httpx.AsyncClient(base_url=base, trust_env=False) for _ in range(senders)]


def _one_client_for_all(base: str, _senders: int) -> Clients:
    return [for_many_senders(base)]


async def _past_the_client(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Straight to the transport, as the ladder does: no cookies, no redirects, no address in a log."""
    response = await client._transport_for_url(request.url).handle_async_request(request)
    await response.aread()
    return response


def _body(number: int) -> bytes:
    """What the ladder posts for a reminder."""
    fields = {
        "thing1": "手工课",
        "time2": "2026年11月25日 14:00",
        "thing3": "段塘街道活动室",
        "thing4": "回1能来 回2来不了",
    }
    message = {
        "touser": f"o_member_{number}",
        "template_id": "TPL_ACTIVITY",
        "client_msg_id": f"tx-{number}",
        "data": {name: {"value": value} for name, value in fields.items()},
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


# The ladder


async def _ours(base: str, n: int, senders: int) -> float:
    with tempfile.TemporaryDirectory(prefix="tongxing-bench-") as folder:
        house = await _house(Path(folder), base, senders)
        async with house.running(bells=()):
            await _tomorrow(house, n)
            await house.works.milestones()
            tune()  # what was laid out for the measurement is none of the collector's business
            began = time.perf_counter()
            await house.tower.bells[DELIVER].drain()
            took = time.perf_counter() - began
            async with house.db.read() as session:
                states = await outbox.counts(session, Milestone.REMIND_DAY)
        if states != {OutboxState.SENT: n}:
            raise RuntimeError(f"not all of {n} went out: {states}")
        return n / took


async def _house(folder: Path, base: str, senders: int) -> Tongxing:
    settings = GivenSettings.model_validate(
        {
            "data_dir": folder, "secret_key": "a key that only measures", "wechat_app_secret": "s",
            "wechat_token": "t", "wechat_encoding_aes_key": "k" * 43, "wechat_api_base": base,
            "wechat_template_activity": "TPL_ACTIVITY", "senders": senders, "wechat_calls_a_second": 1e6,
        }
    )  # fmt: skip
    await asyncio.to_thread(migrations.migrate, settings.database)
    now = Clock().now()
    morning = wall(local(now, ZONE).date() + timedelta(days=1), time_of_day(10), ZONE)
    return Tongxing.build(settings, Clock(morning - now))  # at night nobody is disturbed


async def _tomorrow(house: Tongxing, n: int) -> None:
    """An activity tomorrow that `n` members said yes to, and whose reminder is due now."""
    now = house.clock.now()
    async with house.db.begin() as session:
        home, members = await fill_house(session, n, now, account=house.settings.wechat_app_id)
        what = Occurrence(
            house_id=home, slot="bench", title="手工课", starts_at=now + timedelta(hours=20),
            ends_at=now + timedelta(hours=22), venue="段塘街道活动室", door_code="0000", scene="bench",
        )  # fmt: skip
        session.add(what)
        await session.flush()
        session.add(
            Plan(occurrence_id=ident(what), house_id=home, milestone=Milestone.REMIND_DAY, planned_at=now, due_at=now)
        )
        session.add_all(
            Rsvp(occurrence_id=ident(what), person_id=m, house_id=home, answer=Answer.GOING, asked_at=now)
            for m in members
        )


def run(n: int, latency: float, senders: tuple[int, ...]) -> None:
    typer.echo(f"{n} reminders, the other side answers after {latency * 1000:.0f} ms")
    for many in senders:
        typer.echo(asyncio.run(measure(n, latency, many)).line)
