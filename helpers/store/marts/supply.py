"""Marts of supply: stock, receipts, deliveries."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from helpers.store.marts.parts import count_of, with_unit_cost

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from helpers.store.marts.parts import Tables


def stock_days(tables: Tables, as_of: date) -> ir.Table:
    """One row per product and day of a stock count, all warehouses together, valued at cost."""
    stock = tables["stock_levels"]
    stock = stock.group_by("shop_id", "product_id", "day").aggregate(
        on_hand=count_of(stock.on_hand), on_order=count_of(stock.on_order)
    )
    stock = with_unit_cost(stock, tables, "day")
    return stock.mutate(value=(stock.on_hand * stock.unit_cost).round(2).cast("decimal(18,2)"))


def receipts(tables: Tables, as_of: date) -> ir.Table:
    """One row per purchase order line: due or not, on time, in full, both.

    A line is due when its promised day has come; one that is due and not received counts as
    late. `in_full` compares pieces received with pieces ordered.
    """
    import ibis

    lines = tables["purchase_orders"]
    received_on = lines.received_at.date()
    on_time = (received_on <= lines.promised_on).fill_null(False)
    in_full = (lines.received_quantity >= lines.ordered_quantity).fill_null(False)
    return lines.mutate(
        received_on=received_on,
        ordered_on=lines.ordered_at.date(),
        is_due=lines.promised_on <= ibis.literal(as_of),
        on_time=on_time,
        in_full=in_full,
        on_time_in_full=on_time & in_full,
        late_days=received_on.delta(lines.promised_on, unit="day"),
        lead_time_days=received_on.delta(lines.ordered_at.date(), unit="day"),
    )


def deliveries(tables: Tables, as_of: date) -> ir.Table:
    """One row per parcel: days under way, whether the promise was kept, cost, damage."""
    parcels = tables["shipments"]
    hours = parcels.delivered_at.epoch_seconds() - parcels.shipped_at.epoch_seconds()
    return parcels.mutate(
        shipped_on=parcels.shipped_at.date(),
        delivered_on=parcels.delivered_at.date(),
        delivery_days=hours / 86_400,
        kept_promise=parcels.delivered_at <= parcels.promised_at,
    )
