"""Days and hours as staff write them: `李红 12月3日 09:00-12:00`, `明天`, `下周四`. Pure."""

import re
from dataclasses import dataclass
from datetime import date, time, timedelta

from bot.conversation import grammar
from bot.wording.moments import WEEKDAYS

NEAR = {"今天": 0, "今日": 0, "今晚": 0, "明天": 1, "明日": 1, "明晚": 1, "后天": 2, "大后天": 3}
_DAY = (
    rf"{'|'.join(sorted(NEAR, key=len, reverse=True))}|[这本下]?(?:周|星期|礼拜)[{WEEKDAYS}天]|"
    r"(?:\d{4}\s*[年/-]\s*)?\d{1,2}\s*[月/-]\s*\d{1,2}\s*[日号]?|\d{1,2}\s*[日号]"
)
_HOURS = r"(\d{1,2}):(\d{2})\s*[-~至到]\s*(\d{1,2}):(\d{2})"
_LINE = re.compile(
    rf"(?P<name>\D*?)\s*(?P<day>{_DAY})(?:\s*[-~至到和换,、]?\s*(?P<other>{_DAY}))?\s*(?P<hours>{_HOURS})?"
)


@dataclass(frozen=True, slots=True)
class When:
    """What stands in a line: a name (or ""), a day, perhaps a second one, perhaps hours."""

    name: str
    day: date
    other: date | None = None
    hours: tuple[time, time] | None = None


def read_when(text: str, today: date) -> When | None:
    """None for a line that has no day in it, or one that does not exist."""
    found = _LINE.fullmatch(grammar.hyphened(text))
    if found is None:
        return None
    try:
        day = read_day(found["day"], today)
        other = read_day(found["other"], today, after=day) if found["other"] else None
        hours = _hours(found["hours"]) if found["hours"] else None
    except ValueError:
        return None
    return When(found["name"].strip(" ,、"), day, other, hours)


def day_in(text: str, today: date) -> date | None:
    """The day that a text is, if it is nothing else and not over."""
    found = read_when(text, today)
    only_a_day = found is not None and not found.name and found.other is None and found.hours is None
    return found.day if found is not None and only_a_day and found.day >= today else None


def read_day(text: str, today: date, *, after: date | None = None) -> date:
    """The next such day from today (or from `after`) on. ValueError for one that does not exist."""
    if text in NEAR:
        return today + timedelta(days=NEAR[text])
    if weekday := re.fullmatch(rf"([这本下]?)(?:周|星期|礼拜)([{WEEKDAYS}天])", text):
        number = WEEKDAYS.index(weekday[2].replace("天", "日"))
        monday = today - timedelta(days=today.weekday())
        if weekday[1]:
            return monday + timedelta(days=number + (7 if weekday[1] == "下" else 0))
        return today + timedelta(days=(number - today.weekday()) % 7)
    from_day = after or today
    numbers = [int(part) for part in re.findall(r"\d+", text)]
    if len(numbers) == 3:
        return date(*numbers)
    if len(numbers) == 2:
        day = date(from_day.year, *numbers)
        return day if day >= from_day else day.replace(year=day.year + 1)
    month = from_day if numbers[0] >= from_day.day else (from_day.replace(day=1) + timedelta(days=31))
    return month.replace(day=numbers[0])


def _hours(text: str) -> tuple[time, time]:
    """Until 24:00 is until midnight."""
    a, b, c, d = (int(part) for part in re.findall(r"\d+", text))
    ends = time() if (c, d) == (24, 0) else time(c, d)
    starts = time(a, b)
    if starts == ends:
        raise ValueError("no time at all")
    return starts, ends
