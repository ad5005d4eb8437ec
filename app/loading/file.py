"""The programme file as a whole: every entry that could be read, and the line on which it stands."""

from dataclasses import dataclass

from app.loading.lines import Sheet
from app.loading.problems import Problem
from app.loading.schema import (
    ActivityEntry,
    DayEntry,
    Entry,
    HouseEntry,
    MemberEntry,
    ProgrammeEntry,
    RotaEntry,
    StaffEntry,
)


@dataclass(frozen=True)
class ProgrammeFile:
    programme: ProgrammeEntry
    houses: tuple[HouseEntry, ...]
    staff: tuple[StaffEntry, ...]
    members: tuple[MemberEntry, ...]
    activities: tuple[ActivityEntry, ...]
    rota: tuple[RotaEntry, ...]
    days: tuple[DayEntry, ...]
    sheet: Sheet

    def problem(self, entry: Entry, field: str, text: str) -> Problem:
        return self.sheet.problem((*entry.path, field), text)

    def house(self, code: str) -> HouseEntry | None:
        return next((house for house in self.houses if house.code == code), None)

    def people(self) -> tuple[StaffEntry | MemberEntry, ...]:
        return (*self.staff, *self.members)

    def in_houses(self) -> tuple[StaffEntry | MemberEntry | ActivityEntry | RotaEntry | DayEntry, ...]:
        """What belongs to a house; a day without one is the whole programme's."""
        return (*self.staff, *self.members, *self.activities, *self.rota, *(day for day in self.days if day.house))
