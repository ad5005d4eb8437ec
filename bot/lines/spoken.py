"""The lines as a sentence says them: what can be called now, and what answers later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.duty.holidays import kind_of
from app.duty.models import DayKind
from bot.lines import Line, Standing, State, Use, standing
from bot.wording import DEFAULT, Wording
from bot.wording.moments import moment_words

CHINESE = frozenset({"zh", "yue"})


def is_holiday(day: date, zone: str) -> bool:
    """A public holiday where the lines are; what a house closes for is nothing to them."""
    return kind_of(day, zone) is DayKind.OFF


@dataclass(frozen=True)
class Callables:
    """What can be called at `now`, in the words of one locale; `zone` is the clock on the reader's wall."""

    lines: Sequence[Line]
    words: Wording
    now: datetime
    zone: str

    def support(self) -> str:
        """Who listens now, whoever speaks the reader's language first; when nobody does, who will, and from when.

        Where no such line is known it is the emergency numbers: a sentence must never end in nothing.
        """
        found = self._to_talk()
        now = [self._called(one.line) for one in found if one.state is not State.CLOSED]
        later = [self.words.say("lines.from", line=self._called(one.line), opens=opens) for one, opens in self._later()]
        return self._joined(now or later) or self.emergency()

    def emergency(self) -> str:
        return self._joined([line.number for line in self.lines if line.use is Use.DANGER])

    def later(self) -> str:
        """Who is not there now, each with when they are: lines to stand below a sentence, or nothing."""
        if all(one.state is State.CLOSED for one in self._to_talk()):
            return ""  # then `support` has said it
        said = [self.words.say("lines.opens", line=self._called(one.line), opens=opens) for one, opens in self._later()]
        return "".join(f"\n{each}" for each in said)

    def _to_talk(self) -> list[Standing]:
        spoken = [line for line in self.lines if line.use is Use.TALK]
        spoken.sort(key=lambda line: not self._understood(line))
        return [standing(line, self.now, is_holiday) for line in spoken]

    def _later(self) -> list[tuple[Standing, str]]:
        """Who is closed, with the moment at which they open, in words; the soonest first."""
        known = [(one, one.opens_at) for one in self._to_talk() if one.state is State.CLOSED and one.opens_at]
        known.sort(key=lambda pair: pair[1])
        return [(one, moment_words(at, self.now, self.zone, self.words.locale)) for one, at in known]

    def _understood(self, line: Line) -> bool:
        """Whether it speaks the reader's language; nothing is known of a line that does not say which it speaks."""
        reader = CHINESE if self.words.locale.startswith("zh") else {self.words.locale}
        return not line.languages or bool(reader & set(line.languages))

    def _called(self, line: Line) -> str:
        notes = [_in(self.words.locale, line.name), *self._notes(line), _in(self.words.locale, line.note)]
        said = [note for note in notes if note]
        if not said:
            return line.number
        together = said[-1]
        for note in reversed(said[:-1]):
            together = self.words.say("lines.notes", one=note, more=together)
        return self.words.say("lines.noted", number=line.number, notes=together)

    def _notes(self, line: Line) -> list[str]:
        is_so = {"free": line.free, "day_and_night": line.day_and_night, "texts": line.texts}
        return [self.words.say(f"lines.{name}") for name, said in is_so.items() if said]

    def _joined(self, said: Sequence[str]) -> str:
        if len(said) < 2:
            return "".join(said)
        together = self.words.say("lines.two", one=said[-2], other=said[-1])
        for each in reversed(said[:-2]):
            together = self.words.say("lines.more", one=each, more=together)
        return together


def _in(locale: str, words: Mapping[str, str]) -> str:
    return words.get(locale) or words.get("") or words.get(DEFAULT, "")
