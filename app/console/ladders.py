"""求助阶梯 in the console: who is called in which order, written by whoever leads, and who would be told when."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from app.clock import local, wall
from app.console.desk import LEADS, RUNS, Answer, Back, Desk, Page, Room, Wrong
from app.console.ladder_form import Draft, draft_from, draft_of, plan_of
from app.db import ident
from app.escalations import policy, preview
from app.escalations.ladders import DEFAULTS, LadderError, ladder_for, read_ladder
from app.escalations.models import LadderChange
from app.escalations.preview import Moment, What
from app.escalations.states import Ladder, Level
from app.messages import service as messages
from app.pages.posting import whole
from app.people import service as people
from app.people.models import House
from bot.channels.foretold import ways_in_order
from bot.wording.moments import moment_words

WRITERS = (*LEADS, *RUNS)
room = Room("ladders", nav="/console/ladders", roles=WRITERS)

LEVELS = tuple(sorted(Level, reverse=True))
NIGHT = time(23, 40)
MOST_FIELDS = 200
LONGEST_FORM = 16 * 1024
LATEST = 10
SAID = ("saved", "same", "file")


@room.get("/ladders", roles=WRITERS)
async def overview(desk: Desk) -> Answer:
    """The three ladders as they are."""
    programme_id = await _programme(desk)
    found = []
    for level in LEVELS:
        row = await policy.standing(desk.session, programme_id, level)
        plan = row.plan if row is not None else DEFAULTS[level]
        found.append((level, await _in_words(desk, plan, level), await _source(desk, level)))
    return Page("ladders/overview.html", ladders=found)


@room.get("/ladders/{level:int}", roles=WRITERS)
async def edit(desk: Desk) -> Answer:
    level = await _level(desk)
    try:
        draft = draft_of(await ladder_for(desk.session, desk.who.programme_id, level))
    except LadderError:  # what stands there cannot be read: the usual one is a beginning
        draft = draft_of(read_ladder(DEFAULTS[level]))
    return await _shown(desk, level, draft)


@room.post("/ladders/{level:int}", roles=WRITERS, longest=LONGEST_FORM, most=MOST_FIELDS)
async def change(desk: Desk) -> Answer:
    """A step more, a step less, another look at the preview, or all of it saved: nothing that was typed is lost."""
    level = await _level(desk)
    draft, what = draft_from(desk.form), desk.form.get("do", "")
    if what == "add":
        return await _shown(desk, level, draft.with_step())
    verb, _, which = what.partition("-")
    nth = whole(which, 2)
    if verb == "drop" and nth is not None:
        return await _shown(desk, level, draft.without_step(nth))
    if what != "save":
        return await _shown(desk, level, draft)
    try:
        plan = plan_of(draft, level)
        saved = await policy.save_ladder(
            desk.session, desk.who.programme_id, level, plan, desk.now, by=desk.who
        )  # fmt: skip
    except Wrong as wrong:
        return await _shown(desk, level, draft, trouble=_say(desk, wrong.key, **wrong.data))
    except LadderError as refused:
        return await _shown(desk, level, draft, trouble=str(refused))
    return Back(f"/console/ladders/{level.value}?said={'same' if saved is None else 'saved'}")


@room.post("/ladders/{level:int}/file", roles=WRITERS)
async def to_file(desk: Desk) -> Answer:
    level = await _level(desk)
    try:
        undone = await policy.back_to_file(desk.session, desk.who.programme_id, level, desk.now, by=desk.who)
    except LadderError as refused:
        ladder = await ladder_for(desk.session, desk.who.programme_id, level)
        return await _shown(desk, level, draft_of(ladder), trouble=str(refused))
    return Back(f"/console/ladders/{level.value}?said={'same' if undone is None else 'file'}")


async def _programme(desk: Desk) -> int:
    """The programme whose ladders these are. LookupError: this person sees only some of its houses."""
    houses = await people.houses_of(desk.session, desk.who.programme_id)
    if not houses <= desk.scope.houses:
        raise LookupError("not the whole programme")
    return desk.who.programme_id


async def _level(desk: Desk) -> Level:
    await _programme(desk)
    try:
        return Level(desk.path("level"))
    except ValueError:
        raise LookupError("no such level") from None


def _say(desk: Desk, key: str, **data: object) -> str:
    return desk.say(f"console_ladders.{key}", **data)


async def _shown(desk: Desk, level: Level, draft: Draft, *, trouble: str = "") -> Answer:
    seen = await _look(desk)
    foretold: list[Line] = []
    unclear = ""
    try:
        ladder = read_ladder(plan_of(draft, level))
        foretold = await _foretold(desk, level, ladder, seen)
    except Wrong as wrong:
        unclear = _say(desk, wrong.key, **wrong.data)
    history = await policy.history(desk.session, desk.who.programme_id, level, LATEST)
    row = await policy.standing(desk.session, desk.who.programme_id, level)
    said = desk.query("said") if desk.query("said") in SAID and not trouble else ""
    return Page(
        "ladders/edit.html", 422 if trouble else 200, level=level, draft=draft, trouble=trouble, unclear=unclear,
        seen=seen, foretold=foretold, source=await _source(desk, level),
        here=row is not None and row.made_by is not None,
        history=[await _change_words(desk, one) for one in history], said=said,
        no_card=not desk.tools.settings.wechat_template_duty,
    )  # fmt: skip


async def _source(desk: Desk, level: Level) -> str:
    row = await policy.standing(desk.session, desk.who.programme_id, level)
    if row is None:
        return _say(desk, "from_usual")
    if row.made_by is None or row.made_at is None:
        return _say(desk, "from_file")
    by = (await people.person(desk.session, row.made_by)).name
    return _say(desk, "from_console", name=by, at=moment_words(row.made_at, desk.now, desk.zone))


# What a ladder says, in words


async def _in_words(desk: Desk, plan: dict[str, Any], level: Level) -> list[str]:
    try:
        ladder = read_ladder(plan)
    except LadderError as wrong:
        return [str(wrong)]
    said = []
    for n, step in enumerate(ladder.steps, start=1):
        who = "、".join(_say(desk, f"target_{target.value}") for target in step.targets)
        first = _say(desk, "first", ways="、".join(_say(desk, f"way_{way}") for way in step.channels))
        words = {"step": n, "who": who, "first": first if step.channels else "", "after": _minutes(desk, step.after)}
        said.append(_say(desk, "step_at_once" if not step.after else "step_after", **words))
    return [*said, *_endings(desk, ladder, level)]


def _endings(desk: Desk, ladder: Ladder, level: Level) -> list[str]:
    every, within = _minutes(desk, ladder.repeat_every), _minutes(desk, ladder.contact_within)
    again = "again_for_ever" if level is Level.RED or ladder.loops is None else "again_never"
    if again == "again_never" and ladder.loops:
        again = "again_some"
    return [_say(desk, again, every=every, n=ladder.loops or 0), _say(desk, "within", within=within)]


def _minutes(desk: Desk, span: timedelta) -> str:
    minutes = span // timedelta(minutes=1)
    if minutes and minutes % 1440 == 0:
        return _say(desk, "days", n=minutes // 1440)
    return _say(desk, "hours", n=minutes // 60) if minutes and minutes % 60 == 0 else _say(desk, "minutes", n=minutes)


@dataclass(frozen=True)
class Changed:
    head: str
    before: list[str]
    after: list[str]


async def _change_words(desk: Desk, one: LadderChange) -> Changed:
    """Who wrote it anew, and only the lines that are others now."""
    before = await _in_words(desk, one.before, one.level)
    after = await _in_words(desk, one.after, one.level)
    by = (await people.person(desk.session, one.by_id)).name
    return Changed(
        _say(desk, "changed", name=by, at=moment_words(one.at, desk.now, desk.zone)),
        [line for line in before if line not in after], [line for line in after if line not in before],
    )  # fmt: skip


# The preview


@dataclass(frozen=True)
class Look:
    """For which house, which pair of worker and backup, and from when on the preview is computed."""

    house: House
    houses: list[House]
    pair: str
    pairs: list[tuple[str, str]]
    moment: str
    begins: datetime


@dataclass(frozen=True)
class Line:
    at: str
    words: str
    empty: bool


async def _look(desk: Desk) -> Look:
    by_id = await people.houses_by_id(desk.session, await people.houses_of(desk.session, desk.who.programme_id))
    houses = [by_id[number] for number in sorted(by_id)]
    house = next((one for one in houses if str(one.id) == desk.form.get("house", "")), by_id[desk.house.id or 0])
    pairs = await people.who_answers_for_whom(desk.session, ident(house))
    names = await people.people_by_id(desk.session, {n for pair in pairs for n in pair if n is not None})
    listed = [
        (
            f"{worker}-{backup or 0}",
            _say(desk, "pair", worker=names[worker].name, backup=names[backup].name)
            if backup is not None else _say(desk, "pair_alone", worker=names[worker].name),
        )
        for worker, backup in pairs
    ]  # fmt: skip
    chosen = desk.form.get("pair", "")
    pair = chosen if chosen in dict(listed) else listed[0][0] if listed else ""
    moment = desk.form.get("moment", "")
    moment = moment if moment in ("now", "night") else "now"
    today = local(desk.now, house.zone)
    night = wall(today.date() + timedelta(days=today.time() > NIGHT), NIGHT, house.zone)
    return Look(house, houses, pair, listed, moment, night if moment == "night" else desk.now)


async def _foretold(desk: Desk, level: Level, ladder: Ladder, seen: Look) -> list[Line]:
    worker, _, backup = seen.pair.partition("-")
    subject = preview.somebody(seen.house, int(worker or 0) or None, int(backup or 0) or None)
    found = await preview.foretell(desk.session, seen.house, subject, level, ladder, seen.begins)
    told = {person_id for moment in found for person_id in moment.people}
    ways = await messages.ways_to(desk.session, told)
    names = {number: one.name for number, one in (await people.people_by_id(desk.session, told)).items()}
    return [_line(desk, level, moment, names, ways, seen) for moment in found]


def _line(
    desk: Desk, level: Level, moment: Moment, names: dict[int, str], ways: dict[int, tuple[str, ...]], seen: Look
) -> Line:
    at = local(moment.at, seen.house.zone)
    day = (at.date() - local(seen.begins, seen.house.zone).date()).days
    clock = f"{at:%H:%M}" if not day else _say(desk, "later_day", n=day, at=f"{at:%H:%M}")
    who = "、".join(
        f"{names[number]} {_by(desk, level, moment, ways.get(number, ()))}" for number in moment.people
    )  # fmt: skip
    words = _say(desk, f"told_{moment.what.value}", step=moment.step + 1, who=who)
    return Line(clock, words, moment.what in (What.EMPTY, What.NOBODY))


def _by(desk: Desk, level: Level, moment: Moment, ways: tuple[str, ...]) -> str:
    """By which way this person is told first, or by which ones at once."""
    if moment.loud and len(ways) > 1:
        return _say(desk, "at_once", ways="、".join(_say(desk, f"way_{way}") for way in ways))
    kind = "case_week" if level is Level.YELLOW else "case_alert"
    in_turn = ways_in_order(kind, {"first": list(moment.channels)} if moment.channels else {}, ways)
    return _say(desk, f"way_{in_turn[0]}") if in_turn else _say(desk, "no_way")
