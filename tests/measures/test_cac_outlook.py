"""When acquisition cost reaches its target: answers on months whose trend is known."""

from __future__ import annotations

import math
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.measures import cac_outlook
from helpers.plan.periods import month_of
from helpers.plan.targets import Target
from tests.traffic_shop import MARCH

DECEMBER = month_of(date(2024, 12, 1))
STORE = SimpleNamespace(currency="CNY", targets={})


def said(monkeypatch, values, *, due=date(2025, 12, 31), bound=True) -> pd.Series:
    """The outlook of a shop whose cost went so, to December 2024; the target is 80."""
    months = pd.date_range(end="2024-12-01", periods=len(values), freq="MS")
    frame = pd.DataFrame({"month": months, "value": values, "overstated": False,
                          "numerator": np.asarray(values) * 100, "denominator": 100.0})  # fmt: skip
    target = Target("cac_blended", "max", 80.0, 120.0, "CNY", due, "plan 1.3")
    monkeypatch.setattr(cac_outlook, "metric_months", lambda *a, **k: frame)
    monkeypatch.setattr(
        cac_outlook.targets, "load", lambda *a: {"cac_blended": target} if bound else {}
    )
    return cac_outlook.cac_outlook(STORE, DECEMBER).iloc[0]


def course(start: float, pace: float, months: int, noise: float = 0.005) -> np.ndarray:
    rng = np.random.default_rng(0)
    at = np.arange(months)
    season = 0.1 * np.cos(2 * np.pi * at / 12)
    return start * np.exp(pace * at + season + noise * rng.standard_normal(months))


def test_a_falling_cost_reaches_the_target_in_the_month_of_the_trend(monkeypatch):
    """ln(150 / 80) / 0.02 = 31.4 months after the first one: 8.4 after December 2024."""
    row = said(monkeypatch, course(150, -0.02, 24))
    assert row["variant"] == "in_time"
    assert row["reach"] == pd.Timestamp("2025-09-01")
    assert row["earliest"] <= row["reach"] <= row["latest"]
    assert row["year_pace"] == pytest.approx(math.exp(-0.24) - 1, abs=0.02)


def test_too_slow_a_fall_is_late_and_says_the_pace_that_it_takes(monkeypatch):
    row = said(monkeypatch, course(150, -0.01, 36))
    assert row["variant"] == "late"
    assert row["months_left"] == 12
    assert row["pace_needed"] == pytest.approx((80 / row["level"]) ** (1 / 12) - 1)


def test_a_rising_cost_never_reaches_it(monkeypatch):
    row = said(monkeypatch, course(90, 0.015, 36))
    assert row["variant"] == "away"
    assert row[["reach", "earliest", "latest"]].isna().all()


def test_a_cost_that_may_go_either_way_gives_no_date(monkeypatch):
    row = said(monkeypatch, course(110, 0.0, 24, noise=0.1))
    assert row["variant"] == "unclear"
    assert row["pace_low"] < 0 < row["pace_high"]
    assert pd.isna(row["reach"])


def test_less_than_two_years_give_the_pace_needed_and_no_trend(monkeypatch):
    row = said(monkeypatch, [100.0] * 20)
    assert (row["variant"], row["months"], row["level"]) == ("too_short", 20, 100)
    assert row["pace_needed"] == pytest.approx(0.8 ** (1 / 12) - 1)
    assert math.isnan(row["pace"])


def test_a_cost_below_the_target_is_there(monkeypatch):
    assert said(monkeypatch, course(70, 0.0, 24))["variant"] == "reached"


def test_a_day_that_has_passed_leaves_a_year(monkeypatch):
    row = said(monkeypatch, course(150, -0.02, 24), due=date(2024, 6, 30))
    assert row["variant"] == "leads"
    assert row["aim"] == pd.Timestamp("2025-12-01")


def test_without_a_target_there_is_a_pace_alone(monkeypatch):
    row = said(monkeypatch, course(100, 0.01, 24), bound=False)
    assert row["variant"] == "no_target"
    assert row["pace"] == pytest.approx(math.expm1(0.01), abs=0.003)


def test_months_before_a_gap_do_not_count():
    months = pd.to_datetime(["2024-01-01", "2024-03-01", "2024-04-01"])
    frame = cac_outlook._unbroken(pd.DataFrame({"month": months}))
    assert frame["month"].tolist() == list(months[1:])


def test_the_plans_figures_stand_beside_what_happened(traffic_shop_store):
    """1,240 / 16 = 77.5 in March 2023, 13,820 / 115 in March 2024; the plan: -22 and -18 %."""
    frame = cac_outlook.cac_expectations(traffic_shop_store, MARCH).set_index("figure")
    assert list(frame.index) == ["acca_cac", "data_driven_promotion"]
    assert frame["expected_cost"].tolist() == pytest.approx([77.5 * 0.78, 77.5 * 0.82])
    assert frame["measured"].tolist() == pytest.approx([13_820 / 115 / 77.5 - 1] * 2)
    assert set(frame["grade"]) == {"before_after"}
