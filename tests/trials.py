"""Stores with experiments for tests, from frames."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from helpers.plan.periods import parse_period
from helpers.store.build import write_marts
from helpers.store.columns import DUCKDB_TYPES
from helpers.store.open import Prepared, Store, open_store
from helpers.store.schema import TABLES


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
        name="test", title={"en": "Test shop", "zh": "测试店"}, currency="CNY",
        time_zone="Asia/Shanghai", source="canonical", targets={}, tables=tables_folder,
        marts=marts_folder, fingerprint=str(folder), period=chosen, as_of=chosen.end,
        first_day=chosen.start, last_day=chosen.end,
    )  # fmt: skip
    return open_store(prepared)


def _source(column: str, frame: pd.DataFrame, default: object) -> str:
    if column in frame:
        return f'"{column}"'
    if default is None:
        return "'main'" if column == "shop_id" else "NULL"
    return f"'{default}'" if isinstance(default, str) else str(default)


def a_trial(
    seed: int, n: int = 6000, *, difference: bool = True, cost: float | None = 3.0
) -> dict[str, pd.DataFrame]:
    """Tables of a test in which a contact adds 20 share points to fans and none to the others.

    Half of the customers are fans (feature `fan`); without `difference` everybody gets 10 points.
    A purchase is worth 40 of contribution. `city` says nothing; one city has 30 customers.
    """
    random = np.random.default_rng(seed)
    customer = np.array([f"C{i:05d}" for i in range(n)])
    fan, contacted = random.integers(0, 2, n), random.integers(0, 2, n)
    city = np.where(np.arange(n) < 30, "hamlet", random.choice(["north", "south"], n))
    chance = 0.1 + contacted * (0.2 * fan if difference else 0.1)
    bought = random.random(n) < chance
    ids = {"experiment_id": "trial"}
    test = {**ids, "name": "Trial", "name_zh": "测试", "control": "none", "window_days": 14,
            "starts_at": "2024-11-01", "contact_cost": cost}  # fmt: skip
    variant = np.where(contacted == 1, "mail", "none")
    outcomes = pd.DataFrame({"customer_id": customer[bought], **ids, "observed_at": "2024-11-15"})
    return {
        "experiments": pd.DataFrame([test]),
        "experiment_units": pd.DataFrame(
            {"customer_id": customer, **ids, "variant": variant, "assigned_at": "2024-11-01"}
        ),
        "experiment_features": pd.concat([
            pd.DataFrame({"customer_id": customer, **ids, "feature": "fan", "value": fan}),
            pd.DataFrame({"customer_id": customer, **ids, "feature": "city", "label": city}),
        ]),
        "experiment_outcomes": pd.concat([
            outcomes.assign(outcome="conversion", value=1.0),
            outcomes.assign(outcome="contribution", value=40.0),
        ]),
    }  # fmt: skip
