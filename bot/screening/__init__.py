"""Reads every inbound text before anything else does, and says whether a person must look at it."""

from bot.screening.engine import read
from bot.screening.loader import RuleError, load_rules
from bot.screening.reading import Hit, Level, Reading

__all__ = ["Hit", "Level", "Reading", "RuleError", "load_rules", "screen"]


def screen(text: str) -> Reading:
    """What the shipped rules say about `text`. Stateless; any string will do."""
    return read(text, load_rules())
