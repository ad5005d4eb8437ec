"""What the page may ask of the house: move its time, and say what comes next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Upcoming:
    at: datetime
    what: str
    why: str


class Controls(Protocol):
    zone: str
    title: str

    async def forward_to(self, moment: datetime) -> None:
        """Move the shared clock to `moment`, letting everything due on the way happen in order."""

    async def next_at(self) -> datetime | None:
        """When the next thing happens by itself; None when nothing is planned."""

    async def upcoming(self, limit: int = 12) -> list[Upcoming]:
        """What happens next by itself, soonest first."""
