"""Lifecycle: who buys again, by every definition, and how satisfied customers are.

All from mart `purchase_days`: orders of one day are one purchase; orders refunded in full before
shipment and fake orders are none; sales without a known customer are no customers.
Source: plan 1.3, 2.1, 2.3; definitions in `metrics.toml`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.frames import one_row, proportion
from helpers.measures.purchases import (
    SMALLEST_GROUP,
    YEAR_DAYS,
    known_until,
    last_complete,
    purchases,
    require_history,
    scalars,
    without_small_counts,
)
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

EARLY_WINDOWS = (30, 60, 90)
ROLES = {"repurchase_rate": "bound", "repurchase_rate_cohort_90_days": "early_signal"}


def repurchase_rate(store: Store, period: Period) -> pd.DataFrame:
    """Buyers with two or more purchase days in the 365 days to the period's end / all buyers.

    Returns:
        One row, `frames.COLUMNS`: rate 0 to 1 with its Wilson interval; n customers.

    Raises:
        MissingTable: Customers are unknown, or the data begin inside the 365 days.

    Source: plan 1.3; the definition that the target binds.
    """
    window = period.trailing(YEAR_DAYS)
    require_history(store, window.start)
    days = purchases(store, window.end)
    buyers = (
        days.filter(days.day >= window.start)
        .group_by("shop_id", "customer_id")
        .aggregate(days=lambda t: t.count())
    )
    found = scalars(store, buyers, buyers=buyers.count(), again=(buyers.days >= 2).sum())
    return proportion(found["again"], found["buyers"])


def repurchase_rate_cohort(
    store: Store, period: Period, *, window_days: int = YEAR_DAYS
) -> pd.DataFrame:
    """Share of customers who buy again within `window_days` of their first purchase.

    Takes the customers whose window ends in the period; those whose window is not over are left
    out, not counted as lost.

    Args:
        store: Uses mart `purchase_days`.
        period: In which the windows end.
        window_days: Longest gap in days between first and second purchase; at least 1.

    Returns:
        One row, `frames.COLUMNS`: rate 0 to 1 with its Wilson interval; n customers.

    Raises:
        MissingTable: Customers are unknown, or no window ends in the period.
        ValueError: `window_days` < 1.
    """
    if window_days < 1:
        raise ValueError(f"window_days == {window_days}, must be >= 1.")
    window = timedelta(days=window_days)
    require_history(store, period.start - window)
    end = known_until(store, period)
    days = purchases(store, end)
    first = days.filter(
        days.number == 1, days.day >= period.start - window, days.day <= end - window
    )
    again = (first.next_day.delta(first.day, unit="day") <= window_days).fill_null(False)
    found = scalars(store, first, buyers=first.count(), again=again.sum())
    return proportion(found["again"], found["buyers"])


def repurchase_rate_cohort_30_days(store: Store, period: Period) -> pd.DataFrame:
    """`repurchase_rate_cohort` at 30 days."""
    return repurchase_rate_cohort(store, period, window_days=30)


def repurchase_rate_cohort_60_days(store: Store, period: Period) -> pd.DataFrame:
    """`repurchase_rate_cohort` at 60 days."""
    return repurchase_rate_cohort(store, period, window_days=60)


def repurchase_rate_cohort_90_days(store: Store, period: Period) -> pd.DataFrame:
    """`repurchase_rate_cohort` at 90 days: the early signal of the yearly rate."""
    return repurchase_rate_cohort(store, period, window_days=90)


def returning_customer_rate(store: Store, period: Period) -> pd.DataFrame:
    """Customers of the period who had bought on an earlier day / all customers of the period.

    Returns:
        One row, `frames.COLUMNS`: rate 0 to 1 with its Wilson interval; n customers.

    Source: Shopify's returning customer rate.
    """
    days = purchases(store, period.end)
    buyers = (
        days.filter(days.day >= period.start)
        .group_by("shop_id", "customer_id")
        .aggregate(number=lambda t: t.number.max())
    )
    found = scalars(store, buyers, buyers=buyers.count(), again=(buyers.number >= 2).sum())
    return proportion(found["again"], found["buyers"])


def active_customers(store: Store, period: Period) -> pd.DataFrame:
    """Customers with a purchase in the 365 days to the period's end; a count, exact.

    Raises:
        MissingTable: Customers are unknown, or the data begin inside the 365 days.
    """
    window = period.trailing(YEAR_DAYS)
    require_history(store, window.start)
    days = purchases(store, window.end)
    days = days.filter(days.day >= window.start)
    found = scalars(store, days.select("shop_id", "customer_id").distinct(), n=_rows())
    return one_row(found["n"], n=found["n"])


def _rows() -> ir.IntegerScalar:
    import ibis

    return ibis._.count()


def repurchase_months(store: Store, period: Period, *, months: int = 13) -> pd.DataFrame:
    """`repurchase_rate` at the end of each of the last months, oldest first.

    Returns:
        One row per month: `month` (its first day), `value`, `low`, `high`, `numerator`,
        `denominator`. Months whose 365 days reach before the data are left out.

    Raises:
        MissingTable: Fewer than two such months, so nothing has moved yet.
    """
    import pandas as pd

    last = last_complete(store, period)
    rows = []
    for month in last.back(months):
        if month.trailing(YEAR_DAYS).start >= store.first_day:
            row = repurchase_rate(store, month).iloc[0]
            rows.append({"month": pd.Timestamp(month.start), **row.to_dict()})
    if len(rows) < 2:
        raise MissingTable("orders", ("paid_at",), "short")
    names = ["month", "value", "low", "high", "numerator", "denominator"]
    return pd.DataFrame(rows)[names]


def repurchase_definitions(store: Store, period: Period) -> pd.DataFrame:
    """The rival definitions of repurchase side by side; the first is the one the target binds.

    Returns:
        One row per definition that the store can answer: `metric` (id in the contract), `role`
        (`bound`: the target binds it; `early_signal`: of the yearly cohort; `beside`), `value`,
        `low`, `high` (0 to 1), `numerator`, `denominator` (customers). Definitions that rest on
        fewer than 10 customers are left out; a numerator of 1 to 9 is blank.
    """
    import pandas as pd

    early = [f"repurchase_rate_cohort_{days}_days" for days in EARLY_WINDOWS]
    rivals = {
        "repurchase_rate": repurchase_rate,
        "repurchase_rate_cohort": repurchase_rate_cohort,
        **dict(zip(early, (repurchase_rate_cohort_30_days, repurchase_rate_cohort_60_days,
                           repurchase_rate_cohort_90_days), strict=True)),
        "returning_customer_rate": returning_customer_rate,
    }  # fmt: skip
    rows = []
    missing = MissingTable("orders", ("customer_id",), "short")
    for metric, measure in rivals.items():
        try:
            row = measure(store, period).iloc[0]
        except MissingTable as lack:
            missing = lack
            continue
        if row["denominator"] >= SMALLEST_GROUP:
            rows.append({"metric": metric, "role": ROLES.get(metric, "beside"), **row})
    if not rows:
        raise missing
    frame = without_small_counts(pd.DataFrame(rows), "numerator", "denominator")
    return frame[["metric", "role", "value", "low", "high", "numerator", "denominator"]]


def nps(store: Store, period: Period, *, window_days: int = 90) -> pd.DataFrame:
    """Net promoter score: share of answers 9 and 10 less share of 0 to 6, times 100.

    Args:
        store: Uses table `surveys`.
        period: Answers of the `window_days` to its end.
        window_days: Length of the window in days.

    Returns:
        One row, `frames.COLUMNS`: points from -100 to 100, n answers.

    Source: Reichheld (2003); plan 2.4.
    """
    import numpy as np

    from helpers.models.intervals import mean

    store.require("surveys")
    answers = store.table("surveys")
    day = answers.answered_at.date()
    window = period.trailing(window_days)
    answers = answers.filter(day >= window.start, day <= window.end)
    found = scalars(
        store,
        answers,
        n=answers.count(),
        promoters=(answers.score >= 9).sum(),
        detractors=(answers.score <= 6).sum(),
    )
    n = int(found["n"])
    if not n:
        raise MissingTable("surveys", ("score",), "short")
    votes = np.zeros(n)
    votes[: int(found["promoters"])] = 100
    votes[n - int(found["detractors"]) :] = -100
    score = mean(votes)
    return one_row(
        score.value,
        low=score.low,
        high=score.high,
        n=n,
        numerator=found["promoters"] - found["detractors"],
        denominator=n,
    )
