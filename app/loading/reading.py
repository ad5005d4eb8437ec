"""From the text of a programme file to one that can be loaded, or to everything that is wrong with it."""

from typing import Any, TypeVar

from pydantic import ValidationError

from app.loading.checks import check
from app.loading.file import ProgrammeFile
from app.loading.lines import Path, Sheet, read_sheet
from app.loading.problems import LoadError, Problem
from app.loading.schema import (
    ActivityEntry,
    DayEntry,
    Entry,
    HouseEntry,
    MemberEntry,
    Outline,
    ProgrammeEntry,
    RotaEntry,
    StaffEntry,
)
from app.loading.sentences import problem_of

Model = TypeVar("Model", bound=Entry)


def read_programme(text: str) -> ProgrammeFile:
    """Read and check everything. LoadError holds every problem with its line, not only the first.

    What is wrong in one entry does not keep the others from being checked, also against each other.
    """
    sheet = read_sheet(text)
    problems = list(sheet.problems)
    _entry(Outline, sheet.data, (), sheet, problems)
    programme = sheet.data.get("programme")
    file = ProgrammeFile(
        programme=(isinstance(programme, dict) and _entry(ProgrammeEntry, programme, ("programme",), sheet, problems))
        or ProgrammeEntry.model_construct(code="", name=""),
        houses=_entries(HouseEntry, "houses", sheet, problems),
        staff=_entries(StaffEntry, "staff", sheet, problems),
        members=_entries(MemberEntry, "members", sheet, problems),
        activities=_entries(ActivityEntry, "activities", sheet, problems),
        rota=_entries(RotaEntry, "rota", sheet, problems),
        days=_entries(DayEntry, "days", sheet, problems),
        sheet=sheet,
    )
    problems += check(file)
    if problems:
        raise LoadError(problems)
    return file


def _entries(model: type[Model], section: str, sheet: Sheet, problems: list[Problem]) -> tuple[Model, ...]:
    written = sheet.data.get(section) or []
    if not isinstance(written, list):
        return ()
    read = [_entry(model, each, (section, n), sheet, problems) for n, each in enumerate(written)]
    return tuple(entry for entry in read if entry is not None)


def _entry(model: type[Model], data: Any, path: Path, sheet: Sheet, problems: list[Problem]) -> Model | None:
    try:
        return model.model_validate(data).standing_at(path)
    except ValidationError as error:
        problems += [problem_of(dict(each), model, path, sheet) for each in error.errors()]
        return None
