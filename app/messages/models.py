"""Tables of the messages room: what came in, what goes out, and whether it may."""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint, false, text
from sqlmodel import Column, Field

from app.db import Encrypted, EncryptedJSON, Numbers, Record, UTCDateTime, due_index, words
from app.due import DueRow


class Contact(Record, table=True):
    """One WeChat user of one account, and the window through which we may write to them.

    The row is also what serialises a person's messages: whoever handles one holds it, and while one is on its
    way out (`busy_with`, no longer than `busy_until`) no other is sent. `tag` is the tag that WeChat was last
    told, which decides the menu that this person sees. `talker_id` of the staff talks to this person until
    `talker_until`, and the robot is quiet that long.
    """

    __table_args__ = (UniqueConstraint("account", "openid"),)
    id: int | None = Field(default=None, primary_key=True)
    account: str = Field(max_length=64)
    openid: str = Field(max_length=64)
    person_id: int | None = Field(default=None, foreign_key="person.id", unique=True)
    following: bool = True
    unreachable_because: str | None = Field(default=None, max_length=40)
    window_opened_by: str | None = Field(default=None, max_length=12)
    window_left: int = 0
    window_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    busy_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    busy_with: int | None = None
    tag: str | None = Field(default=None, max_length=32)
    misunderstood: int = 0
    wrong_codes: int = 0
    wrong_codes_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    talker_id: int | None = Field(default=None, foreign_key="person.id")
    talker_until: datetime | None = Field(default=None, sa_type=UTCDateTime)


class InboxState(StrEnum):
    HANDLED = "handled"
    UNREAD = "unread"


