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
from app.people.models import Reach


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

    def sees(self, person: StaffEntry, house: str) -> bool:
        """Whether somebody's scope has a house in it; one that could not be read is nobody's fault here."""
        if person.sees_all or house in person.houses or self.house(house) is None:
            return True
        districts = {found.district for code in person.houses if (found := self.house(code)) and found.district}
        there = self.house(house)
        return person.reach is Reach.DISTRICT and there is not None and there.district in districts

    def people(self) -> tuple[StaffEntry | MemberEntry, ...]:
        return (*self.staff, *self.members)

    def in_houses(self) -> tuple[StaffEntry | MemberEntry | ActivityEntry | RotaEntry | DayEntry, ...]:
        """What belongs to a house; a day without one is the whole programme's."""
        return (*self.staff, *self.members, *self.activities, *self.rota, *(day for day in self.days if day.house))
