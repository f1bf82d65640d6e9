"""Spend on products about to run out, counted by hand.

Every product sells one piece a day and has a lead time of 30 days; stock is counted on
31 December. `A` has 10 left and nothing on order, `B` a delivery promised in 8 days, `C` one in 15,
`D` has 100, `E` was never counted, `F` sold out.
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from helpers.measures import advertised_products
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store
from tests.traffic_shop import MARCH

DECEMBER = month_of(date(2024, 12, 1))
COUNT = pd.Timestamp("2024-12-31")
SOLD = ("A", "B", "C", "D", "F")
ON_HAND = {"A": (10, 0), "B": (10, 50), "C": (10, 50), "D": (100, 0), "F": (0, 0)}
DUE = {"B": "2025-01-08", "C": "2025-01-15"}
SPEND = {"A": 10, "B": 20, "C": 30, "D": 40, "E": 50, "F": 5}


def tables() -> dict[str, list[dict]]:
    days = [DECEMBER.end - timedelta(days=i) for i in range(40)]
    orders = [{"order_id": f"{p}{d}", "customer_id": f"{p}{d}", "created_at": f"{d} 10:00",
               "paid_at": f"{d} 10:00", "_money": 100, "_product": p}
              for d in days for p in SOLD]  # fmt: skip
    return {
        "orders": orders,
        "products": [{"product_id": p, "name": f"Product {p}", "supplier_id": "S"} for p in SPEND],
        "suppliers": [{"supplier_id": "S", "name": "Supplier", "lead_time_days": 30}],
        "price_history": [
            {"product_id": p, "valid_from": "2024-01-01", "unit_cost": 40} for p in SPEND
        ],
        "stock_levels": [
            {"day": "2024-12-31", "product_id": p, "on_hand": held, "on_order": coming}
            for p, (held, coming) in ON_HAND.items()
        ],
        "purchase_orders": [
            {"purchase_order_id": p, "line_id": "1", "supplier_id": "S", "product_id": p,
             "ordered_at": "2024-12-20 10:00", "promised_on": due, "ordered_quantity": 50}
            for p, due in DUE.items()
        ],
        "product_ads": [
            {"day": str(d), "channel": "onsite_ads", "campaign": "keywords", "product_id": p,
             "spend": money}
            for d in days for p, money in SPEND.items()
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with a_store(tmp_path_factory.mktemp("stock"), "2024-12", **tables()) as found:
        yield found


def test_a_product_is_judged_by_its_cover_lead_time_and_open_purchases(shop):
    frame = advertised_products.advertised_stock(shop, DECEMBER).set_index("product_id")
    states = {"A": "gap", "B": "in_time", "C": "gap", "D": "enough", "E": "unknown", "F": "gap"}
    assert frame["cover_state"].to_dict() == states
    assert frame["spend"].to_dict() == {p: 28 * money for p, money in SPEND.items()}


def test_goods_arrive_when_promised_or_one_lead_time_after_the_count(shop):
    frame = advertised_products.advertised_stock(shop, DECEMBER).set_index("product_id")
    assert frame.loc["A", "arrives_on"] == COUNT + pd.Timedelta(days=30)
    assert frame.loc["A", "gap_days"] == pytest.approx(20)
    assert frame.loc["C", "arrives_on"] == pd.Timestamp("2025-01-15")
    assert frame.loc["C", "gap_days"] == pytest.approx(5)


def test_the_money_at_stake_is_todays_spend_in_the_days_without_stock(shop):
    frame = advertised_products.pause_actions(shop, DECEMBER).set_index("product_id")
    assert list(frame.index) == ["A", "C", "F"]
    assert frame["action"].to_dict() == {"C": "pause", "A": "order", "F": "sold_out_order"}
    assert frame.loc["C", "worth"] == pytest.approx(30 * 5)
    assert frame.loc["C", "worth_high"] == pytest.approx(30 * 15)
    assert frame.loc["A", "worth"] == pytest.approx(10 * 20)
    assert frame.loc["A", "days_left"] == pytest.approx(10)
    assert frame.loc["A", "sells_out_on"] == COUNT + pd.Timedelta(days=10)
    assert frame.loc["F", "worth_low"] == frame.loc["F", "worth_high"] == pytest.approx(5 * 30)


def test_what_lasts_over_two_weeks_may_be_advertised_for_now(shop, monkeypatch):
    monkeypatch.setattr(advertised_products, "SOON_DAYS", 9)
    frame = advertised_products.pause_actions(shop, DECEMBER).set_index("product_id")
    assert frame["action"].to_dict() == {
        "C": "pause_later", "A": "order_later", "F": "sold_out_order"}  # fmt: skip


def test_the_check_sums_spend_by_what_becomes_of_the_stock(shop):
    row = advertised_products.stock_check(shop, DECEMBER).iloc[0]
    assert row["spend"] == 28 * sum(SPEND.values())
    assert row["short_products"] == 4
    assert row["gap_products"] == 3
    assert row["gap_share"] == pytest.approx((10 + 30 + 5) / sum(SPEND.values()))
    assert row["unknown_spend"] == 28 * 50
    assert row["reading"] == "gap"
    share = advertised_products.short_stock_share(shop, DECEMBER).iloc[0]
    assert share["value"] == pytest.approx(row["gap_share"])


def test_without_spend_by_product_the_table_is_named(traffic_shop_store):
    with pytest.raises(MissingTable, match="product_ads"):
        advertised_products.stock_check(traffic_shop_store, MARCH)
