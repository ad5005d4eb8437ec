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
    ContentRefused,
    Misconfigured,
    NotSent,
    OutcomeUnknown,
    OutsideError,
    PersonUnreachable,
    TokenRefused,
    TryLater,
    UnknownError,
)
from bot.simulator import Phone, Platform, WorkPlatform
from bot.wechat import MemoryTokenStore
from bot.wecom import ERRCODES, SAME_AS_WECHAT, WeComClient, WorkCard, classify

from .conftest import CARD, COMPANY, NOW, SECRET, USERID, WORDS

HANDLING: dict[type[OutsideError], tuple[int, ...]] = {
    TryLater: (-1, 45009, 45033),
    TokenRefused: (40001, 40014, 42001),
    PersonUnreachable: (40003, 81013),
    ContentRefused: (40008, 40033, 40058, 42014, 44004, 45002, 47001),
    Misconfigured: (40013, 40056, 40091, 48002, 60011, 60020, 93000, 301002),
    UnknownError: (40037, 45015, 45047, 43101, 99999),
}
TABLE = [(code, kind) for kind, codes in HANDLING.items() for code in codes]


async def failure(call: Awaitable[object]) -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        await call
    return caught.value


# What arrives


async def test_a_text_reaches_the_phone_of_its_member(client: WeComClient, worker: Phone) -> None:
    assert await client.send_text(USERID, WORDS)
    assert await worker.sees_work_message(WORDS) == WORDS
    assert await worker.lock_screen() == f"企业微信「同行值班」{WORDS}"


async def test_a_text_in_wecom_is_not_taken_for_one_in_wechat(client: WeComClient, worker: Phone) -> None:
    await client.send_text(USERID, WORDS)
    with pytest.raises(AssertionError, match="did not hear"):
        await worker.hears(WORDS)
    await worker.sees_work_message(WORDS)


async def test_the_same_text_within_ten_minutes_is_shown_once(
    client: WeComClient, work: WorkPlatform, clock: Clock
) -> None:
    await client.send_text(USERID, WORDS)
    clock.forward(minutes=9)
    await client.send_text(USERID, WORDS)
    assert len(work.member(USERID).bubbles) == 1
    clock.forward(minutes=1)
    await client.send_text(USERID, WORDS)
    assert len(work.member(USERID).bubbles) == 2


async def test_a_long_text_is_cut_between_two_characters(client: WeComClient, work: WorkPlatform) -> None:
    await client.send_text(USERID, "好" * 1000)
    assert work.member(USERID).bubbles[0].text == "好" * 682


async def test_a_card_shows_its_fields_and_buttons(client: WeComClient, worker: Phone) -> None:
    assert await client.send_card(USERID, CARD, task_id="case-1-0")
    card = await worker.sees_work_card("待办提醒", "接手", "转给下一位", 编号="A-0001")
    assert card == {
        "编号": "A-0001",
        "时限": "12:10 前",
        "title": "待办提醒",
        "url": "http://house/p/case/1",
    }


async def test_a_card_without_an_address_leads_nowhere(client: WeComClient, worker: Phone) -> None:
    plain = WorkCard("待办提醒", {}, None, (("take", "接手"),))
    await client.send_card(USERID, plain, task_id="t")
    assert (await worker.sees_work_card("待办提醒"))["url"] == ""


async def test_what_utf8_and_xml_cannot_hold_does_not_stop_a_card(client: WeComClient, worker: Phone) -> None:
    odd = WorkCard("待办\ud800提醒", {"编\x00号": "A-0001\ud800"}, None, (("take", "接手\x07"),))
    await client.send_card(USERID, odd, task_id="t")
    assert (await worker.sees_work_card("待办提醒", "接手"))["编号"] == "A-0001"


# One card for one task


async def test_a_task_id_in_use_is_refused_content(client: WeComClient) -> None:
    await client.send_card(USERID, CARD, task_id="case-1-0")
    error = await failure(client.send_card(USERID, CARD, task_id="case-1-0"))
    assert type(error) is ContentRefused
    assert error.errcode == 42014


