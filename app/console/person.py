"""The page of a person: looking is written down; talk to them, hand back, write notes; who looked."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from app.console.access import Access, access
from app.console.desk import CASES, EVERYBODY, LEADS, Answer, Back, Desk, Page, Room
from app.console.person_parts import CONSOLE, parts_of
from app.db import ident
from app.escalations import life as cases
from app.escalations.life import Episode
from app.messages import talking, window
from app.messages.models import Contact
from app.messages.window import Limits
from app.pages.posting import whole
from app.people import glass, notes, views
from app.people import service as people
from app.people.finding import PRACTICE
from app.people.models import GlassBroken, Person, PersonView, Reason
from bot.discretion import Shows, banned
from bot.wording.moments import moment_words

room = Room("person")

LONGEST_WORD = 300  # characters of one message
PHRASES = ("hello", "read", "when_call", "call_now", "activity", "rest", "later", "lines")
VIEWS = 50


@dataclass(frozen=True)
class Seen:
    """A person as this reader may see them. `given`: the view on which a reason was chosen within the hour."""

    who: Person
    access: Access
    episode: Episode | None
    broken: GlassBroken | None
    given: PersonView | None

    @property
    def reason(self) -> Reason | None:
        return self.access.reason or (self.given.reason if self.given is not None else None)


async def _find(desk: Desk) -> Seen:
    """LookupError: there is no such person for this reader."""
    who = await people.person(desk.session, desk.path("person"))
    if who.programme_id != desk.who.programme_id or who.code.startswith(PRACTICE):
        raise LookupError("not there")
    episode = await cases.open_episode(desk.session, ident(who))
    holds = episode is not None and episode.owner_id == desk.who.id
    covered = desk.scope.covers(who.house_id)
    broken = None
    if not covered and not holds:
        broken = await glass.broken_for(desk.session, ident(who), desk.who, desk.now)
    allowed = access(desk.who, who, covered=covered, holds=holds, glass=broken)
    if allowed is None:
        raise LookupError("not there")
    given = await views.given(desk.session, who, desk.who, desk.now) if allowed.reason is None else None
    return Seen(who, allowed, episode, broken, given)


async def _may_do(desk: Desk, *, what: str) -> Seen:
    """The same for whoever does something there: they have said why they look, and they may."""
    seen = await _find(desk)
    if seen.reason is None or not getattr(seen.access, what):
        raise LookupError("not theirs to do")
    return seen


@room.get("/people/{person:int}", roles=EVERYBODY, writes=True)
async def show(desk: Desk) -> Answer:
    return await _show(desk, await _find(desk))


@room.post("/people/{person:int}/reason", roles=CASES)
async def reason(desk: Desk) -> Answer:
    """Why somebody looks, where the house does not know it."""
    seen = await _find(desk)
    said = desk.form.get("said", "").strip()
    chosen = next((one for one in views.CHOSEN if one.value == desk.form.get("reason")), None)
    if chosen is None:
        return _ask_why(desk, seen, "console_person.no_reason")
    if chosen is Reason.OTHER and not said:
        return _ask_why(desk, seen, "console_person.no_other")
    if len(said) > views.LONGEST_REASON:
        return _ask_why(desk, seen, "console_person.long_reason")
    if seen.access.reason is None:
        await views.note(desk.session, seen.who, desk.who, chosen, desk.now, via=views.CHOICE, said=said or None)
    return Back(f"/console/people/{seen.who.id}")


def _ask_why(desk: Desk, seen: Seen, trouble: str = "") -> Page:
    """Nothing of the person is shown yet, but what the list shows anyway."""
    return Page(
        "person/why.html", 422 if trouble else 200, subject=seen.who, reasons=views.CHOSEN, trouble=trouble,
        form=desk.form, longest=views.LONGEST_REASON,
    )  # fmt: skip


@room.post("/people/{person:int}/say", roles=CASES)
async def say(desk: Desk) -> Answer:
    """A reviewed phrase, or a sentence of their own; nothing typed is lost when it can not go."""
    seen = await _may_do(desk, what="speaks")
    text, phrase = desk.form.get("text", "").strip(), desk.form.get("phrase", "")
    if not phrase and not seen.access.freely:
        raise LookupError("not theirs to say")
    contact = await talking.held(desk.session, ident(seen.who))
    trouble = _cannot_go(desk, seen, contact, text, phrase)
    if trouble or contact is None:
        return await _show(desk, seen, trouble or desk.say("console_person.shut"))
    await talking.say(
        desk.session, contact, seen.who, desk.who, desk.now, once=_once(desk), urgent=_is_urgent(desk, seen),
        quiet_for=timedelta(hours=desk.tools.settings.talk_quiet_hours), text=None if phrase else text,
        phrase=phrase or None,
    )  # fmt: skip
    return Back(f"/console/people/{seen.who.id}#talk")


def _cannot_go(desk: Desk, seen: Seen, contact: Contact | None, text: str, phrase: str) -> str:
    """Why this can not be said; "" where it can."""
    if phrase and phrase not in PHRASES:
        return desk.say("console_person.no_phrase")
    if not phrase and not text:
        return desk.say("console_person.no_words")
    if not phrase and len(text) > LONGEST_WORD:
        return desk.say("console_person.long_words", n=LONGEST_WORD, now=len(text))
    found = [] if phrase else banned(text, Shows.LOCK_SCREEN)
    if found:
        return desk.say("console_person.indiscreet", words="、".join(found))
    return "" if may_write(desk, seen, contact) else desk.say("console_person.shut")


def may_write(desk: Desk, seen: Seen, contact: Contact | None) -> bool:
    """Whether a word would go now: the window is open, and what is kept for danger is left alone, but in danger."""
    if contact is None or not contact.following or contact.unreachable_because is not None:
        return False
    limits = Limits.of(desk.tools.settings)
    return window.may_write(contact, desk.now, limits, urgent=_is_urgent(desk, seen))


def _is_urgent(desk: Desk, seen: Seen) -> bool:
    return seen.episode is not None and seen.episode.owner_id == desk.who.id


def _once(desk: Desk) -> str:
    """What makes two presses of one button one message."""
    made = desk.form.get("once", "")
    return made if made.isascii() and made.isalnum() and len(made) <= 32 else secrets.token_hex(8)


@room.post("/people/{person:int}/back", roles=CASES)
async def hand_back(desk: Desk) -> Answer:
    """交还给小站: the robot speaks again."""
    seen = await _may_do(desk, what="speaks")
    contact = await talking.held(desk.session, ident(seen.who))
    if contact is not None:
        await talking.hand_back(desk.session, contact, desk.now)
    return Back(f"/console/people/{seen.who.id}#talk")


@room.post("/people/{person:int}/notes", roles=CASES)
async def write_note(desk: Desk) -> Answer:
    seen = await _may_do(desk, what="notes")
    episode = None
    if desk.form.get("case"):
        if seen.episode is None or desk.form["case"] != str(seen.episode.number):
            raise LookupError("no such case")
        episode = seen.episode.number
    corrects = whole(desk.form.get("corrects", ""))
    if desk.form.get("corrects") and corrects is None:
        raise LookupError("no such note")
    try:
        await notes.write(
            desk.session, seen.who, desk.who, desk.form.get("note", ""), desk.now, case_id=episode,
            corrects=corrects,
        )  # fmt: skip
    except ValueError:
        return await _show(desk, seen, desk.say("console_person.bad_note", n=notes.LONGEST))
    return Back(f"/console/people/{seen.who.id}#notes")


@room.get("/people/{person:int}/views", roles=LEADS)
async def log(desk: Desk) -> Answer:
    """Who looked at this person, when and why."""
    seen = await _find(desk)
    if not seen.access.log:
        raise LookupError("not theirs to see")
    found = await views.of(desk.session, seen.who, VIEWS + 1, whole(desk.query("before")))
    known = await people.people_by_id(desk.session, {one.by_id for one in found})
    return Page(
        "person/views.html", subject=seen.who, found=found[:VIEWS], known=known,
        at={one.id: moment_words(one.at, desk.now, desk.zone) for one in found},
        more=found[VIEWS - 1].id if len(found) > VIEWS else None,
    )  # fmt: skip


async def _show(desk: Desk, seen: Seen, trouble: str = "") -> Page:
    """The page, and the view of it written down. Whoever has to say why first sees the question for it."""
    if seen.reason is None:
        return _ask_why(desk, seen)
    said = seen.given.said if seen.given is not None else None
    await views.note(
        desk.session, seen.who, desk.who, seen.reason, desk.now, via=CONSOLE, said=said, glass=seen.broken
    )  # fmt: skip
    parts = await parts_of(desk, seen.who, seen.access, seen.episode)
    contact: Contact | None = parts.get("contact")
    return Page(
        "person/show.html" if seen.access.whole else "person/activities.html", 422 if trouble else 200,
        subject=seen.who, access=seen.access, episode=seen.episode, broken=seen.broken, reason=seen.reason,
        trouble=trouble, form=desk.form, once=secrets.token_hex(8), phrases=PHRASES, longest=LONGEST_WORD,
        longest_note=notes.LONGEST, may_write=may_write(desk, seen, contact), **parts,
    )  # fmt: skip
