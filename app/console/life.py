"""One line of life: what every room tells of somebody, newest first, a page at a time."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from app.pages.posting import whole
from app.people.life import ALL, Mark

A_PAGE = 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Happened(Protocol):
    """What a room tells: when it was, and its number there."""

    @property
    def at(self) -> datetime: ...
    @property
    def number(self) -> int: ...


Tell = Callable[[Mark, int], Awaitable[Sequence[Happened]]]


@dataclass(frozen=True, order=True)
class Place:
    """Where a page ended: the moment, which room, and the number there. Later is greater."""

    at: datetime
    rank: int
    number: int

    def mark(self, rank: int) -> Mark:
        """From where this room goes on. What happened at one moment is told room by room, the last one first."""
        return Mark(self.at, ALL if rank < self.rank else self.number if rank == self.rank else 0)

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}.{self.rank}.{self.number}"


def read_place(words: str) -> Place | None:
    """LookupError: no page ever ended there. None: the beginning."""
    if not words:
        return None
    parts = [number for part in words.split(".") if (number := whole(part, 17)) is not None]
    if len(parts) != 3 or words.count(".") != 2:
        raise LookupError("no such place")
    at, rank, number = parts
    try:
        return Place(EPOCH + timedelta(microseconds=at), rank, min(number, ALL))
    except OverflowError:
        raise LookupError("no such place") from None


def merged(
    parts: Mapping[int, Sequence[Happened]], n: int
) -> tuple[list[tuple[int, Happened]], Place | None]:  # fmt: skip
    """The newest `n` of what the rooms gave, each with its room, and where the next page goes on; None: that was all.

    Each room gave more than `n` where it had more than `n`.
    """
    every = sorted(
        ((Place(one.at, rank, one.number), one) for rank, told in parts.items() for one in told),
        key=lambda each: each[0],
        reverse=True,
    )
    shown = every[:n]
    return [(place.rank, one) for place, one in shown], shown[-1][0] if len(every) > n else None


async def page(
    rooms: Mapping[int, Tell], now: datetime, after: Place | None, n: int = A_PAGE
) -> tuple[list[tuple[int, Happened]], Place | None]:  # fmt: skip
    # WeChat's clock may be a little ahead of ours.
    place = after or Place(now + timedelta(hours=1), len(rooms) + 100, ALL)
    return merged({rank: await tell(place.mark(rank), n + 1) for rank, tell in rooms.items()}, n)
