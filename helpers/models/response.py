"""Response of an outcome to spend: carry-over, diminishing returns, and what one more unit brings.

The model of period t over channels c, with demand D_t:

    mean_t = D_t * (base + sum_c effect_c * S(saturation_c * a_ct)),  D_t = exp(controls_t . gamma)
    a_ct   = sum_k w_ck * spend_c,t-k / (scale_c * D_t-k),  w_ck proportional to carry_over_c^k
    S(x)   = (1 - exp(-x)) / (1 + exp(-x))

Without demand D_t is 1 and the controls add to the mean. Spend is taken as set from outside:
whether it varied enough by itself to tell is for `response_tellability.can_tell` to say, and has to
be asked.

Source: Jin, Wang, Sun, Chan and Koehler (2017), Bayesian methods for media mix modeling with
carryover and shape effects; Broadbent (1979) for adstock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.models import response_likelihood as likelihood
from helpers.models.response_likelihood import (
    Parameters,
    Series,
    SpendTest,
    saturate,
    saturation_slope,
)
from helpers.models.response_sampler import Sample, sample

__all__ = [
    "ResponseFit", "SpendTest", "brought", "contribution_shares", "expected", "fit_response",
    "marginal", "prior_marginal",
]  # fmt: skip

Floats = NDArray[np.float64]

FEWEST_PERIODS = 26
PRIOR_DRAWS = 4000


@dataclass(frozen=True)
class ResponseFit:
    """Draws from the posterior: S draws, C channels, K controls, T periods.

    Attributes:
        carry_over: (S, C) share of an effect that is left a period later, 0 to 1.
        saturation: (S, C) per `scale` of spend.
        effect: (S, C) outcome a period that a channel brings at most, at demand 1.
        base: (S,) outcome a period without any spend, at demand 1 and the controls' means.
        gamma: (S, K) of the controls as given: on the log scale with demand, else in the outcome's
            unit.
        noise: (S,) variance over mean for counts, else standard deviation.
        scale: (C,) largest spend of a period.
        usual: (C,) mean spend of the periods with any.
        level: Mean outcome of a period.
        demand: (S, T) multiplier of each period, 1 on the (geometric) average; 1 without demand.
        mean: (S, T) expected outcome.
        contributions: (S, T, C) outcome that each channel brought.
        residuals: (T,) outcome less the posterior mean's expectation, in its standard deviations;
            NaN for periods that count for carry-over only.
        converged: Whether the chains agree and are long enough; else no number here is one to show.
        r_hat: Largest split R-hat of a parameter.
        effective_draws: Smallest effective sample size of a parameter.
    """

    carry_over: Floats
    saturation: Floats
    effect: Floats
    base: Floats
    gamma: Floats
    noise: Floats
    scale: Floats
    usual: Floats
    level: float
    demand: Floats
    mean: Floats
    contributions: Floats
    residuals: Floats
    converged: bool
    r_hat: float
    effective_draws: float


def fit_response(
    outcome: ArrayLike, spend: ArrayLike, *, controls: ArrayLike | None = None,
    demand: bool = True, counts: bool = True, tests: Sequence[SpendTest] = (), lags: int = 8,
    skip: int | None = None, draws: int = 1000, seed: int = 0,
) -> ResponseFit:  # fmt: skip
    """Fit the response by Hamiltonian Monte Carlo.

    Priors, weak and the same for all channels: carry-over Beta(1.4, 2.1); saturation at the usual
    spend log-normal around 1.5 with deviation 0.8 of its log (95 % from almost a straight line to
    almost no more response); shares of the mean outcome that the channels brought and that came
    without spend alike, such that the return on one more unit is so, too; a control's standard
    deviation moves the outcome by a factor exp(N(0, 1)), or by three of its deviations; phi - 1
    exponential with mean 1.

    Args:
        outcome: (T,) per period, in order of time; 0 or more.
        spend: (T, C) money per period, 0 or more, with some in every channel.
        controls: (T, K) calendar (trend, season, events) or other causes not moved by spend;
            centred here. None for none.
        demand: Whether controls multiply everything; else they add.
        counts: Whether the outcome's variance is proportional to its mean (at least 1 times); else
            it is constant.
        tests: Tests of spend, each a normal observation of the difference that the model predicts.
        lags: Periods over which spend works.
        skip: First periods that count for carry-over only; None for lags - 1, as is right where
            spend before the first period is not known. It is taken as none.
        draws: Draws kept.
        seed: The same seed gives the same draws.

    Raises:
        ValueError: shapes that do not fit, too few periods, values not finite or below 0, a channel
            without spend, or a test outside the periods.
    """
    skipped = lags - 1 if skip is None else skip
    series, deviations = _series(outcome, spend, controls, demand, counts, lags, skipped, tests)
    found = sample(lambda at: likelihood.log_posterior(series, at), _starts(series), seed=seed)
    flat = found.draws.transpose(1, 0, 2).reshape(-1, found.draws.shape[-1])
    kept = flat[np.linspace(0, len(flat) - 1, min(draws, len(flat))).astype(int)]
    return _fitted(series, likelihood.natural(series, kept), deviations, found)


def brought(fit: ResponseFit, spend: ArrayLike, demand: ArrayLike = 1.0) -> Floats:
    """Outcome a period (S, C) that each channel's spend (C,) brings in the steady state.

    Args:
        fit: The response.
        spend: (C,) money per period that goes on for good.
        demand: One number, or one a draw (S,), such as a mean over periods of `fit.demand`.
    """
    times = np.broadcast_to(np.asarray(demand, float), fit.base.shape)[:, None]
    x = np.asarray(spend, float) / (fit.scale * times)
    outcome: Floats = times * fit.effect * saturate(fit.saturation * x)
    return outcome


def expected(fit: ResponseFit, spend: ArrayLike, demand: ArrayLike = 1.0) -> Floats:
    """Outcome a period (S,), base included, where spend (C,) a period goes on for good."""
    outcome: Floats = np.asarray(demand, float) * fit.base
    return outcome + brought(fit, spend, demand).sum(axis=1)


def marginal(fit: ResponseFit, spend: ArrayLike, demand: ArrayLike = 1.0) -> Floats:
    """Outcome per further unit of spend (S, C), in the steady state at spend (C,) a period."""
    times = np.broadcast_to(np.asarray(demand, float), fit.base.shape)
    x = np.asarray(spend, float) / (fit.scale * times[:, None])
    rate: Floats = fit.effect * fit.saturation * saturation_slope(fit.saturation * x) / fit.scale
    return rate


def contribution_shares(fit: ResponseFit) -> Floats:
    """Share (S, C) of the expected outcome over all periods that each channel brought."""
    shares: Floats = fit.contributions.sum(axis=1) / fit.mean.sum(axis=1)[:, None]
    return shares


def prior_marginal(fit: ResponseFit, spend: ArrayLike, seed: int = 0) -> Floats:
    """What `marginal` would be before any data: draws (4000, C) of the priors at demand 1."""
    rng = np.random.default_rng(seed)
    channels, tries = len(fit.scale), 20 * PRIOR_DRAWS
    log = np.log(likelihood.SATURATION_AT_USUAL)
    bend = np.exp(rng.normal(log, likelihood.SATURATION_SPREAD, (tries, channels)))
    weight = np.exp(likelihood.log_elasticity(bend).sum(axis=1))
    taken = rng.choice(tries, PRIOR_DRAWS, p=weight / weight.sum())
    share = rng.dirichlet(np.ones(channels + 1), PRIOR_DRAWS)[:, :-1]
    at_usual = bend[taken]
    effect = fit.level * share / saturate(at_usual)
    slope = saturation_slope(at_usual * np.asarray(spend, float) / fit.usual)
    rate: Floats = effect * at_usual * slope / fit.usual
    return rate


def _series(
    outcome: ArrayLike, spend: ArrayLike, controls: ArrayLike | None, demand: bool, counts: bool,
    lags: int, skip: int, tests: Sequence[SpendTest],
) -> tuple[Series, Floats]:  # fmt: skip
    """The series in the model's units, and the deviations of the controls."""
    y, money = np.asarray(outcome, float), np.asarray(spend, float)
    other = np.empty((len(y), 0)) if controls is None else np.asarray(controls, float)
    _check(y, money, other, lags, skip, tests)
    counted = y[skip:]
    means, deviations = other.mean(axis=0), other.std(axis=0)
    deviations = np.where(deviations > 0, deviations, 1.0)
    scale = money.max(axis=0)
    usual = money.sum(axis=0) / (money > 0).sum(axis=0) / scale
    series = Series(
        y, (money / scale).T, ((other - means) / deviations).T, scale, usual,
        float(counted.mean()), float(counted.std()), demand, counts, lags, skip, tuple(tests),
    )  # fmt: skip
    return series, deviations


