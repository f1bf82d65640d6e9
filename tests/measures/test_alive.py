"""Who is alive: counted again, customer by customer, in pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.measures import alive, time_to_repurchase
from helpers.measures.alive import _without_small_steps
from helpers.measures.value_fits import fit
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order


@pytest.fixture
def shop(value_shop):
    return value_shop[0]


@pytest.fixture
def people(shop):
    """One row a customer: what the model says of each."""
    frame = shop.to_frame(shop.mart("customer_summary"))
    frame["alive"] = _alive(shop, frame)
    frame["silent"] = frame["age_days"] - frame["recency_days"]
    return frame


def _alive(shop, people, more_days=0):
    age = (people["age_days"] + more_days) / 7
    return fit(shop).purchases.probability_alive(
        people["frequency"], people["recency_days"] / 7, age
    )


def test_expected_customers_are_the_sum_of_their_probabilities(shop, people):
    row = alive.customers_alive(shop, shop.period).iloc[0]
    assert row["value"] == pytest.approx(people["alive"].sum())
    assert row["n"] == len(people)
    chance = 1.96 * np.sqrt((people["alive"] * (1 - people["alive"])).sum())
    assert row["high"] - row["value"] >= chance


def test_bands_hold_every_customer_once(shop, people):
    frame = alive.alive(shop, shop.period).set_index("band")
    edges = [-0.01, 0.2, 0.5, 0.8, 1.01]
    band = pd.cut(people["alive"], edges, right=False, labels=list(reversed(alive.BANDS)))
    counts = people.groupby(band, observed=True)["alive"].agg(["size", "sum"])
    for name, row in frame.iterrows():
        assert row["customers"] == counts.loc[name, "size"]
        assert row["expected"] == pytest.approx(counts.loc[name, "sum"])
    assert frame["customers"].sum() == len(people)


def test_bands_are_worth_together_what_all_are_worth(shop):
    frame = alive.alive(shop, shop.period)
    total = alive.alive_total(shop, shop.period).iloc[0]
    assert frame["expected_value"].sum() == pytest.approx(total["expected_value"])
    assert total["value_low"] < total["expected_value"] < total["value_high"]


def test_what_all_are_expected_to_bring_is_what_they_brought(value_shop):
    """The forecast at the end of 2023 against what its customers contributed in 2024.

    Three standard errors of the customers' luck and the interval of the fits; discounted by half
    a year on average.
    """
    from helpers.store.open import opened

    later, _, folder = value_shop
    with opened(folder, period="2023-12", cache=folder.parent / "cache-2023") as store:
        row = alive.alive_total(store, store.period).iloc[0]
    days = later.to_frame(later.mart("purchase_days"))
    known = set(days.loc[days["day"] < "2024-01-01", "customer_id"])
    year = days[(days["day"] >= "2024-01-01") & days["customer_id"].isin(known)]
    brought = year.groupby("customer_id")["contribution"].sum().reindex(sorted(known), fill_value=0)
    error = np.hypot(
        brought.std() * len(brought) ** 0.5, (row["value_high"] - row["value_low"]) / 4
    )
    assert row["expected_value"] == pytest.approx(brought.sum() / 1.1**0.5, abs=3 * error)


def test_the_rule_is_the_shops_own_and_its_table_adds_up(shop, people):
    frame = alive.alive_rule(shop, shop.period).set_index(["rule", "model"])
    line = int(time_to_repurchase.lapsed_after_days(shop, shop.period)["value"].iloc[0])
    assert (frame["rule_days"] == line).all()
    lapsed, likely = people["silent"] > line, people["alive"] >= 0.5
    for (rule, model), row in frame.iterrows():
        counted = (lapsed == (rule == "lapsed")) & (likely == (model == "likely_alive"))
        assert row["customers"] == counted.sum()


def test_customers_at_risk_are_late_ones_who_fall_below_half_when_silent(shop, people):
    frame = alive.lapse_risk(shop, shop.period).set_index("silent_days")
    late = people["silent"] * people["frequency"] > people["recency_days"]
    likely = people[(people["alive"] >= 0.5) & (people["frequency"] > 0) & late]
    assert len(frame)
    for days, row in frame.iterrows():
        assert row["customers"] == (_alive(shop, likely, days) < 0.5).sum()
        assert row["of"] == len(likely)
        assert row["until"] == pd.Timestamp(shop.as_of) + pd.Timedelta(days=days)
    assert frame["customers"].is_monotonic_increasing


def test_the_page_says_where_the_model_never_loses_one_time_buyers(shop, people):
    row = alive.alive_total(shop, shop.period).iloc[0]
    assert row["model"] == fit(shop).name
    once = people[people["frequency"] == 0]
    assert row["never_loses_one_timers"] == (once["alive"] == 1).all()
    assert row["one_time"] == len(once)


def test_no_count_of_the_risk_table_can_be_told_by_a_difference():
    frame = pd.DataFrame({"silent_days": [30, 60, 90], "customers": [40, 45, 60], "of": 100})
    assert list(_without_small_steps(frame)["silent_days"]) == [30, 90]
    nearly_all = frame.assign(customers=[40, 80, 95])
    assert list(_without_small_steps(nearly_all)["silent_days"]) == [30, 60]


def test_a_shop_with_few_repeat_customers_has_no_model(tmp_path):
    rows = [an_order(f"o{i}", f"c{i}", "2024-06-01", 100) for i in range(50)]
    with a_store(tmp_path, orders=rows) as store, pytest.raises(MissingTable):
        alive.customers_alive(store, store.period)
