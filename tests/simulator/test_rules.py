"""The platform's rules: windows, fields, tokens, quotas, receipts."""

import json
from datetime import timedelta

import httpx
import pytest

from app.clock import Clock
from bot.simulator import LocalWire, Phone, Platform, create_box

from .conftest import Api, Door, activity


async def test_a_message_opens_five_messages_for_48_hours(box: Platform, api: Api, clock: Clock) -> None:
    assert await api.custom() == 45015
    await box.message("o_he", "1")
    assert [await api.custom() for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    await box.message("o_he", "2")
    clock.forward(hours=47, minutes=59)
    assert await api.custom() == 0
    clock.forward(minutes=1)
    assert await api.custom() == 45015


@pytest.mark.parametrize("action", ["click", "follow", "scan", "menu tap"])
async def test_a_tap_opens_three_messages_for_one_minute(box: Platform, api: Api, clock: Clock, action: str) -> None:
    await _act(box, api, action)
    assert [await api.custom() for _ in range(4)] == [0, 0, 0, 45047]
    await _act(box, api, action)
    clock.forward(seconds=60)
    assert await api.custom() == 45015


async def _act(box: Platform, api: Api, action: str) -> None:
    match action:
        case "click":
            await box.click("o_he", "today")
        case "follow":
            await box.unfollow("o_he")
            await box.follow("o_he")
        case "menu tap":
            await box.message("o_he", "参加", menu_id="7")
        case "scan":
            body = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "abc"}}}
            await api.post("qrcode/create", body)
            await box.scan("o_he", "abc")


async def test_opening_a_page_opens_no_window(box: Platform, api: Api) -> None:
    await box.view("o_he", "https://example.org")
    assert await api.custom() == 45015


async def test_actions_replenish_and_do_not_add_up(box: Platform, api: Api) -> None:
    await box.message("o_he", "1")
    await box.message("o_he", "2")
    await box.click("o_he", "today")
    assert [await api.custom() for _ in range(6)] == [0, 0, 0, 0, 0, 45047]


async def test_unfollowing_closes_everything(box: Platform, api: Api) -> None:
    await box.message("o_he", "1")
    await box.unfollow("o_he")
    assert await api.custom() == 45015
    assert (await api.template())["errcode"] == 43004


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"touser": "o_nobody"}, 40003),
        ({"text": {"content": ""}}, 44004),
        ({"text": {"content": "好" * 683}}, 45002),
        ({"text": {"content": "好" * 682}}, 0),
        ({"msgtype": "poem"}, 40008),
        ({"msgtype": "image", "image": {"media_id": "x"}}, 40007),
        ({"msgtype": "news", "news": {"articles": [{}, {}]}}, 45008),
        ({"msgtype": "news", "news": {"articles": [{"title": "周报", "url": "https://a.example"}]}}, 0),
        ({"msgtype": "msgmenu", "msgmenu": {"head_content": "来吗", "list": [{"id": "1", "content": "来"}]}}, 0),
    ],
)
async def test_customer_messages_are_checked(box: Platform, api: Api, body: dict[str, object], errcode: int) -> None:
    await box.message("o_he", "1")
    assert await api.custom(**body) == errcode


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        ("thing1", "十" * 20, True),
        ("thing1", "十" * 21, False),
        ("thing1", "手工\n课", False),
        ("thing1", "手工课😀", False),
        ("thing1", "", False),
        ("thing1", None, False),
        ("time2", "2026年11月25日 14:00", True),
        ("time2", "2026年11月25日 14:00~15:30", True),
        ("time2", "14:00", True),
        ("time2", "下午两点", False),
        ("time2", "2026-11-25", False),
        ("time2", "2026年13月25日 14:00", False),
        ("thing9", "多出来的", False),
    ],
)
async def test_template_fields_have_limits_and_the_answer_names_the_field(
    api: Api, field: str, value: str | None, fine: bool
) -> None:
    answer = await api.template(data=activity(**{field: value}))
    assert answer["errcode"] == (0 if fine else 47003)
    assert fine or f"data.{field}" in answer["errmsg"]


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        ("character_string1", "A-0312", True),
        ("character_string1", "A" * 33, False),
        ("character_string1", "甲-0312", False),
        ("phrase2", "尽快联系", True),
        ("phrase2", "需要尽快联系", False),
        ("phrase2", "ASAP", False),
    ],
)
async def test_duty_fields_have_limits(api: Api, field: str, value: str, fine: bool) -> None:
    words = {"character_string1": "A-1", "phrase2": "请联系", "time3": "10:12", "thing4": "请打开"} | {field: value}
    data = {key: {"value": v} for key, v in words.items()}
    answer = await api.template(template_id="TPL_DUTY", data=data)
    assert answer["errcode"] == (0 if fine else 47003)


