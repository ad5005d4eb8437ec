"""The pages behind the links we send: a case, a task, a QR code. Signed, short-lived, no script, not stored."""

import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import segno
import structlog
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.clock import Clock
from app.db import Database, ident
from app.escalations import drill_report
from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.escalations.states import State
from app.messages import service as messages
from app.messages import window
from app.people import service as people
from app.people.models import House, Role
from app.people.scope import scope_of
from app.tasks import service as tasks
from app.vault import LinkError
from bot.notices import drills
from bot.outside import OutsideError
from bot.wechat import WeChatClient
from bot.wording import Wording, wording
from bot.wording.moments import moment_words

log = structlog.get_logger()

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

CASE_READERS = (Role.WORKER, Role.SUPERVISOR)
BEFORE = timedelta(minutes=10)  # the context that a worker needs to understand a sentence

Page = Callable[["Pages", Request], Awaitable[Response]]


def _with_kind_errors(page: Page) -> Page:
    """A link that is broken or over says what to do, on a page like any other."""

    @wraps(page)
    async def guarded(self: "Pages", request: Request) -> Response:
        try:
            return await page(self, request)
        except LinkError as broken:
            return self.render("broken.html", status=410, words=wording(), why=wording().say(f"page.{broken}"))
        except LookupError:
            return self.render("broken.html", status=404, words=wording(), why=wording().say("page.link_broken"))

    return guarded


class Pages:
    def __init__(self, db: Database, clock: Clock, client: WeChatClient) -> None:
        self._db = db
        self._clock = clock
        self._client = client
        self._jinja = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=select_autoescape(default=True),
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, *, words: Wording, status: int = 200, **data: Any) -> Response:
        html = self._jinja.get_template(template).render(say=words.say, lang=words.locale, **data)
        return HTMLResponse(html, status_code=status, headers=HEADERS)

    def _claims(self, page: str, request: Request) -> dict[str, Any]:
        token: str = request.path_params["token"]
        return self._db.vault.read_link(page, token, now=self._clock.now())

    @_with_kind_errors
    async def case(self, request: Request) -> Response:
        """What somebody wrote, for the one worker the link was made for; looking is written down."""
        claims = self._claims("case", request)
        now = self._clock.now()
        async with self._db.begin() as session:
            reader = await people.person(session, claims["by"])
            row = await escalations.case(session, claims["case"])
            scope = await scope_of(session, reader)
            if reader.role not in CASE_READERS or not escalations.may_see(scope, reader, row):
                raise LookupError
            subject = await people.person(session, row.person_id)
            house = await people.house(session, row.house_id)
            owner = await people.person(session, row.owner_id) if row.owner_id else None
            flags = await escalations.flags_of(session, row)
            ties = await people.members_linked_to(session, ident(subject))
            since = await messages.said_by(session, subject, row.opened_at - BEFORE)
            contact = await messages.contact_of(session, ident(subject))
            still_open = window.left(contact, now) if contact is not None else None
            await escalations.viewed(session, row, reader, now)
        return self.render(
            "case.html", words=await self._words(house), row=row, subject=subject, house=house, owner=owner, ties=ties,
            resolved=row.state is State.RESOLVED,
            flags=[(moment_words(f.at, now, house.zone), f.said) for f in flags if f.said],
            around=[(moment_words(said.received_at, now, house.zone), said.content) for said in since],
            opened=moment_words(row.opened_at, now, house.zone),
            window=(still_open[0], moment_words(still_open[1], now, house.zone)) if still_open else None,
        )  # fmt: skip

    @_with_kind_errors
    async def drill(self, request: Request) -> Response:
        """How a drill went: who took it, who did not answer, who was out of reach."""
        claims = self._claims("drill", request)
        async with self._db.read() as session:
            reader = await people.person(session, claims["by"])
            row = await session.get(CaseRow, claims["case"])
            if row is None or not row.drill or reader.role not in CASE_READERS:
                raise LookupError
            if not escalations.may_see(await scope_of(session, reader), reader, row):
                raise LookupError
            house = await people.house(session, row.house_id)
            found = await drill_report.report(session, row)
        words = await self._words(house)
        head, *lines = drills.lines(found, house.name, words.say, house.zone)
        return self.render("drill_report.html", words=words, head=head, lines=lines)

    @_with_kind_errors
    async def tasks(self, request: Request) -> Response:
        """Whom to call or to read, and why: everything that waits in the reader's houses."""
        claims = self._claims("tasks", request)
        now = self._clock.now()
        async with self._db.read() as session:
            reader = await people.person(session, claims["by"])
            house = await people.house(session, reader.house_id)
            waiting = await tasks.open_in(session, await scope_of(session, reader))
            rows = []
            for task in waiting:
                subject = await people.person(session, task.person_id) if task.person_id else None
                ties = await people.members_linked_to(session, ident(subject)) if subject else []
                rows.append((task, subject, ties, moment_words(task.created_at, now, house.zone)))
        return self.render("tasks.html", words=await self._words(house), rows=rows, house=house)

    @_with_kind_errors
    async def qr(self, request: Request) -> Response:
        """A QR code of WeChat's making, drawn here, with the digits that do the same below it."""
        claims = self._claims("qr", request)
        now = self._clock.now()
        words = wording()
        try:
            made = await self._client.create_qr(claims["scene"], expires_in=int(timedelta(days=1).total_seconds()))
        except OutsideError as error:
            log.error("no qr code", errcode=error.errcode, advice=error.advice)
            return self.render("broken.html", words=words, status=200, why=words.say("page.no_qr"))
        picture = io.BytesIO()
        segno.make(made.url, error="m").save(picture, kind="svg", border=3, xmldecl=False, svgclass=None, omitsize=True)
        until = moment_words(now + timedelta(seconds=made.expires_in), now, "Asia/Shanghai")
        return self.render(
            "qr.html", words=words, picture=picture.getvalue().decode(), purpose=claims["purpose"],
            digits=claims["digits"], until=until,
        )  # fmt: skip

    async def _words(self, house: House | None) -> Wording:
        if house is None:
            return wording()
        async with self._db.read() as session:
            return wording((await people.programme(session, house.programme_id)).locale)
