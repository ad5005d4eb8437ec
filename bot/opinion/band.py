"""Which messages somebody else is asked about, and the row that says so, in the message's own unit of work."""

import math
from dataclasses import dataclass

import structlog

from app.db import is_database_trouble
from app.messages.models import Inbox
from app.opinions import service as opinions
from app.people.models import Role
from app.settings import Settings
from bot.conversation.talk import Talk
from bot.screening import Level, Reading
from bot.screening.screener import in_force

log = structlog.get_logger()

# A stranger has agreed to nothing; what they say while in danger a person reads anyway.
ASKED_ABOUT = (Role.MEMBER, Role.FAMILY, Role.COUNSELLOR)


@dataclass(frozen=True, slots=True)
class Band:
    """Scores from `lowest` to `highest` (None: where orange begins), and what was read as yellow or orange if
    `alerts`."""

    lowest: float
    highest: float | None = None
    alerts: bool = True

    @classmethod
    def of(cls, settings: Settings) -> "Band | None":
        """None: nobody is asked."""
        if not settings.second_opinion_url:
            return None
        return cls(settings.second_opinion_from, settings.second_opinion_to, settings.second_opinion_alerts)

    def holds(self, reading: Reading) -> bool:
        if reading.level is Level.RED:
            return False
        if reading.level is not Level.NONE and self.alerts:
            return True
        highest = orange_begins() if self.highest is None else self.highest
        return self.lowest <= reading.score <= highest


def orange_begins() -> float:
    """The score from which on the statistical layer says orange; 1 where there is none."""
    model = in_force().model
    return 1.0 if model is None else 1 / (1 + math.exp(-model.thresholds[1]))


async def put_down(talk: Talk, inbox: Inbox, band: Band | None) -> None:
    """The row for this message, if it lies in the band. What breaks here takes nothing of the alert with it."""
    reading, who = talk.reading, talk.person
    if band is None or reading is None or who is None or who.role not in ASKED_ABOUT or not band.holds(reading):
        return
    number = inbox.id
    try:
        async with talk.session.begin_nested():
            await opinions.put_down(talk.session, inbox, who, int(reading.level), talk.now)
    except Exception as error:
        if is_database_trouble(error):
            raise
        log.error("second opinion not put down", inbox=number, error=type(error).__name__, exc_info=True)
