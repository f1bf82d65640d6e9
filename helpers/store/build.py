"""Bring a store's tables and marts in the cache up to date; what stands there is reused."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.store import engine, fingerprints
from helpers.store.errors import BadInput
from helpers.store.schema import REQUIRED_TABLES, TABLES

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

_HERE = Path(__file__).parent
KEPT_MARTS = 6


@dataclass(frozen=True)
class Tables:
    """The canonical tables of one state of the input, in one folder of the cache."""

    folder: Path
    fingerprint: str
    source: str
    title: dict[str, str]
    currency: str
    time_zone: str
    targets: dict[str, float]
    first_day: date
    last_day: date

    @classmethod
    def read(cls, folder: Path) -> Tables:
        """Read the manifest that stands beside the tables."""
        found = json.loads((folder / "manifest.json").read_text())
        for name in ("first_day", "last_day"):
            found[name] = date.fromisoformat(found[name])
        return cls(folder=folder, **found)


def code_of_tables() -> str:
    """Fingerprint of all code that shapes the tables."""
    files = (
        "columns.py",
        "schema.py",
        "schema_relations.py",
        "schema_traffic.py",
        "quarantine.py",
        "checks.py",
        "faults.py",
        "settings.py",
        "build.py",
    )
    return fingerprints.of_code(_HERE / "ingest", *(_HERE / name for name in files))


def code_of_marts() -> str:
    """Fingerprint of all code that shapes the marts."""
    files = ("tables.py", "schema.py", "schema_relations.py", "schema_traffic.py", "columns.py")
    return fingerprints.of_code(_HERE / "marts", *(_HERE / name for name in files))


def code_of_fits() -> str:
    """Fingerprint of all code that a costly fit rests on."""
    return fingerprints.of_code(fingerprints.HELPERS / "models", fingerprints.HELPERS / "measures")


def tables(data: str | Path, root: Path) -> Tables:
    """The canonical tables of the data, ingested when the input or its reader changed.

    Raises:
        BadInput: The data can't be used; the message says what to do.
    """
    from helpers.store import ingest
    from helpers.store.settings import load_settings

    source = ingest.recognise(data)
    settings = load_settings(data)
    fingerprint = fingerprints.of(
        fingerprints.of_files(source.files(data)),
        source.state(data),
        source.name,
        dataclasses.asdict(settings),
        code_of_tables(),
    )
    folder = root / "tables" / fingerprint
    if not (folder / "manifest.json").exists():
        with _new_folder(folder) as fresh:
            _ingest(data, source, settings, fingerprint, fresh)
        _keep_newest(root / "tables", 1)
    return Tables.read(folder)


def _ingest(data: str | Path, source: Any, settings: Any, fingerprint: str, folder: Path) -> None:
    from helpers.store import checks, faults

    temporary = engine.fresh_temporary()
    try:
        connection = engine.connect(temporary)
        ingested = source.read(data, folder, connection=connection, settings=settings)
        verdicts = checks.check(connection, folder)
        set_aside = faults.faults(connection, folder)
        described = _describe(connection, folder)
        connection.close()
    finally:
        engine.remove(temporary)
    for name in REQUIRED_TABLES:
        if not described["rows"].get(name):
            raise BadInput(
                f"table {name} has no row left that can be used; see the reasons: "
                f"{ingested.tables[name].reasons if name in ingested.tables else 'it is absent'}"
            )
    failed = sorted({verdict.table for verdict in verdicts if verdict.status == "fail"})
    if blocked := [name for name in failed if name in REQUIRED_TABLES]:
        found = [v for v in verdicts if v.table in blocked and v.status == "fail"]
        raise BadInput(
            f"table {blocked[0]} failed its checks, and no chapter works without it: "
            + "; ".join(f"{v.check}: {v.found}, rule: {v.rule}" for v in found)
            + "; mend the export and run again"
        )
    quality = {
        "verdicts": [dataclasses.asdict(verdict) for verdict in verdicts],
        "quarantine": [dataclasses.asdict(fault) for fault in set_aside],
        "tables": {n: dataclasses.asdict(a) for n, a in ingested.tables.items()},
        "bridge": [dataclasses.asdict(step) for step in ingested.bridge],
        "notes": [dataclasses.asdict(note) for note in ingested.notes],
        "failed": failed,
        "rows": described["rows"],
        "empty_columns": described["empty_columns"],
        "through": described["through"],
    }
    _write_json(folder / "quality.json", quality)
    manifest = {
        "fingerprint": fingerprint,
        "source": source.name,
        "title": settings.name or source.defaults.name,
        "currency": settings.currency or source.defaults.currency,
        "time_zone": settings.time_zone or source.defaults.time_zone,
        "targets": settings.targets,
        "first_day": described["first_day"],
        "last_day": described["last_day"],
    }
    _write_json(folder / "manifest.json", manifest)


def _describe(connection: Any, folder: Path) -> dict[str, Any]:
    """Rows, empty columns and last dates of every table; first and last day with a paid order."""
    rows: dict[str, int] = {}
    empty: dict[str, list[str]] = {}
    through: dict[str, str] = {}
    for name, table in TABLES.items():
        path = folder / f"{name}.parquet"
        if not path.exists():
            continue
        counts = ", ".join(f'count("{column}")' for column in table.column_names)
        last = f'max("{table.dated_by}")' if table.dated_by else "NULL"
        found = connection.execute(
            f"SELECT count(*), {last}, {counts} FROM read_parquet(?)", [str(path)]
        ).fetchone()
        rows[name] = found[0]
        if found[1] is not None:
            through[name] = str(found[1])[:10]
        empty[name] = [c for c, n in zip(table.column_names, found[2:], strict=True) if not n]
    days = connection.execute(
        "SELECT min(paid_at)::DATE, max(paid_at)::DATE FROM read_parquet(?)",
        [str(folder / "orders.parquet")],
    ).fetchone() if rows.get("orders") else (None, None)  # fmt: skip
    if days[0] is None:
        raise BadInput(
            "orders: no order has a `paid_at`; a report needs paid orders: fill the column and "
            "run again"
        )
    return {
        "rows": rows, "empty_columns": empty, "through": through,
        "first_day": days[0], "last_day": days[1],
    }  # fmt: skip


def marts(found: Tables, root: Path, as_of: date) -> Path:
    """The folder of the marts as of a day, built when tables or definitions changed."""
    folder = root / "marts" / f"{as_of}-{fingerprints.of(found.fingerprint, code_of_marts())}"
    if not (folder / "manifest.json").exists():
        with _new_folder(folder) as fresh:
            write_marts(found.folder, fresh, as_of)
    folder.touch()
    _keep_newest(root / "marts", KEPT_MARTS)
    return folder


def write_marts(tables_folder: Path, folder: Path, as_of: date) -> None:
    """Build every mart from the tables in one folder into another, as known on a day."""
    from helpers.store.marts import MARTS

    temporary = engine.fresh_temporary()
    connection = engine.connect_builder(temporary)
    try:
        known = _known_tables(connection, tables_folder, as_of)
        rows = {}
        for mart in MARTS.values():
            path = folder / f"{mart.name}.parquet"
            connection.to_parquet(mart.build(known, as_of), path, compression="zstd")
            known[mart.name] = connection.read_parquet(path)
            rows[mart.name] = int(known[mart.name].count().to_pandas())
        _write_json(folder / "manifest.json", {"as_of": as_of, "rows": rows})
    finally:
        connection.disconnect()
        engine.remove(temporary)


def _known_tables(connection: Backend, folder: Path, as_of: date) -> dict[str, Any]:
    """Every canonical table as known on the day; one that is absent or failed is empty."""
    from helpers.store.tables import as_known_on

    failed = json.loads((folder / "quality.json").read_text())["failed"]
    known = {}
    for name, table in TABLES.items():
        path = folder / f"{name}.parquet"
        if path.exists() and name not in failed:
            known[name] = as_known_on(connection.read_parquet(path), name, as_of)
        else:
            schema = {column.name: column.type for column in table.columns}
            known[name] = connection.create_table(f"no_{name}", schema=schema, temp=True)
    return known


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A staging folder that becomes `folder` when all went well and is deleted otherwise."""
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}")
    for left_over in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _keep_newest(folder: Path, count: int) -> None:
    """Delete all but the subfolders used last: old states of the input are not needed again."""
    found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    for path in sorted(found, key=lambda path: path.stat().st_mtime)[:-count]:
        shutil.rmtree(path, ignore_errors=True)


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, default=str, ensure_ascii=False, indent=1))
