"""Customers of the CDNOW sample: cohorts, times, segments and lists against plain pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.measures import cohorts, segment_flows, segment_lists, segments, time_to_repurchase
from helpers.plan.periods import parse_period
from helpers.store.open import opened

END = pd.Timestamp("1998-06-30")


@pytest.fixture(scope="module")
def path(shared_data):
    return shared_data / "cdnow" / "CDNOW_sample.parquet"


@pytest.fixture(scope="module")
def store(path, tmp_path_factory):
    with opened(path, period="1998-06", cache=tmp_path_factory.mktemp("cdnow")) as found:
        yield found


@pytest.fixture(scope="module")
def days(path) -> pd.DataFrame:
    """Purchase days: customer, day, first day, next day."""
    rows = pd.read_parquet(path)
    rows["day"] = pd.to_datetime(rows["date"].astype(str))
    found = rows.groupby(["master_id", "day"])["dollar_value"].sum().reset_index()
    found["first"] = found.groupby("master_id")["day"].transform("min")
    found["next"] = found.groupby("master_id")["day"].shift(-1)
    return found


def test_cohorts_of_three_months_return_as_in_plain_pandas(store, days):
    frame = cohorts.cohort_retention(store, store.period, cohorts=18)
    month = days["day"].dt.to_period("M")
    start = days["first"].dt.to_period("M")
    since = (month - start).map(lambda gap: gap.n)
    size = days.groupby(start)["master_id"].nunique()
    came = days.groupby([start, since])["master_id"].nunique()
    assert frame["customers"].unique().tolist() == size.tolist()
    for row in frame.itertuples():
        expected = came.get((pd.Period(row.cohort, "M"), row.months_since), 0)
        assert row.rate == pytest.approx(expected / row.customers)


def test_money_of_cohorts_adds_up_to_the_files_dollars(store, days):
    frame = cohorts.cohort_money(store, store.period, cohorts=18)
    last = frame.groupby("cohort").last()
    total = (last["paid_sales"] * last["customers"]).sum()
    assert total == pytest.approx(days["dollar_value"].sum())
    assert frame["contribution"].isna().all()


def test_shares_by_age_are_those_of_counting_while_all_are_watched(store, days):
    # All 2,357 customers came by 25 March 1997, so that 365 days are over for each of them.
    frame = time_to_repurchase.repurchase_by_age(store, store.period).set_index("cohort")
    first = days[days["day"] == days["first"]]
    gap = (first["next"] - first["day"]).dt.days
    for limit in time_to_repurchase.READ_DAYS:
        assert frame.loc["all", f"within_{limit}"] == pytest.approx((gap <= limit).mean())


def test_the_lapsed_line_is_that_of_kaplan_meier_by_the_formula(store, days):
    waits = (days["next"].fillna(END) - days["day"]).dt.days
    returned = days["next"].notna()
    survival, curve = 1.0, {}
    for day in sorted(waits[returned].unique()):
        survival *= 1 - (returned & (waits == day)).sum() / (waits >= day).sum()
        curve[day] = 1 - survival
    frame = time_to_repurchase.time_between_purchases(store, store.period).set_index("basis")
    row = frame.loc["kaplan_meier"]
    inside = pd.Series(curve)[lambda c: c.index <= row["horizon_days"]]
    assert (waits >= row["horizon_days"]).sum() >= 100
    assert row["returning_share"] == pytest.approx(inside.iloc[-1])
    for part, column in ((0.5, "median_days"), (0.9, "percentile_90_days")):
        assert row[column] == inside[inside >= part * inside.iloc[-1]].index[0]
    assert row["median_low"] <= row["median_days"] <= row["median_high"]
    assert frame.loc["completed", "percentile_90_days"] < row["percentile_90_days"]


def _segments(days: pd.DataFrame, until: pd.Timestamp) -> pd.Series:
    """Segments by the published map, in plain pandas."""
    known = days[days["day"] <= until].groupby("master_id")
    last, money, n = known["day"].max(), known["dollar_value"].sum(), known["day"].size()
    recency = np.ceil(last.rank(method="max", pct=True) * 5)
    value = np.ceil(money.rank(method="max", pct=True) * 5)
    found = pd.Series("one_time_lost", index=n.index)
    found[n >= 2] = "at_risk"
    found[(n >= 2) & (value == 5)] = "big_spenders_at_risk"
    found[(recency == 3) & (n == 1)] = "one_time_cooling"
    found[(recency >= 4) & (n == 1)] = "one_time_recent"
    found[(recency >= 3) & (n >= 2)] = "loyal"
    found[(recency >= 4) & (n >= 3)] = "champions"
    return found


def test_segments_and_their_movement_are_those_of_plain_pandas(store, days):
    quarter = parse_period("1998-Q2", store.first_day, store.last_day)
    now, before = _segments(days, END), _segments(days, pd.Timestamp("1998-03-31"))
    sizes = segments.segments(store, store.period).set_index("segment")["customers"]
    assert sizes.to_dict() == now.value_counts()[sizes.index].to_dict()
    moves = pd.crosstab(before.reindex(now.index).fillna("new"), now)
    frame = segment_flows.segment_flows(store, quarter).dropna(subset=["customers"])
    assert len(frame) > 40
    for row in frame.itertuples():
        expected = moves[row.segment].get(row.before, 0) if row.segment in moves else 0
        assert row.customers == expected
    net = segment_flows.net_flow(store, quarter).iloc[0]
    good, risk = ["champions", "loyal"], ["big_spenders_at_risk", "at_risk"]
    # Nine have left, too few to be told; so nothing that tells them is.
    assert moves.reindex(good)[risk].to_numpy().sum() == 9
    assert net["action"] == "few"
    assert net[["lost", "regained", "net", "net_value"]].isna().all()


def test_lists_name_nobody_and_rank_by_what_is_at_stake(store, days):
    frame = segment_lists.segment_lists(store, store.period, top=20)
    assert frame.groupby("segment").size().max() <= 20
    assert frame["customer"].str.fullmatch("[0-9a-f]{12}").all()
    assert frame["customer"].is_unique
    assert not set(frame["customer"]) & set(days["master_id"])
    for name, part in frame.groupby("segment"):
        key = "at_stake" if "at_risk" in name else "expected_value"
        assert part[key].is_monotonic_decreasing
        assert part["rank"].tolist() == list(range(1, len(part) + 1))
    once = frame["purchase_days"] == 1
    assert set(frame.loc[once, "reason"]) <= {"second_due", "closing", "past_line"}
    late = frame["days_since_last"] > frame["usual_gap_days"]
    assert (frame.loc[~once, "reason"] == "on_time").equals(~late[~once])


def test_worth_of_acting_stands_inside_its_interval_and_the_lost_have_none(store):
    frame = segment_lists.segment_actions(store, store.period).set_index("segment")
    known = frame.dropna(subset=["worth"])
    assert (known["worth_low"] <= known["worth"]).all()
    assert (known["worth"] <= known["worth_high"]).all()
    assert frame.loc["at_risk", "worth"] == pytest.approx(0.1 * frame.loc["at_risk", "at_stake"])
    assert np.isnan(frame.loc["one_time_lost", "worth"])
    assert frame["customers"].ge(10).all()
