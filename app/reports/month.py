"""Puts the report of a month together: pure, from the facts to the value that is shown."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.clock import local
from app.escalations.figures import Spread
from app.escalations.states import Level
from app.reports.facts import Facts, total
from app.reports.lines import HOUSES, LINES, PARTS, STEPS, By, Count, Line, Part, Plain, Rate
from app.reports.report import Cell, Column, Grid, Report, Row
from app.reports.suppression import Number, Shown, Sum, suppress
from bot.wording import Wording

ALL = 0  # the place of all houses together; no house has this number
FEW, KEPT, NOTHING = "<5", "—", ""
Key = tuple[str, int, By]
COLUMNS = ("name", "people", "times", "unit", "part", "whole", "rate", "how")
TIMES_COLUMNS = ("name", "part", "whole", "median", "p90", "how")


@dataclass(frozen=True)
class View:
    """What somebody gets to see: these houses and tables; `shared`: nothing about fewer than five people.

    `programme`: these are all the houses of the programme. `staff`: also how often its workers were called at night.
    """

    houses: tuple[int, ...]
    parts: frozenset[Part]
    shared: bool
    programme: bool
    staff: bool = False


def build(facts: Facts, view: View, words: Wording, *, place: str) -> Report:
    """The report. For a shared one `facts` are those of the whole programme, so that two of them cannot be subtracted.

    `place`: what the houses are called together.
    """
    return _Builder(facts, view, words).report(place)


class _Builder:
    def __init__(self, facts: Facts, view: View, words: Wording) -> None:
        self.facts, self.view, self.words = facts, view, words
        self.hidden = _hidden(facts) if view.shared else {}

    def words_of(self, name: str, **data: object) -> str:
        return self.words.say(f"console_figures.{name}", **data)

    def report(self, place: str) -> Report:
        grids = [self._section(part) for part in Part if part in self.view.parts]
        if Part.CASES in self.view.parts:
            grids.append(self._times())
        if len(self.view.houses) > 1:
            grids.append(self._houses())
        if self.view.staff and not self.view.shared:
            grids.append(self._woken())
        month = self.facts.month
        made = local(self.facts.now, month.zone)
        head = (
            self.words_of("place", place=place),
            self.words_of("span", first=str(month.first), last=str(month.last), zone=month.zone),
            self.words_of("made_at", at=f"{made:%Y-%m-%d %H:%M}"),
            self.words_of("shared" if self.view.shared else "inside"),
        )
        notes = ("note_times", "note_now", *(("note_few", "note_kept") if self.view.shared else ()))
        return Report(
            str(month), self.words_of("title", place=place, year=month.year, month=month.month), self.view.shared, head,
            tuple(grids), tuple(self.words_of(f"{note}") for note in notes),
            (self.words_of("made_by"), self.words_of("checked_by"), self.words_of("signed_on")),
        )  # fmt: skip

    # Tables

    def _columns(self, names: Sequence[str]) -> tuple[Column, ...]:
        return tuple(Column(name, self.words_of(f"column_{name}")) for name in names)

    def _section(self, part: Part) -> Grid:
        rows = tuple(self._row(line) for line in LINES[part])
        return Grid(part.value, self.words_of(f"part_{part.value}"), self._columns(COLUMNS), rows)

    def _row(self, line: Line) -> Row:
        people: Cell = NOTHING
        times: Cell = NOTHING
        unit = NOTHING
        match line:
            case Count():
                people = self._printed(line.key, By.PEOPLE)
                if line.unit:
                    times, unit = self._printed(line.key, By.TIMES), self.words_of(f"unit_{line.unit}")
            case Plain():
                times, unit = self._printed(line.key, By.TIMES), self.words_of(f"unit_{line.unit}")
            case Rate():
                part, whole = self._printed(line.part, line.by), self._printed(line.whole, line.by)
                return self._as_row(line, (people, times, unit, part, whole, _divided(part, whole, mean=line.mean)))
        return self._as_row(line, (people, times, unit, NOTHING, NOTHING, NOTHING))

    def _as_row(self, line: Line, cells: tuple[Cell, ...]) -> Row:
        name, how = self.words_of(f"row_{line.key}"), self.words_of(f"how_{line.key}")
        return Row(line.key, (name, *cells, how), standing=not isinstance(line, Plain) and line.standing)

    def _times(self) -> Grid:
        """How long it took, of each level: told, taken, spoken to."""
        rows = []
        for level in sorted(Level)[::-1]:
            name = level.name.lower()
            lives = [
                life for life in self.facts.lives if life.level is level and life.house_id in set(self.view.houses)
            ]
            for step in STEPS:
                moments = [life.until(getattr(life, f"{step}_at")) for life in lives]
                spread = Spread.over(moments)
                part = self._printed(f"{name}_{step}", By.TIMES)
                whole = self._printed(name, By.TIMES)
                shown = isinstance(part, int)
                spans = [self.span(one) if shown else KEPT for one in (spread.median, spread.p90)]
                cells = (self.words_of(f"times_{name}_{step}"), part, whole, *spans, self.words_of(f"how_{step}"))
                rows.append(Row(f"{name}_{step}", cells))
        return Grid("speed", self.words_of("part_speed"), self._columns(TIMES_COLUMNS), tuple(rows))

    def _houses(self) -> Grid:
        """Each house beside the others, and all of them together."""
        chosen = [one for part in Part if part in self.view.parts for one in HOUSES[part]]
        columns = (
            Column("house", self.words_of("column_house")),
            *(Column(f"{key}_{by.value}", self.words_of(f"house_{key}_{by.value}")) for key, by in chosen),
        )
        rows = [
            Row(
                self.facts.houses[house].code.replace(".", "-"),
                (self.facts.houses[house].name, *(self._at(key, by, house) for key, by in chosen)),
            )
            for house in self.view.houses
        ]
        rows.append(Row("all", (self.words_of("total"), *(self._printed(key, by) for key, by in chosen))))
        return Grid("houses", self.words_of("part_houses"), columns, tuple(rows))

    def _woken(self) -> Grid:
        columns = (Column("who", self.words_of("column_who")), Column("alerts", self.words_of("column_alerts")))
        rows = tuple(Row(code.replace(".", "-"), (code, n)) for code, n in self.facts.woken.items())
        return Grid("woken", self.words_of("part_woken"), columns, rows)

    # Numbers

    def _printed(self, key: str, by: By) -> Cell:
        """Of the houses of this view together."""
        houses = self.view.houses
        if len(houses) == 1:
            return self._at(key, by, houses[0])
        if self.view.programme:
            return self._at(key, by, ALL)
        if any(isinstance(self._at(key, by, house), str) for house in houses):
            return KEPT  # a sum of its own would say what a part of it does not
        return _value(self.facts, key, by, houses)

    def _at(self, key: str, by: By, place: int) -> Cell:
        match self.hidden.get((key, place, by), Shown.AS_IT_IS):
            case Shown.FEW:
                return FEW
            case Shown.KEPT:
                return KEPT
        return _value(self.facts, key, by, self.facts.houses if place == ALL else [place])

    def span(self, span: timedelta | None) -> str:
        """A span as one reads it: 40 秒, 3 分 20 秒, 2 小时 5 分, 3 天 4 小时."""
        if span is None:
            return KEPT
        seconds = round(span.total_seconds())
        for size, name, lesser, smaller in (
            (86400, "day", 3600, "hour"), (3600, "hour", 60, "minute"), (60, "minute", 1, "second"),
        ):  # fmt: skip
            if seconds >= size:
                rest = seconds % size // lesser
                first = self.words_of(f"span_{name}", n=seconds // size)
                return f"{first} {self.words_of(f'span_{smaller}', n=rest)}" if rest else first
        return self.words_of("span_second", n=seconds)


def _divided(part: Cell, whole: Cell, *, mean: bool) -> str:
    """`34.5%`, or `12.3` of a mean; a dash where one of the two is not told, or the whole is nothing."""
    if not isinstance(part, int) or not isinstance(whole, int) or not whole:
        return KEPT
    return f"{part / whole:.1f}" if mean else f"{part / whole:.1%}"


def _value(facts: Facts, key: str, by: By, houses: Collection[int]) -> int:
    if key in facts.plain:
        return total(facts.plain[key], houses)
    counted = facts.tallies[key].of(houses)
    return len(counted) if by is By.PEOPLE else counted.total()


# What is hidden of the programme, once, for every report that is cut out of it


def _hidden(facts: Facts) -> dict[Key, Shown]:
    houses = tuple(facts.houses)
    numbers: dict[Key, Number] = {}
    sums: list[Sum[Key]] = []

    places = ((ALL, houses), *((house, (house,)) for house in houses))
    for key, tally in facts.tallies.items():
        for place, where in places:
            counted = tally.of(where)
            numbers[key, place, By.PEOPLE] = Number(len(counted), len(counted))
            numbers[key, place, By.TIMES] = Number(counted.total(), len(counted))
        if len(houses) > 1:
            sums += [Sum((key, ALL, by), tuple((key, house, by) for house in houses)) for by in By]
    for whole, parts in _wholes():
        rest = f"{whole} - {' - '.join(parts)}"
        for place, where in places:
            left, of_parts = facts.tallies[whole].of(where), [facts.tallies[part].of(where) for part in parts]
            never = left.keys() - {person for part in of_parts for person in part}
            for part in of_parts:
                left = left - part
            numbers[rest, place, By.PEOPLE] = Number(len(never), len(never), printed=False)
            numbers[rest, place, By.TIMES] = Number(left.total(), len(left), printed=False)
            # 人数 of several parts is no sum: one person can be in two of them.
            for by in By if len(parts) == 1 else (By.TIMES,):
                sums.append(Sum((whole, place, by), tuple((key, place, by) for key in (*parts, rest))))
    return suppress(numbers, sums)


def _wholes() -> Iterator[tuple[str, tuple[str, ...]]]:
    for whole, groups in PARTS.items():
        for parts in groups:
            yield whole, parts
    for line in (line for lines in LINES.values() for line in lines):
        if isinstance(line, Rate) and not line.mean:
            yield line.whole, (line.part,)


def changes_grid(report: Report, before: dict[str, str], made: datetime, zone: str, words: Wording) -> Grid:
    """Which cells are others now than in what was given out at `made`."""
    columns = tuple(Column(name, words.say(f"console_figures.column_{name}")) for name in ("cell", "before", "now"))
    rows = tuple(
        Row(f"c{n}", (report.place_in_words(place), was or KEPT, now))
        for n, (place, was, now) in enumerate(report.changes(before), 1)
    )
    title = words.say("console_figures.part_changes", at=f"{local(made, zone):%Y-%m-%d %H:%M}")
    return Grid("changes", title, columns, rows)
