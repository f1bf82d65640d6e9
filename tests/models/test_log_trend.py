"""The trend of monthly logarithms: known slopes, season, Fieller's interval, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.models.log_trend import log_trend


def series(slope: float, n: int, noise: float = 0.0, seed: int = 0, rho: float = 0.0):
    rng = np.random.default_rng(seed)
    season = 0.2 * np.sin(2 * np.pi * np.arange(n) / 12)
    error = np.zeros(n)
    for i in range(n):
        error[i] = (rho * error[i - 1] if i else 0) + noise * rng.standard_normal()
    return 100 * np.exp(slope * np.arange(n) + season + error)


def test_a_steady_pace_is_found_whatever_the_season():
    found = log_trend(series(-0.01, 24))
    assert found.slope == pytest.approx(-0.01)
    assert found.growth().value == pytest.approx(math.exp(-0.01) - 1)
    assert found.growth(12).value == pytest.approx(math.exp(-0.12) - 1)


def test_the_crossing_is_where_the_line_meets_the_target():
    found = log_trend(series(-0.01, 36, 0.002))
    crossing = found.crossing(80)
    expected = (math.log(100 / 80) - 0.35) / 0.01
    assert crossing.value == pytest.approx(expected, abs=1)
    assert crossing.low < expected < crossing.high


def test_the_ends_of_the_crossing_are_where_the_band_of_the_line_meets_the_target():
    found = log_trend(series(-0.01, 36, 0.004, seed=3))
    crossing = found.crossing(60)
    from scipy.stats import t

    for months in (crossing.low, crossing.high):
        x = np.array([1.0, months])
        gap = found.level + months * found.slope - math.log(60)
        error = math.sqrt(x @ found.covariance @ x)
        assert abs(gap) == pytest.approx(t.ppf(0.975, found.freedom) * error)


def test_a_trend_that_may_be_none_has_no_last_date():
    crossing = log_trend(series(-0.0005, 24, 0.05, seed=1)).crossing(60)
    assert math.isnan(crossing.high)


def test_the_slope_of_least_squares_is_that_of_statsmodels():
    import statsmodels.api as sm

    values = series(0.01, 30, 0.05, seed=2)
    months = np.arange(30)
    dummies = np.eye(12)[months % 12]
    peer = sm.OLS(np.log(values), np.column_stack([months, dummies])).fit()
    found = log_trend(values)
    assert found.slope == pytest.approx(peer.params[0])
    wider = (1 + found.correlation) / (1 - found.correlation)
    assert found.covariance[1, 1] == pytest.approx(peer.bse[0] ** 2 * wider)


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_the_interval_of_the_pace_holds_the_truth(rho):
    held = 0
    for seed in range(200):
        growth = log_trend(series(0.01, 24, 0.04, seed, rho)).growth()
        held += growth.low <= math.expm1(0.01) <= growth.high
    assert held >= 184


def test_less_than_two_years_have_no_trend():
    with pytest.raises(ValueError, match="24"):
        log_trend(series(0, 23))
