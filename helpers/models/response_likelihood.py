"""Likelihood, priors and gradient of the response of an outcome to spend, for many draws at once.

Arrays of parameters hold one chain a row: N chains, C channels, T periods, K controls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Carry-over from one period to the next: mean 0.4, 95 % from 0.03 to 0.85.
CARRY_OVER_BETA = (1.4, 2.1)
# Saturation at the usual spend, log-normal: 95 % from 0.3 (a straight line) to 7 (saturated).
SATURATION_AT_USUAL, SATURATION_SPREAD = 1.5, 0.8
# Log of the mean outcome, around the one seen.
LEVEL_SPREAD = 0.5
# Controls, per standard deviation of each: on the log scale, or in deviations of the outcome.
LOG_CONTROL_SPREAD, CONTROL_SPREAD = 1.0, 3.0
# Log of the residual deviation over the outcome's own.
NOISE_CENTRE, NOISE_SPREAD = -1.0, 1.5
LARGEST_LOG = 30.0


@dataclass(frozen=True)
class SpendTest:
    """What a test of one channel's spend found against its control.

    Attributes:
        channel: Column of the spend.
        start: First period of the test.
        stop: Period after its last one; outcome counts up to there.
        extra_spend: Spend above the control over all its periods; below 0 where it was cut.
        extra_outcome: Outcome above the control over the same periods.
        standard_error: Of `extra_outcome`, above 0.
    """

    channel: int
    start: int
    stop: int
    extra_spend: float
    extra_outcome: float
    standard_error: float


@dataclass(frozen=True)
class Series:
    """What the model is fitted to, in units of its own.

    Attributes:
        outcome: (T,).
        spend: (C, T), over `scale`.
        controls: (K, T), mean 0 and standard deviation 1.
        scale: (C,) largest spend of a period.
        usual: (C,) mean of `spend` over the periods that have any.
        level: Mean outcome.
        spread: Standard deviation of the outcome.
        demand: Whether controls multiply all, and the spend that a level of response takes.
        counts: Whether the variance is proportional to the mean.
        lags: Periods over which spend works, its own among them.
        skip: First periods that count for carry-over only.
        tests: Spend tests beside the series.
    """

    outcome: Floats
    spend: Floats
    controls: Floats
    scale: Floats
    usual: Floats
    level: float
    spread: float
    demand: bool
    counts: bool
    lags: int
    skip: int
    tests: Sequence[SpendTest]

    @property
    def places(self) -> tuple[slice, slice, slice, slice, slice, slice]:
        """Where carry-over, saturation, shares, level, controls and noise stand in a vector."""
        c, k = len(self.spend), len(self.controls)
        ends = np.cumsum([0, c, c, c + 1, 1, k, 1])
        a, b, d, e, f, g = (slice(i, j) for i, j in pairwise(ends))
        return a, b, d, e, f, g


@dataclass(frozen=True)
class Parameters:
    """Parameters of N draws.

    Attributes:
        carry_over: (N, C), 0 to 1.
        saturation: (N, C) per relative spend.
        shares: (N, C + 1) of the mean outcome, the last one without spend; sum 1.
        level: (N,) mean outcome at demand 1.
        gamma: (N, K).
        noise: (N,) variance over mean for counts, else standard deviation.
    """

    carry_over: Floats
    saturation: Floats
    shares: Floats
    level: Floats
    gamma: Floats
    noise: Floats


@dataclass(frozen=True)
class Carried:
    """What some spend comes to in each period: (N, T), (N, C, T), (N, C, L), (N, C, T) twice."""

    demand: Floats
    relative: Floats
    weights: Floats
    carried: Floats
    shape: Floats


def saturate(x: Floats) -> Floats:
    """Logistic saturation (1 - exp(-x)) / (1 + exp(-x)): 0 at 0, slope 1/2 there, at most 1."""
    shape: Floats = np.tanh(x / 2)
    return shape


def saturation_slope(x: Floats) -> Floats:
    """Derivative of `saturate`."""
    slope: Floats = (1 - np.tanh(x / 2) ** 2) / 2
    return slope


def log_elasticity(x: Floats) -> Floats:
    """Log of x S'(x) / S(x) = x / sinh(x): by how many per cent S grows with x by one."""
    log: Floats = np.log(2 * x) - x - np.log(-np.expm1(-2 * x))
    return log


