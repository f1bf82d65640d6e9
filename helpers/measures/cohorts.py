"""Cohorts: what becomes of each month's new customers, in customers, orders, sales and margin.

A cohort is the customers whose first purchase lies in one month. A month that is not over has no
row: nobody who may still come counts as lost. Source: plan 2.1, 2.3.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from helpers.measures.money import AGES, BLOCK_DAYS, SMALLEST_COSTED_SHARE, refund_development
from helpers.measures.purchases import (
    CUSTOMER,
    SMALLEST_GROUP,
    YEAR_DAYS,
    known_until,
    last_complete,
    purchases,
    without_small_counts,
)
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

WINDOWS = (30, 60, 90, YEAR_DAYS)
_SUMS = ("orders", "paid_sales", "costed_sales", "contribution")


def cohort_retention(store: Store, period: Period, *, cohorts: int = 13) -> pd.DataFrame:
    """Share of a month's new customers who buy in each month after it.

    Args:
        store: Uses mart `purchase_days`.
        period: The last cohort is its last complete month.
        cohorts: How many months of first purchase, up to that one; months of fewer than 10 new
            customers are none.

    Returns:
        One row per cohort and month since: `cohort` (first day of the month), `customers` (new in
        it), `months_since` (1 ...), `returned` (customers; blank where 1 to 9), `rate` (0 to 1),
        `low`, `high` (Wilson 95 %). Months that are not over have no row; cohorts of fewer than 10
        customers are left out.

    Raises:
        MissingTable: Customers are unknown.
    """
    from helpers.models.intervals import wilson

    frame = _triangle(store, period, cohorts)
    frame = frame[frame["months_since"] > 0].rename(columns={"active": "returned"})
    frame = frame[["cohort", "customers", "months_since", "returned"]].reset_index(drop=True)
    low, high = wilson(frame["returned"], frame["customers"])
    frame = frame.assign(rate=frame["returned"] / frame["customers"], low=low, high=high)
    return without_small_counts(frame, "returned", "customers")


def cohort_money(store: Store, period: Period, *, cohorts: int = 13) -> pd.DataFrame:
    """What a new customer of each month has brought so far, month by month, added up.

    Money and orders are counted, not estimated, so they carry no interval.

    Args:
        store: Uses mart `purchase_days`; table `returns` says which months are still open.
        period: The last cohort is its last complete month.
        cohorts: How many months of first purchase, up to that one; months of fewer than 10 new
            customers are none.

    Returns:
        One row per cohort and month since: `cohort` (first day of the month), `customers` (new in
        it), `months_since` (0: the month of the first purchase ...), `orders`, `paid_sales` and
        `contribution` (before marketing, net of refunds so far): per new customer, sum until the
        end of that month; `contribution` is blank where under 95 % of the paid sales have a known
        cost, and is scaled to all of them elsewhere. `value` and `basis`: contribution where every
        cohort's is known, else `paid_sales`. `provisional`: refunds of the month are still
        to come, so its contribution will fall. Months that are not over have no row; cohorts of
        fewer than 10 customers are left out.

    Raises:
        MissingTable: Customers are unknown.
    """
    import pandas as pd

    frame = _triangle(store, period, cohorts)
    if frame.empty:
        return frame.drop(columns=["active", "costed_sales"]).assign(
            value=0.0, basis="paid_sales", provisional=False
        )
    added = frame.groupby("cohort")[list(_SUMS)].cumsum()
    known = added["costed_sales"] >= SMALLEST_COSTED_SHARE * added["paid_sales"]
    scale = added["paid_sales"] / added["costed_sales"].where(added["costed_sales"] > 0)
    month = pd.PeriodIndex(frame["cohort"], freq="M") + frame["months_since"].to_numpy()
    ends = pd.Series(month.to_timestamp(how="end").normalize(), index=frame.index)
    found = frame[["cohort", "customers", "months_since"]].assign(
        orders=added["orders"] / frame["customers"],
        paid_sales=added["paid_sales"] / frame["customers"],
        contribution=(added["contribution"] * scale / frame["customers"]).where(known),
    )
    basis = "contribution" if known.all() else "paid_sales"
    return found.assign(
        value=found[basis], basis=basis, provisional=ends >= pd.Timestamp(_open_since(store))
    )


def repurchase_cohorts(store: Store, period: Period, *, cohorts: int = 25) -> pd.DataFrame:
    """Repurchase of each month's new customers within 30, 60, 90 and 365 days.

    Returns:
        One row per cohort and window: `cohort` (first day of the month), `window_days`,
        `customers`, `returned` (blank where 1 to 9), `rate`, `low`, `high` (Wilson 95 %). A row
        exists only where the window is over for every customer of the cohort; cohorts below 10
        customers are left out.

    Raises:
        MissingTable: Customers are unknown.
    """
    import ibis
    import pandas as pd

    from helpers.models.intervals import wilson

    end = known_until(store, period)
    days = purchases(store, end)
    start = _first_cohort(store, days, last_complete(store, period), cohorts)
    first = days.filter(days.number == 1, days.day >= start)
    gap = first.next_day.delta(first.day, unit="day")
    counted = (
        first.mutate(cohort=first.day.truncate("M"), gap=gap)
        .group_by("cohort")
        .aggregate(
            ibis._.count().name("customers"),
            **{str(w): (ibis._.gap <= w).fill_null(False).sum() for w in WINDOWS},
        )
        .order_by("cohort")
    )
    wide = store.to_frame(counted)
    wide = wide[wide["customers"] >= SMALLEST_GROUP]
    long = wide.melt(["cohort", "customers"], var_name="window_days", value_name="returned")
    long["window_days"] = long["window_days"].astype(int)
    over = long["cohort"] + pd.offsets.MonthEnd(0) + pd.to_timedelta(long["window_days"], "D")
    long = long[over <= pd.Timestamp(end)].sort_values(["window_days", "cohort"])
    low, high = wilson(long["returned"], long["customers"])
    long = long.assign(rate=long["returned"] / long["customers"], low=low, high=high)
    return without_small_counts(long.reset_index(drop=True), "returned", "customers")


def _triangle(store: Store, period: Period, cohorts: int) -> pd.DataFrame:
    """Sums of each cohort and month since that is over, 0 where nobody bought.

    Columns: `cohort`, `customers`, `months_since` (from 0), `active` (customers), and `_SUMS`.
    """
    import ibis

    last = last_complete(store, period)
    days = purchases(store, last.end)
    start = _first_cohort(store, days, last, cohorts)
    first = days.filter(days.number == 1, days.day >= start)
    first = first.select(*CUSTOMER, cohort=first.day.truncate("M"))
    joined = days.inner_join(first, list(CUSTOMER))
    months = (joined.day.year() - joined.cohort.year()) * 12 + (
        joined.day.month() - joined.cohort.month()
    )
    per_customer = (
        joined.mutate(months_since=months)
        .group_by("cohort", "months_since", *CUSTOMER)
        .aggregate(
            orders=ibis._.orders.sum(),
            paid_sales=ibis._.paid_sales.sum(),
            costed_sales=ibis._.paid_sales.sum(where=ibis._.contribution.notnull()),
            contribution=ibis._.contribution.sum(),
        )
    )
    counted = (
        per_customer.group_by("cohort", "months_since")
        .aggregate(active=ibis._.count(), **{name: ibis._[name].sum() for name in _SUMS})
        .order_by("cohort", "months_since")
    )
    return _complete(store.to_frame(counted), last.start)


def _first_cohort(store: Store, days: ir.Table, last: Period, cohorts: int) -> date:
    """First day of the earliest of the last so many cohorts of 10 customers or more."""
    first = days.filter(days.number == 1, days.day <= last.end)
    counted = first.group_by(cohort=first.day.truncate("M")).aggregate(customers=first.count())
    frame = store.to_frame(counted.order_by("cohort"))
    large = frame.loc[frame["customers"] >= SMALLEST_GROUP, "cohort"].tail(cohorts)
    return last.start if large.empty else large.iloc[0].date()


def _complete(counted: pd.DataFrame, last_month: date) -> pd.DataFrame:
    """Every month since that is over, with 0 where nobody came back."""
    import pandas as pd

    sizes = counted.loc[counted["months_since"] == 0].set_index("cohort")["active"]
    sizes = sizes[sizes >= SMALLEST_GROUP]
    rows = [
        (cohort, int(customers), since)
        for cohort, customers in sizes.items()
        for since in range(
            (last_month.year - cohort.year) * 12 + last_month.month - cohort.month + 1
        )
    ]
    whole = pd.DataFrame(rows, columns=["cohort", "customers", "months_since"])
    whole["cohort"] = pd.to_datetime(whole["cohort"])
    whole = whole.merge(counted, on=["cohort", "months_since"], how="left")
    return whole.fillna(dict.fromkeys(("active", *_SUMS), 0))


def _open_since(store: Store) -> date:
    """First day whose payments still wait for refunds; the day after the last where none do.

    Where the way in which refunds come in can't be told, all that may still grow is open.
    """
    after = store.as_of + timedelta(days=1)
    try:
        refunds = refund_development(store)
    except MissingTable:
        return after
    blocks = max((i + 1 for i, still in enumerate(refunds.is_open) if still), default=0)
    blocks = blocks if refunds.is_told else AGES
    return after - timedelta(days=blocks * BLOCK_DAYS)
