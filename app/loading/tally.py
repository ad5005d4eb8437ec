"""What loading a file did, counted by the entries of the file."""

from dataclasses import dataclass, field
from typing import Any

from app.db import Record
from app.loading.problems import Problem


@dataclass
class Loaded:
    """`notes` are things that the file asks for and that were left as they are, each with its reason."""

    programme_id: int
    created: int
    changed: int
    unchanged: int
    notes: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        return f"新增 {self.created}，修改 {self.changed}，没变 {self.unchanged}"


@dataclass
class Tally:
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def count(self, *, new: bool = False, changed: bool = False) -> None:
        if new:
            self.created += 1
        elif changed:
            self.changed += 1
        else:
            self.unchanged += 1

    def loaded(self, programme_id: int) -> Loaded:
        return Loaded(programme_id, self.created, self.changed, self.unchanged, self.notes)


def settle(row: Record, **values: Any) -> bool:
    """Give `row` these values where it has others; whether it had any others. Equal ones are not written again."""
    different = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in different.items():
        setattr(row, name, value)
    return bool(different)
