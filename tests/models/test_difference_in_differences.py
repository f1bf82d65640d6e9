"""Difference in differences of counts: by hand, and on simulated shops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.models.difference_in_differences import change_of_counts, dispersion_of


def test_a_change_is_what_exceeds_that_of_the_unchanged():
    found = change_of_counts((1000, 56), (3000, 56), [1000] * 6, [2000] * 6)
    assert found.value == pytest.approx(math.log(3000.5 / 2000.5))
    assert found.controls == 6
    assert found.as_large == 0
    noise = 1 / 1000.5 + 1 / 3000.5 + (1 / 1000.5 + 1 / 2000.5) / 6
    assert found.high - found.value == pytest.approx(2.776445 * math.sqrt(noise), rel=1e-5)


def test_a_shorter_time_after_counts_per_day():
    long = change_of_counts((1000, 56), (2000, 56), [1000] * 6, [1000] * 6)
    short = change_of_counts((1000, 56), (1000, 28), [1000] * 6, [500] * 6)
    assert short.value == pytest.approx(long.value, abs=0.002)
    assert short.high - short.low > long.high - long.low


def test_the_intervals_hold_the_truth_where_products_move_by_themselves():
    random = np.random.default_rng(1)
    held, false = 0, 0
    for _ in range(400):
        own = np.exp(random.normal(0, 0.15, 13))
        before = random.poisson(random.uniform(80, 600, 13))
        after = random.poisson(before.mean() * own)
        after[0] = random.poisson(before.mean() * own[0] * 1.3)
        before = random.poisson(np.full(13, before.mean()))
        found = change_of_counts(
            (before[0], 56), (after[0], 56), before[1:], after[1:], dispersion=1.0
        )
        held += found.low <= math.log(1.3) <= found.high
        after[0] = random.poisson(before.mean() * own[0])
        false += (
            change_of_counts((before[0], 56), (after[0], 56), before[1:], after[1:]).p_value < 0.05
        )
    assert 0.92 <= held / 400 <= 0.98
    assert 0.02 <= false / 400 <= 0.08


def test_dispersion_is_one_for_chance_and_three_for_three_times_its_variance():
    random = np.random.default_rng(2)
    means = np.outer(random.uniform(50, 200, 30), random.uniform(0.5, 2, 8))
    assert dispersion_of(random.poisson(means)) == pytest.approx(1, abs=0.25)
    tripled = random.negative_binomial(means / 2, 1 / 3)
    assert dispersion_of(tripled) == pytest.approx(3, abs=0.7)


def test_too_few_units_to_compare_are_refused():
    with pytest.raises(ValueError, match="4 controls"):
        change_of_counts((10, 56), (10, 56), [10] * 4, [10] * 4)
    assert dispersion_of([[1, 2, 3]]) == 1.0
