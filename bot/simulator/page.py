"""The web page of the box, and the same operations as JSON for the tour.

Works without JavaScript: a form is answered with 303 to the page, a JSON body with JSON.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from app.clock import local, wall
from bot.simulator.controls import Controls
from bot.simulator.menus import menu_of
from bot.simulator.page_state import box_state, separated
from bot.simulator.phone import perform
from bot.simulator.platform import BEIJING, Platform
from bot.simulator.state import User

HERE = Path(__file__).parent
PHONE_COOKIE = "box_phone"
LONGEST_BODY = 64 * 1024
BUBBLES_SHOWN, CALLS_SHOWN = 80, 60
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
FAULT_BUTTONS = {
    "signature": "签名错",
    "slow": "回复慢 6 秒",
    "repeat": "重发 3 次",
    "reorder": "乱序",
    "token": "token 过期 40001",
    "refuse": "用户拒收 43101",
    "unfollowed": "取消关注 43004",
    "quota": "额度用完 45009",
    "offline": "断网",
    "mend": "全部恢复",
}
SLOW_SECONDS = 6.0

templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
templates.filters["path"] = lambda words: quote(str(words), safe="")

Details = dict[str, Any]


class BadRequestError(Exception):
    """The operation cannot be done; the text (Chinese) says why."""


def routes(platform: Platform, controls: Controls | None) -> list[Route | Mount]:
    desk = Desk(platform, controls)
    return [
        Route("/", desk.page),
        Route("/state.json", desk.state),
        Route("/open", desk.open_link),
        Route("/phones", desk.operation(desk.add_phone), methods=["POST"]),
        Route("/phones/{openid}/{verb}", desk.operation(desk.use_phone), methods=["POST"]),
        Route("/clock", desk.operation(desk.move_clock), methods=["POST"]),
        Route("/faults", desk.operation(desk.break_something), methods=["POST"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]


class Desk:
    def __init__(self, platform: Platform, controls: Controls | None) -> None:
        self.box, self.controls = platform, controls

    async def page(self, _: Request) -> Response:
        state = await box_state(self.box, self.controls)
        now = self.box.clock.now()
        chats = {
            user.openid: separated(user.bubbles[-BUBBLES_SHOWN:], now, state["zone"])
            for user in self.box.users.values()
        }
        page = templates.get_template("box.html").render(
            **state | {"calls": list(reversed(state["calls"][-CALLS_SHOWN:]))},
            chats=chats,
            fault_buttons=FAULT_BUTTONS,
        )
        return HTMLResponse(page, headers=HEADERS)

    async def state(self, request: Request) -> Response:
        state = await box_state(self.box, self.controls, request.query_params.get("phone", ""))
        return JSONResponse(state, headers={"cache-control": "no-store"})

    async def open_link(self, request: Request) -> Response:
        """Open a link from somebody's chat or the menu, remembering whose phone it is for authorisation."""
        if _cross_site(request):
            return Response("只能从模拟器页面打开", status_code=403)
        user = self.box.users.get(request.query_params.get("phone", ""))
        url = request.query_params.get("url", "")
        in_menu = user is not None and url in _menu_links(menu_of(self.box, user))
        if user is None or not (in_menu or url in _chat_links(user)):
            return Response("这个链接不在这部手机上", status_code=404)
        if in_menu and request.query_params.get("menu"):
            await self.box.view(user.openid, url)
        answer = RedirectResponse(url, status_code=303, headers={"referrer-policy": "no-referrer"})
        if phone_of(request) != user.openid:
            for name in self.box.pages.cookies:
                answer.delete_cookie(name, path="/p")
        answer.set_cookie(PHONE_COOKIE, quote(user.openid, safe=""), httponly=True, samesite="lax", path="/")
        return answer

    def operation(
        self, work: Callable[[Request, Details], Awaitable[None]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """A POST of the page or the tour: refuse other sites, read form or JSON, answer in kind."""

        async def endpoint(request: Request) -> Response:
            if _cross_site(request):
                return JSONResponse({"error": "只能从模拟器页面提交"}, status_code=403)
            wants_json = request.headers.get("content-type", "").startswith("application/json")
            try:
                await work(request, await _details(request))
            except BadRequestError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
            except KeyError as error:
                return JSONResponse({"error": f"缺少 {error}"}, status_code=400)
            if wants_json:
                return JSONResponse(await box_state(self.box, self.controls))
            return RedirectResponse(f"{request.scope.get('root_path', '')}/", status_code=303)

        return endpoint

    async def add_phone(self, _: Request, details: Details) -> None:
        name = str(details["name"]).strip()
        if not name:
            raise BadRequestError("请写一个名字")
        openid = str(details.get("openid") or f"o_{name}").strip()
        self.box.add_user(openid, name, str(details.get("role") or "").strip())

    async def use_phone(self, request: Request, details: Details) -> None:
        openid, verb = request.path_params["openid"], request.path_params["verb"]
        if openid not in self.box.users:
            raise BadRequestError(f"没有 {openid} 这部手机")
        if verb == "say" and not str(details["text"]).strip():
            return
        if not await perform(self.box, openid, verb, {k: str(v) for k, v in details.items() if v is not None}):
            raise BadRequestError(f"没有 {verb} 这个动作")

    async def move_clock(self, _: Request, details: Details) -> None:
        now = self.box.clock.now()
        try:
            target = await self._target(details, now)
        except ValueError as error:
            raise BadRequestError(f"时间写得不对：{error}") from None
        if target is None:
            return
        if self.controls is not None:
            await self.controls.forward_to(target)
        else:
            self.box.clock.move_to(target)

    async def _target(self, details: Details, now: datetime) -> datetime | None:
        if details.get("seconds"):
            return now + timedelta(seconds=float(details["seconds"]))
        if details.get("to"):
            moment = datetime.fromisoformat(str(details["to"]))
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if details.get("tomorrow"):
            zone = self.controls.zone if self.controls else BEIJING
            day = local(now, zone).date() + timedelta(days=1)
            return wall(day, time.fromisoformat(str(details["tomorrow"])), zone)
        if details.get("next"):
            return await self.controls.next_at() if self.controls else None
        raise BadRequestError("请给出 seconds、to、next 或 tomorrow")

    async def break_something(self, _: Request, details: Details) -> None:
        """A button's name in `fault`, or what `Platform.break_next` takes, written out."""
        if "path" in details:
            self.box.break_next(
                str(details["path"]),
                errcode=int(details["errcode"]) if details.get("errcode") is not None else None,
                latency=float(details.get("latency") or 0),
                drop=bool(details.get("drop")),
                lose_answer=bool(details.get("lose_answer")),
                times=int(details["times"]) if details.get("times") is not None else 1,
            )
            return
        match details["fault"]:
            case "signature":
                self.box.bad_signature_next = True
            case "slow":
                self.box.break_next("door", latency=SLOW_SECONDS)
            case "repeat":
                self.box.deliver_next = 3
            case "reorder":
                self.box.hold_next = True
            case "token":
                self.box.expire_token(40001)
                if self.box.work is not None:
                    self.box.work.tokens.spoil(42001)
            case "refuse":
                self.box.break_next("message/*/*send", errcode=43101)
            case "unfollowed":
                self.box.break_next("message/template/send", errcode=43004)
            case "quota":
                for path in ("message/template/send", "message/custom/send"):
                    self.box.use_up_quota(path)
            case "offline":
                self.box.break_next("*", drop=True)
                self.box.break_next("door", drop=True)
            case "mend":
                self.box.mend()
            case other:
                raise BadRequestError(f"没有 {other} 这个故障")


def phone_of(request: Request) -> str:
    """The openid of the phone in which this browser is; a cookie holds ASCII alone, and ours may be called 小河."""
    return unquote(request.cookies.get(PHONE_COOKIE, ""))


def choose_phone(request: Request, platform: Platform) -> Response:
    """The page authorisation asks whose phone this is."""
    links = [
        (user.name, f"?{urlencode({**request.query_params, 'phone': user.openid})}") for user in platform.users.values()
    ]
    page = templates.get_template("choose.html").render(links=links)
    return HTMLResponse(page, headers=HEADERS)


def _cross_site(request: Request) -> bool:
    """A request that another site's page caused; the box listens on localhost, so a browser could be used."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


async def _details(request: Request) -> Details:
    raw = await request.body()
    if len(raw) > LONGEST_BODY:
        raise BadRequestError("内容太长")
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            body = json.loads(raw or b"{}")
            if not isinstance(body, dict):
                raise BadRequestError("请发一个 JSON 对象")
            return body
        return dict(parse_qsl(raw.decode(), keep_blank_values=True))
    except ValueError:
        raise BadRequestError("读不懂提交的内容") from None


def _chat_links(user: User) -> set[str]:
    found = {bubble.url for bubble in user.bubbles if bubble.url}
    found |= {segment.href for bubble in user.bubbles for segment in bubble.segments if segment.href}
    return {url for url in found if url.startswith(("http://", "https://"))}


def _menu_links(menu: list[Mapping[str, Any]] | list[dict[str, Any]]) -> set[str]:
    entries = [entry for button in menu for entry in (button.get("sub_button") or [button])]
    return {str(entry["url"]) for entry in entries if entry.get("type") == "view"}
