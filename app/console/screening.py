"""The screening desk: what was read lately and whether that was right, and what was missed."""

from collections.abc import Sequence
from typing import Any

from app.console.desk import CASES, RUNS, Answer, Back, Desk, Page, Room
from app.db import ident
from app.escalations import service as escalations
from app.escalations.models import Via
from app.marks import desk as marked
from app.marks import service as marks
from app.marks.desk import Read, Shown
from app.marks.models import Mark, MarkKind, Urgency, Why
from app.marks.service import Judged, NothingToMark
from app.pages import why
from app.pages.posting import FormError, whole
from app.people import service as people
from app.people.models import Role
from bot.conversation.marking import LEAST, MOST, what_reads
from bot.wording.moments import date_words, moment_words

HERE = "/console/screening"
READINGS, MISSED = 10, 15  # on one page
LONGEST = 16 * 1024  # bytes of a form: a thousand characters take up to nine each, and more on their way
URGENCIES = (Urgency.RED, Urgency.ORANGE, Urgency.YELLOW)
NAMES = 8  # cases that one answer names

room = Room("screening", nav=HERE, roles=(*CASES, *RUNS))


# What was read


@room.get("/screening", roles=(*CASES, *RUNS))
async def readings(desk: Desk) -> Answer:
    if desk.who.role is Role.ADMINISTRATOR:  # nobody's words are theirs to read
        return Back(f"{HERE}/rules")
    return await _readings(desk)


async def _readings(desk: Desk, *, trouble: str = "", status: int = 200) -> Page:
    shown, before = _shown(desk.query("show")), number_in(desk.query("before"))
    found = await marked.readings(desk.session, desk.scope, shown, desk.now, READINGS + 1, before=before)
    just = number_in(desk.query("marked"))
    now_marked = [await marked.reading(desk.session, desk.scope, just)] if just else []
    cards = await _cards(desk, [*now_marked, *found[:READINGS]])
    return Page(
        "screening/readings.html", status, trouble=trouble, cards=cards[len(now_marked) :],
        now_marked=cards[: len(now_marked)], shown=shown, choices=list(Shown),
        to_mark=await marked.unmarked(desk.session, desk.scope, desk.now),
        older=ident(found[READINGS - 1].flag) if len(found) > READINGS else None, before=before,
        weeks=await marked.weeks(desk.session, desk.scope, desk.now, desk.zone), kinds=MarkKind,
        day_words=date_words, whys=list(Why), urgencies=URGENCIES,
    )  # fmt: skip


@room.post("/screening/readings/{reading:int}", roles=CASES)
async def mark(desk: Desk) -> Answer:
    """The last word counts; the case stays as it is."""
    read = await marked.reading(desk.session, desk.scope, desk.path("reading"))
    judged = _judged(desk.form.get("as", ""))
    row = await escalations.case(desk.session, read.flag.case_id)
    try:
        await marks.mark_flag(desk.session, desk.who, row, ident(read.flag), judged, desk.now, via=Via.CONSOLE)
    except NothingToMark:
        return await _readings(desk, trouble="console_screening.nothing_to_mark", status=422)
    return Back(f"{HERE}?show={_shown(desk.form.get('show', '')).value}&marked={read.flag.id}")


def _judged(said: str) -> Judged:
    """One button says either why it was a false alarm, or how urgent it really was."""
    if said in set(Why):
        return Judged(Urgency.NONE, Why(said))
    if said in {one.value for one in URGENCIES}:
        return Judged(Urgency(said))
    raise FormError("no such mark")


async def _cards(desk: Desk, found: Sequence[Read]) -> list[dict[str, Any]]:
    subjects = await people.people_by_id(desk.session, {one.flag.person_id for one in found})
    markers = await people.people_by_id(desk.session, {one.mark.by_id for one in found if one.mark})
    houses = await people.houses_by_id(desk.session, {one.flag.house_id for one in found})
    return [
        {
            "id": one.flag.id, "level": one.flag.level.name.lower(), "code": one.code, "mark": one.mark,
            "why": why.explained([one.flag], (), desk.words, houses[one.flag.house_id], desk.now)[0],
            "called": subjects[one.flag.person_id].known_as, "house": houses[one.flag.house_id].name,
            "by": markers[one.mark.by_id].name if one.mark else "",
            "marked_at": moment_words(one.mark.at, desk.now, desk.zone) if one.mark else "",
        }
        for one in found
    ]  # fmt: skip


# What was missed


@room.get("/screening/missed", roles=CASES)
async def missed(desk: Desk) -> Answer:
    return await _missed(desk, said=await _what_came_of_it(desk))


async def _missed(desk: Desk, *, said: str = "", trouble: str = "") -> Page:
    before = number_in(desk.query("before"))
    found = await marked.missed(desk.session, desk.scope, desk.now, MISSED + 1, before=before)
    shown = found[:MISSED]
    names = await people.people_by_id(
        desk.session, {number for one in shown for number in (one.by_id, one.person_id) if number is not None}
    )
    return Page(
        "screening/missed.html", 422 if trouble else 200, trouble=trouble, said=said, form=desk.form,
        urgencies=URGENCIES, most=MOST, before=before,
        cards=[_missed_card(desk, one, {number: who.known_as for number, who in names.items()}) for one in shown],
        older=ident(shown[-1]) if len(found) > MISSED else None,
    )  # fmt: skip


def _missed_card(desk: Desk, one: Mark, names: dict[int, str]) -> dict[str, Any]:
    return {
        "level": one.level.value, "was": one.screen_level.value, "said": one.said,
        "called": names.get(one.person_id or 0, ""), "by": names.get(one.by_id, ""),
        "at": moment_words(one.at, desk.now, desk.zone),
    }  # fmt: skip


@room.post("/screening/missed", roles=CASES, longest=LONGEST)
async def note_missed(desk: Desk) -> Answer:
    words, level = desk.form.get("words", "").strip(), desk.form.get("level", "")
    if not LEAST <= len(words) <= MOST:
        return await _missed(desk, trouble="console_screening.missed_length")
    if level not in {one.value for one in URGENCIES}:
        return await _missed(desk, trouble="console_screening.missed_no_level")
    came = await marks.missed(
        desk.session, desk.who, words, Urgency(level), what_reads(words), desk.now, via=Via.CONSOLE
    )  # fmt: skip
    codes = ".".join(row.code for row in came.cases)
    return Back(f"{HERE}/missed?people={came.people}&level={level}&opened={int(came.opened)}&cases={codes}")


async def _what_came_of_it(desk: Desk) -> str:
    """Nothing of what the address says is repeated but numbers, levels, and codes of cases that are there."""
    level = desk.query("level")
    if level not in {one.value for one in URGENCIES}:
        return ""
    n = number_in(desk.query("people")) or 0
    codes = []
    for code in desk.query("cases").split(".")[:NAMES]:
        row = await escalations.by_code(desk.session, desk.scope, desk.who, code) if code else None
        if row is not None:
            codes.append(row.code)
    if codes:
        key = "missed_opened" if desk.query("opened") == "1" else "missed_open_already"
        return desk.say(f"console_screening.{key}", n=n, codes="、".join(codes))
    if not n:
        return desk.say("console_screening.missed_unknown")
    if n > marks.MOST_MEANT:
        return desk.say("console_screening.missed_many", n=n)
    return desk.say("console_screening.missed_noted", n=n, level=desk.say(f"console_screening.level_{level}"))


def _shown(said: str) -> Shown:
    return Shown(said) if said in set(Shown) else Shown.UNMARKED


def number_in(said: str) -> int | None:
    """A number of a row from an address; None: it is none."""
    return whole(said) or None
