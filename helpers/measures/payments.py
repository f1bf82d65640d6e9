"""Attempts to pay, by the day of an order's first one. Source: plan 3.3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.channel_days import remembered, within
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store


def payment_days(store: Store, period: Period) -> pd.DataFrame:
    """Orders by the day of their first attempt to pay; fake orders and what is no sale left out.

    Returns:
        One row per day with attempts, oldest first: `day`, `attempted`, `paid` (by the store's
        day), orders.

    Raises:
        MissingTable: The store shows no attempts (marketplaces don't), or none in the period.
    """
    span = within(store, period)
    days = _all_payment_days(store)
    days = days[days["day"].between(str(span.start), str(span.end))].reset_index(drop=True)
    if days.empty:
        raise MissingTable("payments", ("attempted_at",), "short")
    return days


def _all_payment_days(store: Store) -> pd.DataFrame:
    store.require("payments", "order_id", "attempted_at")
    attempts, orders = store.table("payments"), store.table("orders")

    def compute() -> pd.DataFrame:
        key = ("shop_id", "order_id")
        first = attempts.group_by(*key).aggregate(day=attempts.attempted_at.min().date())
        sales = orders.filter(orders.kind == "sale", ~orders.is_fake.fill_null(False))
        tried = first.inner_join(sales.select(*key, "paid_at"), key)
        by_day = tried.group_by("day").aggregate(
            attempted=tried.count(), paid=tried.paid_at.count()
        )
        return store.to_frame(by_day.order_by("day"))

    return remembered(store, "payment_days", compute)
