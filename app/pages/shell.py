"""What every page of ours shares: signed links that are good for a while, no script, nothing kept, kind errors."""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.clock import Clock
from app.db import Database
from app.people import service as people
from app.people.models import House
from app.vault import LinkError
from bot.wording import Wording, wording

TEMPLATES = Path(__file__).parent / "templates"
STYLE = (TEMPLATES / "pages.css").read_text(encoding="utf-8")


def _allowed(style: str) -> str:
    """How a policy names the one style block that a browser may apply: by the digest of its text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src {_allowed(STYLE)}; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Shell:
    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock
        self._jinja = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(default=True),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.globals["style"] = Markup(STYLE)  # noqa: S704 - our own file, not what anybody wrote

    def render(
        self, template: str, *, words: Wording, status: int = 200, room: str = "page", **data: Any
    ) -> Response:  # fmt: skip
        """`room`: the sentences that the page is made of; its language is theirs."""
        html = self._jinja.get_template(template).render(say=words.say, lang=words.written_in(room), **data)
        return HTMLResponse(html, status_code=status, headers=HEADERS)

    def broken(self, why: str, *, status: int) -> Response:
        """A page that says what to do instead; `why` names the sentence."""
        return self.render("broken.html", status=status, words=wording(), why=wording().say(why))

    async def refuse(self, why: str, *, status: int) -> Response:
        """What a link that cannot be followed says: `link_broken` or `link_over`."""
        return self.broken(f"page.{why}", status=status)

    def claims(self, page: str, request: Request) -> dict[str, Any]:
        """What the link carries. LinkError as in `Vault.read_link`."""
        token: str = request.path_params["token"]
        return self.db.vault.read_link(page, token, now=self.clock.now())

    async def words(self, house: House | None) -> Wording:
        if house is None:
            return wording()
        async with self.db.read() as session:
            return wording((await people.programme(session, house.programme_id)).locale)


S = TypeVar("S", bound=Shell)
Page = Callable[[S, Request], Awaitable[Response]]


def with_kind_errors(page: Page[S]) -> Page[S]:
    """A link that is broken or over says what to do, on a page like any other."""

    @wraps(page)
    async def guarded(self: S, request: Request) -> Response:
        try:
            return await page(self, request)
        except LinkError as broken:
            return await self.refuse(str(broken), status=410)
        except LookupError:
            return await self.refuse("link_broken", status=404)

    return guarded
