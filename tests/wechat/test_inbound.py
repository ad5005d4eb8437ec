import traceback
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wechat import Inbound, MalformedMessage, Scanned, Text, parse

from .payloads import OPENID, PAYLOADS, event, message

TEXT = PAYLOADS["text"][0]


@pytest.mark.parametrize(("xml", "meaning"), PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_callback_means(xml: str, meaning: Inbound) -> None:
    parsed = parse(xml.encode())
    assert parsed == (meaning if meaning.key else replace(meaning, key=parsed.key))
    assert 0 < len(parsed.key) <= 100


@pytest.mark.parametrize("xml", [xml for xml, _ in PAYLOADS.values()], ids=PAYLOADS.keys())
def test_a_second_delivery_has_the_same_key(xml: str) -> None:
    assert parse(xml).key == parse(xml.encode()).key


def test_different_events_of_one_second_have_different_keys() -> None:
    keys = [parse(xml).key for xml, meaning in PAYLOADS.values() if meaning.key != "m:23456789012345678"]
    receipts = 3  # three payloads show what the receipt of one message can say
    assert len(set(keys)) == len(keys) - receipts + 1


def test_a_long_event_key_is_hashed_and_still_tells_events_apart() -> None:
    first, second = (parse(event("VIEW", f"<EventKey>{'x' * 200}{end}</EventKey>")).key for end in "ab")
    assert first != second
    assert max(len(first), len(second)) <= 100


@pytest.mark.parametrize("message_id", ["<MsgId>0</MsgId>", ""])
def test_a_message_without_an_id_is_not_lost(message_id: str) -> None:
    first, second = (
        message("text", f"<Content>{words}</Content>").replace("<MsgId>23456789012345678</MsgId>", message_id)
        for words in ("在吗", "有人吗")
    )
    assert parse(first).key == parse(first.encode()).key != parse(second).key


def test_a_scan_without_a_scene_is_still_a_scan() -> None:
    assert isinstance(parse(event("scan")), Scanned)


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"success",
        b"<xml/>",
        b"<xml>text</xml>",
        b"<a><MsgType>text</MsgType></a>",
        b"\xff\xfe<xml/>",
        b"<xml><MsgType>text</MsgType>",
        TEXT.replace(OPENID, "").encode(),
        TEXT.replace("1610969440", "soon").encode(),
        TEXT.replace("1610969440", "9" * 30).encode(),
        TEXT.replace("1610969440", "9" * 5000).encode(),
        TEXT.replace("23456789012345678", "x").encode(),
        TEXT.replace("</xml>", "<Content>again</Content></xml>").encode(),
        TEXT.replace("<MsgType>", "<MsgType><a/>").encode(),
        event("").encode(),
        event("templatesendjobfinish").encode(),
        event("subscribe_msg_popup_event", "<List>a</List>").encode(),
        event("subscribe_msg_popup_event", "<SubscribeMsgPopupEvent>List</SubscribeMsgPopupEvent>").encode(),
        event("subscribe_msg_sent_event", "<List><TemplateId>a</TemplateId></List>").encode(),
        b"<a>" * 20_000,
        b"<xml>" + b"<a>" * 8_000 + b"</a>" * 8_000 + b"</xml>",
        "<xml>\ud800</xml>",
    ],
)
def test_what_is_no_callback_is_malformed(xml: bytes | str) -> None:
    with pytest.raises(MalformedMessage):
        parse(xml)


def test_the_error_does_not_repeat_the_words() -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse(TEXT.replace("</xml>", "<Content>again</Content></xml>"))
    assert caught.value.__context__ is None
    assert "会来" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("xml", [xml for xml, _ in PAYLOADS.values()], ids=PAYLOADS.keys())
def test_the_repr_is_fit_for_a_log(xml: str) -> None:
    shown = repr(parse(xml))
    assert not any(secret in shown for secret in [OPENID, "会来", "q7Xk", "TICKET", "a.example", "owAqB1"])


@given(xml=st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_arbitrary_bytes_are_malformed(xml: bytes | str) -> None:
    with pytest.raises(MalformedMessage):
        parse(xml)


@given(xml=st.sampled_from([xml for xml, _ in PAYLOADS.values()]), data=st.data())
def test_a_mutated_callback_is_read_or_malformed(xml: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(xml)))
    end = data.draw(st.integers(start, min(len(xml), start + 20)))
    try:
        parsed = parse(xml[:start] + data.draw(st.text(max_size=8)) + xml[end:])
    except MalformedMessage:
        return
    assert parsed.openid
    assert parsed.sent_at.tzinfo is not None


@given(content=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="]\ufffe\uffff")))
def test_every_text_arrives_as_it_was_written(content: str) -> None:
    parsed = parse(message("text", f"<Content><![CDATA[{content}]]></Content>"))
    assert isinstance(parsed, Text)
    assert parsed.content == content.strip()
