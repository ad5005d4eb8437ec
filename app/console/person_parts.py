"""What stands on the page of a person, gathered from every room, in words. What may not be seen is not even read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.activities import life as activities
from app.clock import local
from app.console import chart, life
from app.console.access import Access
from app.console.desk import Desk
from app.console.life import Happened
from app.db import ident
from app.escalations import life as cases
from app.escalations.life import Episode
from app.messages import life as messages
from app.messages import service as contacts
from app.messages import talking, window
from app.messages.models import OPEN_STATES, Contact, OutboxState
from app.mood import life as mood
from app.mood.models import PromptState
from app.people import consents, notes
from app.people import service as people
from app.people.models import Person, Role
from app.tasks import life as tasks
from bot.wording.moments import date_words, moment_words

CONSOLE = "console"
WEEKS, DAYS = timedelta(days=90), timedelta(days=30)
SHOWN_NOTES = 20
CONSENTS = ("joining", "activities", "mood", "family")
# Which room told an event. Of what happened at one moment, the higher number is shown first.
TOLD, HEARD, ANSWERED, CAME, FELT, CASE, TASK = range(7)
KNOWN_GAPS = {
    "no answer": "no_answer", "open case": "open_case", "stopped": "stopped", "unread": "unread",
    "too late": "late", "talk": "talk", "question": "late", "no channel": "unreachable", "unreachable": "unreachable",
    "unfollowed": "unreachable", "outcome unknown": "unsure",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One thing that happened: `hidden` is shown when it is tapped, each with what it is."""

    at: str
    mark: str
    said: str
    hidden: tuple[tuple[str, str], ...] = ()


async def parts_of(desk: Desk, who: Person, may: Access, episode: Episode | None) -> dict[str, Any]:
    """What the template shows. LookupError: no page of their life ever ended where `before` says."""
    home = await people.house(desk.session, who.house_id)
    parts: dict[str, Any] = {"at_home": home, "worker": await _worker(desk, who)}
    lines, more = await _life(desk, who, may)
    parts |= {"lines": lines, "more": more, "first": desk.query("before") == ""}
    if not may.whole:
        return parts
    parts |= await _reach(desk, who)
    parts |= await _ties(desk, who)
    if may.moods:
        parts |= await _moods(desk, who)
    if may.notes:
        parts |= await _notes(desk, who)
    if episode is not None:
        parts["level"] = desk.say(f"page.level_{episode.level.name.lower()}")
        owner = await people.person(desk.session, episode.owner_id) if episode.owner_id is not None else None
        parts["owner"] = owner
    return parts


async def _worker(desk: Desk, who: Person) -> Person | None:
    return await people.person(desk.session, who.worker_id) if who.worker_id is not None else None


# One line of life


async def _life(desk: Desk, who: Person, may: Access) -> tuple[list[Line], life.Place | None]:
    number, session = ident(who), desk.session
    rooms: dict[int, life.Tell] = {
        ANSWERED: lambda mark, n: activities.answered(session, number, mark, n),
        CAME: lambda mark, n: activities.came(session, number, mark, n),
    }
    if may.whole:
        rooms |= {
            TOLD: lambda mark, n: messages.we_wrote(session, number, mark, n),
            HEARD: lambda mark, n: messages.wrote(session, number, mark, n),
            CASE: lambda mark, n: cases.episodes(session, number, mark, n),
            TASK: lambda mark, n: tasks.asked(session, number, mark, n),
        }
    if may.moods:
        rooms[FELT] = lambda mark, n: mood.felt(session, number, mark, n)
    found, more = await life.page(rooms, desk.now, life.read_place(desk.query("before")))
    told = [one for _, one in found if isinstance(one, messages.WeWrote)]
    spoken = await messages.said_to(session, [one.number for one in told if one.by is not None]) if may.words else {}
    by = await people.people_by_id(session, {one.by for one in told if one.by is not None})
    return [_line(desk, one, may, spoken, by) for _, one in found], more


def _line(
    desk: Desk, one: Happened, may: Access, spoken: Mapping[int, Mapping[str, str]], by: Mapping[int, Person]
) -> Line:  # fmt: skip
    at = moment_words(one.at, desk.now, desk.zone)
    match one:
        case messages.Wrote():
            said = desk.say(f"console_person.wrote_{one.kind}")
            return Line(at, "←", said, _words(desk, one) if may.words and one.kind == "text" else ())
        case messages.WeWrote():
            return Line(at, "→", _we_wrote(desk, one, by), _spoken(desk, spoken.get(one.number), by.get(one.by or 0)))
        case activities.Answered():
            answer = desk.say(f"rsvp.word_{one.answer.value}")
            return Line(at, "?", desk.say("console_person.answered", answer=answer, title=one.title, on=_on(desk, one)))
        case activities.Came():
            key = "console_person.came_first" if one.first_time else "console_person.came"
            return Line(at, "✓", desk.say(key, title=one.title, on=_on(desk, one)))
        case mood.Felt():
            note = one.note
            hidden = ((desk.say("console_person.their_words"), note),) if note else ()
            return Line(at, "♡", desk.say("console_person.felt", score=one.score), hidden)
        case cases.Episode():
            level = desk.say(f"page.level_{one.level.name.lower()}")
            ended = desk.say(f"page.outcome_{one.outcome.value}") if one.outcome else desk.say("console_person.open")
            return Line(at, "!", desk.say("console_person.case", code=one.code, level=level, ended=ended))
        case tasks.Asked():
            key = "console_person.task_done" if one.done_at is not None else "console_person.task"
            return Line(at, "□", desk.say(key, what=desk.say(f"task.{one.reason}")))
    raise TypeError(type(one).__name__)


