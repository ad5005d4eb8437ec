"""One line of life, paged by a moment: whoever reads on sees everything once, in order, also what was at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.console.life import Happened, Place, Tell, page, read_place
from app.people.life import Mark

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    at: datetime
    number: int


def room(events: Sequence[Event]) -> Tell:
    """A room as the database gives it."""

    async def tell(mark: Mark, n: int) -> Sequence[Happened]:
        wanted = [e for e in events if e.at < mark.at or (e.at == mark.at and e.number < mark.number)]
        return sorted(wanted, key=lambda e: (e.at, e.number), reverse=True)[:n]

    return tell


@given(st.lists(st.lists(st.integers(0, 5), max_size=12), min_size=1, max_size=4), st.integers(1, 5))
async def test_every_event_is_shown_once_and_the_newest_first(rooms: list[list[int]], n: int) -> None:
    told = {
        rank: [Event(NOW - timedelta(hours=hours), number + 1) for number, hours in enumerate(each)]
        for rank, each in enumerate(rooms)
    }
    tells = {rank: room(events) for rank, events in told.items()}
    seen: list[tuple[int, Happened]] = []
    after: Place | None = None
    for _ in range(100):
        shown, after = await page(tells, NOW, after, n)
        assert len(shown) <= n
        seen += shown
        if after is None:
            break
        after = read_place(str(after))  # it goes through an address
    assert len(seen) == len(set(seen)) == sum(map(len, told.values()))
    assert [one.at for _, one in seen] == sorted((one.at for _, one in seen), reverse=True)


@pytest.mark.parametrize("words", ["x", "1.2", "1.2.3.4", "-1.2.3", "99999999999999999999.1.1", "١.1.1"])
def test_an_address_that_no_page_ever_ended_at_is_not_there(words: str) -> None:
    with pytest.raises(LookupError):
        read_place(words)
