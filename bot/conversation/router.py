"""Who hears a message: commands first, then the open question, then what can be understood without one."""

from datetime import timedelta

from app.activities import service as activities
from app.activities.machine import Answer
from app.clock import local
from app.db import ident
from app.messages import questions, talking
from app.messages import service as messages
from app.messages.models import Question, QuestionState
from app.people import service as people
from app.people.models import Role
from app.tasks.models import TaskKind
from bot.conversation import (
    agreeing,
    checkin,
    danger,
    family,
    grammar,
    helping,
    joining,
    mood,
    orders,
    rsvp,
    staff,
    unread,
)
from bot.conversation.dialogue import DIALOGUES
from bot.conversation.grammar import Command
from bot.conversation.on_page import MoodOnPage, PressedOnPage
from bot.conversation.orders import StaffCommand, StaffVerb
from bot.conversation.talk import Talk
from bot.screening import Level
from bot.wechat import AccountNotice, AuthorizationRevoked, Clicked, Followed, Scanned, Text, Unfollowed, Unreadable

MENU = {
    "activities": Command.MY_ACTIVITIES, "mood": Command.MOOD, "help": Command.HELP, "person": Command.PERSON,
}  # fmt: skip
STAFF_MENU = {"tasks": StaffVerb.TASKS, "list": StaffVerb.LIST, "door_code": StaffVerb.DOOR_CODE}
# What somebody may say at any time, also while a person talks to them: it is their right, and it is to the robot.
ALWAYS = (Command.STOP, Command.RESUME, Command.UNBIND, Command.MY_DATA, Command.DELETE, Command.CONFIRM_DELETE)
LATE_ANSWERS = timedelta(days=4)
A_MOMENT = timedelta(minutes=1)  # WeChat's clock and ours need not agree to the second


async def respond(talk: Talk) -> str | None:
    """What we answer to a delivery; None where WeChat shows nothing anyway."""
    heard = talk.heard
    match heard:
        case MoodOnPage():
            return await _mood_on_page(talk, heard)
        case PressedOnPage():
            return await _pressed_on_page(talk, heard)
        case Text():
            return await _hear(talk, heard.content)
        case Unreadable():
            return await _unreadable(talk)
        case Followed():
            return await _followed(talk, heard.scene)
        case Scanned():
            return await _by_scene(talk, heard.scene)
        case Clicked():
            return await _tapped(talk, heard.item)
        case Unfollowed():
            await _unfollowed(talk)
        case AuthorizationRevoked():
            await talk.hand_over(TaskKind.READ, "revoked", key=talk.key("revoked"))
        case AccountNotice():
            await talk.hand_over(TaskKind.CLEAR, "account", key=talk.key(f"account:{heard.event}"))
    return None


async def _tapped(talk: Talk, key: str) -> str | None:
    """An entry of the account's menu; what is for staff does nothing more than 帮助 for anybody else."""
    if key in STAFF_MENU and talk.person is not None and talk.person.role.is_staff:
        return await staff.obey(talk, StaffCommand(STAFF_MENU[key]))
    command = MENU.get(key, Command.HELP)
    question = await _open_question(talk)
    if question is not None and question.topic == danger.TOPIC and command in (Command.HELP, Command.PERSON):
        return await danger.not_safe(talk, question)  # whoever is asked whether they are safe asks for help
    if _is_talked_to(talk) and command is not Command.MY_ACTIVITIES:
        calls = command in (Command.HELP, Command.PERSON)  # a tap is heard as if they had written it
        return await (_between_people(talk, "人工") if calls else _somebody_talks(talk))
    return await _obey(talk, command)


async def _hear(talk: Talk, text: str) -> str | None:
    if talk.reading is not None and talk.reading.level is Level.RED:
        return await _hear_danger(talk, text)
    if _is_talked_to(talk):
        return await _between_people(talk, text)
    reply = await _understand(talk, text)
    if reply is not None:
        talk.contact.misunderstood = 0
    elif await danger.in_a_case(talk) and (not talk.in_danger or await danger.asked_whether_safe(talk)):
        return await danger.goes_on(talk, text)
    if talk.in_danger and talk.person is not None:
        return await _worried(talk, reply)
    return reply or await _ask_again(talk)


