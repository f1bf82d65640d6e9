"""Whether spend varied by itself, so that its response can be told from season and demand.

Where spend only follows the calendar or the demand, more customers in weeks of more spend say
nothing about what the spend did; a model fitted all the same returns its assumptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.models.response import ResponseFit, marginal, prior_marginal
from helpers.models.response_likelihood import adstock_weights, carry

Floats = NDArray[np.float64]

SMALLEST_VARIATION = 0.1
SMALLEST_SHARE = 0.1
FEWEST_CHANGES = 6
LARGEST_WIDTH = 0.5
MOST_SEASON_LEFT = 0.1
CARRY_OVER, LAGS = 0.5, 8
SHORTEST_SWING = 26
PERIODS_A_YEAR = 365.25 / 7
YEARLY_WAVES = 4
TRIMMED = 0.1
# Standard deviation of a normal variable whose outermost tenth is left out.
TRIMMED_DEVIATION = 0.7893
NOTHING = 0.1


@dataclass(frozen=True)
class Verdict:
    """Whether the response to one channel's spend can be told.

    Attributes:
        tells: Whether it can.
        reason: Empty where it can. Else the first that failed: `flat` (spend hardly varied),
            `calendar` (it varied with trend, season and events), `demand` (with free traffic),
            `together` (with other channels), `few_changes` (too few moves up and down),
            `not_converged` (the chains of the fit do not agree), `season_left` (the fit leaves
            season or demand in the outcome, which would pass for response), `prior` (the interval
            is hardly narrower than before any data).
        variation: Deviation of the log of carried-over spend in all.
        own_variation: The part of it that calendar, demand and other channels do not explain.
        changes: How often that part changed its sign.
        width: Width of the 95 % interval of the return on one more unit, over its width before any
            data; NaN without a fit.
    """

    tells: bool
    reason: str
    variation: float
    own_variation: float
    changes: int
    width: float


def can_tell(
    spend: ArrayLike, controls: ArrayLike | None = None, demand_index: ArrayLike | None = None,
    *, fit: ResponseFit | None = None, at: ArrayLike | None = None,
) -> list[Verdict]:  # fmt: skip
    """Judge each channel's spend, and with a fit also what the fit learned from it.

    The rule. Take the log of spend carried over at 0.5 a week. It tells where all hold:
    1. Its deviation left by a regression on the calendar (trend and swings of 26 weeks or longer;
       four yearly waves from 79 weeks on; the controls), the log of the demand index of this week
       and the last, and the other channels' carried spend is at least 0.1, that is about a tenth of
       the usual spend; the tenth of weeks that is farthest off does not count, so that some events
       alone are no variation.
    2. That part is at least a tenth of its variance.
    3. It changes its sign at least six times.
    4. With a fit: the chains agree; calendar and demand explain at most a tenth of what the fit
       leaves of the outcome, beyond chance; and the 95 % interval of the return on one more unit
       is at most half as wide as before any data.

    Spend of other periods than weeks is judged alike, with swings counted in periods. Spend booked
    by the month in one week has to be spread over the weeks that it works in before.

    Args:
        spend: (T, C) money per week.
        controls: (T, K) calendar as given to the fit.
        demand_index: (T,) free traffic, above 0; None where nothing is known of it.
        fit: The response fitted to this spend; None judges the spend alone.
        at: (C,) spend at which the return is asked; None for the usual spend.

    Returns:
        One verdict a channel, in their order.
    """
    money = np.asarray(spend, float)
    stages = _stages(money, controls, demand_index)
    widths = np.full(money.shape[1], np.nan) if fit is None else widths_of_interval(fit, at)
    _, known = _explanations(money, controls, demand_index)
    unexplained = fit is not None and season_left(fit.residuals, known) > MOST_SEASON_LEFT
    return [
        _verdict([stage[:, channel] for stage in stages], fit, float(widths[channel]), unexplained)
        for channel in range(money.shape[1])
    ]


def widths_of_interval(fit: ResponseFit, at: ArrayLike | None = None) -> Floats:
    """Width (C,) of the 95 % interval of the return on one more unit over that of its prior."""
    where = fit.usual if at is None else np.asarray(at, float)
    ends = [0.025, 0.975]
    after = np.diff(np.quantile(marginal(fit, where), ends, axis=0), axis=0)[0]
    before = np.diff(np.quantile(prior_marginal(fit, where), ends, axis=0), axis=0)[0]
    widths: Floats = after / before
    return widths


def season_left(residuals: Floats, known: Floats) -> float:
    """Share of the residuals' variance that calendar and demand explain, beyond what chance would.

    Args:
        residuals: (T,) of a fit; NaN where a period does not count.
        known: (T, K) calendar and demand.

    Returns:
        Adjusted R squared: 0 on average where nothing is left, 1 where all of it is.
    """
    counted = np.isfinite(residuals)
    kept = (residuals - residuals[counted].mean())[counted, None]
    left = _left(kept, known[counted])
    return float(1 - (left**2).sum() / len(left) / kept.var(ddof=1))


def _verdict(
    left: Sequence[Floats], fit: ResponseFit | None, width: float, unexplained: bool
) -> Verdict:
    """Verdict from what is left of the log of spend after each stage of explanation."""
    deviations = [trimmed_deviation(stage) for stage in left]
    changes = int((np.diff(np.sign(left[-1])) != 0).sum())
    reasons = ("flat", "calendar", "demand", "together")
    least = [SMALLEST_VARIATION, *[max(SMALLEST_VARIATION, _part(left[0]))] * 3]
    failed = [
        reason
        for reason, deviation, smallest in zip(reasons, deviations, least, strict=True)
        if not deviation >= smallest
    ]
    if changes < FEWEST_CHANGES:
        failed.append("few_changes")
    if fit is not None and not fit.converged:
        failed.append("not_converged")
    if unexplained:
        failed.append("season_left")
    if fit is not None and not width <= LARGEST_WIDTH:
        failed.append("prior")
    reason = failed[0] if failed else ""
    return Verdict(not failed, reason, deviations[0], deviations[-1], changes, width)


def _part(logs: Floats) -> float:
    """Deviation that is the smallest share of the variance that counts."""
    return float(np.sqrt(SMALLEST_SHARE) * logs.std())


def _stages(
    money: Floats, controls: ArrayLike | None, demand_index: ArrayLike | None
) -> list[Floats]:
    """Logs of carried spend (T, C): less their mean, calendar, demand, other channels."""
    logs = _log_carried(money)
    calendar, known = _explanations(money, controls, demand_index)
    together = np.column_stack(
        [
            _left(logs[:, [one]], np.column_stack([known, np.delete(logs, one, axis=1)]))[:, 0]
            for one in range(money.shape[1])
        ]
    )
    return [logs - logs.mean(axis=0), _left(logs, calendar), _left(logs, known), together]


def _explanations(
    money: Floats, controls: ArrayLike | None, demand_index: ArrayLike | None
) -> tuple[Floats, Floats]:
    """Calendar (T, K), and calendar with demand of this period and the last."""
    calendar = _calendar(len(money))
    if controls is not None:
        calendar = np.column_stack([calendar, np.asarray(controls, float)])
    if demand_index is None:
        return calendar, calendar
    demand = np.log(np.maximum(np.asarray(demand_index, float), 1e-9))
    return calendar, np.column_stack([calendar, demand, np.append(demand[0], demand[:-1])])


def _log_carried(money: Floats) -> Floats:
    """Log (T, C) of spend carried over, over its mean; a tenth of the mean more, for weeks of 0."""
    weights = adstock_weights(np.array([CARRY_OVER]), LAGS)
    stock = carry(money.T, weights) / carry(np.ones((1, len(money))), weights)
    usual = np.maximum(stock.mean(axis=1, keepdims=True), 1e-12)
    logs: Floats = np.log(stock / usual + NOTHING).T
    return logs


def _calendar(periods: int) -> Floats:
    """Constant, trend, swings down to half a year, and yearly waves where two years show them."""
    time = np.arange(periods)
    swings = np.arange(1, int(2 * periods // SHORTEST_SWING) + 1)
    columns = [np.ones((periods, 1)), (time / periods)[:, None]]
    columns.append(np.cos(np.pi * np.outer(time + 0.5, swings) / periods))
    if periods >= 1.5 * PERIODS_A_YEAR:
        waves = 2 * np.pi * np.outer(time, np.arange(1, YEARLY_WAVES + 1)) / PERIODS_A_YEAR
        columns += [np.cos(waves), np.sin(waves)]
    return np.column_stack(columns)


def _left(logs: Floats, known: Floats) -> Floats:
    """Residuals (T, C), scaled up for the columns that explained them."""
    fitted, _, rank, _ = np.linalg.lstsq(known, logs, rcond=1e-8)
    freedom = max(len(logs) - int(rank), 1)
    left: Floats = (logs - known @ fitted) * np.sqrt(len(logs) / freedom)
    return left


def trimmed_deviation(values: Floats) -> float:
    """Standard deviation without the tenth farthest from 0, as of a normal variable."""
    near = np.sort(np.abs(values))[: int(np.ceil(len(values) * (1 - TRIMMED)))]
    return float(np.sqrt((near**2).mean()) / TRIMMED_DEVIATION)
