"""Traffic month by month: channels, metrics of the contract, new and returning buyers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from helpers.measures.channels import acquisition_of, hide_few, traffic_of
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

MONTHS = 13


def acquisition_months(store: Store, period: Period, *, months: int = MONTHS) -> pd.DataFrame:
    """Spend and new customers of each channel month by month, oldest first.

    Returns:
        `month` (its first day), `channel`, `spend`, `new_customers`, `cac`, `low`, `high` (95 %;
        empty where nothing was spent or fewer than 10 were new). Whole months only.

    Raises:
        MissingTable: Spend, customers or the channel of orders are unknown for all of them.

    Source: plan 2.2, 3.2.
    """
    frame = _by_month(store, period, months, acquisition_of)
    frame = frame.rename(columns={"cac_low": "low", "cac_high": "high"})
    return frame[["month", "channel", "spend", "new_customers", "cac", "low", "high"]]


def visit_months(store: Store, period: Period, *, months: int = MONTHS) -> pd.DataFrame:
    """Visitors and conversion of each channel month by month, oldest first.

    Returns:
        `month` (its first day), `channel`, `visitors`, `share` (of visitors), `conversion`, `low`,
        `high` (0 to 1; 95 %). Whole months only.

    Raises:
        MissingTable: Traffic is unknown for all of them.

    Source: plan 2.2.
    """
    frame = _by_month(store, period, months, traffic_of)
    return frame[["month", "channel", "visitors", "share", "conversion", "low", "high"]]


def _by_month(
    store: Store,
    period: Period,
    months: int,
    part: Callable[[Store, Period], pd.DataFrame],
) -> pd.DataFrame:
    import pandas as pd

    frames, missing = [], None
    for month in _whole_months(store, period, months):
        try:
            frames.append(part(store, month).assign(month=pd.Timestamp(month.start)))
        except MissingTable as error:
            missing = error
    if not frames:
        raise missing or MissingTable("orders", ("paid_at",), "short")
    joined = pd.concat(frames, ignore_index=True)
    return joined.sort_values(["month", "channel"], ignore_index=True)


def metric_months(
    store: Store, period: Period, *, metric: str, months: int = MONTHS
) -> pd.DataFrame:
    """A metric of the contract month by month, oldest first.

    Returns:
        `month` (its first day), `value`, `low`, `high`, `numerator`, `denominator`, `overstated`
        (fewer than 365 days of history before it). Only whole months of which the store can say.

    Raises:
        MissingTable: It can say nothing of any of them.

    Source: plan 1.3, 2.2, 3.3.
    """
    import pandas as pd

    from helpers.measures.registry import compute
    from helpers.measures.traffic import history_before

    rows, missing = [], None
    for month in _whole_months(store, period, months):
        try:
            row = compute(store, metric, month).iloc[0]
        except MissingTable as error:
            missing = error
            continue
        names = ["value", "low", "high", "numerator", "denominator"]
        overstated = bool(history_before(store, month)["overstated"].iloc[0])
        rows.append({"month": pd.Timestamp(month.start), **row[names], "overstated": overstated})
    if not rows:
        raise missing or MissingTable("orders", ("paid_at",), "short")
    return pd.DataFrame(rows)


def customer_months(store: Store, period: Period, *, months: int = MONTHS) -> pd.DataFrame:
    """New and returning buyers month by month, oldest first; orders alone suffice.

    Returns:
        Two rows a month: `month`, `kind` (`new`, `returning`: bought in an earlier month),
        `customers`, `share` (of the month's buyers, 0 to 1). Groups of 1 to 9 are empty, with both
        shares of the month. Whole months only.

    Raises:
        MissingTable: Orders name no customers, or hold no whole month.

    Source: plan 1.3.
    """
    import ibis
    import pandas as pd

    store.require("orders", "customer_id")
    spans = [m for m in _whole_months(store, period, months) if m.start >= store.first_day]
    if not spans:
        raise MissingTable("orders", ("paid_at",), "short")
    days = store.mart("purchase_days")
    days = days.filter(days.day >= spans[0].start, days.day <= spans[-1].end)
    people = days.group_by("shop_id", "customer_id", month=days.day.truncate("M")).aggregate(
        first=days.number.min()
    )
    kind = ibis.cases((people.first == 1, "new"), else_="returning")
    counted = people.group_by("month", kind=kind).aggregate(customers=people.count())
    found = store.to_frame(counted).set_index(["month", "kind"])["customers"]
    every = pd.MultiIndex.from_product(
        [[pd.Timestamp(m.start) for m in spans], ["new", "returning"]], names=["month", "kind"]
    )
    frame = found.reindex(every, fill_value=0).reset_index()
    buyers = frame.groupby("month")["customers"].transform("sum")
    shown = hide_few(frame, "customers")
    whole = shown.groupby("month")["customers"].transform("count") == 2
    return shown.assign(share=(frame["customers"] / buyers.where(buyers > 0)).where(whole))


def _whole_months(store: Store, period: Period, months: int) -> tuple[Period, ...]:
    from helpers.plan.periods import last_complete_month

    return last_complete_month(min(period.end, store.as_of)).back(months)
