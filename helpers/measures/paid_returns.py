"""What a paid channel charges, what it returns, and from which return on it pays.

Sales are given to the channel that the platform names for an order: attribution, the weakest grade
of evidence, and an average. What the next unit of money would bring is another question.
Source: plan 2.2, 3.2, 4.2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures.channel_days import paid_channels, spread_spend, within
from helpers.measures.channels import acquisition_of, hide_few, or_none
from helpers.measures.frames import divide, one_row
from helpers.measures.money import daily_money
from helpers.measures.paid_days import (
    YEAR_DAYS,
    inverse,
    paid_days,
    rate,
    ratio,
    spend_begins,
    unit_prices,
    widened,
)
from helpers.measures.payback import payback_by_channel
from helpers.measures.traffic_actions import value_by_channel
from helpers.plan.periods import Period, last_complete_month
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from helpers.store.open import Store

MONTHS = 13
PRICES = ("cpm", "ctr", "cpc", "conversion", "frequency")
CONVERSION = ("conversion", "conversion_low", "conversion_high")
RETURNS = {"value": ("paid_sales", 0.0), "net": ("net_sales", 0.0),
           "margin_return": ("contribution", 1.0)}  # fmt: skip
SMALLEST_CLICKED_SHARE = 0.5
OPEN_FROM = 1.001


def prices_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """What a paid channel charges for being seen and clicked, and how clicks convert.

    Returns:
        One row per channel, most spend first: `channel`, `spend` (money of campaigns; care left
        out), `impressions`, `cpm` (money per 1,000), `clicks`, `ctr`, `ctr_low`, `ctr_high` (clicks
        per impression, 0 to 1; 95 %, day-to-day process), `cpc` (money per click), `buyers` (of the
        channel), `conversion`, `conversion_low`, `conversion_high` (buyers of the channel per
        click; empty where the paid clicks are less than half of the channel's visitors: then most
        buyers came without one), `reach` (people, each once a day), `frequency` (impressions per
        person and day); each of cpm, ctr, cpc, conversion and frequency also as `_previous` and
        `_last_year`. Spend and counts are exact. Empty where the channel counts none.

    Raises:
        MissingTable: Spend, its kind or the channel of orders is unknown for the period.

    Source: plan 2.2.
    """
    return _with_earlier(_prices, store, period, PRICES)


def returns_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """What a paid channel's orders return on its spend, before and after refunds, and on margin.

    Returns:
        One row per channel, most spend first: `channel`, `spend` (booked to acquire), `paid_sales`,
        `value`, `low`, `high` (paid sales / spend; 95 %), `net`, `net_low`, `net_high` (after
        refunds with those still to come), `break_even`, `break_even_low`, `break_even_high` and
        `year_break_even` (see `break_evens`; compare them with `value`), `margin_return`,
        `margin_low`, `margin_high` ((contribution before marketing of its orders - spend) / spend),
        `new_customers`, `cac`, `cac_low`, `cac_high`, `payback_month` (of customers won a year
        before; empty where not reached or unknown), `sales_share` (spend / the shop's net sales),
        `pays` (`earns`: on the order itself; `later`: loses on it and earns with the purchases
        of the year after; `loses`: with those too; `below`: loses on the order, the year after
        can't be told; `cannot_tell`; `unknown`: costs are), and `value_previous`,
        `value_last_year`. Empty where unknown.

    Raises:
        MissingTable: As `prices_by_channel`.

    Source: plan 2.2, 3.2, 4.2.
    """
    import pandas as pd

    frame = _with_earlier(_returns, store, period, ("value",))
    frame = frame.merge(break_evens(store, period), on="channel", how="left")
    costs = or_none(acquisition_of, store, period)
    wanted = ["channel", "new_customers", "cac", "cac_low", "cac_high"]
    costs = pd.DataFrame(columns=wanted) if costs is None else costs[wanted]
    frame = frame.merge(costs, on="channel", how="left")
    paid_back = or_none(payback_by_channel, store, period)
    months = {} if paid_back is None else paid_back.set_index("channel")["month"]
    frame["payback_month"] = frame["channel"].map(months).astype("float64")
    frame["sales_share"] = frame["spend"] / _net_sales(store, period)
    return frame.assign(pays=[verdict(row) for row in frame.to_dict("records")])


def break_evens(store: Store, period: Period) -> pd.DataFrame:
    """The return on spend at which a paid channel's orders pay for their advertising.

    Over the 365 days to the period's end, or as many as there are.

    Returns:
        `channel`, `break_even`, `break_even_low`, `break_even_high` (paid sales / contribution
        before marketing, refunds taken off: a return before refunds compares with it; 95 %),
        `year_break_even` (the same with the contribution of 365 days of each new customer, as those
        won a year before brought it, instead of that of the first order), `year_low`, `year_high`,
        `refund_share` (refunds with those to come / paid sales). Empty where costs are unknown, the
        last three also where history is shorter than two years; a channel that contributes nothing
        has no line.

    Raises:
        MissingTable: As `prices_by_channel`.

    Source: definitions of the plan, return on spend; plan 2.2.
    """
    import pandas as pd

    start = max(period.trailing(YEAR_DAYS).start, spend_begins(store))
    year = Period(min(start, period.start), period.end)
    days = paid_days(store, year)
    values = or_none(value_by_channel, store, period)
    rows = []
    for channel, part in days.groupby("channel"):
        line = inverse(rate(store, year, part, "contribution", "paid_sales"))
        later = _year_line(part, values, str(channel))
        kept = float(part["net_sales"].sum(skipna=False))
        lost = 1 - divide(kept, float(part["paid_sales"].sum()))
        rows.append((channel, line.value, line.low, line.high, *later, lost))
    names = ["channel", "break_even", "break_even_low", "break_even_high", "year_break_even",
             "year_low", "year_high", "refund_share"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def return_on_spend_net(store: Store, period: Period) -> pd.DataFrame:
    """Paid sales of paid channels' orders after refunds, with those to come / their spend.

    Returns:
        One row, `frames.COLUMNS`, a multiple; the interval joins day-to-day variation and the
        refunds to come; `observed` is without these; n days.

    Raises:
        MissingTable: Spend, the channel of orders or refunds are unknown for the period.

    Source: plan 2.2.
    """
    store.require("returns", "amount")
    days = paid_days(store, period)
    row = _whole(store, period, "net_sales", float(days["refund_error"].sum()))
    to_come = float(days["refunds_to_come"].sum())
    observed = divide(row["numerator"] + to_come, row["denominator"])
    return one_row(
        row["value"],
        low=row["low"],
        high=row["high"],
        n=row["n"],
        numerator=row["numerator"],
        denominator=row["denominator"],
        observed=observed,
        provisional=observed > row["value"] * OPEN_FROM,
    )


def return_on_margin(store: Store, period: Period) -> pd.DataFrame:
    """(Contribution before marketing of paid channels' orders - their spend) / their spend.

    Returns:
        One row, `frames.COLUMNS`, above -1 as a rule; the numerator is contribution less spend; the
        interval as `return_on_spend_net`; n days.

    Raises:
        MissingTable: Spend, the channel of orders or the cost of goods is unknown.

    Source: plan 2.2, 4.2.
    """
    days = paid_days(store, period)
    if days["contribution"].isna().all():
        raise MissingTable("price_history", ("product_id", "valid_from", "unit_cost"))
    row = _whole(store, period, "contribution", float(days["refund_error"].sum(skipna=True)))
    return one_row(
        row["value"] - 1,
        low=row["low"] - 1,
        high=row["high"] - 1,
        n=row["n"],
        numerator=row["numerator"] - row["denominator"],
        denominator=row["denominator"],
    )


def _whole(store: Store, period: Period, column: str, error: float) -> dict[str, float]:
    """A column of all paid channels per unit of their spend, with its interval."""
    days = paid_days(store, period)
    spend = spread_spend(store, period, days)
    money = float(spend.sum())
    found = widened(ratio(store, period, days, column, spend), divide(error, money))
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n,
            "numerator": float(days[column].sum()), "denominator": money}  # fmt: skip


def _year_line(
    part: pd.DataFrame, values: pd.DataFrame | None, channel: str
) -> tuple[float, float, float]:
    """Paid sales / (contribution of old customers' orders + value of the new ones), with ends."""
    nothing = (math.nan, math.nan, math.nan)
    if values is None or part["contribution"].isna().all():
        return nothing
    worth = values.set_index("channel")
    worth = worth.loc[channel if channel in worth.index else ""]
    repeat = float(part["contribution"].sum() - part["first_contribution"].sum())
    new, paid = float(part["new_customers"].sum()), float(part["paid_sales"].sum())
    earned = [repeat + new * float(worth[name]) for name in ("value", "high", "low")]
    if min(earned) <= 0:
        return nothing
    value, low, high = (paid / one for one in earned)
    return value, low, high


def verdict(row: dict[str, float]) -> str:
    """How a return stands to both lines; only where intervals leave no doubt."""
    if row["low"] > row["break_even_high"]:
        return "earns"
    if row["high"] < row["year_low"]:
        return "loses"
    if row["high"] < row["break_even_low"]:
        return "later" if row["low"] > row["year_high"] else "below"
    return "unknown" if math.isnan(row["break_even"]) else "cannot_tell"


def paid_months(store: Store, period: Period, *, months: int = MONTHS) -> pd.DataFrame:
    """Returns and prices of each paid channel month by month, oldest first.

    Returns:
        `month` (its first day), `channel`, `spend`, `value`, `low`, `high` (paid sales / spend;
        95 %), `net` (after refunds), `cpm`, `ctr`, `cpc`, `conversion`, `frequency` as in
        `prices_by_channel`. Whole months whose spend is known.

    Raises:
        MissingTable: They are known for none.

    Source: plan 2.2, 3.2.
    """
    import pandas as pd

    last = last_complete_month(min(period.end, store.as_of))
    start = spend_begins(store)
    spans = [month for month in last.back(months) if month.start >= start]
    if not spans:
        raise MissingTable("ad_spend", ("day",), "short")
    days = paid_days(store, Period(spans[0].start, spans[-1].end))
    frames = []
    for month in spans:
        part = days[days["day"].between(str(month.start), str(month.end))]
        part = part[part["channel"].isin(paid_channels(part))]
        if part.empty:
            continue
        found = _returns_of(store, month, part, ("value", "net"))
        joined = found.merge(_prices_of(store, month, part).drop(columns="spend"), on="channel")
        frames.append(joined.assign(month=pd.Timestamp(month.start)))
    if not frames:
        raise MissingTable("ad_spend", ("day",), "short")
    names = ["month", "channel", "spend", "value", "low", "high", "net", *PRICES]
    found = pd.concat(frames, ignore_index=True)[names]
    return found.sort_values(["month", "channel"], ignore_index=True)


def _prices(store: Store, period: Period) -> pd.DataFrame:
    """One period's part of `prices_by_channel`."""
    return _prices_of(store, period, paid_days(store, period))


def _prices_of(store: Store, period: Period, days: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    for channel, part in days.groupby("channel"):
        sums = part.select_dtypes("number").sum(min_count=1)
        ctr = rate(store, period, part, "clicks", "clicked_impressions")
        bought = rate(store, period, part, "buyers", "clicks")
        few = sums["clicks"] < SMALLEST_CLICKED_SHARE * sums["visitors"]
        ends = [math.nan] * 3 if few else [bought.value, bought.low, bought.high]
        rows.append({
            "channel": channel, "spend": sums["spend"], "buyers": sums["buyers"],
            "reach": sums["reach"], **unit_prices(sums), "ctr_low": ctr.low, "ctr_high": ctr.high,
            **dict(zip(CONVERSION, ends, strict=True)),
        })  # fmt: skip
    names = ["channel", "spend", "impressions", "cpm", "clicks", "ctr", "ctr_low", "ctr_high",
             "cpc", "buyers", *CONVERSION, "reach", "frequency"]  # fmt: skip
    return hide_few(_most_spend_first(rows)[names], "buyers", *CONVERSION)


def _returns(store: Store, period: Period) -> pd.DataFrame:
    """One period's part of `returns_by_channel`."""
    return _returns_of(store, period, paid_days(store, period), tuple(RETURNS))


def _returns_of(
    store: Store, period: Period, days: pd.DataFrame, wanted: tuple[str, ...]
) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    for channel, part in days.groupby("channel"):
        spend = spread_spend(store, period, part)
        money = float(spend.sum())
        sales = float(part["paid_sales"].sum())
        row: dict[str, object] = {"channel": channel, "spend": money, "paid_sales": sales}
        to_come = divide(float(part["refund_error"].sum()), money)
        for name in wanted:
            column, less = RETURNS[name]
            found = ratio(store, period, part, column, spend)
            found = widened(found, 0.0 if name == "value" else to_come)
            ends = "" if name == "value" else name.removesuffix("_return") + "_"
            row[name] = found.value - less
            row[f"{ends}low"], row[f"{ends}high"] = found.low - less, found.high - less
        rows.append(row)
    return _most_spend_first(rows)


def _most_spend_first(rows: list[dict[str, object]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows)
    return frame.sort_values(["spend", "channel"], ascending=[False, True], ignore_index=True)


def _with_earlier(
    part: Callable[[Store, Period], pd.DataFrame],
    store: Store,
    period: Period,
    columns: tuple[str, ...],
) -> pd.DataFrame:
    """A part of the period with columns of the previous one and of the same a year before."""
    now = part(store, period)
    for name in ("previous", "last_year"):
        then = or_none(part, store, getattr(period, name)())
        for column in columns:
            known = {} if then is None else then.set_index("channel")[column]
            now[f"{column}_{name}"] = now["channel"].map(known).astype("float64")
    return now


def _net_sales(store: Store, period: Period) -> float:
    """The shop's net sales with refunds still to come; NaN where they are unknown."""
    days = daily_money(store, within(store, period))
    net = float(days["net_sales"].sum(skipna=False))
    return net if net > 0 else math.nan
