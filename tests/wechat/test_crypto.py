import contextlib
import time
import traceback
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wechat import Cipher, MalformedMessage, Refused, parse

from . import platform
from .platform import AES_KEY, APP_ID, NONCE, NOW, STAMP, TOKEN, envelope, query, sign

XML = "<xml><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[我会来的 🌱]]></Content></xml>"


@pytest.fixture
def cipher() -> Cipher:
    return Cipher(TOKEN, AES_KEY, APP_ID)


def opened(cipher: Cipher, encrypted: str, **said: str) -> bytes:
    return cipher.open(query(encrypted) | said, envelope(encrypted), NOW)


def test_what_wechat_encrypts_we_read(cipher: Cipher) -> None:
    assert opened(cipher, platform.encrypt(XML.encode())) == XML.encode()


@pytest.mark.parametrize("length", range(0, 70, 3))
def test_every_padding_is_read(cipher: Cipher, length: int) -> None:
    assert opened(cipher, platform.encrypt(b"x" * length)) == b"x" * length


def test_what_we_seal_wechat_reads(cipher: Cipher) -> None:
    sealed = platform.fields(cipher.seal(XML, NOW))
    assert platform.decrypt(sealed["Encrypt"]) == (XML, APP_ID)
    assert sealed["TimeStamp"] == STAMP
    assert sealed["MsgSignature"] == sign(TOKEN, STAMP, sealed["Nonce"], sealed["Encrypt"])


def test_equal_replies_look_different_when_sealed(cipher: Cipher) -> None:
    first, second = (platform.fields(cipher.seal(XML, NOW, NONCE))["Encrypt"] for _ in range(2))
    assert first != second


def test_a_nonce_cannot_break_out_of_the_envelope(cipher: Cipher) -> None:
    nonce = "1]]><MsgSignature>x</MsgSignature><![CDATA["
    sealed = platform.fields(cipher.seal(XML, NOW, nonce))
    assert list(sealed) == ["Encrypt", "MsgSignature", "TimeStamp", "Nonce"]
    assert sealed["Nonce"] == nonce


def test_the_plain_signature_does_not_pass_for_the_message_signature(cipher: Cipher) -> None:
    encrypted = platform.encrypt(XML.encode())
    with pytest.raises(Refused, match="wrong signature"):
        opened(cipher, encrypted, msg_signature=query(encrypted)["signature"])


@pytest.mark.parametrize("missing", ["msg_signature", "timestamp", "nonce"])
def test_a_query_without_its_parts_is_refused(cipher: Cipher, missing: str) -> None:
    with pytest.raises(Refused, match=missing):
        opened(cipher, platform.encrypt(XML.encode()), **{missing: ""})


@pytest.mark.parametrize("signature", ["é" * 40, "0" * 40, "\ud800"])
def test_a_wrong_signature_is_refused(cipher: Cipher, signature: str) -> None:
    with pytest.raises(Refused, match="wrong signature"):
        opened(cipher, platform.encrypt(XML.encode()), msg_signature=signature)


def test_another_body_under_a_good_signature_is_refused(cipher: Cipher) -> None:
    signed, other = platform.encrypt(XML.encode()), platform.encrypt(b"<xml/>")
    with pytest.raises(Refused, match="wrong signature"):
        cipher.open(query(signed), envelope(other), NOW)


@pytest.mark.parametrize("minutes", [-10, 0, 10])
def test_ten_minutes_early_or_late_are_accepted(cipher: Cipher, minutes: int) -> None:
    encrypted = platform.encrypt(XML.encode())
    assert cipher.open(query(encrypted), envelope(encrypted), NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("seconds", [-601, 601])
def test_more_than_that_is_stale(cipher: Cipher, seconds: int) -> None:
    encrypted = platform.encrypt(XML.encode())
    with pytest.raises(Refused, match="stale"):
        cipher.open(query(encrypted), envelope(encrypted), NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("stamp", ["soon", "-1", "1e9", "١٢٣", "9" * 400])
def test_a_signed_timestamp_that_is_no_number_is_stale(cipher: Cipher, stamp: str) -> None:
    encrypted = platform.encrypt(XML.encode())
    with pytest.raises(Refused, match="stale"):
        cipher.open(query(encrypted, stamp=stamp), envelope(encrypted), NOW)


def test_a_plain_body_is_refused_though_its_query_is_signed(cipher: Cipher) -> None:
    with pytest.raises(Refused, match="not encrypted"):
        cipher.open(query(""), XML.encode(), NOW)


def test_a_message_for_another_account_is_refused(cipher: Cipher) -> None:
    with pytest.raises(Refused, match="appid"):
        opened(cipher, platform.encrypt(XML.encode(), app_id="wx0000000000000000"))


def test_a_body_over_64_kib_is_not_looked_at(cipher: Cipher) -> None:
    encrypted = platform.encrypt(b"x" * 64 * 1024)
    with pytest.raises(MalformedMessage, match="too long"):
        opened(cipher, encrypted)


@pytest.mark.parametrize(
    "encrypted",
    ["AAAA", "!", "AAA", "ä", platform.encrypt_raw(b""), platform.encrypt_raw(b"\xff" * 40)],
)
def test_signed_garbage_is_malformed(cipher: Cipher, encrypted: str) -> None:
    with pytest.raises(MalformedMessage):
        opened(cipher, encrypted)


def test_an_error_never_knows_the_text(cipher: Cipher) -> None:
    secret = b"secret words"
    unreadable = platform.encrypt(secret + b"\xff")
    with pytest.raises(MalformedMessage) as caught:
        opened(cipher, unreadable)
    assert caught.value.__context__ is None
    assert "secret words" not in "".join(traceback.format_exception(caught.value))


def laughs(levels: int = 12) -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, levels))
    return f'<!DOCTYPE xml [<!ENTITY l0 "ha">{entities}]>'.encode()


