"""Channels side by side: their traffic, what their customers cost, what their orders brought.

A channel is what the platform names as the source of a visit or an order. Groups of fewer than 10
customers or buyers are emptied, with the rates that would give them away. Source: plan 2.2, 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from helpers.measures.channel_days import (
    channel_days,
    cost_per_customer,
    every_day,
    paid_channels,
    require_customers,
    require_spend,
    require_trade,
    require_traffic,
    spread_spend,
)
from helpers.measures.frames import divide
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.plan.periods import Period
    from helpers.store.open import Store

SMALLEST_GROUP = 10


def traffic_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """Visitors and conversion of each channel, most visitors first.

    Returns:
        `channel`, `visitors`, `share` (of visitors), `share_last_year`, `buyers` (as the platform
        counts), `conversion`, `low`, `high` (0 to 1; 95 %, day-to-day process), `previous`,
        `last_year` (conversion then).

    Raises:
        MissingTable: Traffic is unknown for the period.

    Source: plan 2.2.
    """
    now = traffic_of(store, period)
    before = or_none(traffic_of, store, period.previous())
    year = or_none(traffic_of, store, period.last_year())
    return now.assign(
        share_last_year=_then(now, year, "share"),
        previous=_then(now, before, "conversion"),
        last_year=_then(now, year, "conversion"),
    )


def acquisition_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """Spend, new customers and their cost by channel, most spend first.

    Returns:
        `channel`, `spend`, `spend_share`, `new_customers`, `new_share`, `cac` (spend per new
        customer; empty where nothing was spent), `low`, `high` (95 %), `previous`, `last_year`
        (the cost then).

    Raises:
        MissingTable: Spend, customers or the channel of orders are unknown for the period.

    Source: plan 1.3, 2.2.
    """
    now = acquisition_of(store, period).rename(columns={"cac_low": "low", "cac_high": "high"})
    before = or_none(acquisition_of, store, period.previous())
    year = or_none(acquisition_of, store, period.last_year())
    return now.assign(previous=_then(now, before, "cac"), last_year=_then(now, year, "cac"))


def return_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """Paid sales of each paid channel's orders against its spend, most spend first.

    Returns:
        `channel`, `spend`, `paid_sales`, `value` (multiple), `low`, `high` (95 %), `last_year` (the
        multiple then), `claimed` (sales that the channel claims), `claim_share` (claimed / paid
        sales of its orders; above 1 it claims more than came through it).

    Raises:
        MissingTable: Spend or the channel of orders is unknown for the period.

    Source: plan 2.2, 3.2.
    """
    now = _returns(store, period)
    year = or_none(_returns, store, period.last_year())
    return now.assign(last_year=_then(now, year, "value"))


def changes_by_channel(store: Store, period: Period, *, against: str = "last_year") -> pd.DataFrame:
    """How each channel's spend and new customers moved, largest move of spend first.

    Args:
        store: Uses mart `channel_days`.
        period: The period.
        against: `last_year` or `previous`.

    Returns:
        `channel`, `spend_before`, `spend`, `spend_change` (money), `new_before`, `new_customers`,
        `new_change` (customers), `against`.

    Raises:
        MissingTable: One of the two periods is unknown.
        ValueError: `against` is neither.

    Source: plan 1.2.
    """
    if against not in ("last_year", "previous"):
        raise ValueError(f"against == {against!r}, must be last_year or previous")
    now = acquisition_of(store, period).set_index("channel")
    before = acquisition_of(store, getattr(period, against)()).set_index("channel")
    names = now.index.union(before.index)
    frame = now.reindex(names)[["spend", "new_customers"]].join(
        before.reindex(names)[["spend", "new_customers"]].rename(
            columns={"spend": "spend_before", "new_customers": "new_before"}
        )
    )
    frame = frame.fillna({"spend": 0.0, "spend_before": 0.0})
    frame["spend_change"] = frame["spend"] - frame["spend_before"]
    frame["new_change"] = frame["new_customers"] - frame["new_before"]
    order = frame["spend_change"].abs().sort_values(ascending=False, kind="stable").index
    frame = frame.loc[order].rename_axis("channel").reset_index()
    names = ["channel", "spend_before", "spend", "spend_change", "new_before", "new_customers",
             "new_change"]  # fmt: skip
    return frame[names].assign(against=against)


def claims(store: Store, period: Period) -> pd.DataFrame:
    """What all paid channels claim beside what came through them and what the shop sold.

    Returns:
        One row: `spend`, `claimed` (sales that the channels claim), `paid_sales` (of their orders),
        `shop_sales` (of all orders), `claim_share` (claimed / their paid sales), `break_even` (paid
        sales per unit of spend at which an order pays for its own advertising: 1 / contribution
        before marketing per unit paid; empty where cost is unknown), `reading` (`over_shop`:
        more claimed than the shop sold; `over_channels`: than came through them; `within`).

    Raises:
        MissingTable: As `return_by_channel`; or no channel claims sales.

    Source: plan 2.2.
    """
    import pandas as pd

    from helpers.measures.customer_value import contribution_share

    channels = _returns(store, period)
    store.require("ad_spend", "attributed_sales")
    claimed, sales = channels["claimed"].sum(), channels["paid_sales"].sum()
    shop = channel_days(store, period)["paid_sales"].sum()
    share = contribution_share(store, period)
    reading = "over_shop" if claimed > shop else "over_channels" if claimed > sales else "within"
    row = (channels["spend"].sum(), claimed, sales, shop, divide(claimed, sales),
           1 / share if share and share > 0 else math.nan, reading)  # fmt: skip
    names = ["spend", "claimed", "paid_sales", "shop_sales", "claim_share", "break_even", "reading"]
    return pd.DataFrame([row], columns=names)


def traffic_of(store: Store, period: Period) -> pd.DataFrame:
    """One period's part of `traffic_by_channel`."""
    require_traffic(store, period)
    days = channel_days(store, period).dropna(subset=["visitors"])
    total = days["visitors"].sum()
    rows = []
    for channel, part in days.groupby("channel"):
        shown = part.dropna(subset=["traffic_buyers"])
        found = _ratio_of(shown["traffic_buyers"], shown["visitors"])
        visitors = part["visitors"].sum()
        rows.append(
            (channel, visitors, divide(visitors, total), shown["traffic_buyers"].sum(),
             found.value, found.low, found.high)
        )  # fmt: skip
    names = ["channel", "visitors", "share", "buyers", "conversion", "low", "high"]
    frame = _largest_first(rows, names, "visitors")
    return hide_few(frame, "buyers", "conversion", "low", "high")


