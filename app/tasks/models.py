"""What a person has to do, because the program cannot. Visible to the staff of the house."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from app.db import Encrypted, Record, UTCDateTime, words


class TaskKind(StrEnum):
    CALL = "call"
    READ = "read"
    TALK = "talk"
    CLEAR = "clear"


class Task(Record, table=True):
    """`key` makes it one task, however often the reason for it comes up; `subject_id` is what the reason is about."""

    id: int | None = Field(default=None, primary_key=True)
    programme_id: int | None = Field(default=None, foreign_key="programme.id", index=True)
    house_id: int | None = Field(default=None, foreign_key="house.id", index=True)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    assignee_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    kind: TaskKind = Field(sa_type=words(TaskKind))
    reason: str = Field(max_length=60)
    phone: str | None = Field(default=None, sa_type=Encrypted)
    note: str | None = Field(default=None, sa_type=Encrypted)
    subject_id: int | None = None
    key: str = Field(max_length=120, unique=True)
    created_at: datetime = Field(sa_type=UTCDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
