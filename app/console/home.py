"""Where somebody lands: what their work begins with, by their role."""

from dataclasses import dataclass

from app.activities import service as activities
from app.clock import local
from app.console.desk import ANYBODY, CASES, Answer, Desk, Page, Room
from app.console.figures import at_a_glance
from app.console.inbox import banners
from app.duty import service as duty
from app.escalations import lists
from app.people import service as people
from app.people.models import House
from app.tasks import service as tasks
from bot.wording.moments import moment_words

room = Room("home")

MOST_HOUSES = 12  # of which it is said who is there; whoever serves more looks at one of them


@dataclass(frozen=True)
class Today:
    """A house today: who is there now, when somebody is next where nobody is, and what happens."""

    house: House
    there: list[str]
    next_duty: str
    meetings: list[tuple[int, str, str, str]]  # number, title, hours, place


@room.get("", roles=ANYBODY)
async def home(desk: Desk) -> Answer:
    sees_cases = desk.who.role in CASES
    return Page(
        "home.html", banners=await banners(desk) if sees_cases else [],
        counts=await lists.counts(desk.session, desk.scope, desk.who) if sees_cases else None,
        n_tasks=await tasks.count_in(desk.session, desk.scope) if sees_cases else 0,
        figures=await at_a_glance(desk),
        todays=await _todays(desk) if desk.who.role.is_staff else [],
    )  # fmt: skip


async def _todays(desk: Desk) -> list[Today]:
    houses = await people.houses_by_id(desk.session, desk.scope.houses)
    own_first = sorted(houses.values(), key=lambda house: (house.id != desk.who.house_id, house.id))
    found = []
    for house in own_first[:MOST_HOUSES]:
        there = await duty.on_duty(desk.session, house, desk.now)
        known = await people.people_by_id(desk.session, there)
        following = None if there else await duty.next_duty(desk.session, house, desk.now)
        today = local(desk.now, house.zone).date()
        meetings = [
            (
                what.id or 0, what.title,
                f"{local(what.starts_at, house.zone):%H:%M}–{local(what.ends_at, house.zone):%H:%M}", what.venue,
            )
            for what in await activities.on_day(desk.session, house.id or 0, today, house.zone)
        ]  # fmt: skip
        next_duty = moment_words(following, desk.now, house.zone) if following else ""
        found.append(Today(house, [known[number].name for number in there], next_duty, meetings))
    return found
