"""换班: one asks, the other says yes or no, and both know what holds."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ident
from app.duty import arranging, changes
from app.duty.changes import Obstacle
from app.duty.models import Change, ChangeState
from app.messages import questions
from app.messages.models import Question
from app.people import service as people
from app.people.scope import Scope
from bot.conversation import grammar
from bot.conversation.colleagues import who_and_when
from bot.conversation.dialogue import dialogue
from bot.conversation.orders import StaffCommand
from bot.conversation.talk import Talk
from bot.wording import Wording
from bot.wording.moments import date_words, span_words

TOPIC = "swap"
ANSWER_WITHIN = timedelta(days=2)


async def swap(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """换班 李红 12月3日: asks 李红 for one's shift of that day; with a second day, for hers of that one."""
    if not command.rest:
        waits = await asked(talk)
        return "\n\n".join([talk.say("rota.how_swap"), *([waits] if waits else [])])
    meant = await who_and_when(talk, command, scope, "rota.how_swap")
    if isinstance(meant, str):
        return meant
    other, when = meant
    if when.hours is not None:
        return talk.say("rota.how_swap")
    made = await arranging.ask(talk.session, scope, talk.who(), other, when.day, talk.now, back=when.other)
    if isinstance(made, Obstacle):
        return refusal(talk.words, made, other.name, date_words(when.day), date_words(when.other) if when.other else "")
    words = await _words(talk, made)
    return talk.say("rota.asked_back" if words["back"] else "rota.asked", **words)


def refusal(words: Wording, why: Obstacle, name: str, day: str, back: str) -> str:
    """Why a swap with this colleague cannot be proposed; the chat and the console say it in the same words."""
    match why:
        case Obstacle.NO_SHIFT:
            return words.say("rota.no_shift", when=day)
        case Obstacle.NONE_IN_RETURN:
            return words.say("rota.no_shift_of", name=name, when=back)
        case Obstacle.UNREACHABLE:
            return words.say("staff.colleague_unreachable", name=name)
        case Obstacle.YOURSELF:
            return words.say("rota.with_yourself")
        case Obstacle.ASKED_ALREADY:
            return words.say("rota.asked_already")
        case Obstacle.BEGUN | Obstacle.OVER:
            return words.say("rota.begun")


async def _words(talk: Talk, swap: Change) -> dict[str, str]:
    return await words_of(talk.session, await changes.swap_rows(talk.session, ident(swap)))


async def words_of(session: AsyncSession, rows: Sequence[Change]) -> dict[str, str]:
    """Who asked whom, about which shift, and for which one in return (or "")."""
    house = await people.house(session, rows[0].house_id)
    in_return = next((row for row in rows if row.person_id == rows[0].made_by), None)
    return {
        "asker": (await people.person(session, rows[0].made_by)).name,
        "name": (await people.person(session, rows[0].person_id)).name,
        "shift": span_words(rows[0].starts_at, rows[0].ends_at, house.zone),
        "back": span_words(in_return.starts_at, in_return.ends_at, house.zone) if in_return else "",
    }


async def asked(talk: Talk) -> str | None:
    """The swap that waits for an answer of this person, asked anew; None where none does."""
    waiting = await changes.waiting_for(talk.session, talk.who(), talk.now)
    if not waiting:
        return None
    before = await questions.current(talk.session, talk.contact, talk.now)
    if before is None or before.topic not in questions.UNYIELDING:
        await talk.ask(TOPIC, lasts=answer_within(waiting[0], talk.now), subject_id=ident(waiting[0]))
    words = await _words(talk, waiting[0])
    return talk.say("rota.swap_back" if words["back"] else "rota.swap", **words)


def answer_within(swap: Change, now: datetime) -> timedelta:
    return min(swap.starts_at - now, ANSWER_WITHIN)


@dialogue(TOPIC, again="rota.swap_again")
async def answer(talk: Talk, question: Question, text: str) -> str | None:
    choice = grammar.number(text, 2)
    if choice is None:
        return None
    await talk.answered(question)
    swap_id = question.subject_id or 0
    state = await arranging.answer(talk.session, swap_id, talk.who(), talk.now, yes=choice == 1)
    words = await words_of(talk.session, await changes.swap_rows(talk.session, swap_id))
    match state:
        case ChangeState.AGREED:
            return talk.say("rota.yours_now", **words)
        case ChangeState.DECLINED:
            return talk.say("rota.declined", **words)
        case _:
            return talk.say("rota.swap_over", **words)


async def unswap(talk: Talk, _command: StaffCommand, _scope: Scope) -> str:
    """取消换班: what nobody has answered yet is taken back."""
    asked_for = await changes.asked_by(talk.session, talk.who(), talk.now)
    for swap in asked_for:
        await arranging.take_back(talk.session, swap, talk.who(), talk.now)
    return talk.say("rota.withdrawn" if asked_for else "rota.nothing_asked")
