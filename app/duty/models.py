"""Tables of the duty room. Visible to the staff of the house; what only one of them does, to that one."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Index, UniqueConstraint, false, text
from sqlmodel import Field

from app.db import Record, UTCDateTime, due_index, words
from app.due import DueRow


class Duty(Record, table=True):
    """Wall-clock hours in which somebody is there at a house, each week (Monday is 0).

    `on_holidays`: the line does not ask the calendar; it holds on its own weekday, whatever day that is.
    """

    __table_args__ = (UniqueConstraint("person_id", "house_id", "weekday"),)
    id: int | None = Field(default=None, primary_key=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    weekday: int
    starts: str
    ends: str
    on_holidays: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class HoursKept(Record, table=True):
    """Somebody's weekly hours at a house are kept by whoever leads: a programme's file no longer changes them."""

    __tablename__ = "hours_kept"
    __table_args__ = (UniqueConstraint("person_id", "house_id"),)
    id: int | None = Field(default=None, primary_key=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    by_id: int = Field(foreign_key="person.id")
    at: datetime = Field(sa_type=UTCDateTime)


class Rotation(Record, table=True):
    """Hours that several people take in turn: the first from `anchor` on, each for `turn_days` days.

    `hours` holds [weekday, starts, ends, on_holidays] for each day; `people` the numbers of the persons, in order.
    """

    __table_args__ = (UniqueConstraint("house_id", "code"), CheckConstraint("turn_days > 0", name="turn_days"))
    id: int | None = Field(default=None, primary_key=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    code: str = Field(max_length=40)
    hours: list[list[Any]] = Field(sa_column=Column(JSON, nullable=False))
    people: list[int] = Field(sa_column=Column(JSON, nullable=False))
    anchor: date
    turn_days: int


class DayKind(StrEnum):
    OFF = "off"
    WORKING = "working"


class CalendarDay(Record, table=True):
    """A date about which the programme, or one house, says itself whether it is worked.

    `hours_of`: the weekday whose hours hold on a working day. `made_by`: who said so; None is the programme's file.
    """

    __tablename__ = "calendar_day"
    __table_args__ = (
        Index(
            "uq_calendar_day_programme", "programme_id", "day", unique=True,
            sqlite_where=text("house_id IS NULL"), postgresql_where=text("house_id IS NULL"),
        ),
        Index(
            "uq_calendar_day_house", "house_id", "day", unique=True,
            sqlite_where=text("house_id IS NOT NULL"), postgresql_where=text("house_id IS NOT NULL"),
        ),
    )  # fmt: skip
    id: int | None = Field(default=None, primary_key=True)
    programme_id: int = Field(foreign_key="programme.id", index=True)
    house_id: int | None = Field(default=None, foreign_key="house.id")
    day: date
    kind: DayKind = Field(sa_type=words(DayKind))
    hours_of: int | None = None
    made_by: int | None = Field(default=None, foreign_key="person.id")


class ChangeKind(StrEnum):
    THERE = "there"
    AWAY = "away"
    INSTEAD = "instead"


class ChangeState(StrEnum):
    PROPOSED = "proposed"
    AGREED = "agreed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Change(Record, table=True):
    """From one moment to another, somebody is there besides (`there`), is not (`away`), or stands in for
    `instead_of` in the hours that this one would have (`instead`).

    Only what is agreed changes anything. `swap_id`: the first row of the swap that this one belongs to.
    """

    __tablename__ = "duty_change"
    __table_args__ = (
        Index("ix_duty_change_house_ends", "house_id", "ends_at"),
        CheckConstraint("starts_at < ends_at", name="lasts"),
        CheckConstraint("(kind = 'instead') = (instead_of_id IS NOT NULL)", name="instead_of_somebody"),
    )
    id: int | None = Field(default=None, primary_key=True)
    house_id: int = Field(foreign_key="house.id")
    kind: ChangeKind = Field(sa_type=words(ChangeKind))
    person_id: int = Field(foreign_key="person.id", index=True)
    instead_of_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    starts_at: datetime = Field(sa_type=UTCDateTime)
    ends_at: datetime = Field(sa_type=UTCDateTime)
    state: ChangeState = Field(sa_type=words(ChangeState))
    swap_id: int | None = Field(default=None, foreign_key="duty_change.id", index=True)
    made_by: int = Field(foreign_key="person.id")
    made_at: datetime = Field(sa_type=UTCDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Edit(StrEnum):
    PUT_ON = "put_on"
    TAKEN_OFF = "taken_off"
    UNDONE = "undone"
    SWAPPED = "swapped"
    LINE_ADDED = "line_added"
    LINE_REMOVED = "line_removed"
    FILE_AGAIN = "file_again"
    DAY_NOTED = "day_noted"
    DAY_FORGOTTEN = "day_forgotten"


class RotaEdit(Record, table=True):
    """Who changed the rota of a house, when, and what became different by it. Append-only.

    `detail` says what was changed: `person`, and what belongs to the kind (`starts` and `ends` as moments or as the
    clock on the wall, `weekday`, `day`, `kind`, `hours_of`, `change`). `effect` holds what is different in the plan
    of the days that were looked at, as lists of [person, from, until] (`more`, `less`) and of [from, until] (`alone`:
    nobody is there any more). Moments are ISO 8601 in UTC.
    """

    __tablename__ = "rota_edit"
    __table_args__ = (Index("ix_rota_edit_house_at", "house_id", "at"),)
    id: int | None = Field(default=None, primary_key=True)
    house_id: int = Field(foreign_key="house.id")
    at: datetime = Field(sa_type=UTCDateTime)
    by_id: int = Field(foreign_key="person.id")
    what: Edit = Field(sa_type=words(Edit))
    detail: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    effect: dict[str, list[list[Any]]] = Field(sa_column=Column(JSON, nullable=False))


class DutyWatch(DueRow, table=True):
    """Who was on duty at a house when somebody last looked; due when that may have changed."""

    __tablename__ = "duty_watch"
    __table_args__ = (due_index("duty_watch"),)
    house_id: int = Field(foreign_key="house.id", unique=True)
    there: list[int] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
