"""Tables as they were known on a day."""

from __future__ import annotations

from datetime import date, datetime

import ibis
import pytest

from helpers.store.columns import DUCKDB_TYPES
from helpers.store.schema import REQUIRED_TABLES, TABLES
from helpers.store.tables import as_known_on


def known(name: str, rows: list[dict], as_of: date):
    connection = ibis.duckdb.connect()
    columns = {c.name: c.type for c in TABLES[name].columns}
    connection.create_table(name, schema=columns)
    for row in rows:
        names, marks = ", ".join(row), ", ".join("?" for _ in row)
        connection.con.execute(f"INSERT INTO {name} ({names}) VALUES ({marks})", [*row.values()])
    return connection.to_pandas(as_known_on(connection.table(name), name, as_of))


def test_an_order_created_after_the_day_is_not_there():
    rows = [
        {"order_id": "1", "created_at": datetime(2024, 3, 31, 23, 59, 59)},
        {"order_id": "2", "created_at": datetime(2024, 4, 1)},
    ]
    assert known("orders", rows, date(2024, 3, 31))["order_id"].tolist() == ["1"]


def test_an_order_paid_later_stands_unpaid():
    rows = [
        {
            "order_id": "1",
            "created_at": datetime(2024, 3, 31),
            "paid_at": datetime(2024, 4, 1, 0, 0),
            "shipped_at": datetime(2024, 3, 31, 9, 0),
        }
    ]
    row = known("orders", rows, date(2024, 3, 31)).iloc[0]
    assert row.isna()["paid_at"]
    assert row["shipped_at"] == datetime(2024, 3, 31, 9, 0)


def test_what_a_supplier_delivered_later_is_not_known_yet():
    rows = [
        {
            "purchase_order_id": "1",
            "ordered_at": datetime(2024, 3, 1),
            "promised_on": date(2024, 3, 20),
            "received_at": datetime(2024, 4, 2),
            "received_quantity": 5,
        }
    ]
    row = known("purchase_orders", rows, date(2024, 3, 31)).iloc[0]
    assert row.isna()[["received_at", "received_quantity"]].all()


def test_a_row_without_a_date_is_kept():
    rows = [{"customer_id": "1"}, {"customer_id": "2", "registered_at": datetime(2025, 1, 1)}]
    assert known("customers", rows, date(2024, 3, 31))["customer_id"].tolist() == ["1"]


def test_orders_and_order_lines_alone_are_required():
    assert set(REQUIRED_TABLES) == {"orders", "order_lines"}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_declaration_keeps_the_rules_of_the_schema(table):
    names = table.column_names
    assert len(set(names)) == len(names)
    assert names[0] == "shop_id"
    assert set(table.key) <= set(names)
    assert set(table.references) <= set(names)
    for column in table.columns:
        assert column.type in DUCKDB_TYPES
        assert column.meaning
        assert column.known_at is None or column.known_at in names
        assert not (column.required and column.default is not None)
    if table.dated_by:
        assert table.column(table.dated_by).type in ("date", "timestamp")
