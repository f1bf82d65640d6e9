"""When customers have paid back what it cost to acquire them, on contribution.

A month since first purchase is 365.25 / 12 days; the first one holds the first order. Money is
undiscounted, as booked, with what recent purchases still lose taken off. Source: plan 1.3, 4.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.channel_days import channel_days, require_customers, require_spend
from helpers.measures.contribution import before_acquisition
from helpers.measures.purchases import CUSTOMER, SMALLEST_GROUP, YEAR_DAYS, known_until
from helpers.measures.value_groups import MONTH_DAYS, OTHER, small_groups
from helpers.plan.periods import Period, quarter_of
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

MONTHS = 24


def payback_by_cohort(store: Store, period: Period, *, quarters: int = 9) -> pd.DataFrame:
    """First month in which a quarter's new customers have brought what they cost, oldest first.

    Args:
        store: Uses marts `purchase_days` and `channel_days`.
        period: Its last day, as far as data reach, is the day of knowledge.
        quarters: How many quarters of first purchase, up to the last one that is over.

    Returns:
        One row per quarter whose spend is known: `cohort` (first day), `quarter` (2024-Q3),
        `customers`, `cac` (all
        acquisition spend of the quarter / its new customers; exact), `months_over` (months since
        first purchase that are over for all of the cohort, 24 at most), `brought` (contribution a
        customer in them; blank where there is none), `brought_low`, `brought_high` (95 % of the
        mean), `month` (first one in which it is at least the cost; blank where not reached),
        `month_low`, `month_high` (first month in which the upper, the lower end is), `reading`
        (`reached`; `not_reached` in the months over; `too_young`: no month is over). Quarters of
        fewer than 10 customers are left out.

    Raises:
        MissingTable: Cost of goods, customers or spend is unknown.
    """
    return _with_quarter(_paybacks(payback_curve(store, period, quarters=quarters), "cohort"))


def payback_finding(store: Store, period: Period, *, quarters: int = 9) -> pd.DataFrame:
    """The latest cohort with a month behind it, and the earliest one at the same age.

    Returns:
        At most one row: `variant` (`not_reached`, `reached`, with `_alone` behind where there is
        no earlier cohort), `quarter`, `customers`, `cac`, `months` (over for that cohort), `month`
        (of payback), `share` (brought by then / cost), `first_quarter`, `first_cac`, `first_share`
        (of the earliest cohort after as many months). No row where no cohort has a month over.

    Raises:
        MissingTable: As `payback_by_cohort`.
    """
    import pandas as pd

    curve = payback_curve(store, period, quarters=quarters)
    known = curve[curve["months_since"] > 0]
    if known.empty:
        return pd.DataFrame()
    last = known[known["cohort"] == known["cohort"].iloc[-1]].iloc[-1]
    month = _first_month(known[known["cohort"] == last["cohort"]], "brought")
    same_age = known[known["months_since"] == last["months_since"]]
    first = same_age.iloc[0]
    reading = "not_reached" if math.isnan(month) else "reached"
    row = {
        "variant": reading if len(same_age) > 1 else f"{reading}_alone",
        "quarter": last["quarter"],
        "customers": last["customers"],
        "cac": last["cac"],
        "months": last["months_since"],
        "month": month,
        "share": last["share"],
        "first_quarter": first["quarter"],
        "first_cac": first["cac"],
        "first_share": first["share"],
    }
    return pd.DataFrame([row])


def payback_curve(store: Store, period: Period, *, quarters: int = 9) -> pd.DataFrame:
    """Cumulative contribution per customer against its cost, by quarter and month since.

    Returns:
        One row per quarter and month since first purchase (0: none is over yet, then the figures
        are blank): `cohort`, `quarter`, `months_since`, `customers`, `cac`, `brought`, `low`,
        `high` (95 % of the mean over customers), `share` (`brought` / `cac`). Months that are not
        over for all of the cohort have no row.

    Raises:
        MissingTable: As `payback_by_cohort`.
    """
    spent = _spend_from(store, period)
    last = _last_quarter(known_until(store, period))
    days = before_acquisition(store, period)
    chosen = [one for one in last.back(quarters) if one.start >= max(store.first_day, spent)]
    if not chosen:
        raise MissingTable("ad_spend", ("day",), "short")
    first = days.filter(days.number == 1, days.day >= chosen[0].start, days.day <= last.end)
    first = first.select(*CUSTOMER, first_day=first.day, group=first.day.truncate("Q"))
    sums = _cumulative(store, days, first, known_until(store, period))
    rows = []
    for quarter in chosen:
        cost = _spend(store, quarter, None)
        over = _months_over(quarter.end, known_until(store, period))
        found = sums[sums["group"].dt.date == quarter.start]
        rows += _curve(str(quarter.start), found, cost, over)
    return _with_quarter(_as_curve(rows, "cohort"))


def payback_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """First month in which a channel's new customers have brought what they cost, fastest first.

    The customers of one year who have twelve months behind them: first purchase from 729 to 365
    days before the last day known. The channel is that of the first order: attribution.

    Returns:
        As `payback_by_cohort` with `channel` instead of `cohort`, over 12 months; channels without
        spend are left out, those of fewer than 10 customers joined as `other`.

    Raises:
        MissingTable: As `payback_by_cohort`; the channel of orders is unknown, or data or spend
            reach back less than two years.
    """
    import ibis

    store.require("orders", "channel")
    until = known_until(store, period)
    year = Period(until - timedelta(days=2 * YEAR_DAYS - 1), until - timedelta(days=YEAR_DAYS))
    require_customers(store, year)
    require_spend(store, year)
    days = before_acquisition(store, period)
    first = days.filter(days.number == 1, days.day >= year.start, days.day <= year.end)
    first = first.select(*CUSTOMER, first_day=first.day, group=first.channel)
    counts = store.to_frame(first.group_by("group").aggregate(n=first.count()).order_by("group"))
    small = small_groups(counts.set_index("group")["n"])
    first = first.mutate(group=ibis.cases((first.group.isin(small), OTHER), else_=first.group))
    sums = _cumulative(store, days, first, until)
    shown = [name for name in counts["group"] if name not in (*small, OTHER)]
    rows = []
    for name, found in sums.groupby("group"):
        spend = _spend(store, year, [str(name)], shown)
        if spend > 0:
            rows += _curve(str(name), found, spend, _months_over(year.end, until))
    frame = _paybacks(_as_curve(rows, "channel"), "channel")
    return frame.sort_values(["month", "channel"], ignore_index=True)


def _spend_from(store: Store, period: Period) -> date:
    """First day of known spend.

    Raises:
        MissingTable: No spend or no customers are known.
    """
    store.require("orders", "customer_id")
    store.require("ad_spend", "day", "spend")
    span = Period(store.first_day, known_until(store, period))
    days = channel_days(store, span)
    known = days.loc[days["spend"].notna(), "day"]
    if known.empty:
        raise MissingTable("ad_spend", ("day",), "short")
    first: date = known.min().date()
    return first


def _last_quarter(until: date) -> Period:
    """The last quarter that is over."""
    quarter = quarter_of(until)
    return quarter if quarter.end <= until else quarter.previous()


def _months_over(last_first_day: date, until: date) -> int:
    """Whole months that are over for customers who first bought on that day; 24 at most."""
    return min(int(((until - last_first_day).days + 1) / MONTH_DAYS), MONTHS)


def _cumulative(store: Store, days: ir.Table, first: ir.Table, until: date) -> pd.DataFrame:
    """Mean and spread over customers of what they brought up to each month since.

    Returns:
        One row per group: `group`, `customers`, `mean_1`, `sd_1` ... `mean_24`, `sd_24`.
    """
    known = days.filter(days.day <= until)
    joined = known.inner_join(first, list(CUSTOMER))
    offset = joined.day.delta(joined.first_day, unit="day")
    by_customer = joined.group_by(*CUSTOMER, "group").aggregate(
        **{
            f"m{month}": joined.value.sum(where=offset < month * MONTH_DAYS).fill_null(0.0)
            for month in range(1, MONTHS + 1)
        }
    )
    figures: dict[str, ir.Value] = {"customers": by_customer.count()}
    for month in range(1, MONTHS + 1):
        figures[f"mean_{month}"] = by_customer[f"m{month}"].mean()
        figures[f"sd_{month}"] = by_customer[f"m{month}"].std()
    return store.to_frame(by_customer.group_by("group").aggregate(**figures).order_by("group"))


def _spend(
    store: Store, span: Period, channels: Sequence[str] | None, shown: Sequence[str] = ()
) -> float:
    """Acquisition spend of all channels, or of those named (`other`: all not shown)."""
    days = channel_days(store, span)
    if channels is not None:
        among = days["channel"].isin(channels)
        if OTHER in channels:
            among |= ~days["channel"].isin(shown)
        days = days[among]
    return float(days["acquisition_spend"].sum())


def _curve(name: str, found: pd.DataFrame, spend: float, over: int) -> list[tuple]:
    """Rows of one group: one a month that is over, or a blank one where none is."""
    if found.empty or found["customers"].iloc[0] < SMALLEST_GROUP:
        return []
    row = found.iloc[0]
    customers = int(row["customers"])
    cost = spend / customers
    if not over:
        return [(name, 0, customers, cost, math.nan, math.nan, math.nan)]
    rows = []
    for month in range(1, over + 1):
        mean, half = row[f"mean_{month}"], 1.96 * row[f"sd_{month}"] / math.sqrt(customers)
        rows.append((name, month, customers, cost, mean, mean - half, mean + half))
    return rows


def _as_curve(rows: list[tuple], key: str) -> pd.DataFrame:
    import pandas as pd

    names = [key, "months_since", "customers", "cac", "brought", "low", "high"]
    frame = pd.DataFrame(rows, columns=names)
    if key == "cohort":
        frame[key] = pd.to_datetime(frame[key])
    return frame.assign(share=frame["brought"] / frame["cac"])


def _with_quarter(frame: pd.DataFrame) -> pd.DataFrame:
    labels = [quarter_of(day.date()).label for day in frame["cohort"]]
    return frame.assign(quarter=labels)


def _paybacks(curve: pd.DataFrame, key: str) -> pd.DataFrame:
    """One row per group: where its curve meets its cost."""
    import pandas as pd

    rows = []
    for name, part in curve.groupby(key, sort=False):
        last = part.iloc[-1]
        months = [_first_month(part, column) for column in ("brought", "high", "low")]
        over = int(last["months_since"])
        reached = "not_reached" if math.isnan(months[0]) else "reached"
        rows.append((name, last["customers"], last["cac"], over, last["brought"], last["low"],
                     last["high"], *months, reached if over else "too_young"))  # fmt: skip
    names = [key, "customers", "cac", "months_over", "brought", "brought_low", "brought_high",
             "month", "month_low", "month_high", "reading"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _first_month(part: pd.DataFrame, column: str) -> float:
    reached = part.loc[part[column] >= part["cac"], "months_since"]
    return float(reached.iloc[0]) if len(reached) else math.nan
