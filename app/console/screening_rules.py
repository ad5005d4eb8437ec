"""The rules in force with how they fare; a new book of them is tried, put in force, and taken back.

Trying reads a month of messages: it is done for whoever looks at a draft, in a view that writes nothing. What it
found is signed into the button, so that only what somebody has looked at can be put in force.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from app.console.desk import CASES, LEADS, RUNS, Answer, Back, Desk, Page
from app.console.screening import HERE, number_in
from app.console.screening import room as room
from app.db import ident
from app.marks import books, drafts
from app.marks import desk as marked
from app.marks.models import RuleBook
from app.messages import service as messages
from app.people import houses
from app.people import service as people
from app.people.models import Role
from app.vault import LinkError
from bot import trial
from bot.keeper import EVERY
from bot.screening.comparing import LEVELS
from bot.screening.lines import line_of
from bot.screening.loader import RULES, RuleError, parse_rules
from bot.screening.model import NAME as MODEL
from bot.screening.rules import Rule
from bot.screening.screener import in_force, shipped
from bot.trial import Trial
from bot.wording.moments import date_words, moment_words

MAY_CHANGE = (*LEADS, *RUNS)
ON_A_PAGE = 10
TOO_FEW = 5
LARGEST = 200 * 1024  # bytes of a file; what came with the program has 60 KiB
LONGEST = 4 * LARGEST  # of a form with one in it: a Chinese character takes three bytes, and nine on its way
LONGEST_NOTE = 200  # characters
WORDS = 30  # messages whose words are listed
PURPOSE, LOOKED_AT_LASTS = "rules-tried", timedelta(hours=1)
KB = 1024


# What is in force


@room.get("/screening/rules", roles=(*CASES, *RUNS))
async def rules(desk: Desk) -> Answer:
    standing = in_force().rules
    asked = desk.query("q").strip()[:60]
    found = [rule for rule in standing.rules if _speaks_of(rule, asked)]
    pages = max(-(-len(found) // ON_A_PAGE), 1)
    page = min(number_in(desk.query("page")) or 1, pages)
    fared = await marked.fared(desk.session, desk.scope, desk.now - trial.LOOKS_BACK)
    book = await books.in_force(desk.session)
    newest = _version(book)
    return Page(
        "screening/rules.html", rules=found[(page - 1) * ON_A_PAGE : page * ON_A_PAGE], n=len(standing.rules),
        version=standing.version, soon=newest if newest != standing.version else "", asked=asked, page=page,
        pages=pages, fared=fared, never=marked.Fared(), too_few=TOO_FEW,
        model=fared.get(MODEL, marked.Fared()) if in_force().model and page == pages and not asked else None,
    )  # fmt: skip


def _speaks_of(rule: Rule, asked: str) -> bool:
    said = (rule.id, rule.reason, rule.category, *rule.examples_pos, *rule.examples_neg)
    return not asked or any(asked.casefold() in one.casefold() for one in said)


def _version(book: RuleBook | None) -> str:
    return book.version if book is not None and book.version else shipped().rules.version


# Another book


@room.get("/screening/book", roles=MAY_CHANGE)
async def book(desk: Desk) -> Answer:
    return await _book(desk)


async def _book(desk: Desk, *, trouble: str = "", status: int = 200) -> Page:
    rows = await books.newest(desk.session, 10)
    put = number_in(desk.query("put"))
    return Page(
        "screening/book.html", status, rows=[_line(desk, row) for row in rows], trouble=trouble,
        version=_version(rows[0] if rows else None), may=await _may_change(desk), can_go_back=_can_go_back(rows),
        most=LARGEST // KB, form=desk.form,
        put=next((row for row in rows[:1] if row.id == put), None), seconds=round(EVERY),
    )  # fmt: skip


def _can_go_back(rows: list[RuleBook]) -> bool:
    return bool(rows) and rows[0].again_of != books.BEFORE_ANY


def _line(desk: Desk, row: RuleBook) -> dict[str, Any]:
    return {
        "n": row.id, "version": _version(row), "again": row.again_of is not None, "by": row.by, "note": row.note,
        "at": moment_words(row.at, desk.now, desk.zone),
    }  # fmt: skip


async def _may_change(desk: Desk) -> bool:
    """Rules are everybody's: only whoever looks after all of the programme, and of the only one there is."""
    whole = await people.houses_of(desk.session, desk.scope.programme_id)
    return whole <= desk.scope.houses and await people.only_programme(desk.session) is not None


async def _needs_to(desk: Desk) -> None:
    if not await _may_change(desk):
        raise LookupError("not theirs to change")


@room.get("/screening/book/text", roles=MAY_CHANGE)
async def text(desk: Desk) -> Answer:
    """The file itself, for whoever wants to change it."""
    await _needs_to(desk)
    standing = await books.in_force(desk.session)
    source = standing.source if standing is not None and standing.source is not None else RULES.read_text("utf-8")
    return _file(source)


