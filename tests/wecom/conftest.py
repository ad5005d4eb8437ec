"""A company in a box, our client on one side of it and our door on the other."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.clock import Clock
from bot.simulator import (
    DEMO_APP_ID,
    DEMO_CORP_ID,
    Account,
    LocalWire,
    Phone,
    PhoneBook,
    Platform,
    WorkAccount,
    WorkPlatform,
    create_box,
)
from bot.wechat import Cipher, MemoryTokenStore
from bot.wecom import ButtonPressed, GroupRobot, WeComClient, WorkCard, WorkDoor

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
SECRET = "s3cr3t-of-the-application"
USERID = "WangLe"
WORDS = "明天下午三点见"
ROBOT = "key-of-the-robot-0001"
COMPANY = WorkAccount(DEMO_CORP_ID, SECRET, 1000002, "peony", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")
CARD = WorkCard(
    title="待办提醒",
    fields={"编号": "A-0001", "时限": "12:10 前"},
    url="http://house/p/case/1",
    buttons=(("take:1:0", "接手"), ("pass:1:0", "转给下一位")),
)


@dataclass
class Desk:
    """What stands behind our door: it writes presses down, and says what the button shows from then on."""

    pressed: list[ButtonPressed] = field(default_factory=list)
    says: str | None = "王乐 已接手"
    broken: Exception | None = None
    held: asyncio.Event | None = None  # the first press waits for it

    async def press(self, pressed: ButtonPressed) -> str | None:
        self.pressed.append(pressed)
        if self.held is not None and len(self.pressed) == 1:
            await self.held.wait()
        if self.broken is not None:
            raise self.broken
        return self.says


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at=NOW)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def door(clock: Clock, desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    ours = WorkDoor(Cipher(COMPANY.token, COMPANY.encoding_aes_key, COMPANY.corp_id), clock, desk.press)
    routes = [Route("/wecom", ours.knock), Route("/wecom", ours.deliver, methods=["POST"])]
    transport = httpx.ASGITransport(app=Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        yield client


@pytest.fixture
async def platform(clock: Clock, door: httpx.AsyncClient) -> AsyncIterator[Platform]:
    account = Account(DEMO_APP_ID, "secret", "token", COMPANY.encoding_aes_key)
    work = WorkPlatform(COMPANY, clock, door=door, answer_limit=0.2)
    box = Platform(account, clock, door=door, answer_limit=0.2, work=work)
    work.add_member(USERID, "王乐", phone=box.add_user("o_wangle", "王乐", "社工"))
    work.add_group("duantang", ROBOT)
    yield box
    await box.settle()


@pytest.fixture
def work(platform: Platform) -> WorkPlatform:
    assert platform.work is not None
    return platform.work


@pytest.fixture
async def web(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_box(platform))
    async with httpx.AsyncClient(transport=transport, base_url="http://box") as http:
        yield http


@pytest.fixture
def client(web: httpx.AsyncClient, clock: Clock) -> WeComClient:
    return WeComClient(
        web, corp_id=COMPANY.corp_id, secret=SECRET, agent_id=COMPANY.agent_id, tokens=MemoryTokenStore(), clock=clock
    )


@pytest.fixture
def robot(web: httpx.AsyncClient, clock: Clock) -> GroupRobot:
    return GroupRobot(web, clock=clock)


@pytest.fixture
async def worker(platform: Platform) -> Phone:
    return await PhoneBook(LocalWire(platform)).phone("王乐", openid="o_wangle")
