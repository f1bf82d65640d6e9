"""Replenishment: what to buy now, what not to receive, what was sold out.

Lead time of a product is its supplier's: the agreed days, or the median of what came in the year
before where that is longer. Stock and demand as in `stock`.
Source: plan 3.1 and 5.1; order-up-to level under periodic review (R, S), Silver, Pyke and Thomas
(2017).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from helpers.measures import assortment, stock
from helpers.measures.assortment import PRODUCT
from helpers.measures.stock import DEMAND_DAYS, NAMES
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

REVIEW_DAYS = 28
SERVICE_LEVEL = 0.95
ENOUGH_DAYS = 90
OVERDUE_DAYS = 7


def lead_times(store: Store, period: Period) -> ir.Table:
    """One row per supplier: `lead_days`, agreed or observed in the year before, the longer.

    Raises:
        MissingTable: Neither is known for any supplier.
    """
    import ibis

    parts = []
    if store.has("suppliers"):
        agreed = store.table("suppliers")
        parts.append(
            agreed.select("shop_id", "supplier_id", days=agreed.lead_time_days.cast("float64"))
        )
    if store.has("purchase_orders"):
        window = period.trailing(assortment.YEAR_DAYS)
        came = store.mart("receipts")
        came = came.filter(came.received_on >= window.start, came.received_on <= window.end)
        seen = came.group_by("shop_id", "supplier_id").aggregate(
            days=came.lead_time_days.cast("float64").median()
        )
        parts.append(seen.select("shop_id", "supplier_id", "days"))
    if not parts:
        raise MissingTable("suppliers", ("lead_time_days",))
    return ibis.union(*parts).group_by("shop_id", "supplier_id").aggregate(
        lead_days=lambda t: t.days.max()
    )  # fmt: skip


def _with_lead_time(store: Store, held: ir.Table, period: Period) -> ir.Table:
    """Stock with `lead_days` and the supplier's name; without products of unknown suppliers."""
    store.require("products", "supplier_id")
    key = ("shop_id", "supplier_id")
    held = held.inner_join(lead_times(store, period), key)
    held = held.drop(
        *(name for name in ("shop_id_right", "supplier_id_right") if name in held.columns)
    )
    return stock.with_supplier_name(store, held)


def reorder(
    store: Store,
    period: Period,
    *,
    review_days: int = REVIEW_DAYS,
    service_level: float = SERVICE_LEVEL,
    limit: int = 300,
) -> pd.DataFrame:
    """What to order now, and which open orders come too late.

    Ordered is where stock and what is on order together are below the reorder point: `order_now`
    below the demand of the lead time itself, `order_soon` below that and safety stock for the
    service level. The quantity brings them up to the demand of lead time and review period with
    its safety stock. `chase`: enough is on order, but the stock ends
    before the next delivery promised (an overdue one is taken to come a week after the count).

    Args:
        store: Uses marts `stock_days`, `product_days`, `receipts`; tables `products`, `suppliers`.
        period: Its last count is the stock.
        review_days: Days until the next order could be placed; at least 0.
        service_level: Probability of not selling out in one cycle.
        limit: Longest list.

    Returns:
        At most `limit` rows, most sales at risk first: `shop_id`, `product_id`, `name`, `name_zh`,
        `supplier_name`, `supplier_name_zh`, `on_hand`, `on_order`, `daily_units`, `cover_days`,
        `lead_days`, `next_due_on` (what was open at the count came or is promised; empty where
        nothing is known), `short_days` (from the end of the stock to the next delivery possible,
        0 or more), `quantity` (pieces to order; 0 to chase), `order_value` (money at cost),
        `sales_at_risk` (money: what the short days would sell), `action` (order_now |
        order_soon | chase).

    Raises:
        MissingTable: No stock counts, costs or lead times.
        ValueError: `service_level` outside 0.5 to 1, or `review_days` < 0.
    """
    if not 0.5 <= service_level < 1:
        raise ValueError(f"service_level == {service_level}, must be from 0.5 to below 1.")
    if review_days < 0:
        raise ValueError(f"review_days == {review_days}, must be >= 0.")
    held = _with_lead_time(store, stock.position(store, period), period)
    held = _with_next_due(store, held.filter(held.daily_units > 0), period)
    frame = store.to_frame(
        held.select(
            *NAMES, "supplier_name", "supplier_name_zh", "on_hand", "daily_units", "cover_days",
            "lead_days", "unit_cost", "units_recent", "squares_recent", "counted_on",
            "next_due_on", on_order=held.on_order.fill_null(0),
            price=held.receivable_quarter.cast("float64") / held.units_quarter.nullif(0),
        ).order_by(*PRODUCT)
    )  # fmt: skip
    return _decided(frame, review_days, float(norm.ppf(service_level))).head(limit)


