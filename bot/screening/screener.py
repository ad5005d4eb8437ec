"""Screening as the program uses it: the rules, the statistical layer over them, and what is known besides the words.

Pure: the same text, context, rules and model give the same reading. What is in force is one value for the process,
swapped as a whole, so that nobody ever reads with half of an old set.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from bot.screening import engine
from bot.screening.context import ALONE, LOWEST_MOOD, MESSAGES, WORRIED, YELLOWS, Context, Speaker
from bot.screening.loader import load_rules
from bot.screening.model import Model, shipped_model
from bot.screening.pieces import in_pieces
from bot.screening.reading import Level, Reading
from bot.screening.rules import RuleSet

ONESELF = re.compile(r"我|俺|咱|本人|\b(?:i|i'm|im|my|me|myself)\b", re.IGNORECASE)
ABOUT_ONESELF = frozenset(("suicide", "self_harm", "relapse", "medication", "distress"))


@dataclass(frozen=True)
class Screener:
    rules: RuleSet
    model: Model | None

    def read(self, text: str, context: Context = ALONE) -> Reading:
        reading = self._alone(text)
        if context.earlier or context.later:
            reading = self._with_the_others(text, context, reading)
        if context.speaker is Speaker.FAMILY:
            reading = _said_by_family(reading, text, context)
        return _weighed(reading, context)

    def _alone(self, text: str) -> Reading:
        by_rules = engine.read(text, self.rules)
        return self.model.over(by_rules, text, self.rules) if self.model else by_rules

    def _with_the_others(self, text: str, context: Context, alone: Reading) -> Reading:
        """Danger in pieces is for the rules alone: the statistical layer was measured on single messages."""
        if alone.level is Level.RED or not text.strip():
            return alone
        earlier, later = context.earlier[-MESSAGES:], context.later[:MESSAGES]
        new = in_pieces(self.rules, earlier, text, later, alone.level)
        if not new:
            return alone
        best = {hit.rule: hit for hit in reversed(new)}
        hits = sorted(best.values(), key=lambda hit: (-hit.level, hit.start))
        return replace(alone, level=hits[0].level, category=hits[0].category, hits=(*hits, *alone.hits))


def _said_by_family(reading: Reading, text: str, context: Context) -> Reading:
    """A relative writes about the member, unless they say 我."""
    in_pieces = any(hit.before for hit in reading.hits)
    said = "".join((*context.earlier, text, *context.later)) if in_pieces else text
    if reading.category not in ABOUT_ONESELF or ONESELF.search(said):
        return reading
    hits = tuple(replace(hit, category="third_party") if hit.category in ABOUT_ONESELF else hit for hit in reading.hits)
    return replace(reading, category="third_party", hits=hits)


def _weighed(reading: Reading, context: Context) -> Reading:
    """One level more, once, for what is known besides the words; what says nothing is never raised."""
    if reading.level in (Level.NONE, Level.RED):
        return reading
    reasons = []
    about_others = reading.category == "third_party"
    low = context.mood is not None and context.mood <= LOWEST_MOOD
    if reading.level is Level.YELLOW and low and not about_others:  # the mood is that of whoever writes
        reasons.append("mood")
    if reading.level is Level.YELLOW and context.yellows >= YELLOWS:
        reasons.append("yellows")
    if about_others and context.worried >= WORRIED:
        reasons.append("worried")
    return replace(reading, level=reading.level.raised(), raised=tuple(reasons)) if reasons else reading


@lru_cache(maxsize=1)
def shipped() -> Screener:
    """The rules and the model that came with the program."""
    return Screener(load_rules(), shipped_model())


class _InForce:
    """What this process reads with just now."""

    screener: Screener | None = None


def in_force() -> Screener:
    return _InForce.screener or shipped()


def put_in_force(screener: Screener | None) -> None:
    """From the next message on; None: what came with the program."""
    _InForce.screener = screener


def screen(text: str, context: Context = ALONE) -> Reading:
    """How urgently a person must look at this message, and why. Any string will do."""
    return in_force().read(text, context)
