"""True repurchase rates: expectations under BG/NBD, by integration.

Over rate ~ gamma(r, alpha) the expectation of exp(-rate x) is (alpha / (alpha + x))^r; over the
leaving probability p ~ beta(a, b) it is a Gauss-Jacobi sum. A customer leaves at rate x p. A
purchase counts with the same chance v, whatever came before (some are cancelled): counted
purchases of a customer who is there begin at rate x c with c = v + (1 - v) p, and end by a counted
purchase, not by leaving, with chance v / c. Purchases of one day count once, so a second day must
follow the first: half a day on average.
"""

from __future__ import annotations

import numpy as np
from scipy.special import roots_jacobi

from helpers.store.sample.clock import Clock
from helpers.store.sample.settings import BuyingTruth

NODES = 64
HALF_DAY = 0.5
YEAR_DAYS = 365


def _leaving(truth: BuyingTruth) -> tuple[np.ndarray, np.ndarray]:
    """Leaving probabilities and their weights."""
    nodes, weights = roots_jacobi(NODES, truth.b - 1, truth.a - 1)
    return (1 + nodes) / 2, weights / weights.sum()


def _laplace(truth: BuyingTruth, x: np.ndarray) -> np.ndarray:
    """Expectation of exp(-rate x)."""
    return (truth.alpha / (truth.alpha + x)) ** truth.r


def _laplace_rate(truth: BuyingTruth, x: np.ndarray) -> np.ndarray:
    """Expectation of rate x exp(-rate x)."""
    return truth.r / truth.alpha * (truth.alpha / (truth.alpha + x)) ** (truth.r + 1)


def cohort_rate(
    truth: BuyingTruth, window_days: float = YEAR_DAYS, *, counted: float = 1.0
) -> float:
    """Chance of a second purchase day within so many days of a first purchase that counts."""
    p, weight = _leaving(truth)
    speed, end_by_purchase = _counting(p, counted)
    alive = p * HALF_DAY
    again = _laplace(truth, alive) - _laplace(truth, alive + speed * window_days)
    return float(weight @ (end_by_purchase * again))


def trailing_rate(
    truth: BuyingTruth,
    clock: Clock,
    new_customers: np.ndarray,
    end: int,
    days: int = YEAR_DAYS,
    *,
    counted: float = 1.0,
) -> float:
    """Expected share of a window's buyers with two or more purchase days in it.

    Args: as `trailing_buyers`.
    """
    buyers, returned = trailing_buyers(truth, clock, new_customers, end, days, counted=counted)
    return returned / buyers


def trailing_buyers(
    truth: BuyingTruth,
    clock: Clock,
    new_customers: np.ndarray,
    end: int,
    days: int = YEAR_DAYS,
    *,
    counted: float = 1.0,
) -> tuple[float, float]:
    """Expected buyers of a window, and those of them with two or more purchase days in it.

    Args:
        truth: The buying truth.
        clock: Operational time.
        new_customers: Expected new customers by day.
        end: The window's days are those before this one.
        days: Length of the window.
        counted: Chance that a purchase counts.
    """
    leaving, weight = _leaving(truth)
    begin = max(end - days, 0)
    middle = clock.reached[:-1] + clock.speed / 2
    p = leaving[:, None]
    since = clock.reached[begin] - middle[:begin]
    length = np.full(begin, clock.reached[end] - clock.reached[begin])
    once, twice = _once_and_twice(truth, p, p * since, length, counted)
    left = np.maximum(clock.reached[end] - middle[begin:end], HALF_DAY)
    later, later_twice = _once_and_twice(truth, p, 0 * left, left, counted)
    again, _ = _once_and_twice(truth, p, p * HALF_DAY, left - HALF_DAY, counted)
    old, young = new_customers[:begin], new_customers[begin:end]
    young_once = counted + (1 - counted) * later
    young_twice = counted * again + (1 - counted) * later_twice
    buyers = weight @ once @ old + weight @ young_once @ young
    returned = weight @ twice @ old + weight @ young_twice @ young
    return float(buyers), float(returned)


def _counting(p: np.ndarray, counted: float) -> tuple[np.ndarray, np.ndarray]:
    """Factor c on the rate, and v / c."""
    speed = counted + (1 - counted) * p
    return speed, counted / speed


def _once_and_twice(
    truth: BuyingTruth, p: np.ndarray, before: np.ndarray, length: np.ndarray, counted: float
) -> tuple[np.ndarray, np.ndarray]:
    """Chance of one or more, and of two or more, counted purchase days in a window.

    Args:
        truth: The buying truth.
        p: Leaving probability.
        before: What the rate has to be multiplied with for the chance to have left before.
        length: Length of the window.
        counted: Chance that a purchase counts.
    """
    speed, end_by_purchase = _counting(p, counted)
    once = _laplace(truth, before) - _laplace(truth, before + speed * length)
    shorter = speed * np.maximum(length - HALF_DAY, 0.0)
    start = before + p * HALF_DAY
    later = start + shorter
    twice = _laplace(truth, start) - _laplace(truth, later) - shorter * _laplace_rate(truth, later)
    return end_by_purchase * once, (1 - p) * end_by_purchase**2 * twice
