"""What a fitted response expects of periods that it has not seen, from their spend and calendar."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.models.response import ResponseFit
from helpers.models.response_likelihood import adstock_weights, carry, saturate

Floats = NDArray[np.float64]


def predicted(
    fit: ResponseFit, spend: ArrayLike, controls: ArrayLike | None = None, *, seen: int,
    demand: bool = True, lags: int = 8,
) -> Floats:  # fmt: skip
    """Expected outcome (S, T - seen) of the periods after those that were fitted.

    Args:
        fit: The response, fitted to the first `seen` periods.
        spend: (T, C) money per period, fitted ones and later ones.
        controls: (T, K) as given to the fit, with the later periods.
        seen: Periods that were fitted.
        demand: As given to the fit.
        lags: As given to the fit.

    Raises:
        ValueError: there is no period after those that were fitted.
    """
    money = np.asarray(spend, float)
    if not 0 < seen < len(money):
        raise ValueError(f"seen == {seen}, must lie between 0 and the {len(money)} periods.")
    other = np.zeros((len(money), 0)) if controls is None else np.asarray(controls, float)
    moved = fit.gamma @ (other - other[:seen].mean(axis=0)).T
    times = np.exp(moved) if demand else np.ones_like(moved)
    relative = (money / fit.scale).T[None] / times[:, None]
    stock = carry(relative, adstock_weights(fit.carry_over, lags))
    came = (fit.effect[..., None] * saturate(fit.saturation[..., None] * stock)).sum(axis=1)
    mean: Floats = (fit.base[:, None] + came) * times + (0.0 if demand else moved)
    return mean[:, seen:]
