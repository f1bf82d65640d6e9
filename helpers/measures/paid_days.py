"""The days of the paid channels: what advertising bought, and what came of it after refunds.

Joins table `ad_spend` (shown, reached, clicked, claimed) with the orders of each channel: refunds
so far, those still to come, and contribution before marketing. Source: plan 2.2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures.channel_days import (
    PAID_KINDS,
    channel_days,
    every_day,
    paid_channels,
    remembered,
    require_spend,
    require_trade,
    within,
)
from helpers.measures.contribution import valued_purchases
from helpers.measures.money import daily_money
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.store.open import Store

YEAR_DAYS = 365
SMALLEST_ORDERS = 100
COUNTS = ("impressions", "reach", "clicks", "attributed_sales", "attributed_conversions")
ADDED = (
    "spend", "shown_spend", "clicked_spend", "reached_impressions", "clicked_impressions", *COUNTS,
)  # fmt: skip
EARNED = ("receivable", "refunds", "orders")


def campaign_days(store: Store, period: Period) -> pd.DataFrame:
    """Spend of `PAID_KINDS` by day and campaign, up to the store's day.

    Returns:
        `day`, `channel`, `campaign`, `kind`, and `ADDED`: money and counts, empty where the channel
        counts none. `shown_spend` and `clicked_spend` are money of rows that count impressions and
        clicks; `reached_impressions` and `clicked_impressions` those of rows that count both.

    Raises:
        MissingTable: The store shows no spend.
    """
    store.require("ad_spend", "day", "channel", "spend")
    span = within(store, period)
    days = remembered(store, "campaign_days", lambda: _all_campaign_days(store))
    return days[days["day"].between(str(span.start), str(span.end))].reset_index(drop=True)


def _all_campaign_days(store: Store) -> pd.DataFrame:
    rows = store.table("ad_spend")
    kind = rows.kind.fill_null("ads")
    rows = rows.mutate(kind=kind).filter(kind.isin(PAID_KINDS))
    sums = {name: rows[name].sum().cast("float64") for name in COUNTS}
    shown, clicked = rows.impressions.notnull(), rows.clicks.notnull()
    grouped = rows.group_by("day", "channel", "campaign", "kind").aggregate(
        spend=rows.spend.sum().cast("float64"),
        shown_spend=rows.spend.sum(where=shown).cast("float64"),
        clicked_spend=rows.spend.sum(where=clicked).cast("float64"),
        reached_impressions=rows.impressions.sum(where=rows.reach.notnull()).cast("float64"),
        clicked_impressions=rows.impressions.sum(where=clicked).cast("float64"),
        **sums,
    )
    return store.to_frame(grouped.order_by("day", "channel", "campaign", "kind"))


def paid_days(store: Store, period: Period) -> pd.DataFrame:
    """The days of the channels on which visitors were bought in the period.

    Returns:
        `channel_days` of them with `ADDED` of their campaigns, and of their orders: `receivable`,
        `refunds` (so far), `refunds_to_come`, `refund_error` (its standard error; both spread by
        receivable and by how much the channel is refunded as a rule), `net_sales` (paid sales less
        both; empty where refunds are unknown), `contribution` (before marketing, of purchases of
        known customers, what they still lose taken off; empty where costs are unknown).

    Raises:
        MissingTable: Spend, its kind or the channel of orders is unknown for the period.
    """
    require_spend(store, period, "kind")
    store.require("orders", "channel")
    require_trade(store, period)
    for source in ("channel_days", "shop_days", "refunds", "purchase_days"):
        store.mart(source)  # named on the page also when the frame is at hand
    span = within(store, period)
    days = remembered(store, "paid_days", lambda: _all_paid_days(store))
    days = days[days["day"].between(str(span.start), str(span.end))]
    return days[days["channel"].isin(paid_channels(days))].reset_index(drop=True)


def spend_begins(store: Store) -> date:
    """First day of spend that is known, not before the orders begin.

    Raises:
        MissingTable: No money was spent on visitors.
    """
    days = campaign_days(store, _history(store))
    if days.empty:
        raise MissingTable("ad_spend", ("kind",), "empty")
    first: date = days["day"].min().date()
    return max(first, store.first_day)


def _history(store: Store) -> Period:
    return Period(store.first_day, store.as_of)


def _all_paid_days(store: Store) -> pd.DataFrame:
    """`paid_days` of all days of the channels that ever had spend of `PAID_KINDS`."""
    span = _history(store)
    days = channel_days(store, span)
    days = days[days["channel"].isin(paid_channels(days))]
    bought = campaign_days(store, span).groupby(["day", "channel"])[list(ADDED)]
    days = days.drop(columns=["spend", "attributed_sales"])
    for part in (bought.sum(min_count=1).reset_index(), _earned(store), _contributions(store)):
        days = days.merge(part, on=["day", "channel"], how="left")
    days = days.fillna(dict.fromkeys(EARNED, 0.0))
    return _with_refunds(store, span, days)


def _earned(store: Store) -> pd.DataFrame:
    """What the orders of a channel and day brought and lost so far."""
    mart = store.mart("channel_days")
    sums = {name: mart[name].sum().cast("float64") for name in EARNED}
    grouped = mart.group_by("day", "channel").aggregate(**sums)
    return store.to_frame(grouped.order_by("day", "channel"))


def _contributions(store: Store) -> pd.DataFrame:
    """Contribution before marketing by day and channel, and of first purchases alone.

    The channel is that of the day's first order. No rows where the cost of goods is unknown.
    """
    import pandas as pd

    names = ["day", "channel", "contribution", "first_contribution"]
    try:
        days = valued_purchases(store, _history(store))
    except MissingTable:
        return pd.DataFrame(columns=names).astype({"day": "datetime64[us]", "channel": "str"})
    first = days.value.sum(where=days.number == 1)
    grouped = days.group_by("day", "channel").aggregate(
        contribution=days.value.sum(), first_contribution=first.fill_null(0.0)
    )
    return store.to_frame(grouped.order_by("day", "channel"))


def _with_refunds(store: Store, span: Period, days: pd.DataFrame) -> pd.DataFrame:
    if not store.has("returns"):
        unknown = dict.fromkeys(("refunds_to_come", "refund_error", "net_sales"), math.nan)
        return days.assign(**unknown)
    shop = daily_money(store, span).set_index("day")
    owed = shop["receivable"].where(shop["receivable"] > 0)
    part = days["receivable"] * days["channel"].map(
        _refund_factors(_earned(store), span.end)
    ).fillna(1.0)
    to_come, error = (
        (days["day"].map(shop[name] / owed).fillna(0.0) * part).clip(lower=0.0)
        for name in ("refunds_to_come", "refund_error")
    )
    net = days["paid_sales"].fillna(0.0) - days["refunds"] - to_come
    return days.assign(refunds_to_come=to_come, refund_error=error, net_sales=net)


def _refund_factors(days: pd.DataFrame, until: date) -> pd.Series:
    """How much more of a channel's sales is refunded than of all sales, over 365 days.

    By channel; 1 where the channel has fewer than 100 orders, or where nothing is refunded.
    """
    year = Period(until, until).trailing(YEAR_DAYS)
    days = days[days["day"].between(str(year.start), str(year.end))]
    sums = days.groupby("channel")[list(EARNED)].sum()
    shares = sums["refunds"] / sums["receivable"].where(sums["receivable"] > 0)
    whole = sums["refunds"].sum() / (sums["receivable"].sum() or math.nan)
    return (shares / (whole or math.nan)).where(sums["orders"] >= SMALLEST_ORDERS).fillna(1.0)


def widened(estimate: Estimate, error: float) -> Estimate:
    """An estimate whose interval takes in the standard error of what is still projected."""
    from helpers.models.estimate import Estimate

    low, high = (
        estimate.value + sign * math.hypot(estimate.value - end, 1.96 * error)
        for sign, end in ((-1, estimate.low), (1, estimate.high))
    )
    return Estimate(estimate.value, low, high, estimate.n)


def unit_prices(sums: pd.Series) -> dict[str, float]:
    """Impressions, clicks and their prices from sums of `ADDED`; empty where none is counted."""
    return {
        "impressions": sums["impressions"],
        "clicks": sums["clicks"],
        "cpm": 1000 * sums["shown_spend"] / _positive(sums["impressions"]),
        "ctr": sums["clicks"] / _positive(sums["clicked_impressions"]),
        "cpc": sums["clicked_spend"] / _positive(sums["clicks"]),
        "frequency": sums["reached_impressions"] / _positive(sums["reach"]),
    }


def rate(store: Store, period: Period, part: pd.DataFrame, top: str, bottom: str) -> Estimate:
    """Sum of a column / sum of another over days; NaN where one of them is unknown."""
    return ratio(store, period, part, top, every_day(store, period, part, bottom))


def ratio(
    store: Store, period: Period, part: pd.DataFrame, top: str, bottom: pd.Series
) -> Estimate:
    """Sum of a column / sum of days in order of date; NaN where the column is unknown."""
    from helpers.models.estimate import Estimate
    from helpers.models.intervals import ratio_of_sums

    if part[top].isna().all():
        return Estimate(math.nan, math.nan, math.nan, len(bottom))
    return ratio_of_sums(every_day(store, period, part, top), bottom)


def inverse(one: Estimate) -> Estimate:
    """1 / an estimate; NaN where its interval reaches 0."""
    from helpers.models.estimate import Estimate

    if not one.value > 0:
        return Estimate(math.nan, math.nan, math.nan, one.n)
    return Estimate(1 / one.value, 1 / one.high, 1 / one.low if one.low > 0 else math.inf, one.n)


def _positive(number: float) -> float:
    return number if number > 0 else math.nan
