"""Databases whose tables are named after the canonical ones."""

import sqlite3
from decimal import Decimal

import duckdb
import pytest

from helpers.store.errors import BadInput
from helpers.store.ingest import recognise

SQL = (
    "CREATE TABLE orders (order_id TEXT, created_at TIMESTAMP, paid_at TIMESTAMP);"
    "INSERT INTO orders VALUES ('A1', '2026-03-01 10:00:00', '2026-03-01 10:00:00');"
    "CREATE TABLE order_lines (order_id TEXT, line_id TEXT, product_id TEXT, quantity INTEGER, "
    "buyer_paid DECIMAL(18,2)); INSERT INTO order_lines VALUES ('A1', '1', 'p', 2, 19.90);"
    "CREATE TABLE other (x INTEGER);"
)


@pytest.fixture(params=["plain path", "duckdb", "sqlite"])
def address(request, tmp_path) -> str:
    """The address of a database with one order."""
    path = tmp_path / "shop.db"
    if request.param == "sqlite":
        connection = sqlite3.connect(path)
        connection.executescript(SQL)
        connection.close()
        return f"sqlite://{path}"
    duckdb.connect(path).execute(SQL).close()
    return str(path) if request.param == "plain path" else f"duckdb://{path}"


def test_a_database_is_read_like_a_folder(read, monkeypatch, address) -> None:
    monkeypatch.setenv("SHOP_DATABASE", address)
    found = read("env:SHOP_DATABASE")
    assert found.ingested.tables["order_lines"].money_out == Decimal("19.90")
    assert found.rows("orders", "order_id, paid_at::DATE::VARCHAR") == [("A1", "2026-03-01")]
    source = recognise("env:SHOP_DATABASE")
    assert [path.name for path in source.files("env:SHOP_DATABASE")] == ["shop.db"]
    assert source.state("env:SHOP_DATABASE") == ""


def test_an_error_never_repeats_the_address(read, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SHOP_DATABASE", f"postgres://shop:s3cret@{tmp_path.name}.invalid/db")
    with pytest.raises(BadInput) as caught:
        read("env:SHOP_DATABASE")
    told = str(caught.value)
    assert "env:SHOP_DATABASE" in told
    assert "s3cret" not in told
    assert "invalid" not in told
    assert caught.value.__suppress_context__


def test_a_variable_that_is_not_set_is_named(read, monkeypatch) -> None:
    monkeypatch.delenv("SHOP_DATABASE", raising=False)
    with pytest.raises(BadInput, match="SHOP_DATABASE is not set"):
        read("env:SHOP_DATABASE")


def test_a_missing_table_of_a_database_is_named(read, monkeypatch, tmp_path) -> None:
    path = tmp_path / "shop.duckdb"
    duckdb.connect(path).execute("CREATE TABLE orders (order_id TEXT)").close()
    monkeypatch.setenv("SHOP_DATABASE", str(path))
    with pytest.raises(BadInput, match="table order_lines is missing"):
        read("env:SHOP_DATABASE")
