"""What conversion is worth, on the shop of `traffic_shop.py`."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.measures import (
    conversion_worth,
)
from tests.traffic_shop import (
    MARCH,
    by_channel,
    left_of_paid,
    one,
)


def test_a_point_of_conversion_is_worth_its_buyers_times_what_they_leave(traffic_shop_store):
    frame = by_channel(conversion_worth.conversion_by_channel, traffic_shop_store)
    # Ads: 9,300 visitors, 93 buyers more at 200 each; each visitor brought 6,400 / 9,300.
    assert frame.loc["onsite_ads", "point_worth"] == pytest.approx(93 * 200 * left_of_paid())
    assert frame.loc["onsite_ads", "visitor_value"] == pytest.approx(6400 / 9300)


def test_a_channel_that_converts_worse_than_last_year_is_a_leak(traffic_shop_store):
    frame = by_channel(conversion_worth.conversion_by_channel, traffic_shop_store)
    lost = 11 * 31 + 32 - 171
    assert frame.index[0] == "onsite_ads"
    assert frame["is_leak"].to_dict() == {"onsite_ads": True, "organic_search": False, "crm": False}
    assert frame.loc["onsite_ads", "lost_buyers"] == pytest.approx(lost)
    assert frame.loc["onsite_ads", "lost_worth"] == pytest.approx(lost * 200 * left_of_paid())


def test_the_way_to_the_target_of_conversion_is_told_with_its_cost_per_customer(traffic_shop_store):
    row = one(conversion_worth.conversion_gap, traffic_shop_store)
    conversion, each = 480 / 13950, 14650 / (115 + 1)
    assert row["buyers_missing"] == 0.04 * 13950 - 480 == 78
    assert row["gap_sales"] == pytest.approx((558 - 480) * each)
    assert row["point_sales"] == pytest.approx(139.5 * each)
    assert row["cac_then"] == pytest.approx(13820 / 115 * conversion / 0.04)


def test_the_way_to_the_target_of_organic_search_adds_visitors_to_all(traffic_shop_store):
    row = one(conversion_worth.organic_gap, traffic_shop_store)
    # 3,100 of 13,950 now; with x more of both, (3100 + x) / (13950 + x) = 0.28.
    x = (0.28 * 13950 - 3100) / 0.72
    assert row["visitors_missing"] == np.ceil(x)
    assert row["gap_sales"] == pytest.approx(np.ceil(x) * 1200 / 3100)


def test_orders_that_fail_at_payment_are_worth_an_order_each_at_most(traffic_shop_store):
    row = one(conversion_worth.payment_gap, traffic_shop_store)
    assert (row["attempted"], row["paid"], row["unpaid"]) == (3, 2, 1)
    assert row["orders_missing"] == 1, "0.95 * 3 - 2, as whole orders"
    assert row["gap_sales"] == pytest.approx(14650 / 116)


def test_actions_stand_in_the_order_of_their_money(traffic_shop_store):
    frame = conversion_worth.conversion_actions(traffic_shop_store, MARCH)
    assert frame["action"].tolist() == ["leak", "payment"]
    assert frame["worth"].is_monotonic_decreasing
