"""Two small sample shops, generated once: the full one, and one without any mechanism."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from helpers.store.sample import FULL, PLAIN, Mechanisms, Truth, generate
from helpers.store.schema import TABLES


@dataclass(frozen=True)
class Shop:
    """A generated shop, its tables as views of an own DuckDB."""

    folder: Path
    truth: Truth
    connection: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.sql(query).fetchall()

    def value(self, query: str) -> Any:
        ((value,),) = self.rows(query)
        return value


def open_shop(folder: Path, truth: Truth) -> Shop:
    connection = duckdb.connect()
    for table in TABLES:
        connection.execute(f"CREATE VIEW {table} AS FROM '{folder / table}.parquet'")
    connection.execute(
        "CREATE TABLE sales AS SELECT o.*, paid_at::DATE AS day, l.paid, l.listed"
        " FROM orders o JOIN (SELECT order_id, sum(buyer_paid)::DOUBLE AS paid,"
        " sum(list_price * quantity)::DOUBLE AS listed FROM order_lines GROUP BY ALL) l"
        " USING (order_id) WHERE kind = 'sale' AND NOT is_fake AND paid_at IS NOT NULL"
    )
    connection.execute(
        "CREATE TABLE purchases AS SELECT customer_id, day, row_number() OVER (PARTITION BY"
        " customer_id ORDER BY day) AS number FROM sales GROUP BY customer_id, day"
    )
    return Shop(folder, truth, connection)


def generated(folder: Path, customers: int, mechanisms: Mechanisms) -> Shop:
    return open_shop(folder, generate(folder, customers=customers, mechanisms=mechanisms))


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return generated(tmp_path_factory.mktemp("full") / "shop", 9_000, FULL)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return generated(tmp_path_factory.mktemp("plain") / "shop", 9_000, PLAIN)


@pytest.fixture(scope="session")
def funnel_and_referral(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The plain shop with the funnel and referral; its orders are those of the plain shop."""
    mechanisms = replace(PLAIN, funnel=True, referral=True)
    return generated(tmp_path_factory.mktemp("funnel") / "shop", 9_000, mechanisms)


@pytest.fixture(scope="session")
def with_members(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The plain shop with members; what it sells more, they buy because they joined."""
    mechanisms = replace(PLAIN, members=True)
    return generated(tmp_path_factory.mktemp("members") / "shop", 9_000, mechanisms)


@pytest.fixture(scope="session")
def with_experiment(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The plain shop with the test; what it sells more, the message sold."""
    mechanisms = replace(PLAIN, experiments=True)
    return generated(tmp_path_factory.mktemp("experiment") / "shop", 9_000, mechanisms)