async def test_a_template_shows_a_card_and_sends_a_receipt(box: Platform, api: Api, door: Door) -> None:
    answer = await api.template(url="https://example.org/p/1")
    await box.settle()
    assert door.events == ["TEMPLATESENDJOBFINISH"]
    assert door.heard[0]._data["Status"] == "success"
    assert int(door.heard[0]._data["MsgID"]) == answer["msgid"]
    phone = Phone(LocalWire(box), "o_he", "小河")
    card = await phone.sees_card("活动提醒", "手工课", 地点="活动室")
    assert card["url"] == "https://example.org/p/1"
    assert await phone.lock_screen() == "微信「生活小站」活动提醒"


async def test_a_person_who_blocks_notices_sees_nothing_and_the_receipt_says_so(
    box: Platform, api: Api, door: Door
) -> None:
    box.users["o_he"].blocks_notices = True
    assert (await api.template())["errcode"] == 0
    await box.settle()
    assert door.heard[0]._data["Status"] == "failed:user block"
    assert box.users["o_he"].bubbles == []


async def test_an_unknown_template_and_an_unknown_person(api: Api) -> None:
    assert (await api.template(template_id="TPL_NONE"))["errcode"] == 40037
    assert (await api.template(to="o_nobody"))["errcode"] == 40003


async def test_the_same_client_msg_id_is_shown_once_within_ten_minutes(box: Platform, api: Api, clock: Clock) -> None:
    first = await api.template(client_msg_id="out-1")
    clock.forward(minutes=9)
    assert (await api.template(client_msg_id="out-1"))["msgid"] == first["msgid"]
    assert "已去重" in box.calls[-1].result
    assert len(box.users["o_he"].bubbles) == 1
    clock.forward(minutes=1)
    assert (await api.template(client_msg_id="out-1"))["msgid"] != first["msgid"]
    assert len(box.users["o_he"].bubbles) == 2


async def test_an_answer_that_is_lost_was_still_carried_out(box: Platform, api: Api) -> None:
    box.break_next("message/template/send", lose_answer=True)
    with pytest.raises(httpx.ReadTimeout):
        await api.template(client_msg_id="out-1")
    assert (await api.template(client_msg_id="out-1"))["errcode"] == 0
    assert len(box.users["o_he"].bubbles) == 1


async def test_a_dropped_request_was_not_carried_out(box: Platform, api: Api) -> None:
    token = (await api.token())["access_token"]
    box.break_next("*", drop=True)
    with pytest.raises(httpx.ReadTimeout):
        await api.post("message/template/send", {}, token)
    assert box.users["o_he"].bubbles == []


async def test_over_a_real_server_a_dropped_request_waits_until_the_caller_hangs_up(box: Platform) -> None:
    box.break_next("stable_token", drop=True)
    coming = [{"type": "http.request", "body": b"{}"}, {"type": "http.disconnect"}]
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return coming.pop(0)

    async def send(part: dict[str, object]) -> None:
        sent.append(part)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "POST",
        "path": "/cgi-bin/stable_token",
        "query_string": b"",
        "headers": [],
    }
    await create_box(box)(scope, receive, send)  # type: ignore[arg-type]
    assert coming == []
    assert sent[0]["status"] == 499


async def test_an_errcode_can_be_put_in_the_way(box: Platform, api: Api) -> None:
    box.break_next("message/template/send", errcode=-1, times=2)
    assert [(await api.template())["errcode"] for _ in range(3)] == [-1, -1, 0]


async def test_one_accept_is_one_subscription_notice(box: Platform, api: Api, door: Door) -> None:
    body = {"touser": "o_he", "template_id": "TPL_ACTIVITY", "data": activity()}
    assert (await api.post("message/subscribe/bizsend", body))["errcode"] == 43101
    await box.accept_subscription("o_he", "TPL_ACTIVITY")
    popup = door.heard[0]._data["SubscribeMsgPopupEvent"]["List"]
    assert (popup["TemplateId"], popup["SubscribeStatusString"]) == ("TPL_ACTIVITY", "accept")
    codes = [(await api.post("message/subscribe/bizsend", body))["errcode"] for _ in range(2)]
    assert codes == [0, 43101]
    await box.settle()
    assert door.events == ["subscribe_msg_popup_event", "subscribe_msg_sent_event"]
    assert door.heard[1]._data["SubscribeMsgSentEvent"]["List"]["ErrorStatus"] == "success"