def _with_next_due(store: Store, held: ir.Table, period: Period) -> ir.Table:
    """Stock with the day on which the next purchase open at the count came or is promised."""
    import ibis

    if not store.has("purchase_orders"):
        return held.mutate(next_due_on=ibis.null("date"))
    lines = store.mart("receipts").inner_join(held.select(*PRODUCT, "counted_on"), PRODUCT)
    lines = lines.mutate(came=ibis.cases((lines.received_on <= period.end, lines.received_on)))
    waiting = lines.came.isnull() | (lines.came > lines.counted_on)
    lines = lines.filter(lines.ordered_on <= lines.counted_on, waiting)
    due = lines.group_by(*PRODUCT).aggregate(
        next_due_on=lines.came.coalesce(lines.promised_on).min()
    )
    return held.left_join(due, PRODUCT).drop("shop_id_right", "product_id_right")


def _decided(frame: pd.DataFrame, review_days: int, deviations: float) -> pd.DataFrame:
    """Which products to order and how much, and which orders to chase."""
    lead, cover, daily = frame["lead_days"], frame["cover_days"], frame["daily_units"]
    spread = np.sqrt(
        (frame["squares_recent"] - frame["units_recent"] ** 2 / DEMAND_DAYS).clip(lower=0)
        / (DEMAND_DAYS - 1)
    )
    position = frame["on_hand"] + frame["on_order"]
    low = position < daily * lead + deviations * spread * np.sqrt(lead)
    cycle = lead + review_days
    wanted = np.ceil(daily * cycle + deviations * spread * np.sqrt(cycle) - position)
    quantity = wanted.clip(lower=0).where(low, 0).astype("int64")
    days_to_due = (frame["next_due_on"] - frame["counted_on"]).dt.days
    days_to_due = days_to_due.where(days_to_due > 0, OVERDUE_DAYS).where(days_to_due.notna(), lead)
    arrival = days_to_due.where(frame["on_order"] > 0, lead)
    short = (arrival - cover).clip(lower=0)
    found = frame[[*NAMES, "supplier_name", "supplier_name_zh", "on_hand", "on_order",
                   "daily_units", "cover_days", "lead_days", "next_due_on"]].assign(
        short_days=short,
        quantity=quantity,
        order_value=quantity * frame["unit_cost"],
        sales_at_risk=(short * daily * frame["price"]).fillna(0),
        action=np.select([position < daily * lead, low], ["order_now", "order_soon"], "chase"),
    )  # fmt: skip
    found = found[low | ((frame["on_order"] > 0) & (short > 0))]
    return found.sort_values(
        ["sales_at_risk", "order_value", *PRODUCT], ascending=[False, False, True, True],
        ignore_index=True,
    )  # fmt: skip


