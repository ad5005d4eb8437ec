"""Coming or not: an answer may change until the end, a check-in counts once, and nobody is asked in vain."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.activities.machine import (
    Answer,
    Door,
    Outcome,
    Seat,
    answer,
    arrive,
    ask_again,
    remind,
)

STARTS = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=2)
MORNING = STARTS - timedelta(hours=5)
SECOND = timedelta(seconds=1)


def says(seat: Seat, said: Answer, now: datetime = MORNING, *, cancelled: bool = False) -> tuple[Seat, Outcome]:
    return answer(seat, said, now, ends_at=ENDS, cancelled=cancelled)


def comes(seat: Seat, now: datetime, *, cancelled: bool = False) -> tuple[Seat, Door]:
    return arrive(seat, now, starts_at=STARTS, ends_at=ENDS, cancelled=cancelled)


@pytest.mark.parametrize(
    ("before", "said", "after", "outcome"),
    [
        (Seat(), Answer.GOING, Seat(Answer.GOING), Outcome.RECORDED),
        (Seat(), Answer.NOT_GOING, Seat(Answer.NOT_GOING), Outcome.RECORDED),
        (Seat(), Answer.UNDECIDED, Seat(Answer.UNDECIDED), Outcome.RECORDED),
        (Seat(Answer.GOING), Answer.GOING, Seat(Answer.GOING), Outcome.UNCHANGED),
        (Seat(Answer.GOING), Answer.NOT_GOING, Seat(Answer.NOT_GOING, 1), Outcome.CHANGED),
        (Seat(Answer.NOT_GOING, 1), Answer.GOING, Seat(Answer.GOING, 2), Outcome.CHANGED),
        (Seat(Answer.GOING, 0, True), Answer.NOT_GOING, Seat(Answer.GOING, 0, True), Outcome.ALREADY_THERE),
    ],
    ids=[
        "the first yes", "the first no", "not sure yet", "yes again changes nothing", "a change is counted",
        "changed back is a change, too", "who is there cannot be unasked by a word",
    ],
)  # fmt: skip
def test_what_an_answer_does(before: Seat, said: Answer, after: Seat, outcome: Outcome) -> None:
    assert says(before, said) == (after, outcome)


@pytest.mark.parametrize(
    ("now", "cancelled", "outcome"),
    [
        (STARTS + timedelta(hours=1), False, Outcome.RECORDED),
        (ENDS - SECOND, False, Outcome.RECORDED),
        (ENDS, False, Outcome.OVER),
        (MORNING, True, Outcome.CANCELLED),
        (ENDS, True, Outcome.CANCELLED),
    ],
    ids=["while it goes on", "just before the end", "at the end", "called off", "called off and over"],
)
def test_an_answer_counts_until_the_end(now: datetime, cancelled: bool, outcome: Outcome) -> None:
    seat, heard = says(Seat(), Answer.GOING, now, cancelled=cancelled)
    assert heard is outcome
    assert (seat.answer is Answer.GOING) is (outcome is Outcome.RECORDED)


@pytest.mark.parametrize(
    ("now", "door"),
    [
        (STARTS - timedelta(minutes=30) - SECOND, Door.NOT_YET),
        (STARTS - timedelta(minutes=30), Door.WELCOME),
        (STARTS, Door.WELCOME),
        (ENDS, Door.WELCOME),
        (ENDS + SECOND, Door.CLOSED),
    ],
    ids=["too early", "half an hour before", "at the start", "at the last moment", "after the end"],
)
def test_the_door_is_open_from_half_an_hour_before_until_the_end(now: datetime, door: Door) -> None:
    seat, said = comes(Seat(Answer.GOING), now)
    assert said is door
    assert seat.present is (door is Door.WELCOME)


@pytest.mark.parametrize("signed_up", [None, *Answer], ids=str)
def test_who_comes_is_welcome_whatever_they_answered(signed_up: Answer | None) -> None:
    assert comes(Seat(signed_up), STARTS) == (Seat(Answer.GOING, 0, True), Door.WELCOME)


def test_coming_in_twice_is_coming_in_once() -> None:
    seat, _welcome = comes(Seat(), STARTS)
    assert comes(seat, STARTS + SECOND) == (seat, Door.ALREADY)
    assert comes(seat, ENDS + SECOND) == (seat, Door.ALREADY)


def test_the_door_of_a_cancelled_activity_says_so() -> None:
    assert comes(Seat(Answer.GOING), STARTS, cancelled=True) == (Seat(Answer.GOING), Door.CANCELLED)


@pytest.mark.parametrize(
    ("seat", "reminded"),
    [
        (Seat(), False),
        (Seat(Answer.GOING), True),
        (Seat(Answer.UNDECIDED), True),
        (Seat(Answer.NOT_GOING), False),
        (Seat(Answer.GOING, 0, True), False),
    ],
    ids=["who has not answered", "who comes", "who is not sure", "who does not come", "who is there"],
)
def test_who_is_reminded(seat: Seat, reminded: bool) -> None:
    assert remind(seat) is reminded


@pytest.mark.parametrize(
    ("moved_by", "asked"),
    [
        (timedelta(), False),
        (timedelta(minutes=60), False),
        (-timedelta(minutes=60), False),
        (timedelta(minutes=61), True),
        (-timedelta(minutes=61), True),
        (timedelta(days=1), True),
    ],
    ids=str,
)
def test_a_move_of_more_than_an_hour_asks_again(moved_by: timedelta, asked: bool) -> None:
    assert ask_again(moved_by) is asked


class SeatLife(RuleBasedStateMachine):
    """One member and one activity, whatever both of them do."""

    @initialize()
    def the_invitation_goes_out(self) -> None:
        self.now = MORNING
        self.seat = Seat()
        self.cancelled = False
        self.said: list[Answer] = []

    @rule(span=st.sampled_from([1, 30, 60, 150]))
    def time_passes(self, span: int) -> None:
        self.now += timedelta(minutes=span)

    @rule(said=st.sampled_from(Answer))
    def the_member_answers(self, said: Answer) -> None:
        before = self.seat
        self.seat, outcome = says(before, said, self.now, cancelled=self.cancelled)
        if outcome in (Outcome.RECORDED, Outcome.CHANGED):
            assert self.seat.answer is said
            assert not self.cancelled
            assert self.now < ENDS
            self.said.append(said)
        else:
            assert self.seat == before, f"{outcome} changes nothing"
        if outcome is Outcome.UNCHANGED:
            assert before.answer is said

    @rule()
    def the_member_comes(self) -> None:
        before = self.seat
        self.seat, door = comes(before, self.now, cancelled=self.cancelled)
        if door is Door.WELCOME:
            assert self.seat == Seat(Answer.GOING, before.changes, True)
            assert STARTS - timedelta(minutes=30) <= self.now <= ENDS
        else:
            assert self.seat == before, f"a door that says {door} lets nobody in"
        assert comes(self.seat, self.now, cancelled=self.cancelled)[0] == self.seat, "twice is once"

    @rule()
    def it_is_called_off(self) -> None:
        self.cancelled = True

    @invariant()
    def who_is_there_counts_as_coming(self) -> None:
        if self.seat.present:
            assert self.seat.answer is Answer.GOING
            assert not remind(self.seat)

    @invariant()
    def the_changes_are_counted(self) -> None:
        assert self.seat.changes == max(0, len(self.said) - 1)
        if self.said and not self.seat.present:
            assert self.seat.answer is self.said[-1]


TestSeatLife = SeatLife.TestCase
