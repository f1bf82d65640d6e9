"""Products as every chapter counts them: their money in spans of days, their names, their class.

Net sales are receivable less refunds of the same sales, by paid day; margin is net sales less the
cost of goods, where goods that came back fit for sale give their cost back. A margin is empty as
soon as the cost of one of its sales is unknown.
Source: plan 3.1; definitions of net sales, gross margin and ABC in `metrics.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from helpers.store.open import Store

PRODUCT = ("shop_id", "product_id")
YEAR_DAYS = 365
COSTED_SHARE = 0.95
CUT_OFFS = (0.80, 0.95)
DESCRIPTION = ("name", "name_zh", "category", "category_zh", "line", "supplier_id", "launched_on")
_SUMS = ("lines", "units", "paid_sales", "receivable", "discounts", "cost_of_goods",
         "costed_receivable", "refunds", "returned_cost", "quality_refunds")  # fmt: skip


def require_products(store: Store) -> None:
    """Make sure that the source tells products apart.

    Raises:
        MissingTable: Everything is sold under one product.
    """
    sold = store.mart("product_days").select(*PRODUCT).distinct().limit(2)
    if int(store.to_frame(sold.aggregate(n=sold.count()))["n"].iloc[0]) < 2:
        raise MissingTable("products", ("product_id",))


def require_year(store: Store, period: Period) -> Period:
    """The 365 days to the period's end.

    Raises:
        MissingTable: The store's history begins inside them.
    """
    window = period.trailing(YEAR_DAYS)
    if store.first_day > window.start:
        raise MissingTable("orders", ("paid_at",), "short")
    return window


def known_year(store: Store, period: Period) -> Period:
    """The 365 days to the period's end, or as many of them as the store has traded."""
    window = period.trailing(YEAR_DAYS)
    return Period(min(max(window.start, store.first_day), window.end), window.end)


def compared(store: Store, period: Period) -> dict[str, Period | None]:
    """The period, the one before and the same one last year, as far as the store knows them.

    A period that is not over is compared with as many first days of the others.
    """
    end = min(period.end, store.as_of)
    now = Period(period.start, max(end, period.start))
    spans: dict[str, Period | None] = {"now": now}
    for name, other in (("previous", period.previous()), ("last_year", period.last_year())):
        if now.end < period.end:
            last = min(other.start + timedelta(days=now.days - 1), other.end)
            other = Period(other.start, last)
        spans[name] = other if other.start >= store.first_day else None
    return spans


def product_days(store: Store, start: date, end: date) -> ir.Table:
    """Mart `product_days` of these days, of lines that name a product."""
    days = store.mart("product_days")
    return days.filter(days.day >= start, days.day <= end, days.product_id.notnull())


def sums(days: ir.Table, *key: str) -> ir.Table:
    """Money of product-days by a key: the mart's sums, `net_sales`, `margin`, `list_value`."""
    import ibis

    totals = {name: days[name].sum().cast(days[name].type()) for name in _SUMS}
    table = days.group_by(*key).aggregate(**totals)
    net_sales = (table.receivable - table.refunds).cast("decimal(18,2)")
    cost = table.cost_of_goods.fill_null(0) - table.returned_cost
    known = table.costed_receivable == table.receivable
    return table.mutate(
        net_sales=net_sales,
        margin=ibis.cases((known, (net_sales - cost).cast("decimal(18,2)"))),
        list_value=(table.receivable + table.discounts).cast("decimal(18,2)"),
    )


def in_spans(
    store: Store, spans: Mapping[str, Period | None], *key: str, table: ir.Table | None = None
) -> ir.Table:
    """One row per key, with `sums` of each span side by side: `net_sales_previous` and so on.

    A span that the store does not know has empty columns, one without sales has zeros.
    """
    import ibis

    known = {name: span for name, span in spans.items() if span}
    first = min(span.start for span in known.values())
    last = max(span.end for span in known.values())
    days = product_days(store, first, last) if table is None else table
    joined: ir.Table | None = None
    for name, span in known.items():
        part = sums(days.filter(days.day >= span.start, days.day <= span.end), *key)
        part = part.rename({f"{c}_{name}": c for c in part.columns if c not in key})
        joined = part if joined is None else _outer(joined, part, key)
    assert joined is not None
    zeros = {
        column: joined[column].fill_null(0).cast(joined[column].type())
        for column in joined.columns
        if column not in key and not column.startswith(("margin_", "cost_of_goods_"))
    }
    unknown = {
        f"{column}_{name}": ibis.null("decimal(18,2)")
        for name, span in spans.items()
        if span is None
        for column in ("net_sales", "margin", "receivable", "refunds", "discounts", "list_value")
    }
    return joined.mutate(**zeros, **unknown)


