"""Months of traffic, on the shop of `traffic_shop.py`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.measures import (
    traffic,
    traffic_months,
)
from tests.traffic_shop import MARCH, NEW_IN_MARCH, one


def test_months_hold_only_what_the_store_can_say(traffic_shop_store):
    frame = traffic_months.metric_months(traffic_shop_store, MARCH, metric="cac_blended")
    assert list(frame["month"]) == [pd.Timestamp("2023-03-01"), pd.Timestamp("2024-03-01")]
    assert frame["value"].iloc[0] == pytest.approx(1240 / 16)
    costs = traffic_months.acquisition_months(traffic_shop_store, MARCH)
    paid = costs[(costs["month"] == "2024-03-01") & (costs["channel"] == "content")].iloc[0]
    assert (paid["spend"], paid["new_customers"], paid["cac"]) == (800, 32, 25)
    visits = traffic_months.visit_months(traffic_shop_store, MARCH)
    assert set(costs["month"]) == set(visits["month"]) == set(frame["month"])
    assert visits.groupby("month")["share"].sum().tolist() == pytest.approx([1, 1])


def test_new_customers_are_known_from_orders_alone(traffic_orders_only):
    assert one(traffic.new_customers, traffic_orders_only)["value"] == NEW_IN_MARCH
    months = traffic_months.customer_months(traffic_orders_only, MARCH).set_index(["month", "kind"])
    march = months.loc["2024-03-01"]
    assert march.loc["new", "customers"] == NEW_IN_MARCH
    assert months.loc["2023-07-01"].to_dict("list") == {"customers": [0, 10], "share": [0, 1]}
    assert len(months) == 26


def test_one_returning_buyer_is_not_shown_nor_given_away(traffic_orders_only):
    months = traffic_months.customer_months(traffic_orders_only, MARCH).set_index(["month", "kind"])
    march = months.loc["2024-03-01"]
    assert np.isnan(march.loc["returning", "customers"])
    assert march["share"].isna().all()
