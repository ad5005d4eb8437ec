"""Tables of the escalations room. Visible to the staff of the house, and to whoever was alerted."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, UniqueConstraint, false, text
from sqlmodel import Column, Field

from app.db import Encrypted, EncryptedJSON, Numbers, Record, UTCDateTime, due_index, words
from app.due import DueRow
from app.escalations.states import Level, Outcome, State


class CaseRow(DueRow, table=True):
    """One episode of one person; `previous_id` is the one before it.

    `next_action_at` is when it acts next, `due_at` when a worker looks at it (later while somebody is at work on
    it). The database itself refuses a case that is not resolved and does not act next. A `code` may come back once
    its case has been over for a week: among those that are open there is one of each. `level_since`: since when it
    is as urgent as it is, where that is not since it was opened.
    """

    __tablename__ = "cases"
    __table_args__ = (
        due_index("cases"),
        Index(
            "uq_cases_open",
            "person_id",
            unique=True,
            sqlite_where=text("state <> 'resolved'"),
            postgresql_where=text("state <> 'resolved'"),
        ),
        Index(
            "uq_cases_open_code",
            "code",
            unique=True,
            sqlite_where=text("state <> 'resolved'"),
            postgresql_where=text("state <> 'resolved'"),
        ),
        CheckConstraint(
            "state = 'resolved' OR next_action_at IS NOT NULL AND due_at IS NOT NULL", name="open_has_next_action"
        ),
        CheckConstraint("state <> 'resolved' OR outcome IS NOT NULL", name="resolved_has_outcome"),
    )
    code: str = Field(max_length=8, index=True)
    drill: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    previous_id: int | None = Field(default=None, foreign_key="cases.id")
    programme_id: int = Field(foreign_key="programme.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    category: str = Field(max_length=20)
    level: Level = Field(sa_column=Column(Numbers(Level), nullable=False))
    state: State = Field(default=State.OPEN, sa_type=words(State))
    step: int = 0
    rounds: int = 0
    owner_id: int | None = Field(default=None, foreign_key="person.id")
    offered_to_id: int | None = Field(default=None, foreign_key="person.id")
    reminded: int = 0
    version: int = 1
    next_action_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ladder: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    opened_at: datetime = Field(sa_type=UTCDateTime)
    level_since: datetime | None = Field(default=None, sa_type=UTCDateTime)
    outcome: Outcome | None = Field(default=None, sa_type=words(Outcome))
    grade: int | None = None
    next_contact: date | None = None
    resolved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Flag(Record, table=True):
    """Why: one reading that asked for a person, with the rule, its version and the words it read.

    `model` names the statistical layer that had a say, "" where none had.

    `start` and `end` are the slice of `said` that the rule read, in characters; `weighed` names what besides the words
    of the rule made it more or less urgent, one word each: before (it stood in several messages), past, fiction, mood,
    yellows, worried.
    """

    __table_args__ = (
        Index("ix_flag_person_lately", "person_id", "at"),
        Index("ix_flag_house_lately", "house_id", "at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    person_id: int = Field(foreign_key="person.id")
    house_id: int = Field(foreign_key="house.id")
    level: Level = Field(sa_column=Column(Numbers(Level), nullable=False))
    category: str = Field(max_length=20)
    rule: str = Field(max_length=60)
    rules_version: str = Field(max_length=24)
    model: str = Field(default="", max_length=16, sa_column_kwargs={"server_default": ""})
    said: str | None = Field(default=None, sa_type=Encrypted)
    start: int | None = None
    end: int | None = None
    weighed: str = Field(default="", max_length=60, sa_column_kwargs={"server_default": ""})
    at: datetime = Field(sa_type=UTCDateTime)


class Via(StrEnum):
    """The way by which a person did something to a case."""

    CHAT = "chat"
    WECOM = "wecom"
    PAGE = "page"
    CONSOLE = "console"
    API = "api"


class CaseEvent(Record, table=True):
    """What happened to a case, in order. Append-only; the case can be computed from it."""

    __tablename__ = "case_event"
    __table_args__ = (UniqueConstraint("case_id", "seq"),)
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    seq: int
    at: datetime = Field(sa_type=UTCDateTime)
    kind: str = Field(max_length=24)
    actor_id: int | None = Field(default=None, foreign_key="person.id")
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=EncryptedJSON)


class Referral(Record, table=True):
    """Somebody was referred to more help: with which grade of danger, where to, and when to look again."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    grade: int
    whereto: str = Field(sa_type=Encrypted)
    by_id: int = Field(foreign_key="person.id")
    at: datetime = Field(sa_type=UTCDateTime)


class FollowUp(DueRow, table=True):
    """The contact that was agreed on when a case was closed; asked for each morning from then on until it is made."""

    __tablename__ = "follow_up"
    __table_args__ = (due_index("follow_up"),)
    case_id: int = Field(foreign_key="cases.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    owner_id: int = Field(foreign_key="person.id", index=True)
    on: date
    reminded: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    done_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class DrillPlan(DueRow, table=True):
    """When a house practises by itself: each month on the `nth` such weekday (-1: the last), by its own wall clock.

    `planned_at` is the moment that it is armed for; `due_at` is later than that while somebody is at work on it.
    """

    __tablename__ = "drill_plan"
    __table_args__ = (due_index("drill_plan"),)
    house_id: int = Field(foreign_key="house.id", unique=True)
    nth: int
    weekday: int
    at: str
    planned_at: datetime = Field(sa_type=UTCDateTime)


class LadderRow(Record, table=True):
    """The ladder of a programme for one level, as data; a case keeps the copy it was opened with.

    `made_by`: who wrote it in the console; None is the programme's file.
    """

    __tablename__ = "ladder"
    __table_args__ = (UniqueConstraint("programme_id", "level"),)
    id: int | None = Field(default=None, primary_key=True)
    programme_id: int = Field(foreign_key="programme.id", index=True)
    level: Level = Field(sa_column=Column(Numbers(Level), nullable=False))
    plan: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    made_by: int | None = Field(default=None, foreign_key="person.id")
    made_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class LadderChange(Record, table=True):
    """Who wrote a ladder of a programme anew, when, and what it was before. Append-only."""

    __tablename__ = "ladder_change"
    id: int | None = Field(default=None, primary_key=True)
    programme_id: int = Field(foreign_key="programme.id", index=True)
    level: Level = Field(sa_column=Column(Numbers(Level), nullable=False))
    at: datetime = Field(sa_type=UTCDateTime)
    by_id: int = Field(foreign_key="person.id")
    before: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    after: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
