"""A robot in a WeCom group (群机器人 › 消息推送配置说明, developer.work.weixin.qq.com/document/path/91770).

It needs no token: whoever knows the key of its address can post. A group holds whoever was let in, so that no
name and no quotation belongs there.
"""

from typing import Any

import httpx

from app.clock import Clock
from bot.exchange import Exchange, SecretQuery, json_body
from bot.wechat.logs import silence_http_logs
from bot.wechat.markup import fit
from bot.wecom.errors import classify

SEND = "webhook/send"
LONGEST_TEXT = 2048
EVERYBODY = "@all"


class GroupRobot:
    """`http.base_url` is the API's base. `timeout`: seconds for each of connecting, writing, reading."""

    def __init__(self, http: httpx.AsyncClient, *, clock: Clock, timeout: float = 8.0) -> None:
        silence_http_logs()
        self._exchange = Exchange(http, timeout)
        self._clock = clock

    async def post(self, key: str, text: str, *, mention_all: bool = False) -> None:
        """Post a text, cut to 2048 bytes, to the group of this key; `mention_all` makes every phone ring.

        OutsideError: TryLater after 20 posts a minute, Misconfigured when no robot has this key. Nothing
        keeps a repeated post from being shown twice.
        """
        content: dict[str, Any] = {"content": fit(text, LONGEST_TEXT)}
        if mention_all:
            content["mentioned_list"] = [EVERYBODY]
        answer = await self._exchange.send(
            SEND,
            "POST",
            f"/cgi-bin/{SEND}",
            auth=SecretQuery(key=key),
            **json_body({"msgtype": "text", "text": content}),
        )
        if refusal := classify(answer["errcode"], str(answer.get("errmsg", "")), SEND, self._clock.now()):
            raise refusal
