"""What to do about campaigns, and what the plan expects of advertising."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from helpers.measures import campaign_actions
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable
from tests import paid_shop
from tests.stores import a_store
from tests.traffic_shop import MARCH, days_of

LINES = {"break_even": 2.5, "break_even_low": 2.4, "break_even_high": 2.6, "year_break_even": 1.6,
         "year_low": 1.5, "year_high": 1.7}  # fmt: skip


def a_campaign(name: str, verdict: str, value: float, *, kind: str = "ads") -> dict:
    return {"channel": "onsite_ads", "campaign": name, "kind": kind, "spend": 900.0,
            "borne": 1000.0, "value": value, "low": value - 0.1, "high": value + 0.1,
            "pays": verdict, **LINES}  # fmt: skip


@pytest.fixture
def judged(monkeypatch):
    rows = [a_campaign("good", "earns", 3.0), a_campaign("bad", "loses", 1.2),
            a_campaign("late", "later", 2.0), a_campaign("fee", "no_return", 0.1),
            a_campaign("dim", "cannot_tell", 2.5)]  # fmt: skip
    monkeypatch.setattr(campaign_actions, "campaigns", lambda *_: pd.DataFrame(rows))


def test_money_is_what_lies_between_a_return_and_its_line(judged):
    frame = campaign_actions.campaign_actions(None, MARCH).set_index("campaign")
    assert frame.loc["bad", "worth"] == pytest.approx(1000 * (1 - 1.2 / 1.6))
    assert frame.loc["bad", "worth_low"] == pytest.approx(1000 * (1 - 1.3 / 1.5))
    assert frame.loc["bad", "worth_high"] == pytest.approx(1000 * (1 - 1.1 / 1.7))
    assert frame.loc["late", "worth"] == pytest.approx(1000 * (1 - 2.0 / 2.5))
    assert frame.loc["good", "worth"] == pytest.approx(1000 * (3.0 / 2.5 - 1))


def test_losers_stand_first_and_fees_and_doubt_ask_for_nothing(judged):
    frame = campaign_actions.campaign_actions(None, MARCH)
    assert list(frame["campaign"]) == ["bad", "good", "late"]
    assert list(frame["action"]) == ["lower", "more", "hold"]


def test_money_of_a_longer_period_is_given_by_the_month(judged, monkeypatch):
    days = Period(MARCH.start, MARCH.end)
    monkeypatch.setattr(campaign_actions, "within", lambda _, period: period)
    month = campaign_actions.campaign_actions(None, MARCH)["worth"]
    by_days = campaign_actions.campaign_actions(None, days)["worth"]
    assert (by_days / month).tolist() == pytest.approx([365.25 / 12 / 31] * 3)


def test_without_costs_no_campaign_is_judged(monkeypatch):
    row = {**a_campaign("blind", "unknown", 1.0), "break_even": math.nan}
    monkeypatch.setattr(campaign_actions, "campaigns", lambda *_: pd.DataFrame([row]))
    with pytest.raises(MissingTable, match="price_history"):
        campaign_actions.campaign_actions(None, MARCH)


@pytest.fixture(scope="module")
def two_years(tmp_path_factory):
    """March 2024 and the same orders for half the spend a year before."""
    earlier = [{"day": str(day), "channel": "onsite_ads", "campaign": "keywords", "kind": "ads",
                "spend": 50} for day in days_of(MARCH.last_year().start)]  # fmt: skip
    orders = paid_shop.orders()
    before = [{**o, "order_id": f"b{o['order_id']}", "customer_id": f"b{o['order_id']}",
               "paid_at": o["paid_at"].replace("2024-", "2023-"),
               "created_at": o["paid_at"].replace("2024-", "2023-")}
              for o in orders if o["order_id"].startswith("o2024")]  # fmt: skip
    tables = {**paid_shop.TABLES, "orders": orders + before,
              "ad_spend": paid_shop.spend() + earlier}  # fmt: skip
    with a_store(tmp_path_factory.mktemp("years"), "2024-03", **tables) as found:
        yield found


def test_the_plans_level_stands_beside_the_return_on_spend(two_years):
    frame = campaign_actions.advertising_expectations(two_years, MARCH).set_index("figure")
    row = frame.loc["paid_mix_roi"]
    assert row["expected"] == 1.8
    assert row["measured"] == pytest.approx((4700 + 4650) / (4650 + 1620))
    assert row["against_plan"] == "below"


def test_the_plans_change_stands_beside_the_change_on_last_year(two_years):
    frame = campaign_actions.advertising_expectations(two_years, MARCH).set_index("figure")
    now, before = (4700 + 4650) / (4650 + 1620), 4700 / 1550
    assert frame.loc["precise_marketing", "measured"] == pytest.approx(now / before - 1)
    assert frame.loc["precise_marketing", "against_plan"] == "below"
    now, before = (4700 + 4650 - 750) / (4650 + 1620 + 310), 4700 / 1550
    assert frame.loc["precise_spend", "measured"] == pytest.approx(now / before - 1)


def test_without_spend_the_plan_has_nothing_beside_it(traffic_orders_only):
    with pytest.raises(MissingTable, match="ad_spend"):
        campaign_actions.advertising_expectations(traffic_orders_only, MARCH)
