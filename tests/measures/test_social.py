"""Reach and engagement on a shop counted by hand."""

from __future__ import annotations

from datetime import date

import pytest

from helpers.measures import social
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

NOVEMBER = month_of(date(2024, 11, 1))


def row(day: str, channel: str, money: float, **counts: int) -> dict:
    return {
        "day": day,
        "channel": channel,
        "campaign": "c",
        "kind": "ads",
        "spend": money,
        **counts,
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    spend = [
        row("2024-11-01", "social_ads", 100, impressions=10_000, reach=4_000, engagements=200),
        row("2024-11-30", "social_ads", 300, impressions=30_000, reach=6_000, engagements=600),
        row("2024-11-02", "onsite_ads", 50, impressions=5_000),
        row("2024-11-03", "content", 80),
        row("2023-11-01", "social_ads", 100, impressions=20_000, reach=9_000, engagements=200),
    ]
    orders = [
        an_order("1", "a", "2023-10-01 10:00", 10),
        an_order("2", "b", "2024-11-30 10:00", 10),
    ]
    store = a_store(tmp_path_factory.mktemp("social"), "2024-11", orders=orders, ad_spend=spend)
    with store:
        yield store


def test_rates_are_per_impression_and_costs_per_engagement_and_per_thousand_reached(shop):
    found = social.reach_by_channel(shop, NOVEMBER).set_index("channel")
    assert list(found.index) == ["social_ads", "onsite_ads"]
    social_ads = found.loc["social_ads"]
    assert social_ads["engagement_rate"] == pytest.approx(800 / 40_000)
    assert social_ads["engagement_cost"] == pytest.approx(400 / 800)
    assert social_ads["reach_cost"] == pytest.approx(1000 * 400 / 10_000)
    assert social_ads["last_year"] == 20_000
    assert social_ads["rate_last_year"] == pytest.approx(0.01)


def test_what_a_channel_does_not_count_is_empty_and_not_zero(shop):
    found = social.reach_by_channel(shop, NOVEMBER).set_index("channel")
    unknown = ["reach", "engagements", "engagement_rate", "engagement_cost", "reach_cost"]
    assert found.loc["onsite_ads", unknown].isna().all()


def test_impressions_of_a_month_stand_beside_the_plans(shop):
    found = social.reach_expected(shop, NOVEMBER).iloc[0]
    assert found["impressions"] == pytest.approx(45_000 / 30 * 365.25 / 12)
    assert (found["least"], found["most"]) == (30_000_000, 50_000_000)


def test_a_shop_without_impressions_is_told_so(tmp_path):
    orders = [an_order("1", "a", "2024-11-01 10:00", 10)]
    store = a_store(tmp_path, "2024-11", orders=orders, ad_spend=[row("2024-11-01", "content", 5)])
    with store, pytest.raises(MissingTable, match="impressions"):
        social.reach_by_channel(store, NOVEMBER)
