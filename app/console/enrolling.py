"""The picture with which an authenticator learns a secret, and the sealed word that brings the secret back to us."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import segno
from markupsafe import Markup

from app.accounts import second_factor
from app.accounts.models import Account
from app.accounts.signing import seal_of
from app.db import ident
from app.vault import Vault
from bot.wording import Wording

LASTS = timedelta(minutes=15)
PURPOSE = "enrol"


@dataclass(frozen=True)
class Enrolment:
    """`sealed`: goes into the form; `address`: for a phone that has the authenticator itself."""

    secret: str
    sealed: str
    address: str
    picture: Markup

    @property
    def spaced(self) -> str:
        """The secret as people type it."""
        return " ".join(self.secret[at : at + 4] for at in range(0, len(self.secret), 4))


def enrolment(vault: Vault, account: Account, words: Wording, now: datetime, secret: str = "") -> Enrolment:
    """`secret`: the one that they were shown before; otherwise a new one."""
    secret = secret or second_factor.new_secret()
    address = second_factor.address(secret, account.login, words.say("console_signin.issuer"))
    claims = {"account": ident(account), "seal": seal_of(account), "secret": secret}
    drawn = segno.make(address, error="m").svg_inline(
        border=2, svgclass=None, lineclass=None, omitsize=True, dark="#000"
    )
    # Drawn by segno from an address in which every character but plain letters and digits is percent-encoded.
    return Enrolment(secret, vault.link(PURPOSE, claims, now=now, lasts=LASTS), address, Markup(drawn))  # noqa: S704
