"""How are you: one number, a sentence if they like, and a call if they want one."""

from datetime import timedelta

from app.db import ident
from app.escalations import service as escalations
from app.escalations.states import Level
from app.messages.models import Question
from app.mood import service as mood
from app.mood.service import LOW
from app.people import service as people
from app.people.models import Topic
from bot.conversation import grammar
from bot.conversation.dialogue import dialogue
from bot.conversation.talk import Talk

TOPIC, WORDS, CALL = "mood", "mood.words", "mood.call"
RULES = "mood-1"
SCORES = range(1, 6)


async def ask_now(talk: Talk) -> str:
    """心情: the member wants to tell, unasked."""
    if not await people.has_consented(talk.session, talk.who(), Topic.MOOD):
        return talk.say("mood.not_asked")
    latest = await mood.latest_prompt(talk.session, talk.who())
    prompt_id = latest.id if latest and latest.score is None and latest.expires_at > talk.now else None
    await talk.ask(TOPIC, lasts=timedelta(hours=4), subject_id=prompt_id)
    link = talk.links.mood(ident(talk.who()), talk.now, prompt_id)
    return f"{talk.say('mood.ask')}\n{talk.say('mood.open', link=link)}"


@dialogue(TOPIC, again="mood.again")
async def hear(talk: Talk, question: Question, text: str) -> str | None:
    said = grammar.mood(text)
    if said is None or grammar.attendance(text) is not None:
        return None
    return await note(talk, question, *said)


async def keep(talk: Talk, question: Question, score: int) -> None:
    """Write down an answer that came with words of danger: those are answered, not this."""
    await mood.note(talk.session, talk.who(), question.subject_id, score, None, talk.now)
    await talk.answered(question)


async def keep_score(talk: Talk, prompt_id: int | None, score: int) -> None:
    """The same for an answer from the page, where the words have an answer of their own as well."""
    await mood.note(talk.session, talk.who(), prompt_id, score, None, talk.now)


async def keep_while_talked_to(talk: Talk, prompt_id: int | None, score: int, words: str) -> None:
    """An answer from the page while a person talks to them: nothing is asked about it, and what it means is seen."""
    await mood.note(talk.session, talk.who(), prompt_id, score, words or None, talk.now)
    if await mood.lowest_twice(talk.session, talk.who()):
        await _flag(talk, "mood.lowest-twice")


async def more_words(talk: Talk, question: Question | None, text: str) -> str:
    """Words that follow the last answer."""
    if question is not None:
        await talk.answered(question)
    last = await mood.last_answer(talk.session, ident(talk.who()))
    if last is not None:
        await mood.add_words(talk.session, ident(last), text)
    return talk.say("mood.words")


async def answered_unread(talk: Talk) -> None:
    """A voice, a picture: an answer that a person has to look at, and not none."""
    await mood.answered_unread(talk.session, talk.who(), talk.now)


async def note(
    talk: Talk, question: Question | None, score: int, words: str, *, prompt_id: int | None = None
) -> str:  # fmt: skip
    """`prompt_id`: what it answers, where that is known without a question in the chat."""
    prompt_id = prompt_id or (question.subject_id if question else None)
    answer = await mood.note(talk.session, talk.who(), prompt_id, score, words or None, talk.now)
    if question is not None:
        await talk.answered(question)
    if await mood.lowest_twice(talk.session, talk.who()):
        await _flag(talk, "mood.lowest-twice")
    if score <= LOW:
        await talk.ask("mood.call", lasts=timedelta(hours=12), subject_id=ident(answer))
        return talk.say("mood.low")
    if words:
        return talk.say("mood.words")
    await talk.ask("mood.words", lasts=timedelta(minutes=30), subject_id=ident(answer))
    return talk.say("mood.good" if score > 3 else "mood.fair")


@dialogue("mood.words", again="mood.words")
async def words(talk: Talk, question: Question, text: str) -> str | None:
    if grammar.attendance(text) is not None or grammar.number(text, 5) is not None:
        return None
    await talk.answered(question)
    if not grammar.is_thanks(text):
        await mood.add_words(talk.session, question.subject_id or 0, text)
    return talk.say("mood.words")


@dialogue("mood.call", again="join.one_or_two")
async def call(talk: Talk, question: Question, text: str) -> str | None:
    choice = grammar.number(text, 2) or {True: 1, False: 2, None: None}[grammar.yes_no(text)]
    if choice is None:
        if grammar.attendance(text) is not None or len(text) < 2:
            return None
        await mood.add_words(talk.session, question.subject_id or 0, text)
        return None
    return await wants_a_call(talk, question, choice == 1)


async def wants_a_call(talk: Talk, question: Question | None, wanted: bool) -> str:
    if question is not None:
        await talk.answered(question)
    if not wanted:
        return talk.say("mood.no_call")
    await _flag(talk, "mood.wants-a-call")
    return talk.say("mood.call")


async def _flag(talk: Talk, rule: str) -> None:
    await escalations.flag(
        talk.session, talk.who(), Level.ORANGE, "distress", rule=rule, rules_version=RULES, said=None, now=talk.now
    )
