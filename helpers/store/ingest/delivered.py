"""Files as delivered, ready for the sieve: Parquet as it stands, text and workbooks as text."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.store.columns import Column, Table
from helpers.store.errors import BadInput
from helpers.store.ingest import text_files, workbooks
from helpers.store.ingest.casts import NO_TYPE, fits
from helpers.store.ingest.source import Note, literal, quoted
from helpers.store.quarantine import Incoming

if TYPE_CHECKING:
    import duckdb


@dataclass
class Delivery:
    """Rows of one table as delivered, and what is worth saying about their columns."""

    incoming: Incoming
    notes: list[Note] = field(default_factory=list)


def headers_of(file: Path) -> list[str]:
    """Names of the columns of a file; none where it is no table."""
    status = file.stat()
    return list(_headers(file, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=256)
def _headers(file: Path, size: int, changed: int) -> tuple[str, ...]:
    try:
        if file.suffix.lower() == ".parquet":
            return tuple(_types(file))
        if file.suffix.lower() == ".xlsx":
            return tuple(workbooks.header(file))
        return tuple(text_files.header(file)) if file.suffix.lower() == ".csv" else ()
    except BadInput:
        return ()


@contextmanager
def open_delivery(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    files: list[Path],
    *,
    aliases: Mapping[str, str] | None = None,
    encoding: str | None = None,
    stage: text_files.Stage | None = None,
) -> Iterator[Delivery]:
    """The rows of one or more files of one kind; text is staged while the context is open.

    Args:
        connection: Used to look at types.
        table: What the files should be.
        files: All Parquet, or all text, or all workbooks.
        aliases: Other names of columns and what they are here.
        encoding: Encoding of text files; UTF-8 when None.
        stage: How to read text files; comma-separated with a header when None.

    Raises:
        BadInput: A file can't be read, or lacks a required column.
    """
    suffixes = {file.suffix.lower() for file in files}
    if len(suffixes) != 1:
        raise BadInput(
            f"{table.name}: files of several kinds ({', '.join(sorted(suffixes))}) in "
            f"{files[0].parent}; leave one kind there"
        )
    staging = Path(tempfile.mkdtemp(prefix="store-report-text-"))
    try:
        if suffixes == {".parquet"}:
            yield _parquet(table, files, aliases or {})
        else:
            usual = workbooks.stage if suffixes == {".xlsx"} else text_files.stage
            yield _text(table, files, aliases or {}, stage or usual, encoding, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _types(*files: Path) -> dict[str, str]:
    """DuckDB types of the columns of Parquet files taken together."""
    import duckdb

    try:
        found = _looker().execute(f"DESCRIBE SELECT * FROM {_scan(files)}").fetchall()
    except duckdb.Error as error:
        raise BadInput(
            f"{files[0].name}: can't be read as Parquet ({str(error).splitlines()[0]}); "
            "export it again"
        ) from error
    return {name: kind for name, kind, *_ in found}


@lru_cache(maxsize=1)
def _engine() -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect()


def _looker() -> duckdb.DuckDBPyConnection:
    """A cursor to look into files with; the engine stays, for to start one takes longer."""
    return _engine().cursor()


def _scan(files: tuple[Path, ...] | list[Path], extra: str = "") -> str:
    return f"read_parquet([{', '.join(map(literal, files))}], union_by_name = true{extra})"


def _parquet(table: Table, files: list[Path], aliases: Mapping[str, str]) -> Delivery:
    notes: list[Note] = []
    for file in files:
        checked = columns_of(table, file.name, list(_types(file)), aliases)
        notes += [note for note in checked[1] if note not in notes]
    types = _types(*files)
    if not _count(files) and table.required:
        raise BadInput(_no_row(files[0], table))
    known, _ = columns_of(table, files[0].name, list(types), aliases)
    one = literal(files[0].name) if len(files) == 1 else "parse_filename(filename)"
    named = ", filename = true" if len(files) > 1 else ""
    relation = _relation(known, one, "file_row_number + 1", _scan(files, named))
    return Delivery(
        Incoming(
            files=tuple(file.name for file in files),
            relation=relation,
            types={
                canonical: _type(table.column(canonical), name, types[name], files)
                for name, canonical in known.items()
            },
        ),
        notes,
    )


def _type(column: Column, name: str, delivered: str, files: list[Path]) -> str:
    """The delivered type; none for a column without a value, whose type means nothing."""
    if fits(column, delivered) or _count(files, quoted(name)):
        return delivered
    return NO_TYPE


def _relation(known: Mapping[str, str], file: str, line: str, scan: str) -> str:
    columns = ", ".join(f"{quoted(name)} AS {quoted(new)}" for name, new in known.items())
    return f"SELECT {columns}, {file} AS __file, {line} AS __line FROM {scan}"


def _count(files: list[Path], what: str = "*") -> int:
    found = _looker().execute(f"SELECT count({what}) FROM {_scan(files)}").fetchone()
    return found[0] if found else 0


def columns_of(
    table: Table, where: str, names: list[str], aliases: Mapping[str, str]
) -> tuple[dict[str, str], list[Note]]:
    """Delivered names that the table knows, and what they are called in it.

    Raises:
        BadInput: A column is missing or stands twice.
    """
    known: dict[str, str] = {}
    unknown = []
    for name in names:
        canonical = aliases.get(name, name)
        if canonical not in table.column_names:
            unknown.append(name)
        elif canonical in known.values():
            raise BadInput(f"{where}: column {name!r} stands twice; keep one of them")
        else:
            known[name] = canonical
    for column in table.required_columns:
        if column not in known.values():
            near = difflib.get_close_matches(column, unknown, 1, 0.7)
            hint = f"; {near[0]!r} looks like it: rename it" if near else "; add it"
            raise BadInput(
                f"{where}: column {column!r} is missing; required columns are "
                f"{', '.join(table.required_columns)}; found are "
                f"{', '.join(names) or 'none'}{hint} and run again"
            )
    return known, [_unknown(table, where, name, known) for name in unknown]


def _unknown(table: Table, where: str, name: str, known: Mapping[str, str]) -> Note:
    absent = [column for column in table.column_names if column not in known.values()]
    near = difflib.get_close_matches(name, absent, 1, 0.7)
    hint = f"; if it is {near[0]!r}, rename it" if near else ""
    return Note(
        "unknown_column",
        f"{where}: column {name!r} is not known and was not read{hint}",
        {"file": where, "column": name, "near": near[0] if near else ""},
    )


def _text(
    table: Table,
    files: list[Path],
    aliases: Mapping[str, str],
    read: text_files.Stage,
    encoding: str | None,
    staging: Path,
) -> Delivery:
    notes: list[Note] = []
    names: dict[str, str] = {}
    parts: list[str] = []
    for number, file in enumerate(files):
        staged = read(file, staging / f"{number}.parquet", staging / f"{number}.broken", encoding)
        known, found = columns_of(table, file.name, staged.columns, aliases)
        if not staged.rows and table.required:
            raise BadInput(_no_row(file, table))
        names.update(known)
        parts += staged.parts
        notes += [note for note in found if note not in notes]
    rows = [staging / f"{number}.parquet" for number in range(len(files))]
    broken = sorted(staging.glob("*.broken"))
    return Delivery(
        Incoming(
            files=tuple(parts),
            relation=_relation(names, "__file", "__line", _scan(rows)),
            types=dict.fromkeys(names.values(), "VARCHAR"),
            unreadable=f"SELECT * FROM {_scan(broken)}" if broken else None,
        ),
        notes,
    )


def _no_row(file: Path, table: Table) -> str:
    return (
        f"{file.name}: has no row below its column names; {table.name} needs one; export it again"
    )
