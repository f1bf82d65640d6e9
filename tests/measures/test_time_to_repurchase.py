"""Time to the next purchase on stores counted by hand and on random ones."""

from __future__ import annotations

import random
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.measures import cohorts, lifecycle, time_to_repurchase
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order


def _orders(first: date, names: str, count: int, again: dict[int, int]) -> list[dict]:
    """`count` customers who first buy on a day; `again`: days until so many of them return."""
    orders = [an_order(f"{names}{i}", f"{names}{i}", str(first), 10) for i in range(count)]
    who = 0
    for days, customers in again.items():
        for _ in range(customers):
            day = str(first + timedelta(days=days))
            orders.append(an_order(f"{names}{who}again", f"{names}{who}", day, 10))
            who += 1
    return orders


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Forty customers of January 2024, 10 back by day 30 and 10 by day 90; twenty of December.

    The watch of December's customers ends after 20 days.
    """
    orders = _orders(date(2024, 1, 10), "j", 40, {30: 10, 90: 10})
    orders += _orders(date(2024, 12, 11), "d", 20, {})
    with a_store(tmp_path_factory.mktemp("time"), "2024-12", orders=orders) as found:
        yield found


def test_those_still_waiting_leave_the_risk_set_and_are_not_lost(store):
    frame = time_to_repurchase.repurchase_by_age(store, store.period).set_index("cohort")
    # All: 60 customers, 20 of them watched for 20 days: by day 30, 10 of 40; by day 90, 20 of 40.
    assert frame.loc["all", "customers"] == 60
    found = frame.loc["all", ["within_30", "within_60", "within_90", "within_180"]].tolist()
    assert found == pytest.approx([0.25, 0.25, 0.5, 0.5])
    assert frame.loc["all", ["at_risk_30", "at_risk_60", "at_risk_180"]].tolist() == [40, 30, 20]


def test_a_cohort_is_blank_beyond_its_age(store):
    frame = time_to_repurchase.repurchase_by_age(store, store.period).set_index("cohort")
    assert frame.index.tolist() == ["2024-H1", "2024-H2", "all"]
    columns = [f"within_{day}" for day in time_to_repurchase.READ_DAYS]
    assert frame.loc["2024-H2", columns].isna().all()
    # 10 January to 31 December 2024 are 356 days.
    assert frame.loc["2024-H1", columns].isna().tolist() == [False] * 4 + [True]


def test_a_mature_cohort_reads_as_its_plain_share(store):
    frame = time_to_repurchase.repurchase_by_age(store, store.period).set_index("cohort")
    plain = cohorts.repurchase_cohorts(store, store.period).set_index(["cohort", "window_days"])
    for days in (30, 60, 90):
        rate = plain.loc[("2024-01-01", days), "rate"]
        assert frame.loc["2024-H1", f"within_{days}"] == pytest.approx(rate)


def test_an_earlier_period_watches_no_longer_than_its_end(store):
    march = month_of(date(2024, 3, 1))
    frame = time_to_repurchase.repurchase_by_age(store, march).set_index("cohort")
    # One cohort stands for all; 10 January to 31 March are 81 days.
    assert frame.index.tolist() == ["all"]
    assert frame.loc["all", "within_60"] == pytest.approx(0.25)
    assert np.isnan(frame.loc["all", "within_90"])


def test_the_curve_runs_week_by_week_to_where_nobody_is_watched(store):
    frame = time_to_repurchase.repurchase_curves(store, store.period)
    whole = frame[frame["cohort"] == "all"].set_index("days")["rate"]
    assert whole[[28, 35, 91]].tolist() == pytest.approx([0, 0.25, 0.5])
    assert whole.index.max() == 350
    assert frame.loc[frame["cohort"] == "2024-H2", "days"].max() == 14


def test_gaps_that_have_not_ended_make_the_completed_ones_too_short(tmp_path):
    # 300 customers of January 2023: 100 return after 20 days, 100 after 200; the rest never.
    # 300 of September 2023, watched for 121 days: 100 return after 20 days.
    orders = _orders(date(2023, 1, 2), "a", 300, {20: 100, 200: 100})
    orders += _orders(date(2023, 9, 1), "b", 300, {20: 100})
    with a_store(tmp_path, "2023", orders=orders) as shop:
        frame = time_to_repurchase.time_between_purchases(shop, shop.period).set_index("basis")
        line = time_to_repurchase.lapsed_after_days(shop, shop.period).iloc[0]
    done, whole = frame.loc["completed"], frame.loc["kaplan_meier"]
    assert done["median_days"] == 20
    assert (done["percentile_90_days"], whole["percentile_90_days"]) == (200, 200)
    # By hand: 900 purchases wait, of which 200 end at day 20 (the second ones wait on). Waits of
    # second purchases end after 344 (a, 20), 164 (a, 200), 102 (b). At day 200: all at risk are
    # the 200 of a without a return by then, and the 100 second purchases watched for 344 days.
    returned = 1 - (1 - 200 / 900) * (1 - 100 / 300)
    assert whole["returning_share"] == pytest.approx(returned)
    assert (whole["purchases"], done["purchases"]) == (900, 300)
    assert line["value"] == 200
    assert line["n"] == 900


def test_a_store_without_returns_has_no_lapsed_line(store):
    with pytest.raises(MissingTable, match="short"):
        time_to_repurchase.lapsed_after_days(store, store.period)


histories = st.lists(
    st.tuples(st.integers(0, 24), st.integers(0, 400)), min_size=30, max_size=80, unique=True
)


def _random_orders(bought) -> list[dict]:
    start = date(2022, 1, 1)
    return [
        an_order(f"{who}-{day}", f"c{who}", str(start + timedelta(days=day)), 10)
        for who, day in bought
    ]


@settings(max_examples=3)
@given(bought=histories, seed=st.integers(0, 99))
def test_order_of_rows_and_accounts_without_orders_change_nothing(tmp_path_factory, bought, seed):
    orders = _random_orders(bought)
    shuffled = random.Random(seed).sample(orders, len(orders))
    accounts = [{"customer_id": f"c{i}", "registered_at": "2021-12-01"} for i in range(40)]
    found = []
    for rows, more in ((orders, {}), (shuffled, {"customers": accounts})):
        with a_store(tmp_path_factory.mktemp("r"), "2023-02", orders=rows, **more) as shop:
            period = shop.period
            found.append((
                _answer(time_to_repurchase.repurchase_by_age, shop, period),
                cohorts.repurchase_cohorts(shop, period).to_dict("list"),
                cohorts.cohort_retention(shop, period).to_dict("list"),
                lifecycle.repurchase_rate(shop, period).to_dict("list"),
            ))  # fmt: skip
    assert repr(found[0]) == repr(found[1])


def _answer(measure, shop, period):
    try:
        return measure(shop, period).to_dict("list")
    except MissingTable as lack:
        return str(lack)


@settings(max_examples=3)
@given(bought=histories)
def test_more_days_never_lower_the_share_and_no_few_are_counted(tmp_path_factory, bought):
    with a_store(tmp_path_factory.mktemp("w"), "2023-02", orders=_random_orders(bought)) as shop:
        try:
            frame = time_to_repurchase.repurchase_by_age(shop, shop.period)
        except MissingTable:
            return
    days = time_to_repurchase.READ_DAYS
    rates = frame[[f"within_{day}" for day in days]].to_numpy()
    for row in rates:
        assert (np.diff(row[~np.isnan(row)]) >= -1e-12).all()
    counts = frame[["customers", *(f"at_risk_{day}" for day in days)]].to_numpy()
    assert not ((counts > 0) & (counts < 10)).any()
