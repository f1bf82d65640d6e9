"""What the marts share: keys, sums that stay exact, the cost of a product on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

Tables = Mapping[str, "ir.Table"]
ORDER = ("shop_id", "order_id")
PRODUCT = ("shop_id", "product_id")
CUSTOMER = ("shop_id", "customer_id")


def total(column: ir.NumericColumn) -> ir.NumericScalar:
    """A sum that stays within DECIMAL(18, 2)."""
    return column.sum().cast("decimal(18,2)")


def count_of(column: ir.Column) -> ir.IntegerScalar:
    """A sum of whole numbers or flags, as a whole number."""
    return column.sum().cast("int64")


def complete_total(column: ir.NumericColumn) -> ir.NumericScalar:
    """A sum that is empty where one of its parts is unknown."""
    import ibis

    return ibis.cases((column.notnull().all(), total(column)))


def _valid_prices(tables: Tables) -> ir.Table:
    """Cost of a product with the day until which it holds.

    The last one holds until the end of days: with an "or nothing" in its condition the join would
    compare every row with every price.
    """
    import ibis

    prices = tables["price_history"]
    following = ibis.window(
        group_by=[prices.shop_id, prices.product_id], order_by=prices.valid_from
    )
    return prices.select(
        "shop_id",
        "product_id",
        "valid_from",
        "unit_cost",
        valid_until=prices.valid_from.lead().over(following).fill_null(ibis.literal(date.max)),
    )


def with_unit_cost(table: ir.Table, tables: Tables, day: str) -> ir.Table:
    """The table with `unit_cost` of its product on its day; empty where none is known."""
    prices = _valid_prices(tables)
    joined = table.left_join(
        prices,
        [
            table.shop_id == prices.shop_id,
            table.product_id == prices.product_id,
            prices.valid_from <= table[day],
            table[day] < prices.valid_until,
        ],
    )
    return joined.select(*table.columns, "unit_cost")
