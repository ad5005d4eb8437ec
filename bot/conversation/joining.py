"""Joining: a personal code, four digits given by hand, and consent, one thing at a time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from app.activities import service as activities
from app.db import ident
from app.messages.models import Question
from app.mood import service as mood
from app.people import service as people
from app.people import tickets
from app.people.models import Person, Role, Ticket, TicketPurpose, Topic
from app.tasks.models import TaskKind
from bot.conversation import grammar
from bot.conversation.dialogue import Hear, dialogue
from bot.conversation.talk import Talk

A_DAY = timedelta(days=1)
JOINING = "joining"
NO_NAMES = ("要得", "随便", "不知道", "不晓得")


async def by_code(talk: Talk, scene: str) -> str:
    """Somebody follows, or scans, with a personal code."""
    ticket = await tickets.live_ticket(talk.session, TicketPurpose.JOIN, scene, talk.now)
    if ticket is None:
        return talk.say("welcome.known") if talk.person and talk.person.joined_at else talk.say("welcome.code_expired")
    if talk.person is not None and talk.person.joined_at is not None:
        return talk.say("welcome.known")
    await _lend_house(talk, ticket)
    await talk.ask("join.welcome", lasts=A_DAY, subject_id=ident(ticket))
    return talk.say("welcome.invited")


async def _lend_house(talk: Talk, ticket: Ticket) -> None:
    """Until they have joined, we speak for the house of the ticket, and name the worker of its person."""
    invited = await people.person(talk.session, ticket.person_id)
    talk.house = await people.house(talk.session, ticket.house_id)
    talk.programme = await people.programme(talk.session, talk.house.programme_id)
    talk.worker = await people.person(talk.session, invited.worker_id) if invited.worker_id else None


HearTicket = Callable[[Talk, Question, Ticket, str], Awaitable[str | None]]


def while_the_ticket_is_good(hear: HearTicket) -> Hear:
    """The steps before joining hold only while the code does; after that it is kindly said to be over."""

    async def guarded(talk: Talk, question: Question, text: str) -> str | None:
        ticket = await tickets.ticket_by_id(talk.session, question.subject_id or 0, talk.now)
        if ticket is None:
            await talk.answered(question)
            return talk.say("welcome.code_expired")
        await _lend_house(talk, ticket)
        return await hear(talk, question, ticket, text)

    return guarded


@dialogue("join.welcome", again="join.again")
@while_the_ticket_is_good
async def welcome(talk: Talk, _question: Question, ticket: Ticket, text: str) -> str | None:
    if grammar.number(text, 1) is None and not (grammar.yes_no(text) or grammar.is_thanks(text)):
        return None
    await talk.ask("join.pin", lasts=A_DAY, subject_id=ident(ticket))
    return talk.say("join.pin")


@dialogue("join.pin", again="join.wrong_pin")
@while_the_ticket_is_good
async def pin(talk: Talk, question: Question, ticket: Ticket, text: str) -> str | None:
    digits = grammar.four_digits(text)
    if digits is None:
        return None
    if digits != ticket.pin:
        ticket.wrong_pins += 1
        return talk.say("join.wrong_pin")
    invited = await people.person(talk.session, ticket.person_id)
    if invited.role in (Role.WORKER, Role.SUPERVISOR):
        await talk.answered(question)
        await _admit(talk, ticket)
        return talk.say("help.staff_menu")
    await talk.ask("join.consent", lasts=A_DAY, subject_id=ident(ticket))
    return talk.say("join.consent")


async def _admit(talk: Talk, ticket: Ticket) -> Person:
    person = await tickets.admit(talk.session, ticket, talk.now)
    await talk.becomes(person)
    people.resume(person)
    return person


@dialogue("join.consent", again="join.consent_again")
@while_the_ticket_is_good
async def consent(talk: Talk, question: Question, ticket: Ticket, text: str) -> str | None:
    agreed = grammar.yes_no(text)
    choice = grammar.number(text, 3) or {True: 1, False: 3, None: None}[agreed]
    if choice is None:
        return None
    if choice == 3:
        await talk.answered(question)
        return talk.say("join.declined")
    if choice == 2:
        await talk.answered(question)
        talk.person = await people.person(talk.session, ticket.person_id)
        await talk.hand_over(TaskKind.TALK, "ask_first", key=f"ask-first:{ident(ticket)}")
        reply = talk.say("join.ask_first")
        talk.person = None
        return reply
    person = await _admit(talk, ticket)
    await people.record_consent(talk.session, person, JOINING, True, talk.words.version, talk.now)
    await talk.ask("join.mood", lasts=A_DAY)
    return talk.say("join.mood")


@dialogue("join.mood", again="join.one_or_two")
async def about_mood(talk: Talk, _question: Question, text: str) -> str | None:
    choice = grammar.number(text, 2) or {True: 1, False: 2, None: None}[grammar.yes_no(text)]
    if choice is None:
        return None
    wanted = choice == 1
    await people.record_consent(talk.session, talk.who(), Topic.MOOD, wanted, talk.words.version, talk.now)
    if wanted:
        await mood.ask_weekly(talk.session, talk.who(), talk.now)
    await talk.ask("join.family", lasts=A_DAY)
    return talk.say("join.family")


@dialogue("join.family", again="join.one_two_three")
async def about_family(talk: Talk, _question: Question, text: str) -> str | None:
    choice = grammar.number(text, 3) or {True: 1, False: 2, None: None}[grammar.yes_no(text)]
    if choice is None:
        return None
    if choice != 3:
        await people.record_consent(talk.session, talk.who(), Topic.FAMILY, choice == 1, talk.words.version, talk.now)
    await talk.ask("join.name", lasts=A_DAY, family=choice == 1)
    return talk.say("join.name")


@dialogue("join.name", again="join.name_again")
async def name(talk: Talk, question: Question, text: str) -> str | None:
    called = " ".join(text.split())
    if talk.in_danger or grammar.is_thanks(text) or grammar.yes_no(text) is not None or called in NO_NAMES:
        return None
    if not 1 <= len(called) <= 10 or not any(c.isalpha() for c in called):
        return None
    talk.who().called = called
    await talk.answered(question)
    await activities.catch_up(talk.session, talk.who(), talk.now)
    return talk.say("join.done_family" if question.data.get("family") else "join.done")
