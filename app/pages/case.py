"""The page of a case, for the one worker its link was made for: read, take, say how it goes on.

A link is opened by more than people: WeChat looks at it, mail scanners follow it. So looking never does anything;
what does something is a form on the page, sent by POST, with a token of its own for one purpose, one person, one
case and the entry of the log it was made for.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.clock import Clock, local
from app.db import Database, ident
from app.escalations import handling, journal
from app.escalations import service as escalations
from app.escalations.handling import Came, Ending, Handled
from app.escalations.models import CaseRow, Flag, Via
from app.escalations.states import FOLLOW_UP_WITHIN, GRADES, REFER_FROM, Level, Outcome, State
from app.marks import service as marks
from app.marks.models import Urgency, Why
from app.marks.service import Judged
from app.messages import service as messages
from app.messages import window
from app.pages import why
from app.pages.posting import Form, FormError, is_from_elsewhere, read_form
from app.pages.shell import HEADERS, Shell, with_kind_errors
from app.people import service as people
from app.people.models import House, Person
from bot.hearing import TOGETHER
from bot.links import PAGE_LASTS
from bot.wording import wording
from bot.wording.moments import date_words, moment_words, weekday_words

log = structlog.get_logger()

IN_DAYS = (1, 3, 7)  # what is offered for the next contact
FURTHEST = timedelta(days=366)
# What is said above the case after a form changed nothing; what it changed, the case says itself.
SAID_ABOVE = (Came.TAKEN, Came.OUT_OF_DATE, Came.NOT_YOURS)


@dataclass(frozen=True)
class Pressed:
    """A form of the page that may be listened to: who sent it about which case, and when it was made."""

    session: AsyncSession
    who: Person
    row: CaseRow
    house: House
    seq: int
    form: Form
    now: datetime


Act = Callable[[Pressed], Awaitable[Handled]]


async def _take(pressed: Pressed) -> Handled:
    return await handling.take(
        pressed.session, pressed.who, pressed.row, pressed.now, via=Via.PAGE, seq=pressed.seq
    )  # fmt: skip


async def _contacted(pressed: Pressed) -> Handled:
    return await handling.contacted(
        pressed.session, pressed.who, pressed.row, pressed.now, via=Via.PAGE, seq=pressed.seq
    )  # fmt: skip


async def _result(pressed: Pressed) -> Handled:
    """FormError where a choice is none that the form has."""
    form, today = pressed.form, local(pressed.now, pressed.house.zone).date()
    end = Ending(_outcome(form), _next_contact(form, today), _grade(form), form.get("whereto", ""))
    return await marks.close(
        pressed.session, pressed.who, pressed.row, end, pressed.now, via=Via.PAGE, seq=pressed.seq
    )  # fmt: skip


async def _mark(pressed: Pressed) -> Handled:
    """What the words were: a label, and nothing else; the last one that is pressed counts."""
    try:
        judged = Judged(Urgency(pressed.form["level"]), Why(pressed.form["why"]) if "why" in pressed.form else None)
    except (KeyError, ValueError):
        raise FormError("no such mark") from None
    await marks.mark_newest(pressed.session, pressed.who, pressed.row, judged, pressed.now, via=Via.PAGE)
    return Handled(Came.DONE)


def _outcome(form: Form) -> Outcome:
    chosen = next((outcome for outcome in handling.OUTCOMES if outcome.value == form.get("outcome")), None)
    if chosen is None:
        raise FormError("no such outcome")
    return chosen


def _grade(form: Form) -> int | None:
    chosen = form.get("grade")
    if chosen is not None and chosen not in map(str, GRADES):
        raise FormError("no such grade")
    return None if chosen is None else int(chosen)


def _next_contact(form: Form, today: date) -> date | None:
    """One of the days that are offered, or the one that was written; None: neither."""
    chosen = form.get("next", "")
    if chosen.isdecimal() and int(chosen) in IN_DAYS:
        return today + timedelta(days=int(chosen))
    try:
        day = date.fromisoformat(form["day"]) if form.get("day") else None
    except ValueError:
        raise FormError("no such day") from None
    if day is not None and day > today + FURTHEST:
        raise FormError("no such day")
    return day


ACTS: dict[str, Act] = {"take": _take, "contacted": _contacted, "result": _result, "mark": _mark}


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
                handled = await ACTS[verb](Pressed(session, who, row, house, made_for["seq"], form, now))
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
            subject = await people.person(session, row.person_id)
            house = await people.house(session, row.house_id)
            owner = await people.person(session, row.owner_id) if row.owner_id else None
            flags = await escalations.flags_of(session, row)
            ties = await people.members_linked_to(session, ident(subject))
            since = await messages.said_by(session, subject, row.opened_at - TOGETHER, n=100)
            contact = await messages.contact_of(session, ident(subject))
            still_open = window.left(contact, now) if contact is not None else None
            await escalations.viewed(session, row, reader, now, via=Via.PAGE)
            seq = await journal.newest(session, row)
            words = wording((await people.programme(session, house.programme_id)).locale)
            before = await why.known_before(session, row, subject, reader, words, house, now)
            readings = await marks.markable(session, row)
            mark = await marks.mark_of(session, readings[-1]) if readings else None
        today = local(now, house.zone).date()
        return self.render(
            "case.html", words=words, status=422 if trouble else 200,
            row=row, subject=subject, house=house, owner=owner, ties=ties, reader=reader,
            here=here, came=came.value if came else "", trouble=trouble, form=form or {},
            forms={verb: self._token(verb, row, reader, seq, now) for verb in _offered(row, reader, readings)},
            mark=mark, urgencies=[one for one in reversed(Urgency) if one is not Urgency.NONE], wrong_because=list(Why),
            outcomes=handling.OUTCOMES, grades=GRADES if row.level >= Level.ORANGE else (), refer_from=REFER_FROM,
            follow_up_days=FOLLOW_UP_WITHIN.days, longest_place=60,
            days=[(n, _day_words(today + timedelta(days=n))) for n in IN_DAYS],
            first_day=today, last_day=today + FURTHEST,
            whys=why.explained(flags, since, words, house, now), before=before,
            around=[(moment_words(said.received_at, now, house.zone), said.content) for said in since],
            opened=moment_words(row.opened_at, now, house.zone),
            window=(still_open[0], moment_words(still_open[1], now, house.zone)) if still_open else None,
        )  # fmt: skip

    def _token(self, verb: str, row: CaseRow, reader: Person, seq: int, now: datetime) -> str:
        made_for = {"case": ident(row), "by": ident(reader), "seq": seq}
        return self.db.vault.link(verb, made_for, now=now, lasts=PAGE_LASTS)


def _offered(row: CaseRow, reader: Person, readings: Collection[Flag]) -> tuple[str, ...]:
    """What this person can do with the case as it stands; what words were, whoever has it can say, then and later."""
    if row.owner_id != reader.id:
        untaken = row.state is not State.RESOLVED and (row.owner_id is None or row.offered_to_id == reader.id)
        return ("take",) if untaken else ()
    mark = ("mark",) if readings else ()
    if row.state is State.RESOLVED:
        return mark
    return ("contacted", "result", *mark) if row.state is State.ACKNOWLEDGED else ("result", *mark)


def _day_words(day: date) -> str:
    return f"{date_words(day)}（{weekday_words(day)}）"
