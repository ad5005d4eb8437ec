"""The reply to somebody in danger: reviewed words only, and no promise that the house cannot keep."""

from datetime import timedelta

from app.db import ident
from app.duty.service import next_duty, on_duty, who_answers
from app.escalations import service as escalations
from app.escalations.states import Level
from app.messages import questions
from app.messages.models import Question
from app.people import service as people
from app.people.models import Role
from bot import screening
from bot.conversation import grammar
from bot.conversation.dialogue import dialogue
from bot.conversation.talk import Talk
from bot.wechat import Text
from bot.wording.language import language_of
from bot.wording.moments import moment_words

TOPIC = "safe"
ASKED_FOR = timedelta(hours=12)


async def red_reply(talk: Talk) -> str:
    """Said only after the case is part of this unit of work; it names whoever is really there."""
    said = await red_words(talk)
    if asks_whether_safe(talk):
        await talk.ask(TOPIC, lasts=ASKED_FOR, locale=talk.words.locale)
    return said


def asks_whether_safe(talk: Talk) -> bool:
    return not _about_somebody_else(talk) and talk.who().role is not Role.GUEST


def _about_somebody_else(talk: Talk) -> bool:
    return talk.who().role is Role.FAMILY and talk.reading is not None and talk.reading.category == "third_party"


async def red_words(talk: Talk) -> str:
    """The same without putting the question: whoever says them later puts it when they are said."""
    await _in_their_words(talk, _said(talk))
    if _about_somebody_else(talk):
        return talk.say("red.family")
    if talk.who().role is Role.GUEST:
        return talk.say("red.stranger")
    house = talk.at_house()
    answers = await who_answers(talk.session, talk.who(), house, talk.now)
    if answers is not None:
        return talk.say("red.on_duty", answers=(await people.person(talk.session, answers)).name)
    back = await next_duty(talk.session, house, talk.now)
    if back is None or await on_duty(talk.session, house, talk.now):
        return talk.say("red.no_rota")
    return talk.say("red.off_duty", next_duty=moment_words(back, talk.now, talk.zone, talk.words.locale))


@dialogue(TOPIC, again="red.again")
async def safe(talk: Talk, question: Question, text: str) -> str | None:
    """Whatever sounds like a cry for help is one, whichever number stands before it."""
    await _in_their_words(talk, text)
    is_safe = grammar.is_safe(text)
    if is_safe is None:
        is_safe = {1: True, 2: False, None: None}[grammar.number(text, 2)]
    if is_safe is None:
        return None
    return await is_safe_now(talk, question) if is_safe else await not_safe(talk, question, text)


async def is_safe_now(talk: Talk, question: Question | None) -> str:
    """They say, or tap, that they are safe."""
    await _in_their_words(talk, _said(talk))
    if question is not None:
        await talk.answered(question)
    return talk.say("red.safe")


async def not_safe(talk: Talk, question: Question | None, text: str | None = None) -> str:
    """They say, or tap, that they need help."""
    await _in_their_words(talk, text or "")
    if question is not None:
        await talk.answered(question)
    await help_wanted(talk, text, asked=True)
    return talk.say("red.help")


async def help_wanted(talk: Talk, text: str | None, *, asked: bool = False) -> None:
    """Somebody is called now: by the open case, or by a new one if that is closed already.

    `asked`: they were asked whether they are safe. Whatever is open then is red from here on.
    """
    await _in_their_words(talk, text or "")
    row = await escalations.open_case_of(talk.session, talk.who())
    if row is None or (asked and row.level < Level.RED):
        await escalations.flag(
            talk.session, talk.who(), Level.RED, "distress", rule="member.needs-help", rules_version="1",
            said=text, now=talk.now,
        )  # fmt: skip
    else:
        await escalations.help_wanted(talk.session, row, talk.who(), talk.now)


async def in_a_case(talk: Talk) -> bool:
    """Whether somebody answers for this person just now, because of what they wrote before."""
    if talk.person is None or talk.person.role in (Role.WORKER, Role.SUPERVISOR):
        return False
    row = await escalations.open_case_of(talk.session, talk.person)
    return row is not None and row.level >= Level.ORANGE


async def goes_on(talk: Talk, text: str) -> str:
    """Words that nobody here understands, from somebody with an open case: they join it, and the lines are said."""
    await join(talk, text)
    return talk.say("red.again" if await asked_whether_safe(talk) else "red.goes_on")


async def join(talk: Talk, text: str) -> None:
    """What somebody with an open case writes is for whoever has it."""
    await _in_their_words(talk, text)
    joined_already = talk.reading is not None and talk.reading.level is not screening.Level.NONE
    if not joined_already and talk.who().role is not Role.GUEST:  # whatever a stranger writes has joined it
        await escalations.flag(
            talk.session, talk.who(), Level.YELLOW, "none", rule="case.goes-on", rules_version="1", said=text,
            now=talk.now,
        )  # fmt: skip


async def join_unread(talk: Talk) -> None:
    """A voice, a picture from somebody with an open case: nobody knows what it says, so whoever has the case hears."""
    await _in_their_words(talk, "")
    await escalations.flag(
        talk.session, talk.who(), Level.YELLOW, "none", rule="case.unread", rules_version="1", said=None, now=talk.now
    )


async def goes_on_unread(talk: Talk) -> str:
    """The same, with the lines said."""
    await join_unread(talk)
    said = talk.say("red.unread")
    return f"{said}\n\n{talk.say('red.again')}" if await asked_whether_safe(talk) else said


async def asked_whether_safe(talk: Talk) -> bool:
    question = await questions.current(talk.session, talk.contact, talk.now)
    return question is not None and question.topic == TOPIC


async def _in_their_words(talk: Talk, text: str) -> None:
    """What is said from here on is in the language of `text`; if that does not show, in the one we asked them in."""
    asked = await questions.last_put(talk.session, ident(talk.who()), TOPIC)
    talk.speaks = language_of(text, (asked.data.get("locale") if asked else None) or talk.locale)


def _said(talk: Talk) -> str:
    return talk.heard.content if isinstance(talk.heard, Text) else ""
