"""What may stand in a programme file. A field's description is what a person is asked to write there."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrulestr
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, PrivateAttr, model_validator

from app.duty.models import DayKind
from app.escalations.monthly import Monthly
from app.escalations.states import Level, Target
from app.loading.lines import Path, spell
from app.loading.sentences import nearest
from app.loading.weekly import (
    Shift,
    read_day,
    read_days,
    read_monthly,
    read_shifts,
    read_time,
    read_turn,
    weekly_rule,
)
from app.people.models import Reach, Role
from app.people.scope import WIDE
from bot.lines import WEEKDAYS, region_of_zone

RULE_PARTS = frozenset(
    "FREQ INTERVAL COUNT UNTIL BYDAY BYMONTHDAY BYMONTH BYSETPOS BYYEARDAY BYWEEKNO WKST".split()  # noqa: SIM905
)


def _text(value: Any) -> str:
    if value is None:
        raise ValueError("空着，请写上内容或删掉这一项")
    if not isinstance(value, str):
        raise ValueError("要写成一段文字")
    if any(ord(char) < 32 for char in value.strip()):
        raise ValueError("要写在一行里")
    if not value.strip():
        raise ValueError("空着，请写上内容或删掉这一项")
    return value.strip()


def _as(read: Callable[[str], Any]) -> PlainValidator:
    return PlainValidator(lambda value: read(_text(value)))


def _code(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", text):
        raise ValueError("要写代码：英文字母、数字、- 和 _，最多 40 个；不要写姓名")
    if text.startswith(("family-", "guest-")):
        raise ValueError("不能以 family- 或 guest- 开头（系统自己要用），请换一个")
    return text


def _phone(text: str) -> str:
    if not re.fullmatch(r"[0-9+()（） 转-]{3,30}", text) or not re.search(r"\d{3}", text):
        raise ValueError("要写成电话号码，比如 0574-00000000")
    return text


def _openid(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise ValueError("要写微信给的 openid（英文字母、数字、- 和 _）；不知道就删掉这一项，本人扫自己的码就能加入")
    return text


def _userid(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", text):
        raise ValueError("要写企业微信通讯录里的账号（英文字母、数字、_ . @ -）；没有企业微信就删掉这一项")
    return text


def _mail(text: str) -> str:
    if not re.fullmatch(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", text):
        raise ValueError("要写成邮箱地址，比如 wangle@example.org")
    return text


def _locale(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2}(-[A-Za-z]{2,4})?", text):
        raise ValueError("要写成 zh-Hans、zh-Hant 或 en")
    return text


def _language(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}", text):
        raise ValueError("要写语言的代码，比如 zh（普通话）、yue（粤语）、en（英语）")
    return text


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (LookupError, ValueError, OSError):
        near = nearest(text, available_timezones())
        raise ValueError(f"没有这个时区{near or '，中国请写 Asia/Shanghai'}") from None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else "")
    except ValueError:
        raise ValueError("要写成 2026-12-05 这样真有的日期") from None


def _yes(text: str) -> bool:
    if text.lower() in ("true", "yes", "是"):
        return True
    if text.lower() in ("false", "no", "否"):
        return False
    raise ValueError("只能写 true 或 false")


def _kind(text: str) -> DayKind:
    known = {"off": DayKind.OFF, "放假": DayKind.OFF, "working": DayKind.WORKING, "上班": DayKind.WORKING}
    if text not in known:
        raise ValueError("只能写 off（放假、关门）或 working（上班、补班）")
    return known[text]


def _whole(least: int, most: int) -> PlainValidator:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
            raise ValueError(f"要写 {least} 到 {most} 之间的整数")
        return int(text)

    return _as(read)


def _title(text: str) -> str:
    if len(text) > 40:
        raise ValueError("太长了，最多 40 个字")
    return text


def _rule(text: str) -> str:
    """An RFC 5545 rule that yields days, at least one, and does not go on for ever without yielding any."""
    rule = text.upper().removeprefix("RRULE:")
    parts = dict(part.partition("=")[::2] for part in rule.split(";"))
    if parts.keys() - RULE_PARTS or parts.get("FREQ") not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        raise ValueError("要写成 FREQ=MONTHLY;BYDAY=2TU,4TU 这样的 RRULE（时间写在 at 里）")
    if not re.fullmatch("[1-9][0-9]{0,2}", parts.get("INTERVAL", "1")):
        raise ValueError("INTERVAL 要写 1 到 999 的整数")
    try:
        days = rrulestr(rule, dtstart=datetime(2000, 1, 1))  # noqa: DTZ001 (wall-clock days)
    except ValueError as wrong:
        if "UNTIL" in str(wrong):
            raise ValueError("UNTIL 只写日期，比如 UNTIL=20271231") from None
        raise ValueError("这条 RRULE 读不懂，要写成 FREQ=MONTHLY;BYDAY=2TU,4TU 这样") from None
    if next(iter(days), None) is None:
        raise ValueError("这条 RRULE 排不出任何日子，请改一改")
    return rule


Text = Annotated[str, _as(str)]
Title = Annotated[str, _as(_title)]
Code = Annotated[str, _as(_code)]
Phone = Annotated[str, _as(_phone)]
Zone = Annotated[str, _as(_zone)]
At = Annotated[str, _as(read_time)]


class Entry(BaseModel):
    """One thing in the file; `path` says where it stands. It prints as that: names must not reach a log."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    _path: Path = PrivateAttr(default=())

    @property
    def path(self) -> Path:
        return self._path

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_not_written(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {spell(self._path)}>"

    __str__ = __repr__

    def standing_at(self, path: Path) -> Self:
        self._path = path
        return self


class Mood(Entry):
    weekday: Annotated[int, _as(read_day)] = Field(2, description="每周问心情的那一天，比如 周三")
    at: At = Field("16:30", description="每周问心情的时间，比如 16:30")


class Step(Entry):
    targets: list[Target] = Field(min_length=1, description="这一步找谁，比如 [assigned, duty]")
    after: Annotated[int, _whole(0, 10080)] = Field(description="比上一步晚几分钟")
    channels: list[Literal["wechat", "wecom", "sms", "mail"]] = Field(
        default_factory=list, description="先用哪些办法，比如 [sms, wechat]；不写就按系统的顺序"
    )


class Plan(Entry):
    steps: list[Step] = Field(min_length=1, description="求助阶梯的每一步")
    repeat_every: Annotated[int, _whole(1, 10080)] = Field(description="都找过以后，每隔几分钟再找一遍")
    loops: Annotated[int | None, _whole(0, 100)] = Field(None, description="最多再找几遍，不写就一直找")
    contact_within: Annotated[int, _whole(1, 10080)] = Field(description="接手以后几分钟内要联系到本人")


class Ladders(Entry):
    red: Plan | None = None
    orange: Plan | None = None
    yellow: Plan | None = None

    def plans(self) -> dict[Level, Plan]:
        written = {Level.RED: self.red, Level.ORANGE: self.orange, Level.YELLOW: self.yellow}
        return {level: plan for level, plan in written.items() if plan is not None}


class LineEntry(Entry):
    number: Phone = Field(description="求助电话的号码，比如 12356")
    use: Literal["talk", "danger"] = Field(description="什么时候打：talk（想说话）或 danger（有危险）")
    name: Title = ""
    languages: list[Annotated[str, _as(_language)]] = Field(default_factory=list)
    free: Annotated[bool, _as(_yes)] = False
    texts: Annotated[bool, _as(_yes)] = False
    day_and_night: Annotated[bool, _as(_yes)] = False
    hours: list[Annotated[tuple[Shift, ...], _as(read_shifts)]] = Field(default_factory=list)

    def as_stored(self) -> dict[str, Any]:
        """The line as `bot.lines` reads it: only what is written."""
        told = {name: getattr(self, name) for name in ("name", "languages", "free", "texts", "day_and_night")}
        hours = [
            {"weekdays": [WEEKDAYS[shift.weekday]], "opens": shift.starts, "closes": shift.ends,
             "on_holidays": shift.on_holidays}
            for shifts in self.hours for shift in shifts
        ]  # fmt: skip
        return {"number": self.number, "use": self.use, **{k: v for k, v in {**told, "hours": hours}.items() if v}}


class ProgrammeEntry(Entry):
    code: Code = Field(description="项目的代码（英文字母和数字）")
    name: Title = Field(description="项目的名称")
    zone: Zone = "Asia/Shanghai"
    locale: Annotated[str, _as(_locale)] = "zh-Hans"
    phone: Phone = ""
    region: Literal["CN", "NZ", "OTHER"] | None = None
    lines: list[LineEntry] = Field(default_factory=list)
    invite_days: Annotated[int, _whole(0, 60)] = 3
    mood: Mood = Mood()
    ladders: Ladders = Ladders()
    drill: Annotated[Monthly | None, _as(read_monthly)] = None

    @property
    def calls(self) -> str:
        """Whose numbers people call: the region that is written, or the one in which the time zone lies; or ""."""
        return self.region or region_of_zone(self.zone) or ""


class HouseEntry(Entry):
    code: Code = Field(description="小站的代码（英文字母和数字）")
    name: Title = Field(description="小站的名称")
    venue: Text = ""
    phone: Phone = ""
    zone: Zone = ""
    district: Title = ""


class StaffEntry(Entry):
    code: Code = Field(description="工作人员的代码（英文字母和数字）")
    name: Title = Field(description="工作人员的姓名")
    role: Literal[Role.WORKER, Role.SUPERVISOR, Role.COUNSELLOR, Role.ADMINISTRATOR] = Field(
        description="身份：worker（社工）、supervisor（督导）、counsellor（同伴辅导员）或 administrator（管系统的人）"
    )
    reach: Reach | None = None
    house: Code = Field(description="所在小站的 code")
    also: list[Code] = Field(default_factory=list, description="还负责的小站的 code，比如 [a, b]")
    phone: Phone = ""
    openid: Annotated[str, _as(_openid)] = ""
    wecom: Annotated[str, _as(_userid)] = ""
    mail: Annotated[str, _as(_mail)] = ""
    duty: list[Annotated[tuple[Shift, ...], _as(read_shifts)]] = Field(default_factory=list)

    @property
    def houses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.house, *self.also)))

    @property
    def sees_all(self) -> bool:
        return self.reach is Reach.PROGRAMME or (self.reach is None and self.role in WIDE)

    @property
    def answers(self) -> bool:
        """Whether this is somebody whom a person in danger may be left to."""
        return self.role in (Role.WORKER, Role.SUPERVISOR)


