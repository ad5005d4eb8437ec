"""Two screeners over the same messages: what the one would do that the other does not. Pure.

Each reads as it would have read day by day: with what the same person had just written, less what it took for red
itself, which was acted on then. Moods, earlier yellows and other people's worries are left out on both sides.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from bot.screening.context import LOOKED_AT, MESSAGES, MINUTES, Context, Speaker
from bot.screening.reading import Level, Reading
from bot.screening.screener import Screener

LEVELS = (Level.RED, Level.ORANGE, Level.YELLOW)
TOGETHER = timedelta(minutes=MINUTES)
ONE_ALARM = timedelta(hours=1)  # what follows within an hour joins the case of the first
KEPT = 4096  # readings of words that were read before: of what comes in, most is 1, 2 and 好的
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it came in; `number` names it without saying anything of it.

    `who`: whose it is ("": nobody's, read by itself); `at`: when it was written. `read`: False for a bare command;
    `part`: whether it can be part of a sentence, as no command and no number is.
    """

    number: int
    day: date
    text: str
    speaker: Speaker = Speaker.MEMBER
    who: str = ""
    at: datetime = LONG_AGO
    read: bool = True
    part: bool = True
    house_id: int | None = None
    night: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    at: datetime
    text: str
    part: bool


class Replay:
    """One screener reads messages in the order in which they came in."""

    def __init__(self, screener: Screener) -> None:
        self._read = lru_cache(KEPT)(screener.read)
        self._said: dict[str, deque[_Said]] = defaultdict(lambda: deque(maxlen=LOOKED_AT))

    def read(self, heard: Heard) -> Reading | None:
        """None: it is not read for danger."""
        reading = self._read(heard.text, self._context(heard)) if heard.read else None
        if heard.who:
            part = heard.part and (reading is None or reading.level is not Level.RED)
            self._said[heard.who].append(_Said(heard.at, heard.text, part))
        return reading

    def _context(self, heard: Heard) -> Context:
        """WeChat's time is exact to a second: two messages of one second stand on both sides of each other."""
        if not heard.who or not heard.part:
            return Context(speaker=heard.speaker)
        near = [one for one in self._said[heard.who] if one.part and abs(one.at - heard.at) <= TOGETHER]
        near.sort(key=lambda one: one.at)
        return Context(
            earlier=tuple(one.text for one in near if one.at <= heard.at)[-MESSAGES:],
            later=tuple(one.text for one in near if one.at >= heard.at)[:MESSAGES],
            speaker=heard.speaker,
        )


@dataclass
class Load:
    """How often somebody is called, by house (None: strangers): for today or for now, each person once an hour."""

    alarms: Counter[int | None] = field(default_factory=Counter)
    at_night: Counter[int | None] = field(default_factory=Counter)
    _last: dict[str, datetime] = field(default_factory=dict)

    def add(self, heard: Heard, reading: Reading) -> None:
        if reading.level < Level.ORANGE:
            return
        last = self._last.get(heard.who)
        if heard.who:
            self._last[heard.who] = heard.at
        if last is None or heard.at - last >= ONE_ALARM:
            self.alarms[heard.house_id] += 1
            self.at_night[heard.house_id] += heard.night


@dataclass
class Difference:
    """`newly`, `no_longer`: by rule, the messages that it fires on under the new rules only, or the old ones only.

    `moved`: how many messages went from one level to another; `more`, `less`: those that became more or less urgent;
    `lost`: those that were red and are not.
    """

    read: int = 0
    before: dict[date, Counter[Level]] = field(default_factory=lambda: defaultdict(Counter))
    after: dict[date, Counter[Level]] = field(default_factory=lambda: defaultdict(Counter))
    newly: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    no_longer: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    moved: Counter[tuple[Level, Level]] = field(default_factory=Counter)
    more: list[int] = field(default_factory=list)
    less: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    by_house: Counter[int | None] = field(default_factory=Counter)
    load_before: Load = field(default_factory=Load)
    load_after: Load = field(default_factory=Load)

    @property
    def days(self) -> list[date]:
        return sorted(self.before.keys() | self.after.keys())

    @property
    def named(self) -> set[int]:
        """Every message that stands somewhere in it by its number."""
        by_rule = (number for found in (self.newly, self.no_longer) for one in found.values() for number in one)
        return {*by_rule, *self.more, *self.less, *self.lost}

    @staticmethod
    def total(by_day: dict[date, Counter[Level]], level: Level) -> int:
        return sum(counts[level] for counts in by_day.values())

    def add(self, heard: Heard, was: Reading, will: Reading) -> None:
        self.read += 1
        self.by_house[heard.house_id] += 1
        self.before[heard.day][was.level] += 1
        self.after[heard.day][will.level] += 1
        for rule in sorted(_fired(will) - _fired(was)):
            self.newly[rule].append(heard.number)
        for rule in sorted(_fired(was) - _fired(will)):
            self.no_longer[rule].append(heard.number)
        if will.level != was.level:
            self.moved[was.level, will.level] += 1
            (self.more if will.level > was.level else self.less).append(heard.number)
        if was.level is Level.RED and will.level < Level.RED:
            self.lost.append(heard.number)
        self.load_before.add(heard, was)
        self.load_after.add(heard, will)


def compare(
    messages: Iterable[Heard], old: Screener, new: Screener, breathe: Callable[[], object] = lambda: None
) -> Difference:
    """`messages` in the order in which they came in; `breathe` is called after each."""
    found = Difference()
    one, other = Replay(old), Replay(new)
    for heard in messages:
        was, will = one.read(heard), other.read(heard)
        if was is not None and will is not None:
            found.add(heard, was, will)
        breathe()
    return found


def _fired(reading: Reading) -> set[str]:
    return {hit.rule for hit in reading.hits if hit.level is not Level.NONE}
