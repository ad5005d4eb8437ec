"""换班: one asks, the other says yes or no, and both know what holds."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ident
from app.duty import changes
from app.duty.changes import Obstacle
from app.duty.models import Change, ChangeState
from app.messages import questions
from app.messages import service as messages
from app.messages.models import Question
from app.people import service as people
from app.people.models import Person, Role
from app.people.scope import Scope, scope_of, serves
from bot.conversation import grammar
from bot.conversation.colleagues import houses_in, who_and_when
from bot.conversation.dialogue import dialogue
from bot.conversation.orders import StaffCommand
from bot.conversation.talk import Talk
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
    if other.id == talk.who().id:
        return talk.say("rota.with_yourself")
    if not await messages.reachable(talk.session, [ident(other)]):
        return talk.say("staff.colleague_unreachable", name=other.name)
    leads = other.role is Role.SUPERVISOR
    theirs = (await scope_of(talk.session, other)).houses if leads else await serves(talk.session, other)
    houses = [house for house in await houses_in(talk, scope) if house.id in theirs]
    made = await changes.propose(talk.session, houses, talk.who(), other, when.day, talk.now, back=when.other)
    if isinstance(made, Obstacle):
        return _refusal(talk, made, other, date_words(when.day), date_words(when.other) if when.other else "")
    await messages.send(
        talk.session, "swap_asked", key=f"swap_asked:{made.id}", to=other, subject_id=ident(made), now=talk.now,
        max_lateness=made.starts_at - talk.now,
    )  # fmt: skip
    words = await _words(talk, made)
    return talk.say("rota.asked_back" if words["back"] else "rota.asked", **words)


def _refusal(talk: Talk, why: Obstacle, other: Person, day: str, back: str) -> str:
    match why:
        case Obstacle.NO_SHIFT:
            return talk.say("rota.no_shift", when=day)
        case Obstacle.NONE_IN_RETURN:
            return talk.say("rota.no_shift_of", name=other.name, when=back)
        case Obstacle.BEGUN:
            return talk.say("rota.begun")
        case Obstacle.ASKED_ALREADY:
            return talk.say("rota.asked_already")


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
    settle = changes.agree if choice == 1 else changes.decline
    state = await settle(talk.session, swap_id, talk.who(), talk.now)
    rows = await changes.swap_rows(talk.session, swap_id)
    words = await words_of(talk.session, rows)
    if rows[0].settled_at == talk.now:
        await _tell(talk, rows[0], await people.person(talk.session, rows[0].made_by))
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
        await changes.withdraw(talk.session, ident(swap), talk.who(), talk.now)
        if not await messages.clear(talk.session, "withdrawn", talk.now, kind="swap_asked", subject_id=swap.id):
            await _tell(talk, swap, await people.person(talk.session, swap.person_id))
    return talk.say("rota.withdrawn" if asked_for else "rota.nothing_asked")


async def _tell(talk: Talk, swap: Change, who: Person) -> None:
    await messages.send(
        talk.session, "swap_settled", key=f"swap_settled:{swap.id}:{who.id}", to=who, subject_id=ident(swap),
        now=talk.now,
    )  # fmt: skip
