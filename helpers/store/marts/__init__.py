"""The derived tables that all chapters share, each one Ibis expression over canonical tables.

A mart sees every canonical table: one that the store does not have is empty, so a column that
rests on it comes out empty and never as zero. Money columns are in the store's currency; `day`
columns are days of the shop's own time.

Source: plan 4.4; definitions of paid sales, net sales and contribution in `plan/metrics.toml`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from helpers.store.marts import customers, sales, supply

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from helpers.store.marts.parts import Tables


@dataclass(frozen=True)
class Mart:
    """A derived table: its grain, what it reads, and the expression that builds it."""

    name: str
    grain: str
    reads: tuple[str, ...]
    build: Callable[[Tables, date], ir.Table]


MARTS: dict[str, Mart] = {
    mart.name: mart
    for mart in (
        Mart("lines_valued", "goods line of a paid sale",
             ("orders", "order_lines", "price_history"), sales.lines_valued),
        Mart("refunds", "refund of goods", ("orders", "returns", "price_history"), sales.refunds),
        Mart("orders_valued", "paid sale",
             ("orders", "lines_valued", "refunds", "settlements", "shipments"),
             sales.orders_valued),
        Mart("purchase_days", "customer and day", ("orders_valued",), customers.purchase_days),
        Mart("customer_summary", "customer", ("purchase_days",), customers.customer_summary),
        Mart("product_days", "product and day", ("lines_valued", "refunds"), sales.product_days),
        Mart("channel_days", "channel and day",
             ("traffic_daily", "ad_spend", "orders_valued", "purchase_days"), sales.channel_days),
        Mart("shop_days", "shop and day", ("orders_valued", "refunds"), sales.shop_days),
        Mart("stock_days", "product and day of a count", ("stock_levels", "price_history"),
             supply.stock_days),
        Mart("receipts", "purchase order line", ("purchase_orders",), supply.receipts),
        Mart("deliveries", "parcel", ("shipments",), supply.deliveries),
    )
}  # fmt: skip
