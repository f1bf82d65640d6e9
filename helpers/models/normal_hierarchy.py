"""What groups are truly like behind noisy estimates: a normal hierarchy of unknown spread.

The best of twelve months looks better than it is, because luck made it the best. Here every group's
true value is drawn from what its own estimate and all the others say together: where the groups
differ no more than chance makes them, they are taken as alike.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

FEWEST_GROUPS = 3
SPREADS = 500


def draw_true_values(
    estimates: ArrayLike, errors: ArrayLike, *, draws: int = 4000, seed: int = 0
) -> Floats:
    """Draws of the groups' true values, given one estimate with standard error for each.

    estimate_j ~ N(true_j, error_j^2), true_j ~ N(mean, spread^2), mean and spread with flat priors;
    spread is drawn from its posterior on a grid, mean and true values from theirs in closed form.

    Args:
        estimates: One value a group.
        errors: Standard error of each, above 0.
        draws: How many joint draws.
        seed: Of the draws.

    Returns:
        Array of shape (draws, groups), in the unit of the estimates.

    Raises:
        ValueError: fewer than three groups, an error not above 0, or unequal lengths.

    Source: Gelman et al., Bayesian Data Analysis, 3rd ed., section 5.4 and eq. 5.17 to 5.21.
    """
    y, sigma = np.asarray(estimates, float), np.asarray(errors, float)
    _check(y, sigma)
    rng = np.random.default_rng(seed)
    spread = _draw_spread(y, sigma, draws, rng)[:, None]
    precision = 1 / (sigma**2 + spread**2)
    centre = (precision * y).sum(axis=1) / precision.sum(axis=1)
    mean = centre + rng.standard_normal(draws) / np.sqrt(precision.sum(axis=1))
    variance = 1 / (1 / sigma**2 + 1 / spread**2)
    middle = variance * (y / sigma**2 + mean[:, None] / spread**2)
    drawn: Floats = middle + np.sqrt(variance) * rng.standard_normal((draws, len(y)))
    return drawn


def _draw_spread(y: Floats, sigma: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Spread between groups, by inverse of its distribution on a grid of middles of cells."""
    farthest = 5 * max(float(y.std(ddof=1)), float(np.median(sigma)))
    grid = (np.arange(SPREADS) + 0.5) / SPREADS * farthest
    precision = 1 / (sigma**2 + grid[:, None] ** 2)
    centre = (precision * y).sum(axis=1) / precision.sum(axis=1)
    away = ((y - centre[:, None]) ** 2 * precision).sum(axis=1)
    log = 0.5 * (np.log(precision).sum(axis=1) - np.log(precision.sum(axis=1)) - away)
    weight = np.exp(log - log.max())
    cumulated = np.cumsum(weight) / weight.sum()
    cells = np.searchsorted(cumulated, rng.random(draws), side="right")
    drawn: Floats = grid[np.minimum(cells, SPREADS - 1)]
    return drawn


def _check(y: Floats, sigma: Floats) -> None:
    if y.shape != sigma.shape or y.ndim != 1 or len(y) < FEWEST_GROUPS:
        raise ValueError(
            f"estimates have shape {y.shape} and errors {sigma.shape}, must be one-dimensional, of "
            f"one length and at least {FEWEST_GROUPS} groups."
        )
    if not (np.isfinite(y).all() and np.isfinite(sigma).all() and (sigma > 0).all()):
        raise ValueError(
            "estimates must be finite and errors above 0; a share of 0 has an error too, take half "
            "of its Wilson interval."
        )
