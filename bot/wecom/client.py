"""The end points of WeCom (企业微信) that we call, over one `httpx.AsyncClient`.

Each method says which page of developer.work.weixin.qq.com it follows. All of them raise `OutsideError`. WeCom
drops what one member gets beyond 30 messages a minute without a word: whoever sends keeps count.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.clock import Clock
from bot.exchange import Answer, Exchange, SecretQuery, json_body
from bot.outside import ContentRefused, OutsideError, PersonUnreachable, TokenRefused
from bot.wechat.logs import silence_http_logs
from bot.wechat.markup import clean, fit
from bot.wechat.token import AccessToken, TokenStore, handed_out
from bot.wecom.errors import GETTOKEN, TASK_ID_USED, classify

SEND = "message/send"
LONGEST_TEXT = 2048
DUPLICATE_SECONDS = 600
MOST_BUTTONS = MOST_FIELDS = 6
LONGEST_KEY = 1024

_TASK_ID = re.compile(r"[A-Za-z0-9_@-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WorkCard:
    """A card with buttons (按钮交互型).

    `fields`: label -> value, at most 6; `url`: where a tap on the card leads; `buttons`: (key, words), 1 to 6.
    The key comes back as it is when the button is pressed.
    """

    title: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    url: str | None = field(repr=False)
    buttons: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        keys = {key for key, _ in self.buttons}
        if not 1 <= len(self.buttons) <= MOST_BUTTONS or len(keys) != len(self.buttons):
            raise ValueError("a card has 1 to 6 buttons, each with a key of its own")
        if any(not key or len(key.encode()) > LONGEST_KEY for key in keys):
            raise ValueError("the key of a button has 1 to 1024 bytes")
        if len(self.fields) > MOST_FIELDS:
            raise ValueError("a card has at most 6 fields")


class WeComClient:
    """One application of one company. `http.base_url` is the API's base.

    `timeout`: seconds for each of connecting, writing, reading. The token has a store of its own.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        corp_id: str,
        secret: str,
        agent_id: int,
        tokens: TokenStore,
        clock: Clock,
        timeout: float = 8.0,
    ) -> None:
        silence_http_logs()
        self._exchange = Exchange(http, timeout)
        self._corp_id = corp_id
        self._secret = secret
        self._agent_id = agent_id
        self._tokens = tokens
        self._clock = clock

    async def send_text(self, userid: str, text: str) -> str:
        """发送应用消息 › 文本消息 (document/path/90236). Cut to 2048 bytes; the message's id.

        The same text to the same member within 10 minutes is shown once.
        """
        content = {"content": fit(text, LONGEST_TEXT)}
        once = {"enable_duplicate_check": 1, "duplicate_check_interval": DUPLICATE_SECONDS}
        return await self._send(userid, {"msgtype": "text", "text": content, **once})

    async def send_card(self, userid: str, card: WorkCard, *, task_id: str, repeated: bool = False) -> str:
        """发送应用消息 › 模板卡片消息 › 按钮交互型. The message's id.

        WeCom takes each `task_id` (1 to 128 of A-Z a-z 0-9 _ - @, else ValueError) once. `repeated`: this may
        have arrived before; a `task_id` in use (42014) then proves it, and the answer is "".
        """
        if not _TASK_ID.fullmatch(task_id):
            raise ValueError("a task id has 1 to 128 characters of A-Z, a-z, 0-9, _, - and @")
        message = {"msgtype": "template_card", "template_card": _card(card, task_id)}
        try:
            return await self._send(userid, message)
        except ContentRefused as refused:
            if repeated and refused.errcode == TASK_ID_USED:
                return ""
            raise

    async def _send(self, userid: str, message: Mapping[str, Any]) -> str:
        if not userid or userid == "@all" or "|" in userid:
            # WeCom would take these for everybody or for several.
            raise PersonUnreachable(None, SEND, "企业微信：userid 不对", code="userid")
        answer = await self._call(SEND, {"touser": userid, "agentid": self._agent_id, **message})
        for name in ("invaliduser", "unlicenseduser"):
            if answer.get(name):
                # errcode 0, and nobody got it.
                raise PersonUnreachable(None, SEND, "企业微信：这个成员收不到应用消息", code=name)
        return str(answer.get("msgid", ""))

    async def _call(self, api: str, body: Mapping[str, Any]) -> Answer:
        """One call with the token; a refused token is renewed and the call repeated, once."""
        token = await self._token()
        answer = await self._signed(api, body, token)
        if isinstance(self._refusal(answer, api), TokenRefused):
            token = await self._tokens.refresh(token, self._fetch_token)
            answer = await self._signed(api, body, token)
        self._raise_for(answer, api)
        return answer

    async def _signed(self, api: str, body: Mapping[str, Any], token: AccessToken) -> Answer:
        secrets = SecretQuery(access_token=token.value)
        return await self._exchange.send(api, "POST", f"/cgi-bin/{api}", auth=secrets, **json_body(body))

    async def check_token(self) -> None:
        """Whether a token can be had at all. For `doctor`, with a store that holds none."""
        await self._token()

    async def _token(self) -> AccessToken:
        token = await self._tokens.get()
        # Not `fresh`: WeCom gives the same token until it ends, and limits how often it may be asked.
        if token is not None and self._clock.now() < token.expires_at:
            return token
        return await self._tokens.refresh(token, self._fetch_token)

    async def _fetch_token(self) -> AccessToken:
        """获取access_token (document/path/91039)."""
        asked_at = self._clock.now()
        secrets = SecretQuery(corpid=self._corp_id, corpsecret=self._secret)
        asking = self._exchange.send(GETTOKEN, "GET", f"/cgi-bin/{GETTOKEN}", auth=secrets)
        return await handed_out(asking, GETTOKEN, asked_at, self._raise_for)

    def _refusal(self, answer: Answer, api: str) -> OutsideError | None:
        return classify(answer["errcode"], str(answer.get("errmsg", "")), api, self._clock.now())

    def _raise_for(self, answer: Answer, api: str) -> None:
        if refusal := self._refusal(answer, api):
            raise refusal


def _card(card: WorkCard, task_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "card_type": "button_interaction",
        "main_title": {"title": clean(card.title)},
        "horizontal_content_list": [{"keyname": clean(k), "value": clean(v)} for k, v in card.fields.items()],
        "task_id": task_id,
        "button_list": [{"text": clean(words), "style": 1, "key": key} for key, words in card.buttons],
    }
    if card.url:
        shown["card_action"] = {"type": 1, "url": card.url}
    return shown
