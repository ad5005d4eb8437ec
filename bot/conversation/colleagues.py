"""Which colleague a line means, in which houses, and when."""

from datetime import timedelta

from app.clock import local
from app.db import ident
from app.people import service as people
from app.people.models import House, Person, Role
from app.people.scope import Scope, serves
from bot.conversation.orders import StaffCommand
from bot.conversation.talk import Talk
from bot.conversation.when import When, read_when

FURTHEST = timedelta(days=180)


async def houses_in(talk: Talk, scope: Scope) -> list[House]:
    """The houses in scope, the speaker's own first."""
    numbers = sorted(scope.houses, key=lambda house_id: (house_id != talk.who().house_id, house_id))
    return [await people.house(talk.session, number) for number in numbers]


async def who_and_when(talk: Talk, command: StaffCommand, scope: Scope, how: str) -> tuple[Person, When] | str:
    """The colleague and the days of a line, or what to say: how it is written, or that nobody is called so."""
    when = read_when(command.rest, local(talk.now, talk.zone).date())
    if when is None or not when.name:
        return talk.say(how)
    today = local(talk.now, talk.zone).date()
    if any(day is not None and not today <= day <= today + FURTHEST for day in (when.day, when.other)):
        return talk.say("rota.too_far")
    found = await people.find_by_name(talk.session, scope, when.name, (Role.WORKER, Role.SUPERVISOR))
    if len(found) != 1:
        return talk.say("staff.no_such_colleague", name=when.name)
    return found[0], when


async def served_by(talk: Talk, scope: Scope, who: Person) -> list[House]:
    """The houses in scope that this colleague serves: their own alone, for one who leads the programme."""
    theirs = {who.house_id} if who.role is Role.SUPERVISOR else await serves(talk.session, who)
    return [house for house in await houses_in(talk, scope) if ident(house) in theirs]