def _outer(left: ir.Table, right: ir.Table, key: tuple[str, ...]) -> ir.Table:
    joined = left.outer_join(right, list(key))
    merged = {name: joined[name].coalesce(joined[f"{name}_right"]) for name in key}
    return joined.mutate(**merged).drop(*[f"{name}_right" for name in key])


def described(store: Store, table: ir.Table) -> ir.Table:
    """The table with what `products` says of each product; its id where it has no name."""
    import ibis

    if store.has("products"):
        products = store.table("products").select(*PRODUCT, *DESCRIPTION)
        joined = table.left_join(products, PRODUCT)
        table = joined.drop("shop_id_right", "product_id_right")
    else:
        types = {"launched_on": "date"}
        table = table.mutate(**{name: ibis.null(types.get(name, "string")) for name in DESCRIPTION})
    name = table.name.coalesce(table.product_id)
    return table.mutate(name=name, name_zh=table.name_zh.coalesce(name))


def classified(
    store: Store, window: Period, *, cut_offs: tuple[float, float] = CUT_OFFS
) -> ir.Table:
    """One row per product sold in the window, with its ABC class.

    Products are ranked by margin where cost is known for 95 % of the sales, else by net sales;
    class A holds the first that together make 80 % of it, B those up to 95 %, C the rest and
    all that earn nothing. A product whose own cost is unknown is of class `unknown`.

    Returns:
        `sums`, and `basis` (margin | net_sales), `value`, `rank`, `cumulative_share` (0 to 1),
        `abc` (A | B | C | unknown).

    Raises:
        MissingTable: Everything is sold under one product.
        ValueError: `cut_offs` do not rise between 0 and 1.
    """
    import ibis

    require_products(store)
    first, second = cut_offs
    if not 0 < first < second < 1:
        raise ValueError(f"cut_offs == {cut_offs}, must rise between 0 and 1, such as {CUT_OFFS}.")
    table = sums(product_days(store, window.start, window.end), *PRODUCT)
    table = table.filter(table.lines > 0)
    whole = ibis.window()
    costed = table.costed_receivable.sum().over(whole) >= COSTED_SHARE * (
        table.receivable.sum().over(whole)
    )
    table = table.mutate(basis=ibis.ifelse(costed, "margin", "net_sales"))
    table = table.mutate(value=ibis.ifelse(table.basis == "margin", table.margin, table.net_sales))
    gain = ibis.greatest(table.value.fill_null(0), 0).cast("decimal(18,2)")
    table = table.mutate(gain=gain, order=table.value.fill_null(-(10**15)))
    ranked = ibis.window(
        order_by=[table.order.desc(), table.shop_id, table.product_id],
        preceding=None,
        following=0,
    )
    table = table.mutate(
        rank=ibis.row_number().over(ibis.window(order_by=[
            table.order.desc(), table.shop_id, table.product_id])) + 1,
        cumulative=table.gain.sum().over(ranked),
        total=table.gain.sum().over(whole),
    )  # fmt: skip
    before = (table.cumulative - table.gain).cast("float64") / table.total.cast("float64")
    abc = ibis.cases(
        (table.value.isnull(), "unknown"),
        ((table.gain > 0) & (before < first), "A"),
        ((table.gain > 0) & (before < second), "B"),
        else_="C",
    )
    share = table.cumulative.cast("float64") / table.total.nullif(0).cast("float64")
    return table.mutate(abc=abc, cumulative_share=share).drop(
        "gain", "order", "cumulative", "total"
    )