class MemberEntry(Entry):
    code: Code = Field(description="同伴的代码（英文字母和数字）")
    name: Title = Field(description="同伴的姓名")
    house: Code = Field(description="所在小站的 code")
    worker: Code = ""
    backup: Code = ""
    phone: Phone = ""

    @property
    def role(self) -> Role:
        return Role.MEMBER


class ActivityEntry(Entry):
    code: Code = Field(description="活动的代码（英文字母和数字）")
    house: Code = Field(description="小站的 code")
    title: Title = Field(description="活动的名称")
    every: Annotated[tuple[int, ...], _as(read_days)] = ()
    rule: Annotated[str, _as(_rule)] = ""
    starts_on: Annotated[date | None, _as(_date)] = None
    on: Annotated[date | None, _as(_date)] = None
    at: At = Field(description="开始的时间，比如 14:00")
    minutes: Annotated[int, _whole(1, 1440)] = Field(description="活动有几分钟，比如 90")
    venue: Text = ""
    cancelled: Annotated[bool, _as(_yes)] = False

    @property
    def recurrence(self) -> str:
        return self.rule or weekly_rule(self.every)

    @property
    def starts(self) -> time:
        return time.fromisoformat(self.at)


class RotaEntry(Entry):
    code: Code = Field(description="轮班的代码（英文字母和数字）")
    house: Code = Field(description="小站的 code")
    hours: list[Annotated[tuple[Shift, ...], _as(read_shifts)]] = Field(
        min_length=1, description="轮的是哪些时间，比如 每天 22:00-06:00"
    )
    people: list[Code] = Field(min_length=1, description="轮流的人的 code，按先后，比如 [a, b]")
    starts_on: Annotated[date, _as(_date)] = Field(description="第一个人从哪天开始，比如 2026-11-30")
    turn: Annotated[int, _as(read_turn)] = Field(7, description="多久换一个人，比如 每周")

    @property
    def shifts(self) -> tuple[Shift, ...]:
        return tuple(shift for shifts in self.hours for shift in shifts)


class DayEntry(Entry):
    day: Annotated[date, _as(_date)] = Field(description="日期，比如 2027-02-14")
    kind: Annotated[DayKind, _as(_kind)] = Field(description="off（放假、关门）或 working（上班、补班）")
    house: Code = ""
    hours_of: Annotated[int | None, _as(read_day)] = Field(None, description="按周几的时间值班，比如 周五")


class Outline(Entry):
    """The sections of the file, before anything in them is looked at."""

    programme: dict[str, Any] = Field(description="项目的 code 和 name")
    houses: list[Any] = Field(min_length=1, description="至少一个小站")
    staff: list[Any] = Field(min_length=1, description="工作人员，至少一位社工或督导")
    members: list[Any] = Field(default_factory=list)
    activities: list[Any] = Field(default_factory=list)
    rota: list[Any] = Field(default_factory=list)
    days: list[Any] = Field(default_factory=list)
