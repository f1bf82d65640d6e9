"""Marts on a store counted by hand: what is a sale, a purchase, a refund, a cost."""

from __future__ import annotations

import pytest

from tests.stores import a_store, an_order

ORDERS = [
    an_order("1", "ann", "2024-03-05 23:59:59", 80, channel="live", shipping_charged=6),
    an_order("2", "ann", "2024-03-06 00:00:01", 50),
    an_order("3", "bob", "2024-03-06 10:00", 30, is_fake=True),
    an_order("4", "bob", "2024-03-06 11:00", 30, kind="gift"),
    {**an_order("5", "bob", None, 30), "created_at": "2024-03-06 11:00"},
    an_order("6", None, "2024-03-07 11:00", 20),
]  # fmt: skip
LINES = [
    {"order_id": "1", "line_id": "1", "product_id": "A", "quantity": 2, "buyer_paid": 60,
     "merchant_discount": 5, "shop_coupon": 3, "platform_subsidy": 2},
    {"order_id": "1", "line_id": "2", "product_id": "B", "quantity": 1, "buyer_paid": 20},
    {"order_id": "1", "line_id": "3", "product_id": "POST", "quantity": 1, "buyer_paid": 9,
     "item_class": "postage"},
    {"order_id": "2", "line_id": "1", "product_id": "A", "quantity": 1, "buyer_paid": 50},
    *({"order_id": str(i), "line_id": "1", "product_id": "A", "quantity": 1, "buyer_paid": 30}
      for i in (3, 4, 5)),
    {"order_id": "6", "line_id": "1", "product_id": "B", "quantity": 1, "buyer_paid": 20},
]  # fmt: skip
RETURNS = [
    {"return_id": "r1", "order_id": "1", "line_id": "1", "product_id": "A", "quantity": 1,
     "amount": 30, "type": "return_and_refund", "is_resaleable": True,
     "settled_at": "2024-03-20 10:00", "stage": "after_shipment"},
    {"return_id": "r2", "product_id": "B", "quantity": 1, "amount": 20,
     "type": "refund_only", "settled_at": "2024-03-21 10:00"},
    {"return_id": "r4", "order_id": "6", "line_id": "1", "product_id": "A", "quantity": 1,
     "amount": 5, "type": "refund_only", "settled_at": "2024-03-08 10:00",
     "stage": "before_shipment"},
    {"return_id": "r3", "order_id": "2", "line_id": "1", "product_id": "A", "quantity": 1,
     "amount": 50, "settled_at": "2024-04-02 10:00"},
]  # fmt: skip
PRICES = [
    {"product_id": "A", "valid_from": "2024-01-01", "unit_cost": 10},
    {"product_id": "A", "valid_from": "2024-03-06", "unit_cost": 12},
]
MORE = {
    "settlements": [{"order_id": "1", "settled_at": "2024-03-25", "commission": 4,
                     "affiliate_commission": 3, "return_insurance": 1},
                    {"order_id": "2", "settled_at": "2024-04-25", "commission": 9}],
    "shipments": [{"shipment_id": "s1", "order_id": "1", "carrier": "X",
                   "shipped_at": "2024-03-06 08:00", "delivered_at": "2024-03-08 20:00",
                   "promised_at": "2024-03-08 12:00", "freight_cost": 7, "packaging_cost": 1}],
    "ad_spend": [{"day": "2024-03-05", "channel": "live", "campaign": "c", "spend": 30},
                 {"day": "2024-03-05", "channel": "live", "campaign": "d", "spend": 5,
                  "kind": "care"}],
    "traffic_daily": [{"day": "2024-03-05", "channel": "live", "visitors": 40, "buyers": 1}],
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("marts")
    with a_store(folder, "2024-03", orders=ORDERS, order_lines=LINES, returns=RETURNS,
                 price_history=PRICES, **MORE) as found:  # fmt: skip
        yield found


@pytest.fixture(scope="module")
def orders(store):
    frame = store.to_frame(store.mart("orders_valued").order_by("order_id"))
    return frame.set_index("order_id")


def test_fake_orders_gifts_and_unpaid_orders_are_no_sales(orders):
    assert orders.index.tolist() == ["1", "2", "6"]


def test_a_sale_counts_goods_and_what_the_shop_is_owed_for_them(orders):
    one = orders.loc["1"]
    assert (one["paid_sales"], one["receivable"], one["discounts"]) == (80, 82, 8)
    assert (one["units"], one["shipping_charged"]) == (3, 6)


def test_cost_is_that_of_the_day_and_covers_only_goods_with_a_known_cost(orders):
    # A cost 10 on 5 March and 12 from the 6th; B has no cost.
    assert (orders.loc["1", "cost_of_goods"], orders.loc["1", "costed_receivable"]) == (20, 62)
    assert orders.loc["2", "cost_of_goods"] == 12
    assert orders.loc["6", "costed_receivable"] == 0


def test_nothing_after_the_last_known_day_is_seen(orders):
    # Order 2 was refunded and settled in April.
    assert orders.loc["2", "refunds"] == 0
    assert orders["fees"].isna()["2"]
    assert orders.loc["1", "fees"] == 8


def test_commission_is_empty_until_settled_and_stands_on_the_first_purchase(store, orders):
    assert orders.loc["1", "affiliate_commission"] == 3
    assert orders["affiliate_commission"].isna()["2"]
    days = store.to_frame(store.mart("purchase_days").order_by("day"))
    assert days["acquisition_commission"].tolist() == [3, 0]
    assert days["unsettled_receivable"].tolist() == [0, 50]
    row = store.to_frame(store.mart("channel_days").filter(lambda t: t.new_customers > 0)).iloc[0]
    assert (row["first_commission"], row["first_settled"], row["first_open"]) == (3, 82, 0)


def test_goods_that_come_back_fit_for_sale_give_their_cost_back(orders):
    assert (orders.loc["1", "refunds"], orders.loc["1", "returned_cost"]) == (30, 10)


def test_midnight_belongs_to_the_new_day(store):
    days = store.to_frame(store.mart("purchase_days").order_by("day"))
    assert days["day"].dt.day.tolist() == [5, 6]
    assert days["number"].tolist() == [1, 2]


def test_contribution_is_empty_where_a_cost_is_unknown(store):
    days = store.to_frame(store.mart("purchase_days").order_by("day"))
    assert days["contribution"].isna().tolist() == [True, False]
    assert days["contribution"].iloc[1] == 50 - 12


def test_a_refund_without_an_order_stands_on_its_own_day(store):
    shop = store.to_frame(store.mart("shop_days").order_by("day")).set_index("day")
    assert shop.loc["2024-03-21", "refunds"] == 20
    assert shop.loc["2024-03-05", "refunds"] == 30
    assert shop.loc["2024-03-20", "refunds_paid_out"] == 30


def test_care_is_spend_but_no_acquisition_spend(store):
    row = store.to_frame(store.mart("channel_days").order_by("day")).iloc[0]
    assert (row["spend"], row["booked_acquisition"], row["new_customers"]) == (35, 30, 1)
    assert (row["visitors"], row["orders"], row["buyers"]) == (40, 1, 1)


def test_every_mart_adds_up_to_the_same_sales(store):
    def total(mart):
        return float(store.mart(mart).paid_sales.sum().to_pandas())

    assert {total(m) for m in ("orders_valued", "product_days", "channel_days", "shop_days")} == {
        150.0
    }


def test_a_parcel_is_late_from_the_promised_minute_on(store):
    row = store.to_frame(store.mart("deliveries")).iloc[0]
    assert row["delivery_days"] == 2.5
    assert not row["kept_promise"]


def test_a_table_that_is_absent_leaves_its_columns_empty(tmp_path):
    with a_store(tmp_path, "2024-03", orders=[an_order("1", "a", "2024-03-01", 10)]) as bare:
        row = bare.to_frame(bare.mart("orders_valued")).iloc[0]
        assert row["cost_of_goods"] != row["cost_of_goods"]
        assert bare.to_frame(bare.mart("stock_days")).empty
        assert not bare.has("stock_levels")


def test_goods_that_never_left_cost_nothing(orders):
    # A piece of A, which cost 12 on 7 March, was cancelled before shipment.
    assert (orders.loc["6", "refunds"], orders.loc["6", "returned_cost"]) == (5, 12)
