"""One activity: who comes, the tick list, and what is closed when it is over."""

from datetime import datetime, timedelta
from typing import Any

from app.activities import changes, closing, overview, sheet
from app.activities.closing import Closing
from app.activities.machine import OPENS_BEFORE, Absence
from app.activities.models import Occurrence, State, Undone
from app.clock import local
from app.console import terms
from app.console.desk import EVERYBODY, Answer, Back, Desk, Page, Room, Wrong
from app.console.meetings import found
from app.db import ident
from app.pages.posting import whole
from app.people import service as people
from app.people.models import House
from bot.wording.moments import moment_words, span_words

room = Room("meetings")

NAMES = 64 * 1024  # bytes and fields of a whole list in one form
FIELDS = 2000


async def show_page(desk: Desk, what: Occurrence, house: House, *, trouble: str = "", status: int = 200) -> Page:
    number = ident(what)
    page = whole(desk.query("page"), 4) or 1
    others, more = await sheet.others(desk.session, what, page)
    return Page(
        "meetings/show.html", status=status, trouble=trouble, given=desk.form, page=page, more=more,
        expected=await sheet.expected(desk.session, what), others=others,
        tally=(await overview.tallies(desk.session, [number]))[number], came=desk.query("came"),
        history=await _history(desk, what, house), **head(desk, what, house),
    )  # fmt: skip


