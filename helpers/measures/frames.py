"""The shape that every metric's measure returns, and the few ways to fill it.

One row (or one per scope) with `value`, `low`, `high` (95 %; empty where the value is exact),
`n` (what the interval rests on), `numerator`, `denominator`, and, where months are not yet
closed, `observed` (the value without what is projected) and `provisional`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.models.estimate import Estimate

COLUMNS = ("value", "low", "high", "n", "numerator", "denominator", "observed", "provisional")


def one_row(
    value: float,
    *,
    low: float = math.nan,
    high: float = math.nan,
    n: float = math.nan,
    numerator: float = math.nan,
    denominator: float = math.nan,
    observed: float = math.nan,
    provisional: bool = False,
) -> pd.DataFrame:
    """A metric's single row."""
    import pandas as pd

    row = (value, low, high, n, numerator, denominator, observed, provisional)
    return pd.DataFrame([row], columns=list(COLUMNS))


def proportion(successes: float, n: float) -> pd.DataFrame:
    """A share of independent units (customers, lines, parcels) with its Wilson interval.

    Raises:
        MissingTable: There are no units, so there is no share.
    """
    from helpers.models.intervals import wilson

    if not n:
        raise MissingTable("orders", (), "short")
    low, high = wilson(successes, n)
    return one_row(
        successes / n, low=float(low), high=float(high), n=n, numerator=successes, denominator=n
    )


def estimated(estimate: Estimate, numerator: float, denominator: float) -> pd.DataFrame:
    """A ratio whose interval was estimated from how its parts vary."""
    return one_row(
        estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=estimate.n,
        numerator=numerator,
        denominator=denominator,
    )


def divide(numerator: float, denominator: float) -> float:
    """A quotient; not a number where nothing can be divided by."""
    return numerator / denominator if denominator else math.nan
