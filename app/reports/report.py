"""The report as a value: what the page, the sheet and the API show, cell for cell."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

Cell = int | str
# Of these columns the cells say what a row is; all others are numbers, and can be corrected.
SAYS_WHAT = frozenset({"name", "unit", "how", "house", "who", "cell", "before", "now"})
# What this counts moves from day to day without anything having been corrected.
STANDING = frozenset({"registered_people"})


@dataclass(frozen=True)
class Column:
    key: str
    name: str


@dataclass(frozen=True)
class Row:
    """`standing`: how it is now, so that it moves from day to day without anything having been corrected."""

    key: str
    cells: tuple[Cell, ...]
    standing: bool = False


@dataclass(frozen=True)
class Grid:
    """A table: its cells are what is printed. `key` names it for programs."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Report:
    """`head`: whose it is, of when, made when. `notes`: what the signs in it mean. `foot`: where it is signed."""

    month: str
    title: str
    shared: bool
    head: tuple[str, ...]
    grids: tuple[Grid, ...]
    notes: tuple[str, ...]
    foot: tuple[str, ...]

    @property
    def numbers(self) -> dict[str, str]:
        """Every cell that a correction may change, as it is printed, by its place."""
        return {
            f"{grid.key}.{row.key}.{column.key}": str(cell)
            for grid in self.grids
            for row in grid.rows
            if not row.standing
            for column, cell in zip(grid.columns, row.cells, strict=True)
            if column.key not in SAYS_WHAT | STANDING
        }

    def changes(self, before: Mapping[str, str]) -> list[tuple[str, str, str]]:
        """(where, what stood there, what stands there now) of each cell that is another than before, in order."""
        return [
            (place, before.get(place, ""), now) for place, now in self.numbers.items() if before.get(place, "") != now
        ]

    def place_in_words(self, place: str) -> str:
        """The table, the row and the column of a place, as they are called in the report."""
        grid_key, row_key, column_key = place.split(".")
        grid = next(one for one in self.grids if one.key == grid_key)
        row = next(one for one in grid.rows if one.key == row_key)
        column = next(one for one in grid.columns if one.key == column_key)
        return f"{grid.title} · {row.cells[0]} · {column.name}"

    def with_grid(self, grid: Grid) -> "Report":
        return replace(self, grids=(*self.grids, grid))
