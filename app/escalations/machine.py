"""The life of a case, as one pure function: `decide(case, event, now) -> (case, effects)`.

A case is opened by a flag, climbs its ladder until a named person takes it, and ends only when a person
says how it ended. Time never resolves it, a delivery never acknowledges it, and a red case that is not
resolved always knows when it acts next.
"""

from dataclasses import replace
from datetime import datetime

from app.escalations.events import (
    Alert,
    AskToAccept,
    Closed,
    Contacted,
    Due,
    Effect,
    Event,
    Flagged,
    HelpWanted,
    NobodyTookIt,
    Offered,
    Refused,
    Taken,
    TellMember,
    TellOthers,
    TellOwner,
    Undeliverable,
)  # fmt: skip
from app.escalations.states import Case, Ladder, Level, Outcome, State

Decision = tuple[Case, tuple[Effect, ...]]


def open_case(level: Level, ladder: Ladder, now: datetime) -> Case:
    return Case(level=level, ladder=ladder, version=1, next_action_at=now)


def decide(case: Case, event: Event, now: datetime) -> Decision:
    """The next state of `case` and what must be done about it. Pure: the same input, the same answer."""
    if case.state is State.RESOLVED:
        return case, (Refused("resolved", case.owner),)
    match event:
        case Flagged():
            after, effects = _flagged(case, event, now)
        case Due():
            after, effects = _due(case, event, now)
        case Undeliverable():
            after, effects = _undeliverable(case, event, now)
        case HelpWanted():
            after, effects = _help_wanted(case, event, now)
        case Taken():
            after, effects = _taken(case, event, now)
        case Offered():
            after, effects = _offered(case, event)
        case Contacted():
            after, effects = _contacted(case, event, now)
        case Closed():
            after, effects = _closed(case, event, now)
    return (replace(after, version=case.version + 1) if after != case else case), effects


def _flagged(case: Case, event: Flagged, now: datetime) -> Decision:
    if event.level <= case.level:
        if case.state is State.OPEN and case.next_action_at is None:
            # Its ladder had run out with nobody taking it: new words set it going again.
            return replace(case, step=0, rounds=0, next_action_at=now), ()
        told: tuple[Effect, ...] = (TellOwner(case.owner, "more"),) if case.owner else ()
        return case, told
    raised = Case(level=event.level, ladder=event.ladder, rounds=case.rounds, version=case.version, next_action_at=now)
    return raised, ((TellOwner(case.owner, "raised"),) if case.owner else ())


def _due(case: Case, event: Due, now: datetime) -> Decision:
    if case.state is State.OPEN:
        return _climb(case, event.reachable, now)
    if case.owner is None:
        return _climb(replace(case, state=State.OPEN), event.reachable, now)
    if case.state is State.CONTACTED or case.level < Level.RED:
        # Orange and yellow that were taken, and red that was spoken to: a result is still owed.
        later = now + case.ladder.result_within
        reminded = replace(case, reminded=case.reminded + 1, next_action_at=later)
        return reminded, (TellOwner(case.owner, "result"),)
    if not case.reminded:
        soon = now + case.ladder.contact_within / 3
        return replace(case, reminded=1, next_action_at=soon), (TellOwner(case.owner, "contact"),)
    # The acknowledgement went stale: nobody has reached the person, so it is everybody's again.
    open_again = replace(case, state=State.OPEN, owner=None, offered_to=None, reminded=0)
    after, effects = _climb(open_again, event.reachable, now)
    return after, (TellOwner(case.owner, "stale"), *effects)


def _undeliverable(case: Case, event: Undeliverable, now: datetime) -> Decision:
    if case.owner == event.person:
        # Whoever answers for it is gone: it is everybody's again, at once.
        case = replace(case, state=State.OPEN, owner=None, offered_to=None, reminded=0)
        return _climb(case, event.reachable, now)
    # With no further step to go to, the repeat that is armed already is the next thing to happen: climbing
    # at once would ring the same unreachable people for ever in one instant.
    further = case.state is State.OPEN and any(event.reachable[case.step : len(case.ladder.steps)])
    return _climb(case, event.reachable, now) if further else (case, ())


