"""What all measures of customers share: purchase days up to a day, and the smallest group shown.

Mart `purchase_days`: orders of one day are one purchase; orders refunded in full before shipment
and fake orders are none; sales without a known customer are no customers.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

YEAR_DAYS = 365
SMALLEST_GROUP = 10
CUSTOMER = ("shop_id", "customer_id")


def purchases(store: Store, until: date) -> ir.Table:
    """Purchase days up to a day, of stores that know their customers.

    `next_day` is empty where it lies after that day.

    Raises:
        MissingTable: The store knows no customers.
    """
    import ibis

    store.require("orders", "customer_id")
    days = store.mart("purchase_days")
    days = days.filter(days.day <= until)
    if until >= store.as_of:
        return days
    return days.mutate(next_day=ibis.cases((days.next_day <= until, days.next_day)))


def scalars(store: Store, table: ir.Table, **columns: ir.Value) -> dict[str, float]:
    """The only row of an aggregate as plain numbers; 0 where there is none."""
    frame = store.to_frame(table.aggregate(**columns))
    return {name: float(value or 0) for name, value in frame.iloc[0].items()}


def known_until(store: Store, period: Period) -> date:
    """The period's last day, as far as the data reach."""
    return min(period.end, store.as_of)


def last_complete(store: Store, period: Period) -> Period:
    """The last month that is over at the period's end, as far as the data reach."""
    from helpers.plan.periods import last_complete_month

    return last_complete_month(known_until(store, period))


def require_history(store: Store, start: date) -> None:
    """Make sure that the data reach back to a day.

    Raises:
        MissingTable: They begin later.
    """
    if start < store.first_day:
        raise MissingTable("orders", ("paid_at",), "short")


def without_small_groups(frame: pd.DataFrame, count: str = "customers") -> pd.DataFrame:
    """The groups of at least 10 customers.

    Where fewer than 10 customers are left out in all, the next smallest group goes too: else the
    whole less the groups shown would tell them.
    """
    kept = frame[frame[count] >= SMALLEST_GROUP]
    hidden = frame[count].sum() - kept[count].sum()
    if 0 < hidden < SMALLEST_GROUP and len(kept):
        kept = kept.drop(kept[count].idxmin())
    return kept.reset_index(drop=True)


def without_small_counts(frame: pd.DataFrame, part: str, whole: str) -> pd.DataFrame:
    """The frame with a part's count blank where the part, or the rest of the whole, is 1 to 9."""
    counts, rest = frame[part], frame[whole] - frame[part]
    few = counts.between(1, SMALLEST_GROUP - 1) | rest.between(1, SMALLEST_GROUP - 1)
    return frame.assign(**{part: counts.astype("float64").mask(few)})
