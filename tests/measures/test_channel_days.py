"""Days by channel: bookings spread, costs with their interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.measures import channel_days, contribution, traffic, traffic_actions
from tests.stores import a_store, an_order


@given(st.lists(st.sampled_from([0.0, 50.0, 310.0]), min_size=1, max_size=40))
def test_spreading_bookings_keeps_the_money_and_leaves_no_day_without(spend):
    spread = channel_days._spread(pd.Series(spend))
    assert spread.sum() == pytest.approx(sum(spend))
    assert (spread > 0).all() == any(spend)


def test_daily_spend_is_not_spread():
    daily = pd.Series([3.0, 5.0, 2.0])
    assert channel_days._spread(daily).tolist() == daily.tolist()
    weekly = pd.Series([0.0, 60.0, 0.0, 0.0, 30.0, 0.0])
    assert channel_days._spread(weekly).tolist() == [15.0] * 4 + [15.0] * 2


@given(st.lists(st.integers(0, 9), min_size=5, max_size=60).filter(any), st.floats(1, 500))
def test_the_interval_of_a_cost_holds_the_cost_and_grows_with_prices(new, daily):
    customers, money = pd.Series(new, dtype=float), pd.Series([daily] * len(new))
    found = channel_days.cost_per_customer(money, customers)
    assert found.value == pytest.approx(daily * len(new) / sum(new))
    if found.low == found.low:
        assert 0 <= found.low <= found.value <= found.high
        dearer = channel_days.cost_per_customer(2 * money, customers)
        assert (dearer.low, dearer.high) == pytest.approx((2 * found.low, 2 * found.high))


def test_nobody_new_costs_nothing_that_can_be_said():
    money = pd.Series([10.0, 10.0])
    assert np.isnan(channel_days.cost_per_customer(money, money * 0).value)
    assert channel_days.cost_per_customer(money * 0, money).value == 0


@pytest.fixture(scope="module")
def live_shop(tmp_path_factory):
    """Two first purchases of a host settled in November, three new customers in December."""
    orders = [
        an_order("a", "ann", "2024-11-05 10:00", 100, channel="live"),
        an_order("b", "bob", "2024-11-06 10:00", 200, channel="live"),
        an_order("b2", "bob", "2024-12-03 10:00", 500, channel="live"),
        an_order("c", "cat", "2024-12-04 10:00", 300, channel="live"),
        an_order("d", "dan", "2024-12-05 10:00", 100, channel="live"),
        an_order("e", "eve", "2024-12-05 10:00", 100, channel="affiliate"),
        an_order("f", "fay", "2024-06-05 10:00", 100, channel="live"),
        an_order("g", "gil", "2024-01-05 10:00", 100, channel="live"),
    ]
    commissions = {"a": 20, "b": 40, "b2": 99, "d": 35, "e": 12, "g": 7}
    settled = [
        {"order_id": one, "settled_at": "2024-12-20", "commission": 5, "affiliate_commission": cost}
        for one, cost in commissions.items()
    ]
    spend = [
        {"day": f"2024-{month:02}-05", "channel": channel, "campaign": kind, "kind": kind,
         "spend": 10}
        for month in (1, 6, 11, 12)
        for channel, kind in (("live", "ads"), ("affiliate", "commission"))
    ]  # fmt: skip
    prices = [{"product_id": "P1", "valid_from": "2023-01-01", "unit_cost": 40}]
    folder = tmp_path_factory.mktemp("live")
    with a_store(folder, orders=orders, settlements=settled, ad_spend=spend,
                 price_history=prices) as store:  # fmt: skip
        yield store


def test_commission_on_first_purchases_is_acquisition_spend_also_before_it_is_settled(live_shop):
    days = channel_days.channel_days(live_shop, live_shop.period)
    live = days[days["channel"] == "live"]
    live = live.set_index(live["day"].dt.day)
    # Settled first purchases of 180 days: 20 + 40 + 35 on 100 + 200 + 100; cat's 300 are open.
    assert live.loc[4, "commission"] == pytest.approx(300 * 95 / 400)
    assert live.loc[4, "open_commission"] == live.loc[4, "commission"]
    assert (live.loc[5, "commission"], live.loc[5, "acquisition_spend"]) == (35, 45)
    # Bob's second order is no acquisition.
    assert live.loc[3, "commission"] == 0
    row = traffic.cac_blended(live_shop, live_shop.period).iloc[0]
    assert row["numerator"] == pytest.approx(20 + 35 + 300 * 95 / 400)
    assert row["observed"] == pytest.approx((20 + 35) / 3)
    assert row["provisional"]
    part = traffic.acquisition_commission(live_shop, live_shop.period).iloc[0]
    assert part["commission"] == pytest.approx(35 + 300 * 95 / 400)
    assert part["open"] == pytest.approx(300 * 95 / 400)
    assert part["each"] == pytest.approx(part["commission"] / 3)


def test_a_channel_with_booked_commission_gets_none_on_top(live_shop):
    days = channel_days.channel_days(live_shop, live_shop.period)
    row = days[days["channel"] == "affiliate"].iloc[0]
    assert (row["first_commission"], row["commission"], row["acquisition_spend"]) == (12, 0, 10)


def test_an_order_long_unsettled_costs_no_commission_any_more(live_shop):
    days = channel_days._all_days(live_shop)
    june = days[days["day"].dt.month == 6].groupby("channel").sum(numeric_only=True).loc["live"]
    assert (june["first_open"], june["commission"]) == (100, 0)


def test_value_gives_back_the_commission_that_the_cost_holds(live_shop):
    """Contribution is after fees: 100 - 40 of goods - 5 - 20 of ann's order; 20 are given back."""
    days = contribution.before_acquisition(live_shop, live_shop.period)
    value = live_shop.to_frame(days).set_index(["customer_id", "number"])["value"]
    assert value["ann", 1] == pytest.approx(100 - 40 - 5)
    assert value["dan", 1] == pytest.approx(100 - 40 - 5)
    assert value["bob", 2] == pytest.approx(500 - 40 - 5 - 99)


def test_what_an_unsettled_first_purchase_is_expected_to_lose_is_given_back_in_part(live_shop):
    """Cat's fees are expected at the shop's rate; what of them is commission comes back."""
    days = live_shop.to_frame(contribution.known_contributions(live_shop))
    cat = days.set_index("customer_id").loc["cat"]
    recent = 100 + 200 + 500 + 100 + 100  # settled receivable of 90 days
    assert cat["first_commission"] == pytest.approx(300 * (20 + 40 + 99 + 35 + 12) / recent)
    assert cat["value"] == pytest.approx(300 - 40 - 300 * (25 + 206) / recent)


def test_without_settlements_there_is_no_commission(traffic_shop_store):
    days = channel_days.channel_days(traffic_shop_store, traffic_shop_store.period)
    assert (days["commission"] == 0).all()
    values = [
        traffic_actions.value_by_channel(
            traffic_shop_store, traffic_shop_store.period, before_acquisition=before
        )["value"].tolist()
        for before in (True, False)
    ]
    assert values[0] == values[1]
