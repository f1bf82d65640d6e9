"""One DuckDB scan of the columns that the marts read: the least that any engine must do.

python -m benchmarks.scan FOLDER COLUMNS.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.store import engine

ROWS = 100


def columns_read(prepared: Path) -> dict[str, list[str]]:
    """Columns of each canonical table that the marts read, as the engine's own plans say.

    Plans name tables but not files, so the marts are planned over a few rows of each.

    Args:
        prepared: `prepared.json` of a run.
    """
    from helpers.store.marts import MARTS
    from helpers.store.open import Prepared
    from helpers.store.tables import as_known_on

    store = Prepared.read(prepared)
    temporary = engine.fresh_temporary()
    connection = engine.connect_builder(temporary)
    found: dict[str, set[str]] = {}

    def few_rows(path: Path) -> Any:
        return connection.create_table(path.stem, connection.read_parquet(path).limit(ROWS))

    try:
        connection.raw_sql("SET disabled_optimizers = 'filter_pushdown,statistics_propagation'")
        files = list(store.tables.glob("*.parquet"))
        known = {file.stem: as_known_on(few_rows(file), file.stem, store.as_of) for file in files}
        canonical = set(known)
        for mart in MARTS.values():
            sql = connection.compile(mart.build(known, store.as_of))
            plan = connection.raw_sql(f"EXPLAIN (FORMAT json) {sql}").fetchone()[1]
            for table, columns in _scans(json.loads(plan)):
                if table in canonical:
                    found.setdefault(table, set()).update(columns)
            known[mart.name] = few_rows(store.marts / f"{mart.name}.parquet")
    finally:
        connection.disconnect()
        engine.remove(temporary)
    return {table: sorted(columns) for table, columns in sorted(found.items())}


def _scans(nodes: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Table and columns of every scan of a plan."""
    for node in nodes:
        info = node.get("extra_info", {})
        if "Table" in info and "Projections" in info:
            columns = info["Projections"]
            name = info["Table"].split(".")[-1].strip('"')
            yield name, [columns] if isinstance(columns, str) else columns
        yield from _scans(node.get("children", []))


def scan(folder: Path, columns: dict[str, list[str]]) -> int:
    """Read every value of the columns once, and add up their hashes; returns the rows read."""
    temporary = engine.fresh_temporary()
    connection = engine.connect(temporary)
    rows = 0
    try:
        for table, names in columns.items():
            sums = ", ".join(f'sum(hash("{name}"))' for name in names)
            found = connection.execute(
                f"SELECT count(*), {sums} FROM read_parquet(?)", [str(folder / f"{table}.parquet")]
            ).fetchone()
            rows += found[0] if found else 0
    finally:
        connection.close()
        engine.remove(temporary)
    return rows


if __name__ == "__main__":
    print(scan(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())))
