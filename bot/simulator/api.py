"""The platform's HTTP face: the API the bot calls, served thinly over `services.py`; and `create_box`.

Every answer is HTTP 200; `errcode` says what happened.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import segno
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.simulator import page, rules, services, wecom
from bot.simulator.controls import Controls
from bot.simulator.errors import errmsg, explain
from bot.simulator.platform import Platform
from bot.simulator.services import NOTE
from bot.simulator.state import Call, Fault, Refused

Endpoint = Callable[[Request], Awaitable[Response]]
Work = Callable[[Request, bytes], Mapping[str, Any]]

# Their answers say nothing of errcode when all is well.
PLAIN = (
    *("stable_token", "token", "sns/oauth2/access_token", "user/info", "menu/get", "menu/trymatch"),
    *("menu/addconditional", "tags/create", "tags/get", "tags/getidlist", "template/get_all_private_template"),
)
ESCAPED = re.compile(rb"(?<!\\)((?:\\\\)*)\\u((?!00)[0-9a-fA-F]{4})")


def create_box(platform: Platform, controls: Controls | None = None) -> Starlette:
    """The platform as an ASGI app: API, phones in a web page, and the same operations as JSON.

    Mount it anywhere; without `controls` the clock buttons move the platform's clock alone.
    """
    if controls is not None:
        platform.name = controls.title
    api = _Api(platform)
    routes = [
        api.route("stable_token", api.stable_token, token=False),
        api.route("token", api.plain_token, token=False, methods=("GET", "POST")),
        api.route("media/upload", api.media_upload),
        *(api.route(path, api.with_body(verb)) for path, verb in services.VERBS.items()),
        *(api.route(path, api.with_query(verb), methods=("GET",)) for path, verb in services.READS.items()),
        api.route("sns/oauth2/access_token", api.oauth_token, token=False, methods=("GET",)),
        Route("/cgi-bin/showqrcode", api.show_qrcode),
        Route("/connect/oauth2/authorize", api.authorize),
        *(_work_routes(platform, platform.work) if platform.work is not None else ()),
        *page.routes(platform, controls),
    ]
    return Starlette(routes=routes)


def _work_routes(platform: Platform, work: wecom.WorkPlatform) -> list[Route]:
    api = _WorkApi(platform, work)
    return [
        api.route("gettoken", lambda request, _: work.tokens.give(request.query_params), token=False, methods=("GET",)),
        api.route("message/send", lambda _, raw: work.message_send(_json(raw))),
        api.route(
            "webhook/send", lambda request, raw: work.webhook_send(request.query_params, _json(raw)), token=False
        ),
    ]


class _Api:
    def __init__(self, platform: Platform) -> None:
        self.box = platform

    def route(self, path: str, work: Work, *, token: bool = True, methods: tuple[str, ...] = ("POST",)) -> Route:
        address = f"/{path}" if path.startswith(("sns/", "wxaapi/")) else f"/cgi-bin/{path}"

        async def endpoint(request: Request) -> Response:
            return await self._call(path, request, work, needs_token=token)

        return Route(address, endpoint, methods=list(methods))

    async def _call(self, path: str, request: Request, work: Work, *, needs_token: bool) -> Response:
        raw = await request.body()
        call = self.box.log(Call(self.box.clock.now(), "出", path, *self._about(request, raw)))
        fault = self.box.take_fault(path) or Fault(path)
        if fault.latency:
            await asyncio.sleep(fault.latency)
        if fault.drop:
            call.result, call.ok = "断网：没有收到", False
            return await _never_answered(request)
        try:
            if fault.errcode is not None:
                raise Refused(fault.errcode)
            self.admit(path, request.query_params.get("access_token", "") if needs_token else None)
            answer = dict(work(request, raw))
            used = self.count(path)
            note = answer.pop(NOTE, "")
            call.result = " · ".join(part for part in ("0 ok", note, used) if part)
            if path not in PLAIN:
                answer = {"errcode": 0, "errmsg": "ok", **answer}
        except Refused as refusal:
            told, answer = self.refuse(refusal)
            call.result, call.ok = f"{refusal.errcode} {refusal.note or told}", False
        if fault.after:
            call.result, call.ok = f"{call.result} · 答复丢失", False
            return await _never_answered(request)
        return JSONResponse(answer)

    def admit(self, path: str, token: str | None) -> None:
        """Refused if the token (None: none is needed) or today's quota is not good."""
        if token is not None:
            self.box.tokens.check(token)
        self.box.check_quota(path)

    def count(self, path: str) -> str:
        return self.box.count(path)

    def refuse(self, refusal: Refused) -> tuple[str, dict[str, Any]]:
        """What our log says of it, and the answer."""
        code = refusal.errcode
        return explain(code), {"errcode": code, "errmsg": errmsg(code, refusal.detail, secrets.token_hex(8))}

    def who(self, openid: str) -> str:
        user = self.box.users.get(openid)
        return user.name if user else openid

    def _about(self, request: Request, raw: bytes) -> tuple[str, str]:
        """Whom a call is about, and its gist, for the log; secrets and tokens stay out of it."""
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            return "", "读不懂的请求体"
        if not isinstance(body, dict):
            return "", ""
        openid = str(body.get("touser") or request.query_params.get("openid") or "")
        return self.who(openid), _gist(body, self.box)

    # Work: how a request becomes a verb

    def with_body(self, verb: Callable[[Platform, Mapping[str, Any]], Mapping[str, Any]]) -> Work:
        return lambda _, raw: verb(self.box, _json(raw))

    def with_query(self, verb: Callable[[Platform, Mapping[str, Any]], Mapping[str, Any]]) -> Work:
        return lambda request, _: verb(self.box, request.query_params)

    def stable_token(self, _: Request, raw: bytes) -> Mapping[str, Any]:
        body = _json(raw)
        token, seconds = self.box.tokens.stable(
            str(body.get("appid", "")),
            str(body.get("secret", "")),
            force=bool(body.get("force_refresh")),
            day=self.box.today(),
        )
        return {"access_token": token, "expires_in": seconds}

    def plain_token(self, request: Request, _: bytes) -> Mapping[str, Any]:
        query = request.query_params
        token, seconds = self.box.tokens.plain(query.get("appid", ""), query.get("secret", ""))
        return {"access_token": token, "expires_in": seconds, NOTE: "不该用：请改用 stable_token"}

    def media_upload(self, request: Request, raw: bytes) -> Mapping[str, Any]:
        return services.media_upload(self.box, request.query_params.get("type", ""), raw)

    def oauth_token(self, request: Request, _: bytes) -> Mapping[str, Any]:
        return services.oauth_token(self.box, request.query_params)

    # Pages that a phone opens

    async def show_qrcode(self, request: Request) -> Response:
        ticket = request.query_params.get("ticket", "")
        code = next((c for c in self.box.qr_codes if c.ticket == ticket), None)
        if code is None:
            return Response(status_code=404)
        drawing = segno.make(code.url, error="m").svg_inline(scale=6, border=2, light="#fff")
        drawing = drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        return Response(drawing, media_type="image/svg+xml")

    async def authorize(self, request: Request) -> Response:
        """Page authorisation for the phone in the cookie or in `phone`; without one, ask which phone.

        With `snsapi_base` nobody is asked anything. The other scope is not for us: it shows a form to agree to.
        """
        query = request.query_params
        back = query.get("redirect_uri", "")
        if wrong := rules.page_fault(query, self.box.account.app_id, self.box.pages.domain):
            return Response(wrong, status_code=400)
        openid = query.get("phone") or page.phone_of(request)
        if openid not in self.box.users:
            return page.choose_phone(request, self.box)
        joint = "&" if urlsplit(back).query else "?"
        answer = {"code": services.oauth_code(self.box, openid), "state": query.get("state", "")}
        return RedirectResponse(f"{back}{joint}{urlencode(answer)}", status_code=302)


