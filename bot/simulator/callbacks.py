"""From the platform to the door: seal, post, wait, repeat; and read what the door answers.

Source: 「接收普通消息」, 「被动回复用户消息」: after 5 s the connection is dropped and the message comes again.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Union
from xml.etree import ElementTree as ET

import httpx

from app.clock import Clock
from bot.simulator.crypto import Seal, SealError, signature, signed_by
from bot.simulator.state import Account, Delivery, Fault

Fields = Mapping[str, Union[str, int, "Fields"]]

BROKEN = "该服务号提供的服务出现故障，请稍后再试"


class BadAnswerError(Exception):
    """The door answered something that makes the platform show BROKEN; the text says why."""


@dataclass(frozen=True)
class Reply:
    """A passive reply in clear. `kind` is the MsgType; news has a title and a url."""

    kind: str
    text: str = ""
    title: str = ""
    url: str = ""

    @property
    def words(self) -> str:
        return "\n".join(part for part in (self.title, self.text) if part)


def write_xml(fields: Fields, tag: str = "xml") -> str:
    return f"<{tag}>{''.join(_element(name, value) for name, value in fields.items())}</{tag}>"


def _element(name: str, value: "str | int | Fields") -> str:
    if isinstance(value, Mapping):
        return write_xml(value, name)
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    safe = "".join(c for c in value if c >= " " or c in "\n\t").replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{safe}]]></{name}>"


class Door:
    """Posts sealed callbacks. `late` holds the posts whose answer came, or will come, after the limit."""

    def __init__(
        self,
        account: Account,
        clock: Clock,
        client: httpx.AsyncClient,
        path: str,
        answer_limit: float,
        retry_pauses: Sequence[float],
    ) -> None:
        self._account, self._clock, self._client, self._path = account, clock, client, path
        self._answer_limit = answer_limit
        self._retry_pauses = tuple(retry_pauses)
        self._seal = Seal(account.encoding_aes_key, account.app_id)
        self.late: set[asyncio.Task[httpx.Response]] = set()

    async def deliver(
        self, openid: str, xml: str, *, fault: Callable[[], Fault | None], forge: bool = False
    ) -> tuple[Delivery, Reply | None]:
        """Post until the door answers, at most 1 + len(retry_pauses) times, with the same message.

        `fault` is asked before each post; `forge` gives the first one a wrong signature. Never raises for
        anything the door does: `Delivery.error` says it.
        """
        delivery = Delivery()
        encrypt = self._seal.close(xml)
        started = time.perf_counter()
        response: httpx.Response | None = None
        for pause in (0.0, *self._retry_pauses):
            await asyncio.sleep(pause)
            response = await self._attempt(openid, encrypt, fault(), forge=forge and not delivery.attempts)
            delivery.attempts += 1
            delivery.statuses.append(response.status_code if response is not None else None)
            if response is not None:
                break
        delivery.seconds = time.perf_counter() - started
        if response is None:
            delivery.error = f"{delivery.attempts} 次都没有得到回应"
            return delivery, None
        try:
            reply = self.read(response.status_code, response.text)
        except BadAnswerError as error:
            delivery.error = str(error)
            return delivery, None
        delivery.replies.append(reply.words if reply else None)
        return delivery, reply

    async def _attempt(self, openid: str, encrypt: str, fault: Fault | None, *, forge: bool) -> httpx.Response | None:
        if fault is not None and fault.drop:
            return None
        work = asyncio.create_task(self._exchange(openid, encrypt, fault, forge=forge))
        # Not cancelled at the limit: a real server goes on with its work after the platform has hung up.
        done, _ = await asyncio.wait({work}, timeout=self._answer_limit)
        if not done:
            self.late.add(work)
            work.add_done_callback(self._forget)
            return None
        try:
            response = work.result()
        except httpx.TransportError:
            return None
        except Exception as error:
            # In process, the door's own exception arrives here; a server would have answered 500.
            return httpx.Response(500, text=f"{type(error).__name__}: {error}")
        return None if fault is not None and fault.after else response

    async def _exchange(self, openid: str, encrypt: str, fault: Fault | None, *, forge: bool) -> httpx.Response:
        response = await self._client.post(
            self._path,
            params=self.query(openid, encrypt, forge=forge),
            content=write_xml(self.envelope(encrypt)).encode(),
            # A kept connection may be closed by the server just now, which would look like a lost message.
            headers={"content-type": "text/xml", "user-agent": "Mozilla/4.0", "connection": "close"},
            timeout=self._answer_limit,
        )
        if fault is not None and fault.latency:
            await asyncio.sleep(fault.latency)
        return response

    def _forget(self, work: asyncio.Task[httpx.Response]) -> None:
        self.late.discard(work)
        if not work.cancelled():
            work.exception()

    @property
    def account_id(self) -> str:
        return f"gh_{self._account.app_id.removeprefix('wx_')}"

    def envelope(self, encrypt: str) -> Fields:
        return {"ToUserName": self.account_id, "Encrypt": encrypt}

    def query(self, openid: str, encrypt: str, *, forge: bool = False) -> dict[str, str]:
        """The query string of one post: fresh timestamp, nonce and signatures."""
        token, stamp, nonce = (
            self._account.token,
            str(int(self._clock.now().timestamp())),
            str(secrets.randbelow(10**10)),
        )
        sealed = signature(token, stamp, nonce, encrypt)
        return {
            "signature": signature(token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "openid": openid,
            "encrypt_type": "aes",
            "msg_signature": sealed[::-1] if forge else sealed,
        }

    def read(self, status: int, body: str) -> Reply | None:
        """The passive reply in an answer, None for `success` or nothing; BadAnswerError otherwise."""
        if status >= 300:
            raise BadAnswerError(f"HTTP {status} {body[:80]}".strip())
        if body.strip() in ("", "success"):
            return None
        outer = _parse(body)
        encrypt = outer.findtext("Encrypt")
        if not encrypt:
            raise BadAnswerError("回复没有加密")
        stamp, nonce = outer.findtext("TimeStamp") or "", outer.findtext("Nonce") or ""
        if not signed_by(outer.findtext("MsgSignature") or "", self._account.token, stamp, nonce, encrypt):
            raise BadAnswerError("回复的签名不对")
        try:
            return self.reply(_parse(self._seal.open(encrypt)))
        except SealError as error:
            raise BadAnswerError(f"回复解不开：{error}") from None

    def reply(self, inner: ET.Element) -> Reply:
        """The passive reply in the decrypted XML; BadAnswerError for one that the platform does not take."""
        return _reply(inner)


def _parse(body: str) -> ET.Element:
    try:
        return ET.fromstring(body)  # noqa: S314 - the bot's own answer; expat itself bounds entities
    except ET.ParseError:
        raise BadAnswerError(f"回复不是 XML：{body[:40]}") from None


def _reply(inner: ET.Element) -> Reply:
    kind = inner.findtext("MsgType") or ""
    match kind:
        case "text":
            text = inner.findtext("Content") or ""
            if not text:
                raise BadAnswerError("回复的文字是空的")
            if len(text.encode()) > 2048:
                raise BadAnswerError(f"回复太长：{len(text.encode())} 字节")
            return Reply("text", text)
        case "news":
            item = inner.find("Articles/item")
            if item is None:
                raise BadAnswerError("图文回复里没有文章")
            return Reply(
                "news",
                item.findtext("Description") or "",
                item.findtext("Title") or "",
                item.findtext("Url") or "",
            )
        case "image" | "voice" | "video" | "music" | "transfer_customer_service":
            return Reply(kind, f"[{kind}]")
    raise BadAnswerError(f"回复的类型不对：{kind or '没有'}")