def acquisition_of(store: Store, period: Period) -> pd.DataFrame:
    """One period's part of `acquisition_by_channel`; the interval is `cac_low`, `cac_high`."""
    store.require("orders", "channel")
    require_customers(store, period)
    require_spend(store, period)
    days = channel_days(store, period)
    rows = []
    for channel, part in days.groupby("channel"):
        money = spread_spend(store, period, part, "acquisition_spend")
        customers = every_day(store, period, part, "new_customers")
        spend, new = money.sum(), customers.sum()
        if not spend and not new:
            continue
        found = cost_per_customer(money, customers)
        cost = found.value if spend else math.nan
        rows.append((channel, spend, new, cost, found.low, found.high))
    names = ["channel", "spend", "new_customers", "cac", "cac_low", "cac_high"]
    frame = _largest_first(rows, names, "spend")
    frame["spend_share"] = frame["spend"] / (frame["spend"].sum() or math.nan)
    frame["new_share"] = frame["new_customers"] / (frame["new_customers"].sum() or math.nan)
    return hide_few_of_all(frame, "new_customers", "new_share", "cac", "cac_low", "cac_high")


def _returns(store: Store, period: Period) -> pd.DataFrame:
    require_spend(store, period, "kind")
    store.require("orders", "channel")
    require_trade(store, period)
    days = channel_days(store, period)
    rows = []
    for channel in paid_channels(days):
        part = days[days["channel"] == channel]
        money = spread_spend(store, period, part)
        earned = every_day(store, period, part, "paid_sales")
        found = _ratio_of(earned, money)
        claimed = part["attributed_sales"].sum(min_count=1)
        sales, spend = earned.sum(), money.sum()
        share = claimed / sales if sales else math.nan
        rows.append((channel, spend, sales, found.value, found.low, found.high, claimed, share))
    names = ["channel", "spend", "paid_sales", "value", "low", "high", "claimed", "claim_share"]
    return _largest_first(rows, names, "spend")


def _ratio_of(numerators: pd.Series, denominators: pd.Series) -> Estimate:
    from helpers.models.intervals import ratio_of_sums

    return ratio_of_sums(numerators, denominators)


def _largest_first(rows: list[tuple], names: list[str], by: str) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=names)
    return frame.sort_values([by, "channel"], ascending=[False, True], ignore_index=True)


def hide_few(frame: pd.DataFrame, count: str, *derived: str) -> pd.DataFrame:
    """Empty counts of 1 to 9 customers and what would give them away."""
    few = frame[count].between(1, SMALLEST_GROUP - 1)
    changed = {name: frame[name].mask(few) for name in (count, *derived)}
    return frame.assign(**changed)


def hide_few_of_all(frame: pd.DataFrame, count: str, *derived: str) -> pd.DataFrame:
    """As `hide_few`, where the total is told too.

    Where the hidden are fewer than 10 together, the smallest shown is emptied with them, one
    without spend if there is any: else the total less the shown would tell them.
    """
    hidden = frame[count].between(1, SMALLEST_GROUP - 1)
    rest = frame[~hidden & (frame[count] > 0)].assign(paid=frame["spend"] > 0)
    if 0 < frame.loc[hidden, count].sum() < SMALLEST_GROUP and len(rest):
        hidden[rest.sort_values(["paid", count], kind="stable").index[0]] = True
    changed = {name: frame[name].mask(hidden) for name in (count, *derived)}
    return frame.assign(**changed)


def or_none(
    part: Callable[[Store, Period], pd.DataFrame], store: Store, period: Period
) -> pd.DataFrame | None:
    """A part of a period; None where the store can't say."""
    try:
        return part(store, period)
    except MissingTable:
        return None


def _then(now: pd.DataFrame, then: pd.DataFrame | None, column: str) -> pd.Series:
    """A column of an earlier period, in the order of the channels now; empty where unknown."""
    if then is None:
        return now["channel"].map({})
    return now["channel"].map(then.set_index("channel")[column])
