"""Payback counted by hand on a small shop.

Every order is paid 100 and its goods cost 60: it contributes 40.
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from helpers.measures import payback
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

PRICES = [{"product_id": "P1", "valid_from": "2020-01-01", "unit_cost": 60}]


def bought(customer: str, first: str, *gaps: int, channel: str = "ads") -> list[dict]:
    """An order on the first day and one after each gap in days since it."""
    days = [date.fromisoformat(first) + timedelta(days=gap) for gap in (0, *gaps)]
    return [an_order(f"{customer}-{day}", customer, str(day), 100, channel=channel) for day in days]


def spent(day: str, money: float, channel: str = "ads", kind: str = "ads") -> dict:
    return {"day": day, "channel": channel, "spend": money, "kind": kind}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Known until 2024-12-31."""
    orders = bought("old", "2022-12-01")
    # 12 customers at 50 each; half of them come again 40 days on: 40, then 60 in month 2.
    for i in range(12):
        orders += bought(f"a{i}", "2023-01-10", *([40] if i < 6 else []))
    # Nine are too few to be shown.
    for i in range(9):
        orders += bought(f"b{i}", "2023-05-10")
    # 10 customers at 50 each who never come again: 40 and no more.
    for i in range(10):
        orders += bought(f"c{i}", "2024-08-10")
    # 11 customers of a quarter that has just ended.
    for i in range(11):
        orders += bought(f"d{i}", "2024-11-10")
    spend = [spent("2022-12-01", 1), spent("2023-01-05", 600), spent("2023-05-05", 90),
             spent("2024-08-05", 500), spent("2024-11-05", 550),
             spent("2023-02-01", 999, kind="care")]  # fmt: skip
    folder = tmp_path_factory.mktemp("payback")
    with a_store(folder, orders=orders, ad_spend=spend, price_history=PRICES) as store:
        yield store


def test_payback_is_the_first_month_in_which_contribution_reaches_the_cost(shop):
    row = payback.payback_by_cohort(shop, shop.period).set_index("cohort").loc["2023-01-01"]
    assert (row["customers"], row["cac"]) == (12, 50)
    assert (row["month"], row["reading"]) == (2, "reached")
    assert row["brought"] == pytest.approx(60)


def test_cumulative_contribution_of_each_month_is_counted_by_hand(shop):
    frame = payback.payback_curve(shop, shop.period)
    first = frame[frame["cohort"] == "2023-01-01"].set_index("months_since")
    assert first.loc[1, "brought"] == pytest.approx(40)
    assert first.loc[2, "brought"] == pytest.approx(60)
    assert first.loc[1, "share"] == pytest.approx(0.8)
    # Standard deviation of six 40s and six 80s: 20 x sqrt(12 / 11).
    half = 1.96 * 20 * (12 / 11) ** 0.5 / 12**0.5
    assert first.loc[2, "high"] - 60 == pytest.approx(half)
    # 2023-03-31 to 2024-12-31 are 642 days with both ends: 21 months of 30.4375 days.
    assert first.index.max() == 21


def test_not_reached_is_an_answer_with_the_months_it_covers(shop):
    row = payback.payback_by_cohort(shop, shop.period).set_index("cohort").loc["2024-07-01"]
    # 2024-09-30 to 2024-12-31 are 93 days: 3 months.
    assert (row["reading"], row["months_over"]) == ("not_reached", 3)
    assert pd.isna(row["month"])
    assert row["brought"] == pytest.approx(40)


def test_a_cohort_without_a_month_that_is_over_is_blank_and_never_zero(shop):
    row = payback.payback_by_cohort(shop, shop.period).set_index("cohort").loc["2024-10-01"]
    assert (row["reading"], row["customers"], row["months_over"]) == ("too_young", 11, 0)
    assert row[["brought", "brought_low", "brought_high", "month"]].isna().all()


def test_months_that_are_not_over_have_no_row(shop):
    frame = payback.payback_curve(shop, shop.period)
    young = frame[frame["cohort"] == "2024-07-01"]
    assert list(young["months_since"]) == [1, 2, 3]