async def _worried(talk: Talk, reply: str | None) -> str:
    """Words that have to be looked at today: that is said first."""
    told = talk.worker is not None and await messages.reachable(talk.session, [ident(talk.worker)])
    noted = talk.say("red.orange" if told else "red.orange_unread")
    return f"{noted}\n\n{reply}" if reply else noted


def _is_talked_to(talk: Talk) -> bool:
    """Whether a person of the staff talks to them just now, so that the robot is quiet."""
    return talk.person is not None and talking.talker(talk.contact, talk.now) is not None


async def _between_people(talk: Talk, text: str) -> str | None:
    """What they write is for the person who talks to them. The robot answers only what a life can hang on.

    Their numbers are no answers to it, nothing is asked, and what it does not understand is none of its business.
    """
    question, command = await _open_question(talk), grammar.command(text)
    reply = None
    if question is not None and question.topic == danger.TOPIC:
        reply = await danger.safe(talk, question, text)
    elif grammar.is_safe(text) is False and await danger.in_a_case(talk):
        await danger.help_wanted(talk, text)
        reply = talk.say("red.help")
    if reply is None and command in ALWAYS:
        return await _obey(talk, command)
    await unread.wrote_back(talk)
    if reply is None and await danger.in_a_case(talk):
        await danger.join(talk, text)
    if reply is None and talk.in_danger:
        reply = await _worried(talk, None)
    if reply is None and command in (Command.HELP, Command.PERSON):
        reply = await _somebody_talks(talk)
    return reply


async def _somebody_talks(talk: Talk) -> str:
    """Who reads them just now, and whom to call if that is too slow."""
    speaks = talking.talker(talk.contact, talk.now)
    by = (await people.person(talk.session, speaks)).name if speaks is not None else talk.say("people.somebody")
    return talk.say("talking.somebody", by=by)


async def _mood_on_page(talk: Talk, heard: MoodOnPage) -> str:
    """A face, words, or both. The face is written down; the words are heard as they are in the chat."""
    text, question = heard.content, await questions.current(talk.session, talk.contact, talk.now)
    in_danger = talk.reading is not None and talk.reading.level is Level.RED
    still_asked = question is not None and question.topic == danger.TOPIC
    calls = bool(text) and grammar.is_safe(text) is False and await danger.in_a_case(talk)
    command = grammar.command(text)
    if _is_talked_to(talk) and not in_danger:
        if heard.score is not None:
            await mood.keep_while_talked_to(talk, heard.prompt_id, heard.score, text)
        said = await _between_people(talk, text) if text else None
        return said or talk.say("mood.words")
    if text and (in_danger or still_asked or calls or command is not None):
        if heard.score is not None:
            await mood.keep_score(talk, heard.prompt_id, heard.score)
        return await _hear(talk, text) or talk.say("mood.words")
    about_mood = question if question is not None and question.topic in (mood.TOPIC, mood.WORDS, mood.CALL) else None
    if heard.score is not None:
        reply = await mood.note(talk, about_mood, heard.score, text, prompt_id=heard.prompt_id)
    else:
        reply = await mood.more_words(talk, about_mood if about_mood and about_mood.topic == mood.WORDS else None, text)
    return await _worried(talk, reply) if talk.in_danger else reply


async def _pressed_on_page(talk: Talk, heard: PressedOnPage) -> str:
    """A button is an answer to what the page asked, whatever else has been asked in the chat since."""
    question = await questions.current(talk.session, talk.contact, talk.now)

    def asked(topic: str) -> Question | None:
        return question if question is not None and question.topic == topic else None

    match heard.item:
        case "safe":
            return await danger.is_safe_now(talk, asked(danger.TOPIC))
        case "not_safe":
            return await danger.not_safe(talk, asked(danger.TOPIC))
        case "call" | "no_call":
            return await mood.wants_a_call(talk, asked(mood.CALL), heard.item == "call")


