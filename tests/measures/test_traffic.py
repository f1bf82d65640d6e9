"""Traffic measures on a shop counted by hand.

March 2024. Onsite ads: 110 a day, two new customers of 200 each on odd days (32). Social ads: 300 a
day, two of 100 on odd days. Content: 200 on the four Wednesdays, two of 100 on odd days. Organic
search: an agency's fee of 310 on the first, one customer of 100 a day until the 12th. Direct: seven
customers of 50. An old customer buys for 300 through a message that cost 500 of care.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.measures import (
    channel_days,
    channels,
    conversion_worth,
    traffic,
    traffic_actions,
    traffic_months,
)
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

MARCH = month_of(date(2024, 3, 1))
NEW_IN_MARCH = 3 * 32 + 12 + 7
SPEND_IN_MARCH = 3410 + 9300 + 800 + 310


def days_of(month: date) -> list[date]:
    period = month_of(month)
    return [period.start + timedelta(days=i) for i in range(period.days)]


def new_orders(month: date, channel: str, money: float, a_day: int = 2) -> list[dict]:
    """New customers of a channel on the odd days of a month."""
    return [
        an_order(f"{channel}{day}{i}", f"{channel}{day}{i}", f"{day} 10:00", money, channel=channel)
        for day in days_of(month)
        if day.day % 2
        for i in range(a_day)
    ]


def cohort() -> list[dict]:
    """40 customers of June 2022; 20 come back in August, 10 of them again after a year."""
    found = []
    for i in range(40):
        days = ["2022-06-01"] + ["2022-08-01"] * (i < 20) + ["2023-07-01"] * (i < 10)
        found += [
            an_order(f"c{i}{day}", f"c{i}", f"{day} 09:00", 100, channel="onsite_ads")
            for day in days
        ]
    return found


def orders() -> list[dict]:
    march = date(2024, 3, 1)
    found = [
        an_order("old1", "old", "2022-01-01 10:00", 100, channel="direct"),
        an_order("old2", "old", "2024-03-05 10:00", 300, channel="crm"),
        an_order("fake", "liar", "2024-03-05 10:00", 999, channel="direct", is_fake=True),
        {**an_order("open", "eve", None, 70), "created_at": "2024-03-09 10:00", "channel": "live"},
    ]
    found += [
        an_order(f"o{d}", f"o{d}", f"2024-03-{d:02} 11:00", 100, channel="organic_search")
        for d in range(1, 13)
    ]
    found += [
        an_order(f"d{d}", f"d{d}", f"2024-03-{d:02} 12:00", 50, channel="direct")
        for d in range(1, 8)
    ]
    found += new_orders(march, "onsite_ads", 200) + new_orders(march, "social_ads", 100)
    found += new_orders(march, "content", 100) + cohort()
    return found + new_orders(date(2023, 3, 1), "onsite_ads", 200, a_day=1)


def spend() -> list[dict]:
    def row(day: object, channel: str, money: float, kind: str = "ads", **more) -> dict:
        return {"day": str(day), "channel": channel, "campaign": kind, "kind": kind,
                "spend": money, **more}  # fmt: skip

    march = days_of(date(2024, 3, 1))
    found = [row(d, "onsite_ads", 110, attributed_sales=250) for d in march]
    found += [row(d, "social_ads", 300) for d in march]
    found += [row(d, "content", 200, "content") for d in march if d.weekday() == 2]
    found += [row("2024-03-01", "organic_search", 310, "agency")]
    found += [row("2024-03-05", "crm", 500, "care")]
    return found + [row(d, "onsite_ads", 40) for d in days_of(date(2023, 3, 1))]


def visits() -> list[dict]:
    def row(day: date, channel: str, *counts: int) -> dict:
        names = ("visitors", "buyers", "sessions", "paid_sessions", "cart_visitors")
        return {"day": str(day), "channel": channel, **dict(zip(names, counts, strict=True))}

    found = []
    for day in days_of(date(2024, 3, 1)):
        odd = day.day % 2
        found += [row(day, "organic_search", 100, 6 - 2 * odd, 120, 6, 20 + odd),
                  row(day, "onsite_ads", 300, 5 + odd, 400, 7, 30),
                  row(day, "crm", 50, 5, 60, 5, 9)]  # fmt: skip
    for day in days_of(date(2023, 3, 1)):
        found += [row(day, "onsite_ads", 300, 11 + 2 * (day.day % 2), 400, 12, 30)]
    return found


def payments() -> list[dict]:
    """Orders o1 to o4 and an open one; o1 was tried first in February, o2 needed two attempts."""
    tries = [("o1", "2024-02-28", False), ("o1", "2024-03-01", True), ("o2", "2024-03-02", False),
             ("o2", "2024-03-02", True), ("o3", "2024-03-03", True), ("open", "2024-03-09", False),
             ("open", "2024-03-10", False), ("fake", "2024-03-05", True)]  # fmt: skip
    return [
        {"payment_id": str(i), "order_id": order, "attempted_at": f"{day} 10:00", "succeeded": ok}
        for i, (order, day, ok) in enumerate(tries)
    ]


PRICES = [{"product_id": "P1", "valid_from": "2020-01-01", "unit_cost": 40}]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    tables = {"orders": orders(), "ad_spend": spend(), "traffic_daily": visits(),
              "payments": payments(), "price_history": PRICES}  # fmt: skip
    with a_store(tmp_path_factory.mktemp("shop"), "2024-03", **tables) as found:
        yield found


@pytest.fixture(scope="module")
def orders_only(tmp_path_factory):
    rows = [{**row, "channel": None} for row in orders()]
    with a_store(tmp_path_factory.mktemp("bare"), "2024-03", orders=rows) as found:
        yield found


@pytest.fixture(scope="module")
def pounds(tmp_path_factory):
    tables = {"orders": orders(), "ad_spend": spend()}
    with a_store(tmp_path_factory.mktemp("pounds"), "2024-03", currency="GBP", **tables) as found:
        yield found


def one(measure, store, **parameters) -> pd.Series:
    frame = measure(store, MARCH, **parameters)
    assert len(frame) == 1
    return frame.iloc[0]


def by_channel(measure, store, **parameters) -> pd.DataFrame:
    return measure(store, MARCH, **parameters).set_index("channel")


def test_blended_cost_is_all_spend_but_care_over_all_new_customers(store):
    row = one(traffic.cac_blended, store)
    assert (row["numerator"], row["denominator"]) == (SPEND_IN_MARCH, NEW_IN_MARCH)
    assert row["value"] == pytest.approx(13820 / 115)
    assert row["low"] < row["value"] < row["high"]
    assert row["n"] == 31


def test_paid_cost_leaves_out_a_channel_that_has_only_an_agency(store):
    row = one(traffic.cac_paid, store)
    assert (row["numerator"], row["denominator"]) == (13510, 96)


def test_fake_and_unpaid_orders_make_no_new_customer(store):
    assert one(traffic.new_customers, store)["value"] == NEW_IN_MARCH


def test_conversion_is_buyers_over_visitors_summed_over_days(store):
    # Organic: 16 odd days of 4 buyers, 15 even ones of 6. Ads: 6 and 5. Messages: 5 a day.
    row = one(traffic.conversion_rate, store)
    assert (row["numerator"], row["denominator"]) == (64 + 90 + 96 + 75 + 155, 450 * 31)
    assert row["low"] < row["value"] < row["high"]


def test_conversion_of_sessions_and_carts_have_their_own_parts(store):
    sessions = one(traffic.conversion_rate_sessions, store)
    assert (sessions["numerator"], sessions["denominator"]) == (18 * 31, 580 * 31)
    carts = one(traffic.add_to_cart_rate, store)
    assert (carts["numerator"], carts["denominator"]) == (59 * 31 + 16, 450 * 31)


def test_visitors_and_organic_share_count_each_day(store):
    assert one(traffic.visitors, store)["value"] == 450 * 31
    share = one(traffic.organic_share, store)
    assert (share["numerator"], share["denominator"], share["value"]) == (3100, 13950, 100 / 450)


def test_return_counts_sales_and_spend_of_paid_channels_alone(store):
    row = one(traffic.return_on_spend, store)
    assert (row["numerator"], row["denominator"]) == (6400 + 3200 + 3200, 13510)


def test_a_shop_without_live_orders_has_a_live_share_of_nought(store):
    row = one(traffic.live_sales_share, store)
    assert (row["numerator"], row["value"]) == (0, 0)
    assert row["denominator"] == 6400 + 3200 + 3200 + 1200 + 350 + 300


def test_an_order_is_paid_or_not_once_on_the_day_of_its_first_attempt(store):
    # o2 and o3 are paid, the open order is not; o1 belongs to February, the fake one to nobody.
    row = one(traffic.payment_success_rate, store)
    assert (row["numerator"], row["denominator"]) == (2, 3)
    february = traffic.payment_success_rate(store, MARCH.previous()).iloc[0]
    assert (february["numerator"], february["denominator"]) == (1, 1)


def test_history_shorter_than_a_year_makes_new_overstated(store):
    march = one(traffic.history_before, store)
    assert march["days"] == (date(2024, 3, 1) - date(2022, 1, 1)).days
    assert (march["overstated"], march["reading"]) == (False, "none")
    december = traffic.history_before(store, month_of(date(2022, 12, 1))).iloc[0]
    assert (december["overstated"], december["reading"]) == (True, "period")
    later = traffic.history_before(store, month_of(date(2023, 1, 1))).iloc[0]
    assert (later["reading"], later["sure_from"]) == ("months", pd.Timestamp("2023-01-01"))


def test_a_period_without_spend_or_traffic_is_refused(store):
    with pytest.raises(MissingTable, match="ad_spend"):
        traffic.cac_blended(store, MARCH.previous())
    with pytest.raises(MissingTable, match="traffic_daily"):
        traffic.conversion_rate(store, MARCH.previous())
    with pytest.raises(MissingTable, match="orders"):
        traffic.new_customers(store, month_of(date(2021, 12, 1)))


@pytest.mark.parametrize(
    ("measure", "table"),
    [
        (traffic.cac_blended, "ad_spend"),
        (traffic.cac_paid, "orders"),
        (traffic.visitors, "traffic_daily"),
        (traffic.conversion_rate, "traffic_daily"),
        (traffic.organic_share, "traffic_daily"),
        (traffic.live_sales_share, "orders"),
        (traffic.return_on_spend, "orders"),
        (traffic.marketing_share, "ad_spend"),
        (traffic.payment_success_rate, "payments"),
        (channels.traffic_by_channel, "traffic_daily"),
        (channels.acquisition_by_channel, "orders"),
        (channels.return_by_channel, "orders"),
        (channels.changes_by_channel, "orders"),
        (traffic_months.visit_months, "traffic_daily"),
        (traffic_months.acquisition_months, "orders"),
        (traffic_actions.cost_against_value, "orders"),
        (traffic_actions.value_by_channel, "price_history"),
        (conversion_worth.conversion_by_channel, "orders"),
        (conversion_worth.conversion_gap, "traffic_daily"),
        (conversion_worth.payment_gap, "payments"),
        (conversion_worth.conversion_actions, "orders"),
        (channels.claims, "orders"),
    ],
)
def test_a_store_with_orders_only_says_what_it_needs(orders_only, measure, table):
    with pytest.raises(MissingTable) as refused:
        measure(orders_only, MARCH)
    assert refused.value.table == table


def test_new_customers_are_known_from_orders_alone(orders_only):
    assert one(traffic.new_customers, orders_only)["value"] == NEW_IN_MARCH
    months = traffic_months.customer_months(orders_only, MARCH).set_index(["month", "kind"])
    march = months.loc["2024-03-01"]
    assert march["customers"].to_dict() == {"new": NEW_IN_MARCH, "returning": 1}
    assert march.loc["new", "share"] == pytest.approx(115 / 116)
    assert months.loc[("2023-03-01", "new"), "customers"] == 16
    assert len(months) == 26


def test_costs_stand_by_channel_with_last_years(store):
    frame = by_channel(channels.acquisition_by_channel, store)
    assert list(frame.index[:4]) == ["social_ads", "onsite_ads", "content", "organic_search"]
    assert frame.loc["onsite_ads", "cac"] == pytest.approx(3410 / 32)
    assert frame.loc["onsite_ads", "last_year"] == pytest.approx(40 * 31 / 16)
    assert frame.loc["organic_search", "cac"] == pytest.approx(310 / 12)
    assert frame["spend"].sum() == pytest.approx(SPEND_IN_MARCH)
    assert frame["new_share"].sum() == pytest.approx((115 - 7) / 115)


def test_fewer_than_ten_customers_are_not_shown(store):
    frame = by_channel(channels.acquisition_by_channel, store)
    assert frame.loc["direct", ["new_customers", "new_share", "cac"]].isna().all()


def test_traffic_stands_by_channel_and_its_shares_make_one(store):
    frame = by_channel(channels.traffic_by_channel, store)
    assert list(frame.index) == ["onsite_ads", "organic_search", "crm"]
    assert frame["share"].sum() == pytest.approx(1)
    assert frame.loc["onsite_ads", "conversion"] == pytest.approx(171 / 9300)
    assert frame.loc["onsite_ads", "last_year"] == pytest.approx((11 * 31 + 32) / 9300)
    assert np.isnan(frame.loc["organic_search", "last_year"])


def test_a_channel_that_claims_more_than_came_through_it_shows(store):
    frame = by_channel(channels.return_by_channel, store)
    assert sorted(frame.index) == ["content", "onsite_ads", "social_ads"]
    assert frame.loc["onsite_ads", "claim_share"] == pytest.approx(250 * 31 / 6400)
    assert frame.loc["content", "value"] == pytest.approx(4.0)


def test_changes_compare_spend_and_new_customers_with_last_year(store):
    frame = by_channel(channels.changes_by_channel, store)
    assert frame.index[0] == "social_ads"
    assert frame.loc["onsite_ads", "spend_change"] == pytest.approx(3410 - 1240)
    assert frame.loc["onsite_ads", "new_change"] == 32 - 16
    with pytest.raises(ValueError, match="against == 'never'"):
        channels.changes_by_channel(store, MARCH, against="never")


def test_months_hold_only_what_the_store_can_say(store):
    frame = traffic_months.metric_months(store, MARCH, metric="cac_blended")
    assert list(frame["month"]) == [pd.Timestamp("2023-03-01"), pd.Timestamp("2024-03-01")]
    assert frame["value"].iloc[0] == pytest.approx(1240 / 16)
    costs = traffic_months.acquisition_months(store, MARCH)
    paid = costs[(costs["month"] == "2024-03-01") & (costs["channel"] == "content")].iloc[0]
    assert (paid["spend"], paid["new_customers"], paid["cac"]) == (800, 32, 25)
    visits = traffic_months.visit_months(store, MARCH)
    assert set(costs["month"]) == set(visits["month"]) == set(frame["month"])
    assert visits.groupby("month")["share"].sum().tolist() == pytest.approx([1, 1])


def test_value_is_what_customers_of_a_year_ago_brought_in_365_days(store):
    # 40 customers: a first order with 60 left, 20 of them another; orders after a year don't count.
    frame = by_channel(traffic_actions.value_by_channel, store)
    everyone, ads = frame.loc[""], frame.loc["onsite_ads"]
    # The 16 customers of March 2023 spent 200 each, 160 left.
    assert (ads["customers"], ads["value"]) == (
        56,
        pytest.approx((40 * 60 + 20 * 60 + 16 * 160) / 56),
    )
    assert everyone["value"] == pytest.approx(ads["value"])
    money = [120.0] * 20 + [60.0] * 20 + [160.0] * 16
    half = 1.96 * np.std(money, ddof=1) / np.sqrt(56)
    assert ads["high"] - ads["value"] == pytest.approx(half)


def test_a_dear_channel_is_cut_one_above_the_ceiling_capped_a_cheap_one_tested(store):
    frame = by_channel(traffic_actions.cost_against_value, store)
    ceiling = (80 * 115 - 310) / 96
    value = 6160 / 56
    assert frame["ceiling"].tolist() == pytest.approx([ceiling] * 3)
    assert frame["action"].to_dict() == {
        "social_ads": "cut", "onsite_ads": "cap", "content": "test"
    }  # fmt: skip
    assert frame.loc["social_ads", "worth"] == pytest.approx(9300 - 32 * value)
    assert frame.loc["onsite_ads", "worth"] == pytest.approx(3410 - 32 * ceiling)
    assert frame.loc["content", "worth"] == pytest.approx(0.2 * 800 * (value / 25 - 1))
    assert (frame["worth_low"] <= frame["worth"]).all()
    assert (frame["worth"] <= frame["worth_high"]).all()


def test_the_gap_says_what_each_way_alone_would_take(store):
    row = one(traffic_actions.cac_gap, store)
    assert row["spend_to_cut"] == pytest.approx(13820 - 80 * 115)
    assert row["customers_needed"] == pytest.approx(13820 / 80 - 115)
    assert (row["paid_customers"], row["free_customers"]) == (96, 19)


def test_a_target_in_another_currency_neither_binds_nor_caps(pounds):
    row = one(traffic_actions.cac_gap, pounds)
    assert row[["target", "spend_to_cut", "customers_needed", "ceiling"]].isna().all()
    frame = by_channel(traffic_actions.cost_against_value, pounds)
    assert set(frame["action"]) == {"watch"}


def left_of_paid() -> float:
    """Contribution per unit paid over 365 days: all sold at a cost of 40 an order."""
    paid = 6400 + 3200 + 3200 + 1200 + 350 + 300 + 1000
    return (paid - 40 * (96 + 12 + 7 + 1 + 10)) / paid


def test_a_point_of_conversion_is_worth_its_buyers_times_what_they_leave(store):
    frame = by_channel(conversion_worth.conversion_by_channel, store)
    # Ads: 9,300 visitors, 93 buyers more at 200 each; each visitor brought 6,400 / 9,300.
    assert frame.loc["onsite_ads", "point_worth"] == pytest.approx(93 * 200 * left_of_paid())
    assert frame.loc["onsite_ads", "visitor_value"] == pytest.approx(6400 / 9300)


def test_a_channel_that_converts_worse_than_last_year_is_a_leak(store):
    frame = by_channel(conversion_worth.conversion_by_channel, store)
    lost = 11 * 31 + 32 - 171
    assert frame.index[0] == "onsite_ads"
    assert frame["is_leak"].to_dict() == {"onsite_ads": True, "organic_search": False, "crm": False}
    assert frame.loc["onsite_ads", "lost_buyers"] == pytest.approx(lost)
    assert frame.loc["onsite_ads", "lost_worth"] == pytest.approx(lost * 200 * left_of_paid())


def test_the_way_to_the_target_of_conversion_is_told_with_its_cost_per_customer(store):
    row = one(conversion_worth.conversion_gap, store)
    conversion, each = 480 / 13950, 14650 / (115 + 1)
    assert row["buyers_missing"] == pytest.approx(0.04 * 13950 - 480)
    assert row["gap_sales"] == pytest.approx((558 - 480) * each)
    assert row["point_sales"] == pytest.approx(139.5 * each)
    assert row["cac_then"] == pytest.approx(13820 / 115 * conversion / 0.04)


def test_the_way_to_the_target_of_organic_search_adds_visitors_to_all(store):
    row = one(conversion_worth.organic_gap, store)
    # 3,100 of 13,950 now; with x more of both, (3100 + x) / (13950 + x) = 0.28.
    x = (0.28 * 13950 - 3100) / 0.72
    assert row["visitors_missing"] == pytest.approx(x)
    assert row["gap_sales"] == pytest.approx(x * 1200 / 3100)


def test_orders_that_fail_at_payment_are_worth_an_order_each_at_most(store):
    row = one(conversion_worth.payment_gap, store)
    assert (row["attempted"], row["paid"], row["unpaid"]) == (3, 2, 1)
    assert row["orders_missing"] == pytest.approx(0.95 * 3 - 2)
    assert row["gap_sales"] == pytest.approx(0.85 * 14650 / 116)


def test_actions_stand_in_the_order_of_their_money(store):
    frame = conversion_worth.conversion_actions(store, MARCH)
    assert frame["action"].tolist() == ["leak", "payment"]
    assert frame["worth"].is_monotonic_decreasing


def test_claims_are_compared_with_what_came_through_and_what_was_sold(store):
    row = one(channels.claims, store)
    assert (row["claimed"], row["paid_sales"], row["shop_sales"]) == (7750, 12800, 14650)
    assert row["reading"] == "within"
    assert row["break_even"] == pytest.approx(1 / left_of_paid())


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