async def test_to_whoever_repeats_it_proves_that_the_first_card_arrived(
    client: WeComClient, platform: Platform, work: WorkPlatform
) -> None:
    platform.break_next("message/send", lose_answer=True)
    assert type(await failure(client.send_card(USERID, CARD, task_id="case-1-0"))) is OutcomeUnknown
    assert await client.send_card(USERID, CARD, task_id="case-1-0", repeated=True) == ""
    assert len(work.member(USERID).bubbles) == 1


async def test_a_repetition_of_what_never_arrived_arrives(client: WeComClient, worker: Phone) -> None:
    assert await client.send_card(USERID, CARD, task_id="case-1-0", repeated=True) != ""
    await worker.sees_work_card("待办提醒")


async def test_a_repetition_that_fails_otherwise_has_failed(client: WeComClient, platform: Platform) -> None:
    platform.break_next("message/send", errcode=40058)
    assert type(await failure(client.send_card(USERID, CARD, task_id="t", repeated=True))) is ContentRefused


@pytest.mark.parametrize("task_id", ["", "x" * 129, "take:1", "任务", "a b", "a\n"])
async def test_a_task_id_that_wecom_would_not_take_is_not_tried(client: WeComClient, task_id: str) -> None:
    with pytest.raises(ValueError, match="task id"):
        await client.send_card(USERID, CARD, task_id=task_id)


