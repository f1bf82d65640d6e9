"""A shop's database whose tables are named after the canonical ones.

Its address stands in an environment variable and nowhere else: no message repeats it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.store.errors import BadInput
from helpers.store.schema import TABLES

PREFIX = "env:"
FILE_SCHEMES = ("duckdb", "sqlite")


def files(data: str) -> list[Path]:
    """The database's file, where it is one and there."""
    address = _address(data)
    scheme, _, rest = address.partition("://")
    path = Path(rest if rest and scheme in FILE_SCHEMES else address)
    return [path] if path.is_file() else []


def state(data: str) -> str:
    """Rows and last dates of the tables of a database that is no file.

    Raises:
        BadInput: The database can't be reached or read.
    """
    if files(data):
        return ""
    with _connected(data) as connection:
        found = []
        for name in sorted(set(TABLES) & set(connection.list_tables())):
            rows = connection.table(name)
            dated_by = TABLES[name].dated_by
            last = rows[dated_by].max() if dated_by in rows.columns else None
            counted = rows.aggregate(n=rows.count(), **({} if last is None else {"last": last}))
            found.append(f"{name} {counted.to_pyarrow().to_pylist()}")
    return "; ".join(found)


@contextmanager
def copied(data: str) -> Iterator[dict[str, list[Path]]]:
    """Parquet copies of the canonical tables of the database, while the context is open.

    Raises:
        BadInput: The database can't be reached or read.
    """
    staging = Path(tempfile.mkdtemp(prefix="store-report-database-"))
    try:
        yield _copy(data, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _copy(data: str, staging: Path) -> dict[str, list[Path]]:
    with _connected(data) as connection:
        names = set(connection.list_tables())
        found = {name: [staging / f"{name}.parquet"] for name in TABLES if name in names}
        for name, (path,) in found.items():
            _write(connection, name, path)
    return found


@contextmanager
def _connected(data: str) -> Iterator[Any]:
    """A connection for reading; whatever goes wrong is told without the address."""
    import ibis

    address = _address(data)
    if "://" not in address:
        address = f"duckdb://{address}"
    options = {"read_only": True} if address.startswith("duckdb://") else {}
    try:
        connection = ibis.connect(address, **options)
        try:
            yield connection
        finally:
            connection.disconnect()
    except Exception as error:
        raise BadInput(
            f"{data}: the database can't be read ({type(error).__name__}); check that the "
            "address in the variable is right (a DuckDB file, duckdb://, sqlite:// or "
            "postgres://), that its driver is installed, and that the user may read"
        ) from None


def _write(connection: Any, name: str, path: Path) -> None:
    import pyarrow.parquet as pq

    batches = connection.table(name).to_pyarrow_batches()
    with pq.ParquetWriter(path, batches.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _address(data: str) -> str:
    name = data.removeprefix(PREFIX)
    address = os.environ.get(name, "")
    if not address:
        raise BadInput(
            f"{data}: the environment variable {name} is not set; set it to the database's address"
        )
    return address