def adstock_weights(carry_over: Floats, lags: int) -> Floats:
    """Weights carry_over^k, k < lags, that sum to 1, on a last axis. Source: Broadbent (1979)."""
    powers = carry_over[..., None] ** np.arange(lags)
    weights: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return weights


def carry(relative: Floats, weights: Floats) -> Floats:
    """Spend (.., C, T) spread over the periods after it by weights (.., C, L); none before them."""
    periods = relative.shape[-1]
    carried: Floats = weights[..., :1] * relative
    for lag in range(1, min(weights.shape[-1], periods)):
        carried[..., lag:] += weights[..., lag, None] * relative[..., : periods - lag]
    return carried


def natural(series: Series, vectors: Floats) -> Parameters:
    """Parameters of unbounded vectors (N, P)."""
    at = series.places
    bounded = np.clip(vectors, -LARGEST_LOG, LARGEST_LOG)
    noise = np.exp(bounded[:, at[5]][:, 0])
    parts = np.exp(bounded[:, at[2]])
    return Parameters(
        carry_over=1 / (1 + np.exp(-bounded[:, at[0]])),
        saturation=np.exp(bounded[:, at[1]]),
        shares=parts / parts.sum(axis=1, keepdims=True),
        level=series.level * np.exp(bounded[:, at[3]][:, 0]),
        gamma=bounded[:, at[4]],
        noise=1 + noise if series.counts else noise,
    )


def carried(series: Series, given: Parameters, spend: Floats) -> Carried:
    """What relative spend (C, T) comes to after carry-over and saturation."""
    controls = np.clip(given.gamma @ series.controls, -LARGEST_LOG, LARGEST_LOG)
    demand = np.exp(controls) if series.demand else np.ones_like(controls)
    relative = spend / demand[:, None] if series.demand else spend[None]
    weights = adstock_weights(given.carry_over, series.lags)
    stock = carry(relative, weights)
    return Carried(demand, relative, weights, stock, saturate(given.saturation[..., None] * stock))


def effects(given: Parameters, seen: Carried) -> Floats:
    """Outcome (N, C) that each channel brings at most, of its share of what came: seen spend."""
    highest: Floats = given.level[:, None] * given.shares[:, :-1] / seen.shape.mean(axis=-1)
    return highest


def mean_outcome(series: Series, given: Parameters, effect: Floats, spent: Carried) -> Floats:
    """Mean outcome (N, T)."""
    base = given.level * given.shares[:, -1]
    mean: Floats = base[:, None] + (effect[:, None] @ spent.shape)[:, 0]
    if series.demand:
        return mean * spent.demand
    return mean + given.gamma @ series.controls * series.spread


def log_posterior(series: Series, vectors: Floats) -> tuple[Floats, Floats]:
    """Log posterior (N,) and its gradient (N, P), up to a constant.

    Counts: extended quasi-likelihood of variance phi * mean. Else: normal. Source: Nelder and
    Pregibon (1987), Biometrika 74; priors as named at the module's head.
    """
    given = natural(series, vectors)
    seen = carried(series, given, series.spend)
    effect = effects(given, seen)
    mean = mean_outcome(series, given, effect, seen)
    value, slope, by_noise = _fit(series, given, mean)
    passes = [(seen, slope)]
    for test in series.tests:
        without = carried(series, given, without_test(series, test))
        change = mean - mean_outcome(series, given, effect, without)
        more, slope = _test(test, change)
        value = value + more
        passes[0] = (seen, passes[0][1] + slope)
        passes.append((without, -slope))
    prior, gradient = _prior(series, vectors)
    gradient[:, series.places[5]] += by_noise[:, None]
    return value + prior, gradient + _backward(series, given, effect, passes)


