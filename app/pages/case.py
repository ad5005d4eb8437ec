"""The page of a case, for the one worker its link was made for: read, take, say how it goes on.

A link is opened by more than people: WeChat looks at it, mail scanners follow it. So looking never does anything;
what does something is a form on the page, sent by POST, with a token of its own for one purpose, one person, one
case and the entry of the log it was made for.
"""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app import casework
from app.casework import ACTS, SAID_ABOVE, Pressed
from app.clock import Clock
from app.db import Database, ident
from app.escalations import handling
from app.escalations import service as escalations
from app.escalations.handling import Came
from app.escalations.models import CaseRow, Via
from app.pages.posting import Form, FormError, is_from_elsewhere, read_form
from app.pages.shell import HEADERS, Shell, with_kind_errors
from app.people import service as people
from app.people.models import Person
from bot.links import PAGE_LASTS
from bot.wording import wording

log = structlog.get_logger()


class CasePage(Shell):
    def __init__(self, db: Database, clock: Clock, public_url: str) -> None:
        super().__init__(db, clock)
        self._public_url = public_url

    @with_kind_errors
    async def show(self, request: Request) -> Response:
        """GET: what somebody wrote. Looking is written down, and does nothing else."""
        claims = self.claims("case", request)
        if request.method == "HEAD":
            return Response(headers=HEADERS)  # nothing is shown, so nobody has looked
        came = next((one for one in SAID_ABOVE if one.value == request.query_params.get("came")), None)
        return await self._show(claims, here=request.path_params["token"], came=came)

    @with_kind_errors
    async def act(self, request: Request) -> Response:
        """POST: do what the form stands for, once, and go back to the case, which says what is true."""
        verb: str = request.path_params["verb"]
        if verb not in ACTS:
            raise LookupError
        if is_from_elsewhere(request, self._public_url):
            log.warning("form refused", why="from elsewhere")
            return self.broken("page.form_elsewhere", status=403)
        try:
            form = await read_form(request)
        except FormError as error:
            log.warning("form refused", why=str(error))
            return self.broken("page.form_elsewhere", status=400)
        claims = self.claims("case", request)
        now = self.clock.now()
        token = request.path_params["token"]
        made_for = self.db.vault.read_link(verb, form.get("token", ""), now=now)
        if (made_for["case"], made_for["by"]) != (claims["case"], claims["by"]):
            raise LookupError
        try:
            async with self.db.begin() as session:
                who, row = await self._found(session, claims)
                house = await people.house(session, row.house_id)
                pressed = Pressed(session, who, row, house, made_for["seq"], form, now, Via.PAGE)
                handled = await ACTS[verb](pressed)
        except FormError:
            return await self._show(claims, here=f"../{token}", trouble="page.form_incomplete", form=form)
        if handled.came is Came.NOT_FOR_YOU:
            raise LookupError
        if handled.came in (*handling.MISSING, Came.NEWS):
            return await self._show(claims, here=f"../{token}", trouble=f"page.{handled.came.value}", form=form)
        said = f"?came={handled.came.value}" if handled.came in SAID_ABOVE else ""
        return RedirectResponse(f"../{token}{said}", status_code=303, headers=HEADERS)

    async def _found(self, session: AsyncSession, claims: dict[str, Any]) -> tuple[Person, CaseRow]:
        """The worker and the case of a link. LookupError when it is not theirs to see, or not any more."""
        reader = await people.person(session, claims["by"])
        row = await escalations.case(session, claims["case"])
        if not await handling.may_act(session, reader, row):
            raise LookupError
        return reader, row

    async def _show(
        self, claims: dict[str, Any], *, here: str, came: Came | None = None, trouble: str | None = None,
        form: Form | None = None,
    ) -> Response:  # fmt: skip
        """The case as it is now. `here` leads from the address of the answer to this page."""
        now = self.clock.now()
        async with self.db.begin() as session:
            reader, row = await self._found(session, claims)
            house = await people.house(session, row.house_id)
            words = wording((await people.programme(session, house.programme_id)).locale)
            shown = await casework.view(session, reader, row, words, now, via=Via.PAGE)
        return self.render(
            "case.html", words=words, status=422 if trouble else 200, here=here, came=came.value if came else "",
            trouble=trouble, form=form or {},
            forms={verb: self._token(verb, row, reader, shown["seq"], now) for verb in shown["verbs"]}, **shown,
        )  # fmt: skip

    def _token(self, verb: str, row: CaseRow, reader: Person, seq: int, now: datetime) -> str:
        made_for = {"case": ident(row), "by": ident(reader), "seq": seq}
        return self.db.vault.link(verb, made_for, now=now, lasts=PAGE_LASTS)
