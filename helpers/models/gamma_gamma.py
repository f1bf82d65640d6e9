"""Gamma-gamma model of spend per purchase (Fader and Hardie 2013, note 025).

A customer's purchases have gamma distributed values with shape p; their scales vary between
customers so that the inverse is gamma(q, v). Spend is taken as independent of how often a customer
buys. Data are one row a customer: `frequency`, the number of purchases averaged over, and
`mean_value`, their mean in money.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, polygamma

from helpers.models.likelihood import Derivatives, FittedModel, checked_weights, maximise

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GammaGamma(FittedModel):
    """A fitted gamma-gamma model.

    Attributes:
        p: Shape of a customer's purchase values, above 0.
        q: Shape of the scales between customers; the mean over customers exists where q > 1.
        v: Money; p v / (q - 1) is the mean value of a purchase over customers. (gamma in the note)
        log_likelihood: Density of the mean values.
    """

    names: ClassVar[tuple[str, ...]] = ("p", "q", "v")

    p: float
    q: float
    v: float

    @property
    def population_mean(self) -> float:
        """Mean value of a purchase over customers, in money; infinite where q <= 1."""
        return self.p * self.v / (self.q - 1) if self.q > 1 else float("inf")

    def expected_value(self, frequency: ArrayLike, mean_value: ArrayLike) -> Floats:
        """Value expected of each customer's purchases, given the mean of the past ones, in money.

        Customers without purchases to average (frequency 0, mean value ignored) get the
        population's mean.

        Source: Fader and Hardie (2013), conditional expectation of spend.
        """
        x, mean = np.broadcast_arrays(np.asarray(frequency, float), np.asarray(mean_value, float))
        spent = np.where(x > 0, x * mean, 0.0)
        weight = self.p * x + self.q - 1
        safe = np.where(weight > 0, weight, np.nan)
        value = self.p * (self.v + spent) / safe
        return np.where(weight > 0, value, np.inf)

    def value_of(self, customers: pd.DataFrame) -> Floats:
        """Value expected of each customer's purchases, in money.

        Args:
            customers: `gains` (repeat purchases averaged over; `frequency` where it is left out)
                and their `mean_value` in money. A row that stands for several customers of equal
                count takes the mean of their means.
        """
        count = "gains" if "gains" in customers else "frequency"
        return self.expected_value(customers[count], customers["mean_value"])


def fit(
    frequency: ArrayLike, mean_value: ArrayLike, weights: ArrayLike | None = None
) -> GammaGamma:
    """Fit by maximum likelihood, without priors.

    Of 2,500 simulated shops of 1,500 customers, half of whom buy again (p 6.25, q 3.75, v 101.2),
    the 95 % intervals held the truth in 95.9, 95.5 and 96.6 %.

    Args:
        frequency: Purchases averaged over, whole numbers from 1; leave out customers without one.
        mean_value: Mean value of those purchases in money, above 0.
        weights: Customers that each row stands for; 1 each if left out.

    Raises:
        ValueError: fewer than two distinct mean values, or rows that break those rules.

    Source: Fader and Hardie (2013), eq. 1a.
    """
    x, mean = _checked(frequency, mean_value)
    weight = checked_weights(weights, len(x))
    centre = float(weight @ mean / weight.sum())
    start = np.log([2.0, 3.0, centre])
    by_count = np.unique(x, return_inverse=True)
    found = maximise(
        lambda point: _derivatives(point, by_count, x * mean, weight), start, weight.sum()
    )
    p, q, v = (float(value) for value in found.parameters)
    return GammaGamma(
        p=p,
        q=q,
        v=v,
        log_covariance=found.log_covariance,
        log_likelihood=found.log_likelihood + float(weight @ np.log(x)),
        n_customers=float(weight.sum()),
        converged=found.converged,
    )


def _derivatives(
    log_parameters: Floats,
    by_count: tuple[Floats, NDArray[np.intp]],
    spent: Floats,
    weight: Floats,
) -> Derivatives:
    """Log-likelihood of the SUMS spent, with derivatives by the LOG parameters.

    Gamma functions depend on the count alone and are taken once a distinct count.
    """
    p, q, v = parameters = np.exp(log_parameters)
    counts, count_index = by_count
    x, n = counts[count_index], weight.sum()
    customers = np.bincount(count_index, weights=weight)
    log_total, inverse_total = np.log(v + spent), 1 / (v + spent)
    log_share = np.bincount(count_index, weights=weight * (np.log(spent) - log_total))
    exponent = p * x + q
    value = (
        customers @ (gammaln(p * counts + q) - gammaln(p * counts))
        + n * (q * np.log(v) - gammaln(q))
        + p * (counts @ log_share)
        - weight @ np.log(spent)
        - q * (weight @ log_total)
    )
    with_q, without_q = digamma(p * counts + q), digamma(p * counts)
    gradient = np.array(
        [
            customers @ (counts * (with_q - without_q)) + counts @ log_share,
            customers @ with_q + n * (np.log(v) - digamma(q)) - weight @ log_total,
            n * q / v - (weight * exponent) @ inverse_total,
        ]
    )
    curve = polygamma(1, p * counts + q)
    hessian = np.empty((3, 3))
    hessian[0, 0] = customers @ (counts**2 * (curve - polygamma(1, p * counts)))
    hessian[0, 1] = hessian[1, 0] = customers @ (counts * curve)
    hessian[1, 1] = customers @ curve - n * polygamma(1, q)
    hessian[0, 2] = hessian[2, 0] = -(weight * x) @ inverse_total
    hessian[1, 2] = hessian[2, 1] = n / v - weight @ inverse_total
    hessian[2, 2] = (weight * exponent) @ inverse_total**2 - n * q / v**2
    scaled = gradient * parameters
    return float(value), scaled, hessian * np.outer(parameters, parameters) + np.diag(scaled)


def _checked(frequency: ArrayLike, mean_value: ArrayLike) -> tuple[Floats, Floats]:
    x, mean = np.asarray(frequency, float), np.asarray(mean_value, float)
    if x.shape != mean.shape or x.ndim != 1:
        raise ValueError(
            f"frequency and mean_value have shapes {x.shape} and {mean.shape}, "
            "must be two columns of one length."
        )
    wrong_count = ~((x >= 1) & (x == np.floor(x)) & np.isfinite(x))
    if wrong_count.any():
        raise ValueError(
            f"{int(wrong_count.sum())} customers have a frequency such as {x[wrong_count][0]:g}, "
            "must be a whole number from 1; leave out customers without repeat purchases."
        )
    wrong_value = ~((mean > 0) & np.isfinite(mean))
    if wrong_value.any():
        raise ValueError(
            f"{int(wrong_value.sum())} customers have a mean_value such as "
            f"{mean[wrong_value][0]:g}, must be above 0; leave them out and say how many."
        )
    if len(mean) < 2 or (mean == mean[0]).all():
        raise ValueError(
            f"mean_value has {len(np.unique(mean))} distinct values, the gamma-gamma model needs "
            "at least two; take a longer period."
        )
    return x, mean
