"""Tables that are in the canonical form already: a folder of files, or a database.

A table is `<table>.parquet`, `<table>.csv` or a folder `<table>/` of such files. Text is UTF-8
(or the encoding of `store.toml`), comma-separated, with ISO dates.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.store.columns import Table
from helpers.store.errors import BadInput
from helpers.store.ingest import bridges, database
from helpers.store.ingest.delivered import headers_of, open_delivery
from helpers.store.ingest.source import Ingested, Note, SourceDefaults, TableAccount, literal
from helpers.store.ingest.text_files import EmptyFile
from helpers.store.quarantine import Parent, Sifted, set_aside_more, sift, write
from helpers.store.schema import REQUIRED_TABLES, TABLES
from helpers.store.settings import FILE_NAME

if TYPE_CHECKING:
    import duckdb

    from helpers.store.settings import StoreSettings

SUFFIXES = (".parquet", ".csv")


class Canonical:
    """The source `canonical`."""

    name = "canonical"
    defaults = SourceDefaults("CNY", "Asia/Shanghai")
    headers = f"files {' and '.join(REQUIRED_TABLES)} as .parquet or .csv, named after the tables"
    about = (
        "Your own data in the tables below: a folder with `<table>.parquet`, `<table>.csv` or a "
        "folder `<table>/` of such files for each table, or a database whose tables are so named."
    )

    def recognises(self, data: str | Path) -> bool:
        """Whether a required table is there by name and its columns are not quite others."""
        if str(data).startswith(database.PREFIX):
            return True
        found = _files_by_table(Path(data))
        return any(
            _looks_like(TABLES[name], found[name]) for name in REQUIRED_TABLES if name in found
        )

    def files(self, data: str | Path) -> list[Path]:
        """All files of all tables, or the database's file where it is one."""
        if str(data).startswith(database.PREFIX):
            return database.files(str(data))
        return [file for files in _files_by_table(Path(data)).values() for file in files]

    def state(self, data: str | Path) -> str:
        """Rows and last dates of the tables of a database that is no file."""
        return database.state(str(data)) if str(data).startswith(database.PREFIX) else ""

    def read(
        self,
        data: str | Path,
        target: Path,
        *,
        connection: duckdb.DuckDBPyConnection,
        settings: StoreSettings,
    ) -> Ingested:
        """Validate and write every table that is there."""
        with _tables(data, connection) as found:
            if missing := [name for name in REQUIRED_TABLES if name not in found]:
                raise BadInput(_missing_table(data, missing[0], list(found)))
            reader = _Reader(connection, target, settings, self.defaults)
            for name in sorted(found, key=list(TABLES).index):
                reader.read(TABLES[name], found[name])
        steps = bridges.to_net_sales(connection, target, reader.accounts)
        return Ingested(reader.accounts, steps, [*reader.notes, *_ignored(data)])


