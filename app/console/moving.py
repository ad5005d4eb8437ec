"""Another place, another time, or called off: first who would hear what, then the same done."""

from typing import Any

from app.activities import changes
from app.activities.changes import Change
from app.activities.machine import Hears
from app.activities.models import Occurrence, State
from app.clock import local
from app.console import terms
from app.console.desk import CASES, EVERYBODY, Answer, Back, Desk, Page, Room, Wrong
from app.console.meeting import head
from app.console.meetings import found
from app.people import service as people
from app.people.models import House
from bot.discretion import discreet
from bot.notices.activities import moved_sentence
from bot.wording.moments import span_words, when_words

room = Room("meetings")


@room.get("/activities/{occurrence:int}/change", roles=EVERYBODY)
async def change(desk: Desk) -> Answer:
    what, house = await found(desk)
    return _form(desk, what, house, _as_it_is(what, house))


def _as_it_is(what: Occurrence, house: House) -> dict[str, str]:
    here = local(what.starts_at, house.zone)
    minutes = int((what.ends_at - what.starts_at).total_seconds() // 60)
    return {"venue": what.venue, "day": f"{here:%Y-%m-%d}", "at": f"{here:%H:%M}", "minutes": str(minutes)}


def _form(desk: Desk, what: Occurrence, house: House, given: Any, *, trouble: str = "", status: int = 200) -> Page:
    return Page("meetings/change.html", status=status, given=given, trouble=trouble, **head(desk, what, house))


@room.post("/activities/{occurrence:int}/change", roles=EVERYBODY)
async def preview_or_move(desk: Desk) -> Answer:
    """Without `sure` it is shown who would hear what; with the stamp of what was shown, just that is done."""
    what, house = await found(desk)
    if trouble := _too_late(desk, what):
        return _form(desk, what, house, _as_it_is(what, house), trouble=trouble, status=422)
    try:
        wanted = terms.read(desk.form, house, desk.now, named=what.title)
    except Wrong as wrong:
        return _form(desk, what, house, desk.form, trouble=wrong.key, status=422)
    planned = await changes.plan_move(
        desk.session, what, desk.now, desk.tools.quiet, starts_at=wanted.starts_at, venue=wanted.venue,
        minutes=wanted.minutes,
    )  # fmt: skip
    if (planned.starts_at, planned.ends_at, planned.venue) == (what.starts_at, what.ends_at, what.venue):
        return _form(desk, what, house, desk.form, trouble="console_meetings.same", status=422)
    return await _agreed(desk, what, house, planned, "change")


@room.get("/activities/{occurrence:int}/cancel", roles=EVERYBODY)
async def cancel(desk: Desk) -> Answer:
    what, house = await found(desk)
    planned = await changes.plan_cancel(desk.session, what, desk.now, desk.tools.quiet)
    return await _preview(desk, what, house, planned, "cancel", trouble=_too_late(desk, what))


@room.post("/activities/{occurrence:int}/cancel", roles=EVERYBODY)
async def call_off(desk: Desk) -> Answer:
    what, house = await found(desk)
    planned = await changes.plan_cancel(desk.session, what, desk.now, desk.tools.quiet)
    if trouble := _too_late(desk, what):
        return await _preview(desk, what, house, planned, "cancel", trouble=trouble, status=422)
    return await _agreed(desk, what, house, planned, "cancel")


def _too_late(desk: Desk, what: Occurrence) -> str:
    if what.state is State.CANCELLED:
        return "console_meetings.cancelled_already"
    return "console_meetings.begun_already" if what.starts_at <= desk.now else ""


async def _agreed(desk: Desk, what: Occurrence, house: House, planned: Change, way: str) -> Answer:
    sure = desk.form.get("sure", "")
    if sure != planned.stamp:
        trouble = "console_meetings.changed_meanwhile" if sure else ""
        return await _preview(desk, what, house, planned, way, trouble=trouble, status=422 if sure else 200)
    await changes.carry_out(desk.session, what, planned, desk.now, desk.tools.quiet)
    return Back(f"/console/activities/{what.id}?came={planned.kind}")


async def _preview(
    desk: Desk, what: Occurrence, house: House, planned: Change, way: str, *, trouble: str = "", status: int = 200
) -> Page:  # fmt: skip
    known = await people.people_by_id(desk.session, [number for number, _hears in planned.people])
    groups = [(hears.value, [known[number] for number in planned.who(hears)]) for hears in Hears]
    return Page(
        "meetings/preview.html", status=status, trouble=trouble, planned=planned, way=way, given=desk.form,
        groups=groups, new_when=span_words(planned.starts_at, planned.ends_at, house.zone),
        said=_sentence(desk, what, house, planned), may_call=desk.who.role in CASES, **head(desk, what, house),
    )  # fmt: skip


def _sentence(desk: Desk, what: Occurrence, house: House, planned: Change) -> str:
    """What those hear who are told, word for word; nothing where nobody is told."""
    if not planned.who(Hears.TOLD):
        return ""
    about = {"title": what.title, "place": planned.venue, **when_words(planned.starts_at, house.zone)}
    eye = discreet(desk.words)

    def say(key: str, **data: Any) -> str:
        return desk.say(key, **eye.data(data)[0])

    if planned.kind == changes.CALLED_OFF:
        return say("rsvp.called_off", **about)
    return moved_sentence(say, about, what.starts_at, planned.starts_at, what.venue, house.zone)
