"""WeChat's side of safe mode, written from the specification and not from our code."""

import base64
import hashlib
import os
import struct
from datetime import UTC, datetime
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN = "peony"
APP_ID = "wx13974bf780d3dc89"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
NOW = datetime(2026, 11, 21, 7, 1, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
NONCE = "1320562132"


def sign(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - so the protocol


def _aes(key: str) -> Cipher[modes.CBC]:
    raw = base64.b64decode(key + "=")
    return Cipher(algorithms.AES(raw), modes.CBC(raw[:16]))


def encrypt_raw(plain: bytes, key: str = AES_KEY) -> str:
    padding = 32 - len(plain) % 32
    encryptor = _aes(key).encryptor()
    sealed = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    return base64.b64encode(sealed).decode()


def encrypt(xml: bytes, app_id: str = APP_ID) -> str:
    return encrypt_raw(os.urandom(16) + struct.pack(">I", len(xml)) + xml + app_id.encode())


def decrypt(encrypted: str) -> tuple[str, str]:
    """The text and the appid in it."""
    decryptor = _aes(AES_KEY).decryptor()
    plain = decryptor.update(base64.b64decode(encrypted)) + decryptor.finalize()
    plain = plain[16 : -plain[-1]]
    (length,) = struct.unpack(">I", plain[:4])
    return plain[4 : 4 + length].decode(), plain[4 + length :].decode()


def envelope(encrypted: str) -> bytes:
    return (
        "<xml>\n    <ToUserName><![CDATA[gh_123456789abc]]></ToUserName>\n"
        f"    <Encrypt><![CDATA[{encrypted}]]></Encrypt>\n</xml>\n"
    ).encode()


def query(encrypted: str, *, stamp: str = STAMP, nonce: str = NONCE, token: str = TOKEN) -> dict[str, str]:
    return {
        "signature": sign(token, stamp, nonce),
        "timestamp": stamp,
        "nonce": nonce,
        "openid": "otFpruAK8D-E6EfStSYonYSBZ8_4",
        "encrypt_type": "aes",
        "msg_signature": sign(token, stamp, nonce, encrypted),
    }


def fields(xml: str) -> dict[str, str]:
    """The elements of a flat XML document, as a strict parser reads them."""
    return {element.tag: element.text or "" for element in ElementTree.fromstring(xml)}  # noqa: S314
