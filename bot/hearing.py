"""What is known when somebody writes, besides the words: gathered in the unit of work, for the screening.

One look at their own last messages for whoever is not staff, and two more only where the words are worrying already:
what says nothing is never raised. Whoever handles a message holds the contact's row, so that of two messages of one
person, even of one second and in two processes, the one that is handled second sees the first.
"""

from dataclasses import replace
from datetime import timedelta

from app.db import ident
from app.escalations import history
from app.messages import service as messages
from app.messages.models import Inbox
from app.mood import service as mood
from app.people.models import Role
from bot.conversation import grammar
from bot.conversation.talk import Talk
from bot.screening import Context, Level, Reading, Speaker, screen
from bot.screening.context import LOOKED_AT, MESSAGES, MINUTES

TOGETHER = timedelta(minutes=MINUTES)
MOOD_OF = timedelta(days=1)
YELLOWS_OF = timedelta(days=7)
WORRY_OF = timedelta(minutes=30)
SPEAKERS = {Role.FAMILY: Speaker.FAMILY, Role.COUNSELLOR: Speaker.COUNSELLOR}


def alone(talk: Talk, text: str) -> Reading:
    """What the words say by themselves, from whoever says them."""
    return screen(text, _from(talk))


async def in_context(talk: Talk, inbox: Inbox, text: str, reading: Reading) -> Reading:
    """The reading of the words alone, raised by what is known besides. Never lowered by it."""
    if reading.level is Level.RED or is_a_number(text):
        return reading
    context = await _with_their_own(talk, inbox)
    if context.earlier or context.later:
        reading = screen(text, context)
    further = await _further(talk, context, reading)
    return screen(text, further) if further != context else reading


def is_a_number(text: str) -> bool:
    """An answer to a question of ours, a code, a phone number: no part of a sentence."""
    return grammar.normalise(text).replace(" ", "").replace("-", "").isdecimal()


def _from(talk: Talk) -> Context:
    return Context(speaker=SPEAKERS.get(talk.person.role, Speaker.MEMBER) if talk.person else Speaker.MEMBER)


def is_part_of_a_sentence(text: str) -> bool:
    return not is_a_number(text) and grammar.command(text) is None


async def _with_their_own(talk: Talk, inbox: Inbox) -> Context:
    """What was red is left out: it was acted on, and what comes after it is not the same cry again."""
    near = await messages.texts_around(talk.session, talk.contact, inbox, TOGETHER, LOOKED_AT)
    said = [one for one in near if one.level != Level.RED.word and is_part_of_a_sentence(one.content)]
    # WeChat's time is exact to a second: which of two came first in one second, nobody knows.
    earlier = tuple(one.content for one in said if one.at <= inbox.sent_at)[-MESSAGES:]
    later = tuple(one.content for one in said if one.at >= inbox.sent_at)[:MESSAGES]
    return replace(_from(talk), earlier=earlier, later=later)


async def _further(talk: Talk, context: Context, reading: Reading) -> Context:
    """What else is known, where it can still make the reading more urgent."""
    if talk.person is None or reading.level in (Level.NONE, Level.RED):
        return context
    person_id, about_others = ident(talk.person), reading.category == history.ABOUT_OTHERS
    if reading.level is Level.YELLOW:
        yellows = await history.outbursts(
            talk.session, person_id, talk.now - YELLOWS_OF, talk.now, about_others=about_others
        )
        context = replace(context, yellows=yellows)
    if about_others:
        worried = await history.others_worried(talk.session, talk.person, talk.now - WORRY_OF)
        return replace(context, worried=worried)
    if reading.level is Level.YELLOW:
        context = replace(context, mood=await mood.last_score(talk.session, person_id, talk.now - MOOD_OF))
    return context
