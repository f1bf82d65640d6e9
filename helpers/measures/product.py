"""Product: what sells, what earns, by product, class, line and category.

All from mart `product_days`; see `assortment` for what sales and margin mean here.
Source: plan 3.1; definitions in `metrics.toml`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from helpers.measures import assortment, stock
from helpers.measures.assortment import PRODUCT
from helpers.measures.frames import divide, one_row, proportion

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

CLASSES = ("A", "B", "C", "unknown")


def selling_share(store: Store, period: Period) -> pd.DataFrame:
    """Products sold in the period / products on sale.

    On sale: launched by the period's end, and sold or counted in stock within the 365 days to
    it. The interval takes the products as equal; they are not, so it is rather too wide.

    Returns:
        One row, `frames.COLUMNS`: share 0 to 1 with its Wilson interval; n products.

    Raises:
        MissingTable: The data begin inside the 365 days.

    Source: plan 3.1; the trade's rate of products that move.
    """
    window = assortment.require_year(store, period)
    days = assortment.product_days(store, window.start, window.end)
    days = days.filter(days.lines > 0)
    sold = days.select(*PRODUCT, sold=days.day >= period.start)
    if store.has("stock_levels"):
        counts = store.mart("stock_days")
        held = counts.filter(counts.day >= window.start, counts.day <= window.end,
                             counts.on_hand > 0)  # fmt: skip
        sold = sold.union(held.select(*PRODUCT, sold=False))
    on_sale = assortment.described(store, sold.group_by(*PRODUCT).aggregate(sold=sold.sold.max()))
    on_sale = on_sale.filter(on_sale.launched_on.isnull() | (on_sale.launched_on <= period.end))
    found = store.to_frame(
        on_sale.aggregate(n=on_sale.count(), sold=on_sale.sold.sum().fill_null(0))
    ).iloc[0]
    return proportion(float(found["sold"]), float(found["n"]))


def class_a_share(store: Store, period: Period) -> pd.DataFrame:
    """Products of class A / products sold, in the 365 days to the period's end; exact.

    Returns:
        One row, `frames.COLUMNS`: share 0 to 1; n products.

    Raises:
        MissingTable: The data begin inside the 365 days, or the source knows one product only.
    """
    classes = abc(store, period, window=assortment.require_year(store, period))
    products = float(classes["products"].sum())
    first = float(classes.loc[classes["abc"] == "A", "products"].sum())
    return one_row(divide(first, products), n=products, numerator=first, denominator=products)


def slow_stock_share(store: Store, period: Period) -> pd.DataFrame:
    """Stock at cost without a sale in 90 days or with over 180 days of cover / stock at cost.

    By the last count in the period; products on sale for less than 90 days are in neither.

    Returns:
        One row, `frames.COLUMNS`: share 0 to 1, exact; numerator and denominator in money, n
        products in stock.

    Raises:
        MissingTable: No stock counts, no unit costs, or no count in the period.
    """
    held = stock.position(store, period)
    held = held.filter(held.value.notnull(), held.on_hand > 0, ~held.is_young)
    slow = held.value.sum(where=held.is_slow).fill_null(0)
    found = store.to_frame(
        held.aggregate(slow=slow, value=held.value.sum(), products=held.count())
    ).iloc[0]
    value = float(found["value"]) if found["products"] else 0.0
    return one_row(
        divide(float(found["slow"]), value) if value else math.nan,
        n=float(found["products"]),
        numerator=float(found["slow"]),
        denominator=value,
    )


def abc(store: Store, period: Period, *, window: Period | None = None) -> pd.DataFrame:
    """Classes A, B and C: how few products make how much of the margin.

    Args:
        store: Uses mart `product_days`.
        period: Its end closes the window.
        window: Days that count; the 365 to the period's end, or those known, when not given.

    Returns:
        One row per class, A first: `abc` (A | B | C | unknown), `products`, `product_share` (0 to
        1), `value` (money), `value_share` (0 to 1), `net_sales`, `margin`, `basis` (margin |
        net_sales), `days` (of the window).

    Raises:
        MissingTable: The source knows one product only.
    """
    chosen = window or assortment.known_year(store, period)
    table = assortment.classified(store, chosen)
    table = table.group_by("abc").aggregate(
        products=table.count(),
        value=table.value.sum().cast("decimal(18,2)"),
        net_sales=table.net_sales.sum().cast("decimal(18,2)"),
        margin=table.margin.sum().cast("decimal(18,2)"),
        basis=table.basis.min(),
    )
    frame = store.to_frame(table)
    frame = frame.sort_values("abc", key=lambda code: code.map(CLASSES.index), ignore_index=True)
    frame.insert(2, "product_share", frame["products"] / frame["products"].sum())
    frame.insert(4, "value_share", frame["value"] / frame["value"].sum())
    return frame.assign(days=chosen.days)


def abc_curve(store: Store, period: Period, *, points: int = 60) -> pd.DataFrame:
    """How fast the margin adds up over the products, best first.

    Returns:
        At most `points` + 1 rows, best products first: `products` (so many of the best),
        `product_share`, `value_share` (0 to 1, of all that products earn), `basis`.

    Raises:
        MissingTable: The source knows one product only.
    """
    import ibis
    import pandas as pd

    window = assortment.known_year(store, period)
    table = assortment.classified(store, window)
    table = table.mutate(n=table.count().over(ibis.window()))
    table = table.mutate(step=((table["rank"] * points) / table.n).ceil().cast("int64"))
    table = table.group_by("step").aggregate(
        products=table["rank"].max(),
        product_share=table["rank"].max() / table.n.max(),
        value_share=table.cumulative_share.max(),
        basis=table.basis.min(),
    )
    frame = store.to_frame(table.order_by("step").drop("step"))
    start = frame.iloc[:1].assign(products=0, product_share=0.0, value_share=0.0)
    return pd.concat([start, frame], ignore_index=True)


def share_of_best(curve: pd.DataFrame, product_share: float = 0.2) -> float | None:
    """Share of the value that the best products make, read off `abc_curve` between its points."""
    if curve.empty:
        return None
    return float(np.interp(product_share, curve["product_share"], curve["value_share"]))


def best_products(store: Store, period: Period, *, limit: int = 100) -> pd.DataFrame:
    """The products that earn most in the 365 days to the period's end.

    Returns:
        At most `limit` rows, best first: `rank`, `shop_id`, `product_id`, `name`, `name_zh`,
        `abc`, `units`, `net_sales`, `margin` (money; empty where a cost is unknown),
        `margin_rate` (of net sales), `value_share`, `cumulative_share` (0 to 1), `basis`.

    Raises:
        MissingTable: The source knows one product only.
    """
    import ibis

    window = assortment.known_year(store, period)
    table = assortment.classified(store, window)
    whole = table.value.sum(where=table.value > 0).over(ibis.window()).cast("float64")
    table = table.mutate(value_share=table.value.cast("float64") / whole)
    table = assortment.described(store, table.filter(table["rank"] <= limit))
    columns = ("rank", *PRODUCT, "name", "name_zh", "abc", "units", "net_sales", "margin",
               "value_share", "cumulative_share", "basis")  # fmt: skip
    frame = store.to_frame(table.select(*columns).order_by("rank"))
    frame.insert(9, "margin_rate", frame["margin"] / frame["net_sales"].where(frame.net_sales > 0))
    return frame


def loss_makers(
    store: Store, period: Period, *, window_days: int = 365, limit: int = 200
) -> pd.DataFrame:
    """Products that cost more than they brought, and whether price or refunds are the reason.

    Returns:
        At most `limit` rows, largest loss first: `shop_id`, `product_id`, `name`, `name_zh`,
        `units`, `net_sales`, `margin`, `loss` (money, above 0), `price` (received a piece),
        `break_even_price` (cost a piece), `reason` (price: sold below cost before any refund |
        refunds).

    Raises:
        MissingTable: No unit costs.
    """
    import ibis

    store.require("price_history", "unit_cost")
    window = period.trailing(window_days)
    days = assortment.product_days(store, window.start, window.end)
    table = assortment.sums(days, *PRODUCT)
    table = table.filter(table.margin < 0, table.units > 0, table.receivable > 0)
    cheap = table.receivable < table.cost_of_goods
    table = table.mutate(
        loss=-table.margin,
        price=table.receivable.cast("float64") / table.units,
        break_even_price=table.cost_of_goods.cast("float64") / table.units,
        reason=ibis.ifelse(cheap, "price", "refunds"),
    )
    table = assortment.described(store, table)
    columns = (*PRODUCT, "name", "name_zh", "units", "net_sales", "margin", "loss", "price",
               "break_even_price", "reason")  # fmt: skip
    return store.to_frame(table.select(*columns).order_by(table.loss.desc(), *PRODUCT).limit(limit))