def test_cohorts_of_fewer_than_ten_customers_are_left_out(shop):
    frame = payback.payback_by_cohort(shop, shop.period)
    assert pd.Timestamp("2023-04-01") not in set(frame["cohort"])
    assert (frame["customers"] >= 10).all()


def test_the_interval_of_the_month_follows_the_ends_of_the_mean(shop):
    """Half buy again: 60 ± 11.8 stands above 50 at its upper end only from month 2 on."""
    row = payback.payback_by_cohort(shop, shop.period).set_index("cohort").loc["2023-01-01"]
    assert row["month_low"] == 2
    assert pd.isna(row["month_high"])
    assert 48 < row["brought_low"] < 50


def test_the_finding_compares_the_latest_cohort_with_the_first_at_its_age(shop):
    """After 3 months 40 of 50 against 60 of 50."""
    row = payback.payback_finding(shop, shop.period).iloc[0]
    assert (row["variant"], row["quarter"], row["months"]) == ("not_reached", "2024-Q3", 3)
    assert row["share"] == pytest.approx(0.8)
    assert (row["first_quarter"], row["first_share"]) == ("2023-Q1", pytest.approx(1.2))


def test_an_earlier_period_knows_nothing_of_later_days(shop):
    from helpers.plan.periods import parse_period

    march = parse_period("2023-03", shop.first_day, shop.last_day)
    frame = payback.payback_by_cohort(shop, march)
    assert frame["cohort"].max() == pd.Timestamp("2023-01-01")
    assert frame.iloc[-1]["reading"] == "too_young"


def test_without_costs_there_is_no_payback(tmp_path):
    orders = [one for i in range(12) for one in bought(f"a{i}", "2023-01-10")]
    spend = [spent("2023-01-10", 600)]
    with (
        a_store(tmp_path, orders=orders, ad_spend=spend) as store,
        pytest.raises(MissingTable, match="price_history"),
    ):
        payback.payback_by_cohort(store, store.period)


@pytest.fixture(scope="module")
def channels(tmp_path_factory):
    """First purchases of 2023, all of whose twelve months are over by the end of 2024."""
    orders = bought("old", "2022-12-01") + bought("new", "2024-06-01", channel="search")
    for i in range(10):
        orders += bought(f"s{i}", "2023-03-01", channel="search")
    for i in range(12):
        orders += bought(f"a{i}", "2023-03-01", 100)
    for i in range(15):
        orders += bought(f"l{i}", "2023-03-01", channel="live")
    for i in range(3):
        orders += bought(f"t{i}", "2023-03-01", channel="tiny")
    spend = [spent("2022-12-01", 1), spent("2023-03-01", 12 * 70),
             spent("2023-03-01", 15 * 100, "live"), spent("2023-03-01", 13, "tiny"),
             spent("2023-03-01", 26, "search")]  # fmt: skip
    folder = tmp_path_factory.mktemp("channels")
    with a_store(folder, orders=orders, ad_spend=spend, price_history=PRICES) as store:
        yield store


def test_channels_pay_back_in_the_month_counted_by_hand(channels):
    """100 days on lie in month 4 (91.3 to 121.75 days): 80 against 70."""
    frame = payback.payback_by_channel(channels, channels.period).set_index("channel")
    ads, live = frame.loc["ads"], frame.loc["live"]
    assert (ads["customers"], ads["cac"], ads["month"], ads["months_over"]) == (12, 70, 4, 12)
    assert (live["reading"], live["months_over"]) == ("not_reached", 12)


def test_a_small_channel_is_joined_with_the_next_smallest_so_that_nothing_tells_it(channels):
    """Three of `tiny` alone would be told by the whole less the rest: `search` joins them."""
    frame = payback.payback_by_channel(channels, channels.period).set_index("channel")
    assert set(frame.index) == {"ads", "live", "other"}
    assert frame.loc["other", "customers"] == 13
    assert frame.loc["other", "cac"] == pytest.approx(39 / 13)
