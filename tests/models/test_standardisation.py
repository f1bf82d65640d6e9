"""Standardised differences counted by hand."""

import numpy as np
import pytest

from helpers.models.standardisation import Moments, standardised_difference


def moments(*groups):
    """Moments of lists of values, one a stratum."""
    arrays = [np.asarray(values, float) for values in groups]
    return Moments([len(a) for a in arrays], [a.sum() for a in arrays],
                   [(a**2).sum() for a in arrays])  # fmt: skip


def test_strata_weigh_as_they_do_in_all():
    # Stratum 1: 30 against 10, five units; stratum 2: 5 against 4, five units.
    found = standardised_difference(moments([20, 40], [4, 6]), moments([0, 10, 20], [3, 4, 5]))
    assert found.value == pytest.approx(0.5 * 20 + 0.5 * 1)
    # Variances of means: 200/2 and 100/3; 2/2 and 1/3.
    error = np.sqrt(0.25 * (100 + 100 / 3) + 0.25 * (1 + 1 / 3))
    assert found.standard_error == pytest.approx(error)
    assert (found.low, found.high) == pytest.approx((10.5 - 1.96 * error, 10.5 + 1.96 * error))
    assert found.n == 10


def test_a_difference_that_the_strata_explain_vanishes():
    # Members are mostly big spenders; within each stratum nobody differs.
    found = standardised_difference(
        moments([100] * 9, [10] * 2), moments([100] * 2, [10] * 9)
    )  # fmt: skip
    assert found.value == 0


def test_a_stratum_with_one_side_alone_is_left_out():
    found = standardised_difference(moments([1, 3], [7, 7]), moments([0, 2], [5]))
    assert (found.value, found.n) == (1, 4)


def test_no_common_stratum_gives_no_difference():
    found = standardised_difference(moments([1, 3], []), moments([], [5, 6]))
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.n == 0


def test_unequal_strata_are_refused():
    with pytest.raises(ValueError, match="must be equal"):
        standardised_difference(moments([1, 2]), moments([1, 2], [3, 4]))
