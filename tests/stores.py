"""Small stores for tests, written by hand: rows in, an open store out."""

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

Rows = list[dict[str, object]]


def an_order(order_id: str, customer: str | None, paid: str, paid_money: float, **more) -> dict:
    """An order row paid on a day; give `paid=None` for one never paid."""
    row = {"order_id": order_id, "customer_id": customer, "created_at": paid, "paid_at": paid}
    return {**row, "_money": paid_money, **more}


def a_store(
    folder: Path, period: str = "2024-12", *, currency: str = "CNY", **tables: Rows
) -> Store:
    """An open store with these canonical rows; an order without lines gets one of its `_money`."""
    orders = tables.get("orders", [])
    if "order_lines" not in tables:
        tables["order_lines"] = [
            {
                "order_id": o["order_id"],
                "line_id": "1",
                "product_id": o.get("_product", "P1"),
                "quantity": o.get("_quantity", 1),
                "buyer_paid": o["_money"],
            }
            for o in orders
        ]
    tables_folder, marts_folder = folder / "tables" / "t", folder / "marts" / "m"
    tables_folder.mkdir(parents=True)
    marts_folder.mkdir(parents=True)
    rows, empty = {}, {}
    connection = duckdb.connect()
    for name, content in tables.items():
        rows[name], empty[name] = _write(connection, name, content, tables_folder)
    days = [pd.Timestamp(o["paid_at"]).date() for o in orders if o["paid_at"]]
    chosen = parse_period(period, min(days, default=date(2000, 1, 1)), date(2100, 1, 1))
    quality = {"verdicts": [], "tables": {}, "bridge": [], "notes": [], "failed": [],
               "rows": rows, "empty_columns": empty, "through": {}}  # fmt: skip
    (tables_folder / "quality.json").write_text(json.dumps(quality))
    write_marts(tables_folder, marts_folder, chosen.end)
    prepared = Prepared(
        name="test", title={"en": "Test shop", "zh": "测试店"}, currency=currency,
        time_zone="Asia/Shanghai", source="canonical", targets={}, tables=tables_folder,
        marts=marts_folder, fingerprint=str(folder), period=chosen, as_of=chosen.end,
        first_day=min(days, default=chosen.start), last_day=chosen.end,
    )  # fmt: skip
    return open_store(prepared)


def _write(connection, name: str, content: Rows, folder: Path) -> tuple[int, list[str]]:
    table = TABLES[name]
    columns = ", ".join(
        f'{_literal(c.default)}::{DUCKDB_TYPES[c.type]} AS "{c.name}"' for c in table.columns
    )
    connection.execute(f"CREATE OR REPLACE TABLE t AS SELECT {columns} WHERE false")
    for row in content:
        given = {c.name: row[c.name] for c in table.columns if c.name in row}
        given = {
            **{c.name: c.default for c in table.columns if c.default is not None},
            **given,
        }
        names = ", ".join(f'"{n}"' for n in given)
        marks = ", ".join("?" for _ in given)
        connection.execute(f"INSERT INTO t ({names}) VALUES ({marks})", list(given.values()))
    connection.execute(f"COPY t TO '{folder / name}.parquet'")
    counts = connection.execute(
        "SELECT " + ", ".join(f'count("{c}")' for c in table.column_names) + " FROM t"
    ).fetchone()
    return len(content), [c for c, n in zip(table.column_names, counts, strict=True) if not n]


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return f"'{value}'" if isinstance(value, str) else str(value)
