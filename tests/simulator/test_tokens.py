"""Tokens, page codes and daily quotas."""

import httpx
import pytest

from app.clock import Clock
from bot.simulator import Platform, services

from .conftest import ACCOUNT, Api


async def test_a_token_stays_the_same_until_its_last_five_minutes(api: Api, clock: Clock) -> None:
    first = await api.token()
    assert first["expires_in"] == 7200
    clock.forward(minutes=114)
    assert (await api.token())["access_token"] == first["access_token"]
    clock.forward(minutes=2)
    second = await api.token()
    assert second["access_token"] != first["access_token"]
    for token in (first, second):
        assert (await api.post("callback/check", {"action": "all"}, token["access_token"]))["errcode"] == 0
    clock.forward(minutes=4)
    assert (await api.post("callback/check", {"action": "all"}, first["access_token"]))["errcode"] == 42001


async def test_tokens_that_are_missing_wrong_or_spoilt(box: Platform, api: Api) -> None:
    body = {"action": "all"}
    assert (await api.post("callback/check", body, ""))["errcode"] == 41001
    assert (await api.post("callback/check", body, "nonsense"))["errcode"] == 40001
    for errcode in (40001, 42001):
        token = (await api.token())["access_token"]
        box.expire_token(errcode)
        assert (await api.post("callback/check", body, token))["errcode"] == errcode
        assert (await api.post("callback/check", body))["errcode"] == 0


async def test_a_forced_refresh_ends_the_old_token_and_is_limited(api: Api) -> None:
    old = (await api.token())["access_token"]
    assert (await api.token(force_refresh=True))["access_token"] != old
    assert (await api.post("callback/check", {"action": "all"}, old))["errcode"] == 40001
    codes = [(await api.token(force_refresh=True)).get("errcode") for _ in range(20)]
    assert codes == [None] * 19 + [45009]


async def test_wrong_account_or_secret(api: Api) -> None:
    assert (await api.token(appid="wx_other"))["errcode"] == 40013
    assert (await api.token(secret="no"))["errcode"] == 40125


async def test_the_old_token_interface_works_and_is_frowned_upon(box: Platform, web: httpx.AsyncClient) -> None:
    query = {"appid": ACCOUNT.app_id, "secret": ACCOUNT.app_secret}
    assert (await web.get("/cgi-bin/token", params=query)).json()["expires_in"] == 7200
    assert "不该用" in box.calls[-1].result


async def test_the_daily_quota_ends_at_midnight_in_beijing(box: Platform, api: Api, clock: Clock) -> None:
    box.limits.daily["message/template/send"] = 2
    codes = [(await api.template())["errcode"] for _ in range(3)]
    assert codes == [0, 0, 45009]
    assert "2/2" in [c.result for c in box.calls if c.what == "message/template/send"][1]
    clock.forward(hours=11, minutes=59)
    assert (await api.template())["errcode"] == 45009
    clock.forward(minutes=1)
    assert (await api.template())["errcode"] == 0


async def test_a_quota_can_be_used_up_by_hand(box: Platform, api: Api, clock: Clock) -> None:
    box.use_up_quota("message/template/send")
    assert (await api.template())["errcode"] == 45009
    clock.forward(hours=12)
    assert (await api.template())["errcode"] == 0


async def test_a_page_code_is_worth_one_openid(box: Platform, web: httpx.AsyncClient, clock: Clock) -> None:
    query = {
        "appid": ACCOUNT.app_id,
        "redirect_uri": "https://example.org/p?x=1",
        "response_type": "code",
        "state": "s1",
        "scope": "snsapi_base",
    }
    assert "小河" in (await web.get("/connect/oauth2/authorize", params=query)).text
    answer = await web.get("/connect/oauth2/authorize", params=query | {"phone": "o_he"})
    back = httpx.URL(answer.headers["location"])
    assert (back.host, back.params["x"], back.params["state"]) == ("example.org", "1", "s1")

    async def trade(code: str) -> dict[str, object]:
        ask = {"appid": ACCOUNT.app_id, "secret": ACCOUNT.app_secret, "code": code}
        return dict((await web.get("/sns/oauth2/access_token", params=ask)).json())

    assert (await trade(back.params["code"]))["openid"] == "o_he"
    assert (await trade(back.params["code"]))["errcode"] == 40163
    assert (await trade("nonsense"))["errcode"] == 40029
    assert (await web.get("/connect/oauth2/authorize", params=query | {"redirect_uri": "javascript:1"})).is_error


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"redirect_uri": "javascript:1"}, "redirect_uri"),
        ({"redirect_uri": "https://elsewhere.example/p"}, "10003"),
        ({"appid": "wx_other"}, "AppID"),
        ({"response_type": "token"}, "response_type"),
        ({"scope": "snsapi_userinfo"}, "10005"),
        ({"state": "with-a-dash"}, "state"),
        ({"state": "s" * 129}, "state"),
    ],
)
async def test_a_page_authorisation_that_is_not_as_the_platform_wants_it_is_refused(
    box: Platform, web: httpx.AsyncClient, changed: dict[str, str], said: str
) -> None:
    box.pages.domain = "example.org"
    query = {
        "appid": ACCOUNT.app_id, "redirect_uri": "https://example.org/p", "response_type": "code",
        "scope": "snsapi_base", "state": "s1", "phone": "o_he",
    }  # fmt: skip
    assert (await web.get("/connect/oauth2/authorize", params=query)).status_code == 302
    answer = await web.get("/connect/oauth2/authorize", params=query | changed)
    assert answer.status_code == 400
    assert said in answer.text


async def test_a_page_code_is_good_for_five_minutes(box: Platform, web: httpx.AsyncClient, clock: Clock) -> None:
    code = services.oauth_code(box, "o_he")
    clock.forward(minutes=5)
    ask = {"appid": ACCOUNT.app_id, "secret": ACCOUNT.app_secret, "code": code}
    assert (await web.get("/sns/oauth2/access_token", params=ask)).json()["errcode"] == 40029


async def test_in_a_snapshot_nobody_learns_who_it_is(box: Platform, web: httpx.AsyncClient) -> None:
    box.user("o_he").in_snapshot = True
    ask = {"appid": ACCOUNT.app_id, "secret": ACCOUNT.app_secret, "code": services.oauth_code(box, "o_he")}
    answer = (await web.get("/sns/oauth2/access_token", params=ask)).json()
    assert answer["is_snapshotuser"] == 1
    assert answer["openid"] not in box.users
