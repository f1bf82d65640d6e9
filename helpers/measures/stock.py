"""Stock: what lies there, how long it lasts, what to buy, what to clear, what was sold out.

All from marts `stock_days` and `product_days`, as of the last count in the period. Demand is pieces
sold, and where a product was sold out on part of the counted days it is taken for the others alone.
Source: plan 3.1 and 5.1; definitions of cover and slow stock in `metrics.toml`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.measures import assortment
from helpers.measures.assortment import PRODUCT
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

DEMAND_DAYS = 28
SLOW_DAYS = 90
SLOW_COVER_DAYS = 180
YOUNG_DAYS = 90
SMALLEST_IN_STOCK_SHARE = 0.25
NAMES = ("shop_id", "product_id", "name", "name_zh")


def _counts(store: Store, period: Period) -> ir.Table:
    """The last count of each shop in the period, with its day as `counted_on`."""
    store.require("stock_levels", "on_hand")
    counts = store.mart("stock_days")
    counts = counts.filter(counts.day >= period.start, counts.day <= period.end)
    last = counts.group_by("shop_id").aggregate(counted_on=counts.day.max())
    joined = counts.join(last, ["shop_id", counts.day == last.counted_on])
    return joined.drop("shop_id_right") if "shop_id_right" in joined.columns else joined


def _sold(store: Store, counted: ir.Table) -> ir.Table:
    """Pieces and money of each product in the days to the last count."""
    days = store.mart("product_days")
    last = counted.group_by("shop_id").aggregate(counted_on=counted.counted_on.max())
    days = days.inner_join(last, "shop_id").filter(lambda t: t.day <= t.counted_on)
    age = days.counted_on.delta(days.day, unit="day")
    recent, quarter = age < DEMAND_DAYS, age < SLOW_DAYS
    had_sale = days.lines > 0
    return days.group_by(*PRODUCT).aggregate(
        first_sold_on=days.day.min(where=had_sale),
        last_sold_on=days.day.max(where=had_sale),
        units_recent=days.units.sum(where=recent).cast("int64"),
        squares_recent=(days.units * days.units).sum(where=recent).cast("int64"),
        units_quarter=days.units.sum(where=quarter).cast("int64"),
        receivable_quarter=days.receivable.sum(where=quarter).cast("decimal(18,2)"),
        cost_recent=(days.cost_of_goods.fill_null(0) - days.returned_cost)
        .sum(where=recent)
        .cast("decimal(18,2)"),
        cost_quarter=days.cost_of_goods.fill_null(0).sum(where=quarter).cast("decimal(18,2)"),
    )


def _in_stock(store: Store, counted: ir.Table) -> ir.Table:
    """Share of the counts of the demand's days at which a product was there; day first counted."""
    counts = store.mart("stock_days")
    last = counted.group_by("shop_id").aggregate(counted_on=counted.counted_on.max())
    counts = counts.inner_join(last, "shop_id").filter(lambda t: t.day <= t.counted_on)
    recent = counts.counted_on.delta(counts.day, unit="day") < DEMAND_DAYS
    held = (counts.on_hand > 0).cast("float64")
    return counts.group_by(*PRODUCT).aggregate(
        in_stock_share=held.mean(where=recent), first_counted_on=counts.day.min()
    )


def position(store: Store, period: Period) -> ir.Table:
    """One row per product of the last count in the period: stock, demand, cover, what it ties up.

    Columns: `counted_on`, `on_hand`, `on_order`, `unit_cost`, `value` (money at cost),
    `units_recent` (28 days), `units_quarter` (90 days), `daily_units` (a day in stock),
    `cover_days` (on hand / daily units; empty without demand), `cost_recent`, `last_sold_on`,
    `is_young` (on sale for less than 90 days), `is_dead` (no sale in 90 days), `is_slow` (dead, or
    over 180 days of cover by the demand of 90 days), and what `products` says.

    Raises:
        MissingTable: No stock counts, no unit costs, or no count in the period.
    """
    import ibis

    counted = _counts(store, period)
    store.require("price_history", "unit_cost")
    if not int(store.to_frame(counted.aggregate(n=counted.count()))["n"].iloc[0]):
        raise MissingTable("stock_levels", ("day",), "short")
    table = counted
    for other in (_sold(store, counted), _in_stock(store, counted)):
        table = table.left_join(other, PRODUCT).drop("shop_id_right", "product_id_right")
    table = assortment.described(store, table)
    zero = {c: table[c].fill_null(0) for c in ("units_recent", "squares_recent", "units_quarter",
            "receivable_quarter", "cost_recent", "cost_quarter")}  # fmt: skip
    table = table.mutate(
        **zero,
        since=table.launched_on.coalesce(
            ibis.least(table.first_sold_on, table.first_counted_on), table.first_counted_on
        ),
    )
    share = ibis.greatest(table.in_stock_share.fill_null(1.0), SMALLEST_IN_STOCK_SHARE)
    daily = table.units_recent / (DEMAND_DAYS * share)
    slow_cover = table.on_hand * SLOW_DAYS / table.units_quarter.nullif(0)
    return table.mutate(
        daily_units=daily,
        cover_days=table.on_hand / daily.nullif(0),
        slow_cover_days=slow_cover,
        is_young=table.counted_on.delta(table.since, unit="day") < YOUNG_DAYS,
        is_dead=table.units_quarter == 0,
        is_slow=(table.units_quarter == 0) | (slow_cover > SLOW_COVER_DAYS),
    )


