"""Checks of whole tables, each against a small store in which the fault was put by hand."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from helpers.store.checks import Verdict, check
from helpers.store.quarantine import write_declared
from helpers.store.schema import TABLES

DAYS = "range(TIMESTAMP '2025-01-01', TIMESTAMP '2025-07-01', INTERVAL 6 HOUR) t(moment)"
USUAL = {
    "orders": "SELECT strftime(moment, '%m%d%H') AS order_id, 'c' AS customer_id, "
    f"moment AS created_at, moment AS paid_at FROM {DAYS}",
    "order_lines": "SELECT strftime(moment, '%m%d%H') AS order_id, '1' AS line_id, "
    f"'p' AS product_id, 2 AS quantity, 10 AS list_price, 20 AS buyer_paid FROM {DAYS}",
    "traffic_daily": "SELECT moment::DATE AS day, 'search' AS channel, 9 AS visitors FROM "
    "range(DATE '2025-01-01', DATE '2025-07-01', INTERVAL 1 DAY) t(moment)",
    "price_history": "SELECT 'p' AS product_id, DATE '2025-01-01' AS valid_from, 4 AS unit_cost",
}


@pytest.fixture
def verdicts(tmp_path: Path) -> Callable[..., dict[tuple[str, str], Verdict]]:
    """Verdicts by table and check on a store of half a year, some tables written otherwise."""

    def checked(today: date = date(2025, 7, 1), **tables: str) -> dict[tuple[str, str], Verdict]:
        connection = duckdb.connect()
        for name, query in {**USUAL, **tables}.items():
            described = connection.execute(f"DESCRIBE {query}").fetchall()
            has = tuple(column for column, *_ in described)
            write_declared(connection, TABLES[name], query, has, tmp_path)
        found: dict[tuple[str, str], Verdict] = {}
        for verdict in check(connection, tmp_path, today=today):
            found.setdefault((verdict.table, verdict.check), verdict)
        return found

    return checked


def test_a_store_without_a_fault_passes_everything(verdicts) -> None:
    found = verdicts()
    assert {verdict.status for verdict in found.values()} == {"pass"}
    tables = [verdict.table for verdict in found.values()]
    assert tables == sorted(tables, key=list(TABLES).index)
    expected = "quarantined_rows keys freshness future_dates gaps amounts missing_cost "
    expected += "orders_without_customer orders_without_lines order_of_times ranges references"
    assert set(expected.split()) <= {verdict.check for verdict in found.values()}


@pytest.mark.parametrize(
    ("table", "aside", "status", "told"),
    [
        ("traffic_daily", 0, "pass", "0.00 % (0 / 181)"),
        ("traffic_daily", 1, "warn", "0.55 % (1 / 182)"),
        ("traffic_daily", 19, "warn", "9.50 % (19 / 200)"),
        ("traffic_daily", 20, "fail", "9.95 % (20 / 201)"),
        ("orders", 700, "warn", "49.16 % (700 / 1424)"),
        ("orders", 725, "fail", "50.03 % (725 / 1449)"),
    ],
)
def test_the_share_of_rows_in_quarantine_warns_and_fails(
    verdicts, tmp_path, table, aside, status, told
) -> None:
    (tmp_path / "quarantine").mkdir()
    duckdb.sql(
        f"COPY (SELECT 'f' AS file, i AS line, 'amount is empty' AS reason, '' AS row "
        f"FROM range({aside}) t(i)) TO '{tmp_path}/quarantine/{table}.parquet'"
    )
    found = verdicts()[table, "quarantined_rows"]
    assert (found.status, found.found) == (status, told)


def test_keys_that_stood_twice_are_told(verdicts, tmp_path) -> None:
    (tmp_path / "quarantine").mkdir()
    duckdb.sql(
        "COPY (SELECT 'f' AS file, 1 AS line, 'repeats an earlier row in full' AS reason, "
        f"'' AS row) TO '{tmp_path}/quarantine/orders.parquet'"
    )
    assert verdicts()["orders", "keys"].status == "warn"
    assert verdicts()["orders", "keys"].columns == ("shop_id", "order_id")


def test_a_table_that_stops_before_the_store_is_stale(verdicts) -> None:
    found = verdicts(
        traffic_daily="SELECT DATE '2025-06-20' AS day, 'x' AS channel, 1 AS visitors"
    )["traffic_daily", "freshness"]
    assert (found.status, found.found, found.columns) == ("warn", "10 d", ("day",))


def test_dates_after_today_are_told(verdicts) -> None:
    found = verdicts(today=date(2025, 6, 29))["orders", "future_dates"]
    assert (found.status, found.found) == ("warn", "4")


def test_days_without_a_row_are_gaps(verdicts) -> None:
    few = USUAL["traffic_daily"] + " WHERE moment NOT BETWEEN '2025-03-01' AND '2025-03-09'"
    many = USUAL["traffic_daily"] + " WHERE month(moment) NOT IN (2, 3)"
    found = verdicts(traffic_daily=few)["traffic_daily", "gaps"]
    assert (found.status, found.found) == ("warn", "9 d")
    assert verdicts(traffic_daily=many)["traffic_daily", "gaps"].status == "fail"


def test_a_month_with_a_tenth_of_its_neighbours_rows_is_a_break(verdicts) -> None:
    broken = "moment >= '2025-04-01' OR moment < '2025-03-01' OR moment < '2025-03-03'"
    longer = DAYS.replace("2025-07-01", "2025-09-01")
    found = verdicts(orders=USUAL["orders"].replace(DAYS, longer) + f" WHERE {broken}")
    assert (found["orders", "breaks"].status, found["orders", "breaks"].found) == (
        "warn", "2025-03"
    )  # fmt: skip


def test_a_payment_before_its_order_is_told(verdicts) -> None:
    paid = "moment - to_hours(CASE WHEN moment = '2025-02-01' THEN 2 ELSE 0 END) AS paid_at"
    found = verdicts(orders=USUAL["orders"].replace("moment AS paid_at", paid))
    verdict = found["orders", "order_of_times"]
    assert (verdict.status, verdict.found) == ("warn", "0.14 % (1 / 724)")
    assert verdict.columns == ("created_at", "paid_at")


@pytest.mark.parametrize(("hours", "status"), [(1, "pass"), (-1, "fail")])
def test_parcels_that_arrive_before_they_leave_fail(verdicts, hours, status) -> None:
    parcels = (
        "SELECT strftime(moment, '%m%d%H') AS shipment_id, strftime(moment, '%m%d%H') AS order_id, "
        f"'c' AS carrier, moment AS shipped_at, moment + to_hours({hours}) AS delivered_at "
        f"FROM {DAYS}"
    )
    assert verdicts(shipments=parcels)["shipments", "order_of_times"].status == status


def test_goods_without_a_cost_are_weighed_by_their_sales(verdicts) -> None:
    lines = USUAL["order_lines"].replace("'p' AS product_id", "CASE WHEN hour(moment) = 0 THEN 'q' "
                                         "ELSE 'p' END AS product_id")  # fmt: skip
    found = verdicts(order_lines=lines)["price_history", "missing_cost"]
    assert (found.status, found.found) == ("warn", "25.00 %")
    nothing = "SELECT 'z' AS product_id, DATE '2025-01-01' AS valid_from, 4 AS unit_cost"
    assert verdicts(price_history=nothing)["price_history", "missing_cost"].status == "fail"


def test_orders_without_a_buyer_are_told(verdicts) -> None:
    query = USUAL["orders"].replace("'c' AS", "CASE WHEN hour(moment) > 0 THEN 'c' END AS")
    found = verdicts(orders=query)["orders", "orders_without_customer"]
    assert (found.status, found.found) == ("warn", "25.00 % (181 / 724)")


def test_lines_that_do_not_add_up_are_told(verdicts) -> None:
    query = USUAL["order_lines"].replace("20 AS buyer_paid", "20 - month(moment) AS buyer_paid")
    found = verdicts(order_lines=query)["order_lines", "amounts"]
    assert (found.status, found.found) == ("warn", "100.00 % (724 / 724)")
    right = query.replace(
        "10 AS list_price", "10 AS list_price, month(moment) AS merchant_discount"
    )
    assert verdicts(order_lines=right)["order_lines", "amounts"].status == "pass"


def test_orders_without_lines_are_told(verdicts) -> None:
    query = USUAL["order_lines"] + " WHERE moment > '2025-02-01'"
    assert verdicts(order_lines=query)["orders", "orders_without_lines"].status == "warn"


def test_payments_are_held_against_what_was_bought(verdicts) -> None:
    paid = (
        "SELECT strftime(moment, '%m%d%H') AS payment_id, strftime(moment, '%m%d%H') AS order_id, "
        f"moment AS attempted_at, true AS succeeded, 20 + {{}} AS amount FROM {DAYS}"
    )
    assert verdicts(payments=paid.format(0))["payments", "payments_agree"].status == "pass"
    some = paid.format("CASE WHEN hour(moment) = 0 THEN 1 ELSE 0 END")
    assert verdicts(payments=some)["payments", "payments_agree"].found == "25.00 % (181 / 724)"
    assert verdicts(payments=paid.format(5))["payments", "payments_agree"].status == "fail"


def test_refunds_without_an_order_are_weighed_by_their_money(verdicts) -> None:
    returns = (
        "SELECT i::VARCHAR AS return_id, CASE WHEN i > 1 THEN '010100' END AS order_id, "
        "TIMESTAMP '2025-06-30' AS settled_at, i AS amount FROM range(1, 5) t(i)"
    )
    found = verdicts(returns=returns)["returns", "linked_refunds"]
    assert (found.status, found.found) == ("warn", "10.00 %")


def test_refunds_that_add_up_to_more_than_the_order_are_told(verdicts) -> None:
    returns = (
        "SELECT i::VARCHAR AS return_id, '010100' AS order_id, TIMESTAMP '2025-06-30' AS "
        "settled_at, {} AS amount FROM range(2) t(i)"
    )
    right = verdicts(returns=returns.format(10))["returns", "refunds_within_sales"]
    assert (right.status, right.found) == ("pass", "0.00 % (0 / 1)")
    wrong = verdicts(returns=returns.format(11))["returns", "refunds_within_sales"]
    assert (wrong.status, wrong.found) == ("fail", "100.00 % (1 / 1)")


@pytest.mark.parametrize(("shift", "status"), [(0, "pass"), (8, "warn")])
def test_orders_that_pause_by_day_are_in_another_zone(verdicts, shift, status) -> None:
    busy = (
        "SELECT (i * 24 + h)::VARCHAR AS order_id, TIMESTAMP '2025-01-01 00:30:00' "
        f"+ to_days(i::INT) + to_hours(((h + {shift}) % 24)::INT) AS created_at, "
        "TIMESTAMP '2025-06-30' AS paid_at "
        "FROM range(180) a(i), range(6, 24) b(h)"
    )
    found = verdicts(orders=busy)["orders", "time_zone"]
    assert (found.status, found.found) == (status, f"{shift:02}:00-{6 + shift:02}:00")


def test_a_store_of_one_order_is_checked_without_a_crash(verdicts) -> None:
    found = verdicts(
        orders="SELECT 'a' AS order_id, TIMESTAMP '2025-01-01' AS created_at, NULL AS paid_at",
        order_lines="SELECT 'a' AS order_id, '1' AS line_id, 'p' AS product_id, 1 AS quantity, "
        "0 AS buyer_paid",
        traffic_daily=USUAL["traffic_daily"] + " WHERE false",
        price_history=USUAL["price_history"] + " WHERE false",
    )
    assert found["orders", "orders_without_customer"].found == "0.00 % (0 / 0)"
    assert found["traffic_daily", "gaps"].status == "pass"
