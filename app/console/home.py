"""Where somebody lands: the page that their work begins with."""

from app.console.desk import ANYBODY, Answer, Desk, Page, Room

room = Room("home")


@room.get("", roles=ANYBODY)
async def home(desk: Desk) -> Answer:
    return Page("home.html")
