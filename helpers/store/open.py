"""Open a store: recognise its data, bring its tables and marts up to date, read them."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.plan.periods import Period, parse_period
from helpers.store import build, fingerprints
from helpers.store.errors import BadInput, MissingTable
from helpers.store.schema import TABLES

if TYPE_CHECKING:
    import ibis
    import pandas as pd

SAMPLE = "sample"
MADE_BY = ".made_by"
LATER_DAYS = 90
CODE_LENGTH = 12


@dataclass(frozen=True)
class Prepared:
    """A store whose tables and marts stand ready in the cache, for one period.

    `as_of` is the last day that is known: the period's end, or the data's last day before it.
    Where the data go on for long after it, `later_marts` hold the marts of their last day, for the
    comparison of forecasts with what came, and for nothing else.
    """

    name: str
    title: dict[str, str]
    currency: str
    time_zone: str
    source: str
    targets: dict[str, float]
    tables: Path
    marts: Path
    fingerprint: str
    period: Period
    as_of: date
    first_day: date
    last_day: date
    later_marts: Path | None = None

    def write(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(dataclasses.asdict(self), default=str, ensure_ascii=False))

    @classmethod
    def read(cls, path: Path) -> Prepared:
        """Read what `write` wrote."""
        found = json.loads(Path(path).read_text())
        for name in ("as_of", "first_day", "last_day"):
            found[name] = date.fromisoformat(found[name])
        for name in ("tables", "marts"):
            found[name] = Path(found[name])
        if found.get("later_marts"):
            found["later_marts"] = Path(found["later_marts"])
        span = found["period"]
        start, end = date.fromisoformat(span["start"]), date.fromisoformat(span["end"])
        found["period"] = Period(start, end, span["kind"], span["name"])
        return cls(**found)


def sample_folder() -> Path:
    """Where the sample shop stands."""
    return fingerprints.PROJECT / "data" / SAMPLE


def _sample_shop() -> Path:
    """The sample shop, made anew where an earlier version of its generator has made it here.

    One that was written by command, which has no mark, stays as it is.
    """
    folder = sample_folder()
    mark, version = (
        folder / MADE_BY,
        fingerprints.of_code(fingerprints.HELPERS / "store" / "sample"),
    )
    if not folder.exists() or (mark.exists() and mark.read_text(encoding="utf-8") != version):
        from helpers.store.sample import generate

        generate(folder)
        mark.write_text(version, encoding="utf-8")
    return folder


def resolve_data(data: str | Path) -> str | Path:
    """The data that an argument names; `sample` makes the sample shop where it is absent or old.

    Raises:
        BadInput: The path does not exist, or the variable is not set.
    """
    text = str(data)
    if text == SAMPLE:
        return _sample_shop()
    if text.startswith("env:"):
        if not os.environ.get(text[4:]):
            raise BadInput(
                f"--data {text}: the environment variable {text[4:]} is not set; set it to the "
                "database's address, or give a file or folder"
            )
        return text
    path = Path(text).expanduser()
    if not path.exists():
        raise BadInput(
            f"--data {text}: no such file or folder; give an export's file or folder, "
            "`sample` for the sample shop, or env:NAME for a database"
        )
    return path


def store_name(data: str | Path, name: str | None = None) -> str:
    """The store's name in paths: `name`, or a slug of the file, folder or variable.

    Raises:
        BadInput: Nothing is left of the name once it is a slug.
    """
    path = Path(str(data).removeprefix("env:"))
    text = name or (path.stem if path.suffix else path.name)
    slug = re.sub(r"[^a-z0-9_-]+", "_", text.lower()).strip("_-")
    if not slug:
        raise BadInput(
            f"--store {text!r} gives no name for a folder; use letters, digits, - and _ , "
            "for example --store my_shop"
        )
    return slug


def prepare(
    data: str | Path = SAMPLE,
    *,
    name: str | None = None,
    period: str = "",
    cache: Path | None = None,
    today: date | None = None,
) -> Prepared:
    """Bring a store's tables and marts up to date for a period; nothing is done twice.

    Args:
        data: A file, a folder, `sample`, or `env:NAME`.
        name: Name of the store; a slug of the data when not given.
        period: As `parse_period` reads it; the last complete month when empty.
        cache: Folder of tables and marts; `data/.cache` when not given.
        today: The day it is, for `last-month`.

    Raises:
        BadInput: The data can't be used, or have nothing in the period.
    """
    where = resolve_data(data)
    slug = store_name(where, name)
    root = (cache or fingerprints.cache_folder()) / slug
    tables = build.tables(where, root)
    first_day, last_day = tables.first_day, tables.last_day
    try:
        chosen = parse_period(period, first_day, last_day, today=today)
    except ValueError as error:
        raise BadInput(str(error)) from error
    as_of = min(chosen.end, last_day)
    goes_on = (last_day - as_of).days >= LATER_DAYS
    return Prepared(
        name=slug,
        title=tables.title,
        currency=tables.currency,
        time_zone=tables.time_zone,
        source=tables.source,
        targets=tables.targets,
        tables=tables.folder,
        marts=build.marts(tables, root, as_of),
        fingerprint=fingerprints.of(tables.fingerprint, build.code_of_marts(), as_of),
        period=chosen,
        as_of=as_of,
        first_day=first_day,
        last_day=last_day,
        later_marts=build.marts(tables, root, last_day) if goes_on else None,
    )


def open_store(prepared: Prepared | Path) -> Store:
    """Open a prepared store for reading."""
    found = prepared if isinstance(prepared, Prepared) else Prepared.read(prepared)
    return Store(found)


class Store:
    """A store as it was known at the end of one day. Reads marts; knows no page and no chart."""

    def __init__(self, prepared: Prepared) -> None:
        """Connect; nothing is read yet."""
        from helpers.store import engine

        self.prepared = prepared
        self.name = prepared.name
        self.currency = prepared.currency
        self.time_zone = prepared.time_zone
        self.source = prepared.source
        self.period = prepared.period
        self.as_of = prepared.as_of
        self.first_day = prepared.first_day
        self.last_day = prepared.last_day
        self.targets = prepared.targets
        self._temporary = engine.fresh_temporary()
        folders = [prepared.tables, prepared.marts, prepared.later_marts]
        self._connection = engine.connect_ibis(self._temporary, [f for f in folders if f])
        self._memory: dict[str, Any] = {}
        self.quality: dict[str, Any] = json.loads((prepared.tables / "quality.json").read_text())

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect and delete what was kept outside memory."""
        from helpers.store import engine

        self._connection.disconnect()
        engine.remove(self._temporary)

    def title(self, language: str) -> str:
        """The shop's name in a language."""
        return self.prepared.title.get(language) or self.prepared.title.get("en", self.name)

    def has(self, *tables: str) -> bool:
        """Whether the store has all these tables, with rows, and none failed its checks."""
        return all(self._why_missing(table) is None for table in tables)

    def require(self, table: str, *columns: str) -> None:
        """Make sure that a table can be used.

        Raises:
            MissingTable: It is absent, empty or failed its checks, or a column is empty throughout.
        """
        why = self._why_missing(table)
        if why:
            raise MissingTable(table, columns, why)
        empty = [c for c in columns if c in self.quality["empty_columns"].get(table, ())]
        if empty:
            raise MissingTable(table, empty, "empty")

    def table(self, name: str) -> ibis.Table:
        """A canonical table as it was known at the end of `as_of`.

        Raises:
            MissingTable: The store does not have it, or it failed its checks.
        """
        from helpers.store.tables import as_known_on

        self.require(name)
        return as_known_on(
            self._connection.read_parquet(self.prepared.tables / f"{name}.parquet"),
            name,
            self.as_of,
        )

    def mart(self, name: str) -> ibis.Table:
        """One of the derived tables of `marts.py`."""
        return self._connection.read_parquet(self.prepared.marts / f"{name}.parquet")

    def tables_behind(self, names: Iterable[str]) -> list[str]:
        """Canonical tables that tables and marts rest on, in the order of the schema."""
        from helpers.store.marts import MARTS

        waiting, found = list(names), set()
        while waiting:
            name = waiting.pop()
            waiting += MARTS[name].reads if name in MARTS else ()
            found.add(name)
        return [name for name in TABLES if name in found]

    def later_mart(self, name: str) -> ibis.Table:
        """A mart as it was known at the data's last day, long after `as_of`.

        Only to compare a forecast with time that it has not seen, in a section that says so.

        Raises:
            MissingTable: The data end less than 90 days after `as_of`.
        """
        if not self.prepared.later_marts:
            raise MissingTable("orders", (), "undefined")
        return self._connection.read_parquet(self.prepared.later_marts / f"{name}.parquet")

    def to_frame(self, expression: ibis.Table) -> pd.DataFrame:
        """Run an expression; decimals come out as floats, days as datetime64."""
        import ibis.expr.datatypes as dt

        schema = expression.schema()
        floats = {n: expression[n].cast("float64") for n, t in schema.items() if t.is_decimal()}
        days = {
            n: expression[n].cast("timestamp") for n, t in schema.items() if isinstance(t, dt.Date)
        }
        changed = expression.mutate(**floats, **days) if floats or days else expression
        return changed.to_pandas()

    def fitted(self, name: str, key: object, compute: Callable[[], dict[str, Any]]) -> Any:
        """The JSON-able result of a costly fit, computed once per data, day and key."""
        folder = self.prepared.marts.parent.parent / "models"
        mark = fingerprints.of(self.prepared.fingerprint, name, key, build.code_of_fits())
        path = folder / f"{name}-{mark}.json"
        if path.exists():
            return json.loads(path.read_text())
        found = compute()
        folder.mkdir(parents=True, exist_ok=True)
        waiting = path.with_suffix(f".{os.getpid()}")
        waiting.write_text(json.dumps(found, default=float))
        waiting.replace(path)
        return found

    def once(self, key: str, compute: Callable[[], Any]) -> Any:
        """A result that many measures share, computed once while the store is open."""
        if key not in self._memory:
            self._memory[key] = compute()
        return self._memory[key]

    def hash(self, ids: pd.Series) -> pd.Series:
        """Keyed hashes of personal ids, the same in every run of this store.

        The key stays in the cache, readable by its owner alone.
        """
        key = secret_key(self.prepared.marts.parent.parent / "key")
        return ids.map(lambda personal: keyed_hash(key, str(personal)))

    def _why_missing(self, table: str) -> str | None:
        if table not in TABLES:
            raise KeyError(f"{table!r} is no canonical table; known are {', '.join(TABLES)}")
        if table in self.quality["failed"]:
            return "failed"
        rows = self.quality["rows"].get(table)
        if rows is None:
            return "absent"
        return None if rows else "empty"


def keyed_hash(key: bytes, personal: str) -> str:
    """The code that stands for a personal id wherever something is published."""
    return hmac.new(key, personal.encode(), hashlib.sha256).hexdigest()[:CODE_LENGTH]


def secret_key(path: Path) -> bytes:
    """A store's key, made where it is absent; readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
    return path.read_bytes()


@contextmanager
def opened(data: str | Path, **arguments: Any) -> Iterator[Store]:
    """Prepare and open a store, and close it afterwards."""
    store = open_store(prepare(data, **arguments))
    try:
        yield store
    finally:
        store.close()


def forget(name: str, cache: Path | None = None) -> None:
    """Delete a store's tables and marts from the cache; its key stays."""
    root = (cache or fingerprints.cache_folder()) / name
    for folder in ("tables", "marts", "models"):
        shutil.rmtree(root / folder, ignore_errors=True)
