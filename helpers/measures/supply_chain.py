"""Supply chain: the metrics of the contract on suppliers, stock and delivery.

From marts `receipts`, `stock_days`, `product_days` and `deliveries`.
Source: plan 3.1 and 5.1; definitions in `metrics.toml`.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures import assortment, carriers, inventory, stock, suppliers
from helpers.measures.frames import estimated, one_row, proportion
from helpers.models.intervals import ratio_of_sums
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store


def on_time_in_full(store: Store, period: Period) -> pd.DataFrame:
    """Purchase order lines received by the promised day and in full / lines promised in the period.

    One yes or no a line; a line that is not received counts as missed. Lines promised for days
    that have not come yet are in neither.

    Returns:
        One row, `frames.COLUMNS`: rate 0 to 1 with its Wilson interval; n lines.

    Raises:
        MissingTable: No purchase orders, or no line due in the period.

    Source: plan 5.1; definitions of the contract.
    """
    lines = suppliers.due_lines(store, period)
    kept = lines.on_time_in_full.sum().fill_null(0)
    found = store.to_frame(lines.aggregate(n=lines.count(), kept=kept)).iloc[0]
    if not found["n"]:
        raise MissingTable("purchase_orders", ("promised_on",), "short")
    return proportion(float(found["kept"]), float(found["n"]))


def inventory_days(store: Store, period: Period) -> pd.DataFrame:
    """Average stock at cost x days / cost of goods sold, over the 90 days to the period's end.

    The average is over the days of a count. Exact.

    Returns:
        One row, `frames.COLUMNS`: days; numerator average stock x days, denominator cost of goods
        sold less what came back fit for sale (both money).

    Raises:
        MissingTable: No stock counts or unit costs, or counts begin inside the 90 days.
    """
    window = inventory.counted_window(store, period)
    store.require("price_history", "unit_cost")
    average = inventory.average_stock(store, window)
    held = store.to_frame(average.aggregate(v=average.average_value.sum().fill_null(0)))
    return _per_day(float(held["v"].iloc[0]) * window.days, _cost_of_goods_sold(store, window))


def days_of_cover(store: Store, period: Period) -> pd.DataFrame:
    """Stock at cost at the last count in the period / cost of goods sold a day in 28 days. Exact.

    Returns:
        One row, `frames.COLUMNS`: days; numerator stock (money), denominator cost of goods sold a
        day in the 28 days to the count (money).

    Raises:
        MissingTable: No stock counts or unit costs, or no count in the period.
    """
    held = stock.position(store, period)
    found = store.to_frame(
        held.aggregate(value=held.value.sum().fill_null(0), day=held.counted_on.max())
    ).iloc[0]
    counted_on = found["day"].date()
    window = Period(counted_on - timedelta(days=stock.DEMAND_DAYS - 1), counted_on)
    daily = _cost_of_goods_sold(store, window) / stock.DEMAND_DAYS
    return _per_day(float(found["value"]), daily)


def _cost_of_goods_sold(store: Store, window: Period) -> float:
    """Cost of what was sold in the days, less what came back fit for sale."""
    days = assortment.product_days(store, window.start, window.end)
    found = store.to_frame(
        days.aggregate(
            sold=days.cost_of_goods.sum().fill_null(0), back=days.returned_cost.sum().fill_null(0)
        )
    ).iloc[0]
    return float(found["sold"]) - float(found["back"])


def _per_day(stock_value: float, cost: float) -> pd.DataFrame:
    value = stock_value / cost if cost > 0 else math.nan
    return one_row(value, numerator=stock_value, denominator=cost)


def delivery_days(store: Store, period: Period) -> pd.DataFrame:
    """Mean days from leaving the warehouse to arrival, of parcels that arrived in the period.

    Returns:
        One row, `frames.COLUMNS`: days, interval over the days of the period; numerator days under
        way together, denominator parcels; n days.

    Raises:
        MissingTable: No parcels, or none in the period.
    """
    parcels = carriers.arrived(store, period)
    return _over_days(store, parcels, parcels.delivered_on, carriers.seconds(parcels), 86_400)


def delivery_on_time_rate(store: Store, period: Period) -> pd.DataFrame:
    """Parcels that arrived by the promised time / parcels promised for a moment in the period.

    A parcel that has not arrived counts as late; one whose promised time has not come is in
    neither.

    Returns:
        One row, `frames.COLUMNS`: rate 0 to 1, interval over the days of the period; n days.

    Raises:
        MissingTable: No parcels, or none with a promised time.
    """
    parcels = carriers.promised(store, period)
    kept = parcels.kept_promise.fill_null(False).cast("int64")
    found = _over_days(store, parcels, parcels.promised_at.date(), kept, 1)
    return found.assign(high=found["high"].clip(upper=1))


def freight_per_parcel(store: Store, period: Period) -> pd.DataFrame:
    """Freight and packaging of parcels that left in the period / those parcels.

    Returns:
        One row, `frames.COLUMNS`: money, interval over the days of the period; n days.

    Raises:
        MissingTable: No parcels, or none with its freight.
    """
    parcels = carriers.paid(store, period)
    return _over_days(store, parcels, parcels.shipped_on, carriers.cents(parcels), 100)


def _over_days(
    store: Store, parcels: ir.Table, day: ir.DateValue, amount: ir.IntegerValue, unit: int
) -> pd.DataFrame:
    """A mean of parcels with the interval of its days; `amount` is in whole 1 / `unit`."""
    table = parcels.group_by(day=day).aggregate(amount=amount.sum(), parcels=parcels.count())
    frame = store.to_frame(table.order_by("day"))
    if frame.empty:
        raise MissingTable("shipments", ("shipped_at", "delivered_at"), "short")
    total = frame["amount"].astype("float64") / unit
    estimate = ratio_of_sums(total, frame["parcels"])
    return estimated(estimate, float(total.sum()), float(frame["parcels"].sum()))
