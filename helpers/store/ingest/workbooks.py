"""Workbooks (xlsx): all sheets with the same header, staged as text with the sheet's name."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from helpers.store.errors import BadInput
from helpers.store.ingest.text_files import BATCH, Staged

SHEET = "sheet"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_FIRST_SHEET = "xl/worksheets/sheet1.xml"
_TEXTS = "xl/sharedStrings.xml"


def header(file: Path) -> list[str]:
    """Names in the first row of the first sheet, and the column that names the sheet.

    Reads no further than that row: a large workbook is recognised in no time.

    Raises:
        BadInput: The file is no workbook.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            with archive.open(_FIRST_SHEET) as sheet:
                cells = _first_row(sheet)
            shared = [int(text) for text, kind in cells if kind == "s"]
            texts = {}
            if shared:
                with archive.open(_TEXTS) as found:
                    texts = _shared_texts(found, max(shared))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError, ValueError) as error:
        raise BadInput(_unreadable(file, error)) from error
    return [*(texts[int(text)] if kind == "s" else text for text, kind in cells), SHEET]


def stage(file: Path, rows: Path, broken: Path, encoding: str | None) -> Staged:
    """Copy all sheets into one Parquet file of text, with `__file`, `__line` and `sheet`.

    Raises:
        BadInput: The file is no workbook, or a sheet has another header than the first.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = header(file)
    texts = [(name, pa.string()) for name in [*names, "__file"]]
    schema = pa.schema([*texts, ("__line", pa.int64())])
    book = _open(file)
    count, parts = 0, []
    with pq.ParquetWriter(rows, schema) as writer:
        for sheet in book.sheet_names:
            parts.append(f"{file.name} [{sheet}]")
            lines = _lines(book, file, sheet, names)
            while batch := list(islice(lines, BATCH)):
                *columns, numbers = map(list, zip(*batch, strict=True))
                labels = [parts[-1]] * len(batch)
                writer.write_table(pa.table([*columns, labels, numbers], schema=schema))
                count += len(batch)
    return Staged(names, count, parts)


def _open(file: Path) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        return CalamineWorkbook.from_path(str(file))
    except (CalamineError, OSError) as error:
        raise BadInput(_unreadable(file, error)) from error


def _unreadable(file: Path, error: Exception) -> str:
    return f"{file.name}: can't be read as a workbook ({error}); export it again"


def _lines(book: Any, file: Path, sheet: str, names: list[str]) -> Iterator[list[Any]]:
    """Cells of a sheet's rows as text, its name, and the row's number; blank rows are none."""
    cells = book.get_sheet_by_name(sheet)
    rows = enumerate(cells.iter_rows(), 1 + (cells.start or (0, 0))[0])
    found = [*(_text(cell) for cell in next(rows, (1, []))[1]), SHEET]
    if found != names:
        raise BadInput(
            f"{file.name}: sheet {sheet!r} has columns {', '.join(found[:-1]) or 'none'}; the "
            f"first sheet has {', '.join(names[:-1])}; leave only sheets with these columns"
        )
    for number, row in rows:
        texts = [_text(cell) for cell in row]
        if any(texts):
            yield [*texts, sheet, number]


def _text(cell: Any) -> str:
    """A cell as text: whole numbers without a point, times in ISO form."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _first_row(sheet: IO[bytes]) -> list[tuple[str, str]]:
    """Text and kind (`s`: number of a shared text) of the cells of a sheet's first row."""
    for _, element in ElementTree.iterparse(sheet):
        if element.tag == f"{_MAIN}row":
            return [_cell(cell) for cell in element.iter(f"{_MAIN}c")]
    return []


def _cell(cell: ElementTree.Element) -> tuple[str, str]:
    kind = cell.get("t", "")
    if kind == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_MAIN}t")), kind
    return cell.findtext(f"{_MAIN}v", ""), kind


def _shared_texts(found: IO[bytes], last: int) -> dict[int, str]:
    """The shared texts up to a number."""
    texts: dict[int, str] = {}
    for _, element in ElementTree.iterparse(found):
        if element.tag == f"{_MAIN}si":
            texts[len(texts)] = "".join(part.text or "" for part in element.iter(f"{_MAIN}t"))
            if len(texts) > last:
                break
    return texts
