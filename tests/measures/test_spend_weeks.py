"""Weeks of spend and new customers on a shop counted by hand.

Monday 1 January 2024 to Sunday 29 December, 52 weeks. Every Monday two new customers by search,
every Thursday one by advertisements. Ads: 70 a day from the second week on. Content: 280 on the
first day of each week. An agency, a commission and care: no part of it.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from helpers.measures import budget, budget_actions, response, spend_tests
from helpers.measures.spend_weeks import spend_weeks
from helpers.plan.periods import month_of, parse_period
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

FIRST = date(2024, 1, 1)
WEEKS = 52
DECEMBER = month_of(date(2024, 12, 1))


def day(week: int, weekday: int) -> str:
    return str(FIRST + timedelta(days=7 * week + weekday))


def orders() -> list[dict]:
    found = []
    for week in range(WEEKS):
        for i in range(2):
            found.append(an_order(f"s{week}{i}", f"s{week}-{i}", f"{day(week, 0)} 10:00", 100,
                                  channel="organic_search"))  # fmt: skip
        found.append(an_order(f"a{week}", f"a{week}", f"{day(week, 3)} 10:00", 100,
                              channel="onsite_ads"))  # fmt: skip
    return found


def spend() -> list[dict]:
    def row(when: str, channel: str, campaign: str, kind: str, money: float) -> dict:
        return {"day": when, "channel": channel, "campaign": campaign, "kind": kind, "spend": money}

    found = [row(day(w, d), "onsite_ads", "words", "ads", 70)
             for w in range(1, WEEKS) for d in range(7)]  # fmt: skip
    found += [row(day(w, 0), "content", "notes", "content", 280) for w in range(WEEKS)]
    found += [row(f"2024-{m:02}-01", "live", "slots", "slot_fee", 310) for m in range(1, 13)]
    found += [row(day(9, 0), "affiliate", "cps", "commission", 5000),
              row(day(9, 0), "organic_search", "titles", "agency", 5000),
              row(day(9, 0), "crm", "sms", "care", 5000)]  # fmt: skip
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tests = [{"test_id": "t", "channel": "content", "method": "geo_holdout",
              "starts_on": day(40, 0), "ends_on": day(43, 6), "extra_spend": 1000.0,
              "extra_new_customers": 20.0, "standard_error": 5.0}]  # fmt: skip
    visits = [{"day": day(w, 2), "channel": "organic_search", "visitors": 100 + w}
              for w in range(WEEKS)]  # fmt: skip
    store = a_store(tmp_path_factory.mktemp("weeks"), orders=orders(), ad_spend=spend(),
                    spend_tests=tests, traffic_daily=visits)  # fmt: skip
    with store:
        yield store


def test_weeks_are_whole_and_count_all_new_customers(shop):
    found = spend_weeks(shop, DECEMBER)
    assert str(found.weeks[0].date()) == "2024-01-01"
    assert str(found.weeks[-1].date()) == "2024-12-23"
    assert (found.customers == 3).all()
    assert found.free_visitors.tolist() == [100 + w for w in range(WEEKS)]


def test_only_bought_attention_counts_and_each_channel_keeps_its_money(shop):
    found = spend_weeks(shop, DECEMBER)
    assert found.channels == ["content", "live", "onsite_ads"]
    assert found.spend["onsite_ads"].tolist() == [0.0] + [490.0] * 51
    assert found.spend["content"].tolist() == [280.0] * WEEKS


def test_a_monthly_booking_is_spread_over_the_days_until_the_next(shop):
    live = spend_weeks(shop, DECEMBER).spend["live"]
    assert live.iloc[0] == pytest.approx(310 / 31 * 7)
    assert live["2024-01-29"] == pytest.approx(310 / 31 * 3 + 310 / 29 * 4)
    assert live.sum() == pytest.approx(12 * 310, abs=2 * 310 / 31 + 0.01)


def test_an_earlier_period_reads_nothing_of_later_weeks(shop):
    found = spend_weeks(shop, parse_period("2024-11", FIRST, date(2024, 12, 31)))
    assert str(found.weeks[-1].date()) == "2024-11-18"


def test_a_short_history_is_told(shop):
    with pytest.raises(MissingTable, match="ad_spend"):
        spend_weeks(shop, parse_period("2024-09", FIRST, date(2024, 12, 31)))


def test_where_spend_never_varied_nothing_is_told_and_a_test_is_asked_for(shop):
    found = response.response_by_channel(shop, DECEMBER)
    assert set(found["verdict"]) == {"cannot_tell"}
    assert found[["next_cost", "value", "brought_share"]].isna().all(axis=None)
    assert response.response_curves(shop, DECEMBER).empty
    asked = budget_actions.spend_test_plans(shop, DECEMBER).set_index("channel")
    assert asked.loc["onsite_ads", "swing"] == pytest.approx(0.3 * 490)
    assert asked["half_width"].isna().all()


def test_without_costs_a_budget_says_what_it_needs(shop):
    with pytest.raises(MissingTable, match="price_history"):
        budget.budget_plans(shop, DECEMBER)
    with pytest.raises(ValueError, match="must be one of"):
        budget.budget_by_channel(shop, DECEMBER, plan="huge")


def test_a_test_of_spend_says_what_it_found_with_its_interval(shop):
    row = spend_tests.spend_tests(shop, DECEMBER).iloc[0]
    assert row["extra_customers"] == 20
    assert row["low"] == pytest.approx(20 - 1.96 * 5)
    assert np.isnan(row["value"])
    assert row["reading"] == "no_value"
