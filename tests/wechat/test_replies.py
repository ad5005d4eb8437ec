from hypothesis import given
from hypothesis import strategies as st

from bot.wechat import parse, text_reply

from .payloads import ACCOUNT, OPENID, PAYLOADS
from .platform import NOW, STAMP, fields

ASKED = parse(PAYLOADS["text"][0])


def said(content: str) -> str:
    return fields(text_reply(ASKED, content, NOW))["Content"]


def test_a_reply_goes_back_to_who_asked() -> None:
    assert fields(text_reply(ASKED, "好的，记下了。", NOW)) == {
        "ToUserName": OPENID,
        "FromUserName": ACCOUNT,
        "CreateTime": STAMP,
        "MsgType": "text",
        "Content": "好的，记下了。",
    }


def test_an_echo_cannot_break_out_of_its_element() -> None:
    attack = "]]></Content><MsgType>image</MsgType><Content><![CDATA[]]]]>"
    reply = fields(text_reply(ASKED, attack, NOW))
    assert reply["MsgType"] == "text"
    assert reply["Content"] == attack


def test_characters_that_xml_forbids_are_left_out() -> None:
    assert said("好\x00\x08\x0b的\ud800\ufffe，\t来\n") == "好的，\t来\n"


def test_a_long_reply_is_cut_between_characters() -> None:
    assert said("好" * 1000) == "好" * 682
    assert said("🌱" * 1000) == "🌱" * 512


def test_a_long_reply_is_cut_at_a_line_end_if_that_keeps_most_of_it() -> None:
    assert said("好" * 500 + "\n" + "坏" * 500) == "好" * 500
    assert said("好\n" + "坏" * 1000).endswith("坏")


def test_exactly_2048_bytes_are_not_cut() -> None:
    assert said("a" * 2048) == "a" * 2048


@given(content=st.text(st.characters(codec=None)))
def test_any_content_makes_a_well_formed_reply(content: str) -> None:
    assert len(said(content).encode()) <= 2048
    assert len(fields(text_reply(ASKED, content, NOW))) == 5
