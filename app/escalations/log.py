"""The log of a case: every event as data, and the case computed from them again."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from app.escalations import events, machine
from app.escalations.events import Event
from app.escalations.ladders import read_ladder, write_ladder
from app.escalations.models import CaseEvent
from app.escalations.states import Case, Ladder, Level, Outcome

OPENED = "Opened"
VIA = "via"  # beside what happened: the way by which a person did it
_EVENTS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        events.Flagged, events.Due, events.Undeliverable, events.HelpWanted, events.Taken,
        events.Offered, events.Contacted, events.Closed,
    )
}  # fmt: skip


def encode(event: Event) -> tuple[str, dict[str, Any]]:
    detail = asdict(event)
    if isinstance(event, events.Flagged):
        detail = {"level": int(event.level), "ladder": write_ladder(event.ladder)}
    if isinstance(event, events.Closed) and event.next_contact:
        detail["next_contact"] = event.next_contact.isoformat()
    return type(event).__name__, detail


def decode(kind: str, detail: dict[str, Any]) -> Event:
    fields = {name: value for name, value in detail.items() if name != VIA}
    if "reachable" in fields:
        fields["reachable"] = tuple(tuple(people) for people in fields["reachable"])
    if kind == "Flagged":
        fields = {"level": Level(fields["level"]), "ladder": read_ladder(fields["ladder"])}
    if kind == "Closed":
        fields["outcome"] = Outcome(fields["outcome"])
        fields["next_contact"] = date.fromisoformat(fields["next_contact"]) if fields["next_contact"] else None
    event: Event = _EVENTS[kind](**fields)
    return event


def opened(level: Level, ladder: Ladder) -> tuple[str, dict[str, Any]]:
    return OPENED, {"level": int(level), "ladder": write_ladder(ladder)}


def replay(events: Iterable[CaseEvent]) -> Case:
    """The case that its log describes; what is not an event of the machine (a page view) changes nothing."""
    case: Case | None = None
    for entry in events:
        if entry.kind == OPENED:
            level = Level(entry.detail["level"])
            case = machine.open_case(level, read_ladder(entry.detail["ladder"]), _at(entry))
        elif entry.kind in _EVENTS and case is not None:
            case, _effects = machine.decide(case, decode(entry.kind, entry.detail), _at(entry))
    if case is None:
        raise ValueError("a case log begins with its opening")
    return case


def _at(entry: CaseEvent) -> datetime:
    return entry.at
