"""The engine that all tables are read with: DuckDB, embedded, with its limits set."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    from ibis.backends.duckdb import Backend

MEMORY_LIMIT = "900MB"
TEMPORARY_LIMIT = "60GB"


def settings(temporary: Path) -> dict[str, Any]:
    """Settings of every connection: bounded memory, an own temporary folder, no downloads."""
    return {
        "memory_limit": os.environ.get("STORE_REPORT_MEMORY", MEMORY_LIMIT),
        "threads": os.environ.get("STORE_REPORT_THREADS", str(min(4, os.cpu_count() or 1))),
        "temp_directory": str(temporary),
        "max_temp_directory_size": TEMPORARY_LIMIT,
        "autoinstall_known_extensions": "false",
        "preserve_insertion_order": "false",
    }


def fresh_temporary() -> Path:
    """A new private folder for what does not fit in memory."""
    return Path(tempfile.mkdtemp(prefix="store-report-"))


def connect(temporary: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection that may write, for ingest."""
    import duckdb

    return duckdb.connect(config=settings(temporary))


def connect_builder(temporary: Path) -> Backend:
    """An Ibis connection that may write, for building marts."""
    import ibis

    # Ibis 12 reads an option of pandas and a method of DuckDB that are about to go.
    warnings.filterwarnings("ignore", message=".*future.infer_string", module="ibis")
    warnings.filterwarnings("ignore", message=".*fetch_arrow_table", module="ibis")
    return ibis.duckdb.connect(**settings(temporary))


def connect_ibis(temporary: Path, readable: list[Path]) -> Backend:
    """An Ibis connection that reads Parquet files in `readable` and nothing else outside.

    The order matters: Ibis needs the file system while it connects, so external access is
    taken away afterwards and the configuration locked last.
    """
    connection = connect_builder(temporary)
    folders = ", ".join("'" + str(path).replace("'", "''") + "'" for path in [*readable, temporary])
    connection.raw_sql(f"SET allowed_directories = [{folders}]")
    connection.raw_sql("SET enable_external_access = false")
    connection.raw_sql("SET lock_configuration = true")
    return connection


def remove(temporary: Path) -> None:
    """Delete a temporary folder; one that is gone already is fine."""
    shutil.rmtree(temporary, ignore_errors=True)
