"""What acquisition asks for, on the shop of `traffic_shop.py`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.measures import (
    traffic_actions,
)
from tests.traffic_shop import MARCH, by_channel, one


def test_value_is_what_customers_of_a_year_ago_brought_in_365_days(traffic_shop_store):
    # 40 customers: a first order with 60 left, 20 of them another; orders after a year don't count.
    frame = by_channel(traffic_actions.value_by_channel, traffic_shop_store)
    everyone, ads = frame.loc[""], frame.loc["onsite_ads"]
    # The 16 customers of March 2023 spent 200 each, 160 left.
    assert (ads["customers"], ads["value"]) == (
        56,
        pytest.approx((40 * 60 + 20 * 60 + 16 * 160) / 56),
    )
    assert everyone["value"] == pytest.approx(ads["value"])
    money = [120.0] * 20 + [60.0] * 20 + [160.0] * 16
    half = 1.96 * np.std(money, ddof=1) / np.sqrt(56)
    assert ads["high"] - ads["value"] == pytest.approx(half)


def test_a_dear_channel_is_cut_one_above_the_ceiling_capped_a_cheap_one_left(traffic_shop_store):
    frame = by_channel(traffic_actions.cost_against_value, traffic_shop_store)
    ceiling = (80 * 115 - 310) / 96
    value = 6160 / 56
    assert frame["ceiling"].tolist() == pytest.approx([ceiling] * 3)
    assert frame["action"].to_dict() == {
        "social_ads": "cut", "onsite_ads": "cap", "content": "room"
    }  # fmt: skip
    assert frame.loc["social_ads", "worth"] == pytest.approx(9300 - 32 * value)
    assert frame.loc["onsite_ads", "worth"] == pytest.approx(3410 - 32 * ceiling)
    assert frame.loc["content", ["worth", "worth_low", "worth_high"]].isna().all()
    assert frame["limit"].to_dict() == pytest.approx(
        {"social_ads": value, "onsite_ads": ceiling, "content": ceiling}
    )
    known = frame.dropna(subset=["worth"])
    assert (known["worth_low"] <= known["worth"]).all()
    assert (known["worth"] <= known["worth_high"]).all()


def test_a_click_may_cost_what_the_limit_leaves_after_fees(monkeypatch, traffic_shop_store):
    """Ten customers at 60 are 600; 200 of fees leave 400 for 500 clicks that cost 800 now."""
    clicks = pd.DataFrame({"channel": ["ads", "live", "ads"], "spend": [500.0, 900.0, 300.0],
                           "clicks": [250.0, None, 250.0]})  # fmt: skip
    monkeypatch.setattr(traffic_actions, "campaign_days", lambda *_: clicks)
    frame = pd.DataFrame({"channel": ["ads", "live"], "spend": [1000.0, 900.0],
                          "new_customers": [10.0, 10.0], "limit": [60.0, 60.0]})  # fmt: skip
    found = traffic_actions._with_clicks(traffic_shop_store, MARCH, frame).set_index("channel")
    assert found.loc["ads", ["cpc", "cpc_limit"]].tolist() == pytest.approx([1.6, 0.8])
    assert found.loc["live", ["cpc", "cpc_limit"]].isna().all()


def test_limits_are_asked_of_channels_that_surely_cost_too_much(traffic_shop_store):
    frame = traffic_actions.bid_limits(traffic_shop_store, MARCH)
    # No clicks are counted in this shop: the limit is one for the whole cost.
    assert frame[["channel", "action"]].to_numpy().tolist() == [
        ["social_ads", "cut_whole"], ["onsite_ads", "cap_whole"]
    ]  # fmt: skip
    assert frame["worth"].is_monotonic_decreasing


def test_the_gap_says_what_each_way_alone_would_take(traffic_shop_store):
    row = one(traffic_actions.cac_gap, traffic_shop_store)
    assert row["spend_to_cut"] == pytest.approx(13820 - 80 * 115)
    assert row["customers_needed"] == np.ceil(13820 / 80 - 115)
    assert (row["paid_customers"], row["free_customers"]) == (96, 19)


def test_a_target_in_another_currency_neither_binds_nor_caps(traffic_in_pounds):
    row = one(traffic_actions.cac_gap, traffic_in_pounds)
    assert row[["target", "spend_to_cut", "customers_needed", "ceiling"]].isna().all()
    frame = by_channel(traffic_actions.cost_against_value, traffic_in_pounds)
    assert set(frame["action"]) == {"watch"}


def test_every_definition_of_the_cost_stands_with_its_parts(traffic_shop_store):
    frame = traffic_actions.acquisition_costs(traffic_shop_store, MARCH).set_index("metric")
    parts = frame[["numerator", "denominator"]].to_dict("index")
    assert parts == {
        "cac_blended": {"numerator": 13820, "denominator": 115},
        "cac_paid": {"numerator": 13510, "denominator": 96},
        # The old customer of January 2022 counts as new again in March 2024.
        "cac_platform_new": {"numerator": 13820, "denominator": 116},
    }
