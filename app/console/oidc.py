"""Signing in with the account of one's organisation. It opens only an account that was bound to it by an invitation."""

import hmac

import structlog
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.accounts import invitations, signing
from app.accounts import service as accounts
from app.console.counter import Counter
from app.console.provider import Asking, Provider, ProviderError
from app.console.signin import STEP_LASTS, SignInPage, local_path
from app.vault import LinkError

log = structlog.get_logger()
PATH = "/console/oidc"
PURPOSE = "oidc"


class OidcPage:
    def __init__(self, counter: Counter, page: SignInPage) -> None:
        """SettingsError: a provider is set up, but what it needs is not installed."""
        self._counter = counter
        self._tools = counter.tools
        self._page = page
        self._provider = Provider(self._tools.settings, self._tools.http)
        self._cookie = f"{'__Secure-' if counter.secure else ''}tongxing-oidc"

    def routes(self) -> list[Route]:
        return [
            Route(PATH, self.go, methods=["GET"]),
            Route("/console/invitation/{token}/oidc", self.go, methods=["GET"]),
            Route(f"{PATH}/back", self.back, methods=["GET"]),
        ]

    async def go(self, request: Request) -> Response:
        """To the provider; what was asked lies sealed in a cookie of this browser."""
        asking, now = Asking.new(), self._tools.clock.now()
        if not self._page.may_try(request):
            return self._page.too_often()
        try:
            where = await self._provider.address(asking)
        except ProviderError as error:
            return self._failed(error)
        claims = {
            "state": asking.state, "nonce": asking.nonce, "verifier": asking.verifier,
            "to": local_path(request.query_params.get("to", "")), "token": request.path_params.get("token", ""),
        }  # fmt: skip
        answer = RedirectResponse(where, 303, headers=self._counter.headers)
        answer.set_cookie(
            self._cookie, self._tools.db.vault.link(PURPOSE, claims, now=now, lasts=STEP_LASTS), path=PATH,
            max_age=int(STEP_LASTS.total_seconds()), secure=self._counter.secure, httponly=True, samesite="lax",
        )  # fmt: skip
        return answer

    async def back(self, request: Request) -> Response:
        now = self._tools.clock.now()
        try:
            claims = self._tools.db.vault.read_link(PURPOSE, request.cookies.get(self._cookie, ""), now=now)
            if not hmac.compare_digest(claims["state"].encode(), request.query_params.get("state", "").encode()):
                raise ProviderError("another state")
            asking = Asking(claims["state"], claims["nonce"], claims["verifier"])
            subject = await self._provider.subject(request.query_params.get("code", ""), asking, now)
            answer = await self._known(subject, claims["token"], claims["to"])
        except (ProviderError, LinkError) as error:
            answer = self._failed(error)
        answer.delete_cookie(self._cookie, path=PATH, secure=self._counter.secure, httponly=True, samesite="lax")
        return answer

    async def _known(self, subject: str, token: str, to: str) -> Response:
        now = self._tools.clock.now()
        try:
            async with self._tools.db.begin() as session:
                if token:
                    row = await invitations.live(session, token, now)
                    account = await signing.bind(session, row, subject, now)
                else:
                    account = await accounts.by_subject(session, subject)
        except IntegrityError:
            return self._page.form("", trouble="console_signin.oidc_taken", status=422)
        except LookupError:
            unknown = "console_signin.invitation_over" if token else "console_signin.oidc_unknown"
            return self._page.form("", trouble=unknown, status=422)
        return await self._page.go_on(account, to)

    def _failed(self, error: Exception) -> Response:
        log.warning("sign-in by provider failed", why=str(error))
        return self._page.form("", trouble="console_signin.oidc_failed", status=422)
