"""Log-likelihood of BG/NBD and MBG/NBD with exact derivatives, on distinct weighted rows.

The two differ in when a customer may leave: after each repeat purchase, or after the first purchase
too. So a customer with x repeat purchases has had x or x + 1 `chances` to leave.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, digamma, gammaln, polygamma

from helpers.models.likelihood import Derivatives, Maximum, checked_weights, maximise
from helpers.models.purchase_fit import check_repeats, checked_customers

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

# Few enough for the cache, and for BLAS to start no threads, which cost more than they save.
ROWS_AT_ONCE = 8192
ROWS_FOR_A_START = 16384


@dataclass(frozen=True)
class DistinctRows:
    """Customers as distinct rows with weights.

    Counts, ages and recencies stand once in tables, because a million customers share a few
    thousand of them and logarithms of those are all that the likelihood needs. Only customers who
    may have left need a row of their own (`weight` and the three pointers into the tables);
    the rest of the likelihood is sums by table.
    """

    counts: Floats
    chances: Floats
    ages: Floats
    recencies: Floats
    customers_by_count: Floats
    customers_by_age: Floats
    purchases_by_age: Floats
    count_index: Index
    age_index: Index
    recency_index: Index
    weight: Floats

    @property
    def customers(self) -> float:
        """Total weight."""
        return float(self.customers_by_age.sum())


def _weight_by(index: Index, weight: Floats, length: int) -> Floats:
    return np.bincount(index, weights=weight, minlength=length).astype(np.float64)


def distinct_rows(
    x: Floats, recency: Floats, age: Floats, weights: Floats, *, chances_before: int
) -> DistinctRows:
    """Merge customers with equal frequency, recency and age.

    Args:
        x: Repeat purchases.
        recency: Time from first to last purchase.
        age: Time from first purchase to the end of observation.
        weights: Customers of each row.
        chances_before: Chances to leave without a repeat purchase: 0 in BG/NBD, 1 in MBG/NBD.
    """
    count_of, counts = pd.factorize(x)
    age_of, ages = pd.factorize(age)
    recency_of, recencies = pd.factorize(recency)
    key = (count_of * np.int64(len(ages)) + age_of) * np.int64(len(recencies)) + recency_of
    row_of, keys = pd.factorize(key)
    weight = _weight_by(row_of, weights, len(keys))
    pair, recency_index = np.divmod(keys, len(recencies))
    count_index, age_index = np.divmod(pair, len(ages))
    chances = counts + chances_before
    leaving = chances[count_index] > 0
    return DistinctRows(
        counts=counts,
        chances=chances,
        ages=ages,
        recencies=recencies,
        customers_by_count=_weight_by(count_index, weight, len(counts)),
        customers_by_age=_weight_by(age_index, weight, len(ages)),
        purchases_by_age=_weight_by(age_index, weight * counts[count_index], len(ages)),
        count_index=count_index[leaving],
        age_index=age_index[leaving],
        recency_index=recency_index[leaving],
        weight=weight[leaving],
    )


def log_odds_of_having_left(
    parameters: Floats, x: Floats, chances: Floats, recency: Floats, age: Floats
) -> Floats:
    """Log odds that a customer left at the last purchase; minus infinity without a chance to."""
    r, alpha, a, b = parameters
    able = chances > 0
    first = np.where(able, np.log(a) - np.log(np.where(able, b + chances - 1, 1.0)), -np.inf)
    odds: Floats = first + (r + x) * (np.log(alpha + age) - np.log(alpha + recency))
    return odds


def log_likelihoods(
    parameters: Floats, x: Floats, chances: Floats, recency: Floats, age: Floats
) -> Floats:
    """Log-likelihood of each customer (Fader, Hardie and Lee 2005, eq. 6, in logarithms)."""
    r, alpha, a, b = parameters
    stayed = (
        gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * np.log(alpha + age)
        + betaln(a, b + chances) - betaln(a, b)
    )  # fmt: skip
    odds = log_odds_of_having_left(parameters, x, chances, recency, age)
    found: Floats = stayed + np.logaddexp(0, odds)
    return found


def largest(
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    weights: ArrayLike | None,
    *,
    chances_before: int,
) -> Maximum:
    """The largest log-likelihood over (r, alpha, a, b).

    Many rows are begun from the maximum of an even part of them, which saves most of the time.

    Raises:
        ValueError: no customers, no repeat purchase at all, or rows that break the model's rules.
    """
    x, last, end = checked_customers(frequency, recency, age)
    weight = checked_weights(weights, len(x))
    check_repeats(x)
    rows = distinct_rows(x, last, end, weight, chances_before=chances_before)
    time_per_purchase = float(weight @ end / (weight @ x))
    start = np.log(np.array([0.5, 0.5 * time_per_purchase, 1.0, 2.0]))
    step = len(x) // ROWS_FOR_A_START
    if step > 1:
        few = (column[step // 2 :: step] for column in (x, last, end, weight))
        part = distinct_rows(*few, chances_before=chances_before)
        found = maximise(lambda point: derivatives(point, part), start, part.customers)
        start = np.log(found.parameters) if found.converged else start
    return maximise(lambda point: derivatives(point, rows), start, rows.customers)


def derivatives(log_parameters: Floats, rows: DistinctRows) -> Derivatives:
    """Log-likelihood, gradient and Hessian by the LOG parameters (r, alpha, a, b).

    Per customer the log-likelihood is that of never having left plus softplus of the log odds of
    having left (Fader, Hardie and Lee 2005, eq. 6, in logarithms throughout).
    """
    parameters = np.exp(log_parameters)
    stayed = _never_left(parameters, rows)
    left = _perhaps_left(parameters, rows)
    value = stayed[0] + left[0]
    gradient = (stayed[1] + left[1]) * parameters
    hessian = (stayed[2] + left[2]) * np.outer(parameters, parameters) + np.diag(gradient)
    return value, gradient, hessian


def _never_left(parameters: Floats, rows: DistinctRows) -> Derivatives:
    r, alpha, a, b = parameters
    x, m = rows.counts, rows.chances
    weight, n = rows.customers_by_count, rows.customers
    log_time, inverse_time = np.log(alpha + rows.ages), 1 / (alpha + rows.ages)
    exponent = r * rows.customers_by_age + rows.purchases_by_age
    value = (
        weight @ (gammaln(r + x) + gammaln(b + m) - gammaln(a + b + m))
        + n * (gammaln(a + b) - gammaln(b) - gammaln(r) + r * np.log(alpha))
        - exponent @ log_time
    )
    both = n * digamma(a + b) - weight @ digamma(a + b + m)
    gradient = np.array(
        [
            weight @ digamma(r + x)
            + n * (np.log(alpha) - digamma(r))
            - rows.customers_by_age @ log_time,
            n * r / alpha - exponent @ inverse_time,
            both,
            both + weight @ digamma(b + m) - n * digamma(b),
        ]
    )
    hessian = np.zeros((4, 4))
    hessian[0, 0] = weight @ polygamma(1, r + x) - n * polygamma(1, r)
    hessian[0, 1] = hessian[1, 0] = n / alpha - rows.customers_by_age @ inverse_time
    hessian[1, 1] = exponent @ inverse_time**2 - n * r / alpha**2
    hessian[2:, 2:] = n * polygamma(1, a + b) - weight @ polygamma(1, a + b + m)
    hessian[3, 3] += weight @ polygamma(1, b + m) - n * polygamma(1, b)
    return float(value), gradient, hessian


def _perhaps_left(parameters: Floats, rows: DistinctRows) -> Derivatives:
    """By parts that stay in the processor's cache."""
    alpha = parameters[1]
    tables = _Tables(
        exponent=parameters[0] + rows.counts,
        tries=np.where(rows.chances > 0, parameters[3] + rows.chances - 1, 1.0),
        log_age=np.log(alpha + rows.ages),
        inverse_age=1 / (alpha + rows.ages),
        log_recency=np.log(alpha + rows.recencies),
        inverse_recency=1 / (alpha + rows.recencies),
    )
    value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
    for begin in range(0, len(rows.weight), ROWS_AT_ONCE):
        part = slice(begin, begin + ROWS_AT_ONCE)
        more = _perhaps_left_in(part, parameters[2], tables, rows)
        value, gradient, hessian = value + more[0], gradient + more[1], hessian + more[2]
    return value, gradient, hessian


