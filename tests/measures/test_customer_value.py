"""What customers are worth and what is at stake, on a sample shop whose truth is known."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from helpers.measures import customer_value, segments, value_fits, win_back
from helpers.store import build


@pytest.fixture
def shop(value_shop):
    return value_shop


def test_a_new_customer_is_worth_more_over_a_longer_time(shop):
    store, _, _ = shop
    frame = customer_value.value_by_horizon(store, store.period)
    assert frame["value"].is_monotonic_increasing
    assert (frame["low"] < frame["value"]).all()
    assert (frame["value"] < frame["high"]).all()


def test_the_value_of_a_new_customer_covers_a_first_order_and_expected_repeats(shop):
    store, truth, _ = shop
    frame = customer_value.value_by_horizon(store, store.period).set_index("months")
    share = customer_value.contribution_share(store, store.period) or 1.0
    p, q, v = (truth.parameter("gamma_gamma", name) for name in ("p", "q", "v"))
    mean = p * v / (q - 1)  # Fader and Hardie (2013), eq. 2
    # 409 of 1,000 return within a year (closed form in the truth); none returns less than once.
    least = mean * (1 + 0.409 / 1.1) * share
    assert frame.loc[12, "value"] > 0.9 * least
    assert frame.loc[12, "value"] < 2.5 * mean * share


def test_segments_hold_all_customers_and_all_their_sales(shop):
    store, _, _ = shop
    frame = segments.segments(store, store.period)
    people = store.to_frame(store.mart("customer_summary"))
    assert frame["customers"].sum() == len(people)
    assert frame["net_sales"].sum() == pytest.approx(people["net_sales"].sum())


def test_what_is_expected_of_the_segments_is_what_the_model_expects_of_all(shop):
    store, _, _ = shop
    frame = win_back.segment_values(store, store.period)
    people = store.to_frame(store.mart("customer_summary"))
    expected = customer_value.fit(store).purchases.expected_purchases(
        customer_value.WEEKS_PER_YEAR,
        people["frequency"],
        people["recency_days"] / 7,
        people["age_days"] / 7,
    )
    total = (frame["expected_purchases"] * frame["customers"]).sum()
    assert total == pytest.approx(expected.sum(), rel=1e-9)


def test_the_list_to_win_back_names_nobody(shop):
    store, _, _ = shop
    frame = win_back.customers_to_win_back(store, store.period)
    people = set(store.to_frame(store.mart("customer_summary"))["customer_id"])
    assert len(frame)
    assert not set(frame["customer"]) & people
    assert frame["value_at_stake"].is_monotonic_decreasing
    assert frame["probability_alive"].between(0, 1).all()
    assert (frame["purchase_days"] >= 2).all()


def test_a_fit_is_computed_once(shop, monkeypatch):
    store, _, _ = shop
    monkeypatch.setattr(build, "code_of_fits", lambda: "the code of this test")
    store._memory.clear()
    first = customer_value.model_parameters(store, store.period)
    monkeypatch.setattr(value_fits, "_fitted", lambda _: pytest.fail("fitted again"))
    store._memory.clear()
    again = customer_value.model_parameters(store, store.period)
    assert again.equals(first)


def test_the_first_year_of_a_new_customer_is_what_mature_customers_brought(shop):
    """Customers of 2023, whose twelve months are over, counted in pandas; no growth, no season."""
    store, _, _ = shop
    days = _purchases(store)
    first = days[days["number"] == 1].set_index("customer_id")["day"]
    offset = (days["day"] - days["customer_id"].map(first)).dt.days
    mature = first[first.dt.year == 2023].index
    year = days[days["customer_id"].isin(mature) & (offset < 365)]
    value = year["contribution"] + year["acquisition_commission"]
    brought = value.groupby(year["customer_id"]).sum()
    found = customer_value.ltv_12m(store, store.period).iloc[0]
    error = math.hypot(brought.std() / len(brought) ** 0.5, (found["high"] - found["low"]) / 3.92)
    assert found["value"] == pytest.approx(brought.mean(), abs=3 * error + 0.02 * found["value"])


def test_first_order_and_repeats_make_up_the_value(shop):
    store, _, _ = shop
    frame = customer_value.value_by_horizon(store, store.period)
    assert (frame["basis"] == "contribution").all()
    assert (frame["first_order"] + frame["repeats"]).equals(frame["value"])
    days = _purchases(store)
    first = days[(days["number"] == 1) & (days["day"] > _day(store) - pd.Timedelta(days=365))]
    value = first["contribution"] + first["acquisition_commission"]
    assert frame["first_order"].iloc[0] == pytest.approx(value.mean(), rel=0.02)
    assert frame["n"].iloc[0] == len(first)


def test_losing_purchases_are_counted_from_the_shop_itself(shop):
    store, _, _ = shop
    found = customer_value.loss_makers(store, store.period).iloc[0]
    days = _purchases(store)
    again = days[days["number"] > 1]
    # What is still to come of the last weeks turns a few more into losses.
    assert found["purchases"] == len(again)
    assert found["losing"] == pytest.approx((again["contribution"] <= 0).sum(), abs=5)
    sums = again.groupby("customer_id")["contribution"].sum()
    assert found["customers"] == len(sums)
    assert found["customers_losing"] == pytest.approx((sums <= 0).sum(), abs=5)


def test_parameters_of_contribution_have_names_of_their_own(shop):
    """What buyers paid stays under the names of the note, at the mean of the truth."""
    store, truth, _ = shop
    frame = customer_value.model_parameters(store, store.period).set_index("parameter")
    p, q, v = (frame.loc[f"gamma_gamma.{name}", "value"] for name in ("p", "q", "v"))
    true_p, true_q, true_v = (truth.parameter("gamma_gamma", name) for name in ("p", "q", "v"))
    assert p * v / (q - 1) == pytest.approx(true_p * true_v / (true_q - 1), rel=0.05)
    assert {f"gamma_gamma_contribution.{name}" for name in ("p", "q", "v")} <= set(frame.index)
    share = frame.loc["gamma_gamma_contribution.loss_share"]
    assert 0 < share["low"] < share["value"] < share["high"] < 0.5


def _purchases(store) -> pd.DataFrame:
    return store.to_frame(store.mart("purchase_days"))


def _day(store) -> pd.Timestamp:
    return pd.Timestamp(store.as_of)
