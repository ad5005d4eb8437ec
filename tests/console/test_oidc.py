"""Signing in with the account of one's organisation, against a provider that fits on one page."""

import base64
import hashlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote_plus, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.clock import Clock
from app.console.provider import Provider
from app.settings import GivenSettings, Settings, SettingsError
from tests.conftest import MONDAY, Story, open_story
from tests.console.clerk import Clerk, has_account
from tests.console.test_accounts import account
from tests.console.test_signin import code, events, invited, is_in, needs_second, secret_on

ISSUER = "https://id.example.org/realm"
CLIENT = "tongxing"
SECRET = "a secret/that only tests use"
BACK = "http://house/console/oidc/back"


@dataclass
class Organisation:
    """It knows one person at a time, and can be told to lie."""

    clock: Clock
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"}))
    who: str = "employee-7"
    lies: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    signs_with: RSAKey | None = None
    asked: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def lets_in(self, address: str) -> str:
        """Somebody signs in there: where their browser is sent back to."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert self.asked["redirect_uri"] == BACK
        assert self.asked["response_type"] == "code"
        assert self.asked["code_challenge_method"] == "S256"
        number = f"code-{len(self.codes)}"
        self.codes[number] = self.asked
        return f"{BACK}?code={number}&state={self.asked['state']}"

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/realm/.well-known/openid-configuration", self._about),
                Route("/realm/token", self._token, methods=["POST"]),
                Route("/realm/keys", self._keys),
            ]
        )

    async def _about(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize", "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/keys", **self.about,
            }
        )  # fmt: skip

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        known = base64.b64encode(f"{CLIENT}:{quote_plus(SECRET)}".encode()).decode()  # RFC 6749, 2.3.1
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        right = request.headers["authorization"] == f"Basic {known}"
        if asked is None or not right or proof != asked["code_challenge"] or form["redirect_uri"] != BACK:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": ISSUER, "aud": CLIENT, "sub": self.who, "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            **self.lies,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs_with or self.key)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed})


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at=MONDAY)


@pytest.fixture
def organisation(clock: Clock) -> Organisation:
    return Organisation(clock)


def with_provider(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"oidc_issuer": ISSUER, "oidc_client_id": CLIENT, "oidc_client_secret": GivenSettings.model_validate(
            {"oidc_issuer": ISSUER, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
        ).oidc_client_secret}
    )  # fmt: skip


@pytest.fixture
async def story(settings: Settings, clock: Clock, organisation: Organisation) -> AsyncIterator[Story]:
    plain = httpx.AsyncClient(transport=httpx.ASGITransport(organisation.app()))
    async with open_story(with_provider(settings), clock, plain=plain) as opened:
        yield opened


async def goes(clerk: Clerk, organisation: Organisation, path: str = "/console/oidc") -> str:
    """To the organisation, signs in there, and comes back."""
    answer = await clerk._browser.get(path)
    assert answer.status_code == 303, answer.text
    return await clerk.opens(organisation.lets_in(answer.headers["location"]))


async def binds(story: Story, clerk: Clerk, organisation: Organisation, name: str = "王乐") -> str:
    link = await invited(story, name)
    assert "用单位账号登录" in await clerk.opens(link)
    return await goes(clerk, organisation, f"{link}/oidc")


async def test_an_invitation_binds_the_account_of_the_organisation_and_that_signs_in(
    story: Story, organisation: Organisation
) -> None:
    async with Clerk(story) as wangle:
        await binds(story, wangle, organisation)
        assert is_in(wangle)
    async with Clerk(story) as again:
        assert "用单位账号登录" in await again.opens("/console/login")
        await goes(again, organisation, "/console/oidc?to=/console/inbox%3Ftab%3Dtasks")
        assert is_in(again)
        assert again.at.endswith("/console/inbox?tab=tasks")
        assert "没有密码" not in again.page
        assert "可以用单位账号登录" in await again.opens("/console/accounts")
    found = await account(story, "王乐")
    assert found is not None
    assert found.password is None
    assert organisation.who not in (found.oidc_subject or "")
    assert await events(story) == ["invited", "bound", "signed_in", "signed_in"]


async def test_whoever_is_known_there_and_not_here_is_not_let_in(story: Story, organisation: Organisation) -> None:
    async with Clerk(story) as wangle, Clerk(story) as stranger:
        await binds(story, wangle, organisation)
        organisation.who = "employee-8"
        assert "还没有连上" in await goes(stranger, organisation)
        assert not is_in(stranger)
        assert "tongxing" not in stranger._browser.cookies


async def test_one_account_of_the_organisation_is_one_person(story: Story, organisation: Organisation) -> None:
    async with Clerk(story) as wangle, Clerk(story) as lihong:
        await binds(story, wangle, organisation)
        assert "另一个人的账号" in await binds(story, lihong, organisation, "李红")
        assert not is_in(lihong)
    assert await account(story, "李红") is None


@pytest.mark.parametrize(
    "lies",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
    ],
    ids=str,
)
async def test_a_token_that_was_not_made_for_this_moment_opens_nothing(
    story: Story, organisation: Organisation, lies: dict[str, Any]
) -> None:
    async with Clerk(story) as wangle, Clerk(story) as other:
        await binds(story, wangle, organisation)
        organisation.lies = lies
        assert "没有登录成" in await goes(other, organisation)
        assert not is_in(other)


async def test_a_token_with_two_readers_names_us_as_the_one_who_asked(story: Story, organisation: Organisation) -> None:
    """The control of the ones above."""
    organisation.lies = {"aud": [CLIENT, "another"], "azp": CLIENT}
    async with Clerk(story) as wangle:
        await binds(story, wangle, organisation)
        assert is_in(wangle)


async def test_a_token_signed_by_somebody_else_opens_nothing(story: Story, organisation: Organisation) -> None:
    async with Clerk(story) as wangle, Clerk(story) as other:
        await binds(story, wangle, organisation)
        organisation.signs_with = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        assert "没有登录成" in await goes(other, organisation)


async def test_what_another_browser_began_ends_in_no_other(story: Story, organisation: Organisation) -> None:
    """A link with somebody else's code must not sign this browser in as them."""
    async with Clerk(story) as wangle, Clerk(story) as other:
        await binds(story, wangle, organisation)
        answer = await wangle._browser.get("/console/oidc")
        back = organisation.lets_in(answer.headers["location"])
        assert "没有登录成" in await other.opens(back)
        await other._browser.get("/console/oidc")
        assert "没有登录成" in await other.opens(back)
        assert not is_in(other)


