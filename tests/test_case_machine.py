"""Nobody is lost: what may happen to a case, in any order, and what must hold whatever happens."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.escalations import log
from app.escalations.events import (
    Alert,
    AskToAccept,
    CalledOff,
    Closed,
    Contacted,
    DrillOver,
    Due,
    Effect,
    Event,
    Flagged,
    HelpWanted,
    NobodyTookIt,
    Offered,
    Refused,
    ShiftChanged,
    Taken,
    TellLeaders,
    TellMember,
    TellOthers,
    TellOwner,
    Undeliverable,
)
from app.escalations.ladders import DEFAULTS, read_ladder
from app.escalations.machine import decide, open_case
from app.escalations.models import CaseEvent
from app.escalations.states import Case, Ladder, Level, Outcome, State

NINE = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
TOMORROW = date(2026, 11, 26)
WORKER, BACKUP, SUPERVISOR, DUTY = 1, 2, 3, 4
ALL_THERE = ((WORKER, DUTY), (BACKUP,), (SUPERVISOR,))
NOBODY = ((), (), ())
Reachable = tuple[tuple[int, ...], ...]


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def ladder_of(level: Level) -> Ladder:
    return read_ladder(DEFAULTS[level])


def closed(by: int, outcome: Outcome = Outcome.MET, **said: Any) -> Closed:
    """A result with everything that has to be said, unless `said` otherwise."""
    return Closed(by, outcome, **{"next_contact": TOMORROW, "grade": 0, "on": NINE.date(), **said})


@dataclass
class Life:
    """One case and its clock, as the examples speak of them."""

    level: Level = Level.RED
    now: datetime = NINE
    case: Case = field(init=False)

    def __post_init__(self) -> None:
        self.case = open_case(self.level, ladder_of(self.level), self.now)

    def happens(self, event: Event, after: timedelta = timedelta()) -> tuple[Effect, ...]:
        self.now += after
        self.case, effects = decide(self.case, event, self.now)
        return effects

    def moment_comes(self, reachable: Reachable = ALL_THERE) -> tuple[Effect, ...]:
        assert self.case.next_action_at is not None, "nothing will happen any more"
        self.now = max(self.now, self.case.next_action_at)
        return self.happens(Due(reachable))

    @property
    def waits(self) -> timedelta | None:
        """How long until it acts next."""
        return None if self.case.next_action_at is None else self.case.next_action_at - self.now


def alerted(effects: Sequence[Effect]) -> list[tuple[int, ...]]:
    return [effect.people for effect in effects if isinstance(effect, Alert)]


# The ladder


def test_a_case_acts_the_moment_it_is_opened() -> None:
    life = Life()
    assert life.waits == minutes(0)
    assert alerted(life.moment_comes()) == [(WORKER, DUTY)]


def test_after_ten_minutes_the_backup_five_later_the_supervisor_then_everybody_every_ten() -> None:
    life = Life()
    told = []
    for _ in range(6):
        effects = life.moment_comes()
        told.append(((life.now - NINE) // minutes(1), *alerted(effects)))
    everybody = (WORKER, DUTY, BACKUP, SUPERVISOR)
    assert told == [
        (0, (WORKER, DUTY)),
        (10, (BACKUP,)),
        (15, (SUPERVISOR,)),
        (25, everybody),
        (35, everybody),
        (45, everybody),
    ]


def test_red_goes_on_for_ever_until_somebody_takes_it() -> None:
    life = Life()
    for _ in range(1000):
        assert alerted(life.moment_comes())
    assert life.waits == minutes(10)


def test_each_round_reaches_a_wider_circle_and_by_every_way() -> None:
    colleague, far = 7, 8
    life = Life()
    there = (*ALL_THERE, (WORKER, colleague), (WORKER, colleague, far))
    for _ in range(3):
        life.moment_comes(there)
    everybody = (WORKER, DUTY, BACKUP, SUPERVISOR)
    rounds = [life.moment_comes(there) for _ in range(4)]
    assert rounds == [
        (Alert(everybody, 3, loud=True),),
        (Alert((*everybody, colleague), 3, loud=True),),
        (Alert((*everybody, colleague, far), 3, loud=True),),
        (Alert((*everybody, colleague, far), 3, loud=True),),
    ]


def test_where_a_ladder_leads_to_nobody_the_next_circle_hears_at_once() -> None:
    life = Life()
    assert life.moment_comes(((), (), (), (), (8,))) == (Alert((8,), 3, loud=True),)
    assert life.now == NINE


def test_a_step_says_by_which_ways_it_wants_its_people_told() -> None:
    life = Life()
    first = replace(life.case.ladder.steps[0], channels=("sms", "wechat"))
    life.case = replace(life.case, ladder=replace(life.case.ladder, steps=(first, *life.case.ladder.steps[1:])))
    assert life.moment_comes() == (Alert((WORKER, DUTY), 0, ("sms", "wechat")),)
    assert life.moment_comes() == (Alert((BACKUP,), 1),)


def test_a_bell_that_rings_too_early_changes_nothing() -> None:
    life = Life()
    life.moment_comes()
    before = life.case
    assert life.happens(Due(ALL_THERE), after=minutes(9)) == ()
    assert life.case == before


def test_who_comes_on_duty_hears_of_red_that_waits_and_no_clock_is_moved() -> None:
    life = Life()
    life.moment_comes()
    before = life.case
    assert life.happens(ShiftChanged((DUTY,)), after=minutes(3)) == (Alert((DUTY,), 1),)
    assert life.case == before
    life.happens(Taken(WORKER))
    assert life.happens(ShiftChanged((BACKUP,))) == ()


@pytest.mark.parametrize("level", [Level.ORANGE, Level.YELLOW])
def test_a_change_of_shift_wakes_nobody_for_what_is_not_red(level: Level) -> None:
    assert Life(level).happens(ShiftChanged((DUTY,))) == ()


def test_red_goes_on_even_under_a_ladder_that_counts_its_rounds() -> None:
    life = Life()
    life.case = replace(life.case, ladder=replace(life.case.ladder, loops=1))
    for _ in range(10):
        assert alerted(life.moment_comes())


@pytest.mark.parametrize(
    ("there", "told", "step", "wait"),
    [
        (((), (BACKUP,), (SUPERVISOR,)), (BACKUP,), 1, 5),
        (((), (), (SUPERVISOR,)), (SUPERVISOR,), 2, 10),
        (((WORKER,), (), ()), (WORKER,), 0, 10),
    ],
    ids=["worker away: the backup at once", "only the supervisor: at once", "worker there: the usual ten minutes"],
)
def test_a_step_that_leads_to_nobody_takes_no_time(there: Reachable, told: Any, step: int, wait: int) -> None:
    life = Life()
    assert life.moment_comes(there) == (Alert(told, step),)
    assert (life.now, life.waits) == (NINE, minutes(wait))


def test_where_nobody_can_be_reached_at_all_it_is_said_and_tried_again() -> None:
    life = Life()
    assert life.moment_comes(NOBODY) == (NobodyTookIt(),)
    assert life.waits == minutes(10)
    assert alerted(life.moment_comes(((), (BACKUP,), ()))) == [(BACKUP,)]


def test_orange_ends_its_ladder_on_the_list_of_what_nobody_took() -> None:
    life = Life(Level.ORANGE)
    said = [life.moment_comes() for _ in range(6)]
    assert [bool(alerted(effects)) for effects in said] == [True, True, True, True, True, False]
    assert said[-1] == (NobodyTookIt(),)
    assert (life.waits, life.case.state, life.case.ran_out) == (timedelta(days=1), State.OPEN, True)
    assert life.moment_comes() == (NobodyTookIt(),), "and every day it is said again"


@pytest.mark.parametrize("late", [minutes(0), timedelta(days=3)], ids=["at once", "three days later"])
def test_what_nobody_took_can_still_be_taken(late: timedelta) -> None:
    life = Life(Level.ORANGE)
    while not life.case.ran_out:
        life.moment_comes()
    assert TellMember(BACKUP, by=life.now + late + minutes(480)) in life.happens(Taken(BACKUP), after=late)


def test_who_says_not_safe_is_heard_even_when_the_ladder_has_run_out() -> None:
    life = Life(Level.ORANGE)
    while not life.case.ran_out:
        life.moment_comes()
    for _ in range(2):
        before = life.case.version
        assert alerted(life.happens(HelpWanted(ALL_THERE))) == [(WORKER, DUTY, BACKUP, SUPERVISOR)]
        assert life.case.version > before


def test_an_alert_that_reaches_its_person_by_no_channel_goes_to_the_next_one_now() -> None:
    life = Life()
    life.moment_comes()
    assert alerted(life.happens(Undeliverable(WORKER, ALL_THERE), after=minutes(1))) == [(BACKUP,)]
    assert life.waits == minutes(5)


def test_an_alert_that_could_not_be_delivered_after_somebody_took_it_disturbs_nobody() -> None:
    life = Life()
    life.moment_comes()
    life.happens(Taken(DUTY))
    assert life.happens(Undeliverable(WORKER, ALL_THERE)) == ()
    assert life.case.state is State.ACKNOWLEDGED


@given(st.lists(st.tuples(*[st.sampled_from([(), (WORKER,), (BACKUP, DUTY)])] * 3), max_size=40))
def test_alerts_that_all_fail_at_once_do_not_ring_for_ever(reachable: list[Reachable]) -> None:
    life = Life()
    life.moment_comes()
    climbs = [life.happens(Undeliverable(WORKER, there)) for there in reachable]
    assert len([effects for effects in climbs if effects]) < len(life.case.ladder.steps)
    assert life.waits is not None
    assert life.waits > minutes(0)


# Taking it


def test_who_takes_it_is_named_to_everybody_and_to_the_member() -> None:
    life = Life()
    life.moment_comes()
    assert life.happens(Taken(DUTY)) == (TellOthers(DUTY), TellMember(DUTY, by=NINE + minutes(30)))
    assert (life.case.state, life.case.owner, life.waits) == (State.ACKNOWLEDGED, DUTY, minutes(30))


def test_the_second_to_take_it_hears_who_has_it_and_nothing_changes() -> None:
    life = Life()
    life.happens(Taken(WORKER))
    before = life.case
    assert life.happens(Taken(BACKUP)) == (Refused("taken", WORKER),)
    assert life.happens(Taken(WORKER)) == (Refused("yours", WORKER),)
    assert life.case == before


def test_taken_and_not_contacted_the_owner_is_reminded_after_thirty_minutes() -> None:
    life = Life()
    life.moment_comes()
    life.happens(Taken(WORKER))
    assert life.moment_comes() == (TellOwner(WORKER, "contact"),)
    assert (life.now - NINE, life.waits) == (minutes(30), minutes(10))
    assert life.case.owner == WORKER


def test_ten_minutes_after_the_reminder_it_is_everybodys_again_and_the_next_step_is_told() -> None:
    life = Life()
    life.moment_comes()
    life.happens(Taken(WORKER))
    life.moment_comes()
    assert life.moment_comes() == (TellOwner(WORKER, "stale"), Alert((BACKUP,), 1))
    assert life.now - NINE == minutes(40)
    assert (life.case.state, life.case.owner, life.waits) == (State.OPEN, None, minutes(5))


def test_contacted_in_time_keeps_it_with_its_owner_who_owes_a_result() -> None:
    life = Life()
    life.moment_comes()
    life.happens(Taken(WORKER))
    life.moment_comes()
    life.happens(Contacted(WORKER), after=minutes(5))
    assert (life.case.state, life.waits) == (State.CONTACTED, timedelta(hours=24))
    for _ in range(2):
        assert life.moment_comes() == (TellOwner(WORKER, "result"),)
    assert life.case.owner == WORKER


def test_a_result_owed_for_three_days_is_heard_by_whoever_leads_and_anybody_may_take_the_case_over() -> None:
    life = Life()
    life.happens(Taken(WORKER))
    life.happens(Contacted(WORKER))
    assert life.happens(Taken(BACKUP)) == (Refused("taken", WORKER),)
    for _ in range(2):
        life.moment_comes()
    assert life.moment_comes() == (TellOwner(WORKER, "result"), TellLeaders())
    assert life.case.owner == WORKER, "nobody is relieved by time alone"
    assert life.happens(Taken(BACKUP)) == (TellOthers(BACKUP), TellOwner(WORKER, "handed_over"))
    assert (life.case.owner, life.case.reminded) == (BACKUP, 0)


def test_orange_that_was_taken_and_never_spoken_to_is_everybodys_again_after_three_reminders() -> None:
    life = Life(Level.ORANGE)
    life.moment_comes()
    life.happens(Taken(WORKER))
    for _ in range(3):
        assert TellOwner(WORKER, "result") in life.moment_comes()
    assert life.moment_comes() == (TellOwner(WORKER, "stale"), Alert((BACKUP,), 1))
    assert (life.case.state, life.case.owner) == (State.OPEN, None)


@pytest.mark.parametrize("event", [Contacted(BACKUP), Offered(BACKUP, DUTY), closed(BACKUP)])
def test_only_the_owner_speaks_for_a_case(event: Event) -> None:
    life = Life()
    assert life.happens(event) == (Refused("not_yours", None),)
    life.happens(Taken(WORKER))
    before = life.case
    assert life.happens(event) == (Refused("not_yours", WORKER),)
    assert life.case == before


def test_an_offered_case_stays_with_its_owner_until_the_other_accepts() -> None:
    life = Life()
    life.happens(Taken(WORKER))
    assert life.happens(Offered(WORKER, to=BACKUP), after=minutes(5)) == (AskToAccept(BACKUP, by=WORKER),)
    assert (life.case.owner, life.waits) == (WORKER, minutes(25))
    assert life.happens(Taken(SUPERVISOR)) == (Refused("taken", WORKER),)
    assert life.happens(Taken(BACKUP)) == (TellOthers(BACKUP), TellOwner(WORKER, "handed_over"))
    assert (life.case.owner, life.case.offered_to, life.waits) == (BACKUP, None, minutes(30))


def test_who_accepts_a_case_has_the_whole_time_and_a_reminder_of_their_own() -> None:
    life = Life()
    life.moment_comes()
    life.happens(Taken(WORKER))
    life.moment_comes()
    life.happens(Offered(WORKER, to=BACKUP))
    life.happens(Taken(BACKUP), after=minutes(5))
    assert life.waits == minutes(30)
    assert life.moment_comes() == (TellOwner(BACKUP, "contact"),)
    assert life.case.owner == BACKUP


def test_an_offer_that_nobody_accepts_does_not_stop_the_clock() -> None:
    life = Life()
    life.moment_comes()
    life.happens(Taken(WORKER))
    life.moment_comes()
    life.happens(Offered(WORKER, to=BACKUP))
    life.moment_comes()
    assert (life.case.state, life.case.owner, life.case.offered_to) == (State.OPEN, None, None)


# Danger again


def test_a_flag_of_the_same_level_does_not_clear_who_has_it() -> None:
    life = Life()
    life.happens(Taken(WORKER))
    before = life.case
    for level, what in ((Level.YELLOW, "goes_on"), (Level.ORANGE, "more"), (Level.RED, "more")):
        assert life.happens(Flagged(level, ladder_of(level))) == (TellOwner(WORKER, what),)
    assert life.case == before


def test_red_words_after_contact_leave_it_with_its_owner_who_has_half_an_hour_to_speak_to_them_again() -> None:
    life = Life()
    life.happens(Taken(WORKER))
    life.happens(Contacted(WORKER))
    assert life.happens(Flagged(Level.ORANGE, ladder_of(Level.ORANGE)), after=minutes(60))
    assert life.case.state is State.CONTACTED
    life.happens(Flagged(Level.RED, ladder_of(Level.RED)))
    assert (life.case.state, life.case.owner, life.waits) == (State.ACKNOWLEDGED, WORKER, minutes(30))
    assert life.moment_comes() == (TellOwner(WORKER, "contact"),)
    assert TellOwner(WORKER, "stale") in life.moment_comes()


def test_not_safe_after_contact_is_everybodys_ten_minutes_later() -> None:
    life = Life()
    life.happens(Taken(WORKER))
    life.happens(Contacted(WORKER))
    life.happens(HelpWanted(ALL_THERE))
    assert (life.case.owner, life.waits) == (WORKER, minutes(10))
    assert TellOwner(WORKER, "stale") in life.moment_comes()
    assert (life.case.state, life.case.owner) == (State.OPEN, None)


def test_not_reached_twice_is_heard_by_whoever_leads_and_the_contact_is_owed_anew() -> None:
    life = Life()
    life.happens(Taken(WORKER))
    life.happens(Contacted(WORKER))
    assert life.happens(Closed(WORKER, Outcome.UNREACHED)) == ()
    assert (life.case.state, life.waits) == (State.ACKNOWLEDGED, minutes(30))
    assert life.happens(Closed(WORKER, Outcome.UNREACHED), after=minutes(20)) == (TellLeaders("unreached"),)


@pytest.mark.parametrize("taken", [False, True], ids=["untaken", "taken"])
def test_a_flag_of_a_higher_level_starts_the_ladder_of_that_level_again(taken: bool) -> None:
    life = Life(Level.ORANGE)
    life.moment_comes()
    if taken:
        life.happens(Taken(WORKER))
    told = life.happens(Flagged(Level.RED, ladder_of(Level.RED)), after=minutes(3))
    assert told == ((TellOwner(WORKER, "raised"),) if taken else ())
    assert (life.case.level, life.case.state, life.case.owner) == (Level.RED, State.OPEN, None)
    assert life.waits == minutes(0)
    assert alerted(life.moment_comes()) == [(WORKER, DUTY)]


def test_not_safe_tells_the_owner_and_everybody_else_and_brings_the_next_look_closer() -> None:
    life = Life()
    life.happens(Taken(WORKER))
    told = life.happens(HelpWanted(ALL_THERE), after=minutes(1))
    assert told == (TellOwner(WORKER, "help"), Alert((DUTY, BACKUP, SUPERVISOR), 0, loud=True))
    assert life.waits == minutes(10)


def test_not_safe_again_and_again_never_puts_the_clock_back() -> None:
    life = Life()
    life.happens(Taken(WORKER))
    looked_at = NINE + minutes(11)
    for _ in range(10):
        assert alerted(life.happens(HelpWanted(ALL_THERE), after=minutes(1)))
        assert life.case.next_action_at == looked_at
    life.moment_comes()
    assert life.now == looked_at


# How it ends


@pytest.mark.parametrize(
    ("outcome", "next_contact", "ends"),
    [
        (Outcome.CALLED, TOMORROW, True),
        (Outcome.MET, TOMORROW, True),
        (Outcome.FAMILY, TOMORROW, True),
        (Outcome.REFERRED, TOMORROW, True),
        (Outcome.FALSE_ALARM, None, True),
        (Outcome.FALSE_ALARM, TOMORROW, True),
        (Outcome.CALLED, None, False),
        (Outcome.REFERRED, None, False),
        (Outcome.UNREACHED, None, False),
        (Outcome.UNREACHED, TOMORROW, False),
    ],
)
def test_a_result_ends_a_case_when_it_says_when_the_next_contact_is(
    outcome: Outcome, next_contact: date | None, ends: bool
) -> None:
    life = Life()
    life.happens(Taken(WORKER))
    life.happens(closed(WORKER, outcome, next_contact=next_contact))
    assert (life.case.state is State.RESOLVED) is ends
    assert (life.case.next_action_at is None) is ends
    if ends:
        assert (life.case.outcome, life.case.next_contact) == (outcome, next_contact)


def test_a_result_without_a_next_contact_is_asked_for_it() -> None:
    life = Life()
    life.happens(Taken(WORKER))
    assert life.happens(Closed(WORKER, Outcome.CALLED)) == (Refused("needs_next_contact", WORKER),)


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({"grade": None}, "needs_grade"),
        ({"grade": 6}, "needs_grade"),
        ({"grade": 3}, "needs_referral"),
        ({"grade": 5}, "needs_referral"),
        ({"grade": 4, "referred": True, "next_contact": NINE.date() + timedelta(days=15)}, "next_contact_too_late"),
        ({"next_contact": NINE.date() - timedelta(days=1)}, "next_contact_is_over"),
    ],
)
def test_a_case_does_not_end_before_everything_is_said(said: dict[str, Any], missing: str) -> None:
    life = Life()
    life.happens(Taken(WORKER))
    before = life.case
    assert life.happens(closed(WORKER, **said)) == (Refused(missing, WORKER),)
    assert life.case == before


@pytest.mark.parametrize(
    "said",
    [
        {"grade": 2, "next_contact": NINE.date() + timedelta(days=90)},
        {"grade": 3, "referred": True, "next_contact": NINE.date() + timedelta(days=14)},
        {"grade": 5, "referred": True},
    ],
)
def test_grave_danger_ends_with_a_referral_and_a_contact_within_two_weeks(said: dict[str, Any]) -> None:
    life = Life()
    life.happens(Taken(WORKER))
    life.happens(closed(WORKER, **said))
    assert (life.case.state, life.case.grade) == (State.RESOLVED, said["grade"])


def test_yellow_ends_without_a_grade() -> None:
    life = Life(Level.YELLOW)
    life.happens(Taken(WORKER))
    life.happens(closed(WORKER, grade=None))
    assert life.case.state is State.RESOLVED


# Practice


def practice() -> Life:
    life = Life()
    life.case = open_case(Level.RED, ladder_of(Level.RED), NINE, drill=True)
    return life


def test_practice_ends_with_whoever_takes_it() -> None:
    life = practice()
    life.moment_comes()
    assert life.happens(Taken(DUTY)) == (TellOthers(DUTY), DrillOver())
    assert (life.case.state, life.case.outcome, life.case.owner) == (State.RESOLVED, Outcome.DRILL, DUTY)


def test_practice_that_nobody_takes_climbs_the_whole_ladder_calls_everybody_once_more_and_is_over() -> None:
    life = practice()
    told = [life.moment_comes() for _ in range(5)]
    assert [bool(alerted(effects)) for effects in told] == [True, True, True, True, False]
    assert told[-1] == (DrillOver(),)
    assert (life.case.state, life.case.owner) == (State.RESOLVED, None)


def test_practice_can_be_called_off_and_nothing_real_ever_is() -> None:
    life = practice()
    life.moment_comes()
    assert life.happens(CalledOff("danger")) == (DrillOver("danger"),)
    assert (life.case.state, life.case.outcome, life.case.owner) == (State.RESOLVED, Outcome.DRILL, None)
    real = Life()
    assert real.happens(CalledOff("danger")) == (Refused("not_a_drill"),)
    assert real.case.state is State.OPEN


def test_not_reached_is_no_ending_the_owner_goes_on_and_the_clock_runs_again() -> None:
    life = Life()
    life.moment_comes()
    life.happens(Taken(WORKER))
    life.moment_comes()
    life.happens(Closed(WORKER, Outcome.UNREACHED))
    assert (life.case.state, life.case.owner, life.waits) == (State.ACKNOWLEDGED, WORKER, minutes(30))
    assert life.moment_comes() == (TellOwner(WORKER, "contact"),)
    assert isinstance(life.moment_comes()[0], TellOwner)
    assert life.case.state is State.OPEN


@pytest.mark.parametrize(
    "event",
    [
        Flagged(Level.RED, ladder_of(Level.RED)), Due(ALL_THERE), Undeliverable(WORKER, ALL_THERE),
        HelpWanted(ALL_THERE), Taken(BACKUP), Offered(WORKER, BACKUP), Contacted(WORKER),
        closed(WORKER),
    ],
    ids=lambda event: type(event).__name__,
)  # fmt: skip
def test_what_is_resolved_stays_resolved(event: Event) -> None:
    life = Life()
    life.happens(Taken(WORKER))
    life.happens(closed(WORKER))
    before = life.case
    assert life.happens(event) == (Refused("resolved", WORKER),)
    assert life.case == before


def test_a_log_begins_with_its_opening() -> None:
    with pytest.raises(ValueError, match="begins with its opening"):
        log.replay([])


def test_what_is_only_a_note_in_the_log_changes_nothing() -> None:
    kind, detail = log.opened(Level.RED, ladder_of(Level.RED))
    opening = CaseEvent(case_id=1, house_id=1, seq=1, at=NINE, kind=kind, detail=detail)
    viewed = CaseEvent(case_id=1, house_id=1, seq=2, at=NINE, kind="Viewed", detail={})
    assert log.replay([opening, viewed]) == open_case(Level.RED, ladder_of(Level.RED), NINE)


# Anything, in any order

PEOPLE = st.integers(1, 4)
SPANS = st.sampled_from([0, 1, 5, 10, 30, 90])


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    steps = draw(st.lists(SPANS, min_size=1, max_size=4))
    return read_ladder(
        {
            "steps": [{"targets": ["assigned"], "after": after} for after in steps],
            "repeat_every": draw(st.sampled_from([1, 10, 120])),
            "loops": draw(st.sampled_from([None, 0, 1, 3])),
            "contact_within": draw(st.sampled_from([3, 30])),
        }
    )


class CaseLife(RuleBasedStateMachine):
    """A case to which anything happens; `Due` comes when it is due, as the bell brings it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NINE
        self.ladders: dict[Level, Ladder] = {}
        self.entries: list[CaseEvent] = []
        self.climbs_at_this_moment = 0

    @initialize(data=st.data(), level=st.sampled_from(Level), drill=st.sampled_from([False, False, False, True]))
    def danger_is_read(self, data: st.DataObject, level: Level, drill: bool) -> None:
        self.ladders = {each: data.draw(ladders()) for each in Level}
        self.case = open_case(level, self.ladders[level], self.now, drill=drill)
        self.record(*log.opened(level, self.ladders[level], drill=drill))

    def record(self, kind: str, detail: dict[str, Any]) -> None:
        stored = json.loads(json.dumps(detail))
        self.entries.append(
            CaseEvent(case_id=1, house_id=1, seq=len(self.entries) + 1, at=self.now, kind=kind, detail=stored)
        )

    def there(self, data: st.DataObject) -> Reachable:
        """Whom each step leads to at this moment: often nobody."""
        steps = len(self.case.ladder.steps) + 2  # and the circles beyond the ladder
        some = st.lists(PEOPLE, max_size=2, unique=True).map(tuple)
        found: list[tuple[int, ...]] = data.draw(st.lists(some, min_size=steps, max_size=steps))
        return tuple(found)

    def happens(self, event: Event) -> tuple[Effect, ...]:
        before = self.case
        after, effects = decide(before, event, self.now)
        assert (after, effects) == decide(before, event, self.now), "the same input, the same answer"
        refused = [effect for effect in effects if isinstance(effect, Refused)]
        if refused:
            assert (after, list(effects)) == (before, refused), "what is refused changes nothing"
        else:
            self.record(*log.encode(event))
        assert all(people for people in alerted(effects)), "an alert to nobody"
        assert after.version == before.version + (after != before)
        assert after.level >= before.level
        if after.owner != before.owner:
            assert after.owner is None or event == Taken(after.owner), "a person takes a case; nobody is given one"
        if after.state is State.RESOLVED and before.state is not State.RESOLVED:
            if before.drill and not isinstance(event, Closed):
                assert isinstance(event, Taken) or after.owner is None, "only practice ends by itself"
                self.case = after
                return effects
            assert isinstance(event, Closed)
            assert event.by == before.owner
            assert event.outcome is not Outcome.UNREACHED
            assert event.outcome is Outcome.FALSE_ALARM or event.next_contact is not None
            grave = event.grade is not None and event.grade >= 3 and event.outcome is not Outcome.FALSE_ALARM
            assert event.referred or not grave, "nobody in grave danger is left without a referral"
        if before.state is State.RESOLVED:
            assert after == before
        if isinstance(event, Due | Undeliverable):
            self.climbs_at_this_moment += bool(alerted(effects))
        else:
            self.climbs_at_this_moment = 0
        self.case = after
        return effects

    @rule(span=SPANS)
    def time_passes_while_nobody_works(self, span: int) -> None:
        if span:
            self.now += minutes(span)
            self.climbs_at_this_moment = 0

    @precondition(lambda self: self.case.next_action_at is not None)
    @rule(data=st.data())
    def its_moment_comes(self, data: st.DataObject) -> None:
        assert self.case.next_action_at is not None
        if self.case.next_action_at > self.now:
            self.now = self.case.next_action_at
            self.climbs_at_this_moment = 0
        effects = self.happens(Due(self.there(data)))
        assert effects, "a case that wakes up says something to somebody"
        acts_next = self.case.next_action_at
        if acts_next is None:
            assert self.case.drill
        elif acts_next == self.now:
            assert self.case.ladder.steps[self.case.step].after == minutes(0), "only a step that waits for nothing"
        else:
            assert acts_next > self.now

    @rule(person=PEOPLE, data=st.data())
    def an_alert_cannot_be_delivered(self, person: int, data: st.DataObject) -> None:
        self.happens(Undeliverable(person, self.there(data)))

    @rule(data=st.data())
    def the_member_is_not_safe(self, data: st.DataObject) -> None:
        before, there = self.case, self.there(data)
        effects = self.happens(HelpWanted(there))
        if before.state is State.RESOLVED:
            return
        everybody = {person for people in there for person in people}
        told = {person for people in alerted(effects) for person in people}
        told |= {effect.person for effect in effects if isinstance(effect, TellOwner)}
        assert told or not everybody, "heard by nobody though somebody is there"
        if before.owner is not None:
            assert before.next_action_at is not None
            assert self.case.next_action_at is not None
            assert self.case.next_action_at <= before.next_action_at

    @rule(by=PEOPLE)
    def somebody_takes_it(self, by: int) -> None:
        effects = self.happens(Taken(by))
        if not isinstance(effects[0], Refused):
            assert self.case.owner == by
            assert self.case.state is (State.RESOLVED if self.case.drill else State.ACKNOWLEDGED)
        assert isinstance(self.happens(Taken(by))[0], Refused), "taken twice is taken once"

    @rule(by=PEOPLE, to=PEOPLE)
    def the_owner_offers_it(self, by: int, to: int) -> None:
        owner = self.case.owner
        self.happens(Offered(by, to))
        assert self.case.owner == owner, "not off one's hands before it is in another's"

    @rule(by=PEOPLE)
    def somebody_reports_contact(self, by: int) -> None:
        self.happens(Contacted(by))

    @rule(
        by=PEOPLE, outcome=st.sampled_from([o for o in Outcome if o is not Outcome.DRILL]),
        next_contact=st.sampled_from([None, TOMORROW, TOMORROW + timedelta(days=30)]),
        grade=st.sampled_from([None, 0, 3, 5]), referred=st.booleans(),
    )  # fmt: skip
    def somebody_reports_a_result(
        self, by: int, outcome: Outcome, next_contact: date | None, grade: int | None, referred: bool
    ) -> None:  # fmt: skip
        self.happens(Closed(by, outcome, next_contact, grade, referred, NINE.date()))

    @rule()
    def practice_is_called_off(self) -> None:
        was_open = self.case.state is not State.RESOLVED
        effects = self.happens(CalledOff("danger"))
        assert (effects == (DrillOver("danger"),)) is (self.case.drill and was_open)

    @rule(coming=st.lists(PEOPLE, max_size=2, unique=True).map(tuple))
    def a_shift_begins(self, coming: tuple[int, ...]) -> None:
        before = self.case
        self.happens(ShiftChanged(coming))
        assert self.case == before

    @rule(level=st.sampled_from(Level))
    def danger_is_read_again(self, level: Level) -> None:
        before = self.case
        self.happens(Flagged(level, self.ladders[level]))
        if level > before.level:
            return
        if before.ran_out:
            assert (self.case.step, self.case.rounds, self.case.next_action_at) == (0, 0, self.now), "it goes on"
        elif before.state is State.CONTACTED and level is Level.RED:
            assert (self.case.state, self.case.owner) == (State.ACKNOWLEDGED, before.owner), "spoken to once more"
        else:
            assert self.case == before

    @invariant()
    def what_is_not_resolved_knows_when_it_acts_next(self) -> None:
        assert (self.case.next_action_at is None) is (self.case.state is State.RESOLVED)

    @invariant()
    def who_has_it_is_known_exactly_when_it_is_taken(self) -> None:
        if self.case.state is not State.RESOLVED:
            assert (self.case.owner is None) is (self.case.state is State.OPEN)
            assert self.case.owner is None or self.case.next_action_at is not None, "a taken case is looked at again"

    @invariant()
    def nothing_rings_for_ever_at_one_moment(self) -> None:
        assert self.climbs_at_this_moment <= len(self.case.ladder.steps) + 1

    def teardown(self) -> None:
        if self.entries:
            assert log.replay(self.entries) == self.case, "the log tells another story"


TestCaseLife = CaseLife.TestCase
