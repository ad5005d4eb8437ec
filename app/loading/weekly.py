"""Weekdays and hours as people write them: `周三`, `周一至周五 08:30-17:00`. ValueError says how to write it."""

import re
import unicodedata
from typing import NamedTuple

from app.escalations.monthly import LAST, Monthly
from bot.wording.moments import WEEKDAYS

HOW_DAYS = "要写成 周三、周一至周五 或 周二、周四"
HOW_TIME = "要写成 14:00 这样（24 小时制，时:分）"
HOW_MONTHLY = "要写成 每月第二个周二 10:00（第一个到第四个，或者最后一个）"
HOW_SHIFT = "要写成 周一至周五 08:30-17:00"
HOW_TURN = "要写成 每周、每两周、每天 或 每 3 天"

_BYDAY = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_SPAN = re.compile(r"周([一二三四五六日])(?:[至到-]周?([一二三四五六日]))?")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_SHIFT = re.compile(r"(\D+?) *(\d{1,2}:\d{2}) *[-至到] *(\d{1,2}:\d{2})")
_MONTHLY = re.compile(r"每个?月(?:的)?(?:第([一二三四1234])|(最后一?))个?(周[一二三四五六日]) *(\d{1,2}:\d{2})")
_ON_HOLIDAYS = re.compile(r"[ ,]*\(?节假日也(?:在|值班|上班)\)?$")
_TURN = re.compile(r"每? *(\d{1,2}|[一二两三四五六])? *个?(日|周)")
_NUMERALS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6}
_SAME = str.maketrans({"—": "-", "–": "-", "−": "-", "~": "-", "天": "日"})


class Shift(NamedTuple):
    """Hours of one weekday (Monday is 0); an end before the start is on the next day.

    `on_holidays`: they hold whatever the calendar says of the day.
    """

    weekday: int
    starts: str
    ends: str
    on_holidays: bool = False


def _plain(text: str) -> str:
    return re.sub("星期|礼拜", "周", unicodedata.normalize("NFKC", text).translate(_SAME)).strip()


def read_days(text: str) -> tuple[int, ...]:
    days: list[int] = []
    if _plain(text) == "每日":
        return tuple(range(7))
    for part in re.split(r"[、,和 ]+", _plain(text).removeprefix("每")):
        span = _SPAN.fullmatch(part)
        if span is None:
            raise ValueError(HOW_DAYS)
        first, last = WEEKDAYS.index(span[1]), WEEKDAYS.index(span[2] or span[1])
        days += [(first + n) % 7 for n in range((last - first) % 7 + 1)]
    return tuple(dict.fromkeys(days))


def read_day(text: str) -> int:
    days = read_days(text)
    if len(days) != 1:
        raise ValueError("只能写一天，比如 周三")
    return days[0]


def read_time(text: str) -> str:
    """`08:30`, whatever the width of the digits."""
    found = _TIME.fullmatch(_plain(text))
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError(HOW_TIME)
    return f"{int(found[1]):02d}:{found[2]}"


def read_shifts(text: str) -> tuple[Shift, ...]:
    """`周一至周五 08:30-17:00`; with `节假日也在` behind it, holidays and make-up days change nothing."""
    plain = _plain(text)
    hours = _ON_HOLIDAYS.sub("", plain)
    found = _SHIFT.fullmatch(hours)
    if found is None:
        raise ValueError(HOW_SHIFT)
    until_midnight = found[3] == "24:00"
    starts, ends = read_time(found[2]), "00:00" if until_midnight else read_time(found[3])
    if starts == ends and not until_midnight:
        raise ValueError("开始和结束是同一个时间；整天值班请写 00:00-24:00")
    return tuple(Shift(day, starts, ends, hours != plain) for day in read_days(found[1]))


def read_turn(text: str) -> int:
    """How many days a turn of `每周`, `每两周`, `每 3 天` lasts."""
    found = _TURN.fullmatch(_plain(text))
    number = _NUMERALS.get(found[1] or "一") or int(found[1]) if found else 0
    if found is None or number == 0:
        raise ValueError(HOW_TURN)
    return number * (7 if found[2] == "周" else 1)


def read_monthly(text: str) -> Monthly:
    found = _MONTHLY.fullmatch(_plain(text))
    if found is None:
        raise ValueError(HOW_MONTHLY)
    nth = LAST if found[2] else "一二三四1234".index(found[1]) % 4 + 1
    return Monthly(nth, WEEKDAYS.index(found[3][1]), read_time(found[4]))


def weekly_rule(days: tuple[int, ...]) -> str:
    return f"FREQ=WEEKLY;BYDAY={','.join(_BYDAY[day] for day in days)}"
