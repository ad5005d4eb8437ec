"""Tables of the mood room. Visible to the member's own worker only."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from app.db import Encrypted, Record, UTCDateTime, due_index, words
from app.due import DueRow


class MoodPlan(DueRow, table=True):
    """When a member is asked next; wall-clock weekday and time in the house's zone."""

    __tablename__ = "mood_plan"
    __table_args__ = (due_index("mood_plan"),)
    person_id: int = Field(foreign_key="person.id", unique=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    weekday: int
    at: str


class PromptState(StrEnum):
    ASKED = "asked"
    ANSWERED = "answered"
    LATE = "late"
    MISSING = "missing"


class MoodPrompt(Record, table=True):
    """One question and its answer. A missing answer is missing, with its reason; never a zero."""

    __tablename__ = "mood_prompt"
    __table_args__ = (CheckConstraint("score IS NULL OR score BETWEEN 1 AND 5", name="score"),)
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    asked_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    state: PromptState = Field(default=PromptState.ASKED, sa_type=words(PromptState))
    missing_because: str | None = Field(default=None, max_length=40)
    score: int | None = None
    note: str | None = Field(default=None, sa_type=Encrypted)
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
