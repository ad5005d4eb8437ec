"""What reaches the door, and what the phone shows of its answer."""

import pytest
from starlette.responses import JSONResponse, Response

from bot.simulator import Account, LocalWire, PhoneBook, Platform, RealAccountError
from bot.simulator.crypto import Seal, SealError, signature

from .conftest import ACCOUNT, Door

BROKEN = "该服务号提供的服务出现故障"


async def test_the_simulator_refuses_to_start_beside_a_real_app_id(box: Platform) -> None:
    with pytest.raises(RealAccountError, match="不能和真实的 AppID（wx1234567890abcdef）一起启动"):
        Platform(Account("wx1234567890abcdef", "s", "t", "k"), box.clock, door=box._door._client)


async def test_a_text_arrives_signed_and_sealed_and_the_answer_is_shown(box: Platform, door: Door) -> None:
    delivery = await box.message("o_he", "会来 谢谢 & <b>")
    assert door.heard[0].content == "会来 谢谢 & <b>"
    assert door.heard[0].source == "o_he"
    assert door.heard[0].id > 2**53
    assert delivery.reply_text == "收到：会来 谢谢 & <b>"
    assert (delivery.attempts, delivery.status, delivery.error) == (1, 200, None)
    assert box.users["o_he"].bubbles[-1].text == "收到：会来 谢谢 & <b>"
    query = door.queries[0]
    assert query["signature"] == signature(ACCOUNT.token, query["timestamp"], query["nonce"])
    assert query["encrypt_type"] == "aes"


async def test_whatever_a_person_types_arrives_as_it_was_typed(box: Platform, door: Door) -> None:
    door.answer = lambda: Response("success")
    for text in ("]]>", "<Content>", "👵🏻", "两行\n三行", "&amp;"):
        await box.message("o_he", text)
        assert door.heard[-1].content == text
    await box.message("o_he", "响铃\x07")
    assert door.heard[-1].content == "响铃"


async def test_the_door_that_is_slow_hears_the_same_message_again(box: Platform, door: Door) -> None:
    door.slow = [0.08]
    delivery = await box.message("o_he", "1")
    assert delivery.attempts == 2
    assert delivery.statuses == [None, 200]
    assert len({m.id for m in door.heard}) == 1
    assert len({q["msg_signature"] for q in door.queries}) == 2
    assert "重发 1 次" in box.calls[-1].result
    assert [b.text for b in box.users["o_he"].bubbles] == ["1", "收到：1"]


async def test_after_three_deliveries_without_an_answer_the_platform_gives_up(box: Platform, door: Door) -> None:
    door.slow = [0.08] * 3
    delivery = await box.message("o_he", "1")
    assert (delivery.attempts, delivery.reply_text) == (3, None)
    assert BROKEN in box.users["o_he"].bubbles[-1].text


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda: Response("oops", status_code=500), "HTTP 500"),
        (lambda: JSONResponse({"ok": True}), "不是 XML"),
        (lambda: Response("<xml><MsgType>text</MsgType></xml>"), "没有加密"),
        (
            lambda: Response(
                "<xml><Encrypt>AAAA</Encrypt><MsgSignature>no</MsgSignature>"
                "<TimeStamp>1</TimeStamp><Nonce>2</Nonce></xml>"
            ),
            "签名不对",
        ),
    ],
)
async def test_an_abnormal_answer_is_shown_to_the_person_and_not_repeated(
    box: Platform, door: Door, answer: object, why: str
) -> None:
    door.answer = answer  # type: ignore[assignment]
    delivery = await box.message("o_he", "1")
    assert delivery.attempts == 1
    assert why in (delivery.error or "")
    assert BROKEN in box.users["o_he"].bubbles[-1].text


async def test_success_or_nothing_shows_nothing(box: Platform, door: Door) -> None:
    for body in ("success", ""):
        door.answer = lambda body=body: Response(body)
        assert (await box.message("o_he", "1")).error is None
    assert [b.who for b in box.users["o_he"].bubbles] == ["me", "me"]


