"""Differences within strata against a textbook and against formulas worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.models.intervals import mean
from helpers.models.stratified import difference_of_means, difference_of_shares


def test_the_tolbutamide_trial_by_age_gives_the_textbook_difference():
    # Deaths in the UGDP trial, below 55 years and from 55 on: Rothman, Greenland and Lash (2008),
    # chapter 15, where the Mantel-Haenszel difference is 0.035.
    found = difference_of_shares([8, 22], [106, 98], [5, 16], [120, 85])
    assert found.value == pytest.approx(0.035, abs=0.0005)
    # Greenland and Robins by hand: sum of (a(n-a)m^3 + b(m-b)n^3) / (n m N^2), over sum of nm/N.
    top = (8 * 98 * 120**3 + 5 * 115 * 106**3) / (106 * 120 * 226**2)
    top += (22 * 76 * 85**3 + 16 * 69 * 98**3) / (98 * 85 * 183**2)
    error = top**0.5 / (106 * 120 / 226 + 98 * 85 / 183)
    assert found.standard_error == pytest.approx(error)
    assert found.high - found.value == pytest.approx(1.959964 * error, rel=1e-5)


def test_one_stratum_is_the_plain_difference():
    found = difference_of_shares([30], [100], [20], [100])
    assert found.value == pytest.approx(0.1)
    assert found.standard_error == pytest.approx((0.3 * 0.7 / 100 + 0.2 * 0.8 / 100) ** 0.5)


def test_a_difference_that_is_all_between_strata_vanishes():
    # Half return in the first stratum and a tenth in the second, in both groups.
    found = difference_of_shares([50, 1], [100, 10], [5, 20], [10, 200])
    assert found.value == pytest.approx(0)


def test_strata_without_both_groups_say_nothing():
    found = difference_of_shares([30, 9], [100, 9], [20, 0], [100, 0])
    assert found.value == pytest.approx(0.1)
    assert found.n == 100
    assert np.isnan(difference_of_shares([1], [5], [0], [0]).value)
    assert np.isnan(difference_of_means([1], [1], [5], [0], [0], [1]).value)


def test_means_in_one_stratum_differ_as_two_samples_do():
    a, b = np.array([3.0, 5, 9, 4]), np.array([1.0, 2, 2, 8, 7])
    found = difference_of_means([a.mean()], [a.var(ddof=1)], [4], [b.mean()], [b.var(ddof=1)], [5])
    one, two = mean(a), mean(b)
    assert found.value == pytest.approx(one.value - two.value)
    assert found.standard_error == pytest.approx(np.hypot(one.standard_error, two.standard_error))


counts = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20)),
    min_size=1, max_size=6,
)  # fmt: skip


@given(counts)
def test_the_groups_exchanged_change_the_sign_alone(strata):
    a, left, b, right = np.array(strata).T
    one = difference_of_shares(a, a + left, b, b + right)
    two = difference_of_shares(b, b + right, a, a + left)
    assert one.value == pytest.approx(-two.value, nan_ok=True)
    assert one.standard_error == two.standard_error or one.standard_error == pytest.approx(
        two.standard_error, nan_ok=True
    )