@pytest.mark.parametrize(
    ("fields", "buttons"),
    [
        ({}, ()),
        ({}, tuple((str(n), "接手") for n in range(7))),
        ({}, (("take", "接手"), ("take", "转"))),
        ({}, (("", "接手"),)),
        ({}, (("k" * 1025, "接手"),)),
        ({str(n): "1" for n in range(7)}, (("take", "接手"),)),
    ],
)
def test_a_card_that_wecom_would_not_take_is_not_made(
    fields: dict[str, str], buttons: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(ValueError, match=r"button|fields"):
        WorkCard("待办提醒", fields, None, buttons)


# What is refused


@pytest.mark.parametrize(("code", "kind"), TABLE)
async def test_an_errcode_has_its_handling(
    client: WeComClient, platform: Platform, code: int, kind: type[OutsideError]
) -> None:
    platform.break_next("message/send", errcode=code, times=None)
    error = await failure(client.send_text(USERID, WORDS))
    assert type(error) is kind
    assert error.errcode == code
    assert error.advice in str(error)


def test_every_errcode_of_the_table_is_tested() -> None:
    known = {code for kind, codes in HANDLING.items() for code in codes if kind is not UnknownError}
    assert known == set(ERRCODES) | SAME_AS_WECHAT
    assert classify(0, "ok", "message/send", NOW) is None


@pytest.mark.parametrize("code", [45009, 45033])
async def test_too_much_in_a_minute_waits_a_minute_and_not_until_midnight(
    client: WeComClient, platform: Platform, code: int
) -> None:
    platform.break_next("message/send", errcode=code)
    error = await failure(client.send_text(USERID, WORDS))
    assert isinstance(error, TryLater)
    assert error.retry_after == timedelta(seconds=60)
    await client.send_text(USERID, WORDS)


async def test_an_address_that_is_not_trusted_is_named(client: WeComClient, platform: Platform) -> None:
    platform.break_next("message/send", errcode=60020)
    error = await failure(client.send_text(USERID, WORDS))
    assert isinstance(error, Misconfigured)
    assert error.detail == "203.0.113.7"
    assert error.alarms


@pytest.mark.parametrize("lenient", [False, True])
async def test_a_member_whom_the_application_does_not_see_was_not_reached(
    client: WeComClient, work: WorkPlatform, lenient: bool
) -> None:
    work.add_member("LiHong", "李红", visible=False)
    work.lenient = lenient
    for userid in ("LiHong", "nobody"):
        error = await failure(client.send_text(userid, WORDS))
        assert type(error) is PersonUnreachable
        assert error.code == ("invaliduser" if lenient else "81013")


@pytest.mark.parametrize("userid", ["", "@all", "wangle|lihong"])
async def test_nobody_and_everybody_are_not_a_member(client: WeComClient, platform: Platform, userid: str) -> None:
    assert type(await failure(client.send_text(userid, WORDS))) is PersonUnreachable
    assert platform.calls == []


async def test_an_application_that_is_not_ours_is_a_matter_for_operators(web: httpx.AsyncClient, clock: Clock) -> None:
    stranger = WeComClient(
        web, corp_id=COMPANY.corp_id, secret=SECRET, agent_id=7, tokens=MemoryTokenStore(), clock=clock
    )
    assert type(await failure(stranger.send_text(USERID, WORDS))) is Misconfigured


async def test_the_thirty_first_message_in_a_minute_is_accepted_and_seen_by_nobody(
    client: WeComClient, work: WorkPlatform, clock: Clock
) -> None:
    for number in range(31):
        assert await client.send_text(USERID, f"第 {number} 条")
    assert len(work.member(USERID).bubbles) == 30
    clock.forward(minutes=1)
    await client.send_text(USERID, WORDS)
    assert len(work.member(USERID).bubbles) == 31


# The token


def tokens_given(platform: Platform) -> int:
    return sum(call.what == "gettoken" for call in platform.calls)


async def test_fifty_calls_at_once_fetch_one_token(client: WeComClient, platform: Platform) -> None:
    await asyncio.gather(*(client.send_text(USERID, f"{n}") for n in range(50)))
    assert tokens_given(platform) == 1


@pytest.mark.parametrize("code", [40014, 42001, 40001])
async def test_a_refused_token_is_renewed_once_and_the_call_repeated(
    client: WeComClient, platform: Platform, work: WorkPlatform, worker: Phone, code: int
) -> None:
    await client.send_text(USERID, "一")
    work.tokens.spoil(code)
    await client.send_text(USERID, WORDS)
    await worker.sees_work_message(WORDS)
    assert tokens_given(platform) == 2


async def test_a_token_refused_twice_is_an_error_after_exactly_one_renewal(
    client: WeComClient, platform: Platform
) -> None:
    platform.break_next("message/send", errcode=40014, times=None)
    assert type(await failure(client.send_text(USERID, WORDS))) is TokenRefused
    assert [call.what for call in platform.calls] == ["gettoken", "message/send", "gettoken", "message/send"]


@pytest.mark.parametrize(("minutes", "given"), [(119, 1), (120, 2)])
async def test_a_token_is_used_until_it_ends(
    client: WeComClient, platform: Platform, clock: Clock, minutes: int, given: int
) -> None:
    await client.send_text(USERID, "一")
    clock.forward(minutes=minutes)
    await client.send_text(USERID, WORDS)
    assert tokens_given(platform) == given


@pytest.mark.parametrize(("corp_id", "secret"), [(COMPANY.corp_id, "another"), ("ww_another", SECRET)])
async def test_a_wrong_secret_is_a_matter_for_operators(
    web: httpx.AsyncClient, clock: Clock, platform: Platform, corp_id: str, secret: str
) -> None:
    client = WeComClient(
        web, corp_id=corp_id, secret=secret, agent_id=COMPANY.agent_id, tokens=MemoryTokenStore(), clock=clock
    )
    assert type(await failure(client.send_text(USERID, WORDS))) is Misconfigured
    assert [call.what for call in platform.calls] == ["gettoken"]


async def test_without_a_token_the_message_surely_was_not_sent(client: WeComClient, platform: Platform) -> None:
    platform.break_next("gettoken", drop=True)
    assert type(await failure(client.send_text(USERID, WORDS))) is NotSent
    await client.send_text(USERID, WORDS)


# The network


def scripted(*answers: Any) -> WeComClient:
    """A client whose messages are answered from a list; tokens come by themselves."""
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/cgi-bin/gettoken":
            return httpx.Response(200, json={"errcode": 0, "access_token": "TOKEN-1", "expires_in": 7200})
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    http = httpx.AsyncClient(
        base_url="https://api.example", transport=httpx.MockTransport(handle), trust_env=False
    )  # fmt: skip
    clock = Clock(frozen_at=NOW)
    return WeComClient(http, corp_id="ww1", secret=SECRET, agent_id=7, tokens=MemoryTokenStore(), clock=clock)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.ConnectError("?access_token=TOKEN-1"), NotSent),
        (httpx.PoolTimeout("?access_token=TOKEN-1"), NotSent),
        (httpx.ReadTimeout("?access_token=TOKEN-1"), OutcomeUnknown),
        (httpx.RemoteProtocolError("?access_token=TOKEN-1"), OutcomeUnknown),
        (httpx.Response(502, text="<html>"), OutcomeUnknown),
        (httpx.Response(200, text="<html>"), OutcomeUnknown),
        (httpx.Response(404, text="not found"), UnknownError),
        ({"errcode": 0, "unlicenseduser": "wangle"}, PersonUnreachable),
    ],
)
async def test_what_the_network_does_is_told_apart(answer: Any, kind: type[OutsideError]) -> None:
    assert type(await failure(scripted(answer).send_text(USERID, WORDS))) is kind