class _WorkApi(_Api):
    """WeCom's API: its own token, no daily quota, its own words."""

    def __init__(self, box: Platform, work: wecom.WorkPlatform) -> None:
        super().__init__(box)
        self.work = work

    def admit(self, path: str, token: str | None) -> None:
        del path
        if token is not None:
            self.work.tokens.check(token)

    def count(self, path: str) -> str:
        del path
        return ""

    def refuse(self, refusal: Refused) -> tuple[str, dict[str, Any]]:
        return wecom.refuse(refusal)

    def who(self, openid: str) -> str:
        return self.work.names(openid)


def _json(raw: bytes) -> Mapping[str, Any]:
    if not raw:
        raise Refused(44002)
    try:
        # The platform shows escaped Chinese letter by letter; a bot that escapes it is to be seen here.
        body = json.loads(ESCAPED.sub(rb"\1\\\\u\2", raw))
    except ValueError:
        raise Refused(47001) from None
    if not isinstance(body, dict):
        raise Refused(47001)
    return body


def _gist(body: Mapping[str, Any], box: Platform) -> str:
    template = box.templates.get(str(body.get("template_id", "")))
    if template is not None:
        return template["title"]
    card = body.get("template_card")
    if isinstance(card, Mapping):
        return str((card.get("main_title") or {}).get("title") or "")
    for kind in ("text", "msgmenu"):
        part = body.get(kind)
        if isinstance(part, Mapping):
            return f"「{str(part.get('content') or part.get('head_content') or '')[:40]}」"
    return str(body.get("msgtype") or body.get("action_name") or body.get("action") or "")


async def _never_answered(request: Request) -> Response:
    """Leave a request without an answer, as a lost connection does.

    A server tells its ASGI version in `spec_version`; there the caller's own time-out ends the wait.
    httpx's in-process transport tells none and knows no time-outs, so the caller gets one right away.
    """
    if "spec_version" not in request.scope.get("asgi", {}):
        raise httpx.ReadTimeout("the simulator lost this answer")
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response(status_code=499)
