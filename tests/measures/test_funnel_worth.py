"""What going on is worth, and which step's repair pays, on stores counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from helpers.measures import funnel_repair, funnel_worth, referral
from helpers.measures.funnel_repair import gap_of, repair, repair_actions, repair_finding
from helpers.measures.funnel_steps import STEPS, rate
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

FIRST = date(2022, 6, 10)
OPENED = [{"name": "shop", "opened_on": "2022-04-01"}]


def two_channels() -> list[dict]:
    """100 customers of 10 June 2022: search 60, of whom 40 return; ads 40, of whom 20 return."""
    orders = [an_order("old", "old", "2021-01-01 10:00", 1, channel="search")]
    for channel, size, back, again in (("search", 60, 40, 30), ("ads", 40, 20, 90)):
        for i in range(size):
            who = f"{channel}{i}"
            orders.append(an_order(who, who, f"{FIRST} 10:00", 30 + 20 * (i % 3), channel=channel))
            if i < back:
                day = FIRST + timedelta(days=20)
                orders.append(an_order(f"{who}a", who, f"{day} 10:00", again))
            # Everybody of search comes once more after the window; one day after the horizon
            # does not count.
            if channel == "search":
                orders.append(an_order(f"{who}b", who, f"{FIRST + timedelta(days=200)} 10:00", 10))
            orders.append(an_order(f"{who}c", who, f"{FIRST + timedelta(days=366)} 10:00", 999))
    return orders


@pytest.fixture(scope="module")
def two_channel_store(tmp_path_factory):
    orders = two_channels()
    with a_store(tmp_path_factory.mktemp("two"), "2023-06", orders=orders) as found:
        yield found


def test_the_value_of_returning_is_compared_within_channels(two_channel_store):
    store = two_channel_store
    found = funnel_worth.value_difference(store, store.period, "retention", 365)
    # Search: 40 against 10; ads: 90 against 0, the same in each third; weights 60 and 40.
    assert found.value == pytest.approx(0.6 * 30 + 0.4 * 90)
    assert found.n == 100


def test_a_difference_needs_thirty_on_either_side(two_channel_store):
    store = two_channel_store
    with pytest.raises(MissingTable, match="short"):
        # Within 180 days before the period nobody's horizon ended.
        funnel_worth.value_difference(store, store.period, "retention", 10)


def daily(monthly_rates: list[float], per_day: int = 40, channel: str = "search") -> pd.DataFrame:
    """A step's days, every day of a month with the same number and rate."""
    days = pd.date_range("2023-01-01", periods=len(monthly_rates) * 30)
    rates = np.repeat(monthly_rates, 30)
    frame = pd.DataFrame({"day": days, "channel": channel, "entered": per_day})
    frame["passed"] = np.round(per_day * rates).astype(int)
    return frame.assign(cohort=np.repeat(pd.date_range("2023-01-01", periods=len(rates) // 30,
                                                       freq="MS"), 30))  # fmt: skip


def test_months_that_differ_by_chance_alone_leave_nothing_to_repair():
    rng = np.random.default_rng(3)
    frame = daily([0.25] * 12)
    frame["passed"] = rng.binomial(frame["entered"], 0.25)
    found = gap_of(STEPS["retention"], frame)
    months = frame.groupby("cohort")[["passed", "entered"]].sum()
    rates = months["passed"] / months["entered"]
    naive = np.quantile(rates, 0.75) - rates.tail(3).mean()
    assert np.median(found.gaps) < 0.5 * max(naive, 0.01)
    assert np.quantile(found.gaps, 0.025) < 0.001


def test_a_step_that_broke_lately_is_set_against_its_good_months():
    found = gap_of(STEPS["retention"], daily([0.25] * 9 + [0.15] * 3))
    # True rates are 0.25 in nine months: the upper quartile too. 1,200 a month leave little noise.
    assert found.rate == pytest.approx(0.15)
    assert np.median(found.gaps) == pytest.approx(0.10, abs=0.01)
    assert np.quantile(found.gaps, 0.025) > 0.07


def test_latest_months_as_good_as_any_leave_no_gap():
    found = gap_of(STEPS["retention"], daily([0.15] * 9 + [0.25] * 3))
    assert np.median(found.gaps) < 0.005


def test_fewer_than_six_months_say_nothing():
    assert gap_of(STEPS["retention"], daily([0.25] * 5)) is None