async def test_coming_back_works_once_and_not_after_ten_minutes(story: Story, organisation: Organisation) -> None:
    async with Clerk(story) as wangle, Clerk(story) as late:
        await binds(story, wangle, organisation)
        assert "没有登录成" in await wangle.opens(f"{BACK}?code=code-0&state={organisation.asked['state']}")
        answer = await late._browser.get("/console/oidc")
        await story.clock.forward_to(story.house.clock.now() + timedelta(minutes=11))
        assert "没有登录成" in await late.opens(organisation.lets_in(answer.headers["location"]))


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://id.example.org/realm/token"},
        {"jwks_uri": None},
    ],
    ids=str,
)
async def test_a_provider_that_says_it_is_another_or_leaves_tls_is_not_asked(
    story: Story, organisation: Organisation, about: dict[str, Any]
) -> None:
    organisation.about = about
    async with Clerk(story) as somebody:
        assert "没有登录成" in await somebody.opens("/console/oidc")


async def test_the_second_factor_of_the_house_is_asked_for_there_too(story: Story, organisation: Organisation) -> None:
    needs_second(story, "worker")
    story.house.settings = with_provider(story.house.settings)
    async with Clerk(story) as wangle:
        page = await binds(story, wangle, organisation)
        assert "您的身份登录要多一步验证" in page
        assert "tongxing" not in wangle._browser.cookies
        await wangle.presses("打开", code=code(story, secret_on(page)))
    async with Clerk(story) as again:
        assert "还差一步" in await goes(again, organisation)


async def test_an_account_that_was_shut_opens_by_no_way(story: Story, organisation: Organisation) -> None:
    async with Clerk(story) as wangle, Clerk(story, "周敏") as zhoumin:
        await binds(story, wangle, organisation)
        found = await account(story, "王乐")
        assert found is not None
        await zhoumin.opens(f"/console/accounts/{found.person_id}")
        await zhoumin.presses("停用")
        assert "还没有连上" in await goes(wangle, organisation)


async def test_whoever_has_a_password_keeps_it(story: Story, organisation: Organisation) -> None:
    await has_account(story, "王乐")
    async with Clerk(story) as wangle, Clerk(story) as again:
        await binds(story, wangle, organisation)
        await again.signs_in("wangle")
        assert is_in(again)


def test_without_the_extra_one_sentence_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "joserfc", None)
    with pytest.raises(SettingsError, match=r"TONGXING_OIDC_ISSUER.*\[oidc\]"):
        Provider(with_provider(settings), httpx.AsyncClient())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"oidc_issuer": ISSUER}, "还要设置 TONGXING_OIDC_CLIENT_ID、TONGXING_OIDC_CLIENT_SECRET"),
        ({"oidc_issuer": "http://id.example.org", "oidc_client_id": "a", "oidc_client_secret": "b"}, "要用 https"),
        ({"oidc_issuer": "id.example.org", "oidc_client_id": "a", "oidc_client_secret": "b"}, "不是网址"),
    ],
)
def test_half_a_provider_is_none(given: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says):
        GivenSettings.model_validate({"data_dir": tmp_path, **given})


async def test_where_no_provider_is_set_up_there_is_no_way_to_one(settings: Settings, clock: Clock) -> None:
    async with open_story(settings, clock) as plain, Clerk(plain) as somebody:
        assert "单位账号" not in await somebody.opens("/console/login")
        assert (await somebody._browser.get("/console/oidc")).status_code == 404
