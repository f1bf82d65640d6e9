"""Log-likelihood of the Pareto/NBD model with exact derivatives, on distinct weighted rows.

A customer with x repeat purchases, the last at time t, seen until T, has the likelihood

    gamma(r + x) / gamma(r) alpha^r beta^s times the sum of
    (alpha + T)^-(r + x) (beta + T)^-s                             still alive at T, and
    s integral over y from t to T of (alpha + y)^-(r + x) (beta + y)^-(s + 1)    left at y,

which is Fader and Hardie (2005), "A Note on Deriving the Pareto/NBD Model", before the integral is
written as a 2F1. As a quadrature it needs no case distinction, does not overflow, and its
derivatives are means over its nodes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, logsumexp, polygamma

from helpers.models.likelihood import Derivatives, Maximum, checked_weights, maximise
from helpers.models.purchase_fit import check_repeats, checked_customers

Floats = NDArray[np.float64]

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(20)
# exp(-33) of the integral lies beyond; without the cut the nodes miss a steep start.
FARTHEST = 33.0
# Few enough that BLAS starts no threads, which cost more than they save.
ROWS_AT_ONCE = 256
ROWS_FOR_A_START = 4096


@dataclass(frozen=True)
class WeightedRows:
    """Distinct customers: repeat purchases, times of the last one and of the end, how many."""

    frequency: Floats
    recency: Floats
    age: Floats
    weight: Floats

    def part(self, which: slice) -> "WeightedRows":
        """Some of the rows."""
        return WeightedRows(
            self.frequency[which], self.recency[which], self.age[which], self.weight[which]
        )


def distinct_rows(x: Floats, recency: Floats, age: Floats, weights: Floats) -> WeightedRows:
    """Merge customers with equal frequency, recency and age, in that order."""
    customers = pd.DataFrame({"x": x, "recency": recency, "age": age, "weight": weights})
    rows = customers.groupby(["x", "recency", "age"], as_index=False)["weight"].sum()
    return WeightedRows(*(rows[name].to_numpy(float) for name in customers))


def largest(
    frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, weights: ArrayLike | None
) -> Maximum:
    """The largest log-likelihood over (r, alpha, s, beta).

    Many rows are begun from the maximum of an even part of them, which saves most of the time.

    Raises:
        ValueError: no customers, no repeat purchase at all, or rows that break the model's rules.
    """
    x, last, end = checked_customers(frequency, recency, age)
    weight = checked_weights(weights, len(x))
    check_repeats(x)
    rows = distinct_rows(x, last, end, weight)
    time_per_purchase = float(weight @ end / (weight @ x))
    start = np.log(np.array([0.5, 0.5 * time_per_purchase, 0.5, 0.5 * time_per_purchase]))
    step = len(rows.weight) // ROWS_FOR_A_START
    if step > 1:
        few = rows.part(slice(step // 2, None, step))
        found = maximise(lambda point: derivatives(point, few), start, float(few.weight.sum()))
        start = np.log(found.parameters) if found.converged else start
    return maximise(lambda point: derivatives(point, rows), start, float(weight.sum()))


def log_likelihoods(parameters: Floats, x: Floats, recency: Floats, age: Floats) -> Floats:
    """Log-likelihood of each customer."""
    r, alpha, s, beta = parameters
    rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    found: Floats = rate + _by_parts(
        lambda part: logsumexp(_fates(parameters, x[part], recency[part], age[part])[0], axis=1),
        len(x),
    )
    return found


def probability_alive(parameters: Floats, x: Floats, recency: Floats, age: Floats) -> Floats:
    """Share of the first term, being alive at the end, in the likelihood."""

    def of_part(part: slice) -> Floats:
        terms, _ = _fates(parameters, x[part], recency[part], age[part])
        return np.asarray(np.exp(terms[:, 0] - logsumexp(terms, axis=1)))

    return _by_parts(of_part, len(x))


def _by_parts(compute: Callable[[slice], Floats], length: int) -> Floats:
    """Results of bounded parts, which the nodes would make too large together."""
    begins = range(0, max(length, 1), ROWS_AT_ONCE)
    return np.concatenate([compute(slice(begin, begin + ROWS_AT_ONCE)) for begin in begins])


def _fates(parameters: Floats, x: Floats, recency: Floats, age: Floats) -> tuple[Floats, Floats]:
    """Logarithms of the terms of each customer's likelihood, and the times that they stand for.

    The first column is being alive at the end, the others are nodes of the time of leaving: by
    Gauss-Legendre on the logarithm of base + time since the last purchase, whose base lets the
    integrand start as a power.
    """
    r, alpha, s, beta = parameters
    power = r + x + s
    slope = (r + x) / (alpha + recency) + (s + 1) / (beta + recency)
    base = ((power + 1) / slope)[:, None]
    reach = np.minimum(np.log1p((age - recency) / base[:, 0]), FARTHEST / power)[:, None]
    ahead = base * np.expm1(reach * (NODES + 1) / 2)
    time = np.concatenate([age[:, None], recency[:, None] + ahead], axis=1)
    terms = -(r + x)[:, None] * np.log(alpha + time) - (s + _LEFT) * np.log(beta + time)
    with np.errstate(divide="ignore"):
        terms[:, 1:] += np.log(reach / 2 * NODE_WEIGHTS * (base + ahead)) + np.log(s)
    return terms, time


_LEFT = np.concatenate([[0.0], np.ones_like(NODES)])


def derivatives(log_parameters: Floats, rows: WeightedRows) -> Derivatives:
    """Log-likelihood, gradient and Hessian by the LOG parameters (r, alpha, s, beta)."""
    parameters = np.exp(log_parameters)
    value, gradient, hessian = _of_rates(parameters, rows)
    for begin in range(0, len(rows.weight), ROWS_AT_ONCE):
        more = _of_fates(parameters, rows.part(slice(begin, begin + ROWS_AT_ONCE)))
        value, gradient, hessian = value + more[0], gradient + more[1], hessian + more[2]
    gradient = gradient * parameters
    return value, gradient, hessian * np.outer(parameters, parameters) + np.diag(gradient)


def _of_rates(parameters: Floats, rows: WeightedRows) -> Derivatives:
    """The part before the sum."""
    r, alpha, s, beta = parameters
    counts, of_row = np.unique(rows.frequency, return_inverse=True)
    weight, n = np.bincount(of_row, weights=rows.weight), rows.weight.sum()
    value = weight @ gammaln(r + counts) + n * (-gammaln(r) + r * np.log(alpha) + s * np.log(beta))
    gradient = np.array(
        [
            weight @ digamma(r + counts) + n * (np.log(alpha) - digamma(r)),
            n * r / alpha,
            n * np.log(beta),
            n * s / beta,
        ]
    )
    hessian = np.diag(
        [
            weight @ polygamma(1, r + counts) - n * polygamma(1, r),
            -n * r / alpha**2,
            0.0,
            -n * s / beta**2,
        ]
    )
    hessian[0, 1] = hessian[1, 0] = n / alpha
    hessian[2, 3] = hessian[3, 2] = n / beta
    return float(value), gradient, hessian


def _of_fates(parameters: Floats, rows: WeightedRows) -> Derivatives:
    """The logarithm of the sum; its derivatives are means over the fates, by their share."""
    r, alpha, s, beta = parameters
    terms, time = _fates(parameters, rows.frequency, rows.recency, rows.age)
    sums = logsumexp(terms, axis=1)
    share = np.exp(terms - sums[:, None])
    weight = share * rows.weight[:, None]
    shape = (r + rows.frequency)[:, None]
    by_alpha, by_beta = 1 / (alpha + time), 1 / (beta + time)
    slope = np.empty((4, *terms.shape))
    slope[0] = np.log(by_alpha)
    slope[1] = -shape * by_alpha
    slope[2] = np.log(by_beta) + _LEFT / s
    slope[3] = -(s + _LEFT) * by_beta
    mean = np.einsum("kij,ij->ki", slope, share)
    flat = slope.reshape(4, -1)
    hessian = (flat * weight.ravel()) @ flat.T - (mean * rows.weight) @ mean.T
    hessian[0, 1] -= np.vdot(weight, by_alpha)
    hessian[1, 0] = hessian[0, 1]
    hessian[1, 1] -= np.vdot(weight, slope[1] * by_alpha)
    hessian[2, 2] -= np.vdot(weight[:, 1:], np.ones_like(weight[:, 1:])) / s**2
    hessian[2, 3] -= np.vdot(weight, by_beta)
    hessian[3, 2] = hessian[2, 3]
    hessian[3, 3] -= np.vdot(weight, slope[3] * by_beta)
    return float(rows.weight @ sums), mean @ rows.weight, hessian
