"""Kaplan-Meier: what share has had an event by each time, when some are still waiting.

Source: Kaplan and Meier (1958); Kalbfleisch and Prentice (2002), section 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """Share with an event by time; a step function that rises at `times`.

    Attributes:
        times: Distinct times with an event, ascending.
        share: Share with an event at or before each of them, 0 to 1.
        low: Lower end of the pointwise 95 % interval.
        high: Its upper end.
        observed: Distinct times of all units, events and waits, ascending.
        remaining: Units whose time is at least as long as each of `observed`.
    """

    times: Floats
    share: Floats
    low: Floats
    high: Floats
    observed: Floats
    remaining: Floats

    def at(self, times: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
        """Read the curve.

        Args:
            times: Where to read, in the unit of the fit.

        Returns:
            `(share, low, high, at_risk)`; `at_risk` counts the units that had neither event nor
            end of watch before that time. Beyond the longest time all are NaN and `at_risk` is 0.
        """
        asked = np.atleast_1d(np.asarray(times, float))
        at_risk = np.append(self.remaining, 0.0)[np.searchsorted(self.observed, asked)]
        place = np.searchsorted(self.times, asked, side="right")
        read = (np.append(0.0, column)[place] for column in (self.share, self.low, self.high))
        share, low, high = (np.where(at_risk > 0, values, np.nan) for values in read)
        return share, low, high, at_risk

    def time_of(self, share: float, until: float) -> float:
        """First time by which `share` of those with an event by `until` have had theirs.

        NaN where nobody has had one by then.
        """
        inside = self.times <= until
        if not inside.any():
            return float("nan")
        reached = self.share[inside] >= share * self.share[inside][-1] - 1e-12
        return float(self.times[inside][reached.argmax()])


def kaplan_meier(times: ArrayLike, events: ArrayLike, counts: ArrayLike | None = None) -> Curve:
    """Fit the curve; units that share a time may come as one row with their count.

    The interval is Greenwood's on the scale log(-log(survival)), so it stays within 0 and 1. At
    equal times events come before ends of watch.

    Args:
        times: Time to the event or to the end of watch, 0 or more.
        events: 1 for an event, 0 for a unit still waiting when the watch ended.
        counts: Units a row; 1 when not given.

    Raises:
        ValueError: No unit, or a time below 0.
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    time, status = np.asarray(times, float), np.asarray(events, float)
    weights = np.ones(len(time)) if counts is None else np.asarray(counts, float)
    if not weights.sum() > 0:
        raise ValueError(f"{len(time)} rows count {weights.sum():g} units, must be at least 1.")
    if (time < 0).any():
        raise ValueError(f"times have a minimum of {time.min():g}, must be 0 or more.")
    observed, place = np.unique(time, return_inverse=True)
    remaining = np.bincount(place, weights=weights)[::-1].cumsum()[::-1]
    if not (status * weights).any():
        none = np.zeros(0)
        return Curve(none, none, none, none, observed, remaining)
    fitted = SurvfuncRight(time, status, freq_weights=weights)
    survival = np.clip(fitted.surv_prob, 0.0, 1.0)
    low, high = _interval(survival, fitted.n_risk, fitted.n_events)
    return Curve(fitted.surv_times, 1 - survival, low, high, observed, remaining)


def _interval(survival: Floats, at_risk: Floats, events: Floats) -> tuple[Floats, Floats]:
    """Ends of the share with an event; an end that is not defined (survival 0) is the share's."""
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(events / (at_risk * (at_risk - events)))
        scale = norm.ppf(0.975) * np.sqrt(variance) / np.log(survival)
        low, high = 1 - survival ** np.exp(scale), 1 - survival ** np.exp(-scale)
    share = 1 - survival
    return np.where(np.isfinite(low), low, share), np.where(np.isfinite(high), high, share)


def resampled_shares(
    events: ArrayLike, units: ArrayLike, *, resamples: int = 400, seed: int = 20240229
) -> Floats:
    """The curve of many resamples of independent groups, for intervals where units hang together.

    Args:
        events: Events by group (rows) and time (columns, ascending).
        units: Units whose time it is, events and ends of watch, in the same shape.
        resamples: How many.
        seed: Of the random draws of groups, with return.

    Returns:
        One row a resample: share with an event at or before each time, 0 to 1.

    Source: Efron and Tibshirani (1993), chapter 8: the bootstrap of clusters.
    """
    happened, ended = np.asarray(events, float), np.asarray(units, float)
    groups = len(ended)
    draws = np.random.default_rng(seed).multinomial(
        groups, np.full(groups, 1 / groups), size=resamples
    )
    at_risk = (draws @ ended)[:, ::-1].cumsum(axis=1)[:, ::-1]
    hazard = np.divide(draws @ happened, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    return 1 - (1 - hazard).cumprod(axis=1)