async def test_a_qr_code_lives_sixty_seconds_unless_told_otherwise(
    box: Platform, api: Api, clock: Clock, door: Door
) -> None:
    box.add_user("o_le", "王乐")
    body = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "k7"}}}
    assert (await api.post("qrcode/create", body))["expire_seconds"] == 60
    clock.forward(seconds=60)
    assert (await box.scan("o_le", "k7")).attempts == 0
    assert "过期" in box.users["o_le"].bubbles[-1].text
    await api.post("qrcode/create", body | {"expire_seconds": 600})
    await box.scan("o_le", "k7")
    await box.scan("o_le", "k7")
    assert [(m._data["Event"], m._data["EventKey"]) for m in door.heard] == [
        ("subscribe_scan", "k7"),  # wechatpy's name for subscribe with qrscene_k7
        ("SCAN", "k7"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"expire_seconds": 2_592_001},
        {"action_name": "QR_NONE"},
        {"action_info": {"scene": {"scene_str": "x" * 65}}},
        {"action_info": {"scene": {"scene_str": ""}}},
    ],
)
async def test_a_qr_code_with_wrong_parameters_is_refused(api: Api, change: dict[str, object]) -> None:
    body = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "k7"}}}
    assert (await api.post("qrcode/create", body | change))["errcode"] == 40053


async def test_a_qr_code_can_be_drawn(api: Api, web: httpx.AsyncClient) -> None:
    body = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "k7"}}}
    ticket = (await api.post("qrcode/create", body))["ticket"]
    answer = await web.get("/cgi-bin/showqrcode", params={"ticket": ticket})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.count("xmlns=") == 1


async def test_user_info_says_who_follows_and_no_name(box: Platform, api: Api, web: httpx.AsyncClient) -> None:
    token = (await api.token())["access_token"]

    async def info(openid: str) -> dict[str, object]:
        query = {"access_token": token, "openid": openid, "lang": "zh_CN"}
        return dict((await web.get("/cgi-bin/user/info", params=query)).json())

    following = await info("o_he")
    assert following["subscribe"] == 1
    assert "nickname" not in following
    await box.unfollow("o_he")
    assert await info("o_he") == {"subscribe": 0, "openid": "o_he"}
    assert (await info("o_nobody"))["errcode"] == 40003


@pytest.mark.parametrize(
    ("buttons", "errcode"),
    [
        ([{"type": "click", "name": "今天", "key": "today"}], 0),
        ([{"type": "view", "name": "控制台", "url": "https://example.org"}], 0),
        ([{"name": "更多", "sub_button": [{"type": "click", "name": "帮助", "key": "help"}]}], 0),
        ([], 40016),
        ([{"type": "click", "name": "名字实在太长了", "key": "k"}], 40018),
        ([{"type": "click", "name": "今天", "key": ""}], 40019),
        ([{"type": "view", "name": "页", "url": "javascript:alert(1)"}], 40020),
        ([{"type": "pic", "name": "页"}], 40017),
    ],
)
async def test_a_menu_is_checked(box: Platform, api: Api, buttons: list[dict[str, object]], errcode: int) -> None:
    before = box.menu
    assert (await api.post("menu/create", {"button": buttons}))["errcode"] == errcode
    assert box.menu == (before if errcode else buttons)


async def test_media_gets_an_id_that_a_message_may_carry(box: Platform, api: Api) -> None:
    await box.message("o_he", "1")
    query = {"access_token": (await api.token())["access_token"], "type": "image"}
    answer = await api.web.post("/cgi-bin/media/upload", params=query, files={"media": ("a.png", b"x")})
    media = {"media_id": answer.json()["media_id"]}
    assert await api.custom(msgtype="image", image=media) == 0
    answer = await api.web.post("/cgi-bin/media/upload", params=query | {"type": "pdf"}, files={"media": b"x"})
    assert answer.json()["errcode"] == 40004


async def test_a_body_that_is_not_json_and_escaped_chinese(box: Platform, api: Api) -> None:
    token = {"access_token": (await api.token())["access_token"]}
    for raw, errcode in ((b"", 44002), (b"{", 47001), (b"[]", 47001), (b"\xff", 47001)):
        answer = await api.web.post("/cgi-bin/message/custom/send", params=token, content=raw)
        assert answer.json()["errcode"] == errcode
    await box.message("o_he", "1")
    escaped = json.dumps({"touser": "o_he", "msgtype": "text", "text": {"content": "你\n好"}})
    await api.web.post("/cgi-bin/message/custom/send", params=token, content=escaped)
    assert box.users["o_he"].bubbles[-1].text == "\\u4f60\n\\u597d"


async def test_the_log_tells_a_day_in_clear_and_keeps_tokens_out(box: Platform, api: Api) -> None:
    await box.message("o_he", "会来 谢谢")
    await api.custom("好的")
    clear = [(c.direction, c.what, c.who, c.summary) for c in box.calls]
    assert ("入", "text", "小河", "「会来 谢谢」") in clear
    assert ("出", "message/custom/send", "小河", "「好的」") in clear
    token = (await api.token())["access_token"]
    assert token not in repr(box.calls)


async def test_time_gaps_do_not_open_anything(box: Platform, api: Api, clock: Clock) -> None:
    await box.message("o_he", "1")
    clock.move_to(clock.now() + timedelta(days=3))
    await box.click("o_he", "today")
    assert [await api.custom() for _ in range(4)] == [0, 0, 0, 45047]
