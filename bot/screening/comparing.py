"""Two screeners over the same messages: what the one would do that the other does not. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from bot.screening.context import ALONE, Context
from bot.screening.reading import Level, Reading
from bot.screening.screener import Screener

LEVELS = (Level.RED, Level.ORANGE, Level.YELLOW)


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it came in; `number` names it without saying anything of it."""

    number: int
    day: date
    text: str
    context: Context = ALONE


@dataclass
class Difference:
    """`newly`, `no_longer`: by rule, the messages that it fires on under the new rules only, or the old ones only.

    `more`, `less`: the messages that became more or less urgent; `lost`: those that were red and are not.
    """

    read: int = 0
    before: dict[date, Counter[Level]] = field(default_factory=lambda: defaultdict(Counter))
    after: dict[date, Counter[Level]] = field(default_factory=lambda: defaultdict(Counter))
    newly: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    no_longer: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    more: list[int] = field(default_factory=list)
    less: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)

    @property
    def days(self) -> list[date]:
        return sorted(self.before.keys() | self.after.keys())

    @property
    def named(self) -> set[int]:
        """Every message that stands somewhere in it by its number."""
        by_rule = (number for found in (self.newly, self.no_longer) for one in found.values() for number in one)
        return {*by_rule, *self.more, *self.less, *self.lost}


def compare(messages: Iterable[Heard], old: Screener, new: Screener) -> Difference:
    found = Difference()
    for heard in messages:
        found.read += 1
        was, will = old.read(heard.text, heard.context), new.read(heard.text, heard.context)
        found.before[heard.day][was.level] += 1
        found.after[heard.day][will.level] += 1
        for rule in sorted(_fired(will) - _fired(was)):
            found.newly[rule].append(heard.number)
        for rule in sorted(_fired(was) - _fired(will)):
            found.no_longer[rule].append(heard.number)
        if will.level != was.level:
            (found.more if will.level > was.level else found.less).append(heard.number)
        if was.level is Level.RED and will.level < Level.RED:
            found.lost.append(heard.number)
    return found


def _fired(reading: Reading) -> set[str]:
    return {hit.rule for hit in reading.hits if hit.level is not Level.NONE}
