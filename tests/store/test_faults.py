"""Reasons of the quarantine as kinds and values that pages can word."""

from pathlib import Path

import duckdb
import pytest

from helpers.store import faults
from helpers.store.columns import Column
from helpers.store.faults import FAULTS, OTHER, kind_of
from helpers.store.ingest import casts, hillstrom, meta_ads, online_retail_ii

TYPES = ("string", "int64", "float64", "boolean", "date", "timestamp", "decimal(18,2)")
DELIVERED = ("VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "DECIMAL(18,4)")


@pytest.mark.parametrize(
    ("reason", "key", "values"),
    [
        ("buyer_paid is below 0", "below", {"column": "buyer_paid", "limit": "0"}),
        ("Customer ID is no whole number", "no_whole_number", {"column": "Customer ID"}),
        ("key shop_id, order_id stands on rows that differ", "key_differs",
         {"column": "shop_id, order_id"}),
        ("order_id stands in no accepted row of orders", "parent_absent",
         {"column": "order_id", "parent": "orders"}),
        ("kind is none of normal, presale", "not_allowed",
         {"column": "kind", "allowed": "normal, presale"}),
        ("paid_at lies outside 1990-01-01 to 2199-12-31", "outside",
         {"column": "paid_at", "first": "1990-01-01", "last": "2199-12-31"}),
        ("Price is below 0 outside a bad-debt adjustment", "price_below", {}),
        ("something that nobody has named", OTHER, {}),
    ],
)  # fmt: skip
def test_a_reason_is_read_as_its_kind_and_its_values(reason, key, values) -> None:
    assert kind_of(reason) == (key, values)


def test_every_fault_that_a_cast_can_find_is_of_a_known_kind() -> None:
    reasons = {
        f"any_name {what}"
        for kind in TYPES
        for delivered in DELIVERED
        if casts.fits(Column("any_name", kind, ""), delivered)
        for _, what in casts.cast(
            Column("any_name", kind, ""), delivered, where="f", time_zone="UTC"
        ).faults
    }
    assert len(reasons) > 8
    assert {reason for reason in reasons if kind_of(reason)[0] == OTHER} == set()


def test_every_rule_of_a_source_is_of_a_known_kind() -> None:
    rules = [*online_retail_ii._rules(), *hillstrom.RULES, *meta_ads.MetaAds().rules()]
    assert [reason for _, reason in rules if kind_of(reason)[0] == OTHER] == []


def test_no_reason_fits_two_kinds() -> None:
    values = {"column": "a", "parent": "orders", "limit": "1", "first": "x", "last": "y",
              "allowed": "b"}  # fmt: skip
    for key, form in FAULTS.items():
        assert kind_of(form.format(**values))[0] == key


def test_rows_set_aside_are_counted_by_reason_with_the_first_of_them(tmp_path: Path) -> None:
    (tmp_path / "quarantine").mkdir()
    for table, rows in {
        "orders": "('b.csv', 4, 'paid_at is empty'), ('a.csv', 9, 'paid_at is empty'), "
        "('a.csv', 2, 'repeats an earlier row in full')",
        "shops": "('s.csv', 7, 'shop_id is empty')",
    }.items():
        duckdb.sql(
            f"COPY (SELECT *, '' AS row FROM (VALUES {rows}) t(file, line, reason)) "
            f"TO '{tmp_path}/quarantine/{table}.parquet'"
        )
    found = faults.faults(duckdb.connect(), tmp_path)
    assert [(one.table, one.key, one.rows, one.file, one.line) for one in found] == [
        ("shops", "empty", 1, "s.csv", 7),
        ("orders", "empty", 2, "a.csv", 9),
        ("orders", "repeats", 1, "a.csv", 2),
    ]
