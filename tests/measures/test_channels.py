"""Channels side by side, on the shop of `traffic_shop.py`."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.measures import (
    channels,
)
from tests.traffic_shop import (
    MARCH,
    SPEND_IN_MARCH,
    by_channel,
    left_of_paid,
    one,
)


def test_costs_stand_by_channel_with_last_years(traffic_shop_store):
    frame = by_channel(channels.acquisition_by_channel, traffic_shop_store)
    assert list(frame.index[:4]) == ["social_ads", "onsite_ads", "content", "organic_search"]
    assert frame.loc["onsite_ads", "cac"] == pytest.approx(3410 / 32)
    assert frame.loc["onsite_ads", "last_year"] == pytest.approx(40 * 31 / 16)
    assert frame["spend"].sum() == pytest.approx(SPEND_IN_MARCH)
    assert frame["new_share"].sum() == pytest.approx((115 - 7 - 12) / 115)


def test_fewer_than_ten_customers_are_not_shown(traffic_shop_store):
    frame = by_channel(channels.acquisition_by_channel, traffic_shop_store)
    assert frame.loc["direct", ["new_customers", "new_share", "cac"]].isna().all()
    # The seven of `direct` would be the total less all others: the next smallest is hidden too.
    assert frame.loc["organic_search", ["new_customers", "new_share", "cac"]].isna().all()
    assert frame.loc["content", "new_customers"] == 32


def test_traffic_stands_by_channel_and_its_shares_make_one(traffic_shop_store):
    frame = by_channel(channels.traffic_by_channel, traffic_shop_store)
    assert list(frame.index) == ["onsite_ads", "organic_search", "crm"]
    assert frame["share"].sum() == pytest.approx(1)
    assert frame.loc["onsite_ads", "conversion"] == pytest.approx(171 / 9300)
    assert frame.loc["onsite_ads", "last_year"] == pytest.approx((11 * 31 + 32) / 9300)
    assert np.isnan(frame.loc["organic_search", "last_year"])


def test_a_channel_that_claims_more_than_came_through_it_shows(traffic_shop_store):
    frame = by_channel(channels.return_by_channel, traffic_shop_store)
    assert sorted(frame.index) == ["content", "onsite_ads", "social_ads"]
    assert frame.loc["onsite_ads", "claim_share"] == pytest.approx(250 * 31 / 6400)
    assert frame.loc["content", "value"] == pytest.approx(4.0)


def test_changes_compare_spend_and_new_customers_with_last_year(traffic_shop_store):
    frame = by_channel(channels.changes_by_channel, traffic_shop_store)
    assert frame.index[0] == "social_ads"
    assert frame.loc["onsite_ads", "spend_change"] == pytest.approx(3410 - 1240)
    assert frame.loc["onsite_ads", "new_change"] == 32 - 16
    with pytest.raises(ValueError, match="against == 'never'"):
        channels.changes_by_channel(traffic_shop_store, MARCH, against="never")


def test_claims_are_compared_with_what_came_through_and_what_was_sold(traffic_shop_store):
    row = one(channels.claims, traffic_shop_store)
    assert (row["claimed"], row["paid_sales"], row["shop_sales"]) == (7750, 12800, 14650)
    assert row["reading"] == "within"
    assert row["break_even"] == pytest.approx(1 / left_of_paid())
