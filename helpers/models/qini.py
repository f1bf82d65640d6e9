"""What contacting the customers with the highest scores first brings, in a randomised test.

The arms are compared inside every group of scores, so the gain is unbiased whatever the scores
are worth. Intervals come from resampling customers with a fixed seed.

Scores that are cross-fitted share data: two folds judge each other's models with the same
customers, so what targeting gains over contacting at random varies more than resampling at fixed
scores says; with no true difference between customers by exactly twice the variance (each pair of
folds is counted twice). That part is widened by the root of 2. Simulated without any difference
between customers (4,000 customers, 150 tests) intervals without it held 0 in 85 %.

Source: Radcliffe (2007), Using control groups to target on predicted lift; Surry and Radcliffe
(2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 500
SHARED_DATA = float(np.sqrt(2))
SEED = 20_240_607
_DRAWS_AT_ONCE = 50


@dataclass(frozen=True)
class Sums:
    """Customers and outcomes by step of the score and arm, seen and resampled.

    Attributes:
        customers: Shape (draws + 1, steps, 2); the first is what was seen, the last axis is
            control, contacted.
        outcomes: Shape (draws + 1, steps, 2, outcomes): sums of each outcome.
    """

    customers: Floats
    outcomes: Floats

    @property
    def share(self) -> Floats:
        """Share of all customers who are contacted, 0 to 1; shape (steps + 1,)."""
        seen = self.customers[0].sum(axis=1).cumsum()
        return np.concatenate([[0.0], seen / seen[-1]])

    @property
    def effects(self) -> Floats:
        """Contacted less control inside each step; shape (draws + 1, steps, outcomes)."""
        whole = _differences(self.outcomes.sum(axis=1), self.customers.sum(axis=1))
        return _widened(_differences(self.outcomes, self.customers), whole[:, None])

    @property
    def gains(self) -> Floats:
        """The Qini curve: outcomes gained per customer when the best steps are contacted.

        Shape (draws + 1, steps + 1, outcomes), from 0. At a step it is (contacted outcomes -
        control outcomes x contacted customers / control customers) / all contacted customers.
        """
        customers = self.customers.cumsum(axis=1)
        outcomes = self.outcomes.cumsum(axis=1)
        ratio = customers[..., 1] / np.maximum(customers[..., 0], 1)
        gained = outcomes[:, :, 1] - outcomes[:, :, 0] * ratio[..., None]
        per_customer = gained / customers[:, -1:, 1, None]
        curve = np.concatenate([np.zeros_like(per_customer[:, :1]), per_customer], axis=1)
        return _widened(curve, self.share[None, :, None] * curve[:, -1:])

    def coarser(self, steps: int) -> Sums:
        """The same in fewer steps; must divide the number there is."""
        draws, fine = self.customers.shape[:2]
        if fine % steps:
            raise ValueError(f"steps == {steps}, must divide {fine}.")
        return Sums(
            self.customers.reshape(draws, steps, fine // steps, 2).sum(axis=2),
            self.outcomes.reshape(draws, steps, fine // steps, 2, -1).sum(axis=2),
        )


def _differences(outcomes: Floats, customers: Floats) -> Floats:
    """Mean outcome of the contacted less that of the control; NaN where an arm is empty."""
    with np.errstate(invalid="ignore", divide="ignore"):
        means = outcomes / customers[..., None]
    return means[..., 1, :] - means[..., 0, :]


def _widened(draws: Floats, at_random: Floats) -> Floats:
    """Draws whose distance from what contacting at random brings varies more, as shared data do."""
    above = draws - at_random
    return at_random + above[:1] + SHARED_DATA * (above - above[:1])


@dataclass(frozen=True)
class Interval:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Choice:
    """The share to contact that pays best, judged without the luck of being chosen.

    Attributes:
        step: Which share was chosen, 0 for nobody.
        profit: Profit per customer at it.
        over_everybody: Profit per customer above contacting everybody.
        steps: Share chosen in 95 % of resamples, lowest and highest.
    """

    step: int
    profit: Interval
    over_everybody: Interval
    steps: tuple[int, int]


def resample(
    places: ArrayLike,
    treated: ArrayLike,
    outcomes: ArrayLike,
    *,
    steps: int = 100,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Sums:
    """Count customers and outcomes by step and arm, as seen and in resamples of the customers.

    Customers who are alike (step, arm, outcomes) are drawn together, which is the same bootstrap
    and takes a hundredth of the time where most outcomes are 0.

    Args:
        places: 0 (contacted first) to below 1 (last), one per customer.
        treated: 1 where contacted, else 0.
        outcomes: One column an outcome, or a single one.
        steps: Groups of equal size along `places`.
        draws: Resamples.
        seed: Seed of the resamples; the rows' order plays no part.

    Raises:
        ValueError: Unequal lengths, places outside [0, 1), or an empty arm.
    """
    place, arm = np.asarray(places, float), np.asarray(treated, int)
    values = np.asarray(outcomes, float).reshape(len(place), -1)
    _check(place, arm)
    step = np.minimum((place * steps).astype(int), steps - 1)
    rows = np.column_stack([step, arm, values])
    alike, counts = np.unique(rows, axis=0, return_counts=True)
    cell = (alike[:, 0] * 2 + alike[:, 1]).astype(int)
    random = np.random.default_rng(seed)
    shares = counts / counts.sum()
    parts = [_by_cell(counts[None, :].astype(float), cell, alike[:, 2:], steps)]
    for start in range(0, draws, _DRAWS_AT_ONCE):
        many = min(_DRAWS_AT_ONCE, draws - start)
        weights = random.multinomial(len(place), shares, size=many).astype(float)
        parts.append(_by_cell(weights, cell, alike[:, 2:], steps))
    return Sums(
        np.concatenate([customers for customers, _ in parts]),
        np.concatenate([sums for _, sums in parts]),
    )


def _by_cell(weights: Floats, cell: Ints, values: Floats, steps: int) -> tuple[Floats, Floats]:
    """Sum weights and weighted outcomes over the rows of each step and arm; rows are sorted."""
    present, starts = np.unique(cell, return_index=True)
    customers = np.zeros((len(weights), 2 * steps))
    customers[:, present] = np.add.reduceat(weights, starts, axis=1)
    sums = np.zeros((len(weights), 2 * steps, values.shape[1]))
    for column in range(values.shape[1]):
        weighted = weights * values[:, column]
        sums[:, present, column] = np.add.reduceat(weighted, starts, axis=1)
    shape = (len(weights), steps, 2)
    return customers.reshape(shape), sums.reshape(*shape, values.shape[1])


def _check(place: Floats, arm: Ints) -> None:
    if place.shape != arm.shape:
        raise ValueError(
            f"places have shape {place.shape} and treated {arm.shape}, must be of one length."
        )
    if len(place) and not (place.min() >= 0 and place.max() < 1):
        raise ValueError(f"places run from {place.min():g} to {place.max():g}, must be in [0, 1).")
    if not 0 < arm.sum() < len(arm):
        raise ValueError("treated must hold both 0 and 1: an arm is empty.")


def qini(sums: Sums, outcome: int = 0) -> Interval:
    """The Qini coefficient: area between the curve and the straight line to its end.

    In outcomes per customer, the mean over all shares contacted of what the scores gain over
    contacting as many at random; 0 where scores say nothing about the effect.
    """
    return _interval(_areas(sums, outcome))


def _areas(sums: Sums, outcome: int) -> Floats:
    """Area between curve and straight line in every draw."""
    gains = sums.gains[..., outcome]
    above = gains - gains[:, -1:] * sums.share
    return ((above[:, 1:] + above[:, :-1]) / 2) @ np.diff(sums.share)


def qini_by_part(
    places: ArrayLike, treated: ArrayLike, outcome: ArrayLike, part: ArrayLike
) -> Floats:
    """The Qini coefficient in each part of the customers (each fold), in order of the parts."""
    columns = [np.asarray(one) for one in (places, treated, outcome, part)]
    found = []
    for value in np.unique(columns[3]):
        own = columns[3] == value
        sums = resample(columns[0][own], columns[1][own], columns[2][own], draws=0)
        found.append(float(_areas(sums, 0)[0]))
    return np.array(found)


def interval_of(draws: Floats) -> tuple[Floats, Floats, Floats]:
    """Value seen and 95 % interval of the resamples, over the first axis."""
    low, high = np.nanpercentile(draws[1:], [2.5, 97.5], axis=0)
    return draws[0], low, high


def _interval(draws: Floats) -> Interval:
    value, low, high = interval_of(draws)
    return Interval(float(value), float(low), float(high))


def best_share(gains: Floats, share: Floats, cost: float) -> Choice:
    """The share to contact with the highest profit, and what it earns.

    The highest of many is flattered by luck. By how much is read from the resamples: what a share
    chosen in a resample earns there, less what it earned in truth, that is in what was seen. Value
    and interval are lowered by the mean of it.

    Args:
        gains: Money gained per customer before contact cost, (draws + 1, steps + 1), from 0.
        share: Share contacted at each step.
        cost: What one contact costs.
    """
    profit = gains - cost * share
    over = profit - profit[:, -1:]
    step = int(np.argmax(profit[0]))
    chosen = np.argmax(profit[1:], axis=1)
    draws = np.arange(len(chosen))
    parts = []
    for values in (profit, over):
        luck = float((values[1:][draws, chosen] - values[0][chosen]).mean())
        seen = _interval(values[:, step])
        luck = max(luck, 0.0) if (values[:, step] != 0).any() else 0.0
        parts.append(Interval(seen.value - luck, seen.low - luck, seen.high - luck))
    steps = np.percentile(chosen, [2.5, 97.5], method="nearest")
    return Choice(step, parts[0], parts[1], (int(steps[0]), int(steps[1])))