def head(desk: Desk, what: Occurrence, house: House) -> dict[str, Any]:
    """What every page about an activity says of it."""
    return {
        "what": what, "house": house, "when": span_words(what.starts_at, what.ends_at, house.zone),
        "cancelled": what.state is State.CANCELLED, "begun": what.starts_at <= desk.now,
        "open": what.state is State.SCHEDULED and desk.now >= what.starts_at - OPENS_BEFORE and what.closed_at is None,
        "over": what.ends_at <= desk.now, "late": closing.late(what, desk.now),
        "hours_left": max(0, -(-closing.time_left(what, desk.now) // timedelta(hours=1))),
    }  # fmt: skip


async def _history(desk: Desk, what: Occurrence, house: House) -> list[tuple[bool, str, str]]:
    """(closed or opened, by whom, when) of the list, oldest first."""
    events = await closing.history(desk.session, what)
    known = await people.people_by_id(desk.session, {event.by_id for event in events})
    return [(e.closed, known[e.by_id].name, moment_words(e.at, desk.now, house.zone)) for e in events]


@room.get("/activities/{occurrence:int}", roles=EVERYBODY)
async def show(desk: Desk) -> Answer:
    what, house = await found(desk)
    return await show_page(desk, what, house)


@room.post("/activities/{occurrence:int}/title", roles=EVERYBODY)
async def rename(desk: Desk) -> Answer:
    what, house = await found(desk)
    try:
        changes.rename(what, terms.title(desk.form.get("title", "")))
    except Wrong as wrong:
        return await show_page(desk, what, house, trouble=wrong.key, status=422)
    return Back(f"/console/activities/{what.id}?came=renamed")


# The list


@room.get("/activities/{occurrence:int}/list", roles=EVERYBODY)
async def ticks(desk: Desk) -> Answer:
    what, house = await found(desk)
    return await _list_page(desk, what, house)


async def _list_page(desk: Desk, what: Occurrence, house: House, *, trouble: str = "", status: int = 200) -> Page:
    page = whole(desk.query("page"), 4) or 1
    expected = await sheet.expected(desk.session, what)
    others, more = await sheet.others(desk.session, what, page)
    hands = await people.people_by_id(desk.session, {line.mark.marked_by for line in expected if line.mark})
    return Page(
        "meetings/list.html", status=status, trouble=trouble, others=others, more=more, page=page,
        here_now=[
            (line, _time(line.mark.at, house), hands[line.mark.marked_by].known_as)
            for line in expected
            if line.present and line.mark
        ],
        missing=[line for line in expected if not line.present],
        came={name: whole(desk.query(name), 4) or 0 for name in ("done", "already", "old")},
        **head(desk, what, house),
    )  # fmt: skip


def _time(moment: datetime, house: House) -> str:
    return f"{local(moment, house.zone):%H:%M}"


@room.post("/activities/{occurrence:int}/list", roles=EVERYBODY, longest=NAMES, most=FIELDS)
async def tick(desk: Desk) -> Answer:
    """The whole list in one request: who was ticked, each with what the list showed of them."""
    what, house = await found(desk)
    result = await sheet.tick(desk.session, what, _ticked(desk.form.all("there")), desk.who, desk.now)
    if result.refused is not None:
        trouble = f"console_meetings.refused_{result.refused.value}"
        return await _list_page(desk, what, house, trouble=trouble, status=422)
    came = f"done={len(result.done)}&already={len(result.already)}&old={len(result.old)}"
    return Back(f"/console/activities/{what.id}/list?{came}")


def _ticked(values: list[str]) -> dict[int, int]:
    """`12.345`: person 12, who was shown with the mark 345. LookupError for what no list of ours sends."""
    ticks = {}
    for value in values:
        person, _, mark = value.partition(".")
        number, shown = whole(person), whole(mark)
        if number is None or shown is None:
            raise LookupError("no tick of ours")
        ticks[number] = shown
    return ticks


@room.get("/activities/{occurrence:int}/people/{person:int}/undo", roles=EVERYBODY)
async def ask_why(desk: Desk) -> Answer:
    """A mark is taken back with its reason; whoever has none is only told so."""
    what, house = await found(desk)
    who = await people.visible_person(desk.session, desk.scope, desk.path("person"))
    mark = (await sheet.last_marks(desk.session, what)).get(ident(who))
    live = mark if mark is not None and mark.undone_at is None else None
    return Page("meetings/undo.html", person=who, mark=live, reasons=list(Undone), **head(desk, what, house))


@room.post("/activities/{occurrence:int}/people/{person:int}/undo", roles=EVERYBODY)
async def undo(desk: Desk) -> Answer:
    what, _house = await found(desk)
    who = await people.visible_person(desk.session, desk.scope, desk.path("person"))
    shown = whole(desk.form.get("mark", ""))
    if shown is None:
        raise LookupError("no mark")
    mark = await sheet.mark_on(desk.session, what, shown)
    if mark.person_id != who.id:
        raise LookupError("a mark of somebody else")
    because = desk.form.get("because", "")
    reason = Undone(because) if because in list(Undone) else Undone.OTHER
    await sheet.undo(desk.session, what, mark, reason, desk.who, desk.now)
    return Back(f"/console/activities/{what.id}/list")


# Afterwards


@room.get("/activities/{occurrence:int}/close", roles=EVERYBODY)
async def about_to_close(desk: Desk) -> Answer:
    what, house = await found(desk)
    return await _close_page(desk, what, house)


async def _close_page(desk: Desk, what: Occurrence, house: House, *, trouble: str = "", status: int = 200) -> Page:
    expected = await sheet.expected(desk.session, what)
    going = {rsvp.person_id for rsvp in await closing.missing_from(desk.session, what)}
    return Page(
        "meetings/close.html", status=status, trouble=trouble, absences=list(Absence), given=desk.form,
        missing=[line.person for line in expected if line.person.id in going],
        present=sum(line.present for line in expected), **head(desk, what, house),
    )  # fmt: skip


@room.post("/activities/{occurrence:int}/close", roles=EVERYBODY, longest=NAMES, most=FIELDS)
async def close(desk: Desk) -> Answer:
    what, house = await found(desk)
    said = {
        rsvp.person_id: Absence(word)
        for rsvp in await closing.missing_from(desk.session, what)
        if (word := desk.form.get(f"absence-{rsvp.person_id}", "")) in list(Absence)
    }
    came = await closing.close(desk.session, what, desk.who, said, desk.now)
    if came in (Closing.NOT_OVER, Closing.CANCELLED):
        return await _close_page(desk, what, house, trouble=f"console_meetings.close_{came.value}", status=422)
    return Back(f"/console/activities/{what.id}?came=closed")


@room.post("/activities/{occurrence:int}/reopen", roles=EVERYBODY)
async def reopen(desk: Desk) -> Answer:
    what, _house = await found(desk)
    await closing.reopen(desk.session, what, desk.who, desk.now)
    return Back(f"/console/activities/{what.id}/list")
