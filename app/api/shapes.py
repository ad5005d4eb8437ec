"""What goes in and comes out. Words and the names of members only with a token that may read."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.problems import Colleague
from app.escalations.states import Outcome, State
from app.marks.models import MarkKind, Urgency, Why

OutcomeIn = Literal["called", "met", "family", "referred", "unreached", "false_alarm"]
LARGEST = 2**31 - 1  # that a column of whole numbers holds
LevelOut = Literal["yellow", "orange", "red"]


class Words(BaseModel):
    """One message that asked for a person."""

    at: datetime
    said: str


class Member(BaseModel):
    """Whom a case is about."""

    called: str
    phone: str | None = Field(default=None, description="only of a single case")


class Case(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "code": "A-0001", "level": "red", "state": "open", "house": "duantang", "drill": False,
                "opened_at": "2026-11-23T01:00:00Z", "next_action_at": "2026-11-23T01:10:00Z", "owner": None,
                "offered_to": None, "yours": False, "outcome": None, "grade": None, "next_contact": None, "seq": 3,
                "member": None, "words": None,
            }
        }
    )  # fmt: skip
    code: str
    level: LevelOut
    state: State
    house: str = Field(description="the code of the house")
    drill: bool = Field(description="practised: nobody is in danger")
    opened_at: datetime
    next_action_at: datetime | None = Field(description="when the house acts next by itself, if nobody does")
    owner: Colleague | None
    offered_to: Colleague | None
    yours: bool
    outcome: Outcome | None
    grade: int | None = Field(description="how dangerous it was, 0 to 5")
    next_contact: date | None
    seq: int = Field(description="the newest entry of its log: send it with what a button does")
    member: Member | None = Field(default=None, description="with `read`")
    words: list[Words] | None = Field(default=None, description="with `read`, of a single case; reading is logged")


class Cases(BaseModel):
    cases: list[Case] = Field(
        description="yours, and those that wait in your houses or are offered to you; the most urgent first"
    )
    next: str | None = Field(description="there are more: send it as `after`")


class Page(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(default=50, ge=1, le=100, description="at most so many")
    after: Annotated[str, Field(pattern=r"^[1-3]\.[01]\.[0-9]{1,9}$")] | None = Field(
        default=None, description="`next` of the page before"
    )


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


Seq = Annotated[
    int | None,
    Field(
        default=None, ge=0, le=LARGEST, description="as it was when the button was shown; an older one changes nothing"
    ),
]


class Button(_In):
    """A button: what it was shown with."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"seq": 3}})
    seq: Seq


class Offer(_In):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"to": "lihong"}})
    to: str = Field(max_length=40, description="the code of a colleague")


class Close(_In):
    """How it ended. `unreached` is no ending; it and `false_alarm` need nothing else."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"outcome": "called", "grade": 1, "next_contact": "2026-11-26"}}
    )
    outcome: OutcomeIn
    next_contact: date | None = Field(
        default=None, description="at most 100 days ahead; within 14 days where `grade` is 3 or more"
    )
    grade: int | None = Field(default=None, ge=0, le=5, description="how dangerous it was; not for yellow")
    whereto: str = Field(default="", max_length=60, description="where to; where `grade` is 3 or more, or `referred`")
    seq: Seq


class MarkIn(_In):
    """What the newest words of a case were: `none` is a false alarm; anything else is real, and as urgent as that."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"level": "none", "why": "joke"}})
    level: Urgency
    why: Why | None = Field(default=None, description="of a false alarm: why it was one")


class Marked(BaseModel):
    """What is kept now; the last one who says something is right."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "false_alarm", "level": "none", "why": "joke", "screen_level": "red", "rule": "suicide.wish",
                "rules_version": "2026.11.2+ab12cd34", "model": "0123456789ab",
            }
        }
    )  # fmt: skip
    kind: MarkKind
    level: Urgency
    why: Why | None
    screen_level: Urgency = Field(description="what screening said")
    rule: str
    rules_version: str
    model: str


class MissedIn(_In):
    """Words that somebody wrote and that nobody was called for."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"said": "我把猫送给隔壁了", "level": "orange"}}
    )  # fmt: skip
    said: str = Field(min_length=2, max_length=1000, description="as they wrote it")
    level: Literal["yellow", "orange", "red"] = "orange"


class MissedOut(BaseModel):
    """`people` of your houses wrote exactly this in the last seven days; `cases` are open because of it, or already."""

    model_config = ConfigDict(json_schema_extra={"example": {"people": 1, "cases": ["A-0007"], "opened": True}})
    people: int
    cases: list[str]
    opened: bool
