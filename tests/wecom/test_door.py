import asyncio
import logging
from datetime import timedelta

import httpx
import pytest

from app.clock import Clock
from bot.simulator import Phone, Platform, WorkPlatform
from bot.simulator.crypto import Seal, signature
from bot.wecom import WeComClient

from .conftest import CARD, COMPANY, NOW, USERID, Desk

STAMP = str(int(NOW.timestamp()))
SEAL = Seal(COMPANY.encoding_aes_key, COMPANY.corp_id)
PRESS = (
    "<xml><ToUserName>ww_tongxing_demo</ToUserName><FromUserName>WangLe</FromUserName>"
    f"<CreateTime>{STAMP}</CreateTime><MsgType>event</MsgType><Event>template_card_event</Event>"
    "<EventKey>take:1:0</EventKey><TaskId>case-1-0</TaskId><ResponseCode>R1</ResponseCode></xml>"
)


def signed(sealed: str, *, token: str = COMPANY.token, stamp: str = STAMP) -> dict[str, str]:
    return {"msg_signature": signature(token, stamp, "7", sealed), "timestamp": stamp, "nonce": "7"}


async def post(door: httpx.AsyncClient, xml: str, seal: Seal = SEAL, **said: str) -> httpx.Response:
    sealed = seal.close(xml)
    body = f"<xml><ToUserName>x</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    return await door.post("/wecom", params=signed(sealed) | said, content=body)


# Saving the address


