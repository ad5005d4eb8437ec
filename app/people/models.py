"""Tables of the people room. Every row that bears a person carries the house that may see it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field

from app.db import Encrypted, Record, UTCDateTime, words


class Role(StrEnum):
    MEMBER = "member"
    FAMILY = "family"
    COUNSELLOR = "counsellor"
    WORKER = "worker"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    GUEST = "guest"

    @property
    def is_staff(self) -> bool:
        """Whether members and alerts come to them; whoever keeps the machine running sees nobody's words."""
        return self in (Role.COUNSELLOR, Role.WORKER, Role.SUPERVISOR)

    @property
    def signs_in(self) -> bool:
        return self.is_staff or self is Role.ADMINISTRATOR


class Reach(StrEnum):
    """How far somebody's eyes go: the houses they serve, those of the same districts, all of the programme."""

    HOUSE = "house"
    DISTRICT = "district"
    PROGRAMME = "programme"


class Topic(StrEnum):
    """What a person may agree to, and stop, one by one."""

    ACTIVITIES = "activities"
    MOOD = "mood"
    FAMILY = "family"


class Programme(Record, table=True):
    """`region`: whose numbers its people call; `lines`: its own, as `bot.lines` reads them, before those."""

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True, max_length=40)
    name: str
    zone: str = "Asia/Shanghai"
    locale: str = "zh-Hans"
    phone: str = ""
    region: str = Field(default="CN", max_length=8, sa_column_kwargs={"server_default": "CN"})
    lines: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )
    mood_weekday: int = 2
    mood_at: str = "16:30"
    invite_days: int = 3


class House(Record, table=True):
    __table_args__ = (UniqueConstraint("programme_id", "code"),)
    id: int | None = Field(default=None, primary_key=True)
    programme_id: int = Field(foreign_key="programme.id", index=True)
    code: str = Field(max_length=40)
    name: str
    zone: str = "Asia/Shanghai"
    venue: str = ""
    phone: str = ""
    district: str = Field(default="", max_length=40, sa_column_kwargs={"server_default": ""})


class Person(Record, table=True):
    """Somebody we know, from the register or because they joined. Visible to the staff of their house.

    `wecom` is the member's id in WeCom and `mail` an address: staff can be reached there as well. `reach`: how far
    they see, where it is not what their role has anyway.
    """

    __table_args__ = (UniqueConstraint("programme_id", "code"),)
    id: int | None = Field(default=None, primary_key=True)
    programme_id: int = Field(foreign_key="programme.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    code: str = Field(max_length=40)
    role: Role = Field(sa_type=words(Role))
    reach: Reach | None = Field(default=None, sa_type=words(Reach))
    name: str = Field(sa_type=Encrypted)
    called: str | None = Field(default=None, sa_type=Encrypted)
    phone: str | None = Field(default=None, sa_type=Encrypted)
    wecom: str | None = Field(default=None, max_length=64, index=True)
    mail: str | None = Field(default=None, sa_type=Encrypted)
    worker_id: int | None = Field(default=None, foreign_key="person.id")
    backup_id: int | None = Field(default=None, foreign_key="person.id")
    joined_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    stopped: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]"))

    @property
    def known_as(self) -> str:
        """The name this person chose to be called by; the registered one until then."""
        return self.called or self.name


class Posting(Record, table=True):
    """A member of staff serves a house, beyond the one they belong to."""

    __table_args__ = (UniqueConstraint("person_id", "house_id"),)
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)


class Consent(Record, table=True):
    """One answer to one question of consent. Append-only: the last one of a kind is in force."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    kind: str = Field(max_length=20)
    granted: bool
    wording: str = Field(max_length=40)
    at: datetime = Field(sa_type=UTCDateTime)


class Reason(StrEnum):
    """Why somebody looked at the page of a person. The first four need no choosing: the house knows them."""

    OWN = "own"
    BACKUP = "backup"
    CASE = "case"
    ACTIVITIES = "activities"
    DUTY = "duty"
    HANDOVER = "handover"
    SUPERVISION = "supervision"
    OTHER = "other"
    GLASS = "glass"


class PersonView(Record, table=True):
    """Somebody of the staff looked at a person. Append-only; `said` is what they wrote for a reason of their own.

    `glass_id`: the glass that was broken to get there.
    """

    __tablename__ = "person_view"
    __table_args__ = (Index("ix_person_view_lately", "person_id", "by_id", "at"),)
    id: int | None = Field(default=None, primary_key=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    person_id: int = Field(foreign_key="person.id")
    by_id: int = Field(foreign_key="person.id", index=True)
    at: datetime = Field(sa_type=UTCDateTime)
    reason: Reason = Field(sa_type=words(Reason))
    said: str | None = Field(default=None, sa_type=Encrypted)
    via: str = Field(max_length=12)
    glass_id: int | None = Field(default=None, foreign_key="glass_broken.id", index=True)


class GlassBroken(Record, table=True):
    """A worker opened, for an hour, somebody outside of their scope. A supervisor looks at it and clears it."""

    __tablename__ = "glass_broken"
    id: int | None = Field(default=None, primary_key=True)
    programme_id: int = Field(foreign_key="programme.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    by_id: int = Field(foreign_key="person.id", index=True)
    why: str = Field(sa_type=Encrypted)
    at: datetime = Field(sa_type=UTCDateTime)
    until: datetime = Field(sa_type=UTCDateTime)
    cleared_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    cleared_by: int | None = Field(default=None, foreign_key="person.id")


class PersonNote(Record, table=True):
    """What a worker wrote down about somebody. Append-only: a correction is a new note that names the old one."""

    __tablename__ = "person_note"
    id: int | None = Field(default=None, primary_key=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    by_id: int = Field(foreign_key="person.id")
    at: datetime = Field(sa_type=UTCDateTime)
    text: str = Field(sa_type=Encrypted)
    case_id: int | None = Field(default=None, foreign_key="cases.id", index=True)
    corrects_id: int | None = Field(default=None, foreign_key="person_note.id", index=True)


class TicketPurpose(StrEnum):
    JOIN = "join"
    FAMILY = "family"


class Ticket(Record, table=True):
    """A code that lets somebody in once: behind a personal QR code, or given by a member to a relative."""

    __table_args__ = (
        Index(
            "uq_ticket_live",
            "purpose",
            "secret",
            unique=True,
            sqlite_where=text("used_at IS NULL"),
            postgresql_where=text("used_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    purpose: TicketPurpose = Field(sa_type=words(TicketPurpose))
    secret: str = Field(max_length=64)
    pin: str | None = Field(default=None, max_length=8)
    wrong_pins: int = 0
    person_id: int = Field(foreign_key="person.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    issued_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class FamilyLink(Record, table=True):
    """A member lets a relative know time and place. Either side ends it with one word."""

    __table_args__ = (
        Index(
            "uq_family_link_live",
            "member_id",
            "relative_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    member_id: int = Field(foreign_key="person.id", index=True)
    relative_id: int = Field(foreign_key="person.id", index=True)
    started_at: datetime = Field(sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_by: int | None = Field(default=None, foreign_key="person.id")


class ApiToken(Record, table=True):
    """A key with which a program does what one member of staff may do, until it runs out or is taken back.

    The key itself is known only to whoever holds it. Like a contact, it is found through its person.
    """

    __tablename__ = "api_token"
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    hash: str = Field(max_length=64, unique=True)
    may: list[str] = Field(sa_column=Column(JSON, nullable=False))
    made_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
