import asyncio
import logging
import traceback
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from app.clock import Clock
from app.settings import GivenSettings, Settings, SettingsError, read_settings
from bot.mail import Post, RecordedPost, SentMail, SmtpPost, mail_post
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

from .servers import PASSWORD, USER, Mailbox, mail_server, scripted, trust

NOW = datetime(2026, 11, 23, 2, 12, tzinfo=UTC)
TO = "wangle@example.org"
SUBJECT = "A-0312 需要接手"
TEXT = "编号 A-0312，10:12。\n.请打开系统。\n"


def post(port: int, **other: Any) -> SmtpPost:
    plain = {"host": "127.0.0.1", "security": "none", "sender": "同行 <tongxing@house.example>", "timeout": 5.0}
    return SmtpPost(Clock(frozen_at=NOW), port=port, **{**plain, **other})


async def send(post: Post, **other: str) -> None:
    mail = {"to": TO, "subject": SUBJECT, "text": TEXT, "message_id": "outbox-7", **other}
    await post.send(**mail)


def read(mailbox: Mailbox) -> EmailMessage:
    (envelope,) = mailbox.envelopes
    assert isinstance(envelope.content, bytes)
    return message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[return-value]


async def test_a_mail_arrives_as_plain_text_that_says_it_was_written_by_a_machine() -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        await send(post(port))
    message = read(mailbox)
    assert (mailbox.envelopes[0].mail_from, mailbox.envelopes[0].rcpt_tos) == ("tongxing@house.example", [TO])
    assert message["From"] == "同行 <tongxing@house.example>"
    assert (message["To"], message["Subject"]) == (TO, SUBJECT)
    assert message["Message-ID"] == "<outbox-7@house.example>"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n") == TEXT


async def test_a_repeated_mail_has_the_same_id() -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        await send(post(port))
        await send(post(port))
    first, second = (message_from_bytes(envelope.content) for envelope in mailbox.envelopes)
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_name_and_password_go_through_an_encrypted_connection(security: str) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox, login=True, **{security: True}) as port:
        await send(post(port, security=security, user=USER, password=PASSWORD, trust=trust()))
    assert mailbox.encrypted == [True]
    assert mailbox.users == [USER.encode()]


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_that_nobody_vouches_for_is_refused(security: str) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox, **{security: True}) as port:
        with pytest.raises(Misconfigured, match="TONGXING_MAIL_SECURITY"):
            await send(post(port, security=security))
    assert mailbox.envelopes == []


async def test_a_server_that_cannot_encrypt_gets_no_password() -> None:
    async with mail_server(Mailbox()) as port:
        with pytest.raises(Misconfigured, match="STARTTLS"):
            await send(post(port, security="starttls", user=USER, password=PASSWORD, trust=trust()))


async def test_a_wrong_password_is_named() -> None:
    async with mail_server(Mailbox(), login=True) as port:
        with pytest.raises(Misconfigured, match="密码") as caught:
            await send(post(port, user=USER, password="another"))
    assert caught.value.errcode == 535


@pytest.mark.parametrize(
    ("step", "answer", "kind"),
    [
        ("RCPT", "550 5.1.1 no such user", PersonUnreachable),
        ("RCPT", "553 who?", PersonUnreachable),
        ("RCPT", "450 4.2.0 greylisted", TryLater),
        ("RCPT", "452 4.2.2 mailbox full", TryLater),
        ("RCPT", "550 5.7.1 relaying denied", UnknownError),
        ("RCPT", "530 5.7.0 authentication required", Misconfigured),
        ("MAIL", "550 5.7.1 not your address", Misconfigured),
        ("MAIL", "451 later", TryLater),
        ("DATA", "554 5.7.1 looks like spam", ContentRefused),
        ("DATA", "451 later", TryLater),
        ("DATA", "299 whatever", UnknownError),
    ],
)
async def test_a_refusal_has_its_handling(step: str, answer: str, kind: type[OutsideError]) -> None:
    mailbox = Mailbox(**{step: f"{answer} for {TO}"})
    async with mail_server(mailbox) as port:
        with pytest.raises(OutsideError) as caught:
            await send(post(port))
    assert type(caught.value) is kind
    assert caught.value.errcode == int(answer[:3])
    assert caught.value.advice
    if isinstance(caught.value, TryLater):
        assert caught.value.retry_after == timedelta(seconds=60)