async def test_the_address_can_be_saved(work: WorkPlatform) -> None:
    assert await work.door.greet()


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"echostr": "plain"},
        signed("plain") | {"echostr": "plain"},
        signed("plain") | {"echostr": SEAL.close("1")},
        signed(SEAL.close("1"), token="another"),
    ],
)
async def test_an_echo_that_is_not_signed_or_not_sealed_is_refused(
    door: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await door.get("/wecom", params=query)
    assert (answer.status_code, answer.text) == (403, "")


async def test_the_plain_signature_of_wechat_does_not_open_an_echo(door: httpx.AsyncClient) -> None:
    sealed = SEAL.close("1")
    query = {"signature": signature(COMPANY.token, STAMP, "7"), "timestamp": STAMP, "nonce": "7", "echostr": sealed}
    assert (await door.get("/wecom", params=query)).status_code == 403


async def test_an_echo_for_another_company_is_refused(door: httpx.AsyncClient) -> None:
    sealed = Seal(COMPANY.encoding_aes_key, "ww_another").close("1")
    assert (await door.get("/wecom", params=signed(sealed) | {"echostr": sealed})).status_code == 403


async def test_a_stale_echo_is_refused(door: httpx.AsyncClient, clock: Clock) -> None:
    sealed = SEAL.close("1")
    query = signed(sealed) | {"echostr": sealed}
    assert (await door.get("/wecom", params=query)).text == "1"
    clock.forward(minutes=11)
    assert (await door.get("/wecom", params=query)).status_code == 403


# Pressing a button


@pytest.fixture
async def card(client: WeComClient, worker: Phone) -> Phone:
    """The worker's phone, with a card on it."""
    await client.send_card(USERID, CARD, task_id="case-1-0")
    return worker


async def test_who_presses_take_reads_on_the_button_who_has_taken(card: Phone, desk: Desk, work: WorkPlatform) -> None:
    await card.presses("接手")
    assert [(p.userid, p.key, p.task_id) for p in desk.pressed] == [(USERID, "take:1:0", "case-1-0")]
    assert desk.pressed[0].sent_at == NOW
    shown = work.member(USERID).bubbles[-1]
    assert shown.buttons == (("take:1:0", "王乐 已接手"),)


async def test_pressed_again_it_is_heard_again_and_the_words_are_the_newest(
    card: Phone, desk: Desk, work: WorkPlatform, clock: Clock
) -> None:
    await card.presses("接手")
    clock.forward(seconds=30)
    desk.says = "李红 已接手"
    await card.presses("接手")
    first, second = desk.pressed
    assert first.dedupe_key != second.dedupe_key
    assert work.member(USERID).bubbles[-1].replaced == "李红 已接手"


async def test_an_old_card_can_be_pressed_days_later(
    card: Phone, client: WeComClient, desk: Desk, work: WorkPlatform, clock: Clock
) -> None:
    clock.forward(days=4)
    await client.send_card(USERID, CARD, task_id="case-2-0")
    await work.press(USERID, "case-1-0", "take:1:0")
    assert [p.task_id for p in desk.pressed] == ["case-1-0"]
    old, new = work.member(USERID).bubbles
    assert (old.replaced, new.replaced) == ("王乐 已接手", "")


async def test_a_press_whose_answer_is_lost_comes_again_with_the_same_key(
    card: Phone, platform: Platform, desk: Desk, work: WorkPlatform
) -> None:
    platform.break_next("door", lose_answer=True)
    await card.presses("接手")
    first, second = desk.pressed
    assert first == second
    assert work.member(USERID).bubbles[-1].replaced == "王乐 已接手"


async def test_after_four_deliveries_wecom_gives_up(work: WorkPlatform, platform: Platform, card: Phone) -> None:
    platform.break_next("door", drop=True, times=None)
    delivery = await work.press(USERID, "case-1-0", "take:1:0")
    assert (delivery.attempts, delivery.status) == (4, None)
    assert work.member(USERID).bubbles[-1].replaced == ""


async def test_what_takes_longer_than_wecom_waits_is_delivered_again(
    card: Phone, desk: Desk, work: WorkPlatform, platform: Platform
) -> None:
    desk.held = asyncio.Event()
    delivery = await work.press(USERID, "case-1-0", "take:1:0")
    desk.held.set()
    await platform.settle()
    assert delivery.attempts == len(desk.pressed) > 1
    assert len({p.dedupe_key for p in desk.pressed}) == 1
    assert work.member(USERID).bubbles[-1].replaced == "王乐 已接手"


async def test_when_nothing_is_to_be_said_the_button_stays(card: Phone, desk: Desk, work: WorkPlatform) -> None:
    desk.says = None
    delivery = await work.press(USERID, "case-1-0", "take:1:0")
    assert (delivery.status, delivery.error, delivery.replies) == (200, None, [None])
    assert work.member(USERID).bubbles[-1].buttons == CARD.buttons


async def test_words_cannot_break_out_of_the_answer(card: Phone, desk: Desk, work: WorkPlatform) -> None:
    desk.says = "王乐]]></ReplaceName><x> 已\x00接手"
    await card.presses("接手")
    assert work.member(USERID).bubbles[-1].replaced == "王乐]]></ReplaceName><x> 已接手"


async def test_a_press_that_breaks_is_answered_all_the_same_and_tells_nothing(
    door: httpx.AsyncClient, desk: Desk, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.broken = RuntimeError("WangLe take:1:0")
    answer = await post(door, PRESS)
    assert (answer.status_code, answer.text, len(desk.pressed)) == (200, "", 1)
    told = caplog.text + capsys.readouterr().out
    assert "RuntimeError" in told
    assert "WangLe" not in told
    assert "take:1:0" not in told


# What else comes to the door


async def test_texts_and_other_events_are_answered_with_nothing(work: WorkPlatform, desk: Desk) -> None:
    for delivery in (await work.says(USERID, "我在路上"), await work.enters(USERID)):
        assert (delivery.attempts, delivery.status, delivery.error, delivery.replies) == (1, 200, None, [None])
    assert desk.pressed == []


async def test_a_wrong_signature_is_refused(card: Phone, platform: Platform, desk: Desk, work: WorkPlatform) -> None:
    platform.bad_signature_next = True
    delivery = await work.press(USERID, "case-1-0", "take:1:0")
    assert (delivery.status, delivery.attempts) == (403, 1)
    assert desk.pressed == []
    assert not (await work.press(USERID, "case-1-0", "take:1:0")).error


@pytest.mark.parametrize("said", [{"msg_signature": ""}, {"timestamp": "1"}, {"nonce": "8"}])
async def test_a_query_that_does_not_fit_its_body_is_refused(
    door: httpx.AsyncClient, desk: Desk, said: dict[str, str]
) -> None:
    assert (await post(door, PRESS, **said)).status_code == 403
    assert desk.pressed == []


async def test_a_press_meant_for_another_company_is_refused(door: httpx.AsyncClient, desk: Desk) -> None:
    assert (await post(door, PRESS, Seal(COMPANY.encoding_aes_key, "ww_another"))).status_code == 403
    assert desk.pressed == []


async def test_a_plain_body_is_refused(door: httpx.AsyncClient, desk: Desk) -> None:
    assert (await door.post("/wecom", params=signed(""), content=PRESS)).status_code == 403
    assert desk.pressed == []


async def test_a_press_recorded_yesterday_is_refused(door: httpx.AsyncClient, desk: Desk, clock: Clock) -> None:
    clock.move_to(NOW + timedelta(days=1))
    assert (await post(door, PRESS)).status_code == 403
    assert desk.pressed == []


@pytest.mark.parametrize("xml", ["", "<xml>", "我在路上", PRESS.replace("EventKey", "Key"), PRESS.replace(STAMP, "x")])
async def test_what_is_signed_and_unreadable_is_answered_and_never_a_5xx(
    door: httpx.AsyncClient, desk: Desk, xml: str
) -> None:
    answer = await post(door, xml)
    assert (answer.status_code, answer.text) == (200, "")
    assert desk.pressed == []


async def test_a_body_without_end_is_not_read(door: httpx.AsyncClient) -> None:
    answer = await door.post("/wecom", content=b"x" * 70_000)
    assert (answer.status_code, answer.text) == (200, "")
