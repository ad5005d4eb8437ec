"""值班 in the console: fourteen days of a house, who is put on or taken off, swaps, weekly hours and special days."""

from collections.abc import Awaitable, Callable
from datetime import date, time, timedelta
from typing import Any

from app.clock import local
from app.console.desk import CASES, EVERYBODY, LEADS, Answer, Back, Desk, Page, Room
from app.console.rota_view import View
from app.db import ident
from app.duty import arranging, changes, edits, keeping
from app.duty import service as duty
from app.duty.arranging import Hours
from app.duty.changes import Obstacle
from app.duty.edits import DAYS_AHEAD
from app.duty.keeping import Clash, NoTime
from app.duty.models import ChangeState, DayKind
from app.pages.posting import whole
from app.people import service as people
from app.people.models import House, Person, Role
from bot.conversation.colleagues import FURTHEST
from bot.conversation.swaps import refusal
from bot.wording.moments import date_words

room = Room("roster", nav="/console/roster", roles=EVERYBODY)

SAID = ("nothing", "asked", "agreed", "declined", "withdrawn", "over")
MIDNIGHT_END = "24:00"


class Wrong(Exception):  # noqa: N818 - it is an answer: the sentence that says what to do
    """Something in a form cannot be meant; the text says what to do."""


# Looking


@room.get("/roster", roles=EVERYBODY)
async def own(desk: Desk) -> Answer:
    return await _shown(desk, desk.house)


@room.get("/roster/{house:int}", roles=EVERYBODY)
async def show(desk: Desk) -> Answer:
    return await _shown(desk, await _house(desk, desk.path("house")))


@room.get("/roster/{house:int}/weekly", roles=EVERYBODY)
async def weekly(desk: Desk) -> Answer:
    return await _weekly(desk, await _house(desk, desk.path("house")))


async def _house(desk: Desk, number: int) -> House:
    if not desk.scope.covers(number):
        raise LookupError(f"no house {number}")
    return await people.house(desk.session, number)


async def _shown(desk: Desk, house: House, status: int = 200, *, trouble: str = "", at: str = "") -> Answer:
    view = View(desk.session, desk.words, house, desk.now)
    crew = await arranging.crew(desk.session, house)
    takes_part = desk.who.role in CASES
    unknown = (await duty.unknown_years(desk.session, desk.now, timedelta(days=DAYS_AHEAD))).get(house.code, [])
    return Page(
        "roster/show.html", status, **await _common(desk, view), trouble=trouble, at=at, crew=crew,
        days=await view.days(), there=await view.there(), unknown=unknown, said=_said(desk),
        waiting=await view.waiting(desk.who) if takes_part else [],
        asked=await view.asked(desk.who) if takes_part else [],
        colleagues=[one for one in crew if one.id != desk.who.id] if _serves(desk, crew) else [],
    )  # fmt: skip


async def _weekly(desk: Desk, house: House, status: int = 200, *, trouble: str = "", at: str = "") -> Answer:
    view = View(desk.session, desk.words, house, desk.now)
    lines, turns = await keeping.lines(desk.session, house), await keeping.turns(desk.session, house)
    kept = await keeping.kept(desk.session, house)
    special = await keeping.special_days(desk.session, house, view.today, FURTHEST.days)
    await view.learn([*(line.person_id for line in lines), *kept, *(p for turn in turns for p in turn.people)])
    await view.learn(one.noted.made_by for one in special.values() if one.noted is not None)
    return Page(
        "roster/weekly.html", status, **await _common(desk, view), trouble=trouble, at=at, view=view, lines=lines,
        turns=turns, kept=kept, crew=await arranging.crew(desk.session, house),
        special=[(one, view.special_words(one)) for one in special.values() if one.noted is not None],
        latest=await view.latest(), date_words=date_words,
    )  # fmt: skip


async def _common(desk: Desk, view: View) -> dict[str, Any]:
    houses = await people.houses_by_id(desk.session, desk.scope.houses)
    number = whole(desk.query("edit"))
    done = await edits.find(desk.session, desk.scope, number) if number else None
    return {
        "house": view.house, "houses": [houses[n] for n in sorted(houses)], "leads": desk.who.role in LEADS,
        "everywhere": await _leads_all(desk, view.house), "today": view.today, "furthest": view.today + FURTHEST,
        "effect": await view.effect(done) if done is not None and done.house_id == view.house.id else None,
    }  # fmt: skip


def _said(desk: Desk) -> str:
    return desk.query("said") if desk.query("said") in SAID else ""


def _serves(desk: Desk, crew: list[Person]) -> bool:
    return any(one.id == desk.who.id for one in crew)


async def _leads_all(desk: Desk, house: House) -> bool:
    return desk.who.role in LEADS and await people.houses_of(desk.session, house.programme_id) <= desk.scope.houses


