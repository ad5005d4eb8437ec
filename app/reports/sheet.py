"""The report as a workbook: one sheet, as the bureau prints it. What people wrote is never read as a formula."""

from io import BytesIO

from xlsxwriter import Workbook

from app.reports.report import Cell, Report

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
AS_WRITTEN = {
    "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip
NARROW, NAMES, DEFINITIONS = 11, 30, 60
WIDE = {"name": NAMES, "house": NAMES, "cell": NAMES, "how": DEFINITIONS}


def rows_of(report: Report) -> list[tuple[Cell, ...]]:
    """Every line of the sheet, in order; an empty one between two tables."""
    lines: list[tuple[Cell, ...]] = [(report.title,), *((line,) for line in report.head)]
    for grid in report.grids:
        lines += [(), (grid.title,), tuple(column.name for column in grid.columns), *(row.cells for row in grid.rows)]
    return [*lines, (), *((note,) for note in report.notes), (), tuple(report.foot)]


def workbook(report: Report) -> bytes:
    """An .xlsx file."""
    file = BytesIO()
    with Workbook(file, AS_WRITTEN) as book:
        sheet = book.add_worksheet(report.month)
        plain = book.add_format({"border": 1, "text_wrap": True, "valign": "top"})
        head = book.add_format({"border": 1, "bold": True, "text_wrap": True, "bg_color": "#eeeeee"})
        titles = [book.add_format({"bold": True, "font_size": size}) for size in (16, 13)]
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        widths = dict.fromkeys(range(len(report.foot)), NARROW)
        looks = {0: titles[0]}
        number = len(report.head) + 2
        for grid in report.grids:
            looks[number], looks[number + 1] = titles[1], head
            looks |= dict.fromkeys(range(number + 2, number + 2 + len(grid.rows)), plain)
            number += len(grid.rows) + 3
            for place, column in enumerate(grid.columns):
                widths[place] = max(widths.get(place, NARROW), WIDE.get(column.key, NARROW))
        for number, cells in enumerate(rows_of(report)):
            for place, cell in enumerate(cells):
                write = sheet.write_number if isinstance(cell, int) else sheet.write_string
                write(number, place, cell, looks.get(number))
        for place, width in widths.items():
            sheet.set_column(place, place, width)
    return file.getvalue()
