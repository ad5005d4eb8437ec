"""What `tongxing figures` prints: how long it took until somebody was told, took it, spoke; and whom it woke."""

import asyncio
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.clock import Clock
from app.db import ident
from app.escalations import figures
from app.escalations.figures import Figures, Spread
from app.escalations.states import Level
from app.installation import own_database
from app.people import service as people
from app.people.scope import Scope
from app.reports import service as reports
from app.reports.service import Asked
from app.reports.sheet import workbook
from app.reports.span import Month
from app.settings import Settings

NAMES = {Level.RED: "紧急", Level.ORANGE: "今天", Level.YELLOW: "这周"}
FEW = 5
DEFINITIONS = (
    "件：这个月开的事，按现在（或结束时）的级别；一件事算一次，误报也算，演习不算。人：这些事是几个人的。",
    "叫到：从开到第一条提醒发出去。接手：从开到第一次有人接。联系：从开到第一次“已联系”；",
    "　“这周”的事不单独提醒，第二天早上合成一条，不算叫到；",
    "　没有回过“已联系”的，结果是打了电话或见了面，算到结束的时候。没有发生的不算进中间和九成。",
    "中间：一半的事比它快。九成：十件里有九件不比它慢。n/m：m 件里有 n 件发生了。",
    "按时：到时限之前联系上的 / 已经联系上的和已经过了时限的，误报不算。时限是开的时候阶梯里的 contact_within。",
    "没人接：从来没有人接过的。",
    "下班以后：在小站当地的周一到周五 08:30–17:30 以外，发到这个人的提醒有几条；节假日没有另外算。",
)
HEAD = (
    "",
    "件",
    "人",
    "叫到 中间",
    "九成",
    "n/m",
    "接手 中间",
    "九成",
    "n/m",
    "联系 中间",
    "九成",
    "n/m",
    "按时",
    "没人接",
)


@dataclass(frozen=True)
class Report:
    month: str
    levels: list[Figures]
    off_hours: dict[str, int]


async def report(
    settings: Settings, clock: Clock, *, month: str | None, house: str | None, share: bool, as_json: bool
) -> str:  # fmt: skip
    """The table, or JSON. `share`: what may leave the house; ValueError for a house or month that there is not."""
    now = clock.now()
    async with own_database(settings) as db, db.read() as session:
        programme = await people.only_programme(session)
        if programme is None:
            raise ValueError("数据库里还没有项目：请先运行 tongxing load")
        chosen = await people.find_house(session, ident(programme), house) if house else None
        if house and chosen is None:
            raise ValueError(f"没有 code 是 {house} 的小站")
        span = Month.read(month, now, (chosen or programme).zone)
        houses = [ident(chosen)] if chosen else None
        lives = await figures.lives(session, since=span.begins, until=span.ends, houses=houses)
        woken = await figures.off_hours(session, since=span.begins, until=span.ends, houses=houses)
    found = Report(str(span), figures.by_level(lives, now), woken)
    return _as_json(found, share) if as_json else _as_table(found, share)


async def sheet(
    settings: Settings, clock: Clock, file: Path, *, month: str | None, house: str | None, share: bool
) -> str:  # fmt: skip
    """Write the monthly report into a file, and note that it was given out. ValueError as above."""
    async with own_database(settings) as db, db.begin() as session:
        programme = await people.only_programme(session)
        if programme is None:
            raise ValueError("数据库里还没有项目：请先运行 tongxing load")
        chosen = await people.find_house(session, ident(programme), house) if house else None
        if house and chosen is None:
            raise ValueError(f"没有 code 是 {house} 的小站")
        scope = Scope(ident(programme), await people.houses_of(session, ident(programme)))
        asked = Asked(Month.read(month, clock.now(), programme.zone), chosen, share)
        found, changed = await reports.give_out(session, None, scope, asked, clock.now())
        await asyncio.to_thread(file.write_bytes, workbook(found))
    corrected = f"，比上次给出的改了 {changed} 处" if changed else ""
    return f"{found.title}：写在 {file} 里了{corrected}"


def _as_table(found: Report, share: bool) -> str:
    rows = [_row(one, share) for one in found.levels]
    lines = [f"{found.month} 的事", *_aligned([HEAD, *rows])]
    if not share:
        woken = [f"{code} {n} 条" for code, n in found.off_hours.items()]
        lines += ["", f"下班以后：{'、'.join(woken) or '没有叫过人'}"]
    return "\n".join([*lines, "", *(line for line in DEFINITIONS if not (share and line.startswith("下班以后")))])


def _row(one: Figures, share: bool) -> tuple[str, ...]:
    if share and 0 < one.people < FEW:
        return (NAMES[one.level], *["<5"] * 2, *["—"] * (len(HEAD) - 3))
    spreads = [cell for spread in (one.alert, one.taking, one.contact) for cell in _cells(spread)]
    within = f"{one.within}/{one.decided}" + (f" {one.within / one.decided:.0%}" if one.decided else "")
    return (NAMES[one.level], str(one.cases), str(one.people), *spreads, within, str(one.never_taken))


def _cells(spread: Spread) -> tuple[str, str, str]:
    return (in_words(spread.median), in_words(spread.p90), f"{spread.n}/{spread.of}")


def in_words(span: timedelta | None) -> str:
    """A span as one reads it: 40 秒, 3 分 20 秒, 2 小时 5 分, 3 天 4 小时."""
    if span is None:
        return "—"
    seconds = round(span.total_seconds())
    for unit, word, lesser, small in ((86400, "天", 3600, "小时"), (3600, "小时", 60, "分"), (60, "分", 1, "秒")):
        if seconds >= unit:
            rest = seconds % unit // lesser
            return f"{seconds // unit} {word} {rest} {small}" if rest else f"{seconds // unit} {word}"
    return f"{seconds} 秒"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(_width(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(c + " " * (w - _width(c)) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _as_json(found: Report, share: bool) -> str:
    levels = {one.level.name.lower(): _plain(one, share) for one in found.levels}
    whole: dict[str, Any] = {"month": found.month, "levels": levels, "definitions": list(DEFINITIONS)}
    if not share:
        whole["off_hours_alerts"] = found.off_hours
    return json.dumps(whole, ensure_ascii=False, indent=2)


def _plain(one: Figures, share: bool) -> dict[str, Any]:
    if share and 0 < one.people < FEW:
        return {"cases": "<5", "people": "<5"}
    return {
        "cases": one.cases, "people": one.people, "seconds_to_alert": _spread(one.alert),
        "seconds_to_ack": _spread(one.taking), "seconds_to_contact": _spread(one.contact),
        "within_target": one.within, "of_decided": one.decided, "never_taken": one.never_taken,
    }  # fmt: skip


def _spread(spread: Spread) -> dict[str, float | int | None]:
    median, p90 = (None if s is None else s.total_seconds() for s in (spread.median, spread.p90))
    return {"n": spread.n, "of": spread.of, "median": median, "p90": p90}
