"""How far a fit of purchases misses purchases that it has not seen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.models.intervals import mean
from helpers.models.purchase_models import PurchaseModel

HIGHEST_FREQUENCY = 7


@dataclass(frozen=True)
class HeldOutError:
    """Prediction against what happened after calibration.

    Attributes:
        predicted: Purchases expected of all customers in the held-out time.
        actual: Purchases made in it.
        error_share: predicted / actual - 1; NaN where nothing was bought.
        by_frequency: One row a frequency at calibration, 0 to 6 and 7 or more, only those that
            occur: `frequency` ("0" ... "6", "7+"), `customers`, `predicted` and `actual` (purchases
            per customer), `low` and `high` (95 % interval of `actual`; NaN for one customer).
    """

    predicted: float
    actual: float
    error_share: float
    by_frequency: pd.DataFrame


def held_out_error(model: PurchaseModel, customers: pd.DataFrame, horizon: float) -> HeldOutError:
    """Compare a fit with the purchases of the time after its data end.

    Args:
        model: Fitted on what was known at calibration.
        customers: One row a customer known at calibration: `frequency`, `recency`, `age` as then,
            and `purchases`, the days with a purchase in the held-out time. With a column
            `customers` a row stands for so many who are alike.
        horizon: Length of the held-out time in the unit of the fit.

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
    many = customers["customers"].to_numpy(dtype=int) if "customers" in customers else 1
    weight = np.broadcast_to(many, actual.shape)
    group = np.minimum(frequency, HIGHEST_FREQUENCY)
    rows = [
        _calibration_row(
            int(level), *(np.repeat(part[at], weight[at]) for part in (predicted, actual))
        )
        for level in np.unique(group)
        for at in [group == level]
    ]
    expected, total = float(weight @ predicted), float(weight @ actual)
    return HeldOutError(
        predicted=expected,
        actual=total,
        error_share=expected / total - 1 if total else float("nan"),
        by_frequency=pd.DataFrame(rows),
    )


def _calibration_row(
    level: int, predicted: np.ndarray, actual: np.ndarray
) -> dict[str, str | int | float]:
    seen = mean(actual)
    return {
        "frequency": f"{level}+" if level == HIGHEST_FREQUENCY else str(level),
        "customers": len(actual),
        "predicted": float(predicted.mean()),
        "actual": seen.value,
        "low": seen.low,
        "high": seen.high,
    }