# Changing


Act = Callable[[Desk, House], Awaitable[Answer]]


def _in_house(path: str, at: str, *, weekly: bool = False, roles: tuple[Role, ...] = LEADS) -> Callable[[Act], Act]:
    """A form of the page of a house: what is wrong with it is said above it, and what was typed stays."""

    def register(act: Act) -> Act:
        async def handle(desk: Desk) -> Answer:
            house = await _house(desk, desk.path("house"))
            try:
                return await act(desk, house)
            except Wrong as wrong:
                page = _weekly if weekly else _shown
                return await page(desk, house, 422, trouble=str(wrong), at=at)

        handle.__name__ = act.__name__
        room.post(f"/roster/{{house:int}}/{path}", roles=roles)(handle)
        return act

    return register


@_in_house("on", "on")
async def put_on(desk: Desk, house: House) -> Answer:
    who = await _crew_member(desk, house)
    day, hours = _day(desk, house), _hours(desk)
    made = await arranging.put_on(desk.session, [house], who, day, hours, by=desk.who, now=desk.now)
    if isinstance(made, Obstacle):
        raise Wrong(desk.say("rota.over"))
    return await _done(desk, house)


@_in_house("off", "off")
async def take_off(desk: Desk, house: House) -> Answer:
    who = await _crew_member(desk, house)
    day = _day(desk, house)
    last = _day(desk, house, "last") if desk.form.get("last", "") else None
    hours = _hours(desk) if desk.form.get("starts", "") or desk.form.get("ends", "") else None
    if last is not None and last < day:
        raise Wrong(desk.say("console_roster.last_before_first"))
    if last is not None and last != day and hours is not None:
        raise Wrong(desk.say("console_roster.days_or_hours"))
    off = await arranging.take_off(
        desk.session, [house], who, day, last=last, hours=hours, by=desk.who, now=desk.now
    )  # fmt: skip
    if isinstance(off, Obstacle):
        raise Wrong(desk.say("console_roster.no_shift_of", name=who.name))
    return await _done(desk, house)


@_in_house("swaps", "swap", roles=CASES)
async def ask(desk: Desk, house: House) -> Answer:
    """One asks a colleague to take one's shift of a day, and perhaps takes one of theirs."""
    other = await _crew_member(desk, house)
    day = _day(desk, house)
    back = _day(desk, house, "back") if desk.form.get("back", "") else None
    made = await arranging.ask(desk.session, desk.scope, desk.who, other, day, desk.now, back=back)
    if isinstance(made, Obstacle):
        raise Wrong(refusal(desk.words, made, other.name, date_words(day), date_words(back) if back else ""))
    return Back(f"/console/roster/{house.id}?said=asked")


@_in_house("lines", "line", weekly=True)
async def add_line(desk: Desk, house: House) -> Answer:
    who = await _crew_member(desk, house)
    weekdays = sorted({int(day) for day in desk.form.all("weekday") if day in "0123456" and len(day) == 1})
    wrong = await keeping.add_lines(
        desk.session, house, who, weekdays, _hours(desk, whole_day=True), by=desk.who, now=desk.now,
        on_holidays="on_holidays" in desk.form,
    )  # fmt: skip
    match wrong:
        case Clash(line):
            view = View(desk.session, desk.words, house, desk.now)
            when = view.line_words([line.weekday], line.starts, line.ends)
            raise Wrong(desk.say("console_roster.clash", name=who.name, when=when))
        case NoTime():
            raise Wrong(desk.say(f"console_roster.{wrong.value}"))
    return await _done(desk, house, weekly=True)


@_in_house("file", "file", weekly=True)
async def file_again(desk: Desk, house: House) -> Answer:
    """The programme's file says again when somebody is there."""
    who = await _crew_member(desk, house)
    await keeping.back_to_file(desk.session, house, ident(who), by=desk.who, now=desk.now)
    return await _done(desk, house, weekly=True)


@_in_house("days", "day", weekly=True)
async def note_day(desk: Desk, house: House) -> Answer:
    day = _day(desk, house)
    kind = desk.form.get("kind", "")
    if kind not in [one.value for one in DayKind]:
        raise Wrong(desk.say("console_roster.no_kind"))
    like = desk.form.get("hours_of", "")
    hours_of = int(like) if kind == DayKind.WORKING and like in tuple("0123456") else None
    houses, everywhere = await _concerned(desk, house)
    await keeping.note_day(
        desk.session, houses, day, DayKind(kind), by=desk.who, now=desk.now, everywhere=everywhere, hours_of=hours_of
    )
    return await _done(desk, house, weekly=True)


