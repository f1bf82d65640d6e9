"""What the plan expects of the customers' life, beside what stores counted by hand measured."""

from __future__ import annotations

import math
from datetime import date, timedelta
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from helpers.measures import plan_expectations
from helpers.measures.plan_expectations import (
    ANSWERS,
    lifecycle_expectations,
    public_conversion_rate,
    relative_change,
    verdict,
)
from helpers.measures.registry import resolve
from helpers.models.estimate import Estimate
from helpers.plan import benchmarks
from helpers.plan.periods import month_of
from tests.stores import a_store, an_order

DECEMBER = month_of(date(2024, 12, 1))
SECTIONS = {"2.1", "2.3", "6.2"}


def figure(key: str) -> benchmarks.Benchmark:
    return benchmarks.chosen(key)[0]


def test_every_figure_of_these_sections_has_a_row():
    wanted = {one.id for one in benchmarks.load() if one.section in SECTIONS}
    assert wanted | {"user_operations", "precise_marketing", "community"} == set(ANSWERS)


def test_every_measure_that_is_named_exists():
    for name in ("traffic.cac_blended", "lifecycle.repurchase_rate", "funnel.registration_rate",
                 "funnel.activation_rate", "traffic_actions.value_by_channel",
                 "referral.referred_customer_share", "private_domain.member_effect",
                 "private_domain.members_compared", "uplift.by_tenth"):  # fmt: skip
        assert callable(resolve(name))


@pytest.mark.parametrize(
    ("key", "low", "high", "expected"),
    [
        # The plan hopes for + 18 %.
        ("acca_repurchase", 0.19, 0.30, "above"),
        ("acca_repurchase", 0.05, 0.10, "below"),
        ("acca_repurchase", 0.05, 0.30, "within"),
        ("acca_repurchase", -0.05, 0.30, "cannot_tell"),
        ("acca_repurchase", -0.30, -0.10, "below"),
        ("acca_repurchase", math.nan, math.nan, "cannot_tell"),
        # It hopes for costs 22 % lower.
        ("acca_cac", -0.40, -0.30, "above"),
        ("acca_cac", 0.05, 0.20, "below"),
        ("acca_cac", -0.30, -0.10, "within"),
        ("acca_cac", -0.30, 0.10, "cannot_tell"),
        # It quotes a level of 30 %.
        ("referral_share", 0.05, 0.10, "below"),
        ("referral_share", 0.25, 0.35, "within"),
        ("referral_share", 0.31, 0.35, "above"),
    ],
)
def test_the_verdict_needs_the_whole_interval_on_one_side(key, low, high, expected):
    found = Estimate((low + high) / 2, low, high, 100)
    assert verdict(figure(key), found) == expected


def test_a_relative_change_has_the_interval_of_the_ratio():
    # Two log-symmetric intervals: the ratio's is that of two independent logs, added in squares.
    now = Estimate(0.33, 0.33 / 1.1, 0.33 * 1.1, 500)
    before = Estimate(0.30, 0.30 / 1.2, 0.30 * 1.2, 400)
    found = relative_change(now, before)
    spread = math.hypot(math.log(1.1), math.log(1.2))
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(1.1 * math.exp(-spread) - 1)
    assert found.high == pytest.approx(1.1 * math.exp(spread) - 1)
    assert found.n == 400


def test_a_relative_change_agrees_with_simulated_ratios():
    random = np.random.default_rng(1)
    ratios = random.binomial(2000, 0.33, 200_000) / random.binomial(1500, 0.28, 200_000) * 0.75
    from helpers.models.intervals import proportion

    found = relative_change(proportion(660, 2000), proportion(420, 1500))
    low, high = np.quantile(ratios, [0.025, 0.975]) - 1
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


def test_a_change_from_or_to_nothing_has_no_interval():
    none, some = Estimate(0.0, 0.0, 0.1, 50), Estimate(0.2, 0.1, 0.3, 50)
    assert math.isnan(relative_change(some, none).value)
    low_zero = Estimate(0.2, 0.0, 0.3, 50)
    assert relative_change(low_zero, some).value == 0
    assert math.isnan(relative_change(low_zero, some).low)


def buyers(year: int, size: int, again: int) -> list[dict]:
    """New customers of a year, of whom some buy twice in it."""
    found = []
    for i in range(size):
        who, day = f"{year}_{i}", date(year, 2, 1) + timedelta(days=i % 28)
        found.append(an_order(f"{who}a", who, f"{day} 10:00", 50))
        if i < again:
            found.append(an_order(f"{who}b", who, f"{day + timedelta(days=30)} 10:00", 50))
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    orders = [an_order("old", "old", "2022-12-30 10:00", 1)]
    orders += buyers(2023, 200, 60) + buyers(2024, 200, 90)
    with a_store(tmp_path_factory.mktemp("plan"), "2024-12", orders=orders) as found:
        yield found


@pytest.fixture(scope="module")
def rows(store):
    return lifecycle_expectations(store, store.period).set_index("figure")


def test_repurchase_is_compared_with_the_same_period_last_year(rows):
    row = rows.loc["acca_repurchase"]
    # 2024: 90 of 200. To the end of 2023, in 365 days: 60 of 200.
    assert (row["now"], row["before"], row["against"]) == (0.45, 0.3, "last_year")
    assert row["measured"] == pytest.approx(0.5)
    assert (row["grade"], row["verdict"], row["n"]) == ("before_after", "within", 200)