def broken_shop(broken: float, *, size: int = 60) -> list[dict]:
    """New customers of April 2022 to March 2023, half by ads; 40 % return after 20 days.

    In the last three months a share `broken` of those of ads.
    """
    orders = [an_order("old", "old", "2022-04-01 10:00", 50, channel="search")]
    for month in range(12):
        start = date(2022 + (month + 3) // 12, (month + 3) % 12 + 1, 2)
        for channel in ("search", "ads"):
            share = broken if channel == "ads" and month >= 9 else 0.4
            for i in range(size):
                who = f"{channel}{month}_{i}"
                orders.append(an_order(who, who, f"{start} 10:00", 50, channel=channel))
                if i < share * size:
                    day = start + timedelta(days=20)
                    orders.append(an_order(f"{who}r", who, f"{day} 10:00", 80 + i % 7))
    return orders


@pytest.fixture(scope="module")
def broken_store(tmp_path_factory):
    tables = {"orders": broken_shop(0.0), "shops": OPENED}
    with a_store(tmp_path_factory.mktemp("broken"), "2023-06", **tables) as found:
        yield found


def test_repair_names_the_step_the_people_the_money_and_the_channel(broken_store):
    row = repair(broken_store, broken_store.period).iloc[0]
    assert row["step"] == "retention"
    # Windows over by 30 June 2023: first purchases to 1 April. January to March are the latest: 24
    # of 120 returned each month, 48 before.
    assert row["rate"] == pytest.approx(24 / 120)
    assert row["good_rate"] == pytest.approx(0.4, abs=0.02)
    # 2 April 2022 to 1 April 2023: 12 months of 120.
    assert row["entered"] == 12 * 120
    assert row["people"] == pytest.approx(1440 * 0.2, rel=0.15)
    assert (row["channel"], row["grade"]) == ("ads", "association")
    # Ads alone: 60 a month, 40 % against none.
    assert row["channel_people"] == pytest.approx(720 * 0.4, rel=0.15)
    # Those who returned spent 80 to 86 more, at 1 a unit of money where cost is unknown.
    assert row["value"] == pytest.approx(83, abs=1.5)
    assert row["worth"] == pytest.approx(row["people"] * row["value"], rel=0.02)
    assert row["worth_low"] < row["worth"] < row["worth_high"]


def test_the_finding_is_clear_where_one_step_alone_has_a_gap(broken_store):
    row = repair_finding(broken_store, broken_store.period).iloc[0]
    assert (row["variant"], row["step"], row["second"]) == ("clear", "retention", "")
    assert row["most"] > 0.95
    actions = repair_actions(broken_store, broken_store.period)
    assert actions["action"].tolist() == ["retention"]


def test_a_shop_whose_months_are_alike_is_told_that_nothing_needs_repair(tmp_path):
    tables = {"orders": broken_shop(0.4, size=20), "shops": OPENED}
    with a_store(tmp_path, "2023-06", **tables) as store:
        row = repair_finding(store, store.period).iloc[0]
        assert row["variant"] == "none"
        assert repair_actions(store, store.period)["action"].tolist() == ["watch"]


def test_the_first_customers_of_the_data_are_no_mark_where_the_shop_is_older(tmp_path):
    older = [{"name": "shop", "opened_on": "2019-04-01"}]
    tables = {"orders": broken_shop(0.0, size=20), "shops": older}
    with (
        a_store(tmp_path, "2023-06", **tables) as store,
        pytest.raises(MissingTable, match="orders: short"),
    ):
        repair(store, store.period)


def test_the_chances_of_being_worth_most_leave_room_for_none():
    found = funnel_repair._chance_of_most(
        {"a": np.array([2.0, 0.0, 1.0, 0.0]), "b": np.array([1.0, 3.0, 0.5, 0.0])}
    )
    assert found == {"a": 0.5, "b": 0.25}


def test_inviters_who_succeed_times_what_each_brings_is_the_k_factor(tmp_path):
    orders = [an_order("old", "old", "2023-01-01 10:00", 10)]
    sent = [{"invitation_id": "0", "inviter_id": "old", "invited_at": "2023-01-01 12:00"}]
    for i in range(40):
        orders.append(an_order(f"c{i}", f"c{i}", "2024-01-02 10:00", 10))
        for j in range(2 if i < 10 else 1 if i < 15 else 0):
            who, number = f"n{i}_{j}", f"{i}_{j}"
            orders.append(an_order(who, who, "2024-01-20 10:00", 10))
            times = {"invited_at": "2024-01-12 10:00", "accepted_at": "2024-01-13 10:00"}
            ids = {"invitation_id": number, "inviter_id": f"c{i}", "invitee_id": who}
            sent.append({**ids, **times})
    day = Period(date(2024, 4, 1), date(2024, 4, 1))
    with a_store(tmp_path, "2024-04", orders=orders, invitations=sent) as store:
        step = rate(store, STEPS["referral"], day).iloc[0]
        k = referral.k_factor(store, day).iloc[0]
    assert (step["numerator"], step["denominator"]) == (15, 40)
    assert k["numerator"] == 25
    assert step["value"] * (25 / 15) == pytest.approx(k["value"])
