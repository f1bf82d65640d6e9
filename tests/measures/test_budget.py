"""The budget of sample shops whose response to spend is known, through the whole way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers.measures import budget, budget_actions, response
from helpers.store.open import opened
from helpers.store.sample import PLAIN, generate
from helpers.store.sample import response as planted

pytestmark = pytest.mark.slow

VARIED = replace(PLAIN, response=True, budget_variation=True)
CALENDAR = replace(PLAIN, response=True, seasons=True, events=True)


def a_shop(folder, mechanisms):
    truth = generate(folder / "shop", seed=0, customers=24_000, months=28, mechanisms=mechanisms)
    return opened(folder / "shop", period="2024-12", cache=folder / "cache"), truth


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    store, truth = a_shop(tmp_path_factory.mktemp("varied"), VARIED)
    with store as shop:
        yield shop, planted.response_truth(truth.sections)


def test_the_return_on_the_next_money_holds_the_truth(varied):
    shop, truth = varied
    found = response.response_by_channel(shop, shop.period).set_index("channel")
    names = [of.channel for of in truth]
    spend = found.loc[names, "spend"].to_numpy()
    cost = 1 / planted.true_marginal(truth, spend)
    assert (found.loc[names, "next_cost_low"] <= cost).all()
    assert (cost <= found.loc[names, "next_cost_high"]).all()
    assert (found["next_cost"] >= found["average_cost"]).all()


def test_the_best_split_of_the_same_budget_earns_most_of_what_the_true_best_would(varied):
    shop, truth = varied
    split = budget.budget_by_channel(shop, shop.period).set_index("channel")
    split = split.loc[[of.channel for of in truth], ["today", "recommended"]].astype(float)
    today, then = (split / budget.WEEKS_PER_MONTH).to_numpy().T
    assert then.sum() == pytest.approx(today.sum())
    assert (then >= 0.5 * today - 1e-6).all()
    assert (then <= 1.5 * today + 1e-6).all()
    worth = response.customer_values(shop, shop.period, [of.channel for of in truth])
    best = planted.true_optimum(truth, worth, today.sum(), 0.5 * today, 1.5 * today)

    def earns(spend):
        return float(worth @ planted.true_new_customers(truth, spend))

    assert earns(then) - earns(today) >= (earns(best) - earns(today)) / 2 > 0


def test_plans_stand_in_the_order_of_what_they_may_do(varied):
    shop, _ = varied
    plans = budget.budget_plans(shop, shop.period).set_index("plan")
    assert plans.loc["best", "gain"] >= plans["gain"].max() - 1e-6
    assert plans.loc["same", "change"] == pytest.approx(0, abs=1e-6)
    assert plans.loc["less", "change"] < 0 < plans.loc["more", "change"]
    assert (plans["low"] <= plans["gain"]).all()
    assert (plans["gain"] <= plans["high"]).all()
    assert (plans["told"] == 4).all()


def test_an_action_names_what_moves_and_what_it_earns(varied):
    shop, _ = varied
    asked = budget_actions.budget_actions(shop, shop.period)
    assert "vary" not in set(asked["action"])
    assert (asked["worth_low"] > 0).all()
    assert (asked["worth_low"] <= asked["worth"]).all()


def test_the_held_out_weeks_lie_inside_what_was_expected_of_them(varied):
    shop, _ = varied
    check = response.response_check(shop, shop.period).iloc[0]
    assert check["reading"] == "inside"
    assert abs(check["error"]) < 0.1


def test_spend_that_follows_the_calendar_is_told_to_vary_and_nothing_else(tmp_path):
    store, _ = a_shop(tmp_path, CALENDAR)
    with store as shop:
        found = response.response_by_channel(shop, shop.period)
        assert set(found["verdict"]) == {"cannot_tell"}
        assert budget.budget_plans(shop, shop.period).empty
        assert budget.budget_by_channel(shop, shop.period).empty
        asked = budget_actions.budget_actions(shop, shop.period)
        summary = response.response_summary(shop, shop.period).iloc[0]
    assert set(asked["action"]) == {"vary"}
    assert asked["worth"].isna().all()
    assert np.isfinite(asked["half_width"]).all()
    assert summary["reading"] == "spend"