@_in_house("days/forget", "day", weekly=True)
async def forget_day(desk: Desk, house: House) -> Answer:
    day = _day(desk, house)
    houses, everywhere = await _concerned(desk, house)
    await keeping.forget_day(desk.session, houses, day, by=desk.who, now=desk.now, everywhere=everywhere)
    return await _done(desk, house, weekly=True)


async def _concerned(desk: Desk, house: House) -> tuple[list[House], bool]:
    """The houses that a day is noted for: this one, or all of the programme."""
    if "everywhere" not in desk.form:
        return [house], False
    if not await _leads_all(desk, house):
        raise LookupError("not the whole programme")
    by_id = await people.houses_by_id(desk.session, await people.houses_of(desk.session, house.programme_id))
    return [by_id[number] for number in sorted(by_id)], True


@room.post("/roster/lines/{line:int}/remove", roles=LEADS)
async def remove_line(desk: Desk) -> Answer:
    line = await keeping.visible_line(desk.session, desk.scope, desk.path("line"))
    house = await people.house(desk.session, line.house_id)
    await keeping.remove_line(desk.session, line, by=desk.who, now=desk.now)
    return await _done(desk, house, weekly=True)


@room.post("/roster/changes/{change:int}/undo", roles=LEADS)
async def undo(desk: Desk) -> Answer:
    change = await changes.visible(desk.session, desk.scope, desk.path("change"))
    house = await people.house(desk.session, change.house_id)
    if not await arranging.undo(desk.session, change, by=desk.who, now=desk.now):
        return Back(f"/console/roster/{house.id}?said=nothing")
    return await _done(desk, house)


@room.post("/roster/swaps/{change:int}/agree", roles=CASES)
async def agree(desk: Desk) -> Answer:
    return await _settled(desk, yes=True)


@room.post("/roster/swaps/{change:int}/decline", roles=CASES)
async def decline(desk: Desk) -> Answer:
    return await _settled(desk, yes=False)


async def _settled(desk: Desk, *, yes: bool) -> Answer:
    swap = await changes.visible(desk.session, desk.scope, desk.path("change"))
    house = await people.house(desk.session, swap.house_id)
    before = swap.state
    state = await arranging.answer(desk.session, ident(swap), desk.who, desk.now, yes=yes)
    if before is not ChangeState.PROPOSED or state is ChangeState.EXPIRED:
        return Back(f"/console/roster/{house.id}?said=over")
    return await _done(desk, house) if yes else Back(f"/console/roster/{house.id}?said=declined")


@room.post("/roster/swaps/{change:int}/withdraw", roles=CASES)
async def withdraw(desk: Desk) -> Answer:
    swap = await changes.visible(desk.session, desk.scope, desk.path("change"))
    state = await arranging.take_back(desk.session, swap, desk.who, desk.now)
    said = "withdrawn" if state is ChangeState.WITHDRAWN else "over"
    return Back(f"/console/roster/{swap.house_id}?said={said}")


async def _done(desk: Desk, house: House, *, weekly: bool = False) -> Answer:
    """Back to the page, which says what became different by the last edit."""
    last = await edits.latest(desk.session, house, 1)
    said = f"?edit={last[0].id}" if last else ""
    return Back(f"/console/roster/{house.id}{'/weekly' if weekly else ''}{said}")


# Reading what was typed


async def _crew_member(desk: Desk, house: House) -> Person:
    """Whom the form names: somebody who works at this house. LookupError for anybody else."""
    named = desk.form.get("person", "")
    for one in await arranging.crew(desk.session, house):
        if str(one.id) == named:
            return one
    if named:
        raise LookupError("nobody of this house")
    raise Wrong(desk.say("console_roster.no_person"))


def _day(desk: Desk, house: House, name: str = "day") -> date:
    try:
        day = date.fromisoformat(desk.form.get(name, ""))
    except ValueError:
        raise Wrong(desk.say("console_roster.no_date")) from None
    today = local(desk.now, house.zone).date()
    if not today <= day <= today + FURTHEST:
        raise Wrong(desk.say("rota.too_far"))
    return day


def _hours(desk: Desk, *, whole_day: bool = False) -> Hours:
    """From when until when; an end before the start is on the next day. `whole_day`: 00:00 to 00:00 is a day."""
    try:
        starts = time.fromisoformat(desk.form.get("starts", ""))
        typed = desk.form.get("ends", "")
        ends = time() if typed == MIDNIGHT_END else time.fromisoformat(typed)
    except ValueError:
        raise Wrong(desk.say("console_roster.no_time")) from None
    if starts.tzinfo or ends.tzinfo or (starts == ends and not (whole_day and starts == time())):
        raise Wrong(desk.say("console_roster.same_time"))
    return starts.replace(second=0, microsecond=0), ends.replace(second=0, microsecond=0)
