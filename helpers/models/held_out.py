"""How far fits of repeat purchases miss purchases that they have not seen, and which misses least.

Customers are one row each, or with a column `customers` one row for so many who are alike:
`frequency`, `recency` and `age` as known at calibration, `purchases` (days with a purchase in the
held-out time), and for the likelihood `recency_after` and `age_after`, as known at its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from helpers.models.estimate import Estimate
from helpers.models.intervals import mean
from helpers.models.purchase_models import PurchaseModel

Floats = NDArray[np.float64]

HIGHEST_FREQUENCY = 7
SIMPLEST = "bg_nbd"
ERRORS_TO_WIN = 2.0


@dataclass(frozen=True)
class HeldOutError:
    """Prediction against what happened after calibration.

    Attributes:
        predicted: Purchases expected of all customers in the held-out time.
        actual: Purchases made in it.
        error_share: predicted / actual - 1; NaN where nothing was bought.
        low: Lower end of its 95 % interval: how customers vary around the prediction.
        high: Upper end.
        by_frequency: One row a frequency at calibration, 0 to 6 and 7 or more, only those that
            occur: `frequency` ("0" ... "6", "7+", or a "+" earlier), `customers`, `predicted` and
            `actual` (purchases per customer), `low` and `high` (95 % interval of `actual`; NaN for
            one customer).
    """

    predicted: float
    actual: float
    error_share: float
    low: float
    high: float
    by_frequency: pd.DataFrame


def held_out_error(
    model: PurchaseModel, customers: pd.DataFrame, horizon: float, *, smallest_group: int = 1
) -> HeldOutError:
    """Compare a fit with the purchases of the time after its data end.

    Args:
        model: Fitted on what was known at calibration.
        customers: `frequency`, `recency`, `age`, `purchases` and perhaps `customers`.
        horizon: Length of the held-out time in the unit of the fit.
        smallest_group: The highest frequency that has a row, at most 7, is taken low enough that
            every row has so many customers.

    Raises:
        ValueError: a purchase count below 0 or not finite, or rows that break the model's rules.
    """
    actual = customers["purchases"].to_numpy(dtype=float)
    if not (np.isfinite(actual) & (actual >= 0)).all():
        raise ValueError(
            f"purchases have {int((~(actual >= 0)).sum())} entries missing or below 0, must be "
            "counts from 0; a customer without a purchase in the held-out time has 0."
        )
    frequency = customers["frequency"].to_numpy(dtype=float)
    predicted = model.expected_purchases(
        horizon, frequency, customers["recency"].to_numpy(), customers["age"].to_numpy()
    )
    weight = _weight(customers)
    highest = _highest_group(frequency, weight, smallest_group)
    group = np.minimum(frequency, highest)
    rows = [
        {
            "frequency": f"{level:g}+" if level == highest else f"{level:g}",
            **_calibration_row(*(np.repeat(p[at], weight[at]) for p in (predicted, actual))),
        }
        for level in np.unique(group)
        for at in [group == level]
    ]
    error = _error_share(predicted, actual, weight)
    return HeldOutError(
        predicted=float(weight @ predicted),
        actual=float(weight @ actual),
        error_share=error.value,
        low=error.low,
        high=error.high,
        by_frequency=pd.DataFrame(rows),
    )


def held_out_log_likelihoods(model: PurchaseModel, customers: pd.DataFrame) -> Floats:
    """Log density of each customer's held-out purchase times given the history before them.

    What the whole history is likelier or not than the part before the cut, at the parameters that
    were fitted on that part. It is exact and the same quantity in every model.
    """
    x = customers["frequency"].to_numpy(dtype=float)
    after = model.log_likelihoods(
        x + customers["purchases"].to_numpy(dtype=float),
        customers["recency_after"].to_numpy(dtype=float),
        customers["age_after"].to_numpy(dtype=float),
    )
    return after - model.log_likelihoods(
        x, customers["recency"].to_numpy(dtype=float), customers["age"].to_numpy(dtype=float)
    )


def advantages(models: Mapping[str, PurchaseModel], customers: pd.DataFrame) -> dict[str, Estimate]:
    """Held-out log-likelihood a customer of each model less that of BG/NBD, with 95 % interval."""
    weight = _weight(customers)
    base = held_out_log_likelihoods(models[SIMPLEST], customers)
    return {
        name: _weighted_mean(held_out_log_likelihoods(model, customers) - base, weight)
        for name, model in models.items()
    }


def chosen(models: Mapping[str, PurchaseModel], found: Mapping[str, Estimate]) -> str:
    """The likeliest on held-out time of the models that are clearly likelier there than BG/NBD.

    BG/NBD, the simplest, where none is.

    Args:
        models: By name; another than BG/NBD that did not converge can't be chosen.
        found: Their `advantages`; clear is one above 2 standard errors, or any where BG/NBD itself
            did not converge.
    """
    able = [SIMPLEST]
    for name, model in models.items():
        error = found[name].standard_error or 0.0
        clear = found[name].value > ERRORS_TO_WIN * error or not models[SIMPLEST].converged
        if name != SIMPLEST and model.converged and clear:
            able.append(name)
    return max(able, key=lambda name: found[name].value)


def _weight(customers: pd.DataFrame) -> NDArray[np.int64]:
    if "customers" in customers:
        return customers["customers"].to_numpy(dtype=np.int64)
    return np.ones(len(customers), dtype=np.int64)


def _weighted_mean(values: Floats, weight: NDArray[np.int64]) -> Estimate:
    n = float(weight.sum())
    value = float(weight @ values / n)
    error = float(np.sqrt(weight @ (values - value) ** 2 / max(n - 1, 1) / n))
    half = float(norm.ppf(0.975)) * error
    return Estimate(value, value - half, value + half, n, error)


def _error_share(predicted: Floats, actual: Floats, weight: NDArray[np.int64]) -> Estimate:
    """Predicted / actual - 1 over independent customers, linearised."""
    total = float(weight @ actual)
    if not total:
        return Estimate(np.nan, np.nan, np.nan, float(weight.sum()))
    ratio = float(weight @ predicted) / total
    residual = _weighted_mean(predicted - ratio * actual, weight)
    per_customer = total / float(weight.sum())
    half = float(norm.ppf(0.975)) * (residual.standard_error or 0.0) / per_customer
    return Estimate(ratio - 1, ratio - 1 - half, ratio - 1 + half, float(weight.sum()))


def _highest_group(frequency: Floats, weight: NDArray[np.int64], smallest: int) -> int:
    for highest in range(HIGHEST_FREQUENCY, 0, -1):
        group = np.minimum(frequency, highest).astype(int)
        sizes = np.bincount(group, weights=weight)
        if sizes[sizes > 0].min() >= smallest:
            return highest
    return 0


def _calibration_row(predicted: np.ndarray, actual: np.ndarray) -> dict[str, int | float]:
    seen = mean(actual)
    return {
        "customers": len(actual),
        "predicted": float(predicted.mean()),
        "actual": seen.value,
        "low": seen.low,
        "high": seen.high,
    }
