"""Files: tables grow block by block in a folder of their own, which takes its name at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from helpers.store.sample.arrow import arrow_schema
from helpers.store.sample.settings import SHOP_ID
from helpers.store.schema import TABLES

TRUTH_FILE = "truth.json"
STORE_TOML = """\
currency = "CNY"
time_zone = "Asia/Shanghai"

[name]
en = "Sample shop"
zh = "示例店铺"
"""


class Tables:
    """Writers of all canonical tables in one folder; each batch becomes a row group."""

    def __init__(self, folder: Path) -> None:
        """Opens a writer per table, so that a table without rows is written too."""
        self._schemas = {name: arrow_schema(name) for name in TABLES}
        self._writers = {
            name: pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")
            for name, schema in self._schemas.items()
        }
        self.rows = dict.fromkeys(TABLES, 0)

    def write(self, table: str, columns: dict[str, pa.Array]) -> None:
        """Appends rows; `shop_id` and columns that are not given are filled in or left empty."""
        schema = self._schemas[table]
        count = len(next(iter(columns.values())))
        if not count:
            return
        given = {"shop_id": pa.repeat(pa.scalar(SHOP_ID), count), **columns}
        unknown = set(given) - set(schema.names)
        if unknown:
            raise KeyError(f"table {table} has no columns {sorted(unknown)}; see schema.py.")
        arrays = [given.get(field.name, pa.nulls(count, field.type)) for field in schema]
        batch = pa.Table.from_arrays(arrays, schema=schema)
        self._writers[table].write_table(batch, row_group_size=count)
        self.rows[table] += count

    def close(self) -> None:
        """Finishes all files."""
        for writer in self._writers.values():
            writer.close()


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write to that becomes `folder` if nothing fails; there is never a half one.

    Raises:
        FileExistsError: `folder` holds something that is no sample shop.
    """
    folder = folder.resolve()
    if folder.exists() and not (folder / TRUTH_FILE).exists() and any(folder.iterdir()):
        raise FileExistsError(
            f"{folder.name}: holds files but no {TRUTH_FILE}, so it is no sample shop to replace; "
            "name another folder or empty it"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    staging.mkdir()
    try:
        yield staging
        _take_the_place(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _take_the_place(staging: Path, folder: Path) -> None:
    """Renames a finished folder; the one before stays if that fails."""
    if not folder.exists():
        staging.rename(folder)
        return
    before = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    folder.rename(before)
    try:
        staging.rename(folder)
    except OSError:
        before.rename(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)
