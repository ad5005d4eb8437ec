"""Mail over SMTP (RFC 5321), plain text, one message a connection.

What the server says stays out of exceptions: it quotes addresses. Only its three digits get in.
"""

import contextlib
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Literal, Protocol

import aiosmtplib

from app.clock import Clock
from app.settings import Settings
from bot.outside import (
    ContentRefused,
    Misconfigured,
    NotSent,
    OutcomeUnknown,
    OutsideError,
    PersonUnreachable,
    TryLater,
    UnknownError,
)

Security = Literal["tls", "starttls", "none"]
Step = Literal["connect", "from", "to", "data"]

PAUSE = timedelta(seconds=60)
# Seconds, for each of connecting and every answer of the server.
TIMEOUT = 15.0
GOODBYE = 2.0

# Every server takes these, without extensions of SMTP.
_SEVEN_BIT = SMTP.clone(cte_type="7bit")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")
_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,128}")
_POLICY = re.compile(r"5\.7\.")  # RFC 3463: X.7.X is security or policy, not the mailbox


class Post(Protocol):
    async def send(self, to: str, subject: str, text: str, *, message_id: str) -> None:
        """One mail to one address. Raises OutsideError.

        The same `message_id` (letters, digits, `-`, `_`, `.`) makes the same Message-ID, so that a server or a
        mailbox can leave out the second copy; not all of them do. ContentRefused for a line break in `to` or
        `subject`, PersonUnreachable for what is no address, both before any call.
        """
        ...


def mail_post(settings: Settings, clock: Clock) -> Post | None:
    """Mail as it was set up; None if it was not."""
    if not settings.mail_host:
        return None
    return SmtpPost(
        clock, host=settings.mail_host, port=settings.mail_port, security=settings.mail_security,
        user=settings.mail_user, password=settings.mail_password.get_secret_value(), sender=settings.mail_from,
    )  # fmt: skip


class SmtpPost:
    """`sender` as in a From header, with or without a name. `timeout` in seconds, for every answer of the server."""

    def __init__(
        self, clock: Clock, *, host: str, port: int, security: Security, sender: str, user: str = "",
        password: str = "", timeout: float = TIMEOUT, trust: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._host = host
        self._port = port
        self._security = security
        self._sender = sender
        self._address = parseaddr(sender)[1]
        self._domain = self._address.rpartition("@")[2]
        self._user = user
        self._password = password
        self._timeout = timeout
        self._trust = trust if trust or security == "none" else ssl.create_default_context()

    async def send(self, to: str, subject: str, text: str, *, message_id: str) -> None:
        """See `Post.send`."""
        content = self._written(to, subject, text, message_id)
        failure: OutsideError | None = None
        step: Step = "connect"
        client = self._client()
        try:
            await client.connect()
            step = "from"
            await client.mail(self._address)
            step = "to"
            await client.rcpt(to)
            step = "data"
            await client.data(content)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            failure = _failure(error, step)
        finally:
            try:
                # The mail is accepted, or it is not: how the server says goodbye changes nothing.
                with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                    await client.quit(timeout=GOODBYE)
            finally:
                client.close()
        if failure is not None:
            # Outside of the handler: aiosmtplib's exceptions hold addresses.
            raise failure

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._host, port=self._port, use_tls=self._security == "tls",
            start_tls=self._security == "starttls", tls_context=self._trust, timeout=self._timeout,
            username=self._user or None, password=self._password or None, local_hostname=self._domain,
        )  # fmt: skip

    def _written(self, to: str, subject: str, text: str, message_id: str) -> bytes:
        _check(to, subject, message_id, "smtp")
        message = EmailMessage(policy=_SEVEN_BIT)
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{message_id}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message.as_bytes()


@dataclass(frozen=True, slots=True)
class SentMail:
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    message_id: str


class RecordedPost:
    """Sends nothing and remembers everything: for the simulator and for tests.

    `on_sent` hears of each mail; each of `failures` refuses one mail, the first first.
    """

    def __init__(self, on_sent: Callable[[SentMail], None] | None = None) -> None:
        self.sent: list[SentMail] = []
        self.failures: list[OutsideError] = []
        self._on_sent = on_sent

    async def send(self, to: str, subject: str, text: str, *, message_id: str) -> None:
        """Keep the mail; refuses what `SmtpPost` refuses before a call."""
        _check(to, subject, message_id, "recorded")
        if self.failures:
            raise self.failures.pop(0)
        mail = SentMail(to, subject, text, message_id)
        self.sent.append(mail)
        if self._on_sent is not None:
            self._on_sent(mail)


def _check(to: str, subject: str, message_id: str, api: str) -> None:
    for name, value in (("to", to), ("subject", subject)):
        if len(f"{value}.".splitlines()) > 1 or "\0" in value:
            raise ContentRefused(None, api, "邮件的地址和主题里不能有换行", field=name)
    if not _ID.fullmatch(message_id):
        raise ContentRefused(None, api, "邮件的编号只能用字母、数字和 - _ .", field="message_id")
    if not _ADDRESS.fullmatch(to):
        raise PersonUnreachable(None, api, "不是邮箱地址")


def _failure(error: Exception, step: Step) -> OutsideError:
    """What follows from `error`, which came while `step` was being done."""
    api = f"smtp/{step}"
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Misconfigured(None, api, "和邮件服务器的加密连接没有成：请检查主机名、端口和 TONGXING_MAIL_SECURITY")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _refusal(
            error.code, str(error.message), step, login=isinstance(error, aiosmtplib.SMTPAuthenticationError)
        )
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | aiosmtplib.SMTPTimeoutError | OSError):
        if step == "data":
            return OutcomeUnknown(None, api, type(error).__name__)
        return NotSent(None, api, type(error).__name__)
    if isinstance(error, aiosmtplib.SMTPException) and step == "connect":
        return Misconfigured(None, api, "邮件服务器不支持 STARTTLS 或登录：请检查端口和 TONGXING_MAIL_SECURITY")
    return UnknownError(None, api, type(error).__name__)


def _refusal(code: int, words: str, step: Step, *, login: bool) -> OutsideError:
    api = f"smtp/{step}"
    if 400 <= code < 500:
        return TryLater(code, api, "邮件服务器请我们晚些再来", retry_after=PAUSE)
    if not 500 <= code < 600:
        return UnknownError(code, api, "没有见过的回答")
    if login:
        return Misconfigured(code, api, "邮箱的用户名或密码不对")
    match step:
        case "connect":
            return Misconfigured(code, api, "邮件服务器不接受我们")
        case "from":
            return Misconfigured(code, api, "邮件服务器不接受这个发件人")
        case "to" if code == 530:
            return Misconfigured(code, api, "邮件服务器要先登录：请设置用户名和密码")
        case "to" if _POLICY.match(words):
            # About us (no relaying) or about this mailbox: not enough to close mail for everybody.
            return UnknownError(code, api, "邮件服务器不让我们发给这个地址：请检查用户名、密码和发件人")
        case "to":
            return PersonUnreachable(code, api, "邮件服务器说没有这个邮箱")
        case "data":
            return ContentRefused(code, api, "邮件服务器不收这封邮件")