async def _hear_danger(talk: Talk, text: str) -> str:
    """不想活了，不去了 is an alert, and a no as well: the no is recorded, the answer is about the person."""
    if talk.person is None:
        return talk.say("red.unstored")
    question = await questions.current(talk.session, talk.contact, talk.now)
    number = grammar.leading_number(text)
    if question is not None and question.topic == danger.TOPIC and (grammar.is_safe(text) is False or number == 2):
        return await danger.not_safe(talk, question, text)
    if question is not None and number is not None and await _noted(talk, question, number):
        return "\n\n".join([await danger.red_reply(talk), *talk.aside])
    said = grammar.attendance(text)
    if said is grammar.Attendance.NOT_GOING and talk.person.joined_at is not None:
        ahead = await activities.ahead_of(talk.session, talk.person, talk.now)
        if len(ahead) == 1:
            answer = Answer.NOT_GOING
            await activities.answer(talk.session, ahead[0], talk.person, answer, talk.now)
            about = rsvp.words_of(ahead[0], talk.zone)
            talk.aside.append(talk.say("rsvp.noted_aside", answer=rsvp.answer_word(talk, answer), **about))
    return "\n\n".join([await danger.red_reply(talk), *talk.aside])


async def _noted(talk: Talk, question: Question, number: int) -> bool:
    """2 不想活了 answers what was asked as well: that is written down, and nothing is asked about it just now."""
    if question.topic == mood.TOPIC and number in mood.SCORES:
        await mood.keep(talk, question, number)
        return True
    if question.topic != rsvp.TOPIC or number not in rsvp.NUMBERS:
        return False
    said, what = rsvp.NUMBERS[number], await activities.occurrence(talk.session, question.subject_id or 0)
    await activities.answer(talk.session, what, talk.who(), said, talk.now)
    about = rsvp.words_of(what, talk.zone)
    talk.aside.append(talk.say("rsvp.noted_aside", answer=rsvp.answer_word(talk, said), **about))
    return True


async def _understand(talk: Talk, text: str) -> str | None:
    """An answer if anybody understands the text, in this order; None otherwise."""
    question = await _open_question(talk)
    if question is not None and question.topic == danger.TOPIC:
        # Before any command: 帮助 and 找人 are cries for help now, not the menu.
        reply = await danger.safe(talk, question, text)
        if reply is not None:
            return reply
    role = talk.person.role if talk.person else None
    if role is not None and role.is_staff:
        order = orders.staff_command(text)
        if order is not None:
            return await staff.obey(talk, order)
    command = grammar.command(text)
    if command is not None:
        return await _obey(talk, command)
    if grammar.is_safe(text) is False and await danger.in_a_case(talk):
        await danger.help_wanted(talk, text)
        return talk.say("red.help")
    if question is None:
        return await _without_question(talk, text)
    if question.topic == danger.TOPIC:
        return None  # it was heard first, and nothing else may take its answer
    return await DIALOGUES[question.topic].hear(talk, question, text) or await _without_question(talk, text)


async def _open_question(talk: Talk) -> Question | None:
    """The question this text can be an answer to: not one that was asked after it was written."""
    question = await questions.current(talk.session, talk.contact, talk.now)
    if question is not None and question.asked_at > talk.heard.sent_at + A_MOMENT:
        return None
    return question


async def _without_question(talk: Talk, text: str) -> str | None:
    """What makes sense without a question before it."""
    person = talk.person
    if person is None or person.role in (Role.FAMILY, Role.GUEST):
        code = grammar.bind_code(text)
        if code is not None:
            return await family.by_code(talk, code)
    if person is None:
        return None
    if not person.role.is_staff and (person.phone is None or person.role is not Role.MEMBER):
        phone = grammar.phone_number(text)
        if phone is not None:
            person.phone = phone
            return talk.say("people.phone_noted")
    if person.role is Role.FAMILY:
        return talk.say("help.welcome_word") if grammar.is_thanks(text) else await family.said_something(talk, text)
    if person.joined_at is not None:
        digits = grammar.four_digits(text)
        if digits is not None:
            checked_in = await checkin.by_digits(talk, digits)
            if checked_in is not None:
                return checked_in
        reply = await rsvp.out_of_the_blue(talk, text)
        if reply is not None:
            return reply
        if grammar.asks_when_or_where(text):
            return await helping.my_activities(talk)
        if "心情" in text:
            said = grammar.mood(text)
            if said is not None:
                return await mood.note(talk, None, *said)
        late = await _late_answer(talk, text)
        if late is not None:
            return late
    return talk.say("help.welcome_word") if grammar.is_thanks(text) else None


