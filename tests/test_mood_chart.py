"""The picture of moods: every record once, no line over a gap, and the words say what the picture shows."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.console.chart import DAILY_REACH, HEIGHT, WEEKLY_REACH, WIDTH, Point, draw, runs, summary

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
LAST = FIRST + timedelta(days=90)
ENDS = ("9月1日", "11月30日")


@st.composite
def asked(draw_: st.DrawFn) -> list[Point]:
    hours = draw_(st.lists(st.integers(0, 90 * 24), unique=True, max_size=40))
    score = st.one_of(st.none(), st.integers(1, 5))
    return [Point(FIRST + timedelta(hours=h), draw_(score)) for h in sorted(hours)]


def picture(points: list[Point], reach: timedelta = WEEKLY_REACH, told: str = "说明") -> str:
    return str(draw(points, FIRST, LAST, reach, title="心情", told=told, ends=ENDS))


def circles(svg: str) -> list[tuple[float, int, str]]:
    found = re.findall(r'<circle cx="([\d.]+)" cy="(\d+)" r="5" fill="(\w+)"', svg)
    return [(float(x), int(y), fill) for x, y, fill in found]


def lines(svg: str) -> list[list[tuple[float, int]]]:
    found = re.findall(r'<polyline points="([^"]+)"', svg)
    return [[(float(x), int(y)) for x, y in (p.split(",") for p in each.split())] for each in found]


@given(asked())
def test_every_record_is_drawn_once_and_nothing_else_is(points: list[Point]) -> None:
    drawn = circles(picture(points))
    recorded = [point for point in points if point.score is not None]
    assert [(146 - y) // 26 for _x, y, _fill in drawn] == [point.score for point in recorded]
    assert [x for x, *_ in drawn] == sorted(x for x, *_ in drawn)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y, _fill in drawn)


@given(asked())
def test_low_ones_are_hollow(points: list[Point]) -> None:
    recorded = [point.score for point in points if point.score is not None]
    assert [fill == "Canvas" for *_, fill in circles(picture(points))] == [score <= 2 for score in recorded]


@given(asked(), st.sampled_from([WEEKLY_REACH, DAILY_REACH]))
def test_no_line_crosses_a_gap(points: list[Point], reach: timedelta) -> None:
    joined = {(a.at, b.at) for run in runs(points, reach) for a, b in pairwise(run)}
    by_order = list(pairwise(points))
    allowed = {(a.at, b.at) for a, b in by_order if a.score and b.score and b.at - a.at <= reach}
    assert joined == allowed
    assert sum(len(line) - 1 for line in lines(picture(points, reach))) == len(joined)


@given(asked())
def test_the_summary_says_what_is_drawn(points: list[Point]) -> None:
    said, drawn = summary(points), [(146 - y) // 26 for _x, y, _fill in circles(picture(points))]
    assert said.recorded == len(drawn)
    assert said.lowest == (min(drawn) if drawn else None)
    assert said.last == (drawn[-1] if drawn else None)
    assert said.missing == sum(point.score is None for point in points)


def test_missing_is_never_drawn_as_a_zero() -> None:
    svg = picture([Point(FIRST, None), Point(FIRST + timedelta(days=7), None)])
    assert circles(svg) == lines(svg) == []


def test_it_is_small_says_itself_in_words_and_needs_neither_style_nor_script() -> None:
    week = [Point(FIRST + timedelta(days=7 * n), n % 5 + 1) for n in range(13)]
    svg = picture(week, told="近 90 天 13 次记录")
    assert len(svg.encode()) < 4000
    assert '<desc id="mood-told">近 90 天 13 次记录</desc>' in svg
    assert not re.search(r"style|<script|href|on\w+=", svg)
    assert set(re.findall(r'font-size="(\d+)"', svg)) == {"14"}


def test_words_are_never_read_as_marks() -> None:
    assert "<b>" not in picture([], told="<b>")