def test_entities_in_the_envelope_are_never_expanded(cipher: Cipher) -> None:
    encrypted = platform.encrypt(XML.encode())
    body = laughs() + envelope(encrypted).replace(b"<xml>", b"<xml><a>&l11;</a>")
    assert cipher.open(query(encrypted), body, NOW) == XML.encode()
    with pytest.raises(Refused):
        cipher.open(query(encrypted), laughs() + b"<xml><Encrypt>&l11;</Encrypt></xml>", NOW)


@pytest.mark.parametrize("doctype", [laughs(), b'<!DOCTYPE xml [<!ENTITY l11 SYSTEM "file:///etc/hostname">]>'])
def test_entities_inside_a_signed_message_are_refused(doctype: bytes) -> None:
    began = time.perf_counter()
    with pytest.raises(MalformedMessage):
        parse(doctype + b"<xml><MsgType>text</MsgType><Content>&l11;</Content></xml>")
    assert time.perf_counter() - began < 1


def test_a_body_full_of_openings_is_refused_at_once(cipher: Cipher) -> None:
    began = time.perf_counter()
    with pytest.raises(Refused):
        cipher.open(query(""), (b"<Encrypt><![CDATA[" + b" " * 40) * 1000, NOW)
    assert time.perf_counter() - began < 1


def test_the_url_check_answers_the_echo_as_it_came(cipher: Cipher) -> None:
    asked = {"signature": sign(TOKEN, STAMP, NONCE), "timestamp": STAMP, "nonce": NONCE, "echostr": "48<&"}
    assert cipher.verify_url(asked, NOW) == "48<&"


@pytest.mark.parametrize(
    "wrong",
    [{"signature": "0" * 40}, {"signature": ""}, {"echostr": ""}, {"timestamp": "1"}, {"nonce": "2"}],
)
def test_a_url_check_that_is_not_signed_is_refused(cipher: Cipher, wrong: dict[str, str]) -> None:
    asked = {"signature": sign(TOKEN, STAMP, NONCE), "timestamp": STAMP, "nonce": NONCE, "echostr": "48"}
    with pytest.raises(Refused):
        cipher.verify_url(asked | wrong, NOW)


def test_a_stale_url_check_is_refused(cipher: Cipher) -> None:
    asked = {"signature": sign(TOKEN, STAMP, NONCE), "timestamp": STAMP, "nonce": NONCE, "echostr": "48"}
    with pytest.raises(Refused, match="stale"):
        cipher.verify_url(asked, NOW + timedelta(minutes=11))


@pytest.mark.parametrize("key", ["", "short", AES_KEY + "=", AES_KEY[:-1] + "-", AES_KEY + "\n", "字" * 43])
def test_a_wrong_aes_key_is_explained(key: str) -> None:
    with pytest.raises(ValueError, match="43 个字符") as caught:
        Cipher(TOKEN, key, APP_ID)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(("token", "app_id", "word"), [("", APP_ID, "Token"), (TOKEN, "", "AppID")])
def test_a_missing_setting_is_named(token: str, app_id: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Cipher(token, AES_KEY, app_id)


CIPHER = Cipher(TOKEN, AES_KEY, APP_ID)
GOOD = platform.encrypt(XML.encode())
TEXTS = st.dictionaries(st.sampled_from(["msg_signature", "signature", "timestamp", "nonce"]), st.text())


@given(body=st.binary(max_size=300), said=TEXTS)
def test_no_request_raises_anything_else(body: bytes, said: dict[str, str]) -> None:
    with pytest.raises((Refused, MalformedMessage)):
        CIPHER.open(said, body, NOW)


@given(at=st.integers(0, len(envelope(GOOD)) - 1), byte=st.integers(0, 255))
def test_a_mutated_envelope_is_refused_or_unchanged(at: int, byte: int) -> None:
    body = bytearray(envelope(GOOD))
    body[at] = byte
    with contextlib.suppress(Refused, MalformedMessage):
        assert CIPHER.open(query(GOOD), bytes(body), NOW) == XML.encode()


@given(plain=st.binary(max_size=200))
def test_signed_ciphertext_of_anything_raises_nothing_else(plain: bytes) -> None:
    encrypted = platform.encrypt_raw(plain)
    with pytest.raises((Refused, MalformedMessage)):
        CIPHER.open(query(encrypted), envelope(encrypted), NOW)


@given(xml=st.text(st.characters(exclude_categories=["Cs"])))
def test_everything_we_seal_we_open(xml: str) -> None:
    sealed = platform.fields(CIPHER.seal(xml, NOW, NONCE))
    said = {"msg_signature": sealed["MsgSignature"], "timestamp": STAMP, "nonce": NONCE}
    assert CIPHER.open(said, envelope(sealed["Encrypt"]), NOW) == xml.encode()