def _file(source: str) -> Response:
    name = {"Content-Disposition": 'attachment; filename="rules.yaml"'}
    return Response(source, media_type="text/plain; charset=utf-8", headers=name)


@room.post("/screening/drafts", roles=MAY_CHANGE, longest=LONGEST)
async def hand_in(desk: Desk) -> Answer:
    """Kept as it is, whatever is wrong with it; read when it is looked at."""
    await _needs_to(desk)
    source = desk.form.get("source", "").replace("\r\n", "\n")
    if not source.strip():
        return await _book(desk, trouble=desk.say("console_screening.no_text"), status=422)
    if len(source.encode()) > LARGEST:
        trouble = desk.say("console_screening.too_long", most=LARGEST // KB)
        return await _book(desk, trouble=trouble, status=422)
    kept = await drafts.keep(desk.session, desk.who, source, desk.now)
    return Back(f"{HERE}/drafts/{kept.id}")


@room.get("/screening/drafts/{draft:int}", roles=MAY_CHANGE)
async def draft(desk: Desk) -> Answer:
    kept = await drafts.find(desk.session, desk.scope.programme_id, desk.path("draft"))
    await _needs_to(desk)
    try:
        read = await asyncio.to_thread(parse_rules, kept.source)
    except RuleError as error:
        line = await asyncio.to_thread(line_of, error, kept.source)
        return Page(
            "screening/wrong.html", 422, why=_why(desk, error), line=line, near=_near(kept.source, line),
            source=kept.source, most=LARGEST // KB,
        )  # fmt: skip
    tried = await trial.try_out(desk.tools.db, read, desk.now, desk.tools.quiet, most=trial.MOST)
    return await _tried(desk, tried, f"{HERE}/drafts/{kept.id}/use", _Looked.of(tried, f"draft {kept.id}"), kept.note)


@room.post("/screening/drafts/{draft:int}/use", roles=MAY_CHANGE)
async def use(desk: Desk) -> Answer:
    kept = await drafts.find(desk.session, desk.scope.programme_id, desk.path("draft"))
    await _needs_to(desk)
    here = f"{HERE}/drafts/{kept.id}"
    kept.note = desk.form.get("note", "").strip()[:LONGEST_NOTE]
    looked = _looked(desk, f"draft {kept.id}")
    if looked is None:
        return Back(f"{here}?came=stale")
    if looked.lost and desk.form.get("even_so") != "yes":
        return Back(f"{here}?came=use_even_so")
    try:
        row = await trial.put(
            desk.session, kept.source, looked.version, standing=looked.standing, by=desk.who.name,
            note=kept.note, now=desk.now,
        )  # fmt: skip
    except trial.Overtaken:
        return Back(f"{here}?came=overtaken")
    except trial.AlreadyInForce:
        return Back(f"{here}?came=already")
    return Back(f"{HERE}/book?put={ident(row)}")


@room.get("/screening/back", roles=MAY_CHANGE)
async def back(desk: Desk) -> Answer:
    await _needs_to(desk)
    try:
        former = await trial.former(desk.tools.db, desk.now)
    except books.NothingEarlier:
        return await _book(desk, trouble=desk.say("console_screening.book_no_back"), status=422)
    except RuleError:
        return await _book(desk, trouble=desk.say("console_screening.back_broken"), status=422)
    tried = await trial.try_out(desk.tools.db, former.rules, desk.now, desk.tools.quiet, most=trial.MOST)
    return await _tried(desk, tried, f"{HERE}/back", _Looked.of(tried, "back"))


@room.post("/screening/back", roles=MAY_CHANGE)
async def take_back(desk: Desk) -> Answer:
    await _needs_to(desk)
    looked = _looked(desk, "back")
    if looked is None:
        return Back(f"{HERE}/back?came=stale")
    try:
        row = await trial.take_back(
            desk.session, standing=looked.standing, by=desk.who.name, note=desk.form.get("note", "").strip(),
            now=desk.now,
        )  # fmt: skip
    except (trial.Overtaken, books.NothingEarlier):
        return Back(f"{HERE}/back?came=overtaken")
    return Back(f"{HERE}/book?put={ident(row)}")


# What somebody has looked at


@dataclass(frozen=True)
class _Looked:
    """Signed into the button: what was tried, beside which book, and how many red messages would be lost by it."""

    what: str
    version: str
    standing: int
    lost: int

    @classmethod
    def of(cls, tried: Trial, what: str) -> "_Looked":
        return cls(what, tried.new, tried.standing, len(tried.found.lost))


def _signed(desk: Desk, looked: _Looked) -> str:
    claims = {"what": looked.what, "v": looked.version, "s": looked.standing, "lost": looked.lost}
    return desk.tools.db.vault.link(
        PURPOSE, {**claims, "by": ident(desk.who)}, now=desk.now, lasts=LOOKED_AT_LASTS
    )  # fmt: skip


def _looked(desk: Desk, what: str) -> _Looked | None:
    """None: nobody, or somebody else, or too long ago, has looked at what is to be put in force."""
    try:
        claims = desk.tools.db.vault.read_link(PURPOSE, desk.form.get("looked", ""), now=desk.now)
    except LinkError:
        return None
    if claims["what"] != what or claims["by"] != desk.who.id:
        return None
    return _Looked(what, claims["v"], claims["s"], claims["lost"])


# In words


async def _tried(desk: Desk, tried: Trial, action: str, looked: _Looked, note: str = "") -> Page:
    found = tried.found
    changed = sorted({*found.more, *found.less}, reverse=True)
    return Page(
        "screening/tried.html", tried=tried, found=found, action=action, goes_back=looked.what == "back",
        note=note, looked=_signed(desk, looked), same=tried.old == tried.new, levels=LEVELS,
        came=desk.query("came") if desk.query("came") in ("stale", "use_even_so", "overtaken", "already") else "",
        moves=sorted(found.moved.items(), key=lambda one: (-one[0][0], -one[0][1])),
        rules=[
            *(("newly", rule, len(numbers)) for rule, numbers in sorted(found.newly.items())),
            *(("no_longer", rule, len(numbers)) for rule, numbers in sorted(found.no_longer.items())),
        ],
        day_words=date_words, load=await _load(desk, tried), texts=await _words(desk, changed),
        changed=len(changed), most_words=WORDS, a_day=_per_day(found.read, tried.days),
        night=(f"{desk.tools.quiet.starts:%H:%M}", f"{desk.tools.quiet.ends:%H:%M}"),
    )  # fmt: skip


async def _load(desk: Desk, tried: Trial) -> list[dict[str, Any]]:
    """What a day brings to each house of the programme, and to each of its workers; as counts, of nobody."""
    own = await people.houses_of(desk.session, desk.scope.programme_id)
    named = await people.houses_by_id(desk.session, own)
    workers = await houses.workers_serving(desk.session, own)
    before, after = tried.found.load_before, tried.found.load_after
    lines = [(named[number].name, {number}, workers.get(number, 0)) for number in sorted(own)]
    elsewhere = {number for number in (*before.alarms, *after.alarms) if number is not None} - own
    lines += [(desk.say("console_screening.other_houses"), elsewhere, 0)] if elsewhere else []
    if None in before.alarms or None in after.alarms:
        lines.append((desk.say("console_screening.strangers"), {None}, 0))  # type: ignore[arg-type]
    return [
        {
            "house": name, "workers": n,
            "alarms": _both(tried, before.alarms, after.alarms, which, 1),
            "night": _both(tried, before.at_night, after.at_night, which, 1),
            "each": _both(tried, before.alarms, after.alarms, which, n) if n else None,
        }
        for name, which, n in lines
    ]  # fmt: skip


def _both(tried: Trial, before: Any, after: Any, which: set[Any], among: int) -> tuple[str, str]:
    return (
        _per_day(sum(before[one] for one in which), tried.days * among),
        _per_day(sum(after[one] for one in which), tried.days * among),
    )


def _per_day(n: int, days: int) -> str:
    return f"{n / days:.1f}"


async def _words(desk: Desk, numbers: list[int]) -> list[dict[str, Any]]:
    """What changed messages say, for whoever may read them: nobody's words are an administrator's to read."""
    if desk.who.role is Role.ADMINISTRATOR:
        return []
    found = await messages.texts_by_number(desk.session, desk.scope, numbers[:WORDS])
    return [
        {"n": row.id, "said": row.content, "at": moment_words(row.received_at, desk.now, desk.zone)}
        for row in sorted(found.values(), key=lambda row: -ident(row))
    ]


def _why(desk: Desk, error: RuleError) -> str:
    data = {name: desk.say(f"console_screening.level_{value}") if name == "level" else value
            for name, value in error.data.items()}  # fmt: skip
    problem = desk.say(f"console_screening.problem_{error.code}", **data)
    if error.key == "-":
        return problem
    kinds = {"the grammar": "grammar", "the word lists": "words", "the rule file": "file"}
    kind, _, name = error.where.partition(" '")
    if name:
        where = desk.say(f"console_screening.where_{kind}", name=name.removesuffix("'"))
    else:
        where = desk.say(f"console_screening.where_{kinds.get(error.where, 'entry')}")
    return desk.say("console_screening.wrong_at", where=where, entry=error.key, problem=problem)


def _near(source: str, line: int | None) -> list[tuple[int, str]]:
    """The lines around the one that is wrong."""
    if line is None:
        return []
    lines = source.splitlines()
    first = max(line - 3, 0)
    return [(number, said[:200]) for number, said in enumerate(lines[first : line + 2], start=first + 1)]
