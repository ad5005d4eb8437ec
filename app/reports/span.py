"""The month that a report is about."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from app.clock import local, wall


@dataclass(frozen=True)
class Month:
    """From its first moment to that of the next month, by the wall clock of a zone."""

    year: int
    month: int
    zone: str

    @classmethod
    def read(cls, text: str | None, now: datetime, zone: str) -> "Month":
        """`2026-11`, or the month it is now; ValueError says what to write."""
        if not text:
            return cls(local(now, zone).year, local(now, zone).month, zone)
        try:
            given = datetime.strptime(text, "%Y-%m")  # noqa: DTZ007 - a month has no zone
        except ValueError:
            raise ValueError(f"“{text}”不是月份：要写成 2026-11") from None
        return cls(given.year, given.month, zone)

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return self.after.first - timedelta(days=1)

    @property
    def after(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1, self.zone)

    @property
    def before(self) -> "Month":
        day = self.first - timedelta(days=1)
        return Month(day.year, day.month, self.zone)

    @property
    def begins(self) -> datetime:
        return wall(self.first, time(), self.zone)

    @property
    def ends(self) -> datetime:
        return self.after.begins

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"
