"""Tables as files: CSV and one workbook that spreadsheets open right and never run."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from helpers.plan import metrics
from helpers.report.languages import LANGUAGES

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER_FORMATS = {
    "ratio": "0.0%",
    "pp": "0.0%",
    "money": "#,##0.00",
    "count": "#,##0",
    "integer": "#,##0",
    "customers": "#,##0",
    "days": "#,##0.0",
    "points": "#,##0.0",
    "multiple": "0.00",
    "decimal": "0.00",
    "number": "0.0000",
    "date": "yyyy-mm-dd",
    "month": "yyyy-mm",
}
_DATES = ("date", "month")
_POINTS = "pp 百分点"
_FORBIDDEN_IN_SHEETS = re.compile(r"[\[\]:*?/\\']")
_SHEET_NAME_LENGTH = 31
_WIDEST = 44
CONTENTS = "Contents 目录"
_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
}
_CONTENTS_HEADS = (
    ("Table", 44), ("表格", 36), ("Sheet 工作表", 32), ("Rows 行数", 11), ("Chapter 章节", 18),
    ("Period 报告期", 13), ("Data through 数据截至", 13),
)  # fmt: skip


def safe_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text


def headers(table: dict[str, Any]) -> list[str]:
    """The columns' headers in every language, with the unit of money, days and points."""
    units = {"money": table["currency"], "days": "days", "pp": _POINTS}
    found = []
    for column in table["columns"]:
        unit = units.get(column["unit"], "")
        found.append(_joined(column["header"]) + (f" ({unit})" if unit else ""))
    return found


def cell(value: Any) -> Any:
    """A cell of a record's table: a figure as it is, names in every language."""
    return _joined(value) if isinstance(value, dict) else value


def _joined(texts: dict[str, str]) -> str:
    return " ".join(dict.fromkeys(texts[name] for name in LANGUAGES if name in texts))


def write_csv(table: dict[str, Any], path: Path) -> None:
    """Write one table of a record: UTF-8 with a mark that spreadsheets know, figures unrounded.

    A cell that begins like a formula gets a leading apostrophe; headers too.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([safe_text(text) for text in headers(table)])
        for row in table["rows"]:
            writer.writerow([_csv_cell(cell(value)) for value in row])


def _csv_cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return safe_text(value)
    number = float(value)
    return int(number) if number.is_integer() else repr(number)


def sheet_name(chapter: str, table: str) -> str:
    """The name of a table's sheet: the chapter's number and the table's name, always the same.

    Excel takes at most 31 letters: a longer name is cut, and ends in a mark of the whole name.
    """
    name = f"{chapter[:2]} {table}".replace("_", " ").strip()
    name = _FORBIDDEN_IN_SHEETS.sub(" ", name)
    if len(name) <= _SHEET_NAME_LENGTH:
        return name
    mark = f" {zlib.crc32(name.encode()) & 0xFFF:03x}"
    return name[: _SHEET_NAME_LENGTH - len(mark)].rstrip() + mark


def write_workbook(
    tables: Sequence[dict[str, Any]], path: Path, *, period: str, as_of: str
) -> None:
    """Write one workbook: a list of all tables, and each table in a sheet of its own.

    Args:
        tables: Tables of records, each with its `chapter`.
        path: Where to write.
        period: Label of the period that they are about.
        as_of: Last day of the data, as ISO date.
    """
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), _OPTIONS) as workbook:
        workbook.set_properties({"created": date(2000, 1, 1)})
        formats = _formats(workbook)
        contents = workbook.add_worksheet(CONTENTS)
        _head(contents, [name for name, _ in _CONTENTS_HEADS], formats)
        for place, (_, width) in enumerate(_CONTENTS_HEADS):
            contents.set_column(place, place, width)
        for line, table in enumerate(tables, start=1):
            name = sheet_name(table["chapter"], table["name"])
            _list(contents, line, table, name, formats)
            contents.write_string(line, 5, period)
            contents.write_datetime(line, 6, date.fromisoformat(as_of), formats["date"])
            _fill(workbook.add_worksheet(name), table, formats)


def _formats(workbook: Any) -> dict[str, Any]:
    """The formats of the units, of a header and of a link."""
    found = {
        unit: workbook.add_format({"num_format": shown}) for unit, shown in _NUMBER_FORMATS.items()
    }
    head = {"bold": True, "text_wrap": True, "bottom": 2, "valign": "top"}
    found["head"] = workbook.add_format(head)
    found["link"] = workbook.add_format({"font_color": "#12436D", "underline": 1})
    return found


def _head(sheet: Any, names: Sequence[str], formats: dict[str, Any]) -> None:
    """The header, which stays in sight, and with it the first column."""
    for place, name in enumerate(names):
        sheet.write_string(0, place, name, formats["head"])
    sheet.freeze_panes(1, 1)


def _list(sheet: Any, line: int, table: dict[str, Any], name: str, formats: dict[str, Any]) -> None:
    """A table in the list of all, with a link to its sheet."""
    for place, language in enumerate(("en", "zh")):
        sheet.write_string(line, place, table["title"].get(language, ""))
    sheet.write_url(line, 2, f"internal:'{name}'!A1", formats["link"], string=name)
    sheet.write_number(line, 3, len(table["rows"]), formats["count"])
    sheet.write_string(line, 4, table["chapter"])


def _fill(sheet: Any, table: dict[str, Any], formats: dict[str, Any]) -> None:
    names = headers(table)
    _head(sheet, names, formats)
    for place, name in enumerate(names):
        width = max([_width(name) / 2, *(_width(cell(row[place])) for row in table["rows"][:200])])
        sheet.set_column(place, place, min(max(width, 8) + 2, _WIDEST))
    for line, row in enumerate(table["rows"], start=1):
        own = _unit_of_metric(table, row)
        for place, value in enumerate(row):
            unit = table["columns"][place]["unit"]
            unit = own if unit == "by_metric" else unit
            _write_cell(sheet, (line, place), cell(value), unit, formats)
    if table["rows"]:
        sheet.autofilter(0, 0, len(table["rows"]), len(names) - 1)


def _write_cell(
    sheet: Any, place: tuple[int, int], value: Any, unit: str, formats: dict[str, Any]
) -> None:
    """A figure, a date or a text; nothing where there is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        sheet.write_number(*place, value, formats.get(unit))
    elif value is not None and unit in _DATES:
        sheet.write_datetime(*place, date.fromisoformat(value), formats[unit])
    elif value is not None:
        sheet.write_string(*place, str(value))


def _unit_of_metric(table: dict[str, Any], row: Sequence[Any]) -> str:
    """The unit of the metric that a row is about; empty where it is about none."""
    for column, value in zip(table["columns"], row, strict=True):
        if column["unit"] == "metric" and isinstance(value, dict):
            return next((m.unit for m in metrics.load().values() if m.name == value), "")
    return ""


def _width(value: Any) -> float:
    if value is None:
        return 0
    if isinstance(value, (int, float)):
        return len(f"{value:,.2f}")
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in str(value))
