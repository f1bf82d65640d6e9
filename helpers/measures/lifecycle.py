"""Lifecycle: who buys again, when, and how cohorts hold.

All from mart `purchase_days`: orders of one day are one purchase; orders refunded in full before
shipment and fake orders are none; sales without a known customer are no customers.
Source: plan 1.3, 2.1, 2.3; definitions in `metrics.toml`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from helpers.measures.frames import one_row, proportion
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

YEAR_DAYS = 365
SMALLEST_GROUP = 10


def _purchases(store: Store, until: date) -> ir.Table:
    """Purchase days up to a day, of stores that know their customers."""
    store.require("orders", "customer_id")
    days = store.mart("purchase_days")
    return days.filter(days.day <= until)


def _scalars(store: Store, table: ir.Table, **columns: ir.Value) -> dict[str, float]:
    frame = store.to_frame(table.aggregate(**columns))
    return {name: float(value or 0) for name, value in frame.iloc[0].items()}


def repurchase_rate(store: Store, period: Period) -> pd.DataFrame:
    """Buyers with two or more purchase days in the 365 days to the period's end / all buyers.

    Returns:
        One row, `frames.COLUMNS`: rate 0 to 1 with its Wilson interval; n customers.

    Raises:
        MissingTable: Customers are unknown, or the data begin inside the 365 days.

    Source: plan 1.3; the definition that the target binds.
    """
    window = period.trailing(YEAR_DAYS)
    _require_history(store, window.start)
    days = _purchases(store, window.end)
    buyers = (
        days.filter(days.day >= window.start)
        .group_by("shop_id", "customer_id")
        .aggregate(days=lambda t: t.count())
    )
    found = _scalars(store, buyers, buyers=buyers.count(), again=(buyers.days >= 2).sum())
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
    _require_history(store, period.start - window)
    days = _purchases(store, period.end)
    first = days.filter(
        days.number == 1, days.day >= period.start - window, days.day <= period.end - window
    )
    gap = first.next_day.delta(first.day, unit="day")
    again = ((first.next_day <= period.end) & (gap <= window_days)).fill_null(False)
    found = _scalars(store, first, buyers=first.count(), again=again.sum())
    return proportion(found["again"], found["buyers"])


def repurchase_rate_cohort_90_days(store: Store, period: Period) -> pd.DataFrame:
    """`repurchase_rate_cohort` at 90 days: the early signal of the yearly rate."""
    return repurchase_rate_cohort(store, period, window_days=90)


def returning_customer_rate(store: Store, period: Period) -> pd.DataFrame:
    """Customers of the period who had bought on an earlier day / all customers of the period.

    Returns:
        One row, `frames.COLUMNS`: rate 0 to 1 with its Wilson interval; n customers.

    Source: Shopify's returning customer rate.
    """
    days = _purchases(store, period.end)
    buyers = (
        days.filter(days.day >= period.start)
        .group_by("shop_id", "customer_id")
        .aggregate(number=lambda t: t.number.max())
    )
    found = _scalars(store, buyers, buyers=buyers.count(), again=(buyers.number >= 2).sum())
    return proportion(found["again"], found["buyers"])


def active_customers(store: Store, period: Period) -> pd.DataFrame:
    """Customers with a purchase in the 365 days to the period's end; a count, exact.

    Raises:
        MissingTable: Customers are unknown, or the data begin inside the 365 days.
    """
    window = period.trailing(YEAR_DAYS)
    _require_history(store, window.start)
    days = _purchases(store, window.end)
    days = days.filter(days.day >= window.start)
    found = _scalars(store, days.select("shop_id", "customer_id").distinct(), n=_rows())
    return one_row(found["n"], n=found["n"])


def _rows() -> ir.IntegerScalar:
    import ibis

    return ibis._.count()


def cohort_retention(store: Store, period: Period, *, cohorts: int = 13) -> pd.DataFrame:
    """Share of a month's new customers who buy in each month after it.

    Args:
        store: Uses mart `purchase_days`.
        period: The last cohort is its last complete month.
        cohorts: How many months of first purchase, up to that one.

    Returns:
        One row per cohort and month since: `cohort` (first day of the month), `customers` (new in
        it), `months_since` (1 ...), `returned` (customers), `rate` (0 to 1), `low`, `high`
        (Wilson 95 %). Months that are not over by the store's last known day have no row; cohorts
        of fewer than 10 customers are left out.
    """
    import ibis

    from helpers.models.intervals import wilson

    last = _last_complete(store, period)
    start = last.back(cohorts)[0].start
    days = _purchases(store, last.end)
    first = days.filter(days.number == 1, days.day >= start)
    first = first.select("shop_id", "customer_id", cohort=first.day.truncate("M"))
    joined = days.inner_join(first, ["shop_id", "customer_id"])
    months = (joined.day.year() - joined.cohort.year()) * 12 + (
        joined.day.month() - joined.cohort.month()
    )
    counted = (
        joined.mutate(months_since=months)
        .group_by("cohort", "months_since")
        .aggregate(returned=ibis._.customer_id.nunique())
        .order_by("cohort", "months_since")
    )
    frame = _complete_triangle(store.to_frame(counted), last.start)
    low, high = wilson(frame["returned"], frame["customers"])
    return frame.assign(rate=frame["returned"] / frame["customers"], low=low, high=high)


def _complete_triangle(counted: pd.DataFrame, last_month: date) -> pd.DataFrame:
    """Every month since that is over, with 0 where nobody came back."""
    import pandas as pd

    sizes = counted[counted["months_since"] == 0].set_index("cohort")["returned"]
    sizes = sizes[sizes >= SMALLEST_GROUP]
    returned = counted.set_index(["cohort", "months_since"])["returned"]
    rows = []
    for cohort, customers in sizes.items():
        age = (last_month.year - cohort.year) * 12 + last_month.month - cohort.month
        for since in range(1, age + 1):
            rows.append((cohort, int(customers), since, int(returned.get((cohort, since), 0))))
    return pd.DataFrame(rows, columns=["cohort", "customers", "months_since", "returned"])


def repurchase_cohorts(store: Store, period: Period, *, cohorts: int = 25) -> pd.DataFrame:
    """Repurchase of each month's new customers within 30, 60, 90 and 365 days.

    Returns:
        One row per cohort and window: `cohort` (first day of the month), `window_days`,
        `customers`, `returned`, `rate`, `low`, `high` (Wilson 95 %). A row exists only where the
        window is over for every customer of the cohort; cohorts below 10 customers are left out.
    """
    import pandas as pd

    from helpers.models.intervals import wilson

    start = _last_complete(store, period).back(cohorts)[0].start
    days = _purchases(store, period.end)
    first = days.filter(days.number == 1, days.day >= max(start, store.first_day))
    gap = first.next_day.delta(first.day, unit="day")
    windows = (30, 60, 90, YEAR_DAYS)
    returned = {
        str(window): ((first.next_day <= period.end) & (gap <= window)).fill_null(False)
        for window in windows
    }
    counted = (
        first.mutate(cohort=first.day.truncate("M"), **returned)
        .group_by("cohort")
        .aggregate(
            customers=lambda t: t.count(),
            **{str(window): lambda t, w=str(window): t[w].sum() for window in windows},
        )
        .order_by("cohort")
    )
    wide = store.to_frame(counted)
    wide = wide[wide["customers"] >= SMALLEST_GROUP]
    long = wide.melt(["cohort", "customers"], var_name="window_days", value_name="returned")
    long["window_days"] = long["window_days"].astype(int)
    over = long["cohort"] + pd.offsets.MonthEnd(0) + pd.to_timedelta(long["window_days"], "D")
    long = long[over <= pd.Timestamp(store.as_of)].sort_values(["window_days", "cohort"])
    low, high = wilson(long["returned"], long["customers"])
    long = long.assign(rate=long["returned"] / long["customers"], low=low, high=high)
    return long.reset_index(drop=True)


def repurchase_months(store: Store, period: Period, *, months: int = 13) -> pd.DataFrame:
    """`repurchase_rate` at the end of each of the last months, oldest first.

    Returns:
        One row per month: `month` (its first day), `value`, `low`, `high`, `numerator`,
        `denominator`. Months whose 365 days reach before the data are left out.
    """
    import pandas as pd

    last = _last_complete(store, period)
    rows = []
    for month in last.back(months):
        if month.trailing(YEAR_DAYS).start >= store.first_day:
            row = repurchase_rate(store, month).iloc[0]
            rows.append({"month": pd.Timestamp(month.start), **row.to_dict()})
    if not rows:
        raise MissingTable("orders", ("paid_at",), "short")
    names = ["month", "value", "low", "high", "numerator", "denominator"]
    return pd.DataFrame(rows)[names]


def repurchase_definitions(store: Store, period: Period) -> pd.DataFrame:
    """The rival definitions of repurchase side by side; the first is the one the target binds.

    Returns:
        One row per definition that the store can answer: `metric` (id in the contract), `value`,
        `low`, `high` (0 to 1), `numerator`, `denominator` (customers).
    """
    import pandas as pd

    rivals = {
        "repurchase_rate": repurchase_rate,
        "repurchase_rate_cohort": repurchase_rate_cohort,
        "repurchase_rate_cohort_90_days": repurchase_rate_cohort_90_days,
        "returning_customer_rate": returning_customer_rate,
    }
    rows = []
    missing = None
    for metric, measure in rivals.items():
        try:
            rows.append({"metric": metric, **measure(store, period).iloc[0]})
        except MissingTable as lack:
            missing = lack
    if missing and not rows:
        raise missing
    return pd.DataFrame(rows)[["metric", "value", "low", "high", "numerator", "denominator"]]


def days_between_purchases(store: Store, period: Period) -> pd.DataFrame:
    """How long customers take from one purchase to the next.

    Only gaps that have ended are seen, so long gaps are under-represented; the 90th percentile is
    the shop's own line for "lapsed", not a law.

    Returns:
        One row: `gaps` (count), `median_days`, `percentile_90_days`, `one_time_share` (customers
        with a single purchase so far), `customers`.
    """
    days = _purchases(store, period.end)
    gap = days.day.delta(days.previous_day, unit="day")
    gaps = days.mutate(gap=gap)
    found = gaps.aggregate(
        gaps=gaps.gap.count(),
        median_days=gaps.gap.quantile(0.5),
        percentile_90_days=gaps.gap.quantile(0.9),
        customers=(gaps.number == 1).sum(),
        twice=(gaps.number == 2).sum(),
    )
    frame = store.to_frame(found)
    if not frame["gaps"].iloc[0]:
        raise MissingTable("orders", ("customer_id",), "short")
    frame["one_time_share"] = 1 - frame["twice"] / frame["customers"]
    return frame.drop(columns="twice")


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
    found = _scalars(
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


def _last_complete(store: Store, period: Period) -> Period:
    """The last month that is over at the period's end, as far as the data reach."""
    from helpers.plan.periods import last_complete_month

    return last_complete_month(min(period.end, store.as_of))


def _require_history(store: Store, start: date) -> None:
    if start < store.first_day:
        raise MissingTable("orders", ("paid_at",), "short")
