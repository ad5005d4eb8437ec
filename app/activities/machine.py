"""Coming or not, as a pure machine: what an answer does to an RSVP, and when a check-in counts."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Answer(StrEnum):
    GOING = "going"
    NOT_GOING = "not_going"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Seat:
    """One member and one occurrence: what was answered, how often it changed, whether they came."""

    answer: Answer | None = None
    changes: int = 0
    present: bool = False


class Outcome(StrEnum):
    RECORDED = "recorded"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    ALREADY_THERE = "already_there"
    OVER = "over"
    CANCELLED = "cancelled"


def answer(seat: Seat, said: Answer, now: datetime, *, ends_at: datetime, cancelled: bool) -> tuple[Seat, Outcome]:
    """An answer may change at any time until the end. Who has checked in cannot be unasked by a word."""
    if cancelled:
        return seat, Outcome.CANCELLED
    if now >= ends_at:
        return seat, Outcome.OVER
    if seat.present:
        return seat, Outcome.ALREADY_THERE
    if seat.answer is said:
        return seat, Outcome.UNCHANGED
    if seat.answer is None:
        return replace(seat, answer=said), Outcome.RECORDED
    return replace(seat, answer=said, changes=seat.changes + 1), Outcome.CHANGED


class Door(StrEnum):
    """What the door of an activity says to somebody who arrives."""

    WELCOME = "welcome"
    ALREADY = "already"
    NOT_YET = "not_yet"
    CLOSED = "closed"
    CANCELLED = "cancelled"


OPENS_BEFORE = timedelta(minutes=30)


def arrive(
    seat: Seat, now: datetime, *, starts_at: datetime, ends_at: datetime, cancelled: bool, on_list: bool = False,
    closed: bool = False,
) -> tuple[Seat, Door]:  # fmt: skip
    """Check-in is open from half an hour before the start until the end; a second time changes nothing.

    Staff may complete the list (`on_list`) until it is `closed`, however late.
    """
    if cancelled:
        return seat, Door.CANCELLED
    if seat.present:
        return seat, Door.ALREADY
    if now < starts_at - OPENS_BEFORE:
        return seat, Door.NOT_YET
    if closed or (now > ends_at and not on_list):
        return seat, Door.CLOSED
    return replace(seat, answer=Answer.GOING, present=True), Door.WELCOME


REMINDED = (Answer.GOING, Answer.UNDECIDED)


def remind(seat: Seat) -> bool:
    """Who is reminded: those who come and those who have not decided; not the absent, not the arrived."""
    return not seat.present and seat.answer in REMINDED


def ask_again(moved_by: timedelta) -> bool:
    """An occurrence that moves by more than an hour is a new question."""
    return abs(moved_by) > timedelta(hours=1)


class Tick(StrEnum):
    """What became of a name that was ticked on a list."""

    TICKED = "ticked"
    ALREADY = "already"
    OLD = "old"


def tick(last: int | None, *, live: bool, shown: int) -> Tick:
    """A tick on a list that showed this person with the mark `shown` (0: with none); `last` is their last mark now.

    Ticked twice is ticked once. What was taken back after the list was shown is not ticked again by that list.
    """
    if last is not None and live:
        return Tick.ALREADY
    return Tick.TICKED if shown == (last or 0) else Tick.OLD


class Absence(StrEnum):
    """Who said that they come and did not. Not to know why is no reproach: unknown is not a no-show."""

    UNKNOWN = "unknown"
    EXCUSED = "excused"
    NO_SHOW = "no_show"


class Hears(StrEnum):
    """What somebody who was asked hears of a change."""

    TOLD = "told"
    CALLED = "called"
    STOPPED = "stopped"
    SAID_NO = "said_no"


@dataclass(frozen=True)
class Invited:
    """Somebody who was asked: what they said, whether they want to hear from us, whether a word gets there in time."""

    answer: Answer | None
    wants: bool
    in_time: bool


def hears(who: Invited, *, again: bool) -> Hears:
    """`again`: everybody is asked anew, those who said no as well: another day may suit them."""
    if who.answer is Answer.NOT_GOING and not again:
        return Hears.SAID_NO
    if not who.wants:
        return Hears.STOPPED
    return Hears.TOLD if who.in_time else Hears.CALLED
