"""RFM segments: who the customers are by recency, frequency and money.

Recency and money in quintiles with ties together, frequency in fixed bands, because most customers
buy once and quintiles of frequency collapse. Source: plan 2.1; definitions of RFM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.money import SMALLEST_COSTED_SHARE
from helpers.measures.purchases import CUSTOMER, known_until, purchases, without_small_groups

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

SEGMENTS = (
    "champions", "loyal", "one_time_recent", "one_time_cooling", "big_spenders_at_risk", "at_risk",
    "one_time_lost",
)  # fmt: skip
FREQUENCY_BANDS = ("1", "2", "3-4", "5+")


def scored_customers(store: Store, until: date | None = None) -> ir.Table:
    """Mart `customer_summary` with scores and segment, as of a day.

    Adds `recency_score` and `money_score` (1 to 5, 5 is best; money is net sales so far),
    `frequency_band` (1: one purchase day, 2: two, 3: three or four, 4: five and more) and
    `segment`, the first line of this map that fits:

    | segment | recency | frequency | money |
    | --- | --- | --- | --- |
    | champions | 4-5 | 3+ days | any |
    | loyal | 3-5 | 2+ days | any |
    | one_time_recent | 4-5 | 1 day | any |
    | one_time_cooling | 3 | 1 day | any |
    | big_spenders_at_risk | 1-2 | 2+ days | 5 |
    | at_risk | 1-2 | 2+ days | 1-4 |
    | one_time_lost | 1-2 | 1 day | any |

    Args:
        store: Uses marts `customer_summary` and, for an earlier day, `purchase_days`.
        until: The day; the store's own when not given. Fifths are those of the customers of that
            day. Refunds are those known on the store's day.

    Raises:
        MissingTable: The store knows no customers.
    """
    import ibis

    store.require("orders", "customer_id")
    people = _summary(store, until or store.as_of)

    def quintile(column: ir.Column) -> ir.IntegerColumn:
        rank = ibis.cume_dist().over(ibis.window(order_by=column))
        return (rank * 5).ceil().cast("int64").clip(1, 5)

    people = people.mutate(
        recency_score=quintile(people.last_day),
        money_score=quintile(people.net_sales),
        frequency_band=ibis.cases(
            (people.purchase_days >= 5, 4),
            (people.purchase_days >= 3, 3),
            (people.purchase_days == 2, 2),
            else_=1,
        ),
    )
    recency, band = people.recency_score, people.frequency_band
    segment = ibis.cases(
        ((recency >= 4) & (band >= 3), "champions"),
        ((recency >= 3) & (band >= 2), "loyal"),
        (recency >= 4, "one_time_recent"),
        (recency == 3, "one_time_cooling"),
        ((band >= 2) & (people.money_score == 5), "big_spenders_at_risk"),
        (band >= 2, "at_risk"),
        else_="one_time_lost",
    )
    return people.mutate(segment=segment)


def _summary(store: Store, until: date) -> ir.Table:
    """Mart `customer_summary`; for an earlier day its columns that scores and lists need."""
    import ibis

    if until >= store.as_of:
        return store.mart("customer_summary")
    days = purchases(store, until)
    people = days.group_by(*CUSTOMER).aggregate(
        first_day=days.day.min(),
        last_day=days.day.max(),
        purchase_days=days.count(),
        paid_sales=days.paid_sales.sum(),
        net_sales=days.receivable.sum() - days.refunds.sum(),
        contribution=ibis.cases((days.contribution.notnull().all(), days.contribution.sum())),
    )
    return people.mutate(
        frequency=people.purchase_days - 1,
        recency_days=people.last_day.delta(people.first_day, unit="day"),
        age_days=ibis.literal(until).delta(people.first_day, unit="day"),
    )


def segments(store: Store, period: Period) -> pd.DataFrame:
    """Size and money of each segment at the period's end.

    Returns:
        One row per segment in the order of `SEGMENTS`: `segment`, `customers`, `customer_share`
        (0 to 1), `net_sales` (money so far), `sales_share` (0 to 1), `sales_per_customer` (money),
        `contribution` (money so far, before marketing), `contribution_share` (of all, 0 to 1; both
        blank where under 95 % of customers have all their costs known), `days_since_last`
        (median). Segments that would tell fewer than 10 customers are left out.

    Raises:
        MissingTable: The store knows no customers.

    Source: plan 2.1.
    """
    import ibis

    end = known_until(store, period)
    people = scored_customers(store, end)
    since = ibis.literal(end).delta(people.last_day, unit="day")
    grouped = (
        people.mutate(since=since)
        .group_by("segment")
        .aggregate(
            customers=ibis._.count(),
            costed=ibis._.contribution.count(),
            net_sales=ibis._.net_sales.sum(),
            contribution=ibis._.contribution.sum(),
            days_since_last=ibis._.since.median(),
        )
        .order_by("segment")
    )
    frame = store.to_frame(grouped).set_index("segment")
    frame = frame.reindex([name for name in SEGMENTS if name in frame.index]).reset_index()
    total = frame["customers"].sum()
    if frame["costed"].sum() < SMALLEST_COSTED_SHARE * total:
        frame["contribution"] = float("nan")
    frame["customer_share"] = frame["customers"] / total
    frame["sales_share"] = frame["net_sales"] / frame["net_sales"].sum()
    frame["contribution_share"] = frame["contribution"] / frame["contribution"].sum()
    frame["sales_per_customer"] = frame["net_sales"] / frame["customers"]
    names = ["segment", "customers", "customer_share", "net_sales", "sales_share",
             "sales_per_customer", "contribution", "contribution_share",
             "days_since_last"]  # fmt: skip
    return without_small_groups(frame[names])


def rfm_grid(store: Store, period: Period) -> pd.DataFrame:
    """Customers by recency quintile and frequency band.

    Returns:
        One row per cell: `recency_score` (1 to 5), `frequency_band` (a text of
        `FREQUENCY_BANDS`), `customers`, `customer_share`, `net_sales`. Cells that would tell fewer
        than 10 customers are left out.
    """
    import ibis

    people = scored_customers(store, known_until(store, period))
    grouped = (
        people.group_by("recency_score", "frequency_band")
        .aggregate(customers=ibis._.count(), net_sales=ibis._.net_sales.sum())
        .order_by("recency_score", "frequency_band")
    )
    frame = store.to_frame(grouped)
    frame["customer_share"] = frame["customers"] / frame["customers"].sum()
    frame["frequency_band"] = frame["frequency_band"].map(
        lambda band: FREQUENCY_BANDS[int(band) - 1]
    )
    return without_small_groups(frame)
