"""How moments are said: by the clock on the wall of a house, never in UTC; in Chinese unless a locale is named."""

from datetime import date, datetime

from app.clock import local

WEEKDAYS = "一二三四五六日"


def weekday_words(day: date) -> str:
    """`周三`."""
    return f"周{WEEKDAYS[day.weekday()]}"


def date_words(day: date) -> str:
    """`12月3日`."""
    return f"{day.month}月{day.day}日"


def day_words(moment: datetime, zone: str) -> str:
    """`11月25日（周三）`: the date as it is read aloud in a house in `zone`."""
    here = local(moment, zone)
    return f"{date_words(here)}（{weekday_words(here)}）"


def hour_words(moment: datetime, zone: str) -> str:
    """`下午 2 点`, `上午 9 点半`, `下午 2:40`."""
    here = local(moment, zone)
    part = next(
        word
        for until, word in ((8, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
        if here.hour < until
    )
    hour = here.hour - 12 if here.hour > 12 else here.hour
    if here.minute == 0:
        return f"{part} {hour} 点"
    return f"{part} {hour} 点半" if here.minute == 30 else f"{part} {hour}:{here.minute:02d}"


def moment_words(moment: datetime, now: datetime, zone: str, locale: str = "zh-Hans") -> str:
    """`今天 17:00`, `明天 08:30`, `11月25日（周三）08:30`; `today 17:00`, `Wed 25 Nov 08:30`."""
    here, today = local(moment, zone), local(now, zone).date()
    near = _NEAR["en" if locale == "en" else "zh"].get((here.date() - today).days)
    return f"{near} {here:%H:%M}" if near else full_words(moment, zone, locale)


def full_words(moment: datetime, zone: str, locale: str = "zh-Hans") -> str:
    """`11月25日（周三）14:00`, `11月25日（週三）14:00`, `Wed 25 Nov 14:00`."""
    here, day = local(moment, zone), date_in_full(moment, zone, locale)
    return f"{day} {here:%H:%M}" if locale == "en" else f"{day}{here:%H:%M}"


def date_in_full(moment: datetime, zone: str, locale: str = "zh-Hans") -> str:
    """`11月25日（周三）`, `11月25日（週三）`, `Wed 25 Nov`."""
    here = local(moment, zone)
    if locale == "en":
        return f"{_DAYS[here.weekday()]} {here.day} {_MONTHS[here.month - 1]}"
    day = day_words(moment, zone)
    return day.replace("周", "週") if locale == "zh-Hant" else day


_NEAR = {
    "zh": {0: "今天", 1: "明天", -1: "昨天"},
    "en": {0: "today", 1: "tomorrow", -1: "yesterday"},
}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def when_words(moment: datetime, zone: str) -> dict[str, str]:
    """The ways a sentence may say when: `when` 11月25日（周三）14:00, `day` 周三, `at` 下午 2 点."""
    here = local(moment, zone)
    return {
        "when": f"{day_words(moment, zone)}{here:%H:%M}",
        "day": weekday_words(here),
        "at": hour_words(moment, zone),
    }


def hours_words(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    """`08:30-17:00`; with the date of the end where it is later than the morning after."""
    starts, ends = local(starts_at, zone), local(ends_at, zone)
    long = (ends.date() - starts.date()).days > 1
    return f"{starts:%H:%M}-{f'{date_words(ends)} ' if long else ''}{ends:%H:%M}"


def span_words(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    """`12月3日（周四）08:30-17:00`."""
    return f"{day_words(starts_at, zone)}{hours_words(starts_at, ends_at, zone)}"


def card_time(moment: datetime, zone: str) -> str:
    """`2026年11月25日 14:00`, the form of a template's time field (模板消息 › 参数说明)."""
    here = local(moment, zone)
    return f"{here.year}年{date_words(here)} {here:%H:%M}"
