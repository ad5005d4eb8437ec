"""In and out of the console: a password, a code where there is a second factor, and only then a session."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.accounts import invitations, passwords, signing
from app.accounts import service as accounts
from app.accounts.models import Account
from app.accounts.signing import LoginTaken, seal_of
from app.console.addresses import Addresses
from app.console.counter import LOGIN, Counter, csrf_of
from app.console.desk import BASE
from app.console.enrolling import PURPOSE as ENROL
from app.console.enrolling import enrolment
from app.db import ident
from app.pages.posting import LONGEST, MOST, Form, FormError, is_from_elsewhere, read_form
from app.people import service as people
from app.vault import LinkError
from bot.wording import wording

log = structlog.get_logger()
FORM_LASTS = timedelta(hours=12)
STEP_LASTS = timedelta(minutes=10)
SECOND = f"{BASE}/second"
ENROLS = f"{BASE}/enrol"


class SignInPage:
    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._tools = counter.tools
        self._vault = counter.tools.db.vault
        self._addresses = Addresses()

    def routes(self) -> list[Route]:
        return [
            Route(LOGIN, self.show, methods=["GET"]),
            Route(LOGIN, self._tried(self.sign_in), methods=["POST"]),
            Route(SECOND, self._begin_again, methods=["GET"]),
            Route(SECOND, self._tried(self.second), methods=["POST"]),
            Route(ENROLS, self._begin_again, methods=["GET"]),
            Route(ENROLS, self._tried(self.enrol), methods=["POST"]),
            Route(f"{BASE}/invitation/{{token}}", self.invitation, methods=["GET"]),
            Route(f"{BASE}/invitation/{{token}}", self._tried(self.join), methods=["POST"]),
            Route(f"{BASE}/logout", self.sign_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        return self.form(local_path(request.query_params.get("to", "")))

    async def sign_in(self, _request: Request, form: Form) -> Response:
        now = self._tools.clock.now()
        try:
            self._vault.read_link("login", form.get("form", ""), now=now)
        except LinkError as error:
            log.warning("form refused", why=str(error))
            return self.form("", trouble="console_signin.form_old", status=400)
        to, login, password = local_path(form.get("to", "")), form.get("login", "")[:60], form.get("password", "")
        async with self._tools.db.begin() as session:
            account = await signing.attempt(session, login, now)
        right = await accounts.is_right(account, password)
        if account is None or not right:
            if account is not None:
                async with self._tools.db.begin() as session:
                    await signing.refused(session, account, now)
            return self.form(to, trouble="console_signin.wrong", status=422, login=login)
        return await self.go_on(account, to)

    async def go_on(self, account: Account, to: str) -> Response:
        """They have shown who they are: what is still asked for, and a session when nothing is."""
        now = self._tools.clock.now()
        async with self._tools.db.begin() as session:
            account = await signing.knows_password(session, ident(account), seal_of(account))
            if account.totp is not None or await self._needs_second(session, account):
                signing.so_far(account)
                key = ""
            else:
                key = await signing.enter(session, account, now, lasts=self._counter.lasts)
        if key:
            return self._in(key, to)
        return self._ask_code(account, to) if account.totp is not None else self._ask_enrol(account, to)

    async def _needs_second(self, session: Any, account: Account) -> bool:
        who = await people.person(session, account.person_id)
        return who.role.value in self._tools.settings.console_totp_for

    def _in(self, key: str, to: str) -> Response:
        answer = RedirectResponse(to or BASE, status_code=303, headers=self._counter.headers)
        return self._counter.with_cookie(answer, key)

    # The second step

    def _ask_code(self, account: Account, to: str, *, trouble: str = "", status: int = 200) -> Response:
        claims = {"account": ident(account), "seal": seal_of(account)}
        step = self._vault.link("second", claims, now=self._tools.clock.now(), lasts=STEP_LASTS)
        return self._page("signin/second.html", status=status, step=step, to=to, trouble=trouble)

    async def second(self, _request: Request, form: Form) -> Response:
        now = self._tools.clock.now()
        claims = self._vault.read_link("second", form.get("step", ""), now=now)
        to = local_path(form.get("to", ""))
        async with self._tools.db.begin() as session:
            account = await signing.knows_password(session, claims["account"], claims["seal"])
            key = ""
            if await signing.second(session, account, form.get("code", "")[:60], now):
                key = await signing.enter(session, account, now, lasts=self._counter.lasts)
        if not key:
            return self._ask_code(account, to, trouble="console_signin.wrong_code", status=422)
        return self._in(key, to)

    def _ask_enrol(self, account: Account, to: str, *, secret: str = "", trouble: str = "") -> Response:
        shown = enrolment(self._vault, account, wording(), self._tools.clock.now(), secret)
        return self._page(
            "signin/enrol.html", status=422 if trouble else 200, new=shown, to=to, trouble=trouble, action=ENROLS,
            required=True,
        )  # fmt: skip

    async def enrol(self, _request: Request, form: Form) -> Response:
        now = self._tools.clock.now()
        claims = self._vault.read_link(ENROL, form.get("step", ""), now=now)
        to = local_path(form.get("to", ""))
        async with self._tools.db.begin() as session:
            account = await signing.knows_password(session, claims["account"], claims["seal"])
            if account.totp is not None:
                raise LookupError("enrolled meanwhile")
            made = await signing.second_on(
                session, account, claims["secret"], form.get("code", "")[:20], now, lasts=self._counter.lasts
            )
        if made is None:
            return self._ask_enrol(account, to, secret=claims["secret"], trouble="console_signin.wrong_new_code")
        codes, key = made
        return self._counter.with_cookie(self._page("signin/codes.html", codes=codes, to=to or BASE), key)

    async def _begin_again(self, _request: Request) -> Response:
        return RedirectResponse(LOGIN, 303, headers=self._counter.headers)

    # An invitation

    async def invitation(self, request: Request) -> Response:
        try:
            return await self._invitation(request)
        except LookupError:
            return self._over(request)

    async def _invitation(self, request: Request, *, trouble: str = "", login: str | None = None) -> Response:
        """LookupError: there is none, or none that still works."""
        async with self._tools.db.read() as session:
            row = await invitations.live(session, request.path_params["token"], self._tools.clock.now())
            who = await people.person(session, row.person_id)
            house = await people.house(session, who.house_id)
            known = await accounts.of_person(session, row.person_id)
        return self._page(
            "signin/invitation.html", status=422 if trouble else 200, name=who.name, place=house.name, known=known,
            login=who.code if login is None else login, here=request.url.path, shortest=passwords.SHORTEST,
            trouble=trouble,
        )  # fmt: skip

    async def join(self, request: Request, form: Form) -> Response:
        now = self._tools.clock.now()
        login, password = accounts.as_kept(form.get("login", ""))[:61], form.get("password", "")
        try:
            async with self._tools.db.read() as session:
                row = await invitations.live(session, request.path_params["token"], now)
                who = await people.person(session, row.person_id)
                known = await accounts.of_person(session, row.person_id)
            login = known.login if known else login
            trouble = "" if signing.LOGIN.fullmatch(login) else "console_signin.login_unfit"
            trouble = trouble or password_trouble(form, (login, who.name, who.code))
            if trouble:
                return await self._invitation(request, trouble=trouble, login=login)
            hashed = await accounts.hashed(password)
            async with self._tools.db.begin() as session:
                account = await signing.join(session, row, login, hashed, now)
        except LoginTaken:
            return await self._invitation(request, trouble="console_signin.login_taken", login=login)
        except LookupError:
            return self._over(request)
        return await self.go_on(account, "")

    def _over(self, request: Request) -> Response:
        return self._counter.problem(request, "console_signin.invitation_over", status=404)

    # Out

    async def sign_out(self, request: Request) -> Response:
        key = request.cookies.get(self._counter.cookie, "")
        try:
            await self._counter.posted(request, csrf_of(key), longest=LONGEST, most=MOST)
        except FormError as error:
            log.warning("form refused", why=str(error))
            return self._counter.problem(request, "console_shell.form_refused", status=400)
        async with self._tools.db.begin() as session:
            await signing.leave(session, key, self._tools.clock.now())
        return self._counter.without_cookie(RedirectResponse(LOGIN, 303, headers=self._counter.headers))

    # What all of them share

    def _tried(self, step: "Step") -> Callable[[Request], Awaitable[Response]]:
        """A form of ours, and not too many from one place. What has run out meanwhile begins anew."""

        async def endpoint(request: Request) -> Response:
            if not self.may_try(request):
                return self.too_often()
            try:
                if is_from_elsewhere(request, self._tools.settings.public_url):
                    raise FormError("from elsewhere")
                return await step(request, await read_form(request))
            except (FormError, LinkError, LookupError) as error:
                log.warning("form refused", why=str(error))
                return self.form("", trouble="console_signin.form_old", status=400)

        return endpoint

    def may_try(self, request: Request) -> bool:
        return self._addresses.may_try(request)

    def too_often(self) -> Response:
        log.warning("too many sign-ins from one address")
        return self.form("", trouble="console_signin.too_often", status=429)

    def form(self, to: str, *, trouble: str = "", status: int = 200, login: str = "") -> Response:
        made = self._vault.link("login", {}, now=self._tools.clock.now(), lasts=FORM_LASTS)
        return self._page("signin/login.html", status=status, to=to, made=made, trouble=trouble, login=login)

    def _page(self, template: str, *, status: int = 200, **data: Any) -> Response:
        oidc = bool(self._tools.settings.oidc_issuer)
        return self._counter.render(template, words=wording(), status=status, oidc=oidc, **data)


Step = Callable[[Request, Form], Awaitable[Response]]


def password_trouble(form: Form, about: tuple[str, ...]) -> str:
    """Which sentence says why the password that was chosen (twice) cannot be taken; "" if it can."""
    fault = passwords.fault(form.get("password", ""), about)
    if fault:
        return f"console_signin.password_{fault}"
    return "" if form.get("password") == form.get("again") else "console_signin.password_differs"


def local_path(to: str) -> str:
    """`to` if it is a page of the console; anything else would send people to a stranger's page after sign-in."""
    fine = to.startswith(f"{BASE}/") and "\\" not in to and "//" not in to and to.isprintable()
    return to if fine and not to.startswith((LOGIN, f"{BASE}/static")) else ""