def _climb(case: Case, reachable: tuple[tuple[int, ...], ...], now: datetime) -> Decision:
    """Fire the next step that leads to anybody; an empty step takes no time. The next one is armed here."""
    step = case.step
    while step < len(case.ladder.steps) and not reachable[step]:
        step += 1
    if step < len(case.ladder.steps):
        following = step + 1
        wait = case.ladder.steps[following].after if following < len(case.ladder.steps) else case.ladder.repeat_every
        return replace(case, step=following, next_action_at=now + wait), (Alert(reachable[step], step),)
    loops = None if case.level is Level.RED else case.ladder.loops  # red goes on, whatever its ladder says
    if loops is not None and case.rounds >= loops:
        if case.next_action_at is None:
            return case, ()
        return replace(case, next_action_at=None), (NobodyTookIt(),)
    everyone = _everyone(reachable)
    again = replace(case, step=step, rounds=case.rounds + 1, next_action_at=now + case.ladder.repeat_every)
    alert: tuple[Effect, ...] = (Alert(everyone, step),) if everyone else (NobodyTookIt(),)
    return again, alert


def _everyone(reachable: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(person for people in reachable for person in people))


def _help_wanted(case: Case, event: HelpWanted, now: datetime) -> Decision:
    """Whoever can be reached hears of it each time (a new version each time), and no clock is put back by it."""
    heard = replace(case, version=case.version + 1)
    if case.state is State.OPEN:
        after, climbed = _climb(heard, event.reachable, now)
        told = any(isinstance(effect, Alert) for effect in climbed)
        everyone = () if told else _everyone(event.reachable)
        return after, (*climbed, Alert(everyone, after.step)) if everyone else climbed
    effects: list[Effect] = [TellOwner(case.owner, "help")] if case.owner else []
    others = tuple(person for person in _everyone(event.reachable) if person != case.owner)
    if others:
        effects.append(Alert(others, case.step))
    soon = now + case.ladder.contact_within / 3
    return replace(heard, next_action_at=min(soon, case.next_action_at or soon)), tuple(effects)


def _taken(case: Case, event: Taken, now: datetime) -> Decision:
    if case.owner == event.by:
        return case, (Refused("yours", case.owner),)
    accepted_offer = case.offered_to == event.by
    if case.owner is not None and not accepted_offer:
        return case, (Refused("taken", case.owner),)
    by = now + case.ladder.contact_within
    due = by if case.level is Level.RED else now + case.ladder.result_within
    after = replace(case, state=State.ACKNOWLEDGED, owner=event.by, offered_to=None, reminded=0, next_action_at=due)
    effects: list[Effect] = [TellOthers(event.by)]
    if case.owner is None:
        effects.append(TellMember(event.by, by))
    else:
        effects.append(TellOwner(case.owner, "handed_over"))
    return after, tuple(effects)


def _offered(case: Case, event: Offered) -> Decision:
    if case.owner != event.by:
        return case, (Refused("not_yours", case.owner),)
    if event.to == event.by:
        return case, (Refused("yours", case.owner),)
    return replace(case, offered_to=event.to), (AskToAccept(event.to, event.by),)


def _contacted(case: Case, event: Contacted, now: datetime) -> Decision:
    if case.owner != event.by:
        return case, (Refused("not_yours", case.owner),)
    due = now + case.ladder.result_within
    return replace(case, state=State.CONTACTED, reminded=0, next_action_at=due), ()


def _closed(case: Case, event: Closed, now: datetime) -> Decision:
    if case.owner != event.by:
        return case, (Refused("not_yours", case.owner),)
    if event.outcome is Outcome.UNREACHED:
        # "Cannot reach them" is not an ending: the owner goes on trying, and the clock runs again.
        due = now + case.ladder.contact_within
        return replace(case, outcome=event.outcome, reminded=0, next_action_at=due), ()
    if event.next_contact is None and event.outcome is not Outcome.FALSE_ALARM:
        return case, (Refused("needs_next_contact", case.owner),)
    closed = replace(
        case,
        state=State.RESOLVED,
        outcome=event.outcome,
        next_contact=event.next_contact,
        offered_to=None,
        next_action_at=None,
    )
    return closed, ()
