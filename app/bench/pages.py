"""How long the inbox and the page of a person take where much has happened, beside an empty form.

Everything but the network: the application is called in this process, over SQLite in a folder of its own. The peer in
the same run is an empty form of the console, which signs in, looks up who somebody is and renders, and no more.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app import migrations
from app.accounts import service as accounts
from app.accounts import sessions
from app.bench.people import City, fill_city
from app.clock import Clock
from app.escalations import service as escalations
from app.escalations.states import Level
from app.main import Tongxing, create_app
from app.people import service as people
from app.settings import GivenSettings, Settings

RULE = "suicide.wish"
TARGET = 100  # milliseconds, of 95 in 100


@dataclass(frozen=True)
class Measured:
    """Milliseconds."""

    name: str
    p50: float
    p95: float
    size: int


def run(members: int, messages: int, cases: int, rounds: int) -> None:
    """Print what was measured; exits with 1 where a page is slower than it may be."""
    with tempfile.TemporaryDirectory(prefix="tongxing-bench-") as folder:
        slow = asyncio.run(_run(Path(folder), members, messages, cases, rounds))
    raise typer.Exit(1 if slow else 0)


async def _run(folder: Path, members: int, messages: int, cases: int, rounds: int) -> bool:
    settings: Settings = GivenSettings.model_validate(
        {
            "data_dir": folder, "database_url": f"sqlite+aiosqlite:///{folder / 'bench.db'}",
            "secret_key": "a key that only the measurement uses", "public_url": "http://bench",
            "wechat_token": "t", "wechat_encoding_aes_key": "k" * 43,
        }
    )  # fmt: skip
    await asyncio.to_thread(migrations.migrate, settings.database)
    house = Tongxing.build(settings, Clock())
    now = house.clock.now()
    async with house.db.begin() as session:
        city = await fill_city(session, members, now, account=settings.wechat_app_id, messages=messages)
        await _in_danger(session, city, cases, house)
        lead = await people.find_by_code(session, "lead")
        worker = await people.find_by_code(session, "h0-w0")
        if lead is None or worker is None:
            raise LookupError("nobody works in this city")
        keys = []
        for person in (lead, worker):
            account = await accounts.make(session, person, person.code, "", now)
            keys.append((await sessions.begin(session, account, now, lasts=timedelta(hours=1)))[1])
    app = create_app(house, bells=())
    of_the_lead, of_a_worker = keys
    pages = (
        ("一张空的表（对照）", "/console/activities/new", of_a_worker),
        ("首页，社工", "/console", of_a_worker),
        ("待办，督导，所有小站", "/console/inbox", of_the_lead),
        ("待办，第二页", "/console/inbox?tab=now&after=3.0.20", of_the_lead),
        ("待办，社工，一个小站", "/console/inbox", of_a_worker),
        ("一件事的页面，督导", "/console/cases/1", of_the_lead),
        ("一个人的页面，他的社工", f"/console/people/{city.members[0]}", of_a_worker),
        ("大家，督导", "/console/people", of_the_lead),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as browser:
        found = [await _measure(browser, name, path, key, rounds) for name, path, key in pages]
    await house.db.close()
    typer.echo(f"{members} 位同伴，{messages} 条消息，{cases} 件没结束的事，SQLite；每页 {rounds} 次")
    for one in found:
        ratio = one.p95 / found[0].p95
        typer.echo(f"  {one.name}　p50 {one.p50:.1f} ms　p95 {one.p95:.1f} ms　{one.size / 1000:.1f} kB　× {ratio:.2f}")
    return any(one.p95 > TARGET for one in found)


async def _in_danger(session: AsyncSession, city: City, n: int, house: Tongxing) -> None:
    levels = (Level.RED, Level.ORANGE, Level.YELLOW)
    step = max(1, len(city.members) // max(n, 1))
    for at, number in enumerate(city.members[::step][:n]):
        await escalations.flag(
            session, await people.person(session, number), levels[at % 3], "suicide", rule=RULE,
            rules_version="bench", said="最近睡不好，什么都不想做", now=house.clock.now(),
        )  # fmt: skip


async def _measure(browser: httpx.AsyncClient, name: str, path: str, key: str, rounds: int) -> Measured:
    took: list[float] = []
    size = 0
    for at in range(rounds + 3):
        begun = time.perf_counter()
        answer = await browser.get(path, headers={"Cookie": f"tongxing={key}"})
        if at >= 3:  # the first ones build what is built once
            took.append((time.perf_counter() - begun) * 1000)
        if answer.status_code != 200:
            raise LookupError(f"{path} answered {answer.status_code}")
        size = len(answer.content)
    return Measured(name, statistics.median(took), _p95(took), size)


def _p95(took: Sequence[float]) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * 0.95))]
