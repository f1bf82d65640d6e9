"""The plan's three goals: how they moved, and whether the pace reaches them in time.

Source: plan 1.3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from helpers.measures.registry import compute
from helpers.plan import targets
from helpers.plan.periods import last_complete_month
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from datetime import date

    import numpy as np
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

GOALS = ("cac_blended", "repurchase_rate", "conversion_rate")
FEWEST_MONTHS = 6


def goal_months(store: Store, period: Period, *, metric: str, months: int = 13) -> pd.DataFrame:
    """One of the three goals by month, oldest first.

    Returns:
        One row per month: `metric`, `month` (its first day), `value`, `low`, `high`. Months that
        the store can't know are left out.

    Raises:
        MissingTable: The store knows it for no month.
    """
    import pandas as pd

    rows = []
    lack = None
    for month in last_complete_month(min(period.end, store.as_of)).back(months):
        try:
            row = compute(store, metric, month).iloc[0]
        except MissingTable as missing:
            lack = missing
            continue
        rows.append((metric, pd.Timestamp(month.start), row["value"], row["low"], row["high"]))
    if lack and not rows:
        raise lack
    return pd.DataFrame(rows, columns=["metric", "month", "value", "low", "high"])


def goal_pace(store: Store, period: Period) -> pd.DataFrame:
    """The pace that each goal needs, and the pace of the last twelve months.

    The pace is the slope of a straight line through the months, with Newey-West errors, because
    one month hangs on the one before. `reached` is given only where the slope's 95 % interval
    points towards the target.

    Returns:
        One row per goal that binds for the store: `metric`, `value`, `target`, `gap` (to go, in
        the metric's unit; 0 or less when met), `due` (day, may be empty), `months_left`,
        `pace_needed`, `pace`, `pace_low`, `pace_high` (change a month), `months_to_go` (at the
        pace; empty where it does not lead there), `outlook` (`met`, `in_time`, `late`, `away`:
        the pace leads away from the target, `unclear`: it can't be told from none).
    """
    import pandas as pd

    bound = targets.load(store.currency, store.targets)
    rows: list[dict[str, Any]] = []
    for metric in GOALS:
        target, months = bound.get(metric), _months_or_none(store, period, metric)
        if target is None or len(months) < FEWEST_MONTHS:
            continue
        value = float(months["value"].iloc[-1])
        pace, low, high = _slope(months["value"].to_numpy())
        change = target.value - value
        left = _months_between(period, target.due)
        rows.append({
            "metric": metric, "value": value, "target": target.value,
            "gap": target.gap(value), "due": pd.Timestamp(target.due) if target.due else pd.NaT,
            "months_left": left, "pace_needed": change / left if left and left > 0 else math.nan,
            "pace": pace, "pace_low": low, "pace_high": high,
            "months_to_go": _months_to_go(change, pace, low, high, target.met(value)),
        })  # fmt: skip
        rows[-1]["outlook"] = _outlook(rows[-1])
    if not rows:
        raise MissingTable("orders", ("paid_at",), "short")
    return pd.DataFrame(rows)


def _months_or_none(store: Store, period: Period, metric: str) -> pd.DataFrame:
    import pandas as pd

    try:
        return goal_months(store, period, metric=metric)
    except MissingTable:
        return pd.DataFrame()


def _outlook(row: dict[str, Any]) -> str:
    if row["gap"] <= 0:
        return "met"
    if not math.isnan(row["months_to_go"]):
        return "late" if row["months_to_go"] > row["months_left"] else "in_time"
    towards = math.copysign(1, row["target"] - row["value"])
    furthest = max(towards * row["pace_low"], towards * row["pace_high"])
    return "away" if furthest < 0 else "unclear"


def _slope(values: np.ndarray) -> tuple[float, float, float]:
    """Change a month with its 95 % interval, Newey-West with two lags."""
    import numpy as np
    import statsmodels.api as sm

    months = sm.add_constant(np.arange(len(values), dtype=float))
    found = sm.OLS(values, months).fit(cov_type="HAC", cov_kwds={"maxlags": 2}, use_t=True)
    low, high = found.conf_int()[1]
    return float(found.params[1]), float(low), float(high)


def _months_between(period: Period, due: date | None) -> float:
    if due is None:
        return math.nan
    return (due.year - period.end.year) * 12 + due.month - period.end.month


def _months_to_go(change: float, pace: float, low: float, high: float, met: bool) -> float:
    if met:
        return 0.0
    leads_there = low > 0 if change > 0 else high < 0
    return change / pace if leads_there else math.nan
