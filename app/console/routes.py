"""Every room of the console, in the order in which the navigation names them."""

from starlette.routing import Route

from app.console import (
    accounts,
    cases,
    figures,
    glass,
    handouts,
    home,
    inbox,
    ladders,
    meeting,
    meetings,
    moving,
    people,
    person,
    roster,
    screening_rules,
)
from app.console.counter import Counter
from app.console.desk import Tools
from app.console.oidc import OidcPage
from app.console.signin import SignInPage

SCREENING = screening_rules.room  # that of screening.py, with the ways of the rules
ROOMS = (
    home.room, inbox.room, cases.room, people.room, person.room, glass.room, meetings.room, meeting.room, moving.room,
    handouts.room, roster.room, ladders.room, SCREENING, figures.room,
    accounts.room,
)  # fmt: skip


def console_routes(tools: Tools) -> list[Route]:
    """SettingsError: an identity provider is set up, but what it needs is not installed."""
    counter = Counter(tools, ROOMS)
    page = SignInPage(counter)
    found = [*page.routes(), *counter.routes()]
    return [*OidcPage(counter, page).routes(), *found] if tools.settings.oidc_issuer else found
