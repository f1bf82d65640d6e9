"""Treated units against comparable others: weights that balance what was known before.

The others are reweighted until they look as the treated did (entropy balancing: the weights
nearest to the given ones whose weighted means equal those of the treated); what is left of a
difference in known things is taken out by a weighted regression. Consistent where either the log
odds of treatment or the outcome of the untreated is linear in the features. It can't remove what
nobody wrote down: a matched comparison, no test.

Source: Hainmueller (2012); Zhao and Percival (2017); Austin (2009) for the rule on balance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student_t

from helpers.models.estimate import Estimate

Floats = NDArray[np.float64]

LARGEST_DIFFERENCE = 0.1
RIDGE = 1e-4
MOST_STEPS = 60


@dataclass(frozen=True)
class Pool:
    """Treated units and those they may be compared with, as they were on one day each.

    Attributes:
        treated: True for the treated.
        features: What was known of each unit, one column a feature.
        base: Weight of each unit before balancing, above 0: how many units a sampled one stands
            for, so that the others hang on the same days as the treated. 1 for the treated.
        unit: Whose row it is; rows of one unit hang together and vary as one.
    """

    treated: NDArray[np.bool_]
    features: Floats
    base: Floats
    unit: NDArray[np.int64]

    def __post_init__(self) -> None:
        rows = len(self.treated)
        if self.features.ndim != 2 or {len(self.features), len(self.base), len(self.unit)} != {
            rows
        }:
            raise ValueError(
                f"{rows} rows of treated, {self.features.shape} of features, {len(self.base)} of "
                f"base and {len(self.unit)} of unit: must have one row a unit each."
            )
        if not 0 < self.treated.sum() < rows:
            raise ValueError("needs treated units and others; one of the two groups is empty.")
        if not np.isfinite(self.features).all():
            raise ValueError("features must be finite; leave out or mark what is unknown.")
        if not (self.base > 0).all():
            raise ValueError(f"base has a minimum of {self.base.min():g}, must be above 0.")


@dataclass(frozen=True)
class Effect:
    """What treatment did to the treated, by comparison with reweighted others.

    Attributes:
        difference: Mean of the treated less that of the comparable others.
        relative: The same as a share of the comparable others' mean.
        treated: Mean outcome of the treated.
        comparable: Mean outcome of the comparable others.
        unadjusted: Mean of the treated less that of the others as they are: mostly selection.
        effective: Units of equal weight that the reweighted others are worth.
    """

    difference: Estimate
    relative: Estimate
    treated: float
    comparable: float
    unadjusted: float
    effective: float


def balancing_weights(pool: Pool) -> Floats:
    """Weights of the others, as near to their base as balance allows; they add up to 1.

    Newton's method on the dual, a ridge of 1e-4 on standardised features: where no weights balance
    exactly, the nearest compromise comes out, and `standardised_differences` shows what is left.

    Returns:
        One weight a row of the pool; 0 for the treated.
    """
    others = ~pool.treated
    centred, scale = _standardised(pool)
    x, base = centred[others] / scale, pool.base[others] / pool.base[others].sum()
    tilt = np.zeros(x.shape[1])
    value, share = _dual(tilt, x, base)
    for _ in range(MOST_STEPS):
        slope = share @ x + RIDGE * tilt
        if np.abs(slope).max() < 1e-8:
            break
        mean = share @ x
        bend = (x * share[:, None]).T @ x - np.outer(mean, mean) + RIDGE * np.eye(x.shape[1])
        way = np.asarray(np.linalg.solve(bend, slope), np.float64)
        tilt, value, share = _step(tilt, value, way, slope, x, base)
    weights = np.zeros(len(others))
    weights[others] = share
    return weights


def _standardised(pool: Pool) -> tuple[Floats, Floats]:
    """Features less the mean of the treated, and their spread among the treated and others."""
    mean, spread = _moments(pool.features[pool.treated], np.ones(int(pool.treated.sum())))
    _, other = _moments(pool.features[~pool.treated], pool.base[~pool.treated])
    scale = np.sqrt((spread + other) / 2)
    return pool.features - mean, np.where(scale > 1e-12, scale, 1.0)


def _moments(x: Floats, weights: Floats) -> tuple[Floats, Floats]:
    share = weights / weights.sum()
    mean = share @ x
    return mean, share @ (x - mean) ** 2


def _dual(tilt: Floats, x: Floats, base: Floats) -> tuple[float, Floats]:
    """The function to minimise and the weights that belong to a tilt."""
    score = x @ tilt
    top = score.max()
    raw = base * np.exp(score - top)
    total = raw.sum()
    return float(np.log(total) + top + RIDGE / 2 * tilt @ tilt), raw / total


def _step(
    tilt: Floats, value: float, way: Floats, slope: Floats, x: Floats, base: Floats
) -> tuple[Floats, float, Floats]:
    """One Newton step, halved until the function falls as it should."""
    length = 1.0
    for _ in range(30):
        tried = tilt - length * way
        reached, share = _dual(tried, x, base)
        if reached <= value - 1e-4 * length * float(slope @ way):
            return tried, reached, share
        length /= 2
    return tilt, value, _dual(tilt, x, base)[1]


def standardised_differences(pool: Pool, weights: Floats) -> tuple[Floats, Floats]:
    """Differences of means in standard deviations, before and after weighting.

    The standard deviation is that of the two groups before weighting, so that weights can't make
    a difference look smaller by widening it.

    Returns:
        One value a feature: treated less others by their base weights; by `weights`. 0.1 and below
        is taken for balanced. 0 where a feature does not vary at all.
    """
    centred, scale = _standardised(pool)
    others = ~pool.treated
    base = pool.base[others] / pool.base[others].sum()
    before = -(base @ centred[others]) / scale
    after = -(weights[others] @ centred[others]) / scale
    return before, after


def is_balanced(differences: Floats) -> bool:
    """Whether every standardised difference is below 0.1 in size."""
    return bool(np.abs(differences).max(initial=0.0) < LARGEST_DIFFERENCE)


def effect_on_treated(
    pool: Pool, weights: Floats, outcome: ArrayLike, *, is_share: bool = False
) -> Effect:
    """Mean outcome of the treated less that of the comparable others, with 95 % intervals.

    The variance is that of the linearised estimate, which holds that the weights were estimated
    (the residuals of the weighted regression stand in for the outcomes), summed by unit: a unit
    that is compared with several treated ones, or is treated later, counts as one.

    Args:
        pool: The units.
        weights: As `balancing_weights` gives them.
        outcome: One value a row, known only after the day that the features describe.
        is_share: The outcome is something that happened or not. Treatment then changes only those
            to whom it would not have happened, and how many of these treated that are is chance
            too: the interval of the difference is widened to hold the effect on these very units,
            not only on units like them.

    Returns:
        The effect; `n` are the treated.
    """
    y = np.asarray(outcome, float)
    treated, others = pool.treated, ~pool.treated
    centred, scale = _standardised(pool)
    x = np.column_stack([np.ones(len(y)), centred / scale])
    expected = x @ _weighted_least_squares(x[others], y[others], weights[others])
    n = int(treated.sum())
    mean, comparable = float(y[treated].mean()), float(expected[treated].mean())
    per_unit = np.bincount(pool.unit[others], weights[others])
    effective = 1 / float((per_unit**2).sum())
    lost = min(x.shape[1] - 1, effective / 2)
    own = np.where(treated, (y - mean) / n, 0.0)
    without = np.where(treated, (expected - comparable) / n, 0.0) + np.where(
        others, weights * (y - expected) * np.sqrt(effective / (effective - lost)), 0.0
    )
    freedom = min(n, effective) - 1
    base = pool.base[others] / pool.base[others].sum()
    own_chance = _chance_of_these(y[treated], expected[treated]) if is_share else 0.0
    return Effect(
        _estimate(mean - comparable, own - without, pool.unit, n, freedom, own_chance),
        _relative(mean, comparable, own, without, pool.unit, n, freedom),
        mean, comparable, mean - float(base @ y[others]), effective,
    )  # fmt: skip


def _weighted_least_squares(x: Floats, y: Floats, weights: Floats) -> Floats:
    heavy = x * weights[:, None]
    return np.asarray(np.linalg.lstsq(heavy.T @ x, heavy.T @ y, rcond=1e-10)[0], np.float64)


def _chance_of_these(y: Floats, expected: Floats) -> float:
    """What the variance lacks for the effect on these very units, of a share.

    With q the chance that it happens anyway and p that treatment makes it happen where it would
    not, outcome less effect, q + (1 - q) p less p times those left, has the variance
    q (1 - q) + (1 - q) p (1 - p): more than that of the outcome where p > 0.
    """
    anyway = np.clip(expected, 0.0, 1.0)
    makes = float(np.clip((y.mean() - anyway.mean()) / max(1 - anyway.mean(), 1e-9), 0.0, 1.0))
    needed = anyway * (1 - anyway) + (1 - anyway) * makes * (1 - makes)
    return max(0.0, float(needed.mean() - (y - expected).var())) / len(y)


def _estimate(
    value: float, influence: Floats, unit: NDArray[np.int64], n: int, freedom: float,
    more_variance: float = 0.0,
) -> Estimate:  # fmt: skip
    """A value with the interval that its influence by unit gives."""
    by_unit = np.bincount(unit, influence)
    error = float(np.sqrt((by_unit**2).sum() + more_variance))
    if n < 2 or freedom <= 0 or not error > 0:
        return Estimate(value, np.nan, np.nan, n)
    half = float(student_t.ppf(0.975, freedom)) * error
    return Estimate(value, value - half, value + half, n, error)


def _relative(
    mean: float, comparable: float, own: Floats, without: Floats, unit: NDArray[np.int64],
    n: int, freedom: float,
) -> Estimate:  # fmt: skip
    """Ratio of the means less 1, its interval on the log scale."""
    if not (mean > 0 and comparable > 0):
        return Estimate(np.nan, np.nan, np.nan, n)
    influence = own / mean - without / comparable
    log_ratio = _estimate(float(np.log(mean / comparable)), influence, unit, n, freedom)
    low, high = np.expm1(log_ratio.low), np.expm1(log_ratio.high)
    return Estimate(mean / comparable - 1, float(low), float(high), n)


def happened_without_censoring(
    days_to_event: ArrayLike, days_to_end: ArrayLike, weights: Floats, window_days: int
) -> Floats:
    """Whether something happened within a window, of units of which some are seen no longer.

    Others who are treated themselves before it happens are seen up to that day only. Those still
    seen stand in for them: an event on day t counts 1 / P(seen to day t), the probability by the
    product limit. The weighted mean is 1 less the weighted Kaplan-Meier estimate. That fits where
    being treated depends, until the event, on nothing but what was known at the start.

    Args:
        days_to_event: Days to the event, 1 or more; infinite where it never happened.
        days_to_end: Day until which the unit is seen, itself included; infinite where throughout.
        weights: Weight of each unit, 0 or more.
        window_days: Length of the window.

    Returns:
        One outcome a unit: 0, 1, or above 1 where it stands in for others.

    Source: Kaplan and Meier (1958); Robins and Finkelstein (2000).
    """
    event, end = np.asarray(days_to_event, float), np.asarray(days_to_end, float)
    seen = (event <= end) & (event <= window_days)
    leaves = ~seen & (end < window_days)
    days = window_days + 1
    gone = np.bincount(end[leaves].astype(int), weights[leaves], days)
    happened = np.bincount(event[seen].astype(int), weights[seen], days)
    at_risk = weights.sum() - np.cumsum(happened) - np.cumsum(gone) + gone
    hazard = np.divide(gone, at_risk, out=np.zeros(days), where=at_risk > 0)
    still_seen = np.cumprod(1 - np.minimum(hazard, 1.0))
    outcome = np.zeros(len(event))
    chance = still_seen[event[seen].astype(int) - 1]
    outcome[seen] = 1 / chance
    return outcome
