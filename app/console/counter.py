"""The counter between a browser and the rooms: who is it, may they, was it pressed on a page of ours; then the room.

No answer is kept by anybody on the way, none can be framed, and nothing but our own style and script is loaded.
"""

import gzip
import hashlib
import hmac
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from jinja2 import Environment, FileSystemLoader, select_autoescape
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.accounts import sessions
from app.accounts.models import SignIn
from app.console.desk import BASE, Answer, Back, Desk, Page, Room, Tools, Way
from app.pages.posting import Form, FormError, is_from_elsewhere, read_form
from app.people import service as people
from app.people.scope import scope_of
from bot.wording import Wording, wording

log = structlog.get_logger()

HERE = Path(__file__).parent
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
LOGIN = f"{BASE}/login"


class Counter:
    """Turns the ways of the rooms into routes."""

    def __init__(self, tools: Tools, rooms: Sequence[Room]) -> None:
        self.tools = tools
        self.rooms = rooms
        self.secure = urlsplit(tools.settings.public_url).scheme == "https"
        # With this prefix a browser takes the cookie only over TLS, for this host and every path (RFC 6265bis 4.1.3).
        self.cookie = "__Host-tongxing" if self.secure else "tongxing"
        self.idle = timedelta(hours=tools.settings.console_idle_hours)
        self.lasts = timedelta(hours=tools.settings.console_hours)
        # The page of a case has one body, whether it is opened by a link or from here.
        shelves = [HERE / "templates", HERE.parent / "pages" / "templates"]
        self._jinja = Environment(
            loader=FileSystemLoader(shelves), autoescape=select_autoescape(default=True), trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self._static = {file.name: file.read_bytes() for file in (HERE / "static").iterdir()}
        # Only what is the same for everybody is packed: a page with a secret in it, packed, can be guessed at (BREACH).
        self._packed = {name: gzip.compress(body, mtime=0) for name, body in self._static.items()}
        digest = hashlib.sha256(b"".join(self._static[name] for name in sorted(self._static)))
        self._built = digest.hexdigest()[:12]

    def routes(self) -> list[Route]:
        found = [Route(f"{BASE}/static/{{built}}/{{file}}", self._file, methods=["GET"])]
        for room in self.rooms:
            found += [self._route(room, way) for way in room.ways]
        return found

    def _route(self, room: Room, way: Way) -> Route:
        async def endpoint(request: Request) -> Response:
            return await self._answer(room, way, request)

        return Route(f"{BASE}{way.path}", endpoint, methods=[way.method], name=f"{room.name} {way.handler.__name__}")

    async def _file(self, request: Request) -> Response:
        name = request.path_params["file"]
        if name not in self._static:
            return Response(status_code=404)
        kind = "text/css; charset=utf-8" if name.endswith(".css") else "text/javascript; charset=utf-8"
        # The address changes with the content: kept as long as anybody likes.
        keep = {
            "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Encoding",
        }  # fmt: skip
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self._packed[name], media_type=kind, headers={**keep, "Content-Encoding": "gzip"})
        return Response(self._static[name], media_type=kind, headers=keep)

    async def _answer(self, room: Room, way: Way, request: Request) -> Response:
        key = request.cookies.get(self.cookie, "")
        form = Form()
        if way.method == "POST":
            try:
                form = await self.posted(request, csrf_of(key), longest=way.longest, most=way.most)
            except FormError as error:
                log.warning("form refused", why=str(error))
                return self.problem(request, "console_shell.form_refused", status=400)
        try:
            async with self._work(way) as session:
                signed = await sessions.find(session, key, self.tools.clock.now(), idle=self.idle) if key else None
                if signed is None:
                    return self._sign_in(request)
                desk = await self._desk(session, request, signed, form)
                if desk.who.role not in way.roles:
                    raise LookupError(way.path)
                answer = await way.handler(desk)
        except LookupError as missing:
            if isinstance(missing, KeyError | IndexError):  # a mistake of ours, and not a thing that is not there
                log.error("page broken", page=way.path, error=type(missing).__name__)
                raise
            return self.problem(request, "console_shell.not_there", status=404)
        except FormError as error:
            log.warning("form refused", why=str(error))
            return self.problem(request, "console_shell.form_refused", status=400)
        if desk.new_key:
            return self.with_cookie(self._sent(room, desk, answer, csrf_of(desk.new_key)), desk.new_key)
        if way.counts:
            await self._note(signed)
        return self._sent(room, desk, answer, csrf_of(key))

    def _work(self, way: Way) -> AbstractAsyncContextManager[AsyncSession]:
        return self.tools.db.begin() if way.writes else self.tools.db.read()

    async def _desk(self, session: AsyncSession, request: Request, signed: SignIn, form: Form) -> Desk:
        who = await people.person(session, signed.person_id)
        house = await people.house(session, who.house_id)
        locale = (await people.programme(session, who.programme_id)).locale
        return Desk(
            self.tools, request, session, signed, who, house, await scope_of(session, who), wording(locale),
            self.tools.clock.now(), form,
        )  # fmt: skip

    async def _note(self, signed: SignIn) -> None:
        now = self.tools.clock.now()
        if sessions.to_be_noted(signed, now):
            async with self.tools.db.begin() as session:
                await sessions.note(session, signed, now)

    async def posted(self, request: Request, csrf: str, *, longest: int, most: int) -> Form:
        """A form that was sent from a page of ours. FormError: it was not."""
        if is_from_elsewhere(request, self.tools.settings.public_url):
            raise FormError("from elsewhere")
        form = await read_form(request, longest=longest, most=most)
        if not hmac.compare_digest(form.get("csrf", "").encode(), csrf.encode()):
            raise FormError("not of this sign-in")
        return form

    # What is sent back

    def _sent(self, room: Room, desk: Desk, answer: Answer, csrf: str) -> Response:
        match answer:
            case Page(template, status, data):
                nav = [(one.name, one.nav) for one in self.rooms if one.nav and desk.who.role in one.roles]
                shown = {"now": desk.now, "zone": desk.zone, "house": desk.house, "form": desk.form, **data}
                return self.render(
                    template, words=desk.words, status=status, who=desk.who, home=desk.house, nav=nav,
                    room=room.name, csrf=csrf, **shown,
                )  # fmt: skip
            case Back(to):
                return RedirectResponse(to, status_code=303, headers=HEADERS)
        answer.headers.update(HEADERS)
        return answer

    def render(self, template: str, *, words: Wording, status: int = 200, **data: Any) -> Response:
        html = self._jinja.get_template(template).render(
            say=words.say, lang=words.written_in("console_shell"), static=f"{BASE}/static/{self._built}", **data
        )
        return HTMLResponse(html, status_code=status, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        hsts = {"Strict-Transport-Security": "max-age=31536000"} if self.secure else {}
        return {**HEADERS, **hsts}

    def problem(self, request: Request, why: str, *, status: int) -> Response:
        """A page that says what to do instead. A piece of a page cannot say it: the whole page is loaded again."""
        if request.headers.get("hx-request"):
            return Response(headers={**self.headers, "HX-Refresh": "true"})
        words = wording()
        return self.render("problem.html", words=words, status=status, why=words.say(why))

    def _sign_in(self, request: Request) -> Response:
        url = request.url
        seen = request.method == "GET" and not request.headers.get("hx-request")
        to = f"?to={quote(url.path + (f'?{url.query}' if url.query else ''))}" if seen else ""
        if request.headers.get("hx-request"):
            return Response(headers={**self.headers, "HX-Redirect": LOGIN})
        return RedirectResponse(f"{LOGIN}{to}", status_code=303, headers=self.headers)

    def with_cookie(self, response: Response, key: str) -> Response:
        response.set_cookie(
            self.cookie, key, max_age=int(self.lasts.total_seconds()), path="/", secure=self.secure, httponly=True,
            samesite="lax",
        )  # fmt: skip
        return response

    def without_cookie(self, response: Response) -> Response:
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")
        return response


def csrf_of(key: str) -> str:
    """What every form of this sign-in carries; it cannot be told from the cookie's key, nor the key from it."""
    return hashlib.sha256(f"csrf {key}".encode()).hexdigest()
