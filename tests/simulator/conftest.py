"""A small door, written with wechatpy: an implementation of the protocol that shares nothing with the box."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException
from wechatpy.replies import TextReply

from app.clock import Clock
from bot.simulator import DEMO_APP_ID, Account, Platform, create_box

ACCOUNT = Account(DEMO_APP_ID, "secret", "token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # 12:00 in Beijing


@dataclass
class Door:
    """Echoes texts. `slow` holds how long each coming request takes, `answer` replaces the answer."""

    heard: list[Any] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    slow: list[float] = field(default_factory=list)
    answer: Callable[[], Response] | None = None

    async def take(self, request: Request) -> Response:
        query = request.query_params
        crypto = WeChatCrypto(ACCOUNT.token, ACCOUNT.encoding_aes_key, ACCOUNT.app_id)
        self.queries.append(dict(query))
        try:
            xml = crypto.decrypt_message(
                (await request.body()).decode(), query["msg_signature"], query["timestamp"], query["nonce"]
            )
        except InvalidSignatureException:
            return Response("bad signature", status_code=403)
        message = parse_message(xml)
        self.heard.append(message)
        if self.slow:
            await asyncio.sleep(self.slow.pop(0))
        if self.answer is not None:
            return self.answer()
        if message.type != "text":
            return Response("success")
        reply = TextReply(content=f"收到：{message.content}", message=message).render()
        return Response(crypto.encrypt_message(reply, query["nonce"], query["timestamp"]), media_type="text/xml")

    @property
    def events(self) -> list[str]:
        return [m._data.get("Event", m.type) for m in self.heard]


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at=NOON)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def box(clock: Clock, door: Door) -> AsyncIterator[Platform]:
    app = Starlette(routes=[Route("/wechat", door.take, methods=["POST"])])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        platform = Platform(ACCOUNT, clock, door=client, answer_limit=0.05)
        platform.add_user("o_he", "小河", "同伴", following=True)
        yield platform
        await platform.settle()


@pytest.fixture
async def web(box: Platform) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_box(box))
    async with httpx.AsyncClient(transport=transport, base_url="http://box") as client:
        yield client


class Api:
    """The bot's side of the API, as short as a test wants it."""

    def __init__(self, web: httpx.AsyncClient) -> None:
        self.web = web

    async def token(self, **extra: Any) -> dict[str, Any]:
        body = {"grant_type": "client_credential", "appid": ACCOUNT.app_id, "secret": ACCOUNT.app_secret}
        return (await self.web.post("/cgi-bin/stable_token", json=body | extra)).json()

    async def post(self, path: str, body: dict[str, Any], token: str | None = None) -> dict[str, Any]:
        token = token if token is not None else (await self.token())["access_token"]
        answer = await self.web.post(f"/cgi-bin/{path}", params={"access_token": token}, json=body)
        assert answer.status_code == 200
        return answer.json()

    async def custom(self, text: str = "您好", /, to: str = "o_he", **more: Any) -> int:
        body = {"touser": to, "msgtype": "text", "text": {"content": text}}
        return (await self.post("message/custom/send", body | more))["errcode"]

    async def template(self, to: str = "o_he", **more: Any) -> dict[str, Any]:
        body = {"touser": to, "template_id": "TPL_ACTIVITY", "data": activity()}
        return await self.post("message/template/send", body | more)


def activity(**changes: str | None) -> dict[str, dict[str, str]]:
    words: dict[str, str | None] = {
        "thing1": "周三下午手工课",
        "time2": "2026年11月25日 14:00",
        "thing3": "街道活动室",
        "thing4": "回复 1 参加",
    }
    return {key: {"value": value} for key, value in (words | changes).items() if value is not None}


@pytest.fixture
def api(web: httpx.AsyncClient) -> Api:
    # The client keeps literal Chinese: httpx writes JSON with ensure_ascii=False.
    return Api(web)
