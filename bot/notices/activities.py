"""Invitations, reminders and changes: computed from the occurrence as it stands when they are sent."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from app.activities import machine
from app.activities.machine import Answer
from app.activities.models import Milestone, Occurrence, State
from app.clock import local
from app.db import ident
from app.people import service as people
from app.people.models import Topic
from bot.conversation import rsvp
from bot.notices.letter import Ask, Card, CardKind, Desk, Dropped, Letter, notice
from bot.wording.moments import card_time, when_words


async def _occurrence(desk: Desk) -> Occurrence:
    what = await desk.sheaf.occurrence(desk.subject_id)
    if what.state is State.CANCELLED:
        raise Dropped("cancelled")
    return what


def _card(desk: Desk, what: Occurrence, note: str) -> Card:
    """The same for everybody who hears of it at once."""

    def make() -> Card:
        at = card_time(what.starts_at, desk.zone)
        fields = {"title": what.title, "time": at, "place": what.venue, "note": desk.say(note)}
        return Card(CardKind.ACTIVITY, fields)

    return desk.sheaf.known(("card", what.id, note, desk.words.locale), make)


def _opens(desk: Desk, what: Occurrence, letter: Letter) -> Letter:
    """With the card leading to the page of this activity; that link is one person's own, whatever else is alike."""
    if letter.card is None:
        return letter
    url = desk.links.rsvp(ident(what), desk.who().id, desk.now, until=max(what.ends_at, desk.now))
    return replace(letter, card=replace(letter.card, url=url))


def _ask(desk: Desk, what: Occurrence) -> Ask:
    lasts = min(rsvp.OPEN_FOR, max(what.ends_at - desk.now, timedelta(minutes=1)))
    return Ask(rsvp.TOPIC, lasts, ident(what))


@notice(Milestone.INVITE, topic=Topic.ACTIVITIES, call_if_lost=True)
async def invite(desk: Desk) -> Letter:
    what = await _occurrence(desk)
    seat = await desk.seat(what)
    if seat.answer is not None or seat.present:
        raise Dropped("answered")
    text = desk.say("rsvp.invite", **rsvp.words_of(what, desk.zone))
    return _opens(desk, what, Letter(text, _card(desk, what, "card.note_answer"), _ask(desk, what), unsolicited=True))


@notice(Milestone.REMIND_DAY, Milestone.REMIND_HOURS, topic=Topic.ACTIVITIES, call_if_lost=True)
async def remind(desk: Desk) -> Letter:
    """Which reminder it is follows from the day on which it is said, not from the one it was meant for.

    Who said that they come is owed it; who has not decided is not.
    """
    what = await _occurrence(desk)
    seat = await desk.seat(what)
    if not machine.remind(seat):
        raise Dropped("not going or there")
    going = seat.answer is Answer.GOING

    def write() -> Letter:
        today = _days_ahead(desk, what) == 0
        evening = desk.row.kind == Milestone.REMIND_HOURS
        sentence = "remind.today" if today else "remind.evening_before" if evening else "remind.day_before"
        note = "card.note_today" if today else "card.note_answer"
        text, card = desk.say(sentence, **_about(desk, what)), _card(desk, what, note)
        return Letter(text, card, _ask(desk, what), unsolicited=not going)

    return _opens(desk, what, desk.alike(("remind", desk.row.kind, what.id, going), write))


def _days_ahead(desk: Desk, what: Occurrence) -> int:
    return (local(what.starts_at, desk.zone).date() - local(desk.now, desk.zone).date()).days


def _about(desk: Desk, what: Occurrence) -> dict[str, str]:
    return desk.sheaf.known(("about", what.id), lambda: rsvp.words_of(what, desk.zone))


@notice("family_reminder", topic=Topic.ACTIVITIES, rides=True)
async def family_reminder(desk: Desk) -> Letter:
    """Time and place only. The link and the consent are looked at again at the moment of sending."""
    what = await _occurrence(desk)
    told = [
        member
        for member in await people.members_linked_to(desk.session, desk.who().id)
        if people.wants(member, Topic.FAMILY)
    ]
    if not told:
        raise Dropped("unlinked")
    if not any([machine.remind(await desk.sheaf.seat(what, ident(member))) for member in told]):
        raise Dropped("not going or there")
    text = desk.say("remind.family", **rsvp.words_of(what, desk.zone))
    card = _card(desk, what, "card.note_family")
    neutral = replace(card, fields={**card.fields, "title": desk.say("card.title_family")})
    return _opens(desk, what, Letter(text, neutral))


@notice(Milestone.MISSED, topic=Topic.ACTIVITIES)
async def missed(desk: Desk) -> Letter:
    what = await _occurrence(desk)
    seat = await desk.seat(what)
    if seat.present or seat.answer is not Answer.GOING:
        raise Dropped("there or not expected")
    ask = Ask("missed", timedelta(hours=24), ident(what))
    text = desk.say("remind.missed" if _days_ahead(desk, what) == 0 else "remind.missed_day", **_about(desk, what))
    return Letter(text, None, ask, repeatable=False)


@notice("moved", topic=Topic.ACTIVITIES, call_if_lost=True)
async def moved(desk: Desk) -> Letter:
    what = await _occurrence(desk)
    old_start, about = datetime.fromisoformat(desk.row.params["start"]), rsvp.words_of(what, desk.zone)
    text = moved_sentence(desk.say, about, old_start, what.starts_at, desk.row.params["venue"], desk.zone)
    return _opens(desk, what, Letter(text, _card(desk, what, "card.note_moved"), _ask(desk, what)))


def moved_sentence(
    say: Callable[..., str], about: dict[str, str], old_start: datetime, starts_at: datetime, old_place: str, zone: str
) -> str:
    """What is said of another time or place; the console shows it before it is said. `about`: as it will be."""
    if old_start != starts_at:
        return say("rsvp.moved", old_when=when_words(old_start, zone)["when"], **about)
    return say("rsvp.moved_place", old_place=old_place, **about)


@notice("called_off", topic=Topic.ACTIVITIES, call_if_lost=True, rides=True)
async def called_off(desk: Desk) -> Letter:
    what = await desk.sheaf.occurrence(desk.subject_id)
    text = desk.say("rsvp.called_off", **rsvp.words_of(what, desk.zone))
    return _opens(desk, what, Letter(text, _card(desk, what, "card.note_off")))
