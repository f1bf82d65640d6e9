"""Text files, read line by line: comma, quotes doubled, one row a line, encoding declared.

A line that is no row (other number of fields, unclosed quote, NUL) is set aside by itself, with
its number: it can't swallow its neighbours.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.store.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_ENCODING = "utf-8"
BATCH = 50_000
LONGEST_LINE = 1 << 20
_OTHER_FILES = {
    b"PK\x03\x04": "a workbook or zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


class EmptyFile(BadInput):
    """A file without even column names."""


@dataclass(frozen=True)
class Staged:
    """A file staged as Parquet text: its columns, rows, and the values of `__file` in order."""

    columns: list[str]
    rows: int
    parts: list[str]


Stage = Callable[[Path, Path, Path, "str | None"], Staged]


@dataclass
class _Broken:
    file: list[str] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    row: list[str] = field(default_factory=list)

    def add(self, file: str, line: int, reason: str, row: str) -> None:
        self.file.append(file)
        self.line.append(line)
        self.reason.append(reason)
        self.row.append(row)


def header(file: Path, encoding: str | None = None) -> list[str]:
    """Names in the first line.

    Raises:
        BadInput: The file is empty, no text, or not separated by commas.
    """
    with file.open("rb") as opened:
        start = opened.readline(LONGEST_LINE)
    _refuse_other_files(file, start)
    text = _decoded(file, start, 0, encoding or DEFAULT_ENCODING).lstrip("\ufeff").rstrip("\r\n")
    if not text.strip():
        raise EmptyFile(f"{file.name}: is empty; it must begin with a line of column names")
    names = _fields(text)
    if names is None:
        raise BadInput(f"{file.name}: line 1, the column names, has a quote that is not closed")
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(names) == 1 and mark in text:
            raise BadInput(
                f"{file.name}: its columns are separated by {name}; export it with commas"
            )
    return names


def stage(file: Path, rows: Path, broken: Path, encoding: str | None) -> Staged:
    """Copy a text file into Parquet as text, with `__file` and `__line`.

    Args:
        file: The text file.
        rows: Parquet file to write, with the file's columns.
        broken: Parquet file for lines that are no rows; not made where there are none.
        encoding: Encoding; UTF-8 when None.

    Raises:
        BadInput: The file is no text in that encoding, or its header can't be.
    """
    names = header(file, encoding)
    lines = _lines(file, encoding or DEFAULT_ENCODING)
    next(lines, None)
    return _stage(file, names, lines, _fields, rows, broken)


def stage_lines(names: list[str]) -> Stage:
    """A `stage` for files without header whose fields are separated by spaces."""

    def stage_spaced(file: Path, rows: Path, broken: Path, encoding: str | None) -> Staged:
        lines = _lines(file, encoding or DEFAULT_ENCODING)
        return _stage(file, names, lines, str.split, rows, broken)

    return stage_spaced


def _stage(
    file: Path,
    names: list[str],
    lines: Iterator[tuple[int, str]],
    split: Callable[[str], list[str] | None],
    rows: Path,
    broken: Path,
) -> Staged:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"{file.name}: column {twice[0]!r} stands twice; keep one of them")
    texts = [(name, pa.string()) for name in [*names, "__file"]]
    schema = pa.schema([*texts, ("__line", pa.int64())])
    found, count = _Broken(), 0
    with pq.ParquetWriter(rows, schema) as writer:
        while batch := list(islice(lines, BATCH)):
            table = _table(file.name, batch, split, found, schema)
            count += table.num_rows
            writer.write_table(table)
    if found.line:
        pq.write_table(pa.table(vars(found)), broken)
    return Staged(names, count + len(found.line), [file.name])


def _table(
    name: str,
    batch: list[tuple[int, str]],
    split: Callable[[str], list[str] | None],
    broken: _Broken,
    schema: pa.Schema,
) -> pa.Table:
    import pyarrow as pa

    width = len(schema) - 2
    good: list[list[str]] = []
    numbers: list[int] = []
    for number, text in batch:
        fields = split(text)
        if fields is None:
            broken.add(name, number, "has a quote that is not closed", text)
        elif "\0" in text:
            broken.add(name, number, "holds a NUL byte", text)
        elif len(fields) != width:
            broken.add(name, number, "has another number of fields than the header", text)
        else:
            good.append(fields)
            numbers.append(number)
    texts = [list(column) for column in zip(*good, strict=True)] or [[] for _ in range(width)]
    return pa.table([*texts, [name] * len(good), numbers], schema=schema)


def _fields(text: str) -> list[str] | None:
    """Fields of one line; None where its quotes do not pair."""
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except (csv.Error, StopIteration):
        return None


def _lines(file: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers from 1, without their ends."""
    place = 0
    with file.open("rb") as opened:
        for number, line in enumerate(iter(lambda: opened.readline(LONGEST_LINE), b""), 1):
            if len(line) == LONGEST_LINE:
                raise BadInput(_too_long(file, number))
            text = _decoded(file, line, place, encoding)
            place += len(line)
            if number == 1:
                text = text.lstrip("\ufeff")
            text = text.rstrip("\r\n")
            if text.strip() or number == 1:
                yield number, text


def _too_long(file: Path, number: int) -> str:
    return (
        f"{file.name}: line {number} is longer than {LONGEST_LINE} bytes; a table has one row a "
        "line: export it again"
    )


def _decoded(file: Path, line: bytes, place: int, encoding: str) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{file.name}: byte {place + error.start} is no {encoding}; {_other(file, encoding)}"
        ) from error


def _other(file: Path, encoding: str) -> str:
    """The next step for text in another encoding."""
    if codecs.lookup(encoding).name != "utf-8":
        return "write the file's encoding into store.toml, or export it as UTF-8"
    return (
        'exports of Chinese marketplaces are often in GBK: write encoding = "gb18030" into '
        "store.toml beside the data, or export it as UTF-8"
    )


def _refuse_other_files(file: Path, start: bytes) -> None:
    for mark, what in _OTHER_FILES.items():
        if start.startswith(mark):
            raise BadInput(f"{file.name}: is {what}, not comma-separated text; export it as CSV")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise BadInput(
            f"{file.name}: is a web page (HTML or XML), not comma-separated text; the download "
            "may have ended at a log-in page: download it again"
        )