def _backward(
    series: Series, given: Parameters, effect: Floats, passes: list[tuple[Carried, Floats]]
) -> Floats:
    """Gradient (N, P) of sums over periods whose derivatives by the means are slopes (N, T).

    The first pass is the spend seen, which also fixes the effects that belong to the shares.
    """
    at, seen = series.places, passes[0][0]
    gradient = np.zeros((len(effect), at[5].stop))
    inner = [slope * spent.demand for spent, slope in passes]
    by_effect = sum(
        (spent.shape @ one[..., None])[..., 0]
        for (spent, _), one in zip(passes, inner, strict=True)
    )
    by_base = sum(one.sum(axis=-1) for one in inner)
    by_share = np.concatenate([by_effect * effect, (by_base * given.level)[:, None]], axis=1)
    by_share[:, -1] *= given.shares[:, -1]
    total = by_share.sum(axis=1, keepdims=True)
    gradient[:, at[2]] = by_share - given.shares * total
    gradient[:, at[3]] = total
    fixed = by_effect * effect / seen.shape.sum(axis=-1)
    for (spent, slope), one in zip(passes, inner, strict=True):
        by_shape = one[:, None] * effect[..., None] - (fixed[..., None] if spent is seen else 0.0)
        by_controls = slope * (mean_outcome(series, given, effect, spent) if series.demand
                               else series.spread)  # fmt: skip
        gradient += _backward_shape(series, given, spent, by_shape, by_controls)
    return gradient


def _backward_shape(
    series: Series, given: Parameters, spent: Carried, by_shape: Floats, by_controls: Floats
) -> Floats:
    """Gradient (N, P) through saturation, carry-over and demand."""
    at, gradient = series.places, np.zeros((len(by_shape), series.places[5].stop))
    steep = by_shape * (1 - spent.shape**2) / 2 * given.saturation[..., None]
    weights, relative = _backward_carry(spent.relative, spent.weights, steep, series.demand)
    gradient[:, at[0]] = _by_carry_over(given.carry_over, spent.weights, weights)
    gradient[:, at[1]] = (steep * spent.carried).sum(axis=-1)
    if series.demand:
        by_controls = by_controls - (relative * spent.relative).sum(axis=1)
    gradient[:, at[4]] = by_controls @ series.controls.T
    return gradient


def _backward_carry(
    relative: Floats, weights: Floats, slope: Floats, wanted: bool
) -> tuple[Floats, Floats]:
    """Derivatives by the weights (N, C, L), and by the spend (N, C, T) where `wanted`."""
    periods, lags = slope.shape[-1], weights.shape[-1]
    by_weight = np.zeros_like(weights)
    by_spend = weights[..., :1] * slope if wanted else slope
    by_weight[..., 0] = (slope * relative).sum(axis=-1)
    for lag in range(1, min(lags, periods)):
        by_weight[..., lag] = (slope[..., lag:] * relative[..., : periods - lag]).sum(axis=-1)
        if wanted:
            by_spend[..., : periods - lag] += weights[..., lag, None] * slope[..., lag:]
    return by_weight, by_spend


def _by_carry_over(carry_over: Floats, weights: Floats, slope: Floats) -> Floats:
    """Derivative by the logit of carry-over: d log w_k = (k - mean lag) (1 - carry_over)."""
    lags = np.arange(weights.shape[-1])
    late = lags - (weights * lags).sum(axis=-1, keepdims=True)
    slowed: Floats = (slope * weights * late).sum(axis=-1) * (1 - carry_over)
    return slowed