async def _late_answer(talk: Talk, text: str) -> str | None:
    """A bare number whose question has run out: ask the question again rather than guess."""
    if grammar.number(text, 5) is None:
        return None
    late = await questions.last_expired(talk.session, talk.contact, talk.now, LATE_ANSWERS)
    if late is None:
        return None
    if late.topic == danger.TOPIC and late.state is QuestionState.EXPIRED:
        return await danger.safe(talk, late, text)
    if late.topic == rsvp.TOPIC:
        return await rsvp.you_mean(talk, late)
    again = late.topic == mood.TOPIC and late.state is QuestionState.EXPIRED
    return await mood.ask_now(talk) if again else None


async def _obey(talk: Talk, command: Command) -> str:
    """The words that work at any point of any dialogue."""
    if talk.person is None and command not in (Command.HELP, Command.PERSON, Command.STOP, Command.RESUME):
        return talk.say("welcome.stranger")
    match command:
        case Command.HELP:
            return await helping.menu(talk)
        case Command.PERSON:
            return await helping.want_a_person(talk)
        case Command.STOP:
            return await helping.stop(talk)
        case Command.RESUME:
            return await helping.resume(talk)
        case Command.CHANGE:
            return await rsvp.change(talk)
        case Command.ARRIVED:
            return await checkin.arrived(talk)
        case Command.MY_ACTIVITIES:
            return await helping.my_activities(talk)
        case Command.MY_DATA | Command.DELETE | Command.CONFIRM_DELETE:
            return await helping.my_data(talk)
        case Command.BIND_FAMILY:
            return await family.give_code(talk)
        case Command.UNBIND:
            return await family.unbind(talk)
        case Command.MOOD:
            return await mood.ask_now(talk)
        case Command.NEWS:
            return await helping.news(talk)


async def _ask_again(talk: Talk) -> str:
    """Once we ask; the second time a person reads it. Whoever is just joining stays in their question."""
    question = await _open_question(talk)
    if talk.person is None:
        return talk.say(DIALOGUES[question.topic].again) if question else talk.say("welcome.stranger")
    if talk.person.role.is_staff:
        return talk.say(DIALOGUES[question.topic].again if question else "staff.not_understood")
    talk.contact.misunderstood += 1
    if talk.contact.misunderstood < 2:
        return talk.say(DIALOGUES[question.topic].again if question else "help.not_understood")
    talk.contact.misunderstood = 0
    today = f"{local(talk.now, talk.zone):%Y%m%d}"
    await talk.hand_over(TaskKind.READ, "not_understood", key=f"read:{ident(talk.contact)}:{today}", note=_words(talk))
    return talk.say("help.to_a_person")


def _words(talk: Talk) -> str | None:
    return talk.heard.content if isinstance(talk.heard, Text) else None


async def _unreadable(talk: Talk) -> str | None:
    """A voice message may hold anything: a person listens to it, and we ask for words."""
    kind = talk.heard.kind if isinstance(talk.heard, Unreadable) else ""
    await unread.put_before_a_person(talk, kind)
    if talk.person is not None:
        await mood.answered_unread(talk)
    is_quiet = _is_talked_to(talk)
    if await danger.in_a_case(talk):
        if not is_quiet:
            return await danger.goes_on_unread(talk)
        await danger.join_unread(talk)
    if is_quiet:
        return None
    return talk.say("help.unreadable") if talk.person else talk.say("welcome.stranger")


async def _followed(talk: Talk, scene: str | None) -> str:
    if scene:
        return await _by_scene(talk, scene)
    if talk.person is None:
        return talk.say("welcome.stranger")
    return talk.say("welcome.back" if talk.person.stopped else "welcome.known")


async def _by_scene(talk: Talk, scene: str) -> str:
    what = await activities.by_scene(talk.session, scene)
    if what is not None:
        return await checkin.by_scene(talk, what)
    return await joining.by_code(talk, scene)


async def _unfollowed(talk: Talk) -> None:
    """Leaving is a full stop: nothing is sent by any other way, and staff hear only that it stopped."""
    if talk.person is None:
        return
    if not talk.person.role.is_staff:
        people.stop(talk.person)
    for kind in agreeing.ROUTINE:
        await messages.clear(talk.session, "unfollowed", talk.now, person_id=talk.person.id, kind=kind)
    if talk.person.role.is_staff:
        await talk.hand_over(TaskKind.CLEAR, "staff_gone", key=talk.key("staff-gone"))
    elif talk.worker is not None and talk.person.role is Role.MEMBER:
        await messages.send(talk.session, "stopped", key=talk.key("stopped"), to=talk.worker, now=talk.now)