def test_both_readings_of_a_change_of_a_rate_stand_side_by_side(rows):
    row = rows.loc["acca_repurchase"]
    assert row["reading"] == "relative_shown"
    assert (row["expected_now"], row["points_now"]) == pytest.approx((0.3 * 1.18, 0.48))
    assert row["expected_points"] == pytest.approx(0.48 / 0.3 - 1)


def test_a_reading_above_100_percent_is_said_to_be_impossible():
    high = plan_expectations.Answer(Estimate(0.05, 0, 0.1, 9), "before_after", 0.9, 0.83)
    found = plan_expectations._answered(figure("acca_repurchase"), high)
    assert found["reading"] == "points_impossible"
    assert found["expected_now"] == pytest.approx(0.83 * 1.18)
    higher = plan_expectations.Answer(Estimate(0.05, 0, 0.1, 9), "before_after", 0.95, 0.9)
    found = plan_expectations._answered(figure("acca_repurchase"), higher)
    assert (found["reading"], math.isnan(found["expected_now"])) == ("impossible", True)


def test_figures_that_the_store_can_not_answer_name_the_table(rows):
    silent = rows[~rows["can_say"]]
    assert silent["needs"].to_dict() == {
        "acca_cac": "ad_spend (day, channel, spend)",
        "signup_flow": "traffic_daily (day, channel, visitors)",
        "personal_email": "engagements", "referral_share": "invitations",
        "user_operations": rows.loc["user_operations", "needs"],
        "precise_marketing": "experiments",
        "private_intake": "traffic_daily (day, channel, visitors, buyers)", "private_tiers": "",
        "member_care": "members",
    }  # fmt: skip
    assert rows.loc["private_tiers", "state"] == "undefined"
    assert set(silent["verdict"]) == {"cannot_tell"}
    assert set(silent["grade"]) == {""}


def test_a_figure_on_fewer_than_ten_people_is_withheld(tmp_path):
    orders = [an_order("old", "old", "2022-12-30 10:00", 1)]
    orders += buyers(2023, 60, 20) + buyers(2024, 9, 4)
    with a_store(tmp_path, "2024-12", orders=orders) as store:
        rows = lifecycle_expectations(store, store.period).set_index("figure")
    assert rows.loc["acca_repurchase", "state"] == "small"
    assert math.isnan(rows.loc["acca_repurchase", "measured"])


def test_members_are_set_against_the_comparable_not_against_last_year(store):
    compared = pd.DataFrame([{
        "outcome": "bought", "members_value": 0.42, "comparable_value": 0.30, "relative": 0.4,
        "relative_low": 0.2, "relative_high": 0.6, "grade": "matched_comparison",
    }])  # fmt: skip
    measures = {"private_domain.members_compared": compared,
                "private_domain.member_effect": pd.DataFrame([{"n": 300.0}])}  # fmt: skip

    def answers(name: str):
        return lambda *_: measures[name]

    with (
        patch.object(plan_expectations, "resolve", answers),
        patch.object(type(store), "require", lambda *_: None),
    ):
        found = ANSWERS["member_care"](store, store.period)
    row = plan_expectations._answered(figure("member_care"), found)
    assert (row["measured"], row["verdict"], row["grade"]) == (0.4, "within", "matched_comparison")
    assert (row["expected_now"], row["against"], row["n"]) == (pytest.approx(0.42), "", 300)


def a_test_of_contacts(better: float, rest: float, half_width: float) -> pd.DataFrame:
    """Ten tenths of 100 customers of the leading test, and another test that does not count."""
    rows = [
        {"lead": True, "tenth": i + 1, "break_even": better if i < 5 else rest, "customers": 100}
        for i in range(10)
    ]
    frame = pd.DataFrame([*rows, {**rows[0], "lead": False, "break_even": 99.0}])
    return frame.assign(low=frame["break_even"] - half_width, high=frame["break_even"] + half_width)


def test_precise_marketing_sets_the_better_half_against_everybody(store):
    tenths = a_test_of_contacts(3.0, 1.0, 0.4)
    with (
        patch.object(plan_expectations, "resolve", lambda _: lambda *_: tenths),
        patch.object(type(store), "require", lambda *_: None),
    ):
        found = ANSWERS["precise_marketing"](store, store.period).found
    # 3 a contact against 2; errors of half means 0.4 / 1.96 / sqrt(5); the ratio by delta method.
    error = 0.4 / 1.96 / math.sqrt(5)
    slopes = (1 / 2 - 3 / (2 * 2**2), -3 / (2 * 2**2))
    spread = 1.96 * error * math.hypot(*slopes)
    assert found.value == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((0.5 - spread, 0.5 + spread), abs=0.02)
    assert found.n == 1000


def test_public_conversion_leaves_out_traffic_from_messages_to_customers(tmp_path):
    days = [DECEMBER.start + timedelta(days=i) for i in range(31)]
    traffic = [
        {"day": day, "channel": channel, "visitors": visitors, "buyers": buyers + day.day % 2}
        for day in days
        for channel, visitors, buyers in (("search", 100, 2), ("ads", 100, 4), ("crm", 50, 20))
    ]
    orders = [an_order("1", "a", "2024-12-01 10:00", 10)]
    with a_store(tmp_path, "2024-12", orders=orders, traffic_daily=traffic) as store:
        row = public_conversion_rate(store, DECEMBER).iloc[0]
    # Sixteen odd days with one buyer more in each channel.
    assert (row["numerator"], row["denominator"]) == (31 * 6 + 16 * 2, 6200)
