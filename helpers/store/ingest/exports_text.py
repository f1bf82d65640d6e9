"""Campaign reports as platforms write them: lines before the header, totals, thousands commas.

UTF-8 with or without a byte order mark, or UTF-16 separated by tabs as written for Excel. A line
that is no row is set aside by itself, as in `text_files`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.store.errors import BadInput
from helpers.store.ingest.source import literal, quoted
from helpers.store.quarantine import Incoming

if TYPE_CHECKING:
    from helpers.store.columns import Table

SUFFIXES = (".csv", ".tsv", ".txt")
EMPTY = ("", "-", "--")
LINES_BEFORE_HEADER = 8
LONGEST_HEADER = 1 << 16
BATCH = 50_000
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_AMOUNT = re.compile(r"[+-]?\d+(\.\d+)?")


@dataclass(frozen=True)
class Report:
    """A campaign report: where it is, how it is written, and the names in its header.

    `label` is its path below the data's folder; `header` the number of the header's line.
    """

    path: Path
    label: str
    encoding: str
    separator: str
    header: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Total:
    """A row of a report that adds up others: its name as far as it has one, and its cells."""

    label: str
    line: int
    name: str
    cells: Mapping[str, str]

    def amount(self, column: str) -> Decimal | None:
        """The total of a column; None where it is no number."""
        text = self.cells.get(column, "")
        return Decimal(text) if _AMOUNT.fullmatch(text) else None


@dataclass
class Staged:
    """Reports staged as text under the names of a table, and the totals left out."""

    incoming: Incoming
    totals: list[Total] = field(default_factory=list)


def look_at(path: Path, label: str, marks: Callable[[Sequence[str]], bool]) -> Report | None:
    """The report that a file is, if one of its first lines is a header that `marks` accepts."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return None
    encoding = _encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as opened:
            for number in range(1, LINES_BEFORE_HEADER + 1):
                line = opened.readline(LONGEST_HEADER)
                separator = "\t" if "\t" in line else ","
                names = [name.strip() for name in _fields(line, separator) or ()]
                if marks(names):
                    return Report(path, label, encoding, separator, number, tuple(names))
    except (UnicodeError, OSError):
        return None
    return None


def stage(
    table: Table,
    reports: Sequence[Report],
    names: Callable[[Report], Mapping[str, str]],
    total: Callable[[Mapping[str, str]], str | None],
    staging: Path,
) -> Staged:
    """Stage reports as Parquet text, with `__file`, `__line` and `__text`, the whole line.

    Args:
        table: What the columns become; numbers are rid of their thousands commas.
        reports: The files.
        names: Names in a report's header, and the columns of the table that they are.
        total: The name of a row that adds up others (it may be empty); None where it is none.
        staging: An empty folder that outlives the use of the result.

    Raises:
        BadInput: A report is no text in its encoding, or a column stands twice.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = Staged(Incoming((), "", {}))
    broken: list[dict[str, Any]] = []
    columns = [name for name in table.column_names if any(
        name in names(report).values() for report in reports
    )]  # fmt: skip
    texts = [(name, pa.string()) for name in [*columns, "__text", "__file"]]
    schema = pa.schema([*texts, ("__line", pa.int64())])
    with pq.ParquetWriter(staging / "rows.parquet", schema) as writer:
        for report in reports:
            rows = _rows(table, report, names(report), total, found.totals, broken)
            while batch := list(islice(rows, BATCH)):
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    unreadable = None
    if broken:
        pq.write_table(pa.Table.from_pylist(broken), staging / "broken.parquet")
        unreadable = f"SELECT * FROM read_parquet({literal(staging / 'broken.parquet')})"
    found.incoming = Incoming(
        files=tuple(report.label for report in reports),
        relation="SELECT "
        + ", ".join(quoted(name) for name in [*columns, "__text", "__file", "__line"])
        + f" FROM read_parquet({literal(staging / 'rows.parquet')})",
        types=dict.fromkeys(columns, "VARCHAR"),
        unreadable=unreadable,
    )
    return found


def _rows(
    table: Table,
    report: Report,
    names: Mapping[str, str],
    total: Callable[[Mapping[str, str]], str | None],
    totals: list[Total],
    broken: list[dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    """The rows of one report; totals and lines that are no rows are put aside."""
    _refuse_twice(report, names)
    numbers = {c.name for c in table.columns if c.type not in ("string", "date")}
    for line, text in _lines(report):
        fields = _fields(text, report.separator)
        reason = _fault(fields, text, len(report.names))
        if fields is None or reason:
            broken.append({"file": report.label, "line": line, "reason": reason, "row": text})
            continue
        cells = {
            names[name]: _clean(cell, names[name] in numbers)
            for name, cell in zip(report.names, fields, strict=True)
            if name in names
        }
        called = total(cells)
        if called is None:
            yield {**cells, "__text": text, "__file": report.label, "__line": line}
        else:
            totals.append(Total(report.label, line, called, cells))


def _refuse_twice(report: Report, names: Mapping[str, str]) -> None:
    known = [name for name in report.names if name in names]
    meant = [names[name] for name in known]
    for name in known:
        if meant.count(names[name]) > 1:
            raise BadInput(
                f"{report.label}: column {name!r} says the same as another one; keep one of them"
            )


def _lines(report: Report) -> Iterator[tuple[int, str]]:
    """Lines below the header that are not blank, with their numbers from 1."""
    try:
        with report.path.open(encoding=report.encoding, newline="") as opened:
            for number, line in enumerate(opened, 1):
                text = line.rstrip("\r\n")
                if number > report.header and text.strip():
                    yield number, text
    except UnicodeError as error:
        raise BadInput(
            f"{report.label}: is no {report.encoding} ({error}); export it again as CSV in UTF-8"
        ) from error


def _encoding(path: Path) -> str:
    with path.open("rb") as opened:
        start = opened.read(2)
    return "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _fields(text: str, separator: str) -> list[str] | None:
    """Fields of one line; None where its quotes do not pair."""
    try:
        return next(csv.reader([text.rstrip("\r\n")], delimiter=separator, strict=True), [])
    except csv.Error:
        return None


def _fault(fields: list[str] | None, text: str, width: int) -> str:
    """Why a line is no row; empty where it is one."""
    if fields is None:
        return "has a quote that is not closed"
    if "\0" in text:
        return "holds a NUL byte"
    return "" if len(fields) == width else "has another number of fields than the header"


def _clean(cell: str, number: bool) -> str:
    """A cell without what only looks: spaces, dashes for nothing, thousands commas."""
    cell = cell.strip()
    if cell in EMPTY:
        return ""
    return cell.replace(",", "") if number and _THOUSANDS.fullmatch(cell) else cell
