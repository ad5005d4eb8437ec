"""How a case ends, step by step: what came of it, how grave it was, where to, when again; and afterwards."""

from datetime import date, timedelta
from typing import Any

from app.clock import local
from app.db import ident
from app.escalations import aftercare, handling, journal
from app.escalations import service as escalations
from app.escalations.handling import Came, Ending, Handled
from app.escalations.models import CaseRow, Via
from app.escalations.states import FOLLOW_UP_WITHIN, LONGEST_WITHOUT_CONTACT, REFER_FROM, Level, Outcome
from app.marks import service as marks
from app.marks.models import Why
from app.messages.models import Question
from app.tasks.models import TaskKind
from bot.conversation import grammar
from bot.conversation.dialogue import dialogue
from bot.conversation.talk import Talk
from bot.conversation.when import day_in
from bot.wording.moments import date_words

OUTCOMES = dict(enumerate(handling.OUTCOMES, start=1))
NEXT_CONTACT = {1: timedelta(days=1), 2: timedelta(days=3), 3: timedelta(days=7)}
LASTS = timedelta(hours=2)
WHYS = dict(enumerate(Why, start=1))
WHY_LASTS = timedelta(minutes=30)  # nothing hangs on the answer: the digits are soon free again


async def ask_outcome(talk: Talk, row: CaseRow, answer: str = "") -> str:
    """Open the first question; `answer` is what somebody wrote with the command already."""
    seen = await journal.newest(talk.session, row)
    question = await talk.ask("outcome", lasts=LASTS, subject_id=ident(row), seq=seen)
    said = await outcome(talk, question, answer) if answer else None
    return said or talk.say("staff.outcome", code=row.code)


@dialogue("outcome", again="staff.outcome_again")
async def outcome(talk: Talk, question: Question, text: str) -> str | None:
    number = grammar.number(text, len(OUTCOMES))
    if number is None:
        return None
    chosen = OUTCOMES[number]
    row = await escalations.case(talk.session, question.subject_id or 0)
    if chosen in (Outcome.UNREACHED, Outcome.FALSE_ALARM):
        await talk.answered(question)
        return await _close(talk, row, chosen, seq=question.data.get("seq"))
    data = {**question.data, "outcome": chosen.value}
    if row.level < Level.ORANGE:
        return await _ask_next_contact(talk, row, **data)
    await talk.ask("grade", lasts=LASTS, subject_id=ident(row), **data)
    return talk.say("staff.grade", code=row.code)


@dialogue("grade", again="staff.grade_again")
async def grade(talk: Talk, question: Question, text: str) -> str | None:
    level = grammar.grade(text)
    if level is None:
        return None
    row = await escalations.case(talk.session, question.subject_id or 0)
    data = {**question.data, "grade": level}
    if level < REFER_FROM and data["outcome"] != Outcome.REFERRED:
        return await _ask_next_contact(talk, row, **data)
    await talk.ask("referral", lasts=LASTS, subject_id=ident(row), **data)
    return talk.say("staff.referral")


@dialogue("referral", again="staff.referral_again")
async def referral(talk: Talk, question: Question, text: str) -> str | None:
    whereto = text.strip()
    if not handling.is_place(whereto):
        return None
    row = await escalations.case(talk.session, question.subject_id or 0)
    if row.owner_id == talk.who().id:
        await aftercare.refer(talk.session, row, talk.who(), question.data["grade"], whereto, talk.now)
    return await _ask_next_contact(talk, row, **question.data)


async def _ask_next_contact(talk: Talk, row: CaseRow, **data: Any) -> str:
    await talk.ask("next_contact", lasts=LASTS, subject_id=ident(row), **data)
    return talk.say("staff.next_contact")


