"""The only place that knows the time.

Everything else is handed a `Clock` or a moment. The demo and the tests move it; nothing waits for it.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


class Clock:
    """The time of the house, in UTC; it can be set forward, never back.

    `offset` is added to the machine's time (`TONGXING_CLOCK_OFFSET`, in seconds). A clock made with
    `frozen_at` stands still between two moves, so that a test says when things happen.
    """

    def __init__(self, offset: timedelta = timedelta(), *, frozen_at: datetime | None = None) -> None:
        self._offset = offset
        self._frozen_at = aware(frozen_at) if frozen_at is not None else None

    def now(self) -> datetime:
        if self._frozen_at is not None:
            return self._frozen_at
        return datetime.now(UTC) + self._offset

    def move_to(self, moment: datetime) -> None:
        """Set the clock forward to `moment`; an earlier moment changes nothing (time does not run back)."""
        ahead = aware(moment) - self.now()
        if ahead <= timedelta():
            return
        if self._frozen_at is not None:
            self._frozen_at += ahead
        else:
            self._offset += ahead

    def forward(self, **span: float) -> None:
        """Set the clock forward by a span: `forward(hours=22)`."""
        self.move_to(self.now() + timedelta(**span))


def aware(moment: datetime) -> datetime:
    """`moment` in UTC. A naive datetime is a bug somewhere: ValueError."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment needs a time zone: {moment!r}")
    return moment.astimezone(UTC)


@lru_cache
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(moment: datetime, zone_name: str) -> datetime:
    """`moment` as the clock on the wall of a house in `zone_name` shows it."""
    return moment.astimezone(zone(zone_name))


def wall(day: date, at: time, zone_name: str) -> datetime:
    """The UTC moment at which the wall clock in `zone_name` shows `day`, `at`.

    A wall time that a DST change skips is read with the offset from before the gap (PEP 495, fold=0).
    """
    return datetime.combine(day, at, tzinfo=zone(zone_name)).astimezone(UTC)