def _on(desk: Desk, one: activities.Answered | activities.Came) -> str:
    return date_words(local(one.starts_at, desk.zone).date())


def _words(desk: Desk, one: messages.Wrote) -> tuple[tuple[str, str], ...]:
    pieces = ((desk.say("console_person.their_words"), one.words), (desk.say("console_person.our_answer"), one.answer))
    return tuple((what, words) for what, words in pieces if words)


def _we_wrote(desk: Desk, one: messages.WeWrote, by: Mapping[int, Person]) -> str:
    kind = desk.say(f"agenda.kind_{one.kind}")
    if one.state is OutboxState.FAILED:
        return desk.say("console_person.not_arrived", kind=kind)
    if one.by is not None and one.by in by:
        return desk.say("console_person.spoke", by=by[one.by].name)
    return desk.say("console_person.we_wrote", kind=kind)


def _spoken(desk: Desk, given: Mapping[str, str] | None, by: Person | None) -> tuple[tuple[str, str], ...]:
    """What staff said. A phrase names whom to call by the hour at which it was sent: here it is told without."""
    if given is None:
        return ()
    words = given.get("text") or desk.say(f"console_person.phrase_{given.get('phrase')}")
    return ((by.name if by is not None else "", words),)


# How they can be reached


async def _reach(desk: Desk, who: Person) -> dict[str, Any]:
    contact = await contacts.contact_of(desk.session, ident(who))
    left = window.left(contact, desk.now) if contact is not None else None
    speaks = talking.talker(contact, desk.now) if contact is not None else None
    last = await talking.last_spoken(desk.session, ident(who))
    return {
        "contact": contact,
        "follows": contact is not None and contact.following and contact.unreachable_because is None,
        "left": (left[0], moment_words(left[1], desk.now, desk.zone)) if left is not None else None,
        "seen_at": _seen(desk, contact),
        "talker": await people.person(desk.session, speaks) if speaks is not None else None,
        "talks_until": moment_words(contact.talker_until, desk.now, desk.zone)
        if contact is not None and contact.talker_until is not None and speaks is not None
        else "",
        "last": _became(desk, last.state) if last is not None else "",
        "last_at": moment_words(last.created_at, desk.now, desk.zone) if last is not None else "",
        "calls": [desk.say(f"task.{one.reason}") for one in await tasks.to_call(desk.session, ident(who))],
    }


def _seen(desk: Desk, contact: Contact | None) -> str:
    return moment_words(contact.seen_at, desk.now, desk.zone) if contact is not None and contact.seen_at else ""


def _became(desk: Desk, state: OutboxState) -> str:
    if state in OPEN_STATES:
        return desk.say("console_person.is_waiting")
    arrived = state in (OutboxState.SENT, OutboxState.DELIVERED)
    return desk.say("console_person.is_sent" if arrived else "console_person.is_lost")


async def _ties(desk: Desk, who: Person) -> dict[str, Any]:
    """What they agreed to, and who belongs to them."""
    given = await consents.history(desk.session, who)
    is_relative = who.role is Role.FAMILY
    tied = await (
        people.members_linked_to(desk.session, ident(who)) if is_relative else people.relatives_of(desk.session, who)
    )
    return {
        "tied": tied,
        "is_relative": is_relative,
        "stopped": [desk.say(f"console_person.topic_{topic}") for topic in who.stopped],
        "consents": [
            (
                desk.say(f"console_person.consent_{one.kind if one.kind in CONSENTS else 'other'}"),
                desk.say("console_person.agreed" if one.granted else "console_person.refused"),
                moment_words(one.at, desk.now, desk.zone),
            )
            for one in given
        ],
    }


# Moods, for the member's own worker


async def _moods(desk: Desk, who: Person) -> dict[str, Any]:
    weekly = await mood.is_asked_weekly(desk.session, ident(who))
    span = WEEKS if weekly else DAYS
    asked = [one for one in await mood.asked(desk.session, ident(who), desk.now - span) if _is_over(one)]
    points = [chart.Point(one.at, one.score) for one in asked]
    said = chart.summary(points)
    told = desk.say("console_person.mood_none", days=span.days, missing=said.missing)
    if said.recorded:
        told = desk.say(
            "console_person.mood_told", days=span.days, n=said.recorded, lowest=said.lowest, last=said.last,
            missing=said.missing,
        )  # fmt: skip
    first, last = desk.now - span, desk.now
    ends = (date_words(local(first, desk.zone).date()), date_words(local(last, desk.zone).date()))
    drawn = chart.draw(
        points, first, last, chart.WEEKLY_REACH if weekly else chart.DAILY_REACH,
        title=desk.say("console_person.mood"), told=told, ends=ends,
    )  # fmt: skip
    rows = [(moment_words(one.at, desk.now, desk.zone), one.score, _gap(desk, one)) for one in reversed(asked)]
    return {"mood_told": told, "mood_chart": drawn if said.recorded else "", "mood_rows": rows}


def _is_over(one: mood.Felt) -> bool:
    """A question that may still be answered is neither a record nor a gap."""
    return one.state is not PromptState.ASKED


def _gap(desk: Desk, one: mood.Felt) -> str:
    return desk.say(f"console_person.gap_{KNOWN_GAPS.get(one.missing_because or '', 'other')}")


async def _notes(desk: Desk, who: Person) -> dict[str, Any]:
    found = await notes.about(desk.session, who, SHOWN_NOTES)
    by = await people.people_by_id(desk.session, {one.by_id for one in found})
    codes = await cases.codes_of(desk.session, {one.case_id for one in found if one.case_id is not None})
    return {
        "notes": [
            (
                one,
                by[one.by_id].name,
                moment_words(one.at, desk.now, desk.zone),
                codes.get(one.case_id or 0, ""),
            )
            for one in found
        ]
    }
