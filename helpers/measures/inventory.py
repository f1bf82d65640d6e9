"""Inventory: how fast stock turns and how long it lasts, by class, category or line.

From marts `stock_days` and `product_days`; stock as in `stock`.
Source: plan 3.1, 5.1; definitions of turnover and cover in `metrics.toml`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures import assortment, stock
from helpers.measures.assortment import PRODUCT
from helpers.measures.stock import DEMAND_DAYS
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

STOCK_GROUPS = ("abc", "category", "line")
TURNOVER_DAYS = 90
LONGEST_GAP_DAYS = 31


def turnover(store: Store, period: Period, *, by: str = "abc") -> pd.DataFrame:
    """How fast stock turns and how long it lasts, by class, category or line.

    Inventory days are average stock at cost x days / cost of goods sold, over the 90 days to the
    period's end; days of cover are the last count at cost / cost of goods sold a day in 28 days.

    Args:
        store: Uses marts `stock_days` and `product_days`.
        period: Its end closes the windows.
        by: `abc`, `category` or `line`.

    Returns:
        One row per group, most money first: `group_name`, `group_name_zh` (for `abc`: A | B | C |
        unknown | unsold), `products` (in stock), `value` (money at cost), `value_share` (0 to 1),
        `inventory_days`, `cover_days` (NaN where nothing was sold).

    Raises:
        MissingTable: No stock counts or costs, or counts begin inside the 90 days.
        ValueError: `by` is none of the three.
    """
    if by not in STOCK_GROUPS:
        raise ValueError(f"by == {by!r}, must be one of {STOCK_GROUPS}.")
    window = counted_window(store, period)
    held = stock.position(store, period)
    if by != "abc":
        store.require("products", by)
    average = average_stock(store, window)
    sold = assortment.sums(assortment.product_days(store, window.start, window.end), *PRODUCT)
    sold = sold.select(*PRODUCT, cost=sold.cost_of_goods.fill_null(0) - sold.returned_cost)
    table = held.select(*PRODUCT, "value", "on_hand", "cost_recent", "category", "category_zh",
                        "line")  # fmt: skip
    for other in (average, sold):
        table = table.left_join(other, PRODUCT).drop("shop_id_right", "product_id_right")
    table = _in_groups(store, table, period, by)
    table = table.group_by("group_name").aggregate(
        group_name_zh=table.group_name_zh.max(),
        products=(table.on_hand > 0).sum(),
        value=table.value.sum().cast("decimal(18,2)"),
        average=table.average_value.sum().cast("float64"),
        cost=table.cost.fill_null(0).sum().cast("float64"),
        cost_recent=table.cost_recent.sum().cast("float64"),
    )
    frame = store.to_frame(table.order_by(table.value.desc(), "group_name"))
    daily = frame.pop("cost_recent") / DEMAND_DAYS
    average_value, cost = frame.pop("average"), frame.pop("cost")
    frame["value_share"] = frame["value"] / frame["value"].sum()
    frame["inventory_days"] = average_value * window.days / cost.where(cost > 0)
    frame["cover_days"] = frame["value"] / daily.where(daily > 0)
    return frame


def _in_groups(store: Store, table: ir.Table, period: Period, by: str) -> ir.Table:
    if by != "abc":
        chinese = table.category_zh if by == "category" else table[by]
        return table.mutate(
            group_name=table[by].fill_null("other"),
            group_name_zh=chinese.coalesce(table[by]).fill_null("other"),
        )
    classes = assortment.classified(store, assortment.known_year(store, period))
    table = table.left_join(classes.select(*PRODUCT, "abc"), PRODUCT)
    table = table.drop("shop_id_right", "product_id_right")
    name = table.abc.fill_null("unsold")
    return table.mutate(group_name=name, group_name_zh=name)


def counted_window(store: Store, period: Period, days: int = TURNOVER_DAYS) -> Period:
    """The 90 days to the period's end.

    Raises:
        MissingTable: No stock counts, or they begin over a month inside the days.
    """
    store.require("stock_levels", "on_hand")
    window = period.trailing(days)
    counts = store.mart("stock_days")
    first = store.to_frame(
        counts.filter(counts.day <= window.end).aggregate(first=counts.day.min())
    )["first"].iloc[0]
    latest = window.start + timedelta(days=LONGEST_GAP_DAYS)
    if first is None or not first.date() <= latest:
        raise MissingTable("stock_levels", ("day",), "short")
    return window


def average_stock(store: Store, window: Period) -> ir.Table:
    """One row per product counted in the window: `average_value`, over the shop's counts, money."""
    counts = store.mart("stock_days")
    counts = counts.filter(counts.day >= window.start, counts.day <= window.end)
    shops = counts.group_by("shop_id").aggregate(count_days=counts.day.nunique())
    counts = counts.inner_join(shops, "shop_id")
    average = counts.value.sum().cast("float64") / counts.count_days.max()
    return counts.group_by(*PRODUCT).aggregate(average_value=average.cast("decimal(18,6)"))
