"""Keeps what people wrote unreadable on disk, and makes links that nobody can forge.

One key (`TONGXING_SECRET_KEY`) for both. Encryption is Fernet (AES-128-CBC with HMAC-SHA256, from
`cryptography`), its key derived from ours with HKDF, so that any long enough sentence may be the key.
"""

import base64
import json
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SHORTEST_KEY = 16


class VaultError(Exception):
    """The key is missing, too short, or not the one this data was written with."""


class LinkError(Exception):
    """A link that was changed or is for something else (`link_broken`), or has run out (`link_over`)."""


class Vault:
    def __init__(self, secret_key: str) -> None:
        if len(secret_key) < SHORTEST_KEY:
            raise VaultError(
                f"TONGXING_SECRET_KEY 没有设置或太短：请设成至少 {SHORTEST_KEY} 个字符的随机文字，并另外保存一份"
            )
        self._texts = Fernet(_derive(secret_key, b"text"))
        self._links = AESGCM(base64.urlsafe_b64decode(_derive(secret_key, b"link")))

    def seal(self, text: str) -> str:
        return self._texts.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text behind `sealed`. VaultError when it was written with another key."""
        try:
            return self._texts.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise VaultError(
                "TONGXING_SECRET_KEY 和数据库里用的不是同一个：请换回原来的密钥（没有它，姓名和留言都读不出来）"
            ) from None

    def link(self, purpose: str, payload: dict[str, Any], *, now: datetime, lasts: timedelta) -> str:
        """A token for a URL: opaque, short, good for one purpose, until `now + lasts`."""
        body = int((now + lasts).timestamp()).to_bytes(5) + json.dumps(payload, separators=(",", ":")).encode()
        nonce = secrets.token_bytes(12)
        return base64.urlsafe_b64encode(nonce + self._links.encrypt(nonce, body, purpose.encode())).decode().rstrip("=")

    def read_link(self, purpose: str, token: str, *, now: datetime) -> dict[str, Any]:
        """What a token carries. LinkError when it was changed, is for something else, or has run out."""
        try:
            sealed = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
            body = self._links.decrypt(sealed[:12], sealed[12:], purpose.encode())
        except (InvalidTag, ValueError):
            raise LinkError("link_broken") from None
        if int.from_bytes(body[:5]) < now.timestamp():
            raise LinkError("link_over")
        claims: dict[str, Any] = json.loads(body[5:])
        return claims


def _derive(secret_key: str, info: bytes) -> bytes:
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=b"tongxing", info=info)
    return base64.urlsafe_b64encode(hkdf.derive(secret_key.encode()))


def keep_key_in(folder: Path) -> str:
    """The key kept in `folder`, made on first use: for the demo, where nobody sets one."""
    file = folder / "secret.key"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(secrets.token_urlsafe(32), encoding="ascii")
        file.chmod(0o600)
    return file.read_text(encoding="ascii").strip()
