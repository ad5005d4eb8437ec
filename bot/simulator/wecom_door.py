"""How WeCom in a box reaches the bot, and how the bot proves itself: callbacks and tokens.

Sources: 「回调配置」「被动回复消息格式」「获取access_token」 of developer.work.weixin.qq.com.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx

from app.clock import Clock
from bot.simulator.callbacks import BadAnswerError, Door, Fields, Reply
from bot.simulator.state import Account, Refused

TOKEN_LIFE = timedelta(seconds=7200)


@dataclass(frozen=True)
class WorkAccount:
    corp_id: str
    secret: str
    agent_id: int
    token: str
    encoding_aes_key: str


class WorkDoor(Door):
    """The callbacks of an application: no openid, no plain signature, another envelope, another reply."""

    def __init__(self, account: WorkAccount, clock: Clock, client: httpx.AsyncClient, path: str, *rest: Any) -> None:
        sealed = Account(account.corp_id, account.secret, account.token, account.encoding_aes_key)
        super().__init__(sealed, clock, client, path, *rest)
        self._agent_id = account.agent_id

    @property
    def account_id(self) -> str:
        return self._account.app_id

    def envelope(self, encrypt: str) -> Fields:
        return {"ToUserName": self.account_id, "AgentID": str(self._agent_id), "Encrypt": encrypt}

    def query(self, openid: str, encrypt: str, *, forge: bool = False) -> dict[str, str]:
        full = super().query(openid, encrypt, forge=forge)
        return {name: full[name] for name in ("msg_signature", "timestamp", "nonce")}

    def reply(self, inner: ET.Element) -> Reply:
        kind = inner.findtext("MsgType") or ""
        words = inner.findtext("Button/ReplaceName") or ""
        if kind != "update_button" or not words:
            raise BadAnswerError(f"回复的类型不对，或者没有文案：{kind or '没有'}")
        return Reply(kind, words)

    async def greet(self) -> bool:
        """The check when the callback's address is saved: send something sealed, want it back in clear."""
        word = secrets.token_hex(10)
        sealed = self._seal.close(word)
        asked = {**self.query("", sealed), "echostr": sealed}
        answer = await self._client.get(self._path, params=asked, timeout=self._answer_limit)
        return answer.status_code == 200 and answer.text == word


class WorkTokens:
    """One token, the same for whoever asks until it ends."""

    def __init__(self, account: WorkAccount, clock: Clock) -> None:
        self._account, self._clock = account, clock
        self._token, self._until, self._spoiled = "", clock.now(), 0

    def give(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """gettoken: 40013 for another company, 40001 for a wrong secret."""
        if query.get("corpid") != self._account.corp_id:
            raise Refused(40013)
        if query.get("corpsecret") != self._account.secret:
            raise Refused(40001)
        now = self._clock.now()
        if self._spoiled or not self._token or now >= self._until:
            self._token, self._until, self._spoiled = secrets.token_urlsafe(64), now + TOKEN_LIFE, 0
        return {"access_token": self._token, "expires_in": int((self._until - now).total_seconds())}

    def check(self, token: str) -> None:
        if not token:
            raise Refused(41001)
        if token != self._token:
            raise Refused(40014)
        if self._spoiled or self._clock.now() >= self._until:
            raise Refused(self._spoiled or 42001)

    def spoil(self, errcode: int) -> None:
        self._spoiled = errcode
