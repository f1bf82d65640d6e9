"""The marketing budget against spend, counted by hand."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from helpers.measures import marketing_budget
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable
from tests import paid_shop
from tests.stores import a_store
from tests.traffic_shop import MARCH, days_of

PLANNED = {"onsite_ads": (3000, 5000), "live": (1000, 1000), "content": (500, 500)}


def plan() -> list[dict]:
    found = []
    for month, at in (("2024-02-01", 0), ("2024-03-01", 1), ("2024-04-01", 1)):
        found += [{"month": month, "line": "marketing", "channel": channel, "amount": money[at]}
                  for channel, money in PLANNED.items()]  # fmt: skip
        found.append({"month": month, "line": "net_sales", "amount": 10_000})
    return found


def tables(budgets: list[dict]) -> dict[str, list[dict]]:
    february = [{"day": str(day), "channel": "onsite_ads", "campaign": "keywords", "spend": 100}
                for day in days_of(date(2024, 2, 1))]  # fmt: skip
    return {**paid_shop.TABLES, "ad_spend": paid_shop.spend() + february, "budgets": budgets}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with a_store(tmp_path_factory.mktemp("plan"), "2024-03", **tables(plan())) as found:
        yield found


def test_spend_stands_beside_the_plan_for_the_month_and_the_year_so_far(shop):
    frame = marketing_budget.plan_against_actual(shop, MARCH).set_index("channel")
    row = frame.loc["onsite_ads"]
    assert (row["planned"], row["actual"]) == (5000, 4650)
    assert row["attainment"] == pytest.approx(4650 / 5000)
    assert (row["planned_year"], row["actual_year"]) == (8000, 2900 + 4650)
    assert row["left"] == 8000 - 7550
    assert row["budget_state"] == "under"


def test_channels_without_spend_or_without_plan_stand_in_the_table(shop):
    frame = marketing_budget.plan_against_actual(shop, MARCH).set_index("channel")
    assert frame.loc["content", "actual_year"] == 0
    assert frame.loc["organic_search", "planned_year"] == 0
    assert frame.loc["organic_search", "budget_state"] == "over"
    assert frame["attainment"].isna()["organic_search"]


def test_the_whole_budget_stands_beside_the_share_of_sales_that_it_was_to_be(shop):
    row = marketing_budget.budget_summary(shop, MARCH).iloc[0]
    spent = 2900 + 4650 + 1620 + 310
    assert (row["planned_year"], row["actual_year"]) == (11_000, spent)
    assert row["planned_share"] == pytest.approx(11_000 / 20_000)
    assert row["actual_share"] == pytest.approx(spent / (4700 + 4650 - 750))
    assert row["reading"] == "under"
    share = marketing_budget.budget_attainment(shop, MARCH).iloc[0]
    assert share["value"] == pytest.approx((4650 + 1620 + 310) / 6500)


def test_months_that_the_plan_leaves_out_are_compared_on_neither_side(tmp_path):
    rows = [one for one in plan() if one["month"] != "2024-02-01"]
    with a_store(tmp_path, "2024-03", **tables(rows)) as store:
        row = marketing_budget.budget_summary(store, MARCH).iloc[0]
    assert row["planned_year"] == row["planned"]
    assert row["actual_year"] == row["actual"]


def test_a_plan_for_the_whole_shop_is_one_row(tmp_path):
    rows = [{"month": "2024-03-01", "line": "marketing", "amount": 7000}]
    with a_store(tmp_path, "2024-03", **tables(rows)) as store:
        frame = marketing_budget.plan_against_actual(store, MARCH)
    assert frame["channel"].tolist() == ["total"]
    assert frame["actual"].iloc[0] == 4650 + 1620 + 310


def test_departures_ask_for_a_decision_worth_what_they_are_off(shop):
    frame = marketing_budget.budget_actions(shop, MARCH).set_index("channel")
    assert frame.loc["content", "action"] == "explain"
    assert frame.loc["content", "worth"] == 1000
    assert frame.loc["organic_search", "action"] == "decide"
    assert frame.loc["onsite_ads", "action"] == "explain"


def test_a_channel_that_loses_is_brought_back_or_not_spent_to_the_end(shop, monkeypatch):
    lost = pd.DataFrame([("onsite_ads", 0.5, "loses"), ("live", 0.4, "loses")],
                        columns=["channel", "value", "pays"])  # fmt: skip
    monkeypatch.setattr(marketing_budget, "returns_by_channel", lambda *_: lost)
    frame = marketing_budget.budget_actions(shop, MARCH).set_index("channel")
    assert frame.loc["onsite_ads", "action"] == "release"
    assert frame.loc["live", "action"] == "release"
    assert frame.loc["organic_search", "action"] == "decide"


def test_half_a_month_is_no_month_of_a_plan(shop):
    with pytest.raises(MissingTable, match="budgets"):
        marketing_budget.plan_against_actual(shop, Period(date(2024, 3, 10), date(2024, 3, 20)))


def test_without_a_plan_the_table_is_named(traffic_shop_store):
    with pytest.raises(MissingTable, match="budgets"):
        marketing_budget.budget_summary(traffic_shop_store, MARCH)
