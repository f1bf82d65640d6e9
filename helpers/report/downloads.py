"""Tables as files: CSV and one workbook that spreadsheets open right and never run."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

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
    "number": "0.0000",
}
_FORBIDDEN_IN_SHEETS = re.compile(r"[\[\]:*?/\\']")
_SHEET_NAME_LENGTH = 31
_WIDEST = 44


def safe_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text


def headers(table: dict[str, Any]) -> list[str]:
    """The columns' headers in every language, with the unit of money and days."""
    found = []
    for column in table["columns"]:
        texts = [column["header"][name] for name in LANGUAGES if name in column["header"]]
        unit = column["unit"]
        unit = table["currency"] if unit == "money" else unit if unit == "days" else ""
        found.append(" ".join(dict.fromkeys(texts)) + (f" ({unit})" if unit else ""))
    return found


def cell(value: Any) -> Any:
    """A cell of a record's table: a figure as it is, names in every language."""
    if isinstance(value, dict):
        return " ".join(dict.fromkeys(value[name] for name in LANGUAGES if name in value))
    return value


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


def write_workbook(tables: Sequence[dict[str, Any]], path: Path) -> None:
    """Write all tables into one workbook, a sheet each, with number formats and a frozen header.

    Args:
        tables: Tables of records, each with its `chapter`.
        path: Where to write.
    """
    import xlsxwriter

    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "in_memory": True,
    }
    with xlsxwriter.Workbook(str(path), options) as workbook:
        workbook.set_properties({"created": date(2000, 1, 1)})
        head = workbook.add_format({"bold": True, "text_wrap": True, "bottom": 2, "valign": "top"})
        formats = {
            unit: workbook.add_format({"num_format": shown})
            for unit, shown in _NUMBER_FORMATS.items()
        }
        taken: set[str] = set()
        for table in tables:
            sheet = workbook.add_worksheet(sheet_name(table, taken))
            _fill(sheet, table, head, formats)
        if not tables:
            workbook.add_worksheet()


def sheet_name(table: dict[str, Any], taken: set[str]) -> str:
    """A name for a sheet: short, without forbidden signs, and no other sheet's."""
    chapter = str(table.get("chapter", ""))[:2]
    text = _FORBIDDEN_IN_SHEETS.sub(" ", f"{chapter} {table['name']}".strip())
    name, count = text[:_SHEET_NAME_LENGTH], 1
    while name.lower() in taken:
        count += 1
        tail = f" {count}"
        name = text[: _SHEET_NAME_LENGTH - len(tail)] + tail
    taken.add(name.lower())
    return name


def _fill(sheet: Any, table: dict[str, Any], head: Any, formats: dict[str, Any]) -> None:
    names = headers(table)
    for place, name in enumerate(names):
        sheet.write_string(0, place, name, head)
        width = max([_width(name) / 2, *(_width(cell(row[place])) for row in table["rows"][:200])])
        sheet.set_column(place, place, min(max(width, 8) + 2, _WIDEST))
    for line, row in enumerate(table["rows"], start=1):
        for place, value in enumerate(row):
            shown = cell(value)
            if isinstance(shown, (int, float)) and not isinstance(shown, bool):
                sheet.write_number(line, place, shown, formats.get(table["columns"][place]["unit"]))
            elif shown is not None:
                sheet.write_string(line, place, str(shown))
    sheet.freeze_panes(1, 1)
    if table["rows"]:
        sheet.autofilter(0, 0, len(table["rows"]), len(names) - 1)


def _width(value: Any) -> float:
    if value is None:
        return 0
    if isinstance(value, (int, float)):
        return len(f"{value:,.2f}")
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in str(value))
