"""A member lets a relative know time and place; the relative agrees; either ends it with one word."""

from datetime import timedelta

from app.db import ident
from app.messages import service as messages
from app.messages.models import Question
from app.people import service as people
from app.people import tickets
from app.people.models import Role, TicketPurpose, Topic
from app.tasks.models import TaskKind
from bot.conversation import agreeing, grammar
from bot.conversation.dialogue import dialogue
from bot.conversation.talk import Talk

WRONG_CODES_ALLOWED = 5
WRONG_CODES_WAIT = timedelta(hours=1)


async def give_code(talk: Talk) -> str:
    """绑定家属: six digits for the relative. Asking for them is the member's consent."""
    member = talk.who()
    if member.joined_at is None or member.role not in (Role.MEMBER, Role.COUNSELLOR):
        return talk.say("family.not_allowed")
    ticket = await tickets.issue_family_ticket(talk.session, member, talk.now)
    await people.record_consent(talk.session, member, Topic.FAMILY, True, talk.words.version, talk.now)
    people.resume(member, [Topic.FAMILY])
    return talk.say("family.code", code=f"{ticket.secret[:3]} {ticket.secret[3:]}")


async def by_code(talk: Talk, code: str) -> str:
    """Six digits from somebody who is not a member: a code, or a guess. Guesses run out."""
    contact = talk.contact
    if contact.wrong_codes_until is not None and contact.wrong_codes_until > talk.now:
        if contact.wrong_codes >= WRONG_CODES_ALLOWED:
            return talk.say("family.too_many")
    else:
        contact.wrong_codes = 0
    ticket = await tickets.live_ticket(talk.session, TicketPurpose.FAMILY, code, talk.now)
    if ticket is None or (talk.person is not None and talk.person.id == ticket.person_id):
        contact.wrong_codes += 1
        contact.wrong_codes_until = talk.now + WRONG_CODES_WAIT
        return talk.say("family.wrong_code")
    member = await people.person(talk.session, ticket.person_id)
    talk.house = await people.house(talk.session, member.house_id)
    talk.programme = await people.programme(talk.session, member.programme_id)
    await talk.ask("family.invite", lasts=timedelta(minutes=15), subject_id=ident(ticket))
    return talk.say("family.invite", member=member.known_as)


@dialogue("family.invite", again="family.invite_again")
async def agree(talk: Talk, question: Question, text: str) -> str | None:
    agreed = grammar.yes_no(text)
    if grammar.number(text, 1) is None and not agreed:
        return None
    await talk.answered(question)
    ticket = await tickets.ticket_by_id(talk.session, question.subject_id or 0, talk.now)
    if ticket is None:
        return talk.say("family.wrong_code")
    known = talk.person if talk.person is not None and talk.person.role is not Role.GUEST else None
    relative, member = await people.link_relative(
        talk.session, ticket, known, talk.now, name=talk.say("people.relative")
    )
    if known is None:
        await talk.becomes(relative)
    people.resume(relative)
    await people.record_consent(talk.session, relative, Topic.FAMILY, True, talk.words.version, talk.now)
    await messages.send(talk.session, "family_linked", key=f"family-linked:{ticket.id}", to=member, now=talk.now)
    return talk.say("family.done")


async def unbind(talk: Talk) -> str:
    """解绑, from either side: the other one hears it as well, without a reason."""
    who = talk.who()
    if not await agreeing.end_ties(talk.session, who, talk.now):
        return talk.say("family.nobody")
    if who.role is not Role.FAMILY:
        await people.record_consent(talk.session, who, Topic.FAMILY, False, talk.words.version, talk.now)
    return talk.say("family.unlinked_self" if who.role is Role.FAMILY else "family.unlinked")


async def said_something(talk: Talk, text: str) -> str:
    """Free text from a relative: perhaps they need us. What they wrote goes with the question."""
    await talk.ask("family.help", lasts=timedelta(hours=12), said=text)
    return talk.say("family.help")


@dialogue("family.help", again="join.one_or_two")
async def need(talk: Talk, question: Question, text: str) -> str | None:
    choice = grammar.number(text, 2)
    if choice is None:
        return None
    await talk.answered(question)
    if choice == 2:
        return talk.say("family.just_asking")
    note = question.data.get("said")
    await talk.hand_over(TaskKind.TALK, "family_call", key=talk.key("family-call"), note=note)
    return talk.say("family.call_me" if talk.who().phone else "family.call_me_where")
