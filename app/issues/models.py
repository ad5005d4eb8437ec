"""The table of the issues room. Visible to whoever may see the houses that a report is about."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.db import EncryptedJSON, Record, UTCDateTime


class ReportIssue(Record, table=True):
    """One time that a monthly report was given out, and what it said. Append-only.

    `cut`: which report it is, of the many that there are of a month; two of the same cut can be compared. `numbers`:
    each cell as it was printed. `digest` is theirs; `changed`: how many were others than when it was last given out.
    """

    __tablename__ = "report_issue"
    __table_args__ = (Index("ix_report_issue_cut", "programme_id", "month", "cut", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    programme_id: int = Field(foreign_key="programme.id")
    house_id: int | None = Field(default=None, foreign_key="house.id", index=True)
    month: str = Field(max_length=7)
    cut: str = Field(max_length=64)
    by_id: int | None = Field(default=None, foreign_key="person.id")
    at: datetime = Field(sa_type=UTCDateTime)
    digest: str = Field(max_length=64)
    changed: int = 0
    numbers: dict[str, Any] = Field(sa_type=EncryptedJSON)
