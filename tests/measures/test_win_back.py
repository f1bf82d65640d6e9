"""Whom to win back: the ranking over all customers, counted again in pandas."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.measures import time_to_repurchase, win_back
from helpers.measures.value_fits import as_history, expected_value, fit, with_records


@pytest.fixture
def shop(value_shop):
    return value_shop[0]


@pytest.fixture
def people(shop):
    """Every customer, valued one by one."""
    frame = as_history(shop.to_frame(with_records(shop, shop.mart("customer_summary"))))
    found = fit(shop)
    history = frame["frequency"], frame["recency"], frame["age"]
    frame["alive"] = found.purchases.probability_alive(*history)
    frame["value"] = expected_value(found, frame)
    frame["stake"] = frame["value"] / frame["alive"] * (1 - frame["alive"])
    frame["code"] = shop.hash(frame["shop_id"] + "/" + frame["customer_id"])
    return frame


def test_the_list_ranks_all_repeat_customers_who_have_more_likely_left(shop, people):
    frame = win_back.customers_to_win_back(shop, shop.period, top=100)
    gone = people[(people["frequency"] > 0) & (people["alive"] < 0.5)]
    best = gone.nlargest(100, "stake")
    np.testing.assert_allclose(frame["value_at_stake"], best["stake"], rtol=1e-9)
    assert set(frame["customer"]) == set(best["code"])


def test_gains_and_losses_of_customers_are_those_of_their_purchases(shop, people):
    days = shop.to_frame(shop.mart("purchase_days"))
    again = days[(days["number"] > 1) & (days["day"] < "2024-04-01")]
    old = people[people["last_day"] < "2024-04-01"].set_index("customer_id")
    losses = (again["contribution"] <= 0).groupby(again["customer_id"]).sum()
    assert (old["losses"] == losses.reindex(old.index, fill_value=0)).all()
    gained = again[again["contribution"] > 0].groupby("customer_id")["contribution"].sum()
    np.testing.assert_allclose(old["gained"], gained.reindex(old.index, fill_value=0), atol=0.01)


def test_reasons_are_computed_from_each_customers_own_purchases(shop, people):
    frame = win_back.customers_to_win_back(shop, shop.period)
    own = people.set_index("code").loc[frame["customer"]]
    line = time_to_repurchase.lapsed_after_days(shop, shop.period)["value"].iloc[0]
    silent = (own["age_days"] - own["recency_days"]).to_numpy()
    gap = (own["recency_days"] / own["frequency"]).to_numpy()
    np.testing.assert_allclose(frame["usual_gap_days"], gap)
    np.testing.assert_array_equal(frame["days_since_last"], silent)
    far = (silent >= 3 * gap) & (own["frequency"] > 1).to_numpy()
    np.testing.assert_array_equal(frame["reason"] == "far_overdue", far)
    np.testing.assert_array_equal(frame["reason"] == "beyond_line", ~far & (silent > line))


def test_the_action_holds_out_every_fifth_and_is_worth_a_tenth_of_the_rest(shop):
    row = win_back.win_back_actions(shop, shop.period, top=100).iloc[0]
    listed = win_back.customers_to_win_back(shop, shop.period, top=100)
    assert (row["customers"], row["contacted"], row["control"]) == (100, 80, 20)
    assert row["at_stake"] == pytest.approx(listed["value_at_stake"].sum())
    assert row["worth"] == pytest.approx(0.1 * 0.8 * row["at_stake"])
    assert row["at_stake_low"] < row["at_stake"] < row["at_stake_high"]


def test_segments_are_worth_together_what_all_customers_are_worth(shop, people):
    frame = win_back.segment_values(shop, shop.period)
    assert frame["customers"].sum() == len(people)
    assert frame["expected_value"].sum() == pytest.approx(people["value"].sum())
    assert frame["at_stake"].sum() == pytest.approx(people["stake"].sum())


def test_a_list_of_fewer_than_ten_is_not_published(shop):
    assert win_back.customers_to_win_back(shop, shop.period, top=9).empty
    assert win_back.win_back_actions(shop, shop.period, top=9).empty
