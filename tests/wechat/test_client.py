import asyncio
import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.clock import Clock
from bot.outside import (
    ChannelClosed,
    Misconfigured,
    NotSent,
    OutcomeUnknown,
    OutsideError,
    TokenRefused,
    TryLater,
    UnknownError,
    UserMustRetry,
)
from bot.wechat import AccessToken, MemoryTokenStore, WeChatClient
from bot.wechat.logs import silence_http_logs

from .platform import APP_ID, NOW

SECRET = "s3cr3t-of-the-account"
OPENID = "otFpruAK8D-E6EfStSYonYSBZ8_4"
WORDS = "明天下午三点见"

Answer = dict[str, Any] | httpx.Response | Exception


class Platform:
    """Answers like WeChat: tokens by itself, everything else from a list (the last answer stays)."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers) or [{"errcode": 0, "errmsg": "ok"}]
        self.token_answers: list[Answer] = []
        self.asked: list[httpx.Request] = []
        self.tokens = 0
        self.clock = Clock(frozen_at=NOW)
        self.store = MemoryTokenStore()
        http = httpx.AsyncClient(
            base_url="https://api.example", transport=httpx.MockTransport(self.handle), trust_env=False
        )
        self.client = WeChatClient(http, app_id=APP_ID, app_secret=SECRET, tokens=self.store, clock=self.clock)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if request.url.path == "/cgi-bin/stable_token":
            self.tokens += 1
            good = {"access_token": f"TOKEN-{self.tokens}", "expires_in": 7200}
            return respond(self.token_answers.pop(0) if self.token_answers else good)
        self.asked.append(request)
        return respond(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

    @property
    def tokens_used(self) -> list[str]:
        return [request.url.params["access_token"] for request in self.asked]

    @property
    def body(self) -> Any:
        return json.loads(self.asked[-1].content)

    @property
    def path(self) -> str:
        return self.asked[-1].url.path


def respond(answer: Answer) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)


async def failure(platform: Platform) -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        await platform.client.send_text(OPENID, WORDS)
    return caught.value


async def test_a_text_goes_out_as_plain_utf8() -> None:
    platform = Platform()
    await platform.client.send_text(OPENID, WORDS)
    assert platform.path == "/cgi-bin/message/custom/send"
    assert WORDS.encode() in platform.asked[0].content
    assert platform.body == {"touser": OPENID, "msgtype": "text", "text": {"content": WORDS}}


async def test_a_lone_surrogate_does_not_stop_a_message() -> None:
    platform = Platform()
    await platform.client.send_menu(OPENID, "来吗\ud800", [("a7.1", "参加\x00")], "回复 1\ud800")
    assert platform.body["msgmenu"] == {
        "head_content": "来吗",
        "list": [{"id": "a7.1", "content": "参加"}],
        "tail_content": "回复 1",
    }


async def test_a_template_carries_its_key_and_gives_its_id() -> None:
    platform = Platform({"errcode": 0, "errmsg": "ok", "msgid": 3141592653589793238})
    sent = await platform.client.send_template(
        OPENID, "T1", {"thing1": "活动提醒"}, url="https://a.example/p", client_msg_id="outbox-7"
    )
    assert sent == "3141592653589793238"
    assert platform.path == "/cgi-bin/message/template/send"
    assert platform.body == {
        "touser": OPENID,
        "template_id": "T1",
        "url": "https://a.example/p",
        "client_msg_id": "outbox-7",
        "data": {"thing1": {"value": "活动提醒"}},
    }


async def test_a_template_that_was_accepted_without_an_id_was_accepted() -> None:
    assert await Platform().client.send_template(OPENID, "T1", {}, client_msg_id="1") == ""


async def test_a_subscription_notice_goes_to_bizsend() -> None:
    platform = Platform({"errcode": 0, "msgid": 7})
    assert await platform.client.send_subscription(OPENID, "T1", {"thing1": "x"}, page="p") == "7"
    assert platform.path == "/cgi-bin/message/subscribe/bizsend"
    assert platform.body["page"] == "p"


async def test_a_qr_code_always_says_how_long_it_lives() -> None:
    platform = Platform({"ticket": "TICKET", "url": "http://weixin.qq.com/q/x", "expire_seconds": 600})
    code = await platform.client.create_qr("q7Xk", expires_in=600)
    assert (code.ticket, code.url, code.expires_in) == ("TICKET", "http://weixin.qq.com/q/x", 600)
    assert platform.body == {
        "expire_seconds": 600,
        "action_name": "QR_STR_SCENE",
        "action_info": {"scene": {"scene_str": "q7Xk"}},
    }
    assert "TICKET" not in repr(code)


@pytest.mark.parametrize(("scene", "expires_in"), [("", 60), ("x" * 65, 60), ("x", 0), ("x", 2592001)])
async def test_a_qr_code_that_wechat_would_not_make_is_not_asked_for(scene: str, expires_in: int) -> None:
    platform = Platform()
    with pytest.raises(ValueError, match=r"scene|QR"):
        await platform.client.create_qr(scene, expires_in=expires_in)
    assert platform.asked == []


async def test_the_menu_is_written_and_read() -> None:
    platform = Platform({"errcode": 0}, {"menu": {"button": []}})
    await platform.client.create_menu({"button": [{"type": "click", "name": "找人聊聊", "key": "talk"}]})
    assert "找人聊聊".encode() in platform.asked[0].content
    assert (await platform.client.get_menu())["menu"] == {"button": []}


async def test_no_menu_is_an_empty_menu() -> None:
    assert await Platform({"errcode": 46003, "errmsg": "menu no exist"}).client.get_menu() == {}


@pytest.mark.parametrize(("subscribe", "subscribed"), [(1, True), (0, False)])
async def test_user_info_says_whether_somebody_follows(subscribe: int, subscribed: bool) -> None:
    platform = Platform({"subscribe": subscribe, "openid": OPENID})
    assert (await platform.client.user_info(OPENID)).subscribed is subscribed
    assert platform.asked[0].url.params["openid"] == OPENID


async def test_a_picture_is_uploaded_as_a_form() -> None:
    platform = Platform({"type": "image", "media_id": "M1", "created_at": 1})
    assert await platform.client.upload_media("image", "a.png", b"\x89PNG", "image/png") == "M1"
    request = platform.asked[0]
    assert request.url.params["type"] == "image"
    assert b'name="media"; filename="a.png"' in request.content


@pytest.mark.parametrize(("extra", "snapshot"), [({}, False), ({"is_snapshotuser": 1}, True)])
async def test_an_oauth_code_becomes_an_openid(extra: dict[str, int], snapshot: bool) -> None:
    platform = Platform({"access_token": "page-token", "openid": OPENID, **extra})
    identity = await platform.client.oauth_openid("CODE")
    assert (identity.openid, identity.snapshot) == (OPENID, snapshot)
    assert OPENID not in repr(identity)
    assert (platform.path, platform.tokens) == ("/sns/oauth2/access_token", 0)
    assert dict(platform.asked[0].url.params) == {
        "appid": APP_ID,
        "secret": SECRET,
        "code": "CODE",
        "grant_type": "authorization_code",
    }


async def test_a_used_oauth_code_asks_the_person_again() -> None:
    with pytest.raises(UserMustRetry):
        await Platform({"errcode": 40163, "errmsg": "code been used"}).client.oauth_openid("CODE")


async def test_the_callback_check_returns_what_wechat_found() -> None:
    platform = Platform({"dns": [{"ip": "203.0.113.7"}], "ping": []})
    assert (await platform.client.check_callback())["dns"] == [{"ip": "203.0.113.7"}]


async def test_fifty_calls_at_once_fetch_one_token() -> None:
    platform = Platform()
    await asyncio.gather(*(platform.client.send_text(OPENID, WORDS) for _ in range(50)))
    assert platform.tokens == 1
    assert platform.tokens_used == ["TOKEN-1"] * 50


async def test_fifty_refused_tokens_fetch_one_more() -> None:
    platform = Platform(*[{"errcode": 42001, "errmsg": "expired"}] * 50, {"errcode": 0})
    await asyncio.gather(*(platform.client.send_text(OPENID, WORDS) for _ in range(50)))
    assert platform.tokens == 2
    assert platform.tokens_used == ["TOKEN-1"] * 50 + ["TOKEN-2"] * 50


async def test_the_token_comes_from_stable_token_unforced() -> None:
    platform = Platform()
    orders: list[httpx.Request] = []
    answer = platform.handle

    async def watch(request: httpx.Request) -> httpx.Response:
        orders.append(request)
        return await answer(request)

    http = httpx.AsyncClient(base_url="https://api.example/", transport=httpx.MockTransport(watch))
    client = WeChatClient(http, app_id=APP_ID, app_secret=SECRET, tokens=MemoryTokenStore(), clock=platform.clock)
    await client.send_text(OPENID, WORDS)
    assert (orders[0].method, str(orders[0].url)) == ("POST", "https://api.example/cgi-bin/stable_token")
    assert json.loads(orders[0].content) == {
        "grant_type": "client_credential",
        "appid": APP_ID,
        "secret": SECRET,
        "force_refresh": False,
    }


@pytest.mark.parametrize(("minutes", "tokens"), [(114, 1), (115, 2), (130, 2)])
async def test_a_token_is_renewed_five_minutes_before_it_ends(minutes: int, tokens: int) -> None:
    platform = Platform()
    await platform.client.send_text(OPENID, WORDS)
    platform.clock.forward(minutes=minutes)
    await platform.client.send_text(OPENID, WORDS)
    assert platform.tokens == tokens


async def test_a_refused_token_is_renewed_and_the_call_repeated() -> None:
    platform = Platform({"errcode": 40001, "errmsg": "invalid credential"}, {"errcode": 0})
    await platform.client.send_text(OPENID, WORDS)
    assert platform.tokens_used == ["TOKEN-1", "TOKEN-2"]


async def test_a_token_refused_twice_is_an_error_after_exactly_one_retry() -> None:
    platform = Platform({"errcode": 40001, "errmsg": "invalid credential"})
    assert isinstance(await failure(platform), TokenRefused)
    assert platform.tokens_used == ["TOKEN-1", "TOKEN-2"]


async def test_a_token_that_somebody_else_renewed_is_not_fetched_again() -> None:
    store, fetched = MemoryTokenStore(), []

    def fetch(value: str) -> Callable[[], Awaitable[AccessToken]]:
        async def once() -> AccessToken:
            fetched.append(value)
            return AccessToken(value, NOW + timedelta(hours=2))

        return once

    first = await store.refresh(None, fetch("1"))
    second = await store.refresh(first, fetch("2"))
    assert await store.refresh(first, fetch("3")) == second
    assert await store.refresh(None, fetch("4")) == second
    assert fetched == ["1", "2"]


async def test_after_a_failed_fetch_the_next_caller_fetches() -> None:
    platform = Platform()
    platform.token_answers = [{"errcode": -1, "errmsg": "system error"}]
    assert isinstance(await failure(platform), TryLater)
    await platform.client.send_text(OPENID, WORDS)
    assert platform.tokens_used == ["TOKEN-2"]


async def test_a_wrong_secret_is_a_matter_for_operators() -> None:
    platform = Platform()
    platform.token_answers = [{"errcode": 40125, "errmsg": "invalid appsecret"}]
    assert isinstance(await failure(platform), Misconfigured)


@pytest.mark.parametrize("gone", [httpx.ReadTimeout("x"), httpx.Response(502)])
async def test_without_a_token_the_message_surely_was_not_sent(gone: Answer) -> None:
    platform = Platform()
    platform.token_answers = [gone]
    assert isinstance(await failure(platform), NotSent)
    assert platform.asked == []


async def test_an_errcode_is_read_though_http_says_200() -> None:
    error = await failure(Platform({"errcode": 45015, "errmsg": "response out of time limit"}))
    assert isinstance(error, ChannelClosed)


NOT_SENT = [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol]
UNKNOWN = [
    *(httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.WriteError, httpx.CloseError),
    *(httpx.RemoteProtocolError, httpx.DecodingError),
]


@pytest.mark.parametrize("kind", NOT_SENT)
async def test_without_a_connection_nothing_was_sent(kind: type[httpx.HTTPError]) -> None:
    error = await failure(Platform(kind("https://api.example/?access_token=TOKEN-1")))
    assert type(error) is NotSent
    assert kind.__name__ in str(error)


@pytest.mark.parametrize("kind", UNKNOWN)
async def test_a_connection_lost_after_sending_leaves_the_outcome_open(kind: type[httpx.HTTPError]) -> None:
    error = await failure(Platform(kind("https://api.example/?access_token=TOKEN-1")))
    assert type(error) is OutcomeUnknown
    assert kind.__name__ in str(error)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(502, text="<html>bad gateway</html>"), OutcomeUnknown),
        (httpx.Response(500, json={"errcode": 0}), OutcomeUnknown),
        (httpx.Response(200, text="<html>log in to the network</html>"), OutcomeUnknown),
        (httpx.Response(200, text="[1]"), OutcomeUnknown),
        (httpx.Response(200, text=""), OutcomeUnknown),
        (httpx.Response(200, text="[" * 100_000), OutcomeUnknown),
        (httpx.Response(200, json={"errcode": "many"}), OutcomeUnknown),
        (httpx.Response(404, text="not found"), UnknownError),
        (httpx.Response(302, headers={"location": "https://b.example"}), UnknownError),
        (httpx.Response(500, json={"errcode": 45011}), TryLater),
        (httpx.Response(200, json={"errcode": "45011"}), TryLater),
    ],
)
async def test_an_answer_that_is_not_wechats(answer: httpx.Response, kind: type[OutsideError]) -> None:
    assert type(await failure(Platform(answer))) is kind


async def test_an_answer_without_what_was_asked_for_is_an_error() -> None:
    with pytest.raises(UnknownError, match="no ticket"):
        await Platform({"errcode": 0}).client.create_qr("q7Xk", expires_in=60)


async def test_an_answer_with_a_raw_control_character_is_read() -> None:
    raw = httpx.Response(200, content=b'{"errcode":0,"errmsg":"o\x01k"}')
    await Platform(raw).client.send_text(OPENID, WORDS)


SECRETS = ["CODE-OF-A-PAGE", "TOKEN-1", "TOKEN-2", SECRET, OPENID, WORDS, "access_token="]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("https://api.example/?access_token=TOKEN-1"),
        httpx.ConnectError("https://api.example/?access_token=TOKEN-1"),
        {"errcode": 40001, "errmsg": f"invalid credential TOKEN-1 {OPENID}"},
        {"errcode": 40003, "errmsg": f"invalid openid hint: [{OPENID}]"},
        {"errcode": 12345, "errmsg": WORDS},
        httpx.Response(502, text="TOKEN-1"),
        httpx.Response(200, text="TOKEN-1"),
    ],
)
async def test_no_exception_holds_a_secret(answer: Answer) -> None:
    error = await failure(Platform(answer))
    assert error.__context__ is None
    told = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    assert not any(secret in told for secret in SECRETS)


async def test_no_log_line_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    platform = Platform({"errcode": 40001}, {"errcode": 0})
    await platform.client.send_text(OPENID, WORDS)
    await platform.client.user_info(OPENID)
    with pytest.raises(UnknownError):
        await platform.client.oauth_openid("CODE-OF-A-PAGE")
    for record in caplog.records:
        told = f"{record.getMessage()} {record.args} {record.msg}"
        assert not any(secret in told for secret in SECRETS[:-1])
    assert "access_token" not in caplog.text  # not even that there was an address


async def test_where_httpx_does_log_an_address_its_secrets_are_taken_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    silence_http_logs()
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as http:
        await http.get(
            "http://box/x", params={"access_token": "TOKEN-1", "corpsecret": "s", "key": "k", "type": "image"}
        )
    assert "access_token=***&corpsecret=***&key=***&type=image" in caplog.text
    assert "TOKEN-1" not in caplog.text


async def test_no_log_line_of_a_real_connection_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        await reader.readexactly(length)
        answer = {"access_token": "TOKEN-1", "expires_in": 7200} if b"stable_token" in head else {"errcode": 0}
        content = json.dumps(answer).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(content))
        writer.write(content)
        await writer.drain()
        writer.close()

    caplog.set_level(logging.DEBUG)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as http:
        client = WeChatClient(
            http, app_id=APP_ID, app_secret=SECRET, tokens=MemoryTokenStore(), clock=Clock(frozen_at=NOW)
        )
        await client.send_text(OPENID, WORDS)
    assert any(record.name.startswith("httpcore.") for record in caplog.records)
    told = "".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert not any(secret in told for secret in SECRETS[:-1])


def test_a_token_does_not_show_itself() -> None:
    assert "TOKEN-1" not in repr(AccessToken("TOKEN-1", NOW))
