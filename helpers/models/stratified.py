"""Comparison of two groups within strata: what is left when known differences are held fixed.

Source: Mantel and Haenszel (1959); Greenland and Robins (1985); Rothman, Greenland and Lash (2008),
chapter 15.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from helpers.models.estimate import Estimate


def difference_of_shares(
    cases: ArrayLike,
    n: ArrayLike,
    other_cases: ArrayLike,
    other_n: ArrayLike,
    *,
    level: float = 0.95,
) -> Estimate:
    """Mantel-Haenszel difference of two shares over strata.

    A stratum weighs n * other_n / (n + other_n), so one without both groups says nothing. The
    variance is that of Greenland and Robins, good for few large and for many sparse strata.

    Args:
        cases: Successes of the group by stratum.
        n: Its size by stratum.
        other_cases: Successes of the others.
        other_n: Their size.
        level: Confidence level of the interval.

    Returns:
        Difference, group less others; `n` counts the group's units in strata with both. NaN where
        no stratum has both.
    """
    a, na, b, nb = (np.asarray(x, float) for x in (cases, n, other_cases, other_n))
    both = (na > 0) & (nb > 0)
    a, na, b, nb = a[both], na[both], b[both], nb[both]
    if not both.any():
        return Estimate(np.nan, np.nan, np.nan, 0)
    total = na + nb
    weight = na * nb / total
    value = float((a * nb - b * na)[total > 0].dot(1 / total) / weight.sum())
    variance = (a * (na - a) * nb**3 + b * (nb - b) * na**3) / (na * nb * total**2)
    return _estimate(value, float(np.sqrt(variance.sum())) / weight.sum(), na.sum(), level)


def difference_of_means(
    mean: ArrayLike,
    variance: ArrayLike,
    n: ArrayLike,
    other_mean: ArrayLike,
    other_variance: ArrayLike,
    other_n: ArrayLike,
    *,
    level: float = 0.95,
) -> Estimate:
    """Difference of two means over strata, with the same weights as `difference_of_shares`.

    Args:
        mean: Mean of the group by stratum.
        variance: Variance of its units by stratum.
        n: Its size by stratum.
        other_mean: Mean of the others.
        other_variance: Variance of their units.
        other_n: Their size.
        level: Confidence level of the interval.

    Returns:
        As `difference_of_shares`. Strata with fewer than two units in a group say nothing.
    """
    columns = (mean, variance, n, other_mean, other_variance, other_n)
    m, v, na, mb, vb, nb = (np.asarray(x, float) for x in columns)
    both = (na > 1) & (nb > 1)
    if not both.any():
        return Estimate(np.nan, np.nan, np.nan, 0)
    m, v, na, mb, vb, nb = (x[both] for x in (m, v, na, mb, vb, nb))
    weight = na * nb / (na + nb)
    weight = weight / weight.sum()
    error = float(np.sqrt((weight**2 * (v / na + vb / nb)).sum()))
    return _estimate(float(weight @ (m - mb)), error, na.sum(), level)


def _estimate(value: float, error: float, n: float, level: float) -> Estimate:
    half = float(norm.ppf(0.5 + level / 2)) * error
    return Estimate(value, value - half, value + half, float(n), error)
