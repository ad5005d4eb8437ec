"""What waits for somebody: cases by urgency, tasks, what colleagues are at work on, what is over."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.console.desk import CASES, Answer, Back, Desk, Page, Room
from app.db import ident
from app.escalations import journal, lists
from app.escalations import service as escalations
from app.escalations.ladders import read_ladder
from app.escalations.lists import Place
from app.escalations.models import CaseRow
from app.escalations.states import State
from app.pages import why
from app.pages.posting import whole
from app.people import service as people
from app.people.models import House, Person
from app.readiness import ASLEEP, TROUBLES
from app.tasks import service as tasks
from bot.wording.moments import moment_words

room = Room("inbox", nav="/console/inbox", roles=CASES)

A_PAGE = 20
TABS = ("now", "others", "tasks", "over")
SOON = timedelta(minutes=10)


@dataclass(frozen=True)
class Left:
    """How long somebody has still: `key` names the sentence; urgent is what is late or nearly."""

    key: str
    n: int
    urgent: bool


@dataclass(frozen=True)
class Card:
    row: CaseRow
    subject: Person
    house: House
    owner: Person | None
    offered_to: Person | None
    opened: str
    because: str
    left: Left | None
    seq: int
    yours: bool
    can_take: bool


@room.get("/inbox", roles=CASES)
async def inbox(desk: Desk) -> Answer:
    tab = desk.query("tab") if desk.query("tab") in TABS else "now"
    place, skip = Place.read(desk.query("after")), whole(desk.query("skip"), 6) or 0
    waiting = await lists.at_hand(desk.session, desk.scope, desk.who, A_PAGE + 1)
    data: dict[str, Any] = {
        "tab": tab, "tabs": TABS, "counts": await lists.counts(desk.session, desk.scope, desk.who),
        "n_tasks": await tasks.count_in(desk.session, desk.scope), "banners": await banners(desk),
        "seen": await _fingerprint(desk, waiting[:A_PAGE]),
    }  # fmt: skip
    if tab == "tasks":
        return Page("inbox/tasks.html", **data, **await _tasks(desk))
    match tab:
        case "others":
            rows = await lists.with_others(desk.session, desk.scope, desk.who, A_PAGE + 1, skip)
        case "over":
            rows = await lists.over(desk.session, desk.scope, A_PAGE + 1, skip)
        case _ if place is not None:
            rows = await lists.at_hand(desk.session, desk.scope, desk.who, A_PAGE + 1, place)
        case _:
            rows = waiting
    more = ""
    if len(rows) > A_PAGE:
        goes_on = f"after={Place.of(desk.who, rows[A_PAGE - 1])}" if tab == "now" else f"skip={skip + A_PAGE}"
        more = f"tab={tab}&{goes_on}"
    return Page("inbox/inbox.html", cards=await cards(desk, rows[:A_PAGE]), more=more, **data)


@room.get("/inbox/pulse", roles=CASES, counts=False)
async def pulse(desk: Desk) -> Answer:
    """What a page that stands open asks every few seconds: is there news, and how long is left now."""
    wanted = [number for part in desk.query("shown").split(",")[:A_PAGE] if (number := whole(part)) is not None]
    rows = await lists.visible_of(desk.session, desk.scope, desk.who, wanted)
    seen = await _fingerprint(desk, await lists.at_hand(desk.session, desk.scope, desk.who, A_PAGE))
    return Page(
        "inbox/pulse.html", changed=desk.query("seen") not in ("", seen), seen=desk.query("seen") or seen,
        shown=",".join(str(row.id) for row in rows), lefts=[(row, left(row, desk.now)) for row in rows],
        banners=await banners(desk), counts=await lists.counts(desk.session, desk.scope, desk.who),
    )  # fmt: skip


@room.get("/inbox/{case:int}", roles=CASES)
async def one(desk: Desk) -> Answer:
    """One card by itself: what is put in the place of the old one after something was pressed on it."""
    row = await lists.visible_case(desk.session, desk.scope, desk.who, desk.path("case"), held=False)
    (card,) = await cards(desk, [row])
    return Page("inbox/one.html", card=card, came=desk.query("came"))


@room.post("/tasks/{task:int}/done", roles=CASES)
async def task_done(desk: Desk) -> Answer:
    task = await tasks.visible_task(desk.session, desk.scope, desk.path("task"))
    if await escalations.unhandled_behind(desk.session, ident(task)) is not None:
        return Back("/console/inbox?tab=tasks&came=take_it")
    done = await tasks.finish(desk.session, desk.scope, ident(task), desk.now)
    return Back(f"/console/inbox?tab=tasks&came={'done' if done else 'not_done'}")


async def _tasks(desk: Desk) -> dict[str, Any]:
    skip = whole(desk.query("skip"), 6) or 0
    waiting = await tasks.open_in(desk.session, desk.scope, A_PAGE + 1, skip)
    shown = waiting[:A_PAGE]
    subjects = await people.people_by_id(desk.session, {task.person_id for task in shown if task.person_id})
    houses = await people.houses_by_id(desk.session, {task.house_id for task in shown if task.house_id})
    rows = [
        (
            task, subjects.get(task.person_id or 0), houses.get(task.house_id or 0),
            moment_words(task.created_at, desk.now, desk.zone),
            await escalations.unhandled_behind(desk.session, ident(task)),
        )
        for task in shown
    ]  # fmt: skip
    more = f"tab=tasks&skip={skip + A_PAGE}" if len(waiting) > A_PAGE else ""
    came = desk.query("came") if desk.query("came") in ("done", "take_it", "not_done") else ""
    return {"rows": rows, "more": more, "came": came}


async def cards(desk: Desk, rows: Sequence[CaseRow]) -> list[Card]:
    """What is shown of these; as many queries for twenty of them as for one."""
    numbers = [ident(row) for row in rows]
    wanted = {n for row in rows for n in (row.person_id, row.owner_id, row.offered_to_id) if n is not None}
    known = await people.people_by_id(desk.session, wanted)
    houses = await people.houses_by_id(desk.session, {row.house_id for row in rows})
    flags = await lists.newest_flags(desk.session, numbers)
    seqs = await journal.newest_of(desk.session, numbers)
    found = []
    for row in rows:
        flag = flags.get(ident(row))
        taken = row.owner_id is not None and row.offered_to_id != desk.who.id
        found.append(
            Card(
                row, known[row.person_id], houses[row.house_id], known.get(row.owner_id or 0),
                known.get(row.offered_to_id or 0),
                moment_words(row.opened_at, desk.now, houses[row.house_id].zone),
                "；".join(why.because(flag, desk.words)) if flag is not None else "", left(row, desk.now),
                seqs.get(ident(row), 0), row.owner_id == desk.who.id,
                row.state is not State.RESOLVED and not taken,
            )
        )  # fmt: skip
    return found


def left(row: CaseRow, now: datetime) -> Left | None:
    """How long until somebody has to have spoken to them, or, where that was done, until a result is owed."""
    if row.state is State.RESOLVED:
        return None
    by = row.next_action_at
    if row.owner_id is None or by is None:
        by = (row.level_since or row.opened_at) + read_ladder(row.ladder).contact_within
    span = by - now
    late = span < timedelta()
    minutes = math.ceil(span.total_seconds() / 60) if not late else int(-span.total_seconds() // 60)
    unit, n = ("minutes", minutes)
    if minutes >= 48 * 60:
        unit, n = ("days", minutes // (24 * 60))
    elif minutes >= 120:
        unit, n = ("hours", minutes // 60)
    return Left(f"{'late' if late else 'left'}_{unit}", n, late or span < SOON)


async def banners(desk: Desk) -> list[str]:
    """What everybody has to know at once: nobody was reached, or the program itself does not do its work."""
    found = []
    if n := await tasks.count_in(desk.session, desk.scope, reason="unhandled"):
        found.append(desk.say("console_inbox.unhandled", n=n))
    watch = desk.tools.watch
    troubles = [TROUBLES[trouble] for trouble in sorted(watch.troubles)] + ([ASLEEP] if watch.is_asleep() else [])
    if troubles:
        found.append(desk.say("console_inbox.engine", why="；".join(troubles)))
    return found


async def _fingerprint(desk: Desk, rows: Sequence[CaseRow]) -> str:
    """Changes whenever these, which wait for this person, do."""
    seqs = await journal.newest_of(desk.session, [ident(row) for row in rows])
    parts = [f"{row.id}.{row.level:d}.{row.state}.{row.owner_id}.{row.version}.{seqs.get(ident(row))}" for row in rows]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]