def slow_stock(store: Store, period: Period, *, limit: int = 2000) -> pd.DataFrame:
    """Stock to clear: what does not sell, or would last over 180 days, with the money in it.

    `clear_price` is the price at which a piece brings back its cost after the platform's fees
    (those of the 90 days before; none where they are unknown); freight is not in it. `excess_value`
    is the cost of what 90 more days at today's pace would not sell.

    Returns:
        At most `limit` rows, most excess money first: `shop_id`, `product_id`, `name`, `name_zh`,
        `state` (dead: no sale in 90 days | slow), `on_hand`, `value` (money at cost),
        `units_quarter` (sold in 90 days), `cover_days` (NaN without a sale), `last_sold_on`,
        `excess_units`, `excess_value`, `price` (received a piece in 90 days; list price where none
        was sold), `clear_price`, `price_cut` (0 to 1, from `price` to `clear_price`; NaN where
        `clear_price` is not below), `pace` (how many times today's pace sells it in 90 days),
        `on_order`, `on_order_value`, `action` (stop_and_clear | clear).

    Raises:
        MissingTable: No stock counts, no unit costs, or no count in the period.
    """
    held = position(store, period)
    held = held.filter(held.is_slow, ~held.is_young, held.on_hand > 0, held.value.notnull())
    held = _with_list_price(store, held)
    excess = (held.on_hand - held.units_quarter) * held.unit_cost
    columns = (*NAMES, "is_dead", "on_hand", "value", "unit_cost", "units_quarter",
               "slow_cover_days", "last_sold_on", "receivable_quarter", "list_price",
               "on_order")  # fmt: skip
    table = held.select(*columns, excess=excess).order_by(excess.desc(), *PRODUCT).limit(limit)
    return _cleared(store.to_frame(table), _fee_share(store, period))


def _with_list_price(store: Store, held: ir.Table) -> ir.Table:
    prices = store.table("price_history")
    prices = prices.group_by(*PRODUCT).aggregate(
        list_price=prices.list_price.argmax(prices.valid_from)
    )
    return held.left_join(prices, PRODUCT).drop("shop_id_right", "product_id_right")


def _fee_share(store: Store, period: Period) -> float:
    """Platform's fees / receivable, of the settled orders of 90 days; 0 where none is known."""
    days = store.mart("shop_days")
    window = period.trailing(SLOW_DAYS)
    days = days.filter(days.day >= window.start, days.day <= window.end)
    found = store.to_frame(
        days.aggregate(fees=days.fees.sum(), receivable=days.settled_receivable.sum())
    ).iloc[0]
    return float(found["fees"] / found["receivable"]) if found["receivable"] > 0 else 0.0


def _cleared(frame: pd.DataFrame, fee_share: float) -> pd.DataFrame:
    sold = frame["units_quarter"].where(frame["units_quarter"] > 0)
    price = (frame["receivable_quarter"] / sold).fillna(frame["list_price"])
    clear_price = frame["unit_cost"] / (1 - fee_share)
    on_order = frame["on_order"].fillna(0)
    return frame[[*NAMES]].assign(
        state=np.where(frame["is_dead"], "dead", "slow"),
        on_hand=frame["on_hand"],
        value=frame["value"],
        units_quarter=frame["units_quarter"],
        cover_days=frame["slow_cover_days"],
        last_sold_on=frame["last_sold_on"],
        excess_units=frame["on_hand"] - frame["units_quarter"],
        excess_value=frame["excess"].round(2),
        price=price,
        clear_price=clear_price,
        price_cut=(1 - clear_price / price).where(clear_price < price),
        pace=frame["on_hand"] / sold,
        on_order=on_order.astype("int64"),
        on_order_value=on_order * frame["unit_cost"],
        action=np.where(on_order > 0, "stop_and_clear", "clear"),
    )


def excess_by_supplier(store: Store, period: Period) -> pd.DataFrame:
    """Slow stock by who supplied it: whom to ask for returns, swaps or smaller lots.

    Returns:
        One row per supplier, most excess first; products without one are `other`: `supplier_name`,
        `supplier_name_zh`, `products` (slow or dead), `value` (money at cost), `excess_value` (what
        90 more days would not sell), `stock_share` (of the supplier's stock that is slow, 0 to 1).

    Raises:
        MissingTable: No stock counts, no unit costs, no suppliers, or no count in the period.
    """
    held = position(store, period)
    store.require("products", "supplier_id")
    held = with_supplier_name(store, held.filter(held.on_hand > 0, held.value.notnull()))
    slow = held.is_slow & ~held.is_young
    excess = (held.on_hand - held.units_quarter) * held.unit_cost
    table = held.group_by(supplier_name=held.supplier_name.fill_null("other")).aggregate(
        supplier_name_zh=held.supplier_name_zh.max().fill_null("other"),
        products=slow.sum(),
        value=held.value.sum(where=slow).fill_null(0).cast("decimal(18,2)"),
        excess_value=excess.sum(where=slow).fill_null(0).cast("decimal(18,2)"),
        held=held.value.sum(),
    )
    table = table.filter(table.products > 0)
    table = table.mutate(
        stock_share=table.value.cast("float64") / table.held.nullif(0).cast("float64")
    ).drop("held")
    return store.to_frame(table.order_by(table.excess_value.desc(), "supplier_name"))


def with_supplier_name(store: Store, table: ir.Table) -> ir.Table:
    """The table with `supplier_name` and `supplier_name_zh`; the id where there is no name."""
    if not store.has("suppliers"):
        return table.mutate(supplier_name=table.supplier_id, supplier_name_zh=table.supplier_id)
    known = store.table("suppliers")
    known = known.select(
        "shop_id", "supplier_id", supplier_name=known.name, supplier_name_zh=known.name_zh
    )
    table = table.left_join(known, ("shop_id", "supplier_id"))
    table = table.drop("shop_id_right", "supplier_id_right")
    name = table.supplier_name.coalesce(table.supplier_id)
    return table.mutate(supplier_name=name, supplier_name_zh=table.supplier_name_zh.coalesce(name))
