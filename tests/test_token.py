"""The one access token of an account: however many processes need a new one, WeChat is asked once.

Two stores on two databases of one address are two processes, as far as the database can tell.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

import app.tables  # noqa: F401 - every model has to be there before the first query
from app.clock import Clock
from app.db import Database
from app.messages import channels, tokens
from app.messages.models import Token
from app.vault import Vault
from bot.channels import token_store
from bot.channels.token_store import DatabaseTokenStore
from bot.outside import Misconfigured, NotSent, OutsideError
from bot.simulator import Platform, create_box
from bot.wechat import AccessToken, WeChatClient
from tests.conftest import ACCOUNT

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LIFE = timedelta(hours=2)
KEY = "a key that only tests use"
OLD = AccessToken("the old one", NOON - timedelta(minutes=1))
PATIENCE = 20  # real seconds, which only a test that fails waits for


@dataclass
class Shop:
    """Where tokens are made, one after the other, and not before somebody opens it."""

    clock: Clock
    asked: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    refuses: OutsideError | None = None

    async def fetch(self) -> AccessToken:
        self.asked += 1
        number = self.asked
        self.news.set()
        await self.open.wait()
        if self.refuses is not None:
            raise self.refuses
        return AccessToken(f"token {number}", self.clock.now() + LIFE)

    async def is_asked(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.asked < times:
                self.news.clear()
                await self.news.wait()


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at=NOON)


@pytest.fixture
def shop(clock: Clock) -> Shop:
    return Shop(clock)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_db")
        return address
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "token.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'token.db'}"


@pytest.fixture
async def dbs(url: str) -> AsyncIterator[list[Database]]:
    databases = [Database(url, Vault(KEY)) for _ in range(2)]
    async with databases[0].begin() as session:
        await tokens.store(session, ACCOUNT.app_id, OLD.value, OLD.expires_at)
    yield databases
    for database in databases:
        await database.close()


@pytest.fixture
def stores(dbs: list[Database], clock: Clock, monkeypatch: pytest.MonkeyPatch) -> list[DatabaseTokenStore]:
    monkeypatch.setattr(token_store, "LOOK_EVERY", 0.005)
    return [DatabaseTokenStore(db, ACCOUNT.app_id, clock) for db in dbs]


@pytest.fixture
def turned_away(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Any]:
    """Wait until so many have found that another process is at it."""
    begin, count, news = tokens.begin_renewal, 0, asyncio.Event()

    async def counted(*what: Any) -> bool:
        nonlocal count
        ours = await begin(*what)
        count += not ours
        news.set()
        return ours

    async def until(n: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while count < n:
                news.clear()
                await news.wait()

    monkeypatch.setattr(tokens, "begin_renewal", counted)
    return until


async def test_twenty_who_need_a_new_token_at_once_ask_wechat_once(
    stores: list[DatabaseTokenStore], shop: Shop, turned_away: Callable[[int], Any]
) -> None:
    asking = asyncio.gather(*(stores[n % 2].refresh(OLD, shop.fetch) for n in range(20)))
    await turned_away(3)
    shop.open.set()
    assert {token.value for token in await asking} == {"token 1"}
    assert shop.asked == 1


async def test_the_very_first_token_is_asked_for_once_as_well(
    stores: list[DatabaseTokenStore], shop: Shop, dbs: list[Database], turned_away: Callable[[int], Any]
) -> None:
    async with dbs[0].begin() as session:
        await session.execute(delete(Token))
    assert await stores[0].get() is None
    asking = asyncio.gather(*(stores[n % 2].refresh(None, shop.fetch) for n in range(20)))
    await turned_away(3)
    shop.open.set()
    assert {token.value for token in await asking} == {"token 1"}
    assert shop.asked == 1


async def test_control_without_the_lease_each_process_asks_for_itself(
    stores: list[DatabaseTokenStore], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def everybody(*_: Any) -> bool:
        return True

    monkeypatch.setattr(tokens, "begin_renewal", everybody)
    asking = asyncio.gather(*(stores[n % 2].refresh(OLD, shop.fetch) for n in range(20)))
    await shop.is_asked(2)
    shop.open.set()
    await asking
    assert shop.asked == 2


async def test_who_looked_just_before_another_process_had_renewed_it_does_not_ask_again(
    stores: list[DatabaseTokenStore], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = stores
    shop.open.set()
    look = other._stored

    async def slowly() -> AccessToken | None:
        found = await look()
        if shop.asked == 0:
            await one.refresh(OLD, shop.fetch)
        return found

    monkeypatch.setattr(other, "_stored", slowly)
    assert (await other.refresh(OLD, shop.fetch)).value == "token 1"
    assert shop.asked == 1
    token = await other.get()
    assert (await other.refresh(token, shop.fetch)).value == "token 2"  # and the lease is free again


async def test_what_one_process_has_renewed_the_others_use(stores: list[DatabaseTokenStore], shop: Shop) -> None:
    one, other = stores
    shop.open.set()
    assert await one.get() == OLD
    renewed = await other.refresh(OLD, shop.fetch)
    assert await one.get() == renewed
    assert await one.refresh(OLD, shop.fetch) == renewed
    assert shop.asked == 1


async def test_a_process_that_dies_while_it_renews_is_followed_after_half_a_minute(
    stores: list[DatabaseTokenStore], shop: Shop, clock: Clock, turned_away: Callable[[int], Any]
) -> None:
    one, other = stores
    dying = asyncio.create_task(one.refresh(OLD, shop.fetch))
    await shop.is_asked(1)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    heir = asyncio.create_task(other.refresh(OLD, shop.fetch))
    shop.open.set()
    clock.forward(seconds=29)
    await turned_away(3)
    assert shop.asked == 1
    clock.forward(seconds=1)
    async with asyncio.timeout(PATIENCE):
        assert (await heir).value == "token 2"


async def test_who_waits_for_a_process_that_comes_to_no_end_gives_up_and_the_message_is_tried_later(
    stores: list[DatabaseTokenStore], shop: Shop, dbs: list[Database], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_store, "MOST_LOOKS", 3)
    async with dbs[0].begin() as session:
        assert await tokens.begin_renewal(session, ACCOUNT.app_id, clock.now(), token_store.RENEWAL_LASTS)
    with pytest.raises(NotSent):
        await stores[1].refresh(OLD, shop.fetch)
    assert shop.asked == 0


async def test_that_no_token_is_to_be_had_is_an_alarm_once_an_hour_and_the_next_one_may_try(
    stores: list[DatabaseTokenStore], shop: Shop, dbs: list[Database], clock: Clock
) -> None:
    shop.open.set()
    shop.refuses = Misconfigured(40164, "stable_token", "IP", detail="203.0.113.7")

    async def fails(store: DatabaseTokenStore) -> list[tuple[str, str, int | None]]:
        with pytest.raises(Misconfigured):
            await store.refresh(OLD, shop.fetch)
        async with dbs[0].read() as session:
            return [(a.channel, a.what, a.errcode) for a in await channels.alarms_since(session, NOON)]

    alarm = ("token", "configuration", 40164)
    assert await fails(stores[0]) == [alarm]
    assert await fails(stores[1]) == [alarm]
    clock.forward(minutes=59)
    assert await fails(stores[0]) == [alarm]
    clock.forward(minutes=1)
    assert await fails(stores[1]) == [alarm, alarm]
    assert shop.asked == 4
    shop.refuses = None
    assert (await stores[0].refresh(OLD, shop.fetch)).value == "token 5"


async def test_a_token_lies_sealed_on_the_disk(
    stores: list[DatabaseTokenStore], shop: Shop, dbs: list[Database]
) -> None:
    shop.open.set()
    await stores[0].refresh(OLD, shop.fetch)
    async with dbs[1].engine.connect() as connection:
        found = (await connection.exec_driver_sql("SELECT value FROM token")).scalar_one()
    assert "token" not in found


async def test_two_processes_and_a_token_that_wechat_refuses(
    stores: list[DatabaseTokenStore], dbs: list[Database], clock: Clock
) -> None:
    """The same with the house's client and the platform in a box: 20 calls, each refused once, one new token."""
    async with httpx.AsyncClient() as nobody:
        platform = Platform(ACCOUNT, clock, door=nobody)
        platform.add_user("o_1", "小河", following=True)
        transport = httpx.ASGITransport(create_box(platform))
        async with httpx.AsyncClient(transport=transport, base_url="http://box") as http:
            clients = [
                WeChatClient(
                    http, app_id=ACCOUNT.app_id, app_secret=ACCOUNT.app_secret, tokens=store, clock=clock
                )
                for store in stores
            ]  # fmt: skip
            for client in clients:
                await client.user_info("o_1")

            def asked() -> int:
                return sum(call.what == "stable_token" for call in platform.calls)

            assert asked() == 1
            platform.expire_token(40001)
            answers = await asyncio.gather(*(clients[n % 2].user_info("o_1") for n in range(20)))
            assert all(answer.subscribed for answer in answers)
            assert asked() == 2
