"""Stock follows from receipts, parcels and returns; suppliers keep their true reliability."""

import pytest

MOVES = """
WITH place AS (SELECT order_id, any_value(warehouse_id) AS warehouse_id FROM shipments GROUP BY 1),
moves AS (
    SELECT received_at::DATE AS day, warehouse_id, product_id,
        received_quantity - rejected_quantity AS pieces FROM purchase_orders
    WHERE received_at IS NOT NULL
    UNION ALL
    SELECT shipped_at::DATE, warehouse_id, product_id, -quantity FROM order_lines
    JOIN orders USING (order_id) JOIN place USING (order_id) WHERE NOT is_fake
    UNION ALL
    SELECT settled_at::DATE, warehouse_id, product_id, quantity FROM returns
    JOIN place USING (order_id) WHERE is_resaleable
)
SELECT count(*), sum((s.on_hand <> coalesce(m.pieces, 0))::INT) FROM stock_levels s LEFT JOIN (
    SELECT d.day, warehouse_id, product_id, sum(pieces) AS pieces
    FROM moves m JOIN (SELECT DISTINCT day FROM stock_levels) d ON m.day <= d.day GROUP BY ALL
) m USING (day, warehouse_id, product_id)
"""


def test_stock_on_hand_is_all_that_came_less_all_that_left(full):
    rows, wrong = full.rows(MOVES)[0]
    assert rows > 10_000
    assert wrong == 0


def test_stock_is_counted_every_sunday(full):
    days, sundays = full.rows(
        "SELECT count(DISTINCT day), count(DISTINCT day) FILTER (dayofweek(day) = 0)"
        " FROM stock_levels"
    )[0]
    assert days == sundays == 209


def test_pieces_on_order_are_those_ordered_and_not_yet_received(full):
    day = "DATE '2024-09-29'"
    counted = full.value(f"SELECT sum(on_order) FROM stock_levels WHERE day = {day}")
    ordered = full.value(
        "SELECT sum(ordered_quantity) FROM purchase_orders WHERE ordered_at::DATE <="
        f" {day} AND (received_at IS NULL OR received_at::DATE > {day})"
    )
    assert counted == ordered


def test_a_product_rarely_runs_out(full):
    assert full.value("SELECT avg((on_hand = 0)::INT) FROM stock_levels") < 0.06


def test_purchase_order_lines_are_of_one_supplier_and_warehouse(full):
    most = full.value(
        "SELECT max(n) FROM (SELECT count(DISTINCT (supplier_id, warehouse_id, ordered_at)) AS n"
        " FROM purchase_orders GROUP BY purchase_order_id)"
    )
    assert most == 1


def test_suppliers_come_on_time_and_in_full_as_often_as_their_truth_says(full):
    found = {
        supplier: (n, on_time, in_full)
        for supplier, n, on_time, in_full in full.rows(
            "SELECT supplier_id, count(*), avg((received_at::DATE <= promised_on)::INT),"
            " avg((received_quantity >= ordered_quantity)::INT) FROM purchase_orders"
            " WHERE promised_on < DATE '2024-08-01' GROUP BY 1"
        )
    }
    scores = []
    for truth in full.truth.sections["suppliers"]:
        n, *rates = found[truth["supplier_id"]]
        for rate, chance in zip(rates, (truth["on_time"], truth["in_full"]), strict=True):
            error = (chance * (1 - chance) / n) ** 0.5
            scores.append(abs(rate - chance) / error if error else float(rate != chance))
    assert max(scores) < 4
    assert sum(score > 1.96 for score in scores) <= 8


def test_the_troubled_supplier_has_its_bad_month(full):
    (incident,) = (
        one for one in full.truth.sections["incidents"] if one["kind"] == "bad_supplier_month"
    )
    inside, outside = (
        full.value(
            "SELECT avg((received_at::DATE <= promised_on)::INT) FROM purchase_orders"
            f" WHERE supplier_id = '{incident['subject']}' AND promised_on {where}"
            f" DATE '{incident['starts_on']}' AND DATE '{incident['ends_on']}'"
        )
        for where in ("BETWEEN", "NOT BETWEEN")
    )
    assert inside < outside - 0.3
    assert incident["effect"] == pytest.approx(0.15)
