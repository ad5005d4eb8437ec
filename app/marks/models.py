"""Tables of the marks room. Marks are visible to the staff of the house; the books of rules bear nobody's words."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field

from app.db import Encrypted, Record, UTCDateTime, words
from app.escalations.models import Via


class Urgency(StrEnum):
    """How soon somebody should have looked: never, this week, today, now."""

    NONE = "none"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


class MarkKind(StrEnum):
    FALSE_ALARM = "false_alarm"
    MISSED = "missed"
    LEVEL = "level"  # real, and as urgent as the mark says


class Why(StrEnum):
    """Why it was a false alarm: a joke, somebody else's words, long ago, about others, another sense of a word."""

    JOKE = "joke"
    QUOTE = "quote"
    PAST = "past"
    OTHERS = "others"
    SENSE = "sense"
    ELSE = "else"


class Mark(Record, table=True):
    """A labelled message: what screening said of it, and what a person says it was; the last word counts.

    `screen_level`, `screen_category`, `rule`, `rules_version` and `model` are what screening said; of what was missed
    the versions are those that were in force when it was marked. `flag_id` or `inbox_id`: what it is about; neither
    where somebody wrote down words that we did not receive. `person_id`: who said it, as it was known then.
    """

    __tablename__ = "mark"
    __table_args__ = (UniqueConstraint("flag_id"), UniqueConstraint("inbox_id"))
    id: int | None = Field(default=None, primary_key=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    flag_id: int | None = Field(default=None, foreign_key="flag.id")
    inbox_id: int | None = Field(default=None, foreign_key="inbox.id")
    kind: MarkKind = Field(sa_type=words(MarkKind))
    said: str = Field(sa_type=Encrypted)
    speaker: str = Field(max_length=12)
    screen_level: Urgency = Field(sa_type=words(Urgency))
    screen_category: str = Field(max_length=20)
    rule: str = Field(default="", max_length=60)
    rules_version: str = Field(default="", max_length=24)
    model: str = Field(default="", max_length=16)
    level: Urgency = Field(sa_type=words(Urgency))
    category: str = Field(max_length=20)
    why: Why | None = Field(default=None, sa_type=words(Why))
    by_id: int = Field(foreign_key="person.id")
    via: Via = Field(sa_type=words(Via))
    at: datetime = Field(sa_type=UTCDateTime)


class RuleBook(Record, table=True):
    """One time that rules were put in force. Append-only: the newest row is in force, and nothing is ever changed.

    `source` is the text of the file; None: the rules that came with the program, whichever they are. `again_of` is
    the row that was put in force once more (0: what was in force before there was any row).
    """

    __tablename__ = "rule_book"
    id: int | None = Field(default=None, primary_key=True)
    source: str | None = Field(default=None, sa_type=Text)
    version: str = Field(default="", max_length=24)
    digest: str = Field(default="", max_length=64)
    by: str = Field(default="", max_length=40)
    note: str = Field(default="", max_length=200)
    again_of: int | None = None
    at: datetime = Field(sa_type=UTCDateTime)


class RuleDraft(Record, table=True):
    """A file of rules that somebody of the programme wants to try; sealed, as it may have people's words in it."""

    __tablename__ = "rule_draft"
    id: int | None = Field(default=None, primary_key=True)
    programme_id: int = Field(foreign_key="programme.id", index=True)
    by_id: int = Field(foreign_key="person.id")
    source: str = Field(sa_type=Encrypted)
    note: str = Field(default="", sa_type=Encrypted)
    at: datetime = Field(sa_type=UTCDateTime)
