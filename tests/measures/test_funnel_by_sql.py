"""Four steps of the funnel against SQL over a generated shop's own files."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from helpers.measures import funnel, funnel_groups
from helpers.measures.funnel_steps import STEPS, rate
from helpers.plan.periods import month_of
from helpers.store.open import opened
from helpers.store.sample import generate

PURCHASES = """
WITH paid AS (
    SELECT customer_id, order_id, paid_at::DATE AS day
    FROM read_parquet($folder || '/orders.parquet')
    WHERE kind = 'sale' AND NOT is_fake AND paid_at IS NOT NULL AND customer_id IS NOT NULL),
goods AS (
    SELECT order_id, sum(buyer_paid) AS money
    FROM read_parquet($folder || '/order_lines.parquet')
    WHERE item_class = 'goods' AND quantity > 0 GROUP BY order_id),
undone AS (
    SELECT order_id, sum(amount) AS back FROM read_parquet($folder || '/returns.parquet')
    WHERE stage = 'before_shipment' AND settled_at IS NOT NULL GROUP BY order_id),
days AS (
    SELECT DISTINCT customer_id, day FROM paid JOIN goods USING (order_id)
    LEFT JOIN undone USING (order_id) WHERE coalesce(back, 0) < money OR money = 0),
first AS (SELECT customer_id, min(day) AS day FROM days GROUP BY customer_id)
"""
FIRST_ORDER = (
    PURCHASES
    + """
SELECT count(*) FILTER (first.day <= registered_at::DATE + 30), count(*)
FROM read_parquet($folder || '/customers.parquet') people LEFT JOIN first USING (customer_id)
WHERE registered_at::DATE + 30 BETWEEN $first AND $last
    AND (first.day IS NULL OR first.day >= registered_at::DATE)
"""
)
RETENTION = (
    PURCHASES
    + """
SELECT count(*) FILTER (EXISTS (FROM days WHERE days.customer_id = first.customer_id
    AND days.day > first.day AND days.day <= first.day + 90)), count(*)
FROM first WHERE first.day + 90 BETWEEN $first AND $last
"""
)
ACTIVATION = (
    PURCHASES
    + """,
signs AS (
    SELECT customer_id, opened_at::DATE AS day FROM read_parquet($folder || '/messages.parquet')
    UNION ALL
    SELECT customer_id, occurred_at::DATE FROM read_parquet($folder || '/engagements.parquet'))
SELECT count(*) FILTER (EXISTS (FROM signs WHERE signs.customer_id = first.customer_id
    AND signs.day > first.day AND signs.day <= first.day + 30)), count(*)
FROM first WHERE first.day + 30 BETWEEN $first AND $last
"""
)
REGISTRATION = """
SELECT (SELECT count(*) FROM read_parquet($folder || '/customers.parquet')
        WHERE registered_at::DATE BETWEEN $first AND $last),
    (SELECT sum(visitors) FROM read_parquet($folder || '/traffic_daily.parquet')
     WHERE day BETWEEN $first AND $last)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """2,000 customers in every mechanism of the sample shop."""
    folder = tmp_path_factory.mktemp("funnel") / "shop"
    generate(folder, customers=2_000, months=20)
    with opened(folder, cache=folder.parent / "cache") as store:
        yield store, folder


@pytest.mark.parametrize(
    ("step", "query"),
    [("registration", REGISTRATION), ("first_order", FIRST_ORDER),
     ("activation", ACTIVATION), ("retention", RETENTION)],
)  # fmt: skip
@pytest.mark.parametrize("month", [date(2024, 6, 1), date(2024, 11, 1)])
def test_a_step_agrees_with_the_files(shop, step, query, month):
    store, folder = shop
    period = month_of(month)
    parameters = {"folder": str(folder), "first": period.start, "last": period.end}
    passed, entered = duckdb.execute(query, parameters).fetchone()
    row = rate(store, STEPS[step], period).iloc[0]
    assert (row["numerator"], row["denominator"]) == (passed, entered)


def test_channels_of_a_step_add_up_to_the_step(shop):
    store, _ = shop
    frame = funnel_groups.by_channel(store, store.period)
    for step in ("first_order", "retention"):
        whole = rate(store, STEPS[step], store.period.trailing(365)).iloc[0]
        assert frame.loc[frame["step"] == step, "entered"].sum() == whole["denominator"]


def test_no_count_of_people_below_ten_stands_in_any_table_of_the_funnel(shop):
    store, _ = shop
    tables = [funnel.acca(store, store.period), funnel_groups.by_channel(store, store.period)]
    for frame in tables:
        for column in ("entered", "passed", "lost"):
            known = frame[column].dropna()
            assert (known >= 10).all(), column
    for step in ("first_order", "retention"):
        cohorts = funnel_groups.step_cohorts(store, store.period, step=step)
        assert (cohorts["entered"] >= 10).all()