def _starts(series: Series) -> Floats:
    """Where the search begins: small and large shares of the channels, straight and bent."""
    at, channels = series.places, len(series.spend)
    starts = np.zeros((4, at[5].stop))
    for start, (share, bend) in zip(starts, [(0.3, 1), (0.3, 3), (0.7, 1), (0.7, 3)], strict=True):
        start[at[0]] = -0.5
        start[at[1]] = np.log(bend / series.usual)
        start[at[2]] = np.log(np.append(np.full(channels, share / channels), 1 - share))
        start[at[5]] = -1 if series.counts else np.log(series.spread) - 1
    return starts


def _fitted(series: Series, given: Parameters, deviations: Floats, found: Sample) -> ResponseFit:
    seen = likelihood.carried(series, given, series.spend)
    effect = likelihood.effects(given, seen)
    mean = likelihood.mean_outcome(series, given, effect, seen)
    by_channel = seen.demand[:, None] * effect[..., None] * seen.shape
    unit = 1.0 if series.demand else series.spread
    middle, noise = mean.mean(axis=0), given.noise.mean()
    residuals = (series.outcome - middle) / (np.sqrt(noise * middle) if series.counts else noise)
    residuals[: series.skip] = np.nan
    return ResponseFit(
        given.carry_over, given.saturation, effect, given.level * given.shares[:, -1],
        given.gamma * unit / deviations, given.noise, series.scale, series.usual * series.scale,
        series.level, seen.demand, mean, by_channel.transpose(0, 2, 1), residuals,
        found.converged, float(found.r_hat.max()), float(found.effective.min()),
    )  # fmt: skip