class Inbox(Record, table=True):
    """One thing that WeChat delivered, and what we answered. The unique key makes it happen once."""

    __table_args__ = (
        UniqueConstraint("account", "openid", "key"),
        # The last ten minutes of one person, with each of their messages.
        Index("ix_inbox_person_lately", "person_id", "sent_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    account: str = Field(max_length=64)
    openid: str = Field(max_length=64)
    key: str = Field(max_length=120)
    kind: str = Field(max_length=32)
    content: str | None = Field(default=None, sa_type=Encrypted)
    person_id: int | None = Field(default=None, foreign_key="person.id")
    house_id: int | None = Field(default=None, foreign_key="house.id", index=True)
    sent_at: datetime = Field(sa_type=UTCDateTime)
    received_at: datetime = Field(sa_type=UTCDateTime)
    state: InboxState = Field(default=InboxState.HANDLED, sa_type=words(InboxState))
    reply: str | None = Field(default=None, sa_type=Encrypted)
    level: str = Field(default="none", max_length=10)


class Lane(IntEnum):
    URGENT = 0
    NORMAL = 1
    BROADCAST = 2


class OutboxState(StrEnum):
    QUEUED = "queued"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    CLEARED = "cleared"
    MUTED = "muted"


OPEN_STATES = (OutboxState.QUEUED, OutboxState.HELD, OutboxState.SENDING)


class Outbox(DueRow, table=True):
    """Something a person needs to hear; `key` says it once. What it says is composed when it is sent."""

    __table_args__ = (
        # One index a lane: whoever asks for what is urgent reads nothing of a broadcast of 100 000.
        due_index("outbox", "lane"),
        # What was being sent when a process died goes first: the platform remembers our ids for ten minutes only.
        Index(
            "ix_outbox_doubt",
            "lane",
            "due_at",
            sqlite_where=text("state = 'sending' AND due_at IS NOT NULL"),
            postgresql_where=text("state = 'sending' AND due_at IS NOT NULL"),
        ),
        Index(
            "ix_outbox_alerts",
            "subject_id",
            sqlite_where=text("kind = 'case_alert'"),
            postgresql_where=text("kind = 'case_alert'"),
        ),
        Index(
            "ix_outbox_unsolicited",
            "person_id",
            "finished_at",
            sqlite_where=text("unsolicited"),
            postgresql_where=text("unsolicited"),
        ),
        Index(
            "ix_outbox_receipt",
            "receipt",
            unique=True,
            sqlite_where=text("receipt IS NOT NULL"),
            postgresql_where=text("receipt IS NOT NULL"),
        ),
    )
    key: str = Field(max_length=120, unique=True)
    contact_id: int | None = Field(default=None, foreign_key="contact.id", index=True)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    house_id: int | None = Field(default=None, foreign_key="house.id", index=True)
    broadcast_id: int | None = Field(default=None, foreign_key="broadcast.id", index=True)
    unsolicited: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    kind: str = Field(max_length=32)
    subject_id: int | None = None
    params: dict[str, Any] = Field(default_factory=dict, sa_type=EncryptedJSON)
    lane: Lane = Field(default=Lane.NORMAL, sa_column=Column(Numbers(Lane), nullable=False))
    state: OutboxState = Field(default=OutboxState.QUEUED, sa_type=words(OutboxState))
    reason: str | None = Field(default=None, max_length=60)
    created_at: datetime = Field(sa_type=UTCDateTime)
    not_after: datetime | None = Field(default=None, sa_type=UTCDateTime)
    rungs_tried: str = Field(default="", max_length=120)
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    sending_by: str | None = Field(default=None, max_length=24)
    first_sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    receipt: str | None = Field(default=None, max_length=40)
    finished_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class EarlyReceipt(Record, table=True):
    """What WeChat said of a message before we had written down that it was sent."""

    receipt: str = Field(primary_key=True, max_length=40)
    status: str = Field(max_length=40)
    at: datetime = Field(sa_type=UTCDateTime)


class Attempt(Record, table=True):
    """One try at one rung and what came of it. Append-only."""

    id: int | None = Field(default=None, primary_key=True)
    outbox_id: int = Field(foreign_key="outbox.id", index=True)
    house_id: int | None = Field(default=None, foreign_key="house.id", index=True)
    rung: str = Field(max_length=24)
    at: datetime = Field(sa_type=UTCDateTime)
    result: str = Field(max_length=40)
    errcode: int | None = None


class QuestionState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    REPLACED = "replaced"


class Question(Record, table=True):
    """What a bare number means to this person just now. At most one is open."""

    __table_args__ = (
        Index(
            "uq_question_open",
            "contact_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    contact_id: int = Field(foreign_key="contact.id", index=True)
    house_id: int | None = Field(default=None, foreign_key="house.id", index=True)
    topic: str = Field(max_length=32)
    subject_id: int | None = None
    data: dict[str, Any] = Field(default_factory=dict, sa_type=EncryptedJSON)
    state: QuestionState = Field(default=QuestionState.OPEN, sa_type=words(QuestionState))
    asked_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)


class Token(Record, table=True):
    """The one access token of an account, shared by every process; while one renews it, the others wait."""

    account: str = Field(primary_key=True, max_length=64)
    renewing_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    value: str = Field(sa_type=Encrypted)
    expires_at: datetime = Field(sa_type=UTCDateTime)


class Subscription(Record, table=True):
    """How many one-time subscription notices of a template a person has still allowed (订阅通知).

    WeChat can not be asked for the balance: it is counted here, from what people tap and what we send.
    """

    __table_args__ = (UniqueConstraint("contact_id", "template_id"),)
    id: int | None = Field(default=None, primary_key=True)
    contact_id: int = Field(foreign_key="contact.id", index=True)
    template_id: str = Field(max_length=64)
    balance: int = 0
    refused_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class BroadcastState(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"


class Broadcast(Record, table=True):
    """One text to everybody of a house, or of a programme (`house_id` is None). Stopped at once, resumed later."""

    id: int | None = Field(default=None, primary_key=True)
    programme_id: int = Field(foreign_key="programme.id", index=True)
    house_id: int | None = Field(default=None, foreign_key="house.id", index=True)
    said: str = Field(sa_type=Encrypted)
    state: BroadcastState = Field(default=BroadcastState.RUNNING, sa_type=words(BroadcastState))
    created_at: datetime = Field(sa_type=UTCDateTime)
    not_after: datetime = Field(sa_type=UTCDateTime)


class Channel(Record, table=True):
    """One way out of the house: whether it is set up here, and until when it is closed, for every process."""

    name: str = Field(primary_key=True, max_length=24)
    configured: bool = True
    closed_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    closed_because: str | None = Field(default=None, max_length=40)


class Alarm(Record, table=True):
    """Something that whoever runs the program must put right; raised once per `key`, which holds the hour."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=120, unique=True)
    channel: str = Field(max_length=40)
    what: str = Field(max_length=60)
    errcode: int | None = None
    detail: str | None = Field(default=None, max_length=64)
    at: datetime = Field(sa_type=UTCDateTime, index=True)
    told_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
