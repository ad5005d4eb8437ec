import traceback
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wechat import MalformedMessage
from bot.wecom import ButtonPressed, WorkOther, WorkText, parse

HEAD = (
    "<ToUserName><![CDATA[ww_tongxing_demo]]></ToUserName><FromUserName><![CDATA[WangLe]]></FromUserName>"
    "<CreateTime>1795579200</CreateTime>"
)
PRESS = (
    f"<xml>{HEAD}<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[template_card_event]]></Event>"
    "<EventKey><![CDATA[take:1:0]]></EventKey><TaskId><![CDATA[case-1-0]]></TaskId>"
    "<CardType><![CDATA[button_interaction]]></CardType><ResponseCode><![CDATA[R1]]></ResponseCode>"
    "<AgentID>1000002</AgentID><SelectedItems></SelectedItems></xml>"
)
TEXT = (
    f"<xml>{HEAD}<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[我在路上]]></Content>"
    "<MsgId>1234567890123456</MsgId><AgentID>1000002</AgentID></xml>"
)


def pressed(xml: str = PRESS) -> ButtonPressed:
    heard = parse(xml.encode())
    assert isinstance(heard, ButtonPressed)
    return heard


def test_a_press_says_who_pressed_what_on_which_card() -> None:
    heard = pressed()
    assert (heard.userid, heard.corp_id) == ("WangLe", "ww_tongxing_demo")
    assert (heard.key, heard.task_id, heard.response_code) == ("take:1:0", "case-1-0", "R1")
    assert heard.sent_at == datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def test_a_press_that_is_delivered_again_has_the_same_key() -> None:
    assert pressed().dedupe_key == pressed(PRESS.replace("R1", "R2")).dedupe_key


@pytest.mark.parametrize(
    ("was", "other"), [("take:1:0", "pass:1:0"), ("case-1-0", "case-2-0"), ("1795579200", "1795579201")]
)
def test_another_press_has_another_key(was: str, other: str) -> None:
    assert pressed().dedupe_key != pressed(PRESS.replace(was, other)).dedupe_key


def test_the_key_of_a_button_is_anything() -> None:
    assert pressed(PRESS.replace("take:1:0", "<&> 接手 🌱")).key == "<&> 接手 🌱"
    assert len(pressed(PRESS.replace("take:1:0", "k" * 1024)).dedupe_key) <= 100


def test_a_text_is_a_text() -> None:
    heard = parse(TEXT)
    assert isinstance(heard, WorkText)
    assert (heard.content, heard.dedupe_key) == ("我在路上", "m:1234567890123456")


@pytest.mark.parametrize(
    ("xml", "kind"),
    [
        (f"<xml>{HEAD}<MsgType>event</MsgType><Event>enter_agent</Event><EventKey></EventKey></xml>", "enter_agent"),
        (f"<xml>{HEAD}<MsgType>event</MsgType><Event>LOCATION</Event></xml>", "location"),
        (f"<xml>{HEAD}<MsgType>event</MsgType><Event>subscribe</Event></xml>", "subscribe"),
        (
            f"<xml>{HEAD}<MsgType>event</MsgType><Event>template_card_menu_event</Event></xml>",
            "template_card_menu_event",
        ),
        (f"<xml>{HEAD}<MsgType>image</MsgType><PicUrl>p</PicUrl><MsgId>7</MsgId></xml>", "image"),
    ],
)
def test_everything_else_is_something_else(xml: str, kind: str) -> None:
    heard = parse(xml)
    assert isinstance(heard, WorkOther)
    assert heard.kind == kind


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "我在路上",
        "<xml>",
        "<xml></xml>",
        "<a><b/></a>",
        PRESS.replace("<![CDATA[take:1:0]]>", ""),
        PRESS.replace("<![CDATA[WangLe]]>", ""),
        PRESS.replace("1795579200", "soon"),
        PRESS.replace("1795579200", "9" * 30),
        PRESS.replace("<![CDATA[take:1:0]]>", "<a>1</a>"),
        PRESS.replace("<TaskId>", "<TaskId>x</TaskId><TaskId>"),
        TEXT.replace("<MsgId>1234567890123456</MsgId>", ""),
        '<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + PRESS.replace("<![CDATA[take:1:0]]>", "&a;"),
    ],
)
def test_what_is_not_a_callback_is_malformed_and_tells_nothing(xml: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse(xml.encode())
    assert caught.value.__context__ is None
    told = "".join(traceback.format_exception(caught.value))
    assert not any(secret in told for secret in ("WangLe", "take:1:0", "我在路上"))


@pytest.mark.parametrize("xml", [PRESS, TEXT])
def test_what_was_heard_is_fit_for_a_log(xml: str) -> None:
    shown = repr(parse(xml))
    assert not any(secret in shown for secret in ("WangLe", "take:1:0", "R1", "我在路上", "ww_tongxing_demo"))


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"<xml>{text}</xml>".encode(errors="ignore")))
def test_nothing_raises_anything_else(xml: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse(xml)
