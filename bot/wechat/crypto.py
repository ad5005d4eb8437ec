"""Safe mode: who may speak to us, and what they said.

Source: 消息加解密说明 and 接入指南 (developers.weixin.qq.com/doc/service/guide/dev/push/).

A query is `Refused` (the door answers 403) until its signature proves that it comes from WeChat. What
is signed and still cannot be read is a `MalformedMessage`: WeChat said something that we must not drop
in silence. Neither carries any of the content.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime

from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import InvalidAppIdException

from bot.wechat.errors import MalformedMessage
from bot.wechat.markup import cdata

MAX_BODY = 64 * 1024

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
# The envelope is read without an XML parser, so that nothing unsigned ever reaches one.
_ENCRYPT = re.compile(rb"<Encrypt>\s*(?:<!\[CDATA\[)?([^<>\[\]\s]+)(?:\]\]>)?\s*</Encrypt>")


class Refused(Exception):  # noqa: N818 - says what happened
    """The request does not prove that it comes from WeChat, or comes too late. Answer 403."""


class Cipher:
    """Checks, opens and seals callbacks of one official account in safe mode (安全模式).

    `fresh_within`: seconds that a signed timestamp may lie before or after now.
    ValueError if the settings cannot work.
    """

    def __init__(self, token: str, encoding_aes_key: str, app_id: str, *, fresh_within: int = 600) -> None:
        if not token:
            raise ValueError("微信 Token 没有填写：请把公众平台“服务器配置”里的 Token 填进来。")
        if not app_id:
            raise ValueError("微信 AppID 没有填写：请从公众平台“开发接口管理”里抄过来。")
        if not _AES_KEY.fullmatch(encoding_aes_key):
            raise ValueError(
                "微信 EncodingAESKey 不对：应当正好 43 个字符，只含英文字母和数字；"
                f"现在是 {len(encoding_aes_key)} 个字符。请从公众平台“服务器配置”里重新复制。"
            )
        self._token = token
        self._app_id = app_id
        self._fresh_within = fresh_within
        self._aes = PrpCrypto(base64.b64decode(encoding_aes_key + "="))
        # The IV is fixed by the protocol: only these 16 bytes make equal replies look different.
        self._aes.get_random_string = lambda: secrets.token_urlsafe(12)

    def verify_url(self, query: Mapping[str, str], now: datetime) -> str:
        """The `echostr` of the GET that WeChat sends when the server URL is saved, as it came.

        Refused if the signature is wrong, stale or missing.
        """
        echo = _param(query, "echostr")
        self._check(query, "signature", now)
        return echo

    def open_echo(self, query: Mapping[str, str], now: datetime) -> str:
        """What WeCom's GET wants to read back: there the `echostr` is signed and encrypted like a message.

        Source: 企业微信 › 回调配置 › 验证URL有效性. Refused as in `open`; MalformedMessage if it is signed
        and the AES key does not open it.
        """
        encrypted = _bytes(_param(query, "echostr"))
        self._check(query, "msg_signature", now, encrypted)
        return self._decrypt(encrypted).decode()

    def open(self, query: Mapping[str, str], body: bytes, now: datetime) -> bytes:
        """The XML inside an encrypted POST.

        Refused: not signed by our token (plain mode too: its signature does not cover the body), stale,
        or meant for another account. MalformedMessage: longer than 64 KiB, or signed but unreadable.
        """
        if len(body) > MAX_BODY:
            raise MalformedMessage("too long")
        envelope = _ENCRYPT.search(body)
        if envelope is None:
            raise Refused("not encrypted")
        encrypted = envelope[1]
        self._check(query, "msg_signature", now, encrypted)
        return self._decrypt(encrypted)

    def seal(self, xml: str, now: datetime, nonce: str | None = None) -> str:
        """The encrypted envelope of a passive reply. A nonce of our own is drawn if none is given."""
        nonce = nonce or secrets.token_hex(8)
        stamp = str(int(now.timestamp()))
        encrypted: bytes = self._aes.encrypt(xml, self._app_id)
        return (
            f"<xml><Encrypt>{cdata(encrypted.decode())}</Encrypt>"
            f"<MsgSignature>{cdata(self._sign(stamp, nonce, encrypted))}</MsgSignature>"
            f"<TimeStamp>{stamp}</TimeStamp><Nonce>{cdata(nonce)}</Nonce></xml>"
        )

    def _check(self, query: Mapping[str, str], signature: str, now: datetime, *signed: bytes) -> None:
        given = _param(query, signature)
        stamp = _param(query, "timestamp")
        expected = self._sign(stamp, _param(query, "nonce"), *signed)
        # As bytes: compare_digest raises TypeError for text outside ASCII.
        if not hmac.compare_digest(expected.encode(), _bytes(given)):
            raise Refused("wrong signature")
        if not _TIMESTAMP.fullmatch(stamp) or abs(int(stamp) - now.timestamp()) > self._fresh_within:
            raise Refused("stale")

    def _sign(self, stamp: str, nonce: str, *signed: bytes) -> str:
        parts = sorted([_bytes(self._token), _bytes(stamp), _bytes(nonce), *signed])
        return hashlib.sha1(b"".join(parts), usedforsecurity=False).hexdigest()

    def _decrypt(self, encrypted: bytes) -> bytes:
        failure: Exception
        try:
            xml: str = self._aes.decrypt(encrypted, self._app_id)
            return xml.encode()
        except InvalidAppIdException:
            failure = Refused("wrong appid")
        except Exception as error:
            # wechatpy lets struct.error, IndexError, ValueError and what else through. Their values
            # hold the text, so the new exception is raised outside and does not know them.
            failure = MalformedMessage(type(error).__name__)
        raise failure


def _param(query: Mapping[str, str], name: str) -> str:
    value = query.get(name)
    if not value:
        raise Refused(f"{name} is missing")
    return value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
