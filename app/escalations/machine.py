"""The life of a case, as one pure function: `decide(case, event, now) -> (case, effects)`.

A case is opened by a flag, climbs its ladder until a named person takes it, and ends only when a person
says how it ended. Time never resolves it, a delivery never acknowledges it, and a case that is not
resolved always knows when it acts next. Only practice (`drill`) ends when it has been taken, or in vain.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from app.escalations import events
from app.escalations.events import Effect, Event, Refused
from app.escalations.states import (
    FOLLOW_UP_WITHIN,
    GRADES,
    LONGEST_WITHOUT_CONTACT,
    REFER_FROM,
    Case,
    Ladder,
    Level,
    Outcome,
    State,
)  # fmt: skip

Decision = tuple[Case, tuple[Effect, ...]]
Reachable = tuple[tuple[int, ...], ...]

NAG_EVERY = timedelta(days=1)
PATIENCE = 3  # reminders that an owner gets before others hear of it


def open_case(level: Level, ladder: Ladder, now: datetime, *, drill: bool = False) -> Case:
    return Case(level=level, ladder=ladder, drill=drill, version=1, next_action_at=now)


def decide(case: Case, event: Event, now: datetime) -> Decision:
    """The next state of `case` and what must be done about it. Pure: the same input, the same answer."""
    if case.state is State.RESOLVED:
        return case, (Refused("resolved", case.owner),)
    match event:
        case events.Flagged():
            after, effects = _flagged(case, event, now)
        case events.Due():
            after, effects = _due(case, event, now)
        case events.Undeliverable():
            after, effects = _undeliverable(case, event, now)
        case events.HelpWanted():
            after, effects = _help_wanted(case, event, now)
        case events.ShiftChanged():
            after, effects = _shift_changed(case, event)
        case events.Taken():
            after, effects = _taken(case, event, now)
        case events.Offered():
            after, effects = _offered(case, event)
        case events.Contacted():
            after, effects = _contacted(case, event, now)
        case events.Closed():
            after, effects = _closed(case, event, now)
        case events.CalledOff():
            after, effects = _drill_over(case, event.why) if case.drill else (case, (Refused("not_a_drill"),))
    return (replace(after, version=case.version + 1) if after != case else case), effects


def _flagged(case: Case, event: events.Flagged, now: datetime) -> Decision:
    if event.level <= case.level:
        if case.ran_out:  # new words set it going again
            return replace(case, step=0, rounds=0, next_action_at=now), ()
        if event.level < Level.ORANGE:
            return case, _owner_hears(case, "goes_on")
        return _speak_again(case, event.level, now), _owner_hears(case, "more")
    raised = replace(
        case, level=event.level, ladder=event.ladder, state=State.OPEN, step=0, owner=None, offered_to=None,
        reminded=0, outcome=None, next_action_at=now,
    )  # fmt: skip
    return raised, _owner_hears(case, "raised")


def _speak_again(case: Case, level: Level, now: datetime) -> Case:
    """Red words from somebody who was spoken to already: its owner keeps the case, and has to speak to them anew."""
    if case.state is not State.CONTACTED or level < Level.RED:
        return case
    by = now + case.ladder.contact_within
    sooner = min(by, case.next_action_at or by)
    return replace(case, state=State.ACKNOWLEDGED, reminded=0, next_action_at=sooner)


def _owner_hears(case: Case, what: str) -> tuple[Effect, ...]:
    return () if case.owner is None else (events.TellOwner(case.owner, what),)


# The ladder


def _due(case: Case, event: events.Due, now: datetime) -> Decision:
    if case.next_action_at is not None and case.next_action_at > now:
        return case, ()
    if case.state is State.OPEN or case.owner is None:
        return _climb(replace(case, state=State.OPEN), event.reachable, now)
    reminded = case.reminded + 1
    if case.state is State.CONTACTED or case.level < Level.RED:
        if case.state is State.ACKNOWLEDGED and reminded > PATIENCE:
            return _everybodys_again(case, event.reachable, now)
        # Orange and yellow that were taken, and red that was spoken to: a result is still owed.
        owed = replace(case, reminded=reminded, next_action_at=now + case.ladder.result_within)
        leaders: tuple[Effect, ...] = (events.TellLeaders(),) if reminded >= PATIENCE else ()
        return owed, (events.TellOwner(case.owner, "result"), *leaders)
    if reminded == 1:
        soon = now + case.ladder.contact_within / 3
        return replace(case, reminded=1, next_action_at=soon), (events.TellOwner(case.owner, "contact"),)
    return _everybodys_again(case, event.reachable, now)


def _everybodys_again(case: Case, reachable: Reachable, now: datetime) -> Decision:
    """The acknowledgement went stale: nobody has reached the person."""
    open_again = replace(case, state=State.OPEN, owner=None, offered_to=None, reminded=0)
    after, effects = _climb(open_again, reachable, now)
    return after, (*_owner_hears(case, "stale"), *effects)


def _undeliverable(case: Case, event: events.Undeliverable, now: datetime) -> Decision:
    if case.owner == event.person:
        # Whoever answers for it is gone: it is everybody's again, at once.
        case = replace(case, state=State.OPEN, owner=None, offered_to=None, reminded=0)
        return _climb(case, event.reachable, now)
    # With no further step to go to, the repeat that is armed already is the next thing to happen: climbing
    # at once would ring the same unreachable people for ever in one instant.
    further = case.state is State.OPEN and any(event.reachable[case.step : len(case.ladder.steps)])
    return _climb(case, event.reachable, now) if further else (case, ())


def _climb(case: Case, reachable: Reachable, now: datetime) -> Decision:
    """Fire the next step that leads to anybody; an empty step takes no time. The next one is armed here."""
    step, steps = case.step, case.ladder.steps
    while step < len(steps) and not reachable[step]:
        step += 1
    if step < len(steps):
        following = step + 1
        wait = steps[following].after if following < len(steps) else case.ladder.repeat_every
        alert = events.Alert(reachable[step], step, steps[step].channels)
        return replace(case, step=following, next_action_at=now + wait), (alert,)
    case = replace(case, step=step)
    if case.drill and case.ran_out:
        return _drill_over(case)
    if case.ran_out:
        return replace(case, next_action_at=now + NAG_EVERY), (events.NobodyTookIt(),)
    audience = _audience(case, reachable)
    again = replace(case, rounds=case.rounds + 1, next_action_at=now + case.ladder.repeat_every)
    if not audience:
        return again, (events.NobodyTookIt(),)
    return again, (events.Alert(audience, step, loud=case.level is Level.RED),)


def _audience(case: Case, reachable: Reachable) -> tuple[int, ...]:
    """Everybody of the ladder, and with each round one circle more; the next one that leads to anybody at all."""
    for wide in range(len(case.ladder.steps) + case.rounds, len(reachable) + 1):
        if audience := _everyone(reachable[:wide]):
            return audience
    return _everyone(reachable)


def _everyone(reachable: Reachable) -> tuple[int, ...]:
    return tuple(dict.fromkeys(person for people in reachable for person in people))


def _help_wanted(case: Case, event: events.HelpWanted, now: datetime) -> Decision:
    """Whoever can be reached hears of it each time (a new version each time), and no clock is put back by it."""
    heard = replace(case, version=case.version + 1)
    everyone = _everyone(event.reachable)
    if case.ran_out:
        again = replace(heard, rounds=0, next_action_at=now + case.ladder.repeat_every)
        return again, (events.Alert(everyone, case.step, loud=True),) if everyone else ()
    if case.state is State.OPEN:
        after, climbed = _climb(heard, event.reachable, now)
        told = any(isinstance(effect, events.Alert) for effect in climbed)
        return after, (*climbed, events.Alert(everyone, after.step, loud=True)) if everyone and not told else climbed
    others = tuple(person for person in everyone if person != case.owner)
    alert: tuple[Effect, ...] = (events.Alert(others, case.step, loud=True),) if others else ()
    soon = now + case.ladder.contact_within / 3
    # Unless its owner says by then that they spoke to them, it is everybody's again, without a reminder first.
    state = State.ACKNOWLEDGED if case.level is Level.RED else case.state
    reminded = max(case.reminded, 1) if case.level is Level.RED and case.state is not State.CONTACTED else 1
    sooner = replace(heard, state=state, reminded=reminded, next_action_at=min(soon, case.next_action_at or soon))
    return sooner, (*_owner_hears(case, "help"), *alert)


def _shift_changed(case: Case, event: events.ShiftChanged) -> Decision:
    waits = case.state is State.OPEN and case.level is Level.RED and event.coming
    return case, (events.Alert(event.coming, case.step),) if waits else ()


# In somebody's hands


def _taken(case: Case, event: events.Taken, now: datetime) -> Decision:
    if case.owner == event.by:
        return case, (Refused("yours", case.owner),)
    given_up = case.reminded >= PATIENCE  # its owner has not answered for days
    if case.owner is not None and case.offered_to != event.by and not given_up:
        return case, (Refused("taken", case.owner),)
    by = now + case.ladder.contact_within
    due = by if case.level is Level.RED else now + case.ladder.result_within
    after = replace(case, state=State.ACKNOWLEDGED, owner=event.by, offered_to=None, reminded=0, next_action_at=due)
    if case.drill:
        after, over = _drill_over(after)
        return after, (events.TellOthers(event.by), *over)
    first = events.TellMember(event.by, by) if case.owner is None else events.TellOwner(case.owner, "handed_over")
    return after, (events.TellOthers(event.by), first)


def _offered(case: Case, event: events.Offered) -> Decision:
    if case.owner != event.by:
        return case, (Refused("not_yours", case.owner),)
    if event.to == event.by:
        return case, (Refused("yours", case.owner),)
    return replace(case, offered_to=event.to), (events.AskToAccept(event.to, event.by),)


def _contacted(case: Case, event: events.Contacted, now: datetime) -> Decision:
    if case.owner != event.by:
        return case, (Refused("not_yours", case.owner),)
    due = now + case.ladder.result_within
    return replace(case, state=State.CONTACTED, reminded=0, next_action_at=due), ()


# How it ended


def _closed(case: Case, event: events.Closed, now: datetime) -> Decision:
    if case.owner != event.by:
        return case, (Refused("not_yours", case.owner),)
    if event.outcome is Outcome.UNREACHED:
        # "Cannot reach them" is not an ending: the owner goes on trying, and the clock runs again.
        due = now + case.ladder.contact_within
        state = State.ACKNOWLEDGED if case.level is Level.RED else case.state
        again = case.outcome is Outcome.UNREACHED
        leaders: tuple[Effect, ...] = (events.TellLeaders("unreached"),) if again else ()
        return replace(case, state=state, outcome=event.outcome, reminded=0, next_action_at=due), leaders
    if missing := _missing(case, event):
        return case, (Refused(missing, case.owner),)
    return _resolved(replace(case, grade=event.grade, next_contact=event.next_contact), event.outcome), ()


def _missing(case: Case, event: events.Closed) -> str | None:
    """What somebody has to say before the case can end, by the name of a sentence."""
    if event.outcome is Outcome.FALSE_ALARM:
        return None
    if event.next_contact is None:
        return "needs_next_contact"
    if event.on is not None and event.next_contact < event.on:
        return "next_contact_is_over"
    if event.on is not None and event.next_contact > event.on + LONGEST_WITHOUT_CONTACT:
        return "next_contact_too_far"
    if event.grade is None and case.level >= Level.ORANGE:
        return "needs_grade"
    if event.grade is None:
        return None
    if event.grade not in GRADES:
        return "needs_grade"
    if event.grade >= REFER_FROM and not event.referred:
        return "needs_referral"
    if event.grade >= REFER_FROM and event.on is not None and event.next_contact > event.on + FOLLOW_UP_WITHIN:
        return "next_contact_too_late"
    return None


def _resolved(case: Case, outcome: Outcome) -> Case:
    return replace(case, state=State.RESOLVED, outcome=outcome, offered_to=None, next_action_at=None)


def _drill_over(case: Case, called_off: str = "") -> Decision:
    return _resolved(case, Outcome.DRILL), (events.DrillOver(called_off),)
