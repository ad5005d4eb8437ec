"""The second factor: codes that change every half minute (TOTP, RFC 6238), and some on paper for a lost phone.

No code works twice: the half-minute of the last one that was taken is kept (RFC 6238, 5.2).
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime

import pyotp

STEP = 30  # seconds, what every authenticator knows
APART = 1  # steps that a phone's clock may be wrong by
CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look like another
GROUPS, LONG = 4, 4  # 16 letters: 79 bits, so that a hash of them need not be slow


def new_secret() -> str:
    """160 random bits in base32, as RFC 4226 wants them."""
    return pyotp.random_base32()


def address(secret: str, login: str, issuer: str) -> str:
    """What the picture says to an authenticator."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=login, issuer_name=issuer)


def taken(secret: str, typed: str, now: datetime, last: int | None) -> int | None:
    """The half-minute whose code this is, if it is near enough and later than the `last` that was taken."""
    code = re.sub(r"\s", "", unicodedata.normalize("NFKC", typed))
    if not re.fullmatch(r"[0-9]{6}", code):
        return None
    present = int(now.timestamp()) // STEP
    totp = pyotp.TOTP(secret, interval=STEP)
    for counter in range(present - APART, present + APART + 1):
        if (last is None or counter > last) and hmac.compare_digest(totp.generate_otp(counter), code):
            return counter
    return None


def recovery_codes() -> list[str]:
    """To be shown once and kept on paper; each works once."""
    return ["-".join(_group() for _ in range(GROUPS)) for _ in range(CODES)]


def _group() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LONG))


def hashes(codes: Sequence[str]) -> list[str]:
    return [_hash(code) for code in codes]


def without(kept: Sequence[str], typed: str) -> list[str] | None:
    """The hashes that are left when this code has been used; None if it is none of them."""
    found = _hash(typed)
    return [one for one in kept if one != found] if found in kept else None


def _hash(typed: str) -> str:
    letters = re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKC", typed).lower())
    return hashlib.sha256(letters.encode()).hexdigest()