async def test_a_message_that_was_accepted_without_an_id_was_accepted() -> None:
    assert await scripted({"errcode": 0, "errmsg": "ok", "invaliduser": ""}).send_text(USERID, WORDS) == ""


# What is never told

SECRETS = (USERID, USERID.lower(), SECRET, "TOKEN-1", WORDS, "A-0001")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("https://api.example/?access_token=TOKEN-1"),
        httpx.ConnectError("https://api.example/?access_token=TOKEN-1"),
        {"errcode": 40014, "errmsg": f"invalid access_token TOKEN-1 {USERID}"},
        {"errcode": 81013, "errmsg": f"all invalid, hint: [{USERID}]"},
        {"errcode": 0, "invaliduser": USERID.lower()},
        {"errcode": 12345, "errmsg": WORDS},
        httpx.Response(502, text="TOKEN-1"),
    ],
)
@pytest.mark.parametrize(
    "send", [lambda c: c.send_text(USERID, WORDS), lambda c: c.send_card(USERID, CARD, task_id="t")]
)
async def test_no_exception_holds_a_secret(answer: Any, send: Callable[[WeComClient], Awaitable[str]]) -> None:
    error = await failure(send(scripted(answer)))
    assert error.__context__ is None
    told = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    assert not any(secret in told for secret in SECRETS)


async def test_no_log_line_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = scripted({"errcode": 42001}, {"errcode": 0, "msgid": "1"})
    await client.send_text(USERID, WORDS)
    for record in caplog.records:
        told = f"{record.getMessage()} {record.args} {record.msg}"
        assert not any(secret in told for secret in (USERID, SECRET, "TOKEN-1", WORDS))


def test_a_card_does_not_show_itself() -> None:
    assert "A-0001" not in repr(CARD)
    assert "/p/case" not in repr(CARD)


async def test_the_body_is_plain_utf8_as_the_page_has_it(web: httpx.AsyncClient, clock: Clock) -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"errcode": 0, "access_token": "TOKEN-1", "expires_in": 7200, "msgid": "1"})

    http = httpx.AsyncClient(base_url="https://api.example", transport=httpx.MockTransport(handle), trust_env=False)
    client = WeComClient(http, corp_id="ww1", secret=SECRET, agent_id=7, tokens=MemoryTokenStore(), clock=clock)
    await client.send_text(USERID, WORDS)
    await client.send_card(USERID, CARD, task_id="t")
    assert [request.url.path for request in asked] == ["/cgi-bin/gettoken", *["/cgi-bin/message/send"] * 2]
    assert dict(asked[0].url.params) == {"corpid": "ww1", "corpsecret": SECRET}
    assert WORDS.encode() in asked[1].content
    assert json.loads(asked[1].content) == {
        "touser": USERID,
        "agentid": 7,
        "msgtype": "text",
        "text": {"content": WORDS},
        "enable_duplicate_check": 1,
        "duplicate_check_interval": 600,
    }
    assert json.loads(asked[2].content)["template_card"] == {
        "card_type": "button_interaction",
        "main_title": {"title": "待办提醒"},
        "horizontal_content_list": [
            {"keyname": "编号", "value": "A-0001"},
            {"keyname": "时限", "value": "12:10 前"},
        ],
        "task_id": "t",
        "button_list": [
            {"text": "接手", "style": 1, "key": "take:1:0"},
            {"text": "转给下一位", "style": 1, "key": "pass:1:0"},
        ],
        "card_action": {"type": 1, "url": "http://house/p/case/1"},
    }
