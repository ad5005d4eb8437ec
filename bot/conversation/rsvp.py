"""Coming or not: the answer to an invitation or a reminder, and changing one's mind."""

from datetime import timedelta

from app.activities import service as activities
from app.activities.machine import Answer, Outcome
from app.activities.models import Occurrence
from app.clock import local
from app.db import ident
from app.messages.models import Question
from app.tasks.models import TaskKind
from bot.conversation import grammar
from bot.conversation.dialogue import dialogue
from bot.conversation.talk import Talk
from bot.wording.moments import weekday_words, when_words

TOPIC = "rsvp"
OPEN_FOR = timedelta(hours=24)
NUMBERS = {1: Answer.GOING, 2: Answer.NOT_GOING, 3: Answer.UNDECIDED}


def words_of(what: Occurrence, zone: str) -> dict[str, str]:
    """What sentences about an occurrence speak of."""
    return {"title": what.title, "place": what.venue, **when_words(what.starts_at, zone)}


def answers_in(text: str) -> set[Answer]:
    """What a text answers, by its number and by its words: two answers when they disagree."""
    number, words = grammar.number(text, 3), grammar.attendance(text)
    by_number = {NUMBERS[number]} if number is not None else set()
    return by_number | ({Answer(words.value)} if words is not None else set())


@dialogue(TOPIC, again="rsvp.again")
async def hear(talk: Talk, question: Question, text: str) -> str | None:
    said = answers_in(text)
    if not said:
        return None
    if len(said) > 1:
        return talk.say("rsvp.again")
    what = await activities.occurrence(talk.session, question.subject_id or 0)
    await talk.answered(question)
    return await record(talk, what, said.pop())


@dialogue("rsvp.which", again="rsvp.again")
async def which(talk: Talk, question: Question, text: str) -> str | None:
    choices: list[int] = question.data["choices"]
    number = grammar.number(text, len(choices))
    if number is None:
        return None
    what = await activities.occurrence(talk.session, choices[number - 1])
    said = question.data.get("said")
    if said is not None:
        await talk.answered(question)
        return await record(talk, what, Answer(said))
    return await ask_change(talk, what)


async def record(talk: Talk, what: Occurrence, said: Answer) -> str:
    outcome = await activities.answer(talk.session, what, talk.who(), said, talk.now)
    about = words_of(what, talk.zone)
    match outcome:
        case Outcome.OVER:
            return talk.say("rsvp.over")
        case Outcome.CANCELLED:
            return talk.say("rsvp.cancelled")
        case Outcome.ALREADY_THERE:
            return talk.say("rsvp.there_already")
        case Outcome.UNCHANGED:
            return talk.say("rsvp.same", answer=answer_word(talk, said), **about)
        case Outcome.CHANGED:
            changed = talk.say("rsvp.changed", answer=answer_word(talk, said), **about)
            return f"{changed}\n{about['when']}，{about['place']}。" if said is Answer.GOING else changed
    if said is Answer.UNDECIDED:
        await talk.ask(TOPIC, lasts=_until(talk, what), subject_id=ident(what))
        return talk.say("rsvp.undecided", before=_day_before(talk, what))
    return talk.say("rsvp.going" if said is Answer.GOING else "rsvp.not_going", **about)


def _day_before(talk: Talk, what: Occurrence) -> str:
    day = local(what.starts_at, talk.zone).date() - timedelta(days=1)
    if day <= local(talk.now, talk.zone).date():
        return when_words(what.starts_at, talk.zone)["at"]
    return weekday_words(day)


def answer_word(talk: Talk, answer: Answer | None) -> str:
    return talk.say(f"rsvp.word_{answer.value if answer else 'none'}")


async def ask_change(talk: Talk, what: Occurrence) -> str:
    seat = await activities.seat_of(talk.session, what, talk.who())
    await talk.ask(TOPIC, lasts=_until(talk, what), subject_id=ident(what))
    return talk.say("rsvp.change", answer=answer_word(talk, seat.answer), **words_of(what, talk.zone))


def _until(talk: Talk, what: Occurrence) -> timedelta:
    return min(OPEN_FOR, max(what.ends_at - talk.now, timedelta(minutes=1)))


async def change(talk: Talk) -> str:
    """改: which one, if there are several, and then the question anew."""
    ahead = await activities.ahead_of(talk.session, talk.who(), talk.now)
    if not ahead:
        return talk.say("rsvp.nothing_ahead")
    if len(ahead) == 1:
        return await ask_change(talk, ahead[0])
    return await _ask_which(talk, ahead, None)


async def _ask_which(talk: Talk, ahead: list[Occurrence], said: Answer | None) -> str:
    await talk.ask("rsvp.which", lasts=timedelta(hours=2), choices=[ident(o) for o in ahead], said=said)
    return talk.say("rsvp.which", choices=choices(talk, ahead))


def choices(talk: Talk, ahead: list[Occurrence]) -> str:
    return "\n".join(
        f"{n} {about['when']} {about['title']}，{about['place']}"
        for n, about in enumerate((talk.discreetly(words_of(o, talk.zone)) for o in ahead), start=1)
    )


async def out_of_the_blue(talk: Talk, text: str) -> str | None:
    """ "去不了了" without a question: it can only mean the activity ahead, if there is just one."""
    said = grammar.attendance(text)
    if said is None:
        return None
    ahead = await activities.ahead_of(talk.session, talk.who(), talk.now)
    if not ahead:
        return talk.say("rsvp.nothing_ahead")
    if len(ahead) == 1:
        return await record(talk, ahead[0], Answer(said.value))
    return await _ask_which(talk, ahead, Answer(said.value))


async def you_mean(talk: Talk, question: Question) -> str | None:
    """A bare number after the question's time is over: ask it again in full rather than guess."""
    what = await activities.occurrence(talk.session, question.subject_id or 0)
    if what.ends_at <= talk.now:
        return None
    await talk.ask(TOPIC, lasts=_until(talk, what), subject_id=ident(what))
    return talk.say("rsvp.you_mean", **words_of(what, talk.zone))


@dialogue("missed", again="remind.missed_again")
async def missed(talk: Talk, question: Question, text: str) -> str | None:
    """今天没见到您，还好吗？"""
    choice = grammar.number(text, 3)
    if choice is None:
        return None
    await talk.answered(question)
    if choice == 1:
        return talk.say("remind.missed_fine")
    reason = "missed_unwell" if choice == 2 else "missed_talk"
    await talk.hand_over(TaskKind.TALK, reason, key=f"missed:{question.subject_id}:{ident(talk.contact)}")
    return talk.say("remind.missed_unwell" if choice == 2 else "remind.missed_talk")
