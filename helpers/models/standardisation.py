"""Difference between two groups whose make-up differs: compared in strata, weighted to all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.models.estimate import Estimate

Floats = NDArray[np.float64]

FEWEST_IN_STRATUM = 2


@dataclass(frozen=True)
class Moments:
    """One group's units in each stratum: how many, their sum and their sum of squares."""

    n: ArrayLike
    total: ArrayLike
    squares: ArrayLike

    def mean_and_variance(self) -> tuple[Floats, Floats, Floats]:
        """Count, mean and variance of the mean in each stratum; NaN below two units."""
        n, total, squares = (np.asarray(a, float) for a in (self.n, self.total, self.squares))
        enough = np.where(n >= FEWEST_IN_STRATUM, n, np.nan)
        mean = total / enough
        variance = np.maximum(squares - n * mean**2, 0) / (enough - 1) / enough
        return n, mean, variance


def standardised_difference(group: Moments, others: Moments) -> Estimate:
    """Mean of a group less mean of the others, both as if made up like all of them together.

    In each stratum the means are compared; a stratum's weight is its share of all units. Strata in
    which either side has fewer than two units can't be compared and are left out. That removes what
    the strata explain, and nothing else: it is an association, no effect.

    Returns:
        In the unit of the values, with a 95 % normal interval; `n` units in strata compared. All
        NaN where no stratum can be compared.

    Raises:
        ValueError: The two have unequal numbers of strata.

    Source: direct standardisation, Rothman, Greenland and Lash (2008), chapter 15.
    """
    n_in, mean_in, variance_in = group.mean_and_variance()
    n_out, mean_out, variance_out = others.mean_and_variance()
    if n_in.shape != n_out.shape:
        raise ValueError(f"group has {n_in.shape} strata and others {n_out.shape}, must be equal.")
    both = np.isfinite(mean_in) & np.isfinite(mean_out)
    n = (n_in + n_out)[both]
    if not n.sum():
        return Estimate(np.nan, np.nan, np.nan, 0)
    weight = n / n.sum()
    value = float((weight * (mean_in - mean_out)[both]).sum())
    error = float(np.sqrt((weight**2 * (variance_in + variance_out)[both]).sum()))
    return Estimate(value, value - 1.96 * error, value + 1.96 * error, float(n.sum()), error)
