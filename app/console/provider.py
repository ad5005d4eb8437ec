"""The identity provider of an organisation: OpenID Connect with a code and PKCE, and nothing kept of its tokens.

Source: OpenID Connect Core 1.0, 3.1; Discovery 1.0, 4; RFC 7636. Which keys signed what is joserfc's to say (the extra
`oidc`), which is not loaded where no provider is set up.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx

from app.settings import Settings, SettingsError

ALGORITHMS = ["RS256", "PS256", "ES256"]  # never `none`, never one whose key is the client's secret
LEEWAY = 60  # seconds that two clocks may differ by
TIMEOUT = 10.0  # seconds


class ProviderError(Exception):
    """The provider was not reached, or said what cannot be believed. The text holds nothing of what it said."""


@dataclass(frozen=True)
class Asking:
    """What this browser must bring back: `state` in the address, `nonce` in the token, `verifier` for the code."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Asking":
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Provider:
    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        """SettingsError: the extra is not installed."""
        try:
            import joserfc  # noqa: F401
        except ImportError:
            raise SettingsError(
                '设置了 TONGXING_OIDC_ISSUER，还要装上 oidc 这一部分：.venv/bin/pip install -e ".[oidc]"'
            ) from None
        self._issuer = settings.oidc_issuer
        self._client = settings.oidc_client_id
        self._secret = settings.oidc_client_secret
        self._back = f"{settings.public_url.rstrip('/')}/console/oidc/back"
        self._http = http

    async def address(self, asking: Asking) -> str:
        """Where the browser goes to sign in. ProviderError."""
        where = (await self._about())["authorization_endpoint"]
        return f"{where}{'&' if '?' in where else '?'}" + urlencode(
            {
                "response_type": "code", "client_id": self._client, "redirect_uri": self._back, "scope": "openid",
                "state": asking.state, "nonce": asking.nonce, "code_challenge": asking.challenge,
                "code_challenge_method": "S256",
            }
        )  # fmt: skip

    async def subject(self, code: str, asking: Asking, now: datetime) -> str:
        """Who came back with this code: the same word for the same person of the same provider. ProviderError."""
        about = await self._about()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._back,
            "code_verifier": asking.verifier,
        }  # fmt: skip
        token = await self._json("POST", about["token_endpoint"], form)
        keys = await self._json("GET", about["jwks_uri"])
        sub = self._believed(token.get("id_token"), keys, asking.nonce, now)
        return hashlib.sha256(f"{self._issuer}\n{sub}".encode()).hexdigest()

    def _believed(self, token: Any, keys: Any, nonce: str, now: datetime) -> str:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            claims = jwt.decode(str(token), KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims
            jwt.JWTClaimsRegistry(
                now=lambda: int(now.timestamp()), leeway=LEEWAY,
                iss={"essential": True, "value": self._issuer}, aud={"essential": True, "value": self._client},
                exp={"essential": True}, iat={"essential": True}, nonce={"essential": True, "value": nonce},
                sub={"essential": True},
            ).validate(claims)  # fmt: skip
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderError(type(error).__name__) from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self._client:
            raise ProviderError("made for another client")
        return str(claims["sub"])

    async def _about(self) -> dict[str, Any]:
        about = await self._json("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self._issuer:
            raise ProviderError("another issuer")
        safe = urlsplit(self._issuer).scheme
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if urlsplit(str(about.get(name))).scheme not in ("https", safe):
                raise ProviderError(f"no {name}")
        return about

    async def _json(self, method: str, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        # Encoded like a form before it is encoded for the header: RFC 6749, 2.3.1.
        secret = quote_plus(self._secret.get_secret_value())
        auth = httpx.BasicAuth(quote_plus(self._client), secret) if form else None
        try:
            answer = await self._http.request(method, url, data=form, auth=auth, timeout=TIMEOUT)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderError(type(error).__name__) from None
        if not isinstance(found, dict):
            raise ProviderError("no object")
        return found
