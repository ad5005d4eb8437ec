"""Reads every inbound text before anything else does, and says whether a person must look at it."""

from bot.screening.context import ALONE, Context, Speaker
from bot.screening.loader import RuleError, load_rules
from bot.screening.reading import Hit, Level, Reading
from bot.screening.screener import screen

__all__ = ["ALONE", "Context", "Hit", "Level", "Reading", "RuleError", "Speaker", "load_rules", "screen"]
