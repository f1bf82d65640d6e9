"""Traffic: what customers cost, where visitors come from, how many of them buy.

All from mart `channel_days`, whose channels are those that the platform names: attribution, the
weakest grade of causal evidence. Source: plan 1.3, 2.2, 3.2, 3.3, 4.2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures.channel_days import (
    LIVE,
    ORGANIC,
    channel_days,
    cost_per_customer,
    every_day,
    paid_channels,
    require_customers,
    require_organic,
    require_spend,
    require_trade,
    require_traffic,
    spread_spend,
    within,
)
from helpers.measures.frames import divide, estimated, one_row
from helpers.measures.money import OPEN_SHARE
from helpers.measures.payments import payment_days
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

YEAR_DAYS = 365


def cac_blended(store: Store, period: Period) -> pd.DataFrame:
    """All marketing spend but care for existing customers / new customers.

    CPS and host commission on first purchases is spend too; what is not settled yet is projected:
    see `channel_days`. The interval is that of the new customers a day's money brings, turned over.

    Returns:
        One row, `frames.COLUMNS`, money per new customer; n days; `observed` without the commission
        still to be settled, `provisional` where that is over 0.1 % of spend. Where less than 365
        days of history precede the period, `new` is overstated and the cost too low: see
        `history_before`.

    Raises:
        MissingTable: Spend or customers are unknown for the period.

    Source: plan 1.3; the definition that the target binds.
    """
    return _cost(store, period, _spend_and_customers(store, period))


def cac_paid(store: Store, period: Period) -> pd.DataFrame:
    """Spend of paid channels / new customers whose first order came from those channels.

    A channel is paid where visitors were bought on it: see `channel_days.paid_channels`.

    Returns:
        One row, `frames.COLUMNS`, money per new customer; n days.

    Raises:
        MissingTable: Spend, customers or the channel of orders are unknown for the period.

    Source: plan 1.3.
    """
    store.require("orders", "channel")
    days = _spend_and_customers(store, period)
    return _cost(store, period, days[days["channel"].isin(paid_channels(days))])


def cac_platform_new(store: Store, period: Period) -> pd.DataFrame:
    """All marketing spend but care / customers as new as platforms count them.

    Platforms take a buyer for new who has not bought here in the 365 days before.

    Returns:
        One row, `frames.COLUMNS`, money per such customer; n days.

    Raises:
        MissingTable: As `cac_blended`.

    Source: plan 1.3.
    """
    frame = _spend_and_customers(store, period)
    span = within(store, period)
    days = store.mart("purchase_days")
    days = days.filter(days.day >= span.start, days.day <= span.end)
    gap_days = days.day.delta(days.previous_day, unit="day")
    fresh = days.filter(days.previous_day.isnull() | (gap_days > YEAR_DAYS))
    counted = store.to_frame(fresh.group_by("day").aggregate(customers=fresh.count()))
    customers = every_day(store, period, counted, "customers")
    return _cost_of(store, period, frame, customers)


def acquisition_commission(store: Store, period: Period) -> pd.DataFrame:
    """CPS and host commission on first purchases, as far as it is part of acquisition cost.

    Returns:
        One row: `commission` (money of the period), `open` (of it still to be settled, at the rate
        of the channel's settled first purchases), `share` (of acquisition spend, 0 to 1), `each`
        (money per new customer).

    Raises:
        MissingTable: As `cac_blended`, or the store shows no settlements.

    Source: plan 1.3.
    """
    import pandas as pd

    store.require("settlements", "order_id", "affiliate_commission")
    days = _spend_and_customers(store, period)
    names = ("commission", "open_commission", "acquisition_spend", "new_customers")
    money, to_come, spend, new = (float(days[name].sum()) for name in names)
    row = (money, to_come, divide(money, spend), divide(money, new))
    return pd.DataFrame([row], columns=["commission", "open", "share", "each"])


def new_customers(store: Store, period: Period) -> pd.DataFrame:
    """Customers whose first paid order lies in the period; a count, exact.

    Source: plan 1.3.
    """
    require_customers(store, period)
    count = channel_days(store, period)["new_customers"].sum()
    return one_row(count, n=count)


def visitors(store: Store, period: Period) -> pd.DataFrame:
    """Visitors, each once a day and channel; a count, exact. Source: plan 2.2."""
    require_traffic(store, period)
    count = channel_days(store, period)["visitors"].sum()
    return one_row(count, n=count)


def conversion_rate(store: Store, period: Period) -> pd.DataFrame:
    """Paying buyers / visitors, both as the platform counts them; days are added up.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1; the interval is that of the day-to-day process; n days.

    Source: plan 1.3; the definition that the target binds.
    """
    return _rate(store, period, "traffic_buyers", "visitors", "buyers")


def conversion_rate_sessions(store: Store, period: Period) -> pd.DataFrame:
    """Sessions with a paid order / sessions; as `conversion_rate` otherwise. Source: plan 1.3."""
    return _rate(store, period, "paid_sessions", "sessions", "sessions", "paid_sessions")


def add_to_cart_rate(store: Store, period: Period) -> pd.DataFrame:
    """Visitors who put something in the cart / visitors; n days. Source: plan 2.2."""
    return _rate(store, period, "cart_visitors", "visitors", "cart_visitors")


def organic_share(store: Store, period: Period) -> pd.DataFrame:
    """Visitors from organic search / visitors; n days.

    Raises:
        MissingTable: No traffic, or the store never names a channel `organic_search`: then its
            search traffic goes by another name.

    Source: plan 2.2.
    """
    require_traffic(store, period)
    require_organic(store)
    days = channel_days(store, period)
    return _share(days, "visitors", ORGANIC)


def live_sales_share(store: Store, period: Period) -> pd.DataFrame:
    """Paid sales of orders from live sessions / paid sales; n days. Source: plan 3.2."""
    store.require("orders", "channel")
    require_trade(store, period)
    days = channel_days(store, period)
    return _share(days, "paid_sales", LIVE)


def return_on_spend(store: Store, period: Period) -> pd.DataFrame:
    """Paid sales of orders from paid channels / what was booked on those channels to acquire.

    Commission on orders is no part of it: it is paid on sales, not for them.

    Returns:
        One row, `frames.COLUMNS`, a multiple; n days.

    Source: plan 2.2.
    """
    from helpers.models.intervals import ratio_of_sums

    require_spend(store, period, "kind")
    store.require("orders", "channel")
    require_trade(store, period)
    days = channel_days(store, period)
    days = days[days["channel"].isin(paid_channels(days))]
    earned, spend = (float(days[name].sum()) for name in ("paid_sales", "booked_acquisition"))
    varied = ratio_of_sums(
        every_day(store, period, days, "paid_sales"),
        spread_spend(store, period, days),
    )
    return estimated(varied, earned, spend)


def marketing_share(store: Store, period: Period) -> pd.DataFrame:
    """Marketing spend, care included / net sales with refunds still to come.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1 as a rule; the interval joins day-to-day variation and
        the refunds to come; n days.

    Raises:
        MissingTable: Spend or refunds are unknown for the period.

    Source: plan 4.2.
    """
    from helpers.measures.money import daily_money, need
    from helpers.models.intervals import ratio_of_sums

    require_trade(store, period)
    require_spend(store, period)
    days = daily_money(store, within(store, period))
    need(store, days, "refunds", "marketing")
    spend, net = days["marketing"].sum(), days["net_sales"].sum()
    if net <= 0:
        raise MissingTable("orders", ("paid_at",), "short")
    marketing = spread_spend(store, period, channel_days(store, period), "spend")
    varied = ratio_of_sums(marketing, days["receivable"])
    varied_half = (varied.high - varied.low) / 2 / varied.value if varied.value else math.nan
    half = spend / net * math.hypot(varied_half, 1.96 * days["refund_error"].sum() / net)
    return one_row(
        spend / net,
        low=max(spend / net - half, 0.0),
        high=spend / net + half,
        n=len(days),
        numerator=spend,
        denominator=net,
        observed=spend / (net + days["refunds_to_come"].sum()),
        provisional=bool(days["is_open"].any()),
    )


def payment_success_rate(store: Store, period: Period) -> pd.DataFrame:
    """Orders paid / orders with an attempt to pay, by the day of the first attempt.

    An order counts once; it is paid when it was by the store's day. Fake orders and what is no
    sale are left out.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1; the interval is that of the day-to-day process; n days.

    Raises:
        MissingTable: The store shows no attempts (marketplaces don't), or none in the period.

    Source: plan 3.3.
    """
    days = payment_days(store, period)
    return _ratio(days["paid"], days["attempted"])


def history_before(store: Store, period: Period, *, months: int = 13) -> pd.DataFrame:
    """How long the store's history is before the period: is `new` overstated?

    Returns:
        One row: `first_day` (of the data), `days` (from it to the period), `sure_from` (first day
        that 365 days of history precede), `overstated` (the period begins before: customers of old
        may pass as new), `reading` (`period` where it does, `months` where the first of the last
        `months` months do, else `none`).
    """
    import pandas as pd

    first = pd.Timestamp(store.first_day)
    sure_from = first + pd.Timedelta(days=YEAR_DAYS)
    start = pd.Timestamp(period.start)
    earliest = pd.Timestamp(max(period.months()[-1].back(months)[0].start, store.first_day))
    overstated = start < sure_from
    reading = "period" if overstated else "months" if earliest < sure_from else "none"
    row = (first, (start - first).days, sure_from, overstated, reading)
    return pd.DataFrame([row], columns=["first_day", "days", "sure_from", "overstated", "reading"])


def _spend_and_customers(store: Store, period: Period) -> pd.DataFrame:
    require_customers(store, period)
    require_spend(store, period)
    return channel_days(store, period)


def _cost(store: Store, period: Period, days: pd.DataFrame) -> pd.DataFrame:
    return _cost_of(store, period, days, every_day(store, period, days, "new_customers"))


def _cost_of(
    store: Store, period: Period, days: pd.DataFrame, customers: pd.Series
) -> pd.DataFrame:
    """Acquisition spend of the days / customers, by day of the period."""
    found = cost_per_customer(spread_spend(store, period, days, "acquisition_spend"), customers)
    money, to_come = (float(days[name].sum()) for name in ("acquisition_spend", "open_commission"))
    count = float(customers.sum())
    row = estimated(found, money, count)
    if to_come > OPEN_SHARE * money:
        return row.assign(observed=divide(money - to_come, count), provisional=True)
    return row


def _ratio(numerators: pd.Series, denominators: pd.Series) -> pd.DataFrame:
    from helpers.models.intervals import ratio_of_sums

    estimate = ratio_of_sums(numerators, denominators)
    return estimated(estimate, float(numerators.sum()), float(denominators.sum()))


def _rate(store: Store, period: Period, top: str, bottom: str, *columns: str) -> pd.DataFrame:
    """A ratio of two traffic figures over the days on which the platform shows both."""
    require_traffic(store, period, *columns)
    shown = channel_days(store, period).dropna(subset=[top, bottom])
    by_day = shown.groupby("day")[[top, bottom]].sum()
    return _ratio(by_day[top], by_day[bottom])


def _share(days: pd.DataFrame, column: str, channel: str) -> pd.DataFrame:
    """Share of one channel in the daily sums of a column, over the days that have any."""
    days = days.dropna(subset=[column])
    part = days[column].where(days["channel"] == channel, 0.0).groupby(days["day"]).sum()
    return _ratio(part, days.groupby("day")[column].sum())
