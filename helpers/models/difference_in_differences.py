"""What a change did to one of many series of counts: difference in differences on logs.

One unit is changed on a day, the others are not. How far unchanged units move by themselves from
before to after, beyond what counts vary, says how far the changed one might have moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student_t

Floats = NDArray[np.float64]

FEWEST_CONTROLS = 5
CONTINUITY = 0.5


@dataclass(frozen=True)
class Change:
    """The effect of a change on the log of a rate.

    Attributes:
        value: Log of the ratio of after to before, beyond that of the controls.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: Of no effect, two-sided.
        controls: Unchanged units.
        as_large: Unchanged units that moved at least as far against the others, relative to their
            noise: the placebo distribution.
    """

    value: float
    low: float
    high: float
    p_value: float
    controls: int
    as_large: int


def change_of_counts(
    before: tuple[float, float],
    after: tuple[float, float],
    controls_before: ArrayLike,
    controls_after: ArrayLike,
    *,
    dispersion: float = 1.0,
) -> Change:
    """Difference in differences of log counts, one changed unit against unchanged ones.

    The log ratio of unit j is mu + u_j + e_j: u_j with variance tau^2 that the controls tell
    (DerSimonian and Laird), e_j with dispersion x (1 / count before + 1 / count after). The effect
    is the changed unit's distance to the controls' weighted mean; its interval is that for a new
    unit, Student's t with controls - 2 degrees of freedom.

    Args:
        before: The changed unit's count and its days.
        after: The same after the change.
        controls_before: Counts of the unchanged units (J,), on as many days.
        controls_after: The same after.
        dispersion: Variance of a count over its mean, 1 or more.

    Raises:
        ValueError: Fewer than 5 controls, a count below 0, or a dispersion below 1.

    Source: DerSimonian and Laird (1986); Higgins, Thompson and Spiegelhalter (2009), section 4;
    placebo units: Conley and Taber (2011).
    """
    old, new = np.asarray(controls_before, float), np.asarray(controls_after, float)
    if len(old) < FEWEST_CONTROLS or old.shape != new.shape:
        raise ValueError(
            f"{len(old)} controls before and {len(new)} after, must be the same "
            f"{FEWEST_CONTROLS} or more units."
        )
    if min(old.min(), new.min(), before[0], after[0]) < 0 or dispersion < 1:
        raise ValueError(f"counts must be 0 or more and dispersion == {dispersion} at least 1.")
    days = np.log(after[1] / before[1])
    y, noise = _log_ratio(old, new, days, dispersion)
    own, own_noise = _log_ratio(np.array([before[0]]), np.array([after[0]]), days, dispersion)
    mean, spread, error = _random_effects(y, noise)
    value = float(own[0] - mean)
    scale = float(np.sqrt(spread + own_noise[0] + error**2))
    half = float(student_t.ppf(0.975, len(y) - 2)) * scale
    p_value = float(2 * student_t.sf(abs(value) / scale, len(y) - 2))
    placebo = [_distance(y, noise, j) for j in range(len(y))]
    as_large = int(np.sum(np.array(placebo) >= abs(value) / scale))
    return Change(value, value - half, value + half, p_value, len(y), as_large)


def dispersion_of(counts: ArrayLike) -> float:
    """Variance over mean of counts of units (rows) in weeks (columns), at least 1.

    Pearson's statistic against units x weeks as independent factors, over its degrees of freedom:
    what all units share in a week is no noise.

    Source: McCullagh and Nelder (1989), section 4.5.
    """
    table = np.asarray(counts, float)
    table = table[table.sum(axis=1) > 0]
    table = table[:, table.sum(axis=0) > 0] if table.size else table
    rows, columns = table.shape if table.size else (0, 0)
    if rows < 2 or columns < 2:
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return max(
        1.0, float(((table - expected) ** 2 / expected).sum() / ((rows - 1) * (columns - 1)))
    )


def _log_ratio(old: Floats, new: Floats, days: float, dispersion: float) -> tuple[Floats, Floats]:
    first, second = old + CONTINUITY, new + CONTINUITY
    return np.log(second / first) - days, dispersion * (1 / first + 1 / second)


def _random_effects(y: Floats, noise: Floats) -> tuple[float, float, float]:
    """Mean, variance between units and standard error of the mean."""
    weights = 1 / noise
    fixed = float((weights * y).sum() / weights.sum())
    heterogeneity = float((weights * (y - fixed) ** 2).sum())
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    spread = max(0.0, (heterogeneity - (len(y) - 1)) / scale)
    weights = 1 / (noise + spread)
    return float((weights * y).sum() / weights.sum()), spread, float(weights.sum() ** -0.5)


def _distance(y: Floats, noise: Floats, unit: int) -> float:
    """How far an unchanged unit moved against the others, in standard errors."""
    others = np.arange(len(y)) != unit
    mean, spread, error = _random_effects(y[others], noise[others])
    return float(abs(y[unit] - mean) / np.sqrt(spread + noise[unit] + error**2))