def not_needed(store: Store, period: Period, *, limit: int = 300) -> pd.DataFrame:
    """Open purchases of products whose stock alone lasts over 90 days: postpone or cancel.

    Returns:
        At most `limit` rows, most money first: `shop_id`, `product_id`, `name`, `name_zh`,
        `supplier_name`, `supplier_name_zh`, `on_hand`, `cover_days` (by the demand of 90 days;
        NaN without a sale), `on_order`, `on_order_value` (money at cost), `value` (of the stock).

    Raises:
        MissingTable: No stock counts, costs, or pieces on order.
    """
    store.require("stock_levels", "on_order")
    held = stock.position(store, period)
    enough = held.slow_cover_days.isnull() | (held.slow_cover_days > ENOUGH_DAYS)
    held = held.filter(enough, ~held.is_young, held.on_order > 0, held.unit_cost.notnull())
    held = stock.with_supplier_name(store, held)
    held = held.mutate(
        cover_days=held.slow_cover_days,
        on_order_value=(held.on_order * held.unit_cost).round(2).cast("decimal(18,2)"),
    )
    columns = (*NAMES, "supplier_name", "supplier_name_zh", "on_hand", "cover_days", "on_order",
               "on_order_value", "value")  # fmt: skip
    return store.to_frame(
        held.select(*columns).order_by(held.on_order_value.desc(), *PRODUCT).limit(limit)
    )


def stock_outs(store: Store, period: Period, *, limit: int = 300) -> pd.DataFrame:
    """Products counted at nothing in the period, and what those days would have sold.

    A count of nothing stands for the days since the count before. What was not sold is taken at
    the pace of the days in stock, in the period and the 28 days before it; nobody is taken to have
    waited, and a product that is let run out on purpose counts as well.

    Returns:
        At most `limit` rows, most money first: `shop_id`, `product_id`, `name`, `name_zh`,
        `counts`, `counts_empty`, `days_out`, `lost_units`, `lost_sales`, `lost_margin` (money; the
        margin is empty where a cost is unknown), `is_out_now` (at the last count), `on_order`
        (pieces).

    Raises:
        MissingTable: No stock counts, or none in the period.
    """
    import ibis

    store.require("stock_levels", "on_hand")
    end = min(period.end, store.as_of)
    window = Period(period.start - timedelta(days=DEMAND_DAYS), max(end, period.start))
    days = (window.end - period.start).days + 1
    out = _counted_empty(store, period, window)
    sold = assortment.sums(assortment.product_days(store, window.start, window.end), *PRODUCT)
    sold = sold.filter(sold.units > 0).select(*PRODUCT, "units", "net_sales", "margin")
    out = out.inner_join(sold, PRODUCT)
    share = ibis.greatest(out.in_stock_share, stock.SMALLEST_IN_STOCK_SHARE)
    lost = out.counts_empty * days / out.count_days * out.units / (window.days * share)
    table = out.mutate(days_out=out.counts_empty * days / out.count_days, lost_units=lost)
    table = table.mutate(
        lost_sales=lost * table.net_sales.cast("float64") / table.units,
        lost_margin=lost * table.margin.cast("float64") / table.units,
    )
    columns = (*NAMES, "counts", "counts_empty", "days_out", "lost_units", "lost_sales",
               "lost_margin", "is_out_now", "on_order")  # fmt: skip
    table = assortment.described(store, table).select(*columns)
    return store.to_frame(table.order_by(table.lost_sales.desc(), *PRODUCT).limit(limit))


def _counted_empty(store: Store, period: Period, window: Period) -> ir.Table:
    """Products counted at nothing in the period: how often, and how often not in the window."""
    counts = store.mart("stock_days")
    counts = counts.filter(counts.day >= window.start, counts.day <= window.end)
    inside = counts.filter(counts.day >= period.start)
    if not int(store.to_frame(inside.aggregate(n=inside.count()))["n"].iloc[0]):
        raise MissingTable("stock_levels", ("day",), "short")
    shops = inside.group_by("shop_id").aggregate(
        count_days=inside.day.nunique(), last_day=inside.day.max()
    )
    counts = counts.inner_join(shops, "shop_id")
    here = counts.day >= period.start
    empty = here & (counts.on_hand == 0)
    last = counts.day == counts.last_day
    table = counts.group_by(*PRODUCT).aggregate(
        counts=here.sum(),
        counts_empty=empty.sum(),
        count_days=counts.count_days.max(),
        in_stock_share=(counts.on_hand > 0).cast("float64").mean(),
        is_out_now=(last & (counts.on_hand == 0)).max(),
        on_order=counts.on_order.sum(where=last).fill_null(0),
    )
    return table.filter(table.counts_empty > 0)
