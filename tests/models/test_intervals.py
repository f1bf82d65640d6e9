import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from helpers.models.estimate import Estimate
from helpers.models.intervals import difference, mean, proportion, ratio_of_sums, wilson

rates = st.lists(st.integers(0, 50), min_size=6, max_size=40)


def test_wilson_gives_the_four_examples_of_newcombe_1998():
    """Statistics in Medicine 17, 857-872, score method without continuity correction."""
    low, high = wilson([81, 15, 0, 1], [263, 148, 20, 29])
    np.testing.assert_allclose(low, [0.2553, 0.0624, 0, 0.0061], atol=5e-5)
    np.testing.assert_allclose(high, [0.3662, 0.1605, 0.1611, 0.1718], atol=5e-5)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_statsmodels(counts):
    successes, n = counts
    expected = proportion_confint(successes, n, method="wilson")
    np.testing.assert_allclose(wilson(successes, n), expected, atol=1e-12)


def test_wilson_without_trials_has_no_interval():
    low, high = wilson([0, 5], [0, 10])
    assert np.isnan([low[0], high[0]]).all()
    assert np.isfinite([low[1], high[1]]).all()
    assert np.isnan(proportion(0, 0).value)


def test_wilson_refuses_more_successes_than_trials():
    with pytest.raises(ValueError, match="successes == 11 of n == 10"):
        wilson([1, 11], [10, 10])


def test_wilson_refuses_a_level_in_per_cent():
    with pytest.raises(ValueError, match="level == 95"):
        wilson(1, 2, level=95)


def test_mean_gives_the_interval_of_students_sleep_data():
    """Student (1908), difference between the two drugs; R: t.test(sleep) 0.7001142 to 2.4598858."""
    result = mean([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    assert result.value == pytest.approx(1.58)
    assert (result.low, result.high) == pytest.approx((0.7001142, 2.4598858), abs=1e-7)


def test_mean_of_one_value_has_no_interval():
    result = mean([3.0])
    assert result.value == 3.0
    assert np.isnan(result.low)


def test_mean_refuses_missing_values():
    with pytest.raises(ValueError, match="1 entries that are not finite"):
        mean([1.0, np.nan])


def test_difference_of_shares_gives_the_examples_of_newcombe_1998():
    """Statistics in Medicine 17, 873-890, method 10."""
    wide = difference(proportion(56, 70), proportion(48, 80))
    assert (wide.low, wide.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    narrow = difference(proportion(9, 10), proportion(3, 10))
    assert (narrow.low, narrow.high) == pytest.approx((0.1705, 0.8090), abs=5e-5)


def test_difference_of_symmetric_intervals_adds_variances():
    result = difference(Estimate(5, 2, 8, 10), Estimate(1, -3, 5, 20))
    assert (result.value, result.low, result.high, result.n) == (4, -1, 9, 10)


def test_ratio_of_independent_units_is_the_linearised_ratio_by_hand():
    """6 / 12; residuals 0.5, -1, 0.5 have variance 0.75, so error sqrt(3 x 0.75) / 12 = 0.125."""
    result = ratio_of_sums([2, 1, 3], [3, 4, 5], serial=False)
    assert result.value == 0.5
    assert result.standard_error == pytest.approx(0.125)
    assert result.high == pytest.approx(0.5 + 4.302652730 * 0.125)
    assert result.low == 0.0
    assert result.n == 3


@given(rates)
def test_ratio_to_ones_of_independent_units_is_the_mean(values):
    result, expected = ratio_of_sums(values, np.ones(len(values)), serial=False), mean(values)
    assert result.value == pytest.approx(expected.value)
    if len(set(values)) > 1:
        assert result.standard_error == pytest.approx(expected.standard_error)
        assert result.high == pytest.approx(expected.high)


def test_four_cosines_over_five_days_are_the_classical_variance():
    """Five residuals that sum to 0 span four cosines, so nothing is left out (Parseval)."""
    buyers, visitors = [3, 8, 4, 9, 5], [100, 130, 90, 140, 120]
    serial = ratio_of_sums(buyers, visitors)
    assert serial.standard_error == pytest.approx(
        ratio_of_sums(buyers, visitors, serial=False).standard_error
    )


@given(rates, st.integers(2, 9))
def test_ratio_does_not_depend_on_the_scale_of_the_denominator(values, factor):
    ones = np.arange(1.0, len(values) + 1)
    result, scaled = ratio_of_sums(values, ones), ratio_of_sums(values, ones * factor)
    assert scaled.value * factor == pytest.approx(result.value)
    assert scaled.high * factor == pytest.approx(result.high, nan_ok=True)


@pytest.mark.parametrize("persistence", [0.0, 0.5])
@pytest.mark.parametrize("weekly", [False, True])
def test_ratio_covers_the_rate_of_a_month(persistence, weekly):
    """Of 600 months 95 % should hold the truth; 90.5 % is five standard errors less."""
    random = np.random.default_rng(7)
    held = sum(_month_is_held(random, persistence, weekly) for _ in range(600))
    assert 0.905 * 600 <= held <= 0.99 * 600


def _month_is_held(random: np.random.Generator, persistence: float, weekly: bool) -> bool:
    days = 30
    pattern = np.tile([0.0, 0.0, -0.03, -0.05, 0.03, 0.12, 0.10], 5)[:days] * weekly
    effect = np.empty(days)
    effect[0] = random.normal(0, 0.08)
    for day in range(1, days):
        step = np.sqrt(1 - persistence**2) * random.normal(0, 0.08)
        effect[day] = persistence * effect[day - 1] + step
    visitors = random.poisson(20_000 * np.exp(random.normal(0, 0.1, days)))
    buyers = random.binomial(visitors, 0.025 * np.exp(pattern + effect))
    truth = 0.025 * np.exp(0.08**2 / 2) * np.exp(pattern).mean()
    result = ratio_of_sums(buyers, visitors)
    return result.low <= truth <= result.high


def test_ratio_without_variation_or_with_one_day_has_no_interval():
    assert np.isnan(ratio_of_sums([0, 0, 0], [5, 6, 7]).high)
    assert np.isnan(ratio_of_sums([1], [5]).high)
    assert np.isnan(ratio_of_sums([0, 0], [0, 0]).value)


def test_ratio_refuses_columns_that_do_not_match():
    with pytest.raises(ValueError, match="of one length"):
        ratio_of_sums([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="minimum of -1"):
        ratio_of_sums([1, 2], [1, -1])
    with pytest.raises(ValueError, match="must be finite"):
        ratio_of_sums([1, np.nan], [1, 1])
