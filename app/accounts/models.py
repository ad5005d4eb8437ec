"""Tables of the accounts room. Like a contact, an account is found through its person."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Column
from sqlmodel import Field

from app.db import Encrypted, Record, UTCDateTime, words


class Account(Record, table=True):
    """With what a member of staff signs in. `login` is kept in lower case; `password` is its argon2 hash.

    `totp` is the secret of the second factor, `totp_counter` the last half-minute whose code was taken, `recovery` the
    hashes of the codes that stand in for it. `failed`: attempts since the last that succeeded. `oidc_subject`: who
    they are to the identity provider of their organisation.
    """

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", unique=True)
    login: str = Field(max_length=60, unique=True)
    password: str | None = None
    made_at: datetime = Field(sa_type=UTCDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    totp: str | None = Field(default=None, sa_type=Encrypted)
    totp_counter: int | None = None
    recovery: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]"))
    failed: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    wait_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    oidc_subject: str | None = Field(default=None, max_length=255, unique=True)


class SignIn(Record, table=True):
    """A browser that is signed in. The key itself is known only to that browser."""

    __tablename__ = "sign_in"
    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    hash: str = Field(max_length=64, unique=True)
    made_at: datetime = Field(sa_type=UTCDateTime)
    seen_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Invitation(Record, table=True):
    """A link with which somebody chooses a password, once. Only whoever was given it knows it."""

    __tablename__ = "account_invitation"
    id: int | None = Field(default=None, primary_key=True)
    hash: str = Field(max_length=64, unique=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    made_by: int | None = Field(default=None, foreign_key="person.id")
    made_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Event(StrEnum):
    INVITED = "invited"
    JOINED = "joined"  # chose a password by an invitation
    SIGNED_IN = "signed_in"
    REFUSED = "refused"  # a wrong password or code
    SIGNED_OUT = "signed_out"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - what happened, not a password
    SECOND_ON = "second_on"
    SECOND_OFF = "second_off"
    CODES_MADE = "codes_made"
    CODE_USED = "code_used"  # one of those that stand in for the second factor
    DISABLED = "disabled"
    ENABLED = "enabled"
    RESET = "reset"  # password and second factor taken away, for a new beginning
    BOUND = "bound"  # to an identity provider


class AccountEvent(Record, table=True):
    """What was done with somebody's account, and by whom where it was not they. Append-only."""

    __tablename__ = "account_event"
    id: int | None = Field(default=None, primary_key=True)
    account_id: int | None = Field(default=None, foreign_key="account.id")
    person_id: int = Field(foreign_key="person.id", index=True)
    kind: Event = Field(sa_type=words(Event))
    by_id: int | None = Field(default=None, foreign_key="person.id")
    at: datetime = Field(sa_type=UTCDateTime)
