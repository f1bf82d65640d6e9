"""Carriers: how long parcels take, whether the promise is kept, what they cost, what breaks.

All from mart `deliveries`. Times count by arrival, promises by their moment, costs by departure.
Source: plan 5.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.models.estimate import Estimate
from helpers.models.intervals import ratio_of_sums, wilson
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store


def arrived(store: Store, period: Period) -> ir.Table:
    """Parcels that arrived in the period.

    Raises:
        MissingTable: No parcels, or none with its arrival.
    """
    store.require("shipments", "delivered_at")
    parcels = store.mart("deliveries")
    return parcels.filter(parcels.delivered_on >= period.start, parcels.delivered_on <= period.end)


def promised(store: Store, period: Period) -> ir.Table:
    """Parcels promised for a moment in the period that has come.

    Raises:
        MissingTable: No parcels, or none with a promised time.
    """
    store.require("shipments", "promised_at", "delivered_at")
    parcels = store.mart("deliveries")
    day = parcels.promised_at.date()
    return parcels.filter(day >= period.start, day <= min(period.end, store.as_of))


def paid(store: Store, period: Period) -> ir.Table:
    """Parcels that left in the period and whose freight is known.

    Raises:
        MissingTable: No parcels, or none with its freight.
    """
    store.require("shipments", "freight_cost")
    parcels = store.mart("deliveries")
    return parcels.filter(
        parcels.shipped_on >= period.start,
        parcels.shipped_on <= period.end,
        parcels.freight_cost.notnull(),
    )


def seconds(parcels: ir.Table) -> ir.IntegerValue:
    """Time under way in whole seconds: whole numbers add up the same in any order."""
    return (parcels.delivery_days * 86_400).round().cast("int64")


def cents(parcels: ir.Table) -> ir.IntegerValue:
    """Freight and packaging in hundredths of the currency."""
    return ((parcels.freight_cost + parcels.packaging_cost.fill_null(0)) * 100).cast("int64")


def comparison(store: Store, period: Period) -> pd.DataFrame:
    """Carriers side by side: time, promise, cost, damage.

    Carriers serve different addresses, so a part of the differences is where they deliver.

    Returns:
        One row per carrier, most parcels first: `carrier`, `parcels` (left in the period), `share`
        (0 to 1), `median_days`, `slow_days` (90th percentile; both of arrivals), `damage_share`,
        `damage_low`, `damage_high` (0 to 1, Wilson), `on_time`, `on_time_low`, `on_time_high` (0 to
        1), `late_parcels`, `standing` (promise against the other carriers on the same days: ahead |
        behind | not_enough_evidence), `cost`, `cost_low`, `cost_high` (money a parcel), `spent`
        (money). Intervals of promise and cost come from how the days of the period vary. Columns
        whose source is unknown are NaN.

    Raises:
        MissingTable: No parcels, or none that left or arrived in the period.
    """
    store.require("shipments", "carrier")
    table = _departures(store, period).outer_join(_arrivals(store, period), "carrier")
    table = table.mutate(carrier=table.carrier.coalesce(table.carrier_right)).drop("carrier_right")
    order = table.parcels.fill_null(0).desc()
    frame = store.to_frame(table.order_by(order, "carrier"))
    if frame.empty:
        raise MissingTable("shipments", ("shipped_at",), "short")
    low, high = wilson(frame["damaged"].fillna(0), frame["judged"].fillna(0))
    frame["parcels"] = frame["parcels"].fillna(0).astype("int64")
    frame.insert(2, "share", frame["parcels"] / max(frame["parcels"].sum(), 1))
    frame["damage_share"] = frame.pop("damaged") / frame["judged"].where(frame["judged"] > 0)
    frame = frame.drop(columns="judged").assign(damage_low=low, damage_high=high)
    frame = frame.merge(_promises(store, period), on="carrier", how="left")
    return frame.merge(_costs(store, period), on="carrier", how="left")


def _departures(store: Store, period: Period) -> ir.Table:
    parcels = store.mart("deliveries")
    left = parcels.filter(parcels.shipped_on >= period.start, parcels.shipped_on <= period.end)
    return left.group_by("carrier").aggregate(parcels=left.count())


def _arrivals(store: Store, period: Period) -> ir.Table:
    came = arrived(store, period)
    return came.group_by("carrier").aggregate(
        median_days=came.delivery_days.quantile(0.5),
        slow_days=came.delivery_days.quantile(0.9),
        damaged=came.is_damaged.sum(),
        judged=came.is_damaged.count(),
    )


def _promise_days(store: Store, period: Period) -> pd.DataFrame:
    """Parcels promised for each day and those that kept it, by carrier."""
    parcels = promised(store, period)
    kept = parcels.kept_promise.fill_null(False).cast("int64")
    days = parcels.group_by("carrier", day=parcels.promised_at.date()).aggregate(
        top=kept.sum(), bottom=parcels.count()
    )
    return store.to_frame(days.order_by("carrier", "day"))


def _promises(store: Store, period: Period) -> pd.DataFrame:
    import pandas as pd

    columns = ["carrier", "on_time", "on_time_low", "on_time_high", "late_parcels", "standing"]
    try:
        days = _promise_days(store, period)
    except MissingTable:
        return pd.DataFrame(columns=columns)
    rows = []
    for carrier, own in days.groupby("carrier", sort=True):
        rate = ratio_of_sums(own["top"], own["bottom"])
        late = int((own["bottom"] - own["top"]).sum())
        rest = days[days["carrier"] != carrier].groupby("day")[["top", "bottom"]].sum()
        standing = _standing(own.set_index("day")[["top", "bottom"]], rest)
        rows.append((carrier, rate.value, rate.low, min(rate.high, 1.0), late, standing))
    return pd.DataFrame(rows, columns=columns)


def _standing(own: pd.DataFrame, rest: pd.DataFrame) -> str:
    if rest.empty:
        return "not_enough_evidence"
    apart = paired_difference(own, rest)
    if apart.low > 0:
        return "ahead"
    return "behind" if apart.high < 0 else "not_enough_evidence"


def paired_difference(one: pd.DataFrame, other: pd.DataFrame) -> Estimate:
    """Difference of two rates of the same days, with what hits both on a day taken out.

    Args:
        one: `top` and `bottom` by day (index).
        other: The same of the other rate.

    Returns:
        Rate of one less rate of the other; interval from the days' joint residuals.
    """
    both = one.join(other, how="outer", suffixes=("_one", "_other")).fillna(0).sort_index()
    linear, value = 0.0, 0.0
    for name, sign in (("one", 1), ("other", -1)):
        top, bottom = both[f"top_{name}"], both[f"bottom_{name}"]
        rate = top.sum() / bottom.sum()
        value += sign * rate
        linear = linear + sign * (top - rate * bottom) * len(both) / bottom.sum()
    # Adding 2 keeps the values above zero, where the interval is not cut off.
    shifted = ratio_of_sums(linear + value + 2, np.ones(len(both)))
    return Estimate(value, shifted.low - 2, shifted.high - 2, shifted.n, shifted.standard_error)


def alternatives(store: Store, period: Period) -> pd.DataFrame:
    """Carriers that another one beats: moving their parcels is worth a look.

    A carrier is beaten on the promise where another keeps it clearly more often on the same days,
    and on cost where another is clearly cheaper, keeps it not clearly less often and is no slower
    in the median. Of several others the cheapest is named. Addresses and weights are taken to be
    alike, so the figures are what to test with a part of the parcels, not what is sure to come.

    Returns:
        One row per beaten carrier, most parcels first: `carrier`, `to_carrier`, `reason` (promise |
        cost), `parcels` (left in the period), `late_avoided` (parcels a period like this), `saving`
        (money a period like this; below 0 it costs more), `cost_per_late` (money for each late
        parcel avoided; NaN where it saves).

    Raises:
        MissingTable: No parcels, promises or freight.
    """
    import pandas as pd

    table = comparison(store, period)
    days = {name: own.set_index("day")[["top", "bottom"]]
            for name, own in _promise_days(store, period).groupby("carrier")}  # fmt: skip
    store.require("shipments", "freight_cost")
    rows = []
    for one in table.dropna(subset=["on_time", "cost"]).itertuples():
        found = []
        for other in table.dropna(subset=["on_time", "cost"]).itertuples():
            if other.carrier == one.carrier:
                continue
            apart = paired_difference(days[other.carrier], days[one.carrier])
            cheaper = other.cost_high < one.cost_low and other.median_days <= one.median_days
            if apart.low > 0:
                found.append((other.cost, other.carrier, "promise", apart.value))
            elif cheaper and not apart.high < 0:
                found.append((other.cost, other.carrier, "cost", apart.value))
        if found:
            cost, name, reason, gain = min(found)
            rows.append((one.carrier, name, reason, int(one.parcels),
                         round(gain * one.parcels), (one.cost - cost) * one.parcels))  # fmt: skip
    columns = ["carrier", "to_carrier", "reason", "parcels", "late_avoided", "saving"]
    frame = pd.DataFrame(rows, columns=columns)
    dear = (frame["saving"] < 0) & (frame["late_avoided"] > 0)
    return frame.assign(cost_per_late=(-frame["saving"] / frame["late_avoided"]).where(dear))


def _costs(store: Store, period: Period) -> pd.DataFrame:
    import pandas as pd

    columns = ["carrier", "cost", "cost_low", "cost_high", "spent"]
    try:
        parcels = paid(store, period)
    except MissingTable:
        return pd.DataFrame(columns=columns)
    days = parcels.group_by("carrier", day=parcels.shipped_on).aggregate(
        top=cents(parcels).sum(), bottom=parcels.count()
    )
    rows = []
    for carrier, own in store.to_frame(days.order_by("carrier", "day")).groupby("carrier"):
        found = ratio_of_sums(own["top"] / 100, own["bottom"])
        rows.append((carrier, found.value, found.low, found.high, float(own["top"].sum()) / 100))
    return pd.DataFrame(rows, columns=columns)