async def test_a_door_that_raises_counts_as_500(box: Platform, door: Door) -> None:
    def crash() -> Response:
        raise RuntimeError("bug")

    door.answer = crash
    assert "bug" in ((await box.message("o_he", "1")).error or "")


async def test_duplicates_carry_the_same_msgid_and_show_one_answer(box: Platform, door: Door) -> None:
    delivery = await box.message("o_he", "1", deliveries=3)
    assert len(door.heard) == 3
    assert len({m.id for m in door.heard}) == 1
    assert delivery.replies == ["收到：1"] * 3
    assert len(box.users["o_he"].bubbles) == 2


async def test_a_wrong_signature_once_is_refused_by_the_door(box: Platform, door: Door) -> None:
    box.bad_signature_next = True
    assert (await box.message("o_he", "1")).status == 403
    assert (await box.message("o_he", "2")).status == 200
    assert [m.content for m in door.heard] == ["2"]


async def test_a_lost_answer_brings_the_message_again(box: Platform, door: Door) -> None:
    box.break_next("door", lose_answer=True)
    assert (await box.message("o_he", "1")).attempts == 2
    assert len(door.heard) == 2


async def test_a_lost_connection_brings_the_message_again(box: Platform, door: Door) -> None:
    box.break_next("door", drop=True)
    assert (await box.message("o_he", "1")).attempts == 2
    assert len(door.heard) == 1


async def test_held_messages_arrive_out_of_order(box: Platform, door: Door) -> None:
    box.hold_next = True
    await box.message("o_he", "first")
    await box.message("o_he", "second")
    assert [m.content for m in door.heard] == ["second", "first"]


async def test_events_have_the_fields_of_the_platform(box: Platform, door: Door) -> None:
    await box.click("o_he", "today")
    await box.view("o_he", "https://example.org/p")
    await box.unfollow("o_he")
    await box.follow("o_he")
    assert door.events == ["CLICK", "VIEW", "unsubscribe", "subscribe"]
    assert [m._data.get("EventKey") for m in door.heard] == ["today", "https://example.org/p", None, None]
    assert all(m.id == 0 for m in door.heard)


async def test_a_menu_tap_is_a_text_with_the_id_of_the_choice(box: Platform, door: Door) -> None:
    await box.message("o_he", "参加", menu_id="a1:yes:3")
    assert door.heard[0].type == "text"
    assert door.heard[0]._data["bizmsgmenuid"] == "a1:yes:3"


@pytest.mark.parametrize("kind", ["voice", "image", "video", "location", "link", "sticker"])
async def test_what_is_not_text_arrives_as_its_own_kind(box: Platform, door: Door, kind: str) -> None:
    await box.unreadable("o_he", kind)
    assert door.heard[0]._data["MsgType"] == kind


async def test_who_does_not_follow_cannot_write(box: Platform, door: Door) -> None:
    box.add_user("o_new", "新来的")
    assert (await box.message("o_new", "在吗")).attempts == 0
    assert "还没有关注" in box.users["o_new"].bubbles[-1].text
    assert door.heard == []


async def test_the_seal_opens_only_for_its_own_account() -> None:
    seal = Seal(ACCOUNT.encoding_aes_key, "a")
    assert seal.open(seal.close("<xml/>")) == "<xml/>"
    for broken in ("", "AAAA", "###", Seal(ACCOUNT.encoding_aes_key, "b").close("<xml/>")):
        with pytest.raises(SealError):
            seal.open(broken)


async def test_a_phone_speaks_and_hears(box: Platform) -> None:
    book = PhoneBook(LocalWire(box))
    he = await book.phone("小河", openid="o_he")
    await he.says("会来")
    assert await he.hears("收到", "会来") == "收到：会来"
    await he.hears_nothing()
    await he.hears_not("收到")
    assert await he.lock_screen() == "微信「生活小站」收到：会来"
    with pytest.raises(AssertionError, match=r"(?s)小河 did not hear 再见.*我  会来"):
        await he.hears("再见")
    await he.says("好")
    with pytest.raises(AssertionError, match="should have heard nothing"):
        await he.hears_nothing()
