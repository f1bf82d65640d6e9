"""RFM segments: who the customers are by recency, frequency and money.

Recency and money in quintiles with ties together, frequency in fixed bands, because most customers
buy once and quintiles of frequency collapse. Source: plan 2.1; definitions of RFM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.lifecycle import SMALLEST_GROUP

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

SEGMENTS = (
    "champions", "loyal", "one_time_recent", "one_time_cooling", "big_spenders_at_risk", "at_risk",
    "one_time_lost",
)  # fmt: skip
FREQUENCY_BANDS = ("1", "2", "3-4", "5+")


def scored_customers(store: Store) -> ir.Table:
    """Mart `customer_summary` with scores and segment, as of the store's day.

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
    """
    import ibis

    store.require("orders", "customer_id")
    people = store.mart("customer_summary")

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


def segments(store: Store, period: Period) -> pd.DataFrame:
    """Size and money of each segment.

    Returns:
        One row per segment in the order of `SEGMENTS`: `segment`, `customers`, `customer_share`
        (0 to 1), `net_sales` (money so far), `sales_share` (0 to 1), `sales_per_customer` (money),
        `days_since_last` (median). Segments of fewer than 10 customers are left out.
    """
    import ibis

    people = scored_customers(store)
    since = ibis.literal(store.as_of).delta(people.last_day, unit="day")
    grouped = (
        people.mutate(since=since)
        .group_by("segment")
        .aggregate(
            customers=ibis._.count(),
            net_sales=ibis._.net_sales.sum(),
            days_since_last=ibis._.since.median(),
        )
        .order_by("segment")
    )
    frame = store.to_frame(grouped)
    total, money = frame["customers"].sum(), frame["net_sales"].sum()
    frame["customer_share"] = frame["customers"] / total
    frame["sales_share"] = frame["net_sales"] / money
    frame["sales_per_customer"] = frame["net_sales"] / frame["customers"]
    frame = frame.set_index("segment").reindex(SEGMENTS).dropna(how="all").reset_index()
    return frame[frame["customers"] >= SMALLEST_GROUP].reset_index(drop=True)


def rfm_grid(store: Store, period: Period) -> pd.DataFrame:
    """Customers by recency quintile and frequency band.

    Returns:
        One row per cell: `recency_score` (1 to 5), `frequency_band` (a text of
        `FREQUENCY_BANDS`), `customers`, `customer_share`, `net_sales`. Cells of fewer than 10
        customers are left out.
    """
    import ibis

    people = scored_customers(store)
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
    return frame[frame["customers"] >= SMALLEST_GROUP].reset_index(drop=True)
