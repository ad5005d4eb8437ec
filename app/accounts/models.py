"""Tables of the accounts room. Like a contact, an account is found through its person."""

from datetime import datetime

from sqlmodel import Field

from app.db import Record, UTCDateTime


class Account(Record, table=True):
    """With what a member of staff signs in. `login` is kept in lower case; `password` is its argon2 hash."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", unique=True)
    login: str = Field(max_length=60, unique=True)
    password: str | None = None
    made_at: datetime = Field(sa_type=UTCDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


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
