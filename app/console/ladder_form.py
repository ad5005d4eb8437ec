"""The form of a ladder: what was typed stays as it was typed until it is a ladder, or is said what is wrong."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from app.console.desk import Wrong
from app.escalations.states import Ladder, Level, Target
from app.messages.channels import WAYS
from app.pages.posting import Form, whole

MOST_STEPS = 12
LONGEST = 30 * 24 * 60  # minutes
LONGEST_RED = 120  # one nought too many must not keep the next one asleep
MOST_LOOPS = 100


@dataclass(frozen=True)
class Step:
    targets: tuple[str, ...] = ()
    after: str = ""
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A ladder as it stands in the form: minutes as they were typed."""

    steps: tuple[Step, ...]
    repeat_every: str
    loops: str
    contact_within: str
    targets: tuple[str, ...] = field(default=tuple(target.value for target in Target))
    ways: tuple[str, ...] = field(default=tuple(WAYS))

    def with_step(self) -> "Draft":
        return replace(self, steps=(*self.steps, Step())) if len(self.steps) < MOST_STEPS else self

    def without_step(self, n: int) -> "Draft":
        return replace(self, steps=self.steps[:n] + self.steps[n + 1 :])


def draft_of(ladder: Ladder) -> Draft:
    steps = tuple(Step(tuple(t.value for t in s.targets), _minutes(s.after), s.channels) for s in ladder.steps)
    loops = "" if ladder.loops is None else str(ladder.loops)
    return Draft(steps, _minutes(ladder.repeat_every), loops, _minutes(ladder.contact_within))


def draft_from(form: Form) -> Draft:
    """What was sent; step by step, as the hidden field `step` of each says."""
    steps = tuple(
        Step(
            tuple(form.all(f"targets-{n}")), form.get(f"after-{n}", "").strip(),
            tuple(dict.fromkeys(way for way in form.all(f"channel-{n}") if way)),
        )
        for n in range(min(len(form.all("step")), MOST_STEPS))
    )  # fmt: skip
    return Draft(
        steps, form.get("repeat_every", "").strip(), form.get("loops", "").strip(),
        form.get("contact_within", "").strip(),
    )  # fmt: skip


def plan_of(draft: Draft, level: Level) -> dict[str, Any]:
    """The ladder as data. Wrong: something is missing, or cannot be meant."""
    if not draft.steps:
        raise Wrong("no_steps")
    longest = LONGEST_RED if level is Level.RED else LONGEST
    steps = []
    for n, step in enumerate(draft.steps, start=1):
        if not step.targets or not set(step.targets) <= set(draft.targets):
            raise Wrong("no_targets", step=n)
        if not set(step.channels) <= set(WAYS):
            raise Wrong("no_channel", step=n)
        written: dict[str, Any] = {
            "targets": list(step.targets), "after": _number(step.after, 0, longest, "no_after", step=n)
        }  # fmt: skip
        steps.append(written | ({"channels": list(step.channels)} if step.channels else {}))
    loops = None
    if level is not Level.RED and draft.loops:
        loops = _number(draft.loops, 0, MOST_LOOPS, "no_loops", most=MOST_LOOPS)
    return {
        "steps": steps, "repeat_every": _number(draft.repeat_every, 1, longest, "no_repeat"), "loops": loops,
        "contact_within": _number(draft.contact_within, 1, longest, "no_contact"),
    }  # fmt: skip


def _number(typed: str, least: int, most: int, key: str, /, **data: object) -> int:
    number = whole(typed, 7)
    if number is None or not least <= number <= most:
        raise Wrong(key, **data)
    return number


def _minutes(span: timedelta) -> str:
    """Whole minutes as such; what a file wrote as half of one is shown as it is, and has to be rounded by a person."""
    return f"{span / timedelta(minutes=1):g}"