def _fit(series: Series, given: Parameters, mean: Floats) -> tuple[Floats, Floats, Floats]:
    """Log likelihood (N,), its derivative by the mean (N, T) and by the log of the noise (N,)."""
    counted = np.arange(mean.shape[-1]) >= series.skip
    outcome, periods = np.where(counted, series.outcome, 0.0), counted.sum()
    if series.counts:
        safe = np.maximum(mean, 1e-9)
        logs = np.log(np.where(outcome > 0, outcome, 1.0) / safe)
        away = 2 * np.where(counted, outcome * logs - (outcome - safe), 0.0).sum(axis=-1)
        slope = np.where(counted, (outcome - safe) / safe, 0.0) / given.noise[:, None]
        value = -0.5 * periods * np.log(given.noise) - 0.5 * away / given.noise
        by_phi = -0.5 * periods / given.noise + 0.5 * away / given.noise**2
        return value, slope, by_phi * (given.noise - 1)
    left = np.where(counted, outcome - mean, 0.0)
    away = (left**2).sum(axis=-1) / given.noise**2
    value = -periods * np.log(given.noise) - 0.5 * away
    return value, left / given.noise[:, None] ** 2, away - periods


def _test(test: SpendTest, change: Floats) -> tuple[Floats, Floats]:
    """Log likelihood (N,) of a test's result at changes (N, T), and its derivative by them."""
    window = np.zeros(change.shape[-1])
    window[test.start : test.stop] = 1
    left = (test.extra_outcome - change @ window) / test.standard_error
    return -0.5 * left**2, window * (left / test.standard_error)[:, None]


def without_test(series: Series, test: SpendTest) -> Floats:
    """Relative spend (C, T) had there been no test; never below 0."""
    spend = series.spend.copy()
    periods = slice(test.start, test.stop)
    each = test.extra_spend / (test.stop - test.start) / series.scale[test.channel]
    spend[test.channel, periods] = np.maximum(spend[test.channel, periods] - each, 0)
    return spend


def _prior(series: Series, vectors: Floats) -> tuple[Floats, Floats]:
    """Log density (N,) of the priors on the unbounded vectors, and its gradient (N, P).

    The shares that the channels brought and that came without spend are as likely one as the other,
    times the elasticity at the usual spend: so is, for each bend of the curve, what is asked for,
    the return on one more unit. Without that factor bent curves would make low returns likely.
    Shares are exponential variables over their sum, which has no corner that a chain could not
    leave, as shares over one of them would.
    """
    at, gradient = series.places, np.empty_like(vectors)
    a, b = CARRY_OVER_BETA
    logit = vectors[:, at[0]]
    value = (a * logit - (a + b) * np.logaddexp(0, logit)).sum(axis=-1)
    gradient[:, at[0]] = a - (a + b) / (1 + np.exp(-np.clip(logit, -LARGEST_LOG, LARGEST_LOG)))
    centres = np.log(SATURATION_AT_USUAL / series.usual)
    value += _normal(vectors, at[1], centres, SATURATION_SPREAD, gradient)
    bend = np.exp(np.clip(vectors[:, at[1]], -LARGEST_LOG, LARGEST_LOG)) * series.usual
    value += log_elasticity(bend).sum(axis=-1)
    gradient[:, at[1]] += 1 - bend / np.tanh(bend)
    value += _exponential(vectors, at[2], gradient)
    value += _normal(vectors, at[3], np.zeros(1), LEVEL_SPREAD, gradient)
    spread = LOG_CONTROL_SPREAD if series.demand else CONTROL_SPREAD
    value += _normal(vectors, at[4], np.zeros(1), spread, gradient)
    if series.counts:
        value += _exponential(vectors, at[5], gradient)
    else:
        centre = np.array([np.log(series.spread) + NOISE_CENTRE])
        value += _normal(vectors, at[5], centre, NOISE_SPREAD, gradient)
    return value, gradient


def _normal(
    vectors: Floats, place: slice, centre: Floats, spread: float, gradient: Floats
) -> Floats:
    away = (vectors[:, place] - centre) / spread
    gradient[:, place] = -away / spread
    value: Floats = -0.5 * (away**2).sum(axis=-1)
    return value


def _exponential(vectors: Floats, place: slice, gradient: Floats) -> Floats:
    """Log density of logs of exponential variables with mean 1."""
    natural_scale = np.exp(np.clip(vectors[:, place], -LARGEST_LOG, LARGEST_LOG))
    gradient[:, place] = 1 - natural_scale
    value: Floats = (vectors[:, place] - natural_scale).sum(axis=-1)
    return value