async def test_without_a_server_nothing_was_sent() -> None:
    async with mail_server(Mailbox()) as port:
        pass
    with pytest.raises(NotSent):
        await send(post(port))


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ({"hello": None}, NotSent),
        ({"hello": "421 busy"}, TryLater),
        ({"hello": "554 go away"}, Misconfigured),
        ({"ehlo": None}, NotSent),
        ({"mail": None}, NotSent),
        ({"rcpt": None}, NotSent),
        ({"body": None}, OutcomeUnknown),
        ({"data": "503 no"}, ContentRefused),
        ({"body": "nonsense"}, UnknownError),
        ({"ehlo": "250-mail.test\r\n250 AUTH NONSENSE"}, Misconfigured),
    ],
)
async def test_a_connection_that_breaks_tells_whether_the_mail_had_left(
    script: dict[str, Any], kind: type[OutsideError]
) -> None:
    login = {"user": USER, "password": PASSWORD} if "AUTH" in str(script) else {}
    async with scripted(**script) as port:
        with pytest.raises(OutsideError) as caught:
            await send(post(port, **login))
    assert type(caught.value) is kind


@pytest.mark.parametrize(("script", "kind"), [({"rcpt": ""}, NotSent), ({"body": ""}, OutcomeUnknown)])
async def test_a_server_that_falls_silent_is_not_waited_for(script: dict[str, Any], kind: type[OutsideError]) -> None:
    async with scripted(**script) as port:
        with pytest.raises(OutsideError) as caught:
            await send(post(port, timeout=0.3))
    assert type(caught.value) is kind


@pytest.mark.parametrize("goodbye", [None, "500 never"])
async def test_a_mail_that_was_accepted_stays_accepted_when_the_goodbye_fails(goodbye: str | None) -> None:
    async with scripted(quit=goodbye) as port:
        await send(post(port))


BREAKS = ["\r\nBcc: everybody@example.org", "\n.\n", "\r", "\x00", "\u2028", "\n"]


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("field", ["to", "subject"])
@pytest.mark.parametrize("tail", BREAKS)
async def test_a_line_break_cannot_smuggle_a_header_in(field: str, tail: str, recorded: bool) -> None:
    value = {"to": TO, "subject": SUBJECT}[field]
    with pytest.raises(ContentRefused) as caught:
        await send(RecordedPost() if recorded else post(1), **{field: value + tail})
    assert caught.value.field == field


async def test_an_id_that_would_break_its_header_is_refused() -> None:
    with pytest.raises(ContentRefused):
        await send(post(1), message_id="7>\r\nX: y")


@pytest.mark.parametrize(
    "junk", ["", "王乐", "wangle", "a@b@c", "two@example.org, more@example.org", "<x@y>", "王@乐.cn"]
)
async def test_what_is_no_address_is_refused_before_any_call(junk: str) -> None:
    with pytest.raises(PersonUnreachable):
        await send(post(1), to=junk)


@pytest.mark.parametrize("answers", [{}, {"RCPT": f"550 no {TO}"}, {"DATA": f"554 {SUBJECT}"}, {"MAIL": "451 later"}])
async def test_no_address_no_word_and_no_password_reaches_a_log_or_an_exception(
    answers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the server's side
    told = ""
    async with mail_server(Mailbox(**answers), login=True) as port:
        sending = send(post(port, user=USER, password=PASSWORD))
        (outcome,) = await asyncio.gather(sending, return_exceptions=True)
    if isinstance(outcome, OutsideError):
        told = "".join(traceback.format_exception(outcome)) + repr(outcome) + str(vars(outcome))
        assert outcome.__context__ is None
    assert bool(told) == bool(answers)
    for secret in (TO, "wangle", SUBJECT, TEXT, "A-0312", PASSWORD, "tongxing@house"):
        assert secret not in told + caplog.text


async def test_the_recording_post_keeps_what_it_was_given_and_shows_it() -> None:
    shown: list[SentMail] = []
    recorded = RecordedPost(shown.append)
    recorded.failures.append(Misconfigured(None, "recorded", "密码不对"))
    with pytest.raises(Misconfigured):
        await send(recorded)
    await send(recorded)
    assert shown == recorded.sent == [SentMail(TO, SUBJECT, TEXT, "outbox-7")]
    assert repr(shown) == "[SentMail(message_id='outbox-7')]"


async def test_mail_is_off_until_there_is_a_server() -> None:
    clock = Clock(frozen_at=NOW)
    assert mail_post(GivenSettings(), clock) is None
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        values = {"mail_host": "127.0.0.1", "mail_port": port, "mail_security": "none", "mail_from": "a@house.example"}
        chosen = mail_post(GivenSettings.model_validate(values), clock)
        assert chosen is not None
        await send(chosen)
    assert read(mailbox)["From"] == "a@house.example"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"mail_host": "mail.example.org"}, "TONGXING_MAIL_FROM"),
        ({"mail_host": "mail.example.org", "mail_from": "同行"}, "TONGXING_MAIL_FROM"),
        ({"mail_host": "m", "mail_from": "a@example.org", "mail_user": "a"}, "TONGXING_MAIL_PASSWORD"),
        ({"operator_mail": "a@example.org"}, "TONGXING_MAIL_HOST"),
    ],
)
def test_mail_that_is_half_set_up_says_what_is_missing(
    values: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "model_config", {**Settings.model_config, "env_file": None})
    with pytest.raises(SettingsError, match=sentence):
        read_settings(**values)
