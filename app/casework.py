"""A case as a page shows it, and what its forms do: the same behind a link (app/pages) and in the console."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import local
from app.db import ident
from app.escalations import handing_over, handling, journal
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
from app.pages.posting import Form, FormError
from app.people import service as people
from app.people.models import House, Person
from bot.hearing import TOGETHER
from bot.wording import Wording
from bot.wording.moments import date_words, moment_words, weekday_words

IN_DAYS = (1, 3, 7)  # what is offered for the next contact
FURTHEST = timedelta(days=366)
LONGEST_PLACE = 60
# What is said above the case after a form changed nothing; what it changed, the case says itself.
SAID_ABOVE = (Came.TAKEN, Came.OUT_OF_DATE, Came.NOT_YOURS, Came.NO_COLLEAGUE, Came.UNREACHABLE)


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
    via: Via


Act = Callable[[Pressed], Awaitable[Handled]]


async def _take(pressed: Pressed) -> Handled:
    return await handling.take(
        pressed.session, pressed.who, pressed.row, pressed.now, via=pressed.via, seq=pressed.seq
    )  # fmt: skip


async def _contacted(pressed: Pressed) -> Handled:
    return await handling.contacted(
        pressed.session, pressed.who, pressed.row, pressed.now, via=pressed.via, seq=pressed.seq
    )  # fmt: skip


async def _assist(pressed: Pressed) -> Handled:
    return await handling.assist(pressed.session, pressed.who, pressed.row, pressed.now, via=pressed.via)


async def _offer(pressed: Pressed) -> Handled:
    to = await people.colleague(pressed.session, pressed.who, pressed.form.get("to", ""))
    return await handling.offer(pressed.session, pressed.who, pressed.row, to, pressed.now, via=pressed.via)


async def _result(pressed: Pressed) -> Handled:
    """FormError where a choice is none that the form has."""
    form, today = pressed.form, local(pressed.now, pressed.house.zone).date()
    end = Ending(_outcome(form), _next_contact(form, today), _grade(form), form.get("whereto", ""))
    return await marks.close(
        pressed.session, pressed.who, pressed.row, end, pressed.now, via=pressed.via, seq=pressed.seq
    )  # fmt: skip


async def _mark(pressed: Pressed) -> Handled:
    """What the words were: a label, and nothing else; the last one that is pressed counts."""
    try:
        judged = Judged(Urgency(pressed.form["level"]), Why(pressed.form["why"]) if "why" in pressed.form else None)
    except (KeyError, ValueError):
        raise FormError("no such mark") from None
    await marks.mark_newest(pressed.session, pressed.who, pressed.row, judged, pressed.now, via=pressed.via)
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


ACTS: dict[str, Act] = {
    "take": _take, "contacted": _contacted, "assist": _assist, "offer": _offer, "result": _result, "mark": _mark,
}  # fmt: skip


def offered(row: CaseRow, reader: Person, readings: Collection[Flag]) -> tuple[str, ...]:
    """What this person can do with the case as it stands; what words were, whoever has it can say, then and later."""
    if row.owner_id != reader.id:
        untaken = row.state is not State.RESOLVED and (row.owner_id is None or row.offered_to_id == reader.id)
        return ("take",) if untaken else () if row.state is State.RESOLVED else ("assist",)
    mark = ("mark",) if readings else ()
    if row.state is State.RESOLVED:
        return mark
    more = () if row.drill else ("offer",)
    return ("contacted", "result", *more, *mark) if row.state is State.ACKNOWLEDGED else ("result", *more, *mark)


async def view(
    session: AsyncSession, reader: Person, row: CaseRow, words: Wording, now: datetime, *, via: Via
) -> dict[str, Any]:  # fmt: skip
    """Everything that the page of a case shows. Looking is written down."""
    subject = await people.person(session, row.person_id)
    house = await people.house(session, row.house_id)
    flags = await escalations.flags_of(session, row)
    since = await messages.said_by(session, subject, row.opened_at - TOGETHER, n=100)
    contact = await messages.contact_of(session, ident(subject))
    still_open = window.left(contact, now) if contact is not None else None
    await escalations.viewed(session, row, reader, now, via=via)
    readings = await marks.markable(session, row)
    return {
        **await result_form(session, row, reader, now),
        "subject": subject,
        "owner": await people.person(session, row.owner_id) if row.owner_id else None,
        "ties": await people.members_linked_to(session, ident(subject)),
        "seq": await journal.newest(session, row),
        "verbs": offered(row, reader, readings),
        "before": await why.known_before(session, row, subject, reader, words, house, now),
        "mark": await marks.mark_of(session, readings[-1]) if readings else None,
        "urgencies": [one for one in reversed(Urgency) if one is not Urgency.NONE],
        "wrong_because": list(Why),
        "whys": why.explained(flags, since, words, house, now),
        "around": [(moment_words(said.received_at, now, house.zone), said.content) for said in since],
        "opened": moment_words(row.opened_at, now, house.zone),
        "window": (still_open[0], moment_words(still_open[1], now, house.zone)) if still_open else None,
        "heirs": await heirs(session, row, reader, now),
    }


async def heirs(session: AsyncSession, row: CaseRow, reader: Person, now: datetime) -> Sequence[Person]:
    """Whom its owner may ask to take it over: first who is on duty, then who answers for the member, then the rest."""
    if row.owner_id != reader.id or row.state is State.RESOLVED or row.drill:
        return ()
    return await handing_over.heirs(session, reader, [row], now, choices=None)


async def result_form(session: AsyncSession, row: CaseRow, reader: Person, now: datetime) -> dict[str, Any]:
    """What the form of the result is made of."""
    house = await people.house(session, row.house_id)
    today = local(now, house.zone).date()
    return {
        "row": row, "reader": reader, "house": house, "outcomes": handling.OUTCOMES,
        "grades": GRADES if row.level >= Level.ORANGE else (), "refer_from": REFER_FROM,
        "follow_up_days": FOLLOW_UP_WITHIN.days, "longest_place": LONGEST_PLACE,
        "days": [(n, _day_words(today + timedelta(days=n))) for n in IN_DAYS],
        "first_day": today, "last_day": today + FURTHEST,
    }  # fmt: skip


def _day_words(day: date) -> str:
    return f"{date_words(day)}（{weekday_words(day)}）"
