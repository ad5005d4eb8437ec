"""Being there: 到了, the four digits on the wall, the QR code at the door."""

from datetime import timedelta

from app.activities import service as activities
from app.activities.machine import Door
from app.activities.models import Occurrence
from app.messages.models import Question
from bot.conversation import grammar
from bot.conversation.dialogue import dialogue
from bot.conversation.rsvp import words_of
from bot.conversation.talk import Talk
from bot.wording.moments import when_words


async def arrived(talk: Talk) -> str:
    """到了: ask for the digits on the wall; the word alone could be said from anywhere."""
    person = talk.who()
    at_the_door = await activities.at_the_door(talk.session, person.house_id, talk.now)
    if not at_the_door:
        return await _nothing_now(talk)
    for what in at_the_door:
        if (await activities.seat_of(talk.session, what, person)).present:
            return talk.say("checkin.already")
    await talk.ask("checkin", lasts=timedelta(hours=1))
    return talk.say("checkin.ask_code")


@dialogue("checkin", again="checkin.wrong_code")
async def digits(talk: Talk, question: Question, text: str) -> str | None:
    code = grammar.four_digits(text)
    if code is None:
        return None
    reply = await by_digits(talk, code)
    if reply is None:
        return talk.say("checkin.wrong_code")
    await talk.answered(question)
    return reply


async def by_digits(talk: Talk, code: str) -> str | None:
    """Check in by the digits of whatever is open at this person's house; None when they fit nothing."""
    for what in await activities.at_the_door(talk.session, talk.who().house_id, talk.now):
        if what.door_code == code:
            return await _come_in(talk, what, "digits")
    return None


async def by_scene(talk: Talk, what: Occurrence) -> str:
    """The QR code at the door was scanned."""
    if talk.person is None or talk.person.joined_at is None:
        return talk.say("checkin.stranger")
    if talk.person.house_id != what.house_id:
        return talk.say("checkin.wrong_code")
    return await _come_in(talk, what, "scan")


async def _come_in(talk: Talk, what: Occurrence, source: str) -> str:
    person = talk.who()
    door, walk_in = await activities.check_in(talk.session, what, person, talk.now, source=source, marked_by=person)
    match door:
        case Door.ALREADY:
            return talk.say("checkin.already")
        case Door.NOT_YET:
            return talk.say("checkin.not_yet", **words_of(what, talk.zone))
        case Door.CLOSED:
            return talk.say("checkin.closed")
        case Door.CANCELLED:
            return talk.say("checkin.cancelled")
    mark = next(m for m in await activities.present_at(talk.session, what) if m.person_id == person.id)
    if mark.first_time:
        return talk.say("checkin.welcome_first")
    return talk.say("checkin.welcome_walk_in" if walk_in else "checkin.welcome")


async def _nothing_now(talk: Talk) -> str:
    ahead = await activities.ahead_of(talk.session, talk.who(), talk.now, n=1)
    hint = ""
    if ahead:
        when = when_words(ahead[0].starts_at, talk.zone)["when"]
        hint = talk.say("checkin.next_is", when=when, title=ahead[0].title)
    return talk.say("checkin.nothing_now", next=hint)
