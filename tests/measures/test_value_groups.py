"""Value by channel and cohort and LTV:CAC, counted again in pandas."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.measures import channels, customer_value, traffic, value_groups
from helpers.measures.value_groups import joined_small, months_over
from helpers.plan.periods import parse_period
from helpers.store.errors import MissingTable


@pytest.fixture
def shop(value_shop):
    return value_shop[0]


@pytest.fixture
def first_year(shop):
    """Observed contribution of each customer's first 365 days, from the mart, in pandas.

    The commission on the first purchase is part of what acquisition cost, so it is given back.
    """
    days = shop.to_frame(shop.mart("purchase_days"))
    days["contribution"] += days["acquisition_commission"]
    first = days[days["number"] == 1].set_index("customer_id")
    offset = (days["day"] - days["customer_id"].map(first["day"])).dt.days
    brought = days[offset < 365].groupby("customer_id")["contribution"].sum()
    return first[["day", "channel"]].assign(brought=brought)


def test_cohorts_hold_what_their_customers_have_brought(shop, first_year):
    frame = value_groups.value_by_cohort(shop, shop.period).set_index("cohort")
    quarter = first_year["day"].dt.to_period("Q").dt.start_time
    counted = first_year.groupby(quarter)["brought"].agg(["mean", "size"])
    assert len(frame) == 9
    for cohort, row in frame.iterrows():
        assert row["customers"] == counted.loc[cohort, "size"]
        near = 0.15 if cohort >= pd.Timestamp("2023-10-01") else 1e-6  # refunds still to come
        assert row["observed"] == pytest.approx(counted.loc[cohort, "mean"], rel=near)


def test_cohorts_whose_year_is_over_have_nothing_to_predict(shop):
    frame = value_groups.value_by_cohort(shop, shop.period)
    over = frame["months_over"] == 12
    assert (frame.loc[over, "predicted"] == 0).all()
    assert (frame.loc[~over, "predicted"] > 0).all()
    young = frame.loc[~over, "predicted"]
    assert young.is_monotonic_increasing


def test_young_cohorts_are_not_taken_for_poor_ones(shop):
    """A shop without growth or season: what a young cohort is worth lies near the old ones'."""
    frame = value_groups.value_by_cohort(shop, shop.period)
    old = frame.loc[frame["months_over"] == 12, "value"].mean()
    young = frame.loc[frame["months_over"] == 0].iloc[0]
    assert young["observed"] < 0.8 * old
    assert young["low"] - 0.15 * old < old < young["high"] + 0.15 * old


def test_what_a_half_year_predicted_is_what_the_next_year_brought(value_shop):
    """The forecast at the end of 2023 for the customers of its last half against the end of 2024.

    Their whole first year is known by then; three standard errors of the difference.
    """
    from helpers.store.open import opened

    later, _, folder = value_shop
    with opened(folder, period="2023-12", cache=folder.parent / "cache-2023") as store:
        frame = value_groups.value_by_cohort(store, store.period, quarters=2)
    days = later.to_frame(later.mart("purchase_days"))
    first = days[days["number"] == 1].set_index("customer_id")["day"]
    offset = (days["day"] - days["customer_id"].map(first)).dt.days
    mine = first[(first >= "2023-07-01") & (first <= "2023-12-31")]
    year = days[days["customer_id"].isin(mine.index) & (offset < 365)]
    truth = year.groupby("customer_id")["contribution"].sum()
    weight = frame["customers"] / frame["customers"].sum()
    predicted = (frame["value"] * weight).sum()
    assert frame["customers"].sum() == len(truth)
    assert predicted == pytest.approx(truth.mean(), abs=3 * truth.std() / len(truth) ** 0.5)


def test_channels_hold_the_new_customers_of_a_year(shop, first_year):
    frame = value_groups.value_by_channel(shop, shop.period).set_index("channel")
    recent = first_year[first_year["day"] > pd.Timestamp(shop.as_of) - pd.Timedelta(days=365)]
    counts = recent.groupby("channel").size()
    assert frame["customers"].sum() == len(recent)
    for channel, row in frame.drop(index="other", errors="ignore").iterrows():
        assert row["customers"] == counts[channel]
        assert row["value"] == pytest.approx(row["observed"] + row["predicted"])
        assert row["low"] < row["value"] < row["high"]


def test_ltv_to_cac_divides_value_by_what_the_same_customers_cost(shop):
    row = value_groups.ltv_to_cac(shop, shop.period).iloc[0]
    year = shop.period.trailing(365)
    cost = traffic.cac_blended(shop, year).iloc[0]
    assert row["denominator"] == pytest.approx(cost["value"])
    assert row["value"] == pytest.approx(row["numerator"] / cost["value"])
    assert row["observed"] < row["value"]
    assert row["low"] < row["value"] < row["high"]
    whole = customer_value.ltv_12m(shop, shop.period).iloc[0]
    assert row["numerator"] == pytest.approx(whole["value"], rel=0.12)


def test_the_finding_says_what_the_interval_says(shop):
    row = value_groups.ltv_to_cac_finding(shop, shop.period).iloc[0]
    metric = value_groups.ltv_to_cac(shop, shop.period).iloc[0]
    assert (row["ratio"], row["low"]) == (metric["value"], metric["low"])
    sure = {
        "pays": row["low"] > 1,
        "loses": row["high"] < 1,
        "open": row["low"] <= 1 <= row["high"],
    }
    assert sure[row["variant"]]


def test_ltv_to_cac_of_channels_uses_their_own_cost(shop):
    frame = value_groups.ltv_to_cac_by_channel(shop, shop.period)
    costs = channels.acquisition_of(shop, shop.period.trailing(365)).set_index("channel")
    assert len(frame)
    assert frame["ratio"].is_monotonic_increasing
    for row in frame[frame["channel"] != "other"].to_dict("records"):
        assert row["cac"] == pytest.approx(costs.loc[row["channel"], "cac"])
        assert row["ratio"] == pytest.approx(row["value"] / row["cac"])
        assert row["left"] == pytest.approx(row["customers"] * (row["value"] - row["cac"]))
        sure = {"pays": row["low"] > 1, "loses": row["high"] < 1, "open": True}
        assert sure[row["reading"]]


def test_an_earlier_period_would_need_fits_of_its_own(shop):
    march = parse_period("2024-03", shop.first_day, shop.last_day)
    with pytest.raises(MissingTable):
        value_groups.value_by_cohort(shop, march)


def test_small_channels_are_joined_until_ten_customers_are_together():
    channel = pd.Series(["a"] * 30 + ["b"] * 12 + ["c"] * 4 + ["d"] * 3)
    assert set(joined_small(channel)) == {"a", "other"}
    enough = pd.Series(["a"] * 30 + ["b"] * 12 + ["c"] * 6 + ["d"] * 5)
    assert set(joined_small(enough)) == {"a", "b", "other"}
    assert set(joined_small(channel[:42])) == {"a", "b"}


def test_months_over_are_those_of_a_quarters_last_customer():
    from datetime import date

    start = date(2024, 7, 1)
    assert months_over(start, date(2024, 9, 29)) == 0
    assert months_over(start, date(2024, 10, 29)) == 0  # 30 days with both ends
    assert months_over(start, date(2024, 10, 30)) == 1
    assert months_over(start, date(2025, 9, 29)) == 11
    assert months_over(start, date(2026, 1, 1)) == 12