@dialogue("next_contact", again="staff.next_contact_again")
async def next_contact(talk: Talk, question: Question, text: str) -> str | None:
    today = local(talk.now, talk.zone).date()
    number = grammar.number(text, len(NEXT_CONTACT))
    day = today + NEXT_CONTACT[number] if number else day_in(text, today)
    if day is None:
        return None
    level = question.data.get("grade")
    if level is not None and level >= REFER_FROM and day > today + FOLLOW_UP_WITHIN:
        return talk.say("staff.next_contact_too_late", grade=level, until=date_words(today + FOLLOW_UP_WITHIN))
    if day > today + LONGEST_WITHOUT_CONTACT:
        return talk.say("staff.next_contact_too_far", until=date_words(today + LONGEST_WITHOUT_CONTACT))
    await talk.answered(question)
    row = await escalations.case(talk.session, question.subject_id or 0)
    return await _close(talk, row, Outcome(question.data["outcome"]), day, level, seq=question.data.get("seq"))


async def _close(
    talk: Talk, row: CaseRow, chosen: Outcome, day: date | None = None, level: int | None = None, *,
    seq: int | None,
) -> str:  # fmt: skip
    end = Ending(chosen, day, level)
    handled = await marks.close(talk.session, talk.who(), row, end, talk.now, via=Via.CHAT, seq=seq)
    if refused := refusal(talk, row, handled):
        return refused
    if chosen is Outcome.UNREACHED:
        return talk.say("staff.unreached", code=row.code)
    if day is None:
        closed = talk.say("staff.closed_false", code=row.code)
        return f"{closed}\n{await _ask_why(talk, row)}" if await marks.unexplained(talk.session, row) else closed
    grave = level is not None and level >= REFER_FROM
    return talk.say("staff.closed_grave" if grave else "staff.closed", code=row.code, next=date_words(day))


def refusal(talk: Talk, row: CaseRow, handled: Handled) -> str | None:
    """What to say to somebody who changed nothing; None when they did change something."""
    match handled.came:
        case Came.DONE:
            return None
        case Came.RESOLVED if row.drill:
            return talk.say("staff.drill_over", code=row.code)
        case Came.RESOLVED:
            return talk.say("staff.resolved_already", code=row.code)
        case Came.YOURS:
            return talk.say("staff.yours_already", code=row.code, link=link(talk, row))
        case Came.TAKEN if handled.owner is not None:
            return talk.say("staff.taken_already", owner=handled.owner.name, code=row.code)
        case Came.NOT_FOR_YOU:
            return talk.say("staff.nothing_to_take")
        case Came.NEWS:
            return talk.say("staff.news_first", code=row.code, link=link(talk, row))
        case came if came in handling.MISSING:
            return talk.say("staff.outcome", code=row.code)  # from the beginning
    return talk.say("staff.not_yours", code=row.code)


def link(talk: Talk, row: CaseRow) -> str:
    return talk.links.case(ident(row), ident(talk.who()), talk.now)


# Afterwards


async def _ask_why(talk: Talk, row: CaseRow) -> str:
    """After 误报: one question, which may be left alone."""
    await talk.ask("false_alarm", lasts=WHY_LASTS, subject_id=ident(row))
    return talk.say("staff.why")


@dialogue("false_alarm", again="staff.why_again")
async def why(talk: Talk, question: Question, text: str) -> str | None:
    number = grammar.number(text, len(WHYS))
    if number is None:
        return None
    await talk.answered(question)
    row = await escalations.case(talk.session, question.subject_id or 0)
    await marks.say_why(talk.session, talk.who(), row, WHYS[number], talk.now, via=Via.CHAT)
    return talk.say("staff.why_noted")


async def followed_up(talk: Talk, row: CaseRow) -> str:
    """回访 A-0312: the contact that was agreed on was made."""
    done = await aftercare.followed_up(talk.session, row, talk.who(), talk.now)
    return talk.say("staff.followed_up" if done else "staff.nothing_to_follow_up", code=row.code)


@dialogue("debrief", again="staff.debrief_again")
async def debrief(talk: Talk, question: Question, text: str) -> str | None:
    number = grammar.number(text, 2)
    if number is None:
        return None
    await talk.answered(question)
    row = await escalations.case(talk.session, question.subject_id or 0)
    wants_to_talk = number == 2
    await aftercare.debriefed(talk.session, row, talk.who(), talk.now, wants_to_talk=wants_to_talk)
    if wants_to_talk:
        await talk.hand_over(TaskKind.TALK, "debrief", key=f"debrief:{row.id}")
    return talk.say("staff.debrief_talk" if wants_to_talk else "staff.debrief_well")
