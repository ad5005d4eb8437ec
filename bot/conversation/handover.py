"""交班: to whom the open cases of somebody who goes home go; whoever has them keeps them until the other takes them."""

from typing import Any

from app.db import ident
from app.escalations import handing_over, handling
from app.escalations import service as escalations
from app.escalations.models import Via
from app.messages.models import Question
from app.people import service as people
from app.people.models import Person
from app.people.scope import Scope
from bot.conversation import grammar
from bot.conversation.dialogue import dialogue
from bot.conversation.orders import StaffCommand
from bot.conversation.talk import Talk
from bot.wording import Wording

TOPIC = "handover"


async def hand_over(talk: Talk, _command: StaffCommand, _scope: Scope) -> str:
    """交班: the question of the end of a shift, at any time."""
    mine = await escalations.owned_by(talk.session, talk.who())
    if not mine:
        return talk.say("staff.nothing_of_yours")
    heirs = await handing_over.heirs(talk.session, talk.who(), mine, talk.now)
    if not heirs:
        return talk.say("rota.nobody_to_take", n=len(mine))
    await talk.ask(TOPIC, lasts=handing_over.ANSWER_WITHIN, **asked_of(heirs))
    return talk.say("rota.hand_over", n=len(mine), choices=choices(talk.words, heirs))


def asked_of(heirs: list[Person]) -> dict[str, Any]:
    return {"to": [ident(heir) for heir in heirs]}


def choices(words: Wording, heirs: list[Person]) -> str:
    """`1 李红　2 继续由我`"""
    names = [*(heir.name for heir in heirs), words.say("rota.keep")]
    return "　".join(f"{n} {name}" for n, name in enumerate(names, start=1))


@dialogue(TOPIC, again="rota.hand_over_again")
async def to_whom(talk: Talk, question: Question, text: str) -> str | None:
    to: list[int] = question.data["to"]
    choice = grammar.number(text, len(to) + 1)
    if choice is None:
        return None
    await talk.answered(question)
    mine = await escalations.owned_by(talk.session, talk.who())
    if not mine:
        return talk.say("staff.nothing_of_yours")
    if choice > len(to):
        return talk.say("rota.kept", n=len(mine))
    colleague = await people.person(talk.session, to[choice - 1])
    offered = 0
    for row in mine:
        held = await escalations.case(talk.session, ident(row))
        offered += (await handling.offer(talk.session, talk.who(), held, colleague, talk.now, via=Via.CHAT)).done
    return talk.say("rota.handed", n=offered, name=colleague.name)