@dataclass(frozen=True)
class _Tables:
    """What each count, age and recency comes to at some parameters."""

    exponent: Floats
    tries: Floats
    log_age: Floats
    inverse_age: Floats
    log_recency: Floats
    inverse_recency: Floats


def _perhaps_left_in(part: slice, a: float, tables: _Tables, rows: DistinctRows) -> Derivatives:
    count, age, recency = rows.count_index[part], rows.age_index[part], rows.recency_index[part]
    exponent = tables.exponent[count]
    inverse_age, inverse_recency = tables.inverse_age[age], tables.inverse_recency[recency]
    slope = np.empty((4, len(count)))
    slope[0] = tables.log_age[age] - tables.log_recency[recency]
    slope[1] = exponent * (inverse_age - inverse_recency)
    slope[2] = 1 / a
    slope[3] = (-1 / tables.tries)[count]
    odds = (np.log(a) - np.log(tables.tries))[count] + exponent * slope[0]
    # Softplus and its slope by one exponential, much faster than logaddexp and expit.
    small = np.exp(-np.abs(odds))
    softplus = np.log1p(small) + np.maximum(odds, 0)
    share = np.where(odds >= 0, 1.0, small) / (1 + small)
    weight = rows.weight[part] * share
    hessian = (slope * (weight * (1 - share))) @ slope.T
    hessian[0, 1] += weight @ (inverse_age - inverse_recency)
    hessian[1, 0] = hessian[0, 1]
    hessian[1, 1] += (weight * exponent) @ (inverse_recency**2 - inverse_age**2)
    hessian[2, 2] -= weight.sum() / a**2
    hessian[3, 3] += weight @ slope[3] ** 2
    return float(rows.weight[part] @ softplus), slope @ weight, hessian
