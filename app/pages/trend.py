"""One's own last answers as a line: gaps are gaps, low points are hollow, and the list below says the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 320, 150, 16, 14, 14
SCORES = 5
LOW = 2


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    low: bool


@dataclass(frozen=True)
class Trend:
    """`lines`: the points of each stretch without a gap, as SVG's `points`; `levels`: the height of each score."""

    points: tuple[Point, ...]
    lines: tuple[str, ...]
    levels: tuple[float, ...]


def trend(scores: Sequence[int | None]) -> Trend:
    """The line through `scores`, oldest first; None where there was no answer."""
    step = (WIDTH - 2 * LEFT) / max(len(scores) - 1, 1)
    stretches: list[list[Point]] = [[]]
    for n, score in enumerate(scores):
        if score is None:
            stretches.append([])
        else:
            stretches[-1].append(Point(round(LEFT + n * step, 1), _height(score), score <= LOW))
    lines = [" ".join(f"{point.x},{point.y}" for point in stretch) for stretch in stretches if len(stretch) > 1]
    points = tuple(point for stretch in stretches for point in stretch)
    return Trend(points, tuple(lines), tuple(_height(score) for score in range(1, SCORES + 1)))


def _height(score: int) -> float:
    return round(HEIGHT - BOTTOM - (score - 1) * (HEIGHT - TOP - BOTTOM) / (SCORES - 1), 1)
