"""The moods of somebody as a picture, drawn on the server: own SVG, about 3 kB, without a script or a style.

Where there is no record there is no line: a gap is a gap, and never a zero. What the picture shows is said in words
as well, in its title and description and in the table below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

WIDTH, HEIGHT = 320, 152  # of the view box; letters of 14 stay readable on a phone that is as wide
LEFT, RIGHT, TOP, STEP = 26, 308, 16, 26
WORST, BEST = 1, 5
LOW = 2
WEEKLY_REACH, DAILY_REACH = timedelta(days=10), timedelta(hours=36)


@dataclass(frozen=True)
class Point:
    """A question that was asked; `score` (1 to 5) is None where there is no answer."""

    at: datetime
    score: int | None


@dataclass(frozen=True)
class Summary:
    """What the picture says: `lowest` and `last` are None where nothing was recorded."""

    recorded: int
    missing: int
    lowest: int | None
    last: int | None


def summary(points: Sequence[Point]) -> Summary:
    scores = [point.score for point in points if point.score is not None]
    return Summary(len(scores), len(points) - len(scores), min(scores, default=None), scores[-1] if scores else None)


def runs(points: Sequence[Point], reach: timedelta) -> list[list[Point]]:
    """The records between which a line may be drawn: neither a missing one nor more than `reach` lies between two.

    `points` are in the order of time.
    """
    found: list[list[Point]] = []
    before: Point | None = None
    for point in points:
        if point.score is not None:
            if before is not None and before.score is not None and point.at - before.at <= reach:
                found[-1].append(point)
            else:
                found.append([point])
        before = point
    return found


def draw(
    points: Sequence[Point], first: datetime, last: datetime, reach: timedelta, *, title: str, told: str,
    ends: tuple[str, str],
) -> Markup:  # fmt: skip
    """The SVG. `title` and `told` say it in words; `ends`: how the first and the last day are written."""
    pieces = [
        Markup(
            '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="mood-title mood-told" '
            'xmlns="http://www.w3.org/2000/svg"><title id="mood-title">{}</title><desc id="mood-told">{}</desc>'
        ).format(WIDTH, HEIGHT, title, told)
    ]
    for score in range(WORST, BEST + 1):
        y = _y(score)
        pieces.append(
            Markup(
                '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="currentColor" stroke-opacity=".25"/>'
                '<text x="4" y="{}" font-size="14" fill="currentColor">{}</text>'
            ).format(LEFT, y, RIGHT, y, y + 5, score)
        )
    for words, edge, anchor in ((ends[0], LEFT, "start"), (ends[1], RIGHT, "end")):
        pieces.append(
            Markup('<text x="{}" y="{}" font-size="14" fill="currentColor" text-anchor="{}">{}</text>').format(
                edge, HEIGHT - 6, anchor, words
            )
        )
    for run in runs(points, reach):
        at = [(_x(point.at, first, last), _y(point.score or WORST)) for point in run]
        if len(at) > 1:
            line = " ".join(f"{x},{y}" for x, y in at)
            pieces.append(
                Markup('<polyline points="{}" fill="none" stroke="currentColor" stroke-width="2"/>').format(line)
            )
        for point, (x, y) in zip(run, at, strict=True):
            low = (point.score or WORST) <= LOW
            pieces.append(
                Markup('<circle cx="{}" cy="{}" r="5" fill="{}" stroke="currentColor" stroke-width="2"/>').format(
                    x, y, "Canvas" if low else "currentColor"
                )
            )
    return Markup("").join([*pieces, Markup("</svg>")])


def _y(score: int) -> int:
    return TOP + (BEST - score) * STEP


def _x(at: datetime, first: datetime, last: datetime) -> float:
    share = (at - first) / (last - first)
    return round(LEFT + 8 + min(1.0, max(0.0, share)) * (RIGHT - LEFT - 16), 1)
