"""Net sales and gross margin against SQL over a generated shop's own files."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from helpers.measures import evaluation
from helpers.plan.periods import Period
from helpers.store.open import opened
from helpers.store.sample import generate

QUERY = """
WITH sold AS (
    SELECT order_id, paid_at::DATE AS day FROM read_parquet($folder || '/orders.parquet')
    WHERE kind = 'sale' AND NOT is_fake AND paid_at::DATE BETWEEN $first AND $last),
costs AS (
    SELECT product_id, unit_cost, valid_from,
        lead(valid_from, 1, DATE '2100-01-01') OVER (PARTITION BY product_id ORDER BY valid_from)
            AS valid_until
    FROM read_parquet($folder || '/price_history.parquet')),
goods AS (
    SELECT sum(merchant_receivable) AS receivable, sum(quantity * unit_cost) AS cost
    FROM read_parquet($folder || '/order_lines.parquet') lines JOIN sold USING (order_id)
    JOIN costs ON lines.product_id = costs.product_id
        AND day >= valid_from AND day < valid_until
    WHERE item_class = 'goods'),
back AS (
    SELECT sum(amount) AS refunds, sum(quantity * unit_cost) FILTER (
        stage = 'before_shipment' OR (type = 'return_and_refund' AND is_resaleable)) AS cost
    FROM read_parquet($folder || '/returns.parquet') cases JOIN sold USING (order_id)
    JOIN costs ON cases.product_id = costs.product_id
        AND day >= valid_from AND day < valid_until
    WHERE settled_at IS NOT NULL)
SELECT receivable - refunds, (receivable - refunds - goods.cost + back.cost)
    / (receivable - refunds) FROM goods, back
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """2,000 customers in every mechanism of the sample shop."""
    folder = tmp_path_factory.mktemp("full") / "shop"
    generate(folder, customers=2_000, months=20)
    with opened(folder, cache=folder.parent / "cache") as store:
        yield store, folder


def test_closed_months_agree_with_the_files_to_the_cent(shop):
    store, folder = shop
    period = Period(date(2024, 2, 1), date(2024, 7, 31))
    parameters = {"folder": str(folder), "first": period.start, "last": period.end}
    net, margin = duckdb.execute(QUERY, parameters).fetchone()
    found = evaluation.net_sales(store, period).iloc[0]
    assert found["observed"] == pytest.approx(float(net), abs=0.005)
    row = evaluation.gross_margin(store, period).iloc[0]
    # Costs are rounded to the cent once a line.
    assert row["observed"] == pytest.approx(float(margin), abs=1e-4)
