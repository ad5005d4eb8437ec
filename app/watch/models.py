"""The table of the watch: which processes are alive."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from app.db import Record, UTCDateTime, words


class Role(StrEnum):
    """What a process is there for: the door, or what happens when time passes. One alone is both."""

    WEB = "web"
    WORKER = "worker"


class Heartbeat(Record, table=True):
    """One process in one role; the name is made up when it starts and says nothing about the machine."""

    name: str = Field(primary_key=True, max_length=24)
    role: Role = Field(sa_type=words(Role))
    at: datetime = Field(sa_type=UTCDateTime)
