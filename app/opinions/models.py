"""The table of the opinions room. It holds no text but the words that an opinion quoted."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from app.db import Encrypted, UTCDateTime, due_index, words
from app.due import DueRow


class Outcome(StrEnum):
    """What came of asking: a higher level; none; an answer that is none; no answer; or why nobody was asked.

    `settled`: a person has closed the case about those very words in the meantime.
    """

    RAISED = "raised"
    AGREED = "agreed"
    UNUSABLE = "unusable"
    FAILED = "failed"
    LATE = "late"
    LIMIT = "limit"
    SETTLED = "settled"
    OFF = "off"


class SecondOpinion(DueRow, table=True):
    """One message that somebody else is asked about; written with the message, asked after the commit.

    `read_as` and `said`: levels, 0 none to 3 red, of our own reading and of the answer. `calls`: how often its words
    left the house. `not_after`: from then on an answer is of no use any more. `version`: of the prompt, and the model.
    """

    __tablename__ = "second_opinion"
    __table_args__ = (due_index("second_opinion"),)
    inbox_id: int = Field(foreign_key="inbox.id", unique=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    house_id: int = Field(foreign_key="house.id", index=True)
    read_as: int
    made_at: datetime = Field(sa_type=UTCDateTime, index=True)
    not_after: datetime = Field(sa_type=UTCDateTime)
    calls: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    outcome: Outcome | None = Field(default=None, sa_type=words(Outcome))
    said: int | None = None
    category: str | None = Field(default=None, max_length=20)
    quote: str | None = Field(default=None, sa_type=Encrypted)
    version: str | None = Field(default=None, max_length=80)
