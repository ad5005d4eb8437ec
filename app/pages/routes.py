"""The pages behind the links we send: what waits for a person, and a QR code. That of a case has its own room."""

import io
from datetime import timedelta

import segno
import structlog
from starlette.requests import Request
from starlette.responses import Response

from app.clock import Clock
from app.db import Database, ident
from app.escalations import drill_report, handling
from app.escalations.models import CaseRow
from app.pages.shell import Shell, with_kind_errors
from app.people import service as people
from app.people.scope import scope_of
from app.tasks import service as tasks
from bot.notices import drills
from bot.outside import OutsideError
from bot.wechat import WeChatClient
from bot.wording import wording
from bot.wording.moments import moment_words

log = structlog.get_logger()


class Pages(Shell):
    def __init__(self, db: Database, clock: Clock, client: WeChatClient) -> None:
        super().__init__(db, clock)
        self._client = client

    @with_kind_errors
    async def drill(self, request: Request) -> Response:
        """How a drill went: who took it, who did not answer, who was out of reach."""
        claims = self.claims("drill", request)
        async with self.db.read() as session:
            reader = await people.person(session, claims["by"])
            row = await session.get(CaseRow, claims["case"])
            if row is None or not row.drill or not await handling.may_act(session, reader, row):
                raise LookupError
            house = await people.house(session, row.house_id)
            found = await drill_report.report(session, row)
        words = await self.words(house)
        head, *lines = drills.lines(found, house.name, words.say, house.zone)
        return self.render("drill_report.html", words=words, head=head, lines=lines)

    @with_kind_errors
    async def tasks(self, request: Request) -> Response:
        """Whom to call or to read, and why: everything that waits in the reader's houses."""
        claims = self.claims("tasks", request)
        now = self.clock.now()
        async with self.db.read() as session:
            reader = await people.person(session, claims["by"])
            house = await people.house(session, reader.house_id)
            waiting = await tasks.open_for(session, await scope_of(session, reader), reader)
            rows = []
            for task in waiting:
                subject = await people.person(session, task.person_id) if task.person_id else None
                ties = await people.members_linked_to(session, ident(subject)) if subject else []
                rows.append((task, subject, ties, moment_words(task.created_at, now, house.zone)))
        return self.render("tasks.html", words=await self.words(house), rows=rows, house=house)

    @with_kind_errors
    async def qr(self, request: Request) -> Response:
        """A QR code of WeChat's making, drawn here, with the digits that do the same below it."""
        claims = self.claims("qr", request)
        now = self.clock.now()
        words = wording()
        try:
            made = await self._client.create_qr(claims["scene"], expires_in=int(timedelta(days=1).total_seconds()))
        except OutsideError as error:
            log.error("no qr code", errcode=error.errcode, advice=error.advice)
            return self.broken("page.no_qr", status=200)
        picture = io.BytesIO()
        segno.make(made.url, error="m").save(picture, kind="svg", border=3, xmldecl=False, svgclass=None, omitsize=True)
        until = moment_words(now + timedelta(seconds=made.expires_in), now, "Asia/Shanghai")
        return self.render(
            "qr.html", words=words, picture=picture.getvalue().decode(), purpose=claims["purpose"],
            digits=claims["digits"], until=until,
        )  # fmt: skip
