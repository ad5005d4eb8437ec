"""The log of a case: every event as data, and the case computed from them again."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from app.escalations import events, machine
from app.escalations.events import Event
from app.escalations.ladders import read_ladder, write_ladder
from app.escalations.models import CaseEvent
from app.escalations.states import Case, Ladder, Level, Outcome

OPENED = "Opened"
MENDED = "Mended"  # the auditor gave the case a next action, since it had none
VIA = "via"  # beside what happened: the way by which a person did it
_DAYS = {"next_contact", "on"}
_EVENTS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        events.Flagged, events.Due, events.Undeliverable, events.HelpWanted, events.ShiftChanged, events.Taken,
        events.Offered, events.Contacted, events.Closed, events.CalledOff,
    )
}  # fmt: skip


def encode(event: Event) -> tuple[str, dict[str, Any]]:
    detail = asdict(event)
    if isinstance(event, events.Flagged):
        detail = {"level": int(event.level), "ladder": write_ladder(event.ladder)}
    for name in _DAYS & detail.keys():
        detail[name] = detail[name] and detail[name].isoformat()
    return type(event).__name__, detail


def decode(kind: str, detail: dict[str, Any]) -> Event:
    fields = {name: value for name, value in detail.items() if name != VIA}
    if "reachable" in fields:
        fields["reachable"] = tuple(tuple(people) for people in fields["reachable"])
    if kind == "Flagged":
        fields = {"level": Level(fields["level"]), "ladder": read_ladder(fields["ladder"])}
    if "coming" in fields:
        fields["coming"] = tuple(fields["coming"])
    if "outcome" in fields:
        fields["outcome"] = Outcome(fields["outcome"])
    for name in _DAYS & fields.keys():
        fields[name] = fields[name] and date.fromisoformat(fields[name])
    event: Event = _EVENTS[kind](**fields)
    return event


def opened(level: Level, ladder: Ladder, *, drill: bool = False) -> tuple[str, dict[str, Any]]:
    return OPENED, {"level": int(level), "ladder": write_ladder(ladder), "drill": drill}


def replay(entries: Iterable[CaseEvent]) -> Case:
    """The case that its log describes; what is not an event of the machine (a page view) changes nothing."""
    case: Case | None = None
    for entry in entries:
        if entry.kind == OPENED:
            level = Level(entry.detail["level"])
            ladder, drill = read_ladder(entry.detail["ladder"]), entry.detail.get("drill", False)
            case = machine.open_case(level, ladder, entry.at, drill=drill)
        elif entry.kind == MENDED and case is not None:
            case = replace(case, next_action_at=entry.at)
        elif entry.kind in _EVENTS and case is not None:
            case, _effects = machine.decide(case, decode(entry.kind, entry.detail), entry.at)
    if case is None:
        raise ValueError("a case log begins with its opening")
    return case
