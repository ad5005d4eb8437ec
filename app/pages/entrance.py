"""Whose page this is: WeChat says it when the page is opened there (网页授权, snsapi_base), and we remember it shortly.

Source: 网页授权 (developers.weixin.qq.com/doc/service/guide/h5/auth.html). `state` may be 128 letters and digits, so
what it stands for lies sealed in a cookie of the browser that asked: a code that somebody else was given opens nothing
here. Neither an openid nor a code is logged, and the address that held the code is left at once.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.clock import Clock
from app.db import Database, ident
from app.messages import service as messages
from app.pages.posting import Form, FormError, is_from_elsewhere, read_form
from app.pages.shell import HEADERS, Shell, with_kind_errors
from app.people import service as people
from app.people.models import Person, Role
from app.settings import Settings
from app.vault import LinkError
from bot.outside import OutsideError, UserMustRetry
from bot.wechat import WeChatClient
from bot.wording import Wording, wording

log = structlog.get_logger()

ROOMS = ("activities", "mood", "data", "consent")
SESSION, ASKED = "tongxing_page", "tongxing_asked"
SESSION_LASTS = timedelta(minutes=30)
ASKED_FOR = timedelta(minutes=10)
LONGEST_CODE = 512
MEMBERS = (Role.MEMBER, Role.COUNSELLOR)
READERS = (*MEMBERS, Role.FAMILY)


class MemberShell(Shell):
    """What every page for members shares: their language, and forms that come from our own pages."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        super().__init__(db, clock)
        self.settings = settings

    async def words_for(self, who: Person) -> Wording:
        async with self.db.read() as session:
            return wording((await people.programme(session, who.programme_id)).locale)

    async def kindly(self, why: str, *, status: int, words: Wording | None = None, to: str = "") -> Response:
        """A page that says why not, and what to do; `to` is where it leads, if anywhere."""
        if words is None:
            async with self.db.read() as session:
                programme = await people.only_programme(session)
            words = wording(programme.locale) if programme is not None else wording()
        return self.render("kindly.html", words=words, room="member", status=status, why=words.say(why), to=to)

    async def refuse(self, why: str, *, status: int) -> Response:
        return await self.kindly(f"member.{why}", status=status)

    async def form_of(self, request: Request) -> Form | Response:
        """What a page of ours sent, or the page that says that this did not come from one."""
        if is_from_elsewhere(request, self.settings.public_url):
            log.warning("form refused", why="from elsewhere")
            return await self.kindly("member.form_elsewhere", status=403)
        try:
            return await read_form(request)
        except FormError as error:
            log.warning("form refused", why=str(error))
            return await self.kindly("member.form_elsewhere", status=400)


class Entrance(MemberShell):
    def __init__(self, db: Database, clock: Clock, settings: Settings, client: WeChatClient) -> None:
        super().__init__(db, clock, settings)
        self._client = client

    # Asking WeChat

    def ask(self, room: str, request: Request) -> Response:
        """To WeChat, which sends the browser back to `come_back` with a code."""
        state = self._asked(room, request) or secrets.token_hex(16)
        query = {
            "appid": self.settings.wechat_app_id,
            "redirect_uri": f"{self.settings.public_url.rstrip('/')}/p/in/{room}",
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
        base = self.settings.wechat_oauth_base.rstrip("/")
        address = f"{base}/connect/oauth2/authorize?{urlencode(query)}#wechat_redirect"
        answer = RedirectResponse(address, status_code=302, headers=HEADERS)
        sealed = self.db.vault.link("asked", {"state": state, "room": room}, now=self.clock.now(), lasts=ASKED_FOR)
        self._set(answer, f"{ASKED}_{room}", sealed, ASKED_FOR)
        return answer

    @with_kind_errors
    async def come_back(self, request: Request) -> Response:
        """GET: a code for the one who opened the page. It is good once, for five minutes."""
        room: str = request.path_params["room"]
        if room not in ROOMS:
            raise LookupError
        state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        asked = self._asked(room, request)
        if asked is None or not hmac.compare_digest(asked.encode(), state.encode()):
            return await self._refused("state", "member.tap_again", status=400)
        if not 1 <= len(code) <= LONGEST_CODE:
            return await self._refused("no code", "member.tap_again", status=400)
        try:
            identity = await self._client.oauth_openid(code)
        except UserMustRetry:
            return await self._refused("code", "member.tap_again", status=400)
        except OutsideError as error:
            log.error("page authorisation failed", errcode=error.errcode, advice=error.advice)
            return await self.kindly("member.wechat_away", status=502)
        if identity.snapshot:
            return await self._refused("snapshot", "member.snapshot", status=403)
        async with self.db.read() as session:
            contact = await messages.known_contact(session, self.settings.wechat_app_id, identity.openid)
            who = await people.person(session, contact.person_id) if contact and contact.person_id else None
        if contact is None or who is None or who.role is Role.GUEST or who.joined_at is None:
            return await self._refused("unknown", "member.unknown", status=403)
        if who.role not in READERS:
            return await self._refused("staff", "member.for_members", status=403)
        answer = RedirectResponse(f"../{room}", status_code=303, headers=HEADERS)
        answer.delete_cookie(f"{ASKED}_{room}", path="/p")
        claims = {"contact": ident(contact), "person": ident(who)}
        sealed = self.db.vault.link("session", claims, now=self.clock.now(), lasts=SESSION_LASTS)
        self._set(answer, SESSION, sealed, SESSION_LASTS)
        return answer

    async def _refused(self, why: str, sentence: str, *, status: int) -> Response:
        log.warning("page refused", why=why)
        return await self.kindly(sentence, status=status)

    def _asked(self, room: str, request: Request) -> str | None:
        """The state that this browser was sent to WeChat with, while it is good."""
        claims = self._sealed("asked", request.cookies.get(f"{ASKED}_{room}", ""))
        return str(claims["state"]) if claims.get("room") == room else None

    # Remembering it

    async def whose(self, request: Request) -> Person | None:
        """Who this browser is, by our own cookie; None when WeChat has to be asked again."""
        claims = self._sealed("session", request.cookies.get(SESSION, ""))
        if not claims:
            return None
        async with self.db.read() as session:
            contact = await messages.contact_of(session, claims["person"])
            if contact is None or contact.id != claims["contact"]:
                return None  # that phone is somebody else's by now, or nobody's
            who = await people.person(session, claims["person"])
        return who if who.role in READERS else None

    def _sealed(self, purpose: str, cookie: str) -> dict[str, Any]:
        try:
            return self.db.vault.read_link(purpose, cookie, now=self.clock.now())
        except LinkError:
            return {}

    def _set(self, answer: Response, name: str, value: str, lasts: timedelta) -> None:
        answer.set_cookie(
            name, value, max_age=int(lasts.total_seconds()), path="/p", httponly=True, samesite="lax",
            secure=self.settings.public_url.startswith("https:"),
        )  # fmt: skip


Opened = TypeVar("Opened", bound=Entrance)
Page = Callable[[Opened, Request], Awaitable[Response]]
OwnPage = Callable[[Opened, Request, Person], Awaitable[Response]]


def own_page(room: str) -> Callable[[OwnPage[Opened]], Page[Opened]]:
    """A page that shows whoever opens it what is theirs; who that is, WeChat is asked first."""

    def declare(page: OwnPage[Opened]) -> Page[Opened]:
        @wraps(page)
        async def guarded(self: Opened, request: Request) -> Response:
            who = await self.whose(request)
            return self.ask(room, request) if who is None else await page(self, request, who)

        return with_kind_errors(guarded)

    return declare
