"""Evaluation measures on a shop whose money is counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from helpers.measures import evaluation, goals
from helpers.measures.money import BLOCK_DAYS, daily_money, refund_development
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

LAST = date(2024, 12, 31)
BLOCKS = 14


def steady_shop() -> dict[str, list[dict]]:
    """A sale of 1,000 at the end of every 28-day block; 5 % refunded at once, 3 % a block later."""
    orders, returns = [], []
    for block in range(BLOCKS):
        day = LAST - timedelta(days=BLOCK_DAYS * block)
        orders.append(an_order(f"o{block}", f"c{block}", f"{day} 12:00", 1000, channel="direct"))
        for age, money in ((0, 50), (1, 30)):
            settled = day + timedelta(days=BLOCK_DAYS * age)
            returns.append({
                "return_id": f"r{block}-{age}", "order_id": f"o{block}", "line_id": "1",
                "product_id": "P1", "quantity": 0, "amount": money,
                "settled_at": f"{settled} 13:00", "stage": "after_shipment",
            })  # fmt: skip
    return {"orders": orders, "returns": returns}


COSTS = {
    "price_history": [{"product_id": "P1", "valid_from": "2020-01-01", "unit_cost": 400}],
    "settlements": [{"order_id": f"o{b}", "settled_at": "2024-12-31", "commission": 50}
                    for b in range(BLOCKS)],
    "shipments": [{"shipment_id": f"s{b}", "order_id": f"o{b}", "carrier": "X",
                   "shipped_at": "2024-12-31", "delivered_at": "2024-12-31", "freight_cost": 20}
                  for b in range(BLOCKS)],
    "ad_spend": [{"day": "2024-12-10", "channel": "ads", "campaign": "c", "spend": 100}],
    "costs": [{"month": "2024-12-01", "cost_line": "rent", "amount": 62}],
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steady")
    with a_store(folder, "2024-12", **steady_shop(), **COSTS) as found:
        yield found


def test_refunds_still_to_come_follow_the_way_earlier_ones_came(store):
    # Every closed block went from 50 to 80: the last one, at 50, has 30 to come.
    development = refund_development(store)
    assert development.to_come[0] == pytest.approx(30)
    assert development.to_come[1:] == pytest.approx(0)
    assert development.is_open.tolist() == [True] + [False] * (len(development.is_open) - 1)


def test_net_sales_take_refunds_known_and_to_come_off(store):
    # December holds the sales of the 3rd and the 31st: 2,000 - 80 - 50 - 30 to come.
    row = evaluation.net_sales(store, store.period).iloc[0]
    assert row["value"] == pytest.approx(1840)
    assert row["observed"] == pytest.approx(1870)
    assert row["provisional"]


def test_a_month_whose_refunds_are_all_in_is_not_provisional(store):
    row = evaluation.net_sales(store, month_of(date(2024, 10, 1))).iloc[0]
    assert row["value"] == pytest.approx(920)
    assert not row["provisional"]
    assert row.isna()["low"]


def test_the_profit_bridge_goes_from_list_value_to_net_profit(store):
    bridge = evaluation.profit_bridge(store, store.period).set_index("step")["money"]
    # 2 x 1,000 - refunds 160 - goods 800 - commission 100 - freight 40 - ads 100 - rent 62.
    assert bridge.to_dict() == pytest.approx({
        "list_value": 2000, "discounts": 0, "refunds": -130, "refunds_to_come": -30,
        "net_sales": 1840, "shipping_charged": 0, "cost": -800, "fees": -100, "freight": -40,
        "marketing": -100, "contribution": 800, "overheads": -62, "net_profit": 738,
    })  # fmt: skip


def test_margins_are_shares_of_net_sales(store):
    gross = evaluation.gross_margin(store, store.period)["value"].iloc[0]
    contribution = evaluation.contribution_margin(store, store.period)["value"].iloc[0]
    net = evaluation.net_margin(store, store.period)["value"].iloc[0]
    assert (gross, contribution, net) == pytest.approx((1040 / 1840, 800 / 1840, 738 / 1840))


def test_refund_share_is_by_payment_date(store):
    row = evaluation.refund_share(store, store.period).iloc[0]
    assert row["value"] == pytest.approx(160 / 2000)
    assert row["observed"] == pytest.approx(130 / 2000)


def test_an_overhead_is_spread_over_the_days_of_its_month(store):
    assert daily_money(store, store.period)["overheads"].tolist() == pytest.approx([2.0] * 31)


def test_a_margin_needs_what_it_takes_off(tmp_path):
    with a_store(tmp_path, "2024-12", **steady_shop()) as bare:
        assert evaluation.net_sales(bare, bare.period)["value"].iloc[0] == pytest.approx(1840)
        with pytest.raises(MissingTable, match=r"price_history .*unit_cost"):
            evaluation.gross_margin(bare, bare.period)
        steps = evaluation.profit_bridge(bare, bare.period)["step"].tolist()
        assert steps[-1] == "net_sales"


def test_net_sales_are_not_claimed_where_refunds_are_unknown(tmp_path):
    orders = [an_order("1", "a", "2024-12-01", 10), an_order("2", "a", "2024-11-01", 10)]
    with a_store(tmp_path, "2024-12", orders=orders) as bare:
        assert evaluation.paid_sales(bare, bare.period)["value"].iloc[0] == 10
        with pytest.raises(MissingTable, match="returns"):
            evaluation.net_sales(bare, bare.period)


def test_a_period_before_the_data_is_withheld(store):
    with pytest.raises(MissingTable, match="short"):
        evaluation.paid_sales(store, month_of(date(2023, 1, 1)))


@pytest.fixture(scope="module")
def two_months(tmp_path_factory):
    orders = [
        an_order("0", "ann", "2024-09-30", 10, channel="live"),
        an_order("1", "ann", "2024-10-05", 100, channel="live"),
        an_order("2", "ann", "2024-11-05", 70, channel="live"),
        an_order("3", "bob", "2024-11-06", 50, channel="search"),
        an_order("4", None, "2024-11-07", 20, channel="search"),
    ]
    with a_store(tmp_path_factory.mktemp("two"), "2024-11", orders=orders) as found:
        yield found


def test_the_parts_of_each_dimension_add_up_to_the_whole_change(two_months):
    frame = evaluation.sales_changes(two_months, two_months.period)
    assert frame.groupby(["against", "dimension"])["change"].sum().to_dict() == pytest.approx(
        {("previous", "customers"): 40, ("previous", "channel"): 40}
    )
    customers = frame[frame["dimension"] == "customers"].set_index("part")["change"]
    assert customers.to_dict() == {"new": 50, "returning": -30, "unknown": 20}


def test_sales_per_buyer_leave_unknown_buyers_out(two_months):
    row = evaluation.order_value(two_months, two_months.period).iloc[0]
    assert (row["value"], row["denominator"]) == (60, 2)
    row = evaluation.order_value_per_order(two_months, two_months.period).iloc[0]
    assert row["value"] == pytest.approx(140 / 3)


def test_a_steady_climb_reaches_the_target_when_the_line_does(tmp_path):
    # Of 1,000 visitors a day 20 buy in the first month, 21 in the second ... 32 in the last.
    traffic, orders = [], []
    for number in range(13):
        month = date(2023 + (11 + number) // 12, (11 + number) % 12 + 1, 1)
        orders.append(an_order(f"o{number}", "a", f"{month}", 10))
        traffic += [
            {"day": month + timedelta(days=day), "channel": "search", "visitors": 1000,
             "buyers": 20 + number}
            for day in range(28)
        ]  # fmt: skip
    with a_store(tmp_path, "2024-12", orders=orders, traffic_daily=traffic) as climbing:
        pace = goals.goal_pace(climbing, climbing.period).set_index("metric")
    row = pace.loc["conversion_rate"]
    assert row["value"] == pytest.approx(0.032)
    assert row["pace"] == pytest.approx(0.001)
    assert row["gap"] == pytest.approx(0.008)
    assert row["months_to_go"] == pytest.approx(8)
    assert row["pace_needed"] == pytest.approx(0.008 / 12)
