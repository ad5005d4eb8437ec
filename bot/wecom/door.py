"""WeCom's door: `GET/POST /wecom`. Verify, decrypt, let the press be written down, change the button.

WeCom waits 5 seconds, then delivers again, up to three times (回调配置,
developer.work.weixin.qq.com/document/path/90930). What it did not sign gets 403; everything else is answered.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from app.clock import Clock
from bot.wechat.callback import read_body
from bot.wechat.crypto import Cipher, Refused
from bot.wechat.errors import MalformedMessage
from bot.wechat.markup import cdata
from bot.wecom.inbound import ButtonPressed, parse

log = structlog.get_logger()

Press = Callable[[ButtonPressed], Awaitable[str | None]]


class WorkDoor:
    """`press` commits what a button stands for and gives the words that the button shows from then on.

    It must be safe to call twice for one `dedupe_key`: a delivery is repeated while the first still runs.
    """

    def __init__(self, cipher: Cipher, clock: Clock, press: Press) -> None:
        self._cipher = cipher
        self._clock = clock
        self._press = press

    async def knock(self, request: Request) -> Response:
        """GET: WeCom makes sure that this server is ours and holds the AES key."""
        try:
            return PlainTextResponse(self._cipher.open_echo(request.query_params, self._clock.now()))
        except (Refused, MalformedMessage) as refused:
            log.warning("work door refused", why=str(refused))
            return PlainTextResponse("", status_code=403)

    async def deliver(self, request: Request) -> Response:
        """POST: WeCom delivers something that a member did."""
        try:
            heard = parse(self._cipher.open(request.query_params, await read_body(request), self._clock.now()))
        except Refused as refused:
            log.warning("work door refused", why=str(refused))
            return PlainTextResponse("", status_code=403)
        except (MalformedMessage, ClientDisconnect) as malformed:
            log.error("work delivery unreadable", why=type(malformed).__name__)
            return PlainTextResponse("")
        if not isinstance(heard, ButtonPressed):
            return PlainTextResponse("")
        try:
            words = await self._press(heard)
        except Exception as error:
            # The button stays as it was, so it can be pressed again; a 5xx would only bring the same press back.
            log.critical("press lost", error=type(error).__name__)
            return PlainTextResponse("")
        if not words:
            return PlainTextResponse("")
        now = self._clock.now()
        return Response(self._cipher.seal(button_reply(heard, words, now), now), media_type="application/xml")


def button_reply(pressed: ButtonPressed, words: str, now: datetime) -> str:
    """The XML that puts `words` in the place of the button (被动回复 › 更新点击用户的按钮文案, path/90241)."""
    return (
        f"<xml><ToUserName>{cdata(pressed.userid)}</ToUserName>"
        f"<FromUserName>{cdata(pressed.corp_id)}</FromUserName>"
        f"<CreateTime>{int(now.timestamp())}</CreateTime>"
        "<MsgType><![CDATA[update_button]]></MsgType>"
        f"<Button><ReplaceName>{cdata(words)}</ReplaceName></Button></xml>"
    )
