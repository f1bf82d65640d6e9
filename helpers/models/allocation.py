"""Budget over channels that earns most by a fitted response, inside limits for each channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.models.estimate import Estimate
from helpers.models.response import ResponseFit, brought, marginal

Floats = NDArray[np.float64]
Returns = Callable[[Floats], Floats]

BISECTIONS = 60


@dataclass(frozen=True)
class Allocation:
    """Spend of a period that earns most, against today's.

    Attributes:
        spend: (C,) money per period.
        today: (C,) money per period now.
        gain: Profit a period above today's: posterior mean and 95 % interval; `n` counts the draws.
        gain_draws: (S,) the same, by draw.
        outcome_draws: (S,) outcome a period above today's, by draw.
        return_today: (C,) value that one more unit of spend brings at today's spend.
        return_then: (C,) the same at `spend`; equal for all channels off their limits.
    """

    spend: Floats
    today: Floats
    gain: Estimate
    gain_draws: Floats
    outcome_draws: Floats
    return_today: Floats
    return_then: Floats

    @property
    def total(self) -> float:
        """Money a period over all channels."""
        return float(self.spend.sum())


def allocate(
    fit: ResponseFit, value: ArrayLike, today: ArrayLike, budget: float | None,
    lower: ArrayLike, upper: ArrayLike, fixed: ArrayLike | None = None,
    *, demand: ArrayLike = 1.0,
) -> Allocation:  # fmt: skip
    """Spend that maximises the posterior mean of value * outcome - spend, in the steady state.

    Each channel's response is concave and they add up, so that at the best the mean return on one
    more unit is the same in all channels off their limits; that common return is found by
    bisection, exactly.

    Args:
        fit: The response.
        value: (C,) money that a unit of a channel's outcome is worth before its spend.
        today: (C,) money per period now.
        budget: Total per period, fixed channels included; None for whatever earns most. Where the
            limits do not reach it, the nearest total that they do.
        lower: (C,) least spend.
        upper: (C,) most spend, not beyond what has been seen.
        fixed: (C,) channels that keep today's spend because their response cannot be told.
        demand: Of the period meant, as in `expected`.

    Raises:
        ValueError: shapes that differ, or limits that cross.
    """
    worth, now = _channels(fit, value, "value"), _channels(fit, today, "today")
    kept = np.zeros(len(now), bool) if fixed is None else np.asarray(fixed, bool)
    low = np.where(kept, now, _channels(fit, lower, "lower"))
    high = np.where(kept, now, _channels(fit, upper, "upper"))
    if (low > high).any() or (low < 0).any():
        raise ValueError(f"lower == {low} and upper == {high}, must be 0 or more and not cross.")

    def returns(spend: Floats) -> Floats:
        return worth * marginal(fit, spend, demand).mean(axis=0)

    if budget is None:
        spend = _at_return(returns, 1.0, low, high)
    else:
        spend = _within(returns, budget, low, high)
    more = brought(fit, spend, demand) - brought(fit, now, demand)
    gain = more @ worth - (spend.sum() - now.sum())
    ends = np.quantile(gain, [0.025, 0.975])
    estimate = Estimate(float(gain.mean()), float(ends[0]), float(ends[1]), len(gain))
    return Allocation(spend, now, estimate, gain, more.sum(axis=1), returns(now), returns(spend))


def _channels(fit: ResponseFit, values: ArrayLike, name: str) -> Floats:
    numbers = np.asarray(values, float)
    if numbers.shape != fit.scale.shape or not np.isfinite(numbers).all():
        raise ValueError(
            f"{name} has shape {numbers.shape}, must be one finite number for each of "
            f"{len(fit.scale)} channels."
        )
    return numbers


def _at_return(returns: Returns, wanted: float, low: Floats, high: Floats) -> Floats:
    """Spend (C,) inside the limits at which one more unit brings `wanted` in each channel."""
    less, more = low, high
    for _ in range(BISECTIONS):
        middle = (less + more) / 2
        rich = returns(middle) > wanted
        less, more = np.where(rich, middle, less), np.where(rich, more, middle)
    spend: Floats = np.where(returns(high) >= wanted, high, less)
    return spend


def _within(returns: Returns, budget: float, low: Floats, high: Floats) -> Floats:
    """Spend (C,) inside the limits that adds up to the budget, at one return for all channels."""
    total = min(max(budget, float(low.sum())), float(high.sum()))
    dear, cheap = 0.0, float(returns(low).max())
    for _ in range(BISECTIONS):
        middle = (dear + cheap) / 2
        over = _at_return(returns, middle, low, high).sum() > total
        dear, cheap = (middle, cheap) if over else (dear, middle)
    below, above = (_at_return(returns, wanted, low, high) for wanted in (cheap, dear))
    room = float(above.sum() - below.sum())
    spend: Floats = below + (above - below) * ((total - below.sum()) / room if room > 0 else 0.0)
    return spend
