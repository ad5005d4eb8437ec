"""The dozen end points of WeChat that we call, over one `httpx.AsyncClient`.

Each method says which page of developers.weixin.qq.com/doc/service/api/ it follows. All of them raise
`OutsideError`. The access token reaches neither a log nor an exception (`bot/exchange.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

import httpx

from app.clock import Clock
from bot.exchange import Answer, Exchange, SecretQuery, json_body, need
from bot.outside import OutsideError, TokenRefused, UnknownError
from bot.wechat.errors import STABLE_TOKEN, classify
from bot.wechat.logs import silence_http_logs
from bot.wechat.markup import clean, fit
from bot.wechat.replies import LONGEST_TEXT
from bot.wechat.token import AccessToken, TokenStore, handed_out

NO_MENU = 46003
LONGEST_QR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class QrCode:
    """`url` is what the picture encodes; `expires_in` in seconds."""

    ticket: str = field(repr=False)
    url: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class UserInfo:
    subscribed: bool


@dataclass(frozen=True, slots=True)
class OAuthIdentity:
    """`snapshot`: the page is open in snapshot mode and the openid is not a real one. Refuse it."""

    openid: str = field(repr=False)
    snapshot: bool


class WeChatClient:
    """`http.base_url` is the API's base. `timeout`: seconds for each of connecting, writing, reading."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        app_id: str,
        app_secret: str,
        tokens: TokenStore,
        clock: Clock,
        timeout: float = 8.0,
    ) -> None:
        silence_http_logs()
        self._exchange = Exchange(http, timeout)
        self._app_id = app_id
        self._app_secret = app_secret
        self._tokens = tokens
        self._clock = clock
        self._held: AccessToken | None = None
        self._last_query: tuple[str, SecretQuery] | None = None

    async def send_text(self, openid: str, content: str) -> None:
        """客服消息 › 发送消息. Cut to 2048 bytes. WeChat gives neither an id nor a receipt."""
        await self._custom(openid, "text", {"content": fit(content, LONGEST_TEXT)})

    async def send_menu(self, openid: str, head: str, options: Sequence[tuple[str, str]], tail: str) -> None:
        """客服消息 › 发送消息 (msgmenu). `options` are (id, text); a tap comes back as `Text`."""
        choices = [{"id": option, "content": clean(text)} for option, text in options]
        menu = {"head_content": clean(head), "list": choices, "tail_content": clean(tail)}
        await self._custom(openid, "msgmenu", menu)

    async def send_template(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, str],
        *,
        url: str | None = None,
        client_msg_id: str,
    ) -> str:
        """模板消息 › 发送模板消息. The id that its receipt will carry ("" if WeChat gave none).

        The same `client_msg_id` within 10 minutes is sent once.
        """
        message = {
            "touser": openid,
            "template_id": template_id,
            "client_msg_id": client_msg_id,
            "data": _keywords(data),
        }
        if url:
            message["url"] = url
        answer = await self._post("message/template/send", message)
        return str(answer.get("msgid", ""))

    async def send_subscription(
        self, openid: str, template_id: str, data: Mapping[str, str], *, page: str | None = None
    ) -> str:
        """订阅通知 › 发送订阅通知 (bizsend). The message's id, "" if WeChat gave none."""
        message = {"touser": openid, "template_id": template_id, "data": _keywords(data)}
        if page:
            message["page"] = page
        answer = await self._post("message/subscribe/bizsend", message)
        return str(answer.get("msgid", ""))

    async def create_qr(self, scene: str, *, expires_in: int) -> QrCode:
        """二维码 › 生成带参数二维码 (QR_STR_SCENE). `expires_in` in seconds, up to 30 days.

        ValueError if WeChat would not take the scene (1 to 64 characters) or the duration.
        """
        if not 1 <= len(scene) <= 64:
            raise ValueError("a scene has 1 to 64 characters")
        if not 1 <= expires_in <= LONGEST_QR.total_seconds():
            raise ValueError("a temporary QR code lives for 1 second to 30 days")
        order = {
            "expire_seconds": expires_in,
            "action_name": "QR_STR_SCENE",
            "action_info": {"scene": {"scene_str": scene}},
        }
        answer = await self._post("qrcode/create", order)
        return QrCode(
            ticket=need(answer, "ticket", "qrcode/create"),
            url=need(answer, "url", "qrcode/create"),
            expires_in=int(answer.get("expire_seconds", expires_in)),
        )

    async def create_menu(self, menu: Mapping[str, Any]) -> None:
        """自定义菜单 › 创建自定义菜单: replaces the one there is."""
        await self._post("menu/create", menu)

    async def get_menu(self) -> Answer:
        """自定义菜单 › 查询自定义菜单. Empty if there is none."""
        try:
            return await self._get("menu/get")
        except UnknownError as error:
            if error.errcode == NO_MENU:
                return {}
            raise

    async def user_info(self, openid: str) -> UserInfo:
        """用户管理 › 获取用户基本信息: since 2021 only whether somebody follows is of use."""
        answer = await self._get("user/info", openid=openid)
        return UserInfo(subscribed=answer.get("subscribe") == 1)

    async def upload_media(self, kind: str, filename: str, content: bytes, content_type: str) -> str:
        """素材管理 › 新增临时素材. `kind`: image, voice, video or thumb. The media id, good for 3 days."""
        files = {"media": (filename, content, content_type)}
        answer = await self._call("media/upload", "POST", params={"type": kind}, files=files)
        return need(answer, "media_id", "media/upload")

    async def oauth_openid(self, code: str) -> OAuthIdentity:
        """网页授权 › 通过 code 换取 (snsapi_base). UserMustRetry if the code is used or expired."""
        api = "sns/oauth2/access_token"
        secrets = SecretQuery(appid=self._app_id, secret=self._app_secret, code=code, grant_type="authorization_code")
        answer = await self._exchange.send(api, "GET", f"/{api}", auth=secrets)
        self._raise_for(answer, api)
        return OAuthIdentity(need(answer, "openid", api), snapshot=answer.get("is_snapshotuser") == 1)

    async def check_callback(self) -> Answer:
        """网络通信检测: can WeChat reach our address? For `doctor`."""
        return await self._post("callback/check", {"action": "all", "check_operator": "DEFAULT"})

    async def check_token(self) -> None:
        """Whether a token can be had at all. For `doctor`, with a store that holds none."""
        await self._token()

    async def call(self, api: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Any other API of the account: POST with a body, GET without. See `menu_api.py`."""
        return await (self._get(api) if body is None else self._post(api, body))

    async def _custom(self, openid: str, kind: str, content: Mapping[str, Any]) -> None:
        await self._post("message/custom/send", {"touser": openid, "msgtype": kind, kind: content})

    async def _get(self, api: str, **secrets: str) -> Answer:
        return await self._call(api, "GET", secrets)

    async def _post(self, api: str, body: Mapping[str, Any]) -> Answer:
        return await self._call(api, "POST", **json_body(body))

    async def _call(self, api: str, method: str, secrets: Mapping[str, str] | None = None, **request: Any) -> Answer:
        """One call with the token; a refused token is renewed and the call repeated, once."""
        token = await self._token()
        answer = await self._signed(api, method, token, secrets, request)
        if answer["errcode"] == 0:
            return answer
        if isinstance(self._refusal(answer, api), TokenRefused):
            token = self._held = await self._tokens.refresh(token, self._fetch_token)
            answer = await self._signed(api, method, token, secrets, request)
        self._raise_for(answer, api)
        return answer

    async def _signed(
        self,
        api: str,
        method: str,
        token: AccessToken,
        secrets: Mapping[str, str] | None,
        request: Mapping[str, Any],
    ) -> Answer:
        query = SecretQuery(access_token=token.value, **secrets) if secrets else self._query(token)
        path = f"/{api}" if api.startswith("wxaapi/") else f"/cgi-bin/{api}"
        return await self._exchange.send(api, method, path, auth=query, **request)

    def _query(self, token: AccessToken) -> SecretQuery:
        if self._last_query is None or self._last_query[0] != token.value:
            self._last_query = (token.value, SecretQuery(access_token=token.value))
        return self._last_query[1]

    async def _token(self) -> AccessToken:
        token = self._held
        if token is None or not token.fresh(self._clock.now()):
            token = await self._tokens.get()
        if token is None or not token.fresh(self._clock.now()):
            token = await self._tokens.refresh(token, self._fetch_token)
        self._held = token
        return token

    async def _fetch_token(self) -> AccessToken:
        """接口调用凭据 › 获取稳定版接口调用凭据. Never force_refresh: that would break other processes."""
        order = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._app_secret,
            "force_refresh": False,
        }
        asked_at = self._clock.now()
        asking = self._exchange.send(STABLE_TOKEN, "POST", f"/cgi-bin/{STABLE_TOKEN}", **json_body(order))
        return await handed_out(asking, STABLE_TOKEN, asked_at, self._raise_for)

    def _refusal(self, answer: Answer, api: str) -> OutsideError | None:
        code = answer.get("errcode", 0)
        return classify(code, str(answer.get("errmsg", "")), api, self._clock.now())

    def _raise_for(self, answer: Answer, api: str) -> None:
        if refusal := self._refusal(answer, api):
            raise refusal


def _keywords(data: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"value": _cleaned(value)} for name, value in data.items()}


@lru_cache(maxsize=1024)
def _cleaned(value: str) -> str:
    """A thousand reminders of one activity have the same fields."""
    return clean(value)