def _check(
    y: Floats, spend: Floats, controls: Floats, lags: int, skip: int, tests: Sequence[SpendTest]
) -> None:
    if y.ndim != 1 or spend.ndim != 2 or controls.ndim != 2:
        raise ValueError(
            f"outcome, spend and controls have {y.ndim}, {spend.ndim} and {controls.ndim} axes, "
            "must have 1, 2 and 2: periods, periods by channels, periods by controls."
        )
    if not len(y) == len(spend) == len(controls):
        raise ValueError(
            f"outcome, spend and controls have {len(y)}, {len(spend)} and {len(controls)} periods, "
            "must have the same."
        )
    if skip < 0 or lags < 1 or len(y) - skip < FEWEST_PERIODS:
        raise ValueError(
            f"{len(y)} periods with skip == {skip} and lags == {lags}, must leave at least "
            f"{FEWEST_PERIODS} after `skip`, which is 0 or more, with lags from 1."
        )
    for name, values in (("outcome", y[skip:]), ("spend", spend), ("controls", controls)):
        if not np.isfinite(values).all() or (name != "controls" and (values < 0).any()):
            raise ValueError(f"{name} must be finite, and outcome and spend 0 or more.")
    if not (spend > 0).any(axis=0).all() or not y[skip:].any():
        raise ValueError("every channel must have spend and the outcome must not be 0 throughout.")
    for test in tests:
        inside = 0 <= test.start < test.stop <= len(y) and 0 <= test.channel < spend.shape[1]
        if not inside or test.standard_error <= 0:
            raise ValueError(f"{test}, must lie within the series with a standard error above 0.")
