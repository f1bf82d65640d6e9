"""Opening a store: names, periods, the cache, what a chapter may read."""

from __future__ import annotations

import stat
from datetime import date

import duckdb
import pandas as pd
import pytest

from helpers.store.errors import BadInput, MissingTable
from helpers.store.open import Prepared, open_store, prepare, store_name

ORDERS = """order_id,customer_id,created_at,paid_at
1,ann,2024-01-05 10:00:00,2024-01-05 10:01:00
2,ann,2024-02-05 10:00:00,2024-02-05 10:01:00
3,bob,2024-03-10 10:00:00,2024-03-10 10:01:00
"""
LINES = """order_id,line_id,product_id,quantity,buyer_paid
1,1,A,1,10.00
2,1,A,2,20.00
3,1,B,1,30.50
"""


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "My Shop"
    folder.mkdir()
    (folder / "orders.csv").write_text(ORDERS)
    (folder / "order_lines.csv").write_text(LINES)
    return folder


def test_a_store_is_named_after_its_folder_or_file():
    assert store_name("exports/My Shop") == "my_shop"
    assert store_name("exports/CDNOW_sample.parquet") == "cdnow_sample"
    assert store_name("env:SHOP_DB") == "shop_db"
    with pytest.raises(BadInput, match="gives no name"):
        store_name("exports/店铺")
    assert store_name("exports/店铺", "shop") == "shop"


def test_the_default_period_is_the_last_complete_month(export, tmp_path):
    prepared = prepare(export, cache=tmp_path / "cache")
    assert (prepared.period.label, prepared.as_of) == ("2024-02", date(2024, 2, 29))
    assert (prepared.first_day, prepared.last_day) == (date(2024, 1, 5), date(2024, 3, 10))


def test_a_period_without_data_is_bad_input(export, tmp_path):
    with pytest.raises(BadInput, match=r"2030-01.*has no data.*2024-01-05 to 2024-03-10"):
        prepare(export, period="2030-01", cache=tmp_path / "cache")


def test_data_that_do_not_exist_are_named_with_the_next_step(tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="no such file or folder; give"):
        prepare(tmp_path / "nowhere", cache=tmp_path / "cache")
    monkeypatch.delenv("NO_SUCH_ADDRESS", raising=False)
    with pytest.raises(BadInput, match="NO_SUCH_ADDRESS is not set"):
        prepare("env:NO_SUCH_ADDRESS", cache=tmp_path / "cache")


def test_a_second_opening_computes_nothing(export, tmp_path):
    cache = tmp_path / "cache"
    first = prepare(export, cache=cache)
    times = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    assert prepare(export, cache=cache) == first
    assert {p: p.stat().st_mtime_ns for p in cache.rglob("*") if p.is_file()} == times


def test_a_changed_file_is_read_again(export, tmp_path):
    cache = tmp_path / "cache"
    first = prepare(export, cache=cache)
    (export / "order_lines.csv").write_text(LINES.replace("30.50", "31.75"))
    second = prepare(export, period="2024-03", cache=cache)
    assert second.fingerprint != first.fingerprint
    with open_store(second) as store:
        assert float(store.mart("orders_valued").paid_sales.sum().to_pandas()) == 61.75


def test_a_run_for_a_period_sees_nothing_after_it(export, tmp_path):
    with open_store(prepare(export, period="2024-01", cache=tmp_path / "cache")) as store:
        assert int(store.table("orders").count().to_pandas()) == 1
        assert int(store.mart("purchase_days").count().to_pandas()) == 1


def test_a_chapter_reads_marts_and_nothing_else(export, tmp_path):
    secret = tmp_path / "elsewhere.csv"
    secret.write_text("a\n1\n")
    with open_store(prepare(export, cache=tmp_path / "cache")) as store:
        connection = store.mart("orders_valued").get_backend()
        with pytest.raises(duckdb.PermissionException):
            connection.raw_sql(f"SELECT * FROM read_csv('{secret}')")
        with pytest.raises(duckdb.InvalidInputException):
            connection.raw_sql("SET enable_external_access = true")


def test_what_is_missing_is_named(export, tmp_path):
    with open_store(prepare(export, cache=tmp_path / "cache")) as store:
        with pytest.raises(MissingTable, match=r"needs table returns .amount.: absent"):
            store.require("returns", "amount")
        with pytest.raises(MissingTable, match=r"needs table orders .channel.: empty"):
            store.require("orders", "order_id", "channel")


def test_hashes_of_customers_are_keyed_and_lasting(export, tmp_path):
    cache = tmp_path / "cache"
    prepared = prepare(export, cache=cache)
    ids = pd.Series(["ann", "bob"])
    with open_store(prepared) as store:
        first = store.hash(ids).tolist()
    with open_store(prepared) as store:
        assert store.hash(ids).tolist() == first
    key = next(cache.rglob("key"))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.write_bytes(b"another key")
    with open_store(prepared) as store:
        assert store.hash(ids).tolist() != first


def test_a_prepared_store_survives_being_written(export, tmp_path):
    prepared = prepare(export, cache=tmp_path / "cache")
    prepared.write(tmp_path / "prepared.json")
    assert Prepared.read(tmp_path / "prepared.json") == prepared


def test_what_came_long_after_the_period_stands_apart(export, tmp_path):
    more = ORDERS + "4,bob,2024-05-01 10:00:00,2024-05-01 10:01:00\n"
    (export / "orders.csv").write_text(more)
    (export / "order_lines.csv").write_text(LINES + "4,1,B,1,7.00\n")
    prepared = prepare(export, period="2024-01", cache=tmp_path / "cache")
    prepared.write(tmp_path / "prepared.json")
    with open_store(Prepared.read(tmp_path / "prepared.json")) as store:
        assert int(store.mart("purchase_days").count().to_pandas()) == 1
        assert int(store.later_mart("purchase_days").count().to_pandas()) == 4


def test_data_that_end_soon_after_the_period_have_nothing_later(export, tmp_path):
    prepared = prepare(export, period="2024-01", cache=tmp_path / "cache")
    assert prepared.later_marts is None
    with open_store(prepared) as store, pytest.raises(MissingTable, match="undefined"):
        store.later_mart("purchase_days")


def test_only_the_comparison_of_forecasts_reads_what_came_later(project_root):
    readers = [
        str(file.relative_to(project_root / "helpers"))
        for file in sorted((project_root / "helpers").rglob("*.py"))
        if ".later_mart(" in file.read_text() or "later_marts" in file.read_text()
    ]
    assert readers == ["measures/held_out.py", "store/open.py"]


def test_a_sample_shop_of_an_earlier_generator_is_made_anew_and_one_made_by_command_is_kept(
    tmp_path, monkeypatch
):
    from helpers.store import open as opening
    from helpers.store import sample

    folder, made = tmp_path / "sample", []

    def generate(target):
        target.mkdir(exist_ok=True)
        made.append(target)

    monkeypatch.setattr(opening, "sample_folder", lambda: folder)
    monkeypatch.setattr(sample, "generate", generate)
    for _ in range(2):
        assert opening.resolve_data("sample") == folder
    assert len(made) == 1
    (folder / opening.MADE_BY).write_text("earlier")
    opening.resolve_data("sample")
    assert len(made) == 2
    (folder / opening.MADE_BY).unlink()
    opening.resolve_data("sample")
    assert len(made) == 2
