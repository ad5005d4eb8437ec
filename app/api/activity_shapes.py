"""What goes in and comes out about activities, members, the rota and the figures of a month."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.activities.machine import Answer
from app.activities.models import State
from app.api.problems import Colleague
from app.reports.report import Report

ACTIVITY: dict[str, Any] = {
    "number": 12, "house": "duantang", "title": "手工课", "starts_at": "2026-11-25T06:00:00Z",
    "ends_at": "2026-11-25T08:00:00Z", "venue": "段塘街道活动室", "state": "scheduled", "going": 9, "present": 0,
    "people": [{"code": "xiaohe", "called": "小河", "answer": "going", "present": False, "marked_as": None}],
}  # fmt: skip
MEMBER: dict[str, Any] = {
    "number": 7,
    "code": "xiaohe",
    "house": "duantang",
    "joined_at": "2026-11-23T01:00:00Z",
    "called": "小河",
}
SHIFT: dict[str, Any] = {
    "who": {"code": "wangle", "name": "王乐"}, "starts_at": "2026-11-23T00:30:00Z", "ends_at": "2026-11-23T09:00:00Z"
}  # fmt: skip


class Guest(BaseModel):
    """Somebody who was asked, or came."""

    code: str
    called: str
    answer: Answer | None = Field(description="null: nothing yet")
    present: bool
    marked_as: str | None = Field(description="how we know that they are there: code, scan, staff, api, …")


class ActivityOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": ACTIVITY})
    number: int
    house: str = Field(description="the code of the house")
    title: str
    starts_at: datetime
    ends_at: datetime
    venue: str
    state: State
    going: int
    present: int
    people: list[Guest] | None = Field(default=None, description="with `read`, of a single activity")


class ActivitiesOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"example": {"activities": [ACTIVITY | {"people": None}], "next": None}}
    )
    activities: list[ActivityOut] = Field(description="the earliest first")
    next: str | None = Field(description="there are more: send it as `after`")


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ActivitiesAsked(_Query):
    """Which activities."""

    first: date | None = Field(default=None, alias="from", description="from this day on; today unless you say so")
    until: date | None = Field(default=None, description="before this day; eight weeks after `from` unless you say so")
    limit: int = Field(default=50, ge=1, le=100, description="at most so many")
    after: Annotated[str, Field(pattern=r"^[0-9]{1,11}\.[0-9]{1,9}$")] | None = Field(
        default=None, description="`next` of the page before"
    )


class Arrived(BaseModel):
    """Who is there."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"person": "xiaohe"}})
    person: str = Field(max_length=40, description="the code of a member")


class ArrivedOut(BaseModel):
    """`walk_in`: they had not said that they would come."""

    model_config = ConfigDict(json_schema_extra={"example": {"present": True, "again": False, "walk_in": False}})
    present: bool
    again: bool = Field(description="they were marked before; nothing was changed")
    walk_in: bool


class MemberOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": MEMBER})
    number: int
    code: str
    house: str
    joined_at: datetime | None = Field(description="null: in the register, and not in WeChat yet")
    called: str


class MembersOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"people": [MEMBER], "next": None}})
    people: list[MemberOut]
    next: int | None = Field(description="there are more: send it as `after`")


class MembersAsked(_Query):
    """Which part of the list."""

    limit: int = Field(default=50, ge=1, le=100, description="at most so many")
    after: int = Field(default=0, ge=0, lt=2**31, description="`next` of the page before")


class ShiftOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": SHIFT})
    who: Colleague
    starts_at: datetime
    ends_at: datetime


class DutyOut(BaseModel):
    """Of one house: whoever is there, with every change that was agreed on and every holiday."""

    model_config = ConfigDict(json_schema_extra={"example": {"house": "duantang", "shifts": [SHIFT]}})
    house: str
    shifts: list[ShiftOut]


class DutiesOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"example": {"houses": [{"house": "duantang", "shifts": [SHIFT]}], "next": None}}
    )
    houses: list[DutyOut]
    next: int | None = Field(description="there are more houses: send it as `after`")


class DutyAsked(_Query):
    """How far ahead, and of which houses."""

    days: int = Field(default=14, ge=1, le=35)
    limit: int = Field(default=20, ge=1, le=50, description="at most so many houses")
    after: int = Field(default=0, ge=0, lt=2**31, description="`next` of the page before")


class FiguresAsked(_Query):
    """Of which house, and for whom."""

    house: str | None = Field(default=None, max_length=40, description="the code of a house; all of yours if not given")
    shared: bool = Field(default=False, description='to be shown to others: "<5" for what is fewer than five people')


class ColumnOut(BaseModel):
    key: str
    name: str


class LineOut(BaseModel):
    """`cells` in the order of the columns: a number, or what is printed instead of one."""

    key: str
    cells: list[int | str]


class GridOut(BaseModel):
    key: str
    title: str
    columns: list[ColumnOut]
    rows: list[LineOut]


class FiguresOut(BaseModel):
    """The report of a month, cell for cell as the page and the sheet have it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "month": "2026-11", "title": "段塘生活小站 2026 年 11 月报", "shared": True,
                "head": ["单位：段塘生活小站"], "notes": ["“<5”：1 到 4 个人的数，次数也按人数看。"],
                "grids": [
                    {
                        "key": "activities", "title": "二、活动",
                        "columns": [{"key": "name", "name": "项目"}, {"key": "people", "name": "人数"}],
                        "rows": [
                            {"key": "attended", "cells": ["到场", 9]}, {"key": "walk_in", "cells": ["没报名来的", "<5"]}
                        ],
                    }
                ],
            }
        }
    )  # fmt: skip
    month: str
    title: str
    shared: bool
    head: list[str]
    grids: list[GridOut]
    notes: list[str]

    @classmethod
    def of(cls, report: Report) -> "FiguresOut":
        grids = [
            GridOut(
                key=grid.key, title=grid.title, columns=[ColumnOut(key=c.key, name=c.name) for c in grid.columns],
                rows=[LineOut(key=row.key, cells=list(row.cells)) for row in grid.rows],
            )
            for grid in report.grids
        ]  # fmt: skip
        return cls(
            month=report.month, title=report.title, shared=report.shared, head=list(report.head), grids=grids,
            notes=list(report.notes),
        )  # fmt: skip
