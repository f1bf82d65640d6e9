"""Days by channel: bookings spread, costs with their interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.measures import (
    channel_days,
)


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