class _Reader:
    """Reads one table after the other; later ones refer to earlier ones."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        target: Path,
        settings: StoreSettings,
        defaults: SourceDefaults,
    ) -> None:
        self.connection = connection
        self.target = target
        self.encoding = settings.encoding
        self.zone = settings.time_zone or defaults.time_zone
        self.accounts: dict[str, TableAccount] = {}
        self.notes: list[Note] = []
        self.parents: dict[str, Parent] = {}

    def read(self, table: Table, files: list[Path]) -> None:
        """Judge and write one table; an optional one without column names is left out."""
        try:
            self._read(table, files)
        except EmptyFile:
            if table.required:
                raise
            text = f"{files[0].name}: is empty; the store is read without table {table.name}"
            self.notes.append(Note("file_empty", text, {"file": files[0].name}))

    def _read(self, table: Table, files: list[Path]) -> None:
        with open_delivery(self.connection, table, files, encoding=self.encoding) as delivery:
            sifted = sift(
                self.connection, table, delivery.incoming, time_zone=self.zone,
                parents=self.parents,
            )  # fmt: skip
            if table.name == "returns":
                sifted = self._checked_refunds(sifted)
            write(self.connection, sifted, self.target)
            self.accounts[table.name] = sifted.account
            self.notes += delivery.notes
            self._remember(sifted)

    def _remember(self, sifted: Sifted) -> None:
        """Keep the keys that other tables refer to."""
        name, key = sifted.table.name, sifted.table.key
        if not any(name in other.references.values() for other in TABLES.values()):
            return
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE keys_aside_{name} AS {sifted.keys_set_aside}"
        )
        accepted = f"SELECT {', '.join(key)} FROM {self._written(name)}"
        self.parents[name] = Parent(key, accepted, f"SELECT * FROM keys_aside_{name}")

    def _written(self, name: str) -> str:
        return f"read_parquet({literal(self.target / f'{name}.parquet')})"

    def _checked_refunds(self, sifted: Sifted) -> Sifted:
        """Set aside refunds of orders in quarantine, and those above what the order was paid."""
        sifted = set_aside_more(
            self.connection, sifted,
            f"(shop_id, order_id) IN ({self.parents['orders'].set_aside})",
            "order_id names a row of orders that is in quarantine",
        )  # fmt: skip
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE refunded_above AS "
            "WITH refunds AS (SELECT shop_id, return_id, order_id, amount "
            f"FROM ({sifted.accepted}) WHERE order_id IS NOT NULL), "
            "paid AS (SELECT shop_id, order_id, sum(buyer_paid + coalesce(platform_subsidy, 0)) "
            f"AS paid FROM {self._written('order_lines')} "
            "SEMI JOIN refunds USING (shop_id, order_id) GROUP BY ALL), "
            "postage AS (SELECT shop_id, order_id, coalesce(shipping_charged, 0) AS postage "
            f"FROM {self._written('orders')} SEMI JOIN refunds USING (shop_id, order_id)) "
            "SELECT shop_id, return_id FROM refunds JOIN paid USING (shop_id, order_id) "
            "JOIN postage USING (shop_id, order_id) WHERE amount > paid + postage"
        )
        return set_aside_more(
            self.connection, sifted,
            "(shop_id, return_id) IN (SELECT shop_id, return_id FROM refunded_above)",
            "amount is above what was paid for its order",
        )  # fmt: skip


@contextmanager
def _tables(
    data: str | Path, connection: duckdb.DuckDBPyConnection
) -> Iterator[dict[str, list[Path]]]:
    """Files of each table; a database's tables are copied to files while the context is open."""
    if str(data).startswith(database.PREFIX):
        with database.copied(str(data)) as found:
            yield found
    else:
        yield _files_by_table(Path(data))


def _files_by_table(folder: Path) -> dict[str, list[Path]]:
    """Files of each canonical table in a folder.

    Raises:
        BadInput: A table is there twice.
    """
    found: dict[str, list[Path]] = {}
    if not folder.is_dir():
        return found
    for name in TABLES:
        choices = [[path] for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
        parts = folder / name
        choices += [files for suffix in SUFFIXES if (files := sorted(parts.glob(f"*{suffix}")))]
        if len(choices) > 1:
            both = " and ".join(str(files[0].relative_to(folder)) for files in choices)
            raise BadInput(f"{folder.name}: table {name} is there twice ({both}); keep one of them")
        if choices:
            found[name] = choices[0]
    return found


def _looks_like(table: Table, files: list[Path]) -> bool:
    """Whether half of the required columns are there, or the header can't be read at all."""
    names = headers_of(files[0])
    required = set(table.required_columns)
    return not names or len(required & set(names)) * 2 >= len(required)


def _missing_table(data: str | Path, missing: str, found: list[str]) -> str:
    near: list[str] = []
    if not str(data).startswith(database.PREFIX):
        stems = {path.stem: path.name for path in Path(data).iterdir()}
        near = [stems[stem] for stem in difflib.get_close_matches(missing, list(stems), 1, 0.7)]
    hint = f"; {near[0]} looks like it: rename it" if near else "; add it"
    return (
        f"{data}: table {missing} is missing; required are {', '.join(REQUIRED_TABLES)}; found are "
        f"{', '.join(found) or 'none'}{hint} (its columns: "
        f"{', '.join(TABLES[missing].required_columns)}) and run again"
    )


def _ignored(data: str | Path) -> list[Note]:
    """Notes on tables in the folder that are none of ours."""
    if str(data).startswith(database.PREFIX):
        return []
    read = set(TABLES)
    others = [
        path.name for path in sorted(Path(data).iterdir())
        if path.suffix in SUFFIXES and path.stem not in read and path.name != FILE_NAME
    ]  # fmt: skip
    return [
        Note("file_unknown", f"{name}: not read; no table has this name", {"file": name})
        for name in others
    ]
