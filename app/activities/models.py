"""Tables of the activities room: what happens, who was asked, what they said, who came."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from app.activities.machine import Absence, Answer
from app.db import Record, UTCDateTime, due_index, words
from app.due import DueRow


class Series(DueRow, table=True):
    """A recurring activity: wall-clock time in the house's zone. Due when more dates must be written out."""

    __table_args__ = (UniqueConstraint("house_id", "code"), due_index("series"))
    house_id: int = Field(foreign_key="house.id", index=True)
    code: str = Field(max_length=40)
    title: str = Field(max_length=40)
    rule: str
    starts_on: date
    at: str
    minutes: int
    venue: str


class State(StrEnum):
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


class Occurrence(Record, table=True):
    """One meeting. `version` counts the changes of time or place that people have to hear of.

    `closed_at`: since when its list counts as complete; who closed and reopened it when stands in `ListEvent`.
    """

    __table_args__ = (UniqueConstraint("house_id", "slot"),)
    id: int | None = Field(default=None, primary_key=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    series_id: int | None = Field(default=None, foreign_key="series.id", index=True)
    slot: str = Field(max_length=80)
    title: str = Field(max_length=40)
    starts_at: datetime = Field(sa_type=UTCDateTime, index=True)
    ends_at: datetime = Field(sa_type=UTCDateTime)
    venue: str
    version: int = 1
    state: State = Field(default=State.SCHEDULED, sa_type=words(State))
    door_code: str = Field(max_length=4)
    scene: str = Field(max_length=64, unique=True)
    closed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    closed_by: int | None = Field(default=None, foreign_key="person.id")


class ListEvent(Record, table=True):
    """A list was closed, or opened again. Append-only."""

    __tablename__ = "list_event"
    id: int | None = Field(default=None, primary_key=True)
    occurrence_id: int = Field(foreign_key="occurrence.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    closed: bool
    by_id: int = Field(foreign_key="person.id")
    at: datetime = Field(sa_type=UTCDateTime)


class Milestone(StrEnum):
    """What happens around an occurrence, in this order."""

    INVITE = "invite"
    REMIND_DAY = "remind_day"
    REMIND_HOURS = "remind_hours"
    MISSED = "missed"
    CLOSE = "close"


class Plan(DueRow, table=True):
    """One milestone of one occurrence, as a due row."""

    __table_args__ = (UniqueConstraint("occurrence_id", "milestone"), due_index("plan"))
    occurrence_id: int = Field(foreign_key="occurrence.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    milestone: Milestone = Field(sa_type=words(Milestone))
    planned_at: datetime = Field(sa_type=UTCDateTime)


class Rsvp(Record, table=True):
    """A member was asked to an occurrence; `answer` is None until they say something.

    `absence`: who said that they come and is not on the closed list; None until it is closed, and for all others.
    """

    __table_args__ = (UniqueConstraint("occurrence_id", "person_id"),)
    id: int | None = Field(default=None, primary_key=True)
    occurrence_id: int = Field(foreign_key="occurrence.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    answer: Answer | None = Field(default=None, sa_type=words(Answer))
    asked_version: int = 1
    changes: int = 0
    absence: Absence | None = Field(default=None, sa_type=words(Absence))
    asked_at: datetime = Field(sa_type=UTCDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Undone(StrEnum):
    """Why a mark was taken back."""

    WRONG_PERSON = "wrong_person"
    NOT_HERE = "not_here"
    OTHER = "other"


class Attendance(Record, table=True):
    """A person was there: how we know, and who says so. An undone mark stays, with its reason.

    Whoever is ticked again after that gets a mark of their own: only one counts at a time.
    """

    __table_args__ = (
        Index(
            "uq_attendance_live",
            "occurrence_id",
            "person_id",
            unique=True,
            sqlite_where=text("undone_at IS NULL"),
            postgresql_where=text("undone_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    occurrence_id: int = Field(foreign_key="occurrence.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    source: str = Field(max_length=20)
    marked_by: int = Field(foreign_key="person.id")
    at: datetime = Field(sa_type=UTCDateTime)
    first_time: bool = False
    walk_in: bool = False
    undone_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    undone_because: Undone | None = Field(default=None, sa_type=words(Undone))
    undone_by: int | None = Field(default=None, foreign_key="person.id")
