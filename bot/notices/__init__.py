"""What we say unasked: each kind of outbox row has a notice that composes it at the moment it is sent."""

from bot.notices import activities, cases, drills, everyday, rota, spoken
from bot.notices.letter import NOTICES, Ask, Card, Desk, Dropped, Letter, Notice, Sheaf

__all__ = [
    "NOTICES", "Ask", "Card", "Desk", "Dropped", "Letter", "Notice", "Sheaf", "activities", "cases", "drills",
    "everyday", "rota", "spoken",
]  # fmt: skip
