"""帮助, 找人, 退订, 恢复, 我的资料: what works at any point."""

from datetime import timedelta

from app.activities import service as activities
from app.db import ident
from app.escalations import service as escalations
from app.escalations.states import Level
from app.messages import broadcasts
from app.messages.models import Question
from app.people import service as people
from app.people.models import Role
from app.tasks.models import TaskKind
from bot.conversation import agreeing, grammar
from bot.conversation.dialogue import dialogue
from bot.conversation.rsvp import change, choices
from bot.conversation.talk import Talk


async def menu(talk: Talk) -> str:
    if talk.person is None:
        return talk.say("welcome.stranger")
    if talk.person.role is Role.FAMILY:
        return talk.say("help.family_menu")
    if talk.person.role in (Role.WORKER, Role.SUPERVISOR):
        return talk.say("help.staff_menu")
    await talk.ask("help", lasts=timedelta(minutes=30))
    reply = talk.say("help.menu")
    return f"{reply}\n\n{talk.say('help.staff_menu')}" if talk.person.role is Role.COUNSELLOR else reply


@dialogue("help", again="help.again")
async def choose(talk: Talk, question: Question, text: str) -> str | None:
    choice = grammar.number(text, 5)
    if choice is None:
        return None
    await talk.answered(question)
    verb = (my_activities, change, want_a_person, my_data, stop)[choice - 1]
    return await verb(talk)


async def want_a_person(talk: Talk) -> str:
    if talk.person is None:
        return talk.say("welcome.stranger") if talk.programme is None else await _stranger_wants_a_person(talk)
    row = await escalations.open_case_of(talk.session, talk.person)
    if row is not None and row.level is Level.RED:
        await escalations.help_wanted(talk.session, row, talk.person, talk.now)
    await talk.hand_over(TaskKind.TALK, "talk", key=talk.key("talk"))
    return talk.say("help.person", when_back=await talk.when_back())


async def _stranger_wants_a_person(talk: Talk) -> str:
    await talk.hand_over(TaskKind.TALK, "stranger_talk", key=talk.key("stranger"))
    return talk.say("help.person", when_back=talk.say("help.back_unknown"))


async def my_activities(talk: Talk) -> str:
    ahead = await activities.ahead_of(talk.session, talk.who(), talk.now)
    if not ahead:
        return talk.say("rsvp.nothing_ahead")
    return talk.say("help.my_activities", choices=choices(talk, ahead))


async def my_data(talk: Talk) -> str:
    """Seeing, correcting, taking along and deleting one's records: a person does it, and is told to."""
    await talk.hand_over(TaskKind.TALK, "data", key=talk.key("data"))
    return f"{talk.say('help.my_data')}\n{talk.say('help.my_data_page', link=talk.links.own('data'))}"


async def stop(talk: Talk) -> str:
    """退订: nothing more that was not asked for. A case that is open is not affected."""
    if talk.person is None:
        return talk.say("stop.nothing")
    await agreeing.stop_everything(talk.session, talk.person, talk.now)
    return talk.say("family.unlinked_self" if talk.person.role is Role.FAMILY else "stop.done")


async def resume(talk: Talk) -> str:
    if talk.person is None:
        return talk.say("stop.nothing")
    if talk.person.role is Role.FAMILY and not await people.members_linked_to(talk.session, ident(talk.person)):
        return talk.say("stop.nothing")
    people.resume(talk.person)
    await activities.catch_up(talk.session, talk.person, talk.now)
    return talk.say("stop.resumed")


async def news(talk: Talk) -> str:
    """The whole of what the house last told everybody: a card shows only that there is something."""
    cast = await broadcasts.latest_for(talk.session, talk.who(), talk.now)
    return cast.said if cast is not None else talk.say("help.no_news")
