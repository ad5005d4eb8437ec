"""One line of life, in pieces: where it was read up to, and the condition that goes on from there.

Each room gives its own events before a mark, newest first; the console merges them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

ALL = 2**31 - 1  # above every number of a row, and still a number of a row to both databases


@dataclass(frozen=True, slots=True)
class Mark:
    """Events before `at` are wanted, and of those at that very moment the ones with a number below `number`."""

    at: datetime
    number: int


def before(at: Any, number: Any, mark: Mark) -> ColumnElement[bool]:
    """The same as a condition on the columns of a room; the first half of it is what an index can answer."""
    return and_(at <= mark.at, or_(at < mark.at, number < mark.number))
