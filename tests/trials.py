"""Stores with experiments for tests: Hillstrom's e-mail test, and simulated ones of known truth."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from helpers.plan.periods import parse_period
from helpers.store.build import write_marts
from helpers.store.columns import DUCKDB_TYPES
from helpers.store.open import Prepared, Store, open_store
from helpers.store.schema import TABLES

HILLSTROM = {
    "experiments": """
        SELECT 'main' AS shop_id, 'mail' AS experiment_id, 'E-mail test' AS name,
            '邮件测试' AS name_zh, 'none' AS control, TIMESTAMP '2008-03-01' AS starts_at,
            14 AS window_days""",
    "experiment_units": """
        SELECT 'main' AS shop_id, 'mail' AS experiment_id, customer_id, variant,
            TIMESTAMP '2008-03-01' AS assigned_at FROM people""",
    "experiment_features": """
        SELECT 'main' AS shop_id, 'mail' AS experiment_id, customer_id, feature, value, label
        FROM (
            SELECT customer_id, unnest(['recency', 'history', 'mens', 'womens', 'newbie',
                'zip_code', 'channel']) AS feature,
                unnest([recency, history, mens, womens, newbie, NULL, NULL]) AS value,
                unnest([NULL, NULL, NULL, NULL, NULL, zip_code, channel]) AS label FROM people)""",
    "experiment_outcomes": """
        SELECT 'main' AS shop_id, 'mail' AS experiment_id, customer_id, outcome, value,
            TIMESTAMP '2008-03-15' AS observed_at
        FROM (SELECT customer_id, unnest(['visit', 'conversion', 'spend']) AS outcome,
            unnest([visit, conversion, spend]) AS value FROM people) WHERE value > 0""",
}


def hillstrom(shared_data: Path) -> pd.DataFrame:
    """The published rows, with a customer number and short names of the variants."""
    frame = pd.read_parquet(shared_data / "hillstrom" / "hillstrom.parquet")
    names = {"No E-Mail": "none", "Mens E-Mail": "mens", "Womens E-Mail": "womens"}
    return frame.assign(
        customer_id=[f"H{i:05d}" for i in range(len(frame))], variant=frame["segment"].map(names)
    )


def a_store_of_frames(folder: Path, period: str, tables: dict[str, pd.DataFrame]) -> Store:
    """An open store whose canonical tables are these frames; columns left out get defaults."""
    tables_folder, marts_folder = folder / "tables" / "t", folder / "marts" / "m"
    tables_folder.mkdir(parents=True)
    marts_folder.mkdir(parents=True)
    connection = duckdb.connect()
    rows, empty = {}, {}
    for name, frame in tables.items():
        connection.register("given", frame)
        columns = ", ".join(
            f'{_source(c.name, frame, c.default)}::{DUCKDB_TYPES[c.type]} AS "{c.name}"'
            for c in TABLES[name].columns
        )
        path = tables_folder / f"{name}.parquet"
        connection.execute(f"COPY (SELECT {columns} FROM given) TO '{path}'")
        rows[name] = len(frame)
        empty[name] = [
            c.name
            for c in TABLES[name].columns
            if c.default is None and (c.name not in frame or frame[c.name].isna().all())
        ]
    chosen = parse_period(period, date(2000, 1, 1), date(2100, 1, 1))
    quality = {"verdicts": [], "tables": {}, "bridge": [], "notes": [], "failed": [],
               "rows": rows, "empty_columns": empty, "through": {}}  # fmt: skip
    (tables_folder / "quality.json").write_text(json.dumps(quality))
    write_marts(tables_folder, marts_folder, chosen.end)
    prepared = Prepared(
        name="test", title={"en": "Test shop", "zh": "测试店"}, currency="USD",
        time_zone="UTC", source="canonical", targets={}, tables=tables_folder,
        marts=marts_folder, fingerprint=str(folder), period=chosen, as_of=chosen.end,
        first_day=chosen.start, last_day=chosen.end,
    )  # fmt: skip
    return open_store(prepared)


def _source(column: str, frame: pd.DataFrame, default: object) -> str:
    if column in frame:
        return f'"{column}"'
    if default is None:
        return "NULL"
    return f"'{default}'" if isinstance(default, str) else str(default)


def hillstrom_store(folder: Path, shared_data: Path, period: str = "2008-03") -> Store:
    """Hillstrom's e-mail test as canonical tables, without orders."""
    connection = duckdb.connect()
    connection.register("people", hillstrom(shared_data))
    tables = {name: connection.execute(query).df() for name, query in HILLSTROM.items()}
    return a_store_of_frames(folder, period, tables)
