"""Mail servers on the loopback: a proper one (aiosmtpd), and one that says what a script tells it to."""

import asyncio
import datetime
import ipaddress
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER = "tongxing"
PASSWORD = "password-of-tests"


class Mailbox:
    """What arrived; `answers` replaces the server's answer to MAIL, RCPT or DATA."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.envelopes: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.users: list[object] = []

    async def handle_MAIL(  # noqa: N802 - the names are aiosmtpd's, and so are the arguments
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None or server._over_ssl)
        self.users.append(session.auth_data)
        return "250 OK"


def _known(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False, auth_data=data.login if right else None)


class _Connection(SMTP):
    """aiosmtpd's side of one connection, which can be waited for."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # It warns of passwords over a plain connection; this one ends on the loopback.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            super().__init__(*arguments, **options)
        self.gone = asyncio.Event()
        self.gone.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.gone.clear()
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.gone.set()


@asynccontextmanager
async def mail_server(
    mailbox: Mailbox, *, tls: bool = False, starttls: bool = False, login: bool = False
) -> AsyncIterator[int]:
    """A server around `mailbox`; its port."""
    connections: list[_Connection] = []

    def connection() -> SMTP:
        connections.append(
            _Connection(
                mailbox, hostname="mail.test", tls_context=certificate() if starttls else None,
                require_starttls=starttls, auth_require_tls=False, auth_required=login, authenticator=_known,
            )
        )  # fmt: skip
        return connections[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=certificate() if tls else None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for one in connections:
            await one.gone.wait()
        await server.wait_closed()


@asynccontextmanager
async def scripted(**lines: str | None) -> AsyncIterator[int]:
    """A server that answers each command with a line of the script; its port.

    `hello` is its greeting; `body` comes after the text of the mail. None hangs up, "" says nothing at all.
    """
    script: dict[str, str | None] = {
        "hello": "220 mail.test", "ehlo": "250 mail.test", "mail": "250 ok", "rcpt": "250 ok", "data": "354 go",
        "body": "250 ok", "quit": "221 bye", **lines,
    }  # fmt: skip
    talks: list[asyncio.Task[None]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = "hello"
        while (answer := script.get(command, "500 what?")) is not None:
            if answer:
                writer.write(f"{answer}\r\n".encode())
            if command == "data" and answer.startswith("354"):
                while (line := await reader.readline()) not in (b".\r\n", b""):
                    pass
                command = "body"
                continue
            if not (line := await reader.readline()):
                break
            command = line.decode().split()[0].lower()
        writer.close()
        await writer.wait_closed()

    def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.create_task(talk(reader, writer)))

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*talks)
        await server.wait_closed()


@cache
def certificate() -> ssl.SSLContext:
    """The server's side of TLS, with a certificate that it signed itself."""
    key, certificate = _made()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(file)
    return context


@cache
def trust() -> ssl.SSLContext:
    """The client's side: it knows that certificate, and nothing else."""
    return ssl.create_default_context(cadata=_made()[1].public_bytes(serialization.Encoding.PEM).decode())


@cache
def _made() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(loopback, critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate
