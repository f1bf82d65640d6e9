"""What a click from organic search is worth: buyers per click, and what a buyer contributes.

Contribution before marketing of the order itself; what the buyer buys later is left out. Paid
sales where the cost of goods is unknown. Source: plan 2.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.channel_days import ORGANIC, channel_days, within
from helpers.measures.contribution import contribution_share
from helpers.measures.frames import divide
from helpers.measures.search_terms import of_span, sums
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from helpers.store.open import Store

YEAR_DAYS = 365
MONTH_DAYS = 365.25 / 12


@dataclass(frozen=True)
class ClickWorth:
    """Money that clicks bring.

    Attributes:
        per_buyer: Money of a buyer's orders; NaN where orders are unknown.
        per_click: Money of a click; NaN where buyers per click are unknown.
        basis: `contribution`, or `paid_sales` where costs are unknown.
    """

    per_buyer: float
    per_click: float
    basis: str


def click_worth(store: Store, period: Period, channel: str | None = ORGANIC) -> ClickWorth:
    """Money of a buyer and of a click, over the 365 days to the period's end.

    Buyers of the channel as its orders show them (all channels where it has none); buyers per click
    as the search terms show them, else as the channel's visitors show them.
    """
    year = within(store, period.trailing(YEAR_DAYS))
    found = store.once(f"click_worth {year} {channel}", lambda: _click_worth(store, year, channel))
    return found


def months_of(period: Period, store: Store) -> float:
    """The period's length in months; a calendar month is one."""
    return 1.0 if period.kind == "month" else within(store, period).days / MONTH_DAYS


def trailing_days(store: Store, period: Period, days: int) -> Period:
    """The last so many days up to the period's end or the store's day."""
    end = within(store, period).end
    return Period(end - timedelta(days=days - 1), end)


def _click_worth(store: Store, year: Period, channel: str | None) -> ClickWorth:
    days = channel_days(store, year)
    own = days[days["channel"] == channel] if channel else days
    orders = own if own["buyers"].sum() else days
    share = contribution_share(store, year)
    per_buyer = divide(float(orders["paid_sales"].sum()), float(orders["buyers"].sum()))
    per_buyer *= 1.0 if share is None else share
    rate = _buyers_per_click(store, year, channel)
    if rate != rate:
        shown = own.dropna(subset=["traffic_buyers", "visitors"])
        rate = divide(float(shown["traffic_buyers"].sum()), float(shown["visitors"].sum()))
    return ClickWorth(
        per_buyer, per_buyer * rate, "paid_sales" if share is None else "contribution"
    )


def _buyers_per_click(store: Store, year: Period, channel: str | None) -> float:
    try:
        store.require("search_terms", "buyers", "clicks")
    except MissingTable:
        return math.nan
    rows = of_span(store, year, channel)
    found = store.to_frame(rows.aggregate(**sums(rows))).iloc[0].fillna(0.0)
    return divide(found["buyers"], found["clicks"])
