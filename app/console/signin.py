"""In and out of the console."""

from datetime import timedelta

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.accounts import service as accounts
from app.accounts import sessions
from app.console.counter import LOGIN, Counter, csrf_of
from app.console.desk import BASE
from app.pages.posting import LONGEST, MOST, FormError, is_from_elsewhere, read_form
from app.vault import LinkError
from bot.wording import wording

log = structlog.get_logger()
FORM_LASTS = timedelta(hours=12)


class SignInPage:
    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._tools = counter.tools

    def routes(self) -> list[Route]:
        return [
            Route(LOGIN, self.show, methods=["GET"]),
            Route(LOGIN, self.sign_in, methods=["POST"]),
            Route(f"{BASE}/logout", self.sign_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        return self._form(local_path(request.query_params.get("to", "")))

    async def sign_in(self, request: Request) -> Response:
        now = self._tools.clock.now()
        try:
            if is_from_elsewhere(request, self._tools.settings.public_url):
                raise FormError("from elsewhere")
            form = await read_form(request)
            self._tools.db.vault.read_link("login", form.get("form", ""), now=now)
        except (FormError, LinkError) as error:
            log.warning("form refused", why=str(error))
            return self._form("", trouble="console_signin.form_old", status=400)
        to, login = local_path(form.get("to", "")), form.get("login", "")[:60]
        async with self._tools.db.read() as session:
            account = await accounts.by_login(session, login)
        if not await accounts.is_right(account, form.get("password", "")[:200]) or account is None:
            return self._form(to, trouble="console_signin.wrong", status=422, login=login)
        async with self._tools.db.begin() as session:
            _row, key = await sessions.begin(session, account, now, lasts=self._counter.lasts)
        answer = RedirectResponse(to or BASE, status_code=303, headers=self._counter.headers)
        return self._counter.with_cookie(answer, key)

    async def sign_out(self, request: Request) -> Response:
        key = request.cookies.get(self._counter.cookie, "")
        try:
            await self._counter.posted(request, csrf_of(key), longest=LONGEST, most=MOST)
        except FormError as error:
            log.warning("form refused", why=str(error))
            return self._counter.problem(request, "console_shell.form_refused", status=400)
        async with self._tools.db.begin() as session:
            await sessions.end(session, key, self._tools.clock.now())
        return self._counter.without_cookie(RedirectResponse(LOGIN, 303, headers=self._counter.headers))

    def _form(self, to: str, *, trouble: str = "", status: int = 200, login: str = "") -> Response:
        made = self._tools.db.vault.link("login", {}, now=self._tools.clock.now(), lasts=FORM_LASTS)
        return self._counter.render(
            "signin/login.html", words=wording(), status=status, to=to, made=made, trouble=trouble, login=login
        )


def local_path(to: str) -> str:
    """`to` if it is a page of the console; anything else would send people to a stranger's page after sign-in."""
    fine = to.startswith(f"{BASE}/") and "\\" not in to and "//" not in to and to.isprintable()
    return to if fine and not to.startswith((LOGIN, f"{BASE}/static")) else ""
