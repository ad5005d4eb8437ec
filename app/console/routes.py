"""Every room of the console, in the order in which the navigation names them."""

from starlette.routing import Route

from app.console import accounts, cases, home, inbox
from app.console.counter import Counter
from app.console.desk import Tools
from app.console.oidc import OidcPage
from app.console.signin import SignInPage

ROOMS = (home.room, inbox.room, cases.room, accounts.room)


def console_routes(tools: Tools) -> list[Route]:
    """SettingsError: an identity provider is set up, but what it needs is not installed."""
    counter = Counter(tools, ROOMS)
    page = SignInPage(counter)
    found = [*page.routes(), *counter.routes()]
    return [*OidcPage(counter, page).routes(), *found] if tools.settings.oidc_issuer else found
