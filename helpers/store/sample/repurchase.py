"""True repurchase rates: expectations under BG/NBD, by integration.

Over rate ~ gamma(r, alpha) the expectation of exp(-rate x) is (alpha / (alpha + x))^r; over the
leaving probability ~ beta(a, b) it is a Gauss-Jacobi sum. Alive is who has not left; a customer
leaves at rate x p. Purchases of one day count once, so a second day must follow the first: half a
day on average.
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


def cohort_rate(truth: BuyingTruth, window_days: float = YEAR_DAYS) -> float:
    """Chance of a second purchase day within so many days of the first purchase."""
    leaving, weight = _leaving(truth)
    alive = leaving * HALF_DAY
    return float(weight @ (_laplace(truth, alive) - _laplace(truth, alive + window_days)))


def trailing_rate(
    truth: BuyingTruth, clock: Clock, new_customers: np.ndarray, end: int, days: int = YEAR_DAYS
) -> float:
    """Expected share of a window's buyers with two or more purchase days in it.

    Args:
        truth: The buying truth.
        clock: Operational time.
        new_customers: Expected new customers by day.
        end: The window's days are those before this one.
        days: Length of the window.
    """
    leaving, weight = _leaving(truth)
    p = leaving[:, None]
    begin = max(end - days, 0)
    length = clock.reached[end] - clock.reached[begin]
    middle = clock.reached[:-1] + clock.speed / 2
    old, young = slice(0, begin), slice(begin, end)
    since = clock.reached[begin] - middle[old]
    once = _laplace(truth, p * since) - _laplace(truth, p * since + length)
    shorter = max(length - HALF_DAY, 0.0)
    start = p * (since + HALF_DAY)
    later = start + shorter
    twice = _laplace(truth, start) - _laplace(truth, later) - shorter * _laplace_rate(truth, later)
    twice = (1 - p) * twice
    left = np.maximum(clock.reached[end] - middle[young] - HALF_DAY, 0.0)
    again = _laplace(truth, p * HALF_DAY) - _laplace(truth, p * HALF_DAY + left)
    buyers = weight @ once @ new_customers[old] + new_customers[young].sum()
    returned = weight @ twice @ new_customers[old] + weight @ again @ new_customers[young]
    return float(returned / buyers)
