"""Every room of the console, in the order in which the navigation names them."""

from starlette.routing import Route

from app.console import cases, handouts, home, inbox, meeting, meetings, moving
from app.console.counter import Counter
from app.console.desk import Tools
from app.console.signin import SignInPage

ROOMS = (home.room, inbox.room, cases.room, meetings.room, meeting.room, moving.room, handouts.room)


def console_routes(tools: Tools) -> list[Route]:
    counter = Counter(tools, ROOMS)
    return [*SignInPage(counter).routes(), *counter.routes()]
