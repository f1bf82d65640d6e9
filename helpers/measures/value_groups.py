"""Customer value to 12 months by first channel and by quarter of first purchase, and LTV:CAC.

What customers have brought is observed, the rest of their first 12 months is predicted from each
one's own history; the two stand apart. Source: plan 1.3, 2.1, 4.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from helpers.measures.channel_days import (
    channel_days,
    cost_per_customer,
    every_day,
    require_customers,
    require_spend,
    spread_spend,
)
from helpers.measures.contribution import before_acquisition, valued_purchases
from helpers.measures.customer_value import require_own_day
from helpers.measures.frames import one_row
from helpers.measures.purchases import CUSTOMER, SMALLEST_GROUP, YEAR_DAYS, without_small_groups
from helpers.measures.value_fits import (
    DAYS_PER_WEEK,
    WEEKS_PER_YEAR,
    Fit,
    as_history,
    expected_value,
    fit,
    with_records,
)
from helpers.plan.periods import Period, quarter_of
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.models.gamma_gamma import GammaGamma
    from helpers.models.purchase_models import PurchaseModel
    from helpers.store.open import Store

OTHER = "other"
MONTH_DAYS = 365.25 / 12
CUSTOMERS_FOR_ERRORS = 300
COLUMNS = ["customers", "observed", "predicted", "value", "low", "high"]


def value_by_channel(store: Store, period: Period, *, months: int = 12) -> pd.DataFrame:
    """What the new customers of the last 365 days bring in their first months, by first channel.

    The model knows no channel: what it predicts for customers with few purchases leans to the
    shop's mean, so that channels differ by more than the figures say, rather than by less.

    Args:
        store: Uses marts `customer_summary` and `purchase_days`.
        period: Ends on the store's day.
        months: How far, 12 or more.

    Returns:
        One row per channel, most valuable first: `channel` (`other` joins those of fewer than 10
        customers), `customers`, `observed` (money a customer so far), `predicted` (the rest to that
        month, discounted to the store's day), `value` (the sum), `low`, `high` (95 %: customers
        vary and the fits are uncertain), `basis` (`contribution` or `paid_sales`).

    Raises:
        MissingTable: The channel of orders or customers are unknown, or the period does not end
            on the store's day.
    """
    store.require("orders", "channel")
    found, customers = _first_year(store, period, period.trailing(YEAR_DAYS).start)
    customers = customers.assign(channel=joined_small(customers["first_channel"]))
    if months > 12:
        left = (round(months / 12 * YEAR_DAYS) - 1 - customers["age_days"]).clip(lower=0)
        weeks = (left / DAYS_PER_WEEK).round()  # whole weeks: a seventh of the horizons to reckon
        customers = customers.assign(days_left=weeks * DAYS_PER_WEEK)
        customers = customers.assign(predicted=_rest_of_year(found, customers))
    frame = _by_group(found, customers, "channel")
    frame = frame[frame["customers"] >= SMALLEST_GROUP]
    return frame.sort_values(["value", "channel"], ascending=[False, True], ignore_index=True)


def value_by_cohort(store: Store, period: Period, *, quarters: int = 9) -> pd.DataFrame:
    """What customers bring in their first 12 months, by quarter of first purchase, oldest first.

    Args:
        store: Uses marts `customer_summary` and `purchase_days`.
        period: Ends on the store's day.
        quarters: How many quarters, up to the one that holds that day.

    Returns:
        One row per quarter: `cohort` (its first day), `quarter` (2024-Q3), the figures of
        `value_by_channel`, `months_over` (whole months that are over for all of the cohort, 12 at
        most; 0 while it still grows), `basis`. Quarters of fewer than 10 customers are left out.

    Raises:
        MissingTable: Customers are unknown, or the period does not end on the store's day.
    """
    start = quarter_of(store.as_of).back(quarters)[0].start
    found, customers = _first_year(store, period, max(start, store.first_day))
    cohort = customers["first_day"].dt.to_period("Q").dt.start_time
    frame = _by_group(found, customers.assign(cohort=cohort), "cohort")
    frame["months_over"] = [months_over(day.date(), store.as_of) for day in frame["cohort"]]
    frame["quarter"] = [quarter_of(day.date()).label for day in frame["cohort"]]
    frame = without_small_groups(frame)
    return frame.sort_values("cohort", ignore_index=True)


def ltv_to_cac(store: Store, period: Period) -> pd.DataFrame:
    """Value in 12 months of the new customers of 365 days / what it cost to acquire them.

    On contribution before marketing, never on revenue.

    Returns:
        One row, `frames.COLUMNS`: a multiple; `numerator` (money a customer), `denominator`
        (blended acquisition cost); `observed` is the multiple of what they have brought so far.
        The interval joins that of the value and of the acquisition cost; n customers.

    Raises:
        MissingTable: Cost of goods or spend is unknown for the 365 days, or as `value_by_channel`.

    Source: plan 1.3, 4.4.
    """
    found, customers = _costed_first_year(store, period)
    value = _by_group(found, customers.assign(all="all"), "all").iloc[0]
    cost = _cost(store, period, None)
    ratio = _ratio(value, cost)
    return one_row(
        ratio.value,
        low=ratio.low,
        high=ratio.high,
        n=value["customers"],
        numerator=value["value"],
        denominator=cost.value,
        observed=value["observed"] / cost.value,
    )


def ltv_to_cac_finding(store: Store, period: Period) -> pd.DataFrame:
    """`ltv_to_cac` as a sentence needs it.

    Returns:
        One row: `variant` (`pays`: surely above 1; `loses`: surely below; `open`), `ratio`, `low`,
        `high`, `observed` (multiples), `value`, `cac` (money a customer), `customers`.

    Raises:
        MissingTable: As `ltv_to_cac`.
    """
    import pandas as pd

    row = ltv_to_cac(store, period).iloc[0]
    found = {
        "variant": _reading(row["low"], row["high"]),
        "ratio": row["value"],
        "low": row["low"],
        "high": row["high"],
        "observed": row["observed"],
        "value": row["numerator"],
        "cac": row["denominator"],
        "customers": row["n"],
    }
    return pd.DataFrame([found])


def _reading(low: float, high: float) -> str:
    return "pays" if low > 1 else "loses" if high < 1 else "open"


def ltv_to_cac_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """`ltv_to_cac` of each first channel on which anything was spent, lowest multiple first.

    Returns:
        `channel`, `customers`, `value` (12 months' contribution a customer), `cac`, `cac_low`,
        `cac_high`, `ratio`, `low`, `high` (the multiple), `left` (value less cost of all the
        channel's customers, money), `left_low`, `left_high`, `reading` (`pays`: surely above 1,
        `loses`: surely below, `open`). Channels are those that the platform names: attribution.

    Raises:
        MissingTable: As `ltv_to_cac`, or the channel of orders is unknown.

    Source: plan 1.3, 2.2.
    """
    import pandas as pd

    store.require("orders", "channel")
    found, customers = _costed_first_year(store, period)
    customers = customers.assign(channel=joined_small(customers["first_channel"]))
    values = _by_group(found, customers, "channel")
    shown = [name for name in values["channel"] if name != OTHER]
    rows = []
    for value in values.to_dict("records"):
        cost = _cost(store, period, [value["channel"]], shown)
        if not cost.value > 0 or value["customers"] < SMALLEST_GROUP:
            continue
        ratio = _ratio(value, cost)
        ends = [value["customers"] * cost.value * (one - 1)
                for one in (ratio.value, ratio.low, ratio.high)]  # fmt: skip
        reading = _reading(ratio.low, ratio.high)
        rows.append((value["channel"], value["customers"], value["value"], cost.value, cost.low,
                     cost.high, ratio.value, ratio.low, ratio.high, *ends, reading))  # fmt: skip
    names = ["channel", "customers", "value", "cac", "cac_low", "cac_high", "ratio", "low", "high",
             "left", "left_low", "left_high", "reading"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=names)
    return frame.sort_values(["ratio", "channel"], ignore_index=True)


def joined_small(channel: pd.Series) -> pd.Series:
    """Channels of customers, those of `small_groups` joined as `other`."""
    return channel.where(~channel.isin(small_groups(channel.value_counts())), OTHER)


def small_groups(counts: pd.Series) -> list[str]:
    """Groups of fewer than 10 customers, from the customers of each.

    Where together they are still fewer than 10, the next smallest group is among them: else the
    whole less the groups shown would tell them.
    """
    ordered = counts.sort_index().sort_values(kind="stable")
    small = ordered[ordered < SMALLEST_GROUP]
    if len(small) and small.sum() < SMALLEST_GROUP:
        small = ordered.iloc[: len(small) + 1]
    return [str(name) for name in small.index]


def months_over(start: date, as_of: date) -> int:
    """Whole months since first purchase that all customers of a quarter have behind them.

    Months of 365.25 / 12 days; 12 at most, 0 while the quarter lasts.
    """
    age = (as_of - quarter_of(start).end).days + 1
    return min(max(int(age / MONTH_DAYS), 0), 12)


def _costed_first_year(store: Store, period: Period) -> tuple[Fit, pd.DataFrame]:
    """As `_first_year` for the customers of 365 days whose spend is known.

    Raises:
        MissingTable: Cost of goods, customers or spend is unknown.
    """
    window = period.trailing(YEAR_DAYS)
    valued_purchases(store, period)
    require_customers(store, window)
    require_spend(store, window)
    return _first_year(store, period, window.start)


def _first_year(store: Store, period: Period, start: date) -> tuple[Fit, pd.DataFrame]:
    """Customers since a day, with what they brought in their first 365 days and what is to come."""
    require_own_day(store, period)
    for source in ("customer_summary", "purchase_days"):
        store.mart(source)  # named on the page also when the result is at hand
    found = fit(store)
    key = f"first_year {start}"
    return found, store.once(key, lambda: _customers_of_first_year(store, period, start, found))


def _customers_of_first_year(store: Store, period: Period, start: date, found: Fit) -> pd.DataFrame:
    people = store.mart("customer_summary")
    people = people.filter(people.first_day >= start)
    people = with_records(store, people)
    first = people.select(*CUSTOMER, "first_day")
    days = _values(store, period, found).inner_join(first, list(CUSTOMER))
    offset = days.day.delta(days.first_day, unit="day")
    days = days.filter(offset < YEAR_DAYS)
    brought = days.group_by(*CUSTOMER).aggregate(observed=days.value.sum().cast("float64"))
    joined = people.inner_join(brought, list(CUSTOMER))
    names = ("first_channel", "first_day", "frequency", "recency_days", "age_days", "gains",
             "losses", "gained", "observed")  # fmt: skip
    frame = store.to_frame(joined.select(*names).order_by(*names))
    if frame.empty:
        raise MissingTable("orders", ("customer_id",), "short")
    frame = as_history(frame)
    frame["days_left"] = (YEAR_DAYS - 1 - frame["age_days"]).clip(lower=0)
    return frame.assign(predicted=_rest_of_year(found, frame))


def _values(store: Store, period: Period, found: Fit) -> ir.Table:
    """Purchase days with `value` on the fit's basis."""
    if found.share is not None:
        return before_acquisition(store, period)
    days = store.mart("purchase_days")
    return days.mutate(value=days.paid_sales.cast("float64"))


def _rest_of_year(found: Fit, customers: pd.DataFrame, **fits: Any) -> np.ndarray:
    """Discounted value expected of each customer in the `days_left` of the first year."""
    import numpy as np

    rest = np.zeros(len(customers))
    for left, places in customers.groupby("days_left").indices.items():
        if left:
            months = left / DAYS_PER_WEEK / WEEKS_PER_YEAR * 12
            rest[places] = expected_value(found, customers.iloc[places], months, **fits)
    return rest


def _by_group(found: Fit, customers: pd.DataFrame, key: str) -> pd.DataFrame:
    """Means of each group with their interval, by name of the group."""
    import numpy as np

    whole = customers["observed"] + customers["predicted"]
    grouped = customers.assign(whole=whole).groupby(key)
    frame = grouped.agg(
        customers=("whole", "size"),
        observed=("observed", "mean"),
        predicted=("predicted", "mean"),
        value=("whole", "mean"),
        spread=("whole", "std"),
    ).reset_index()
    varied = frame["spread"] / np.sqrt(frame["customers"])
    fitted = frame["predicted"].abs() * _relative_errors(found, customers, key)
    half = 1.96 * np.hypot(varied, fitted)
    frame = frame.assign(low=frame["value"] - half, high=frame["value"] + half, basis=found.basis)
    return frame[[key, *COLUMNS, "basis"]]


def _relative_errors(found: Fit, customers: pd.DataFrame, key: str) -> np.ndarray:
    """Standard error of what is predicted for each group, as a share of it, for uncertain fits.

    From 300 customers of each group, whose remaining days are rounded to four weeks.
    """
    import numpy as np
    import pandas as pd

    from helpers.models.customer_value import evenly_taken, with_errors

    parts = [evenly_taken(part, CUSTOMERS_FOR_ERRORS) for _, part in customers.groupby(key)]
    few = pd.concat(parts)
    blocks = np.ceil(few["days_left"] / (4 * DAYS_PER_WEEK))
    few = few.assign(days_left=blocks * 4 * DAYS_PER_WEEK)
    group = pd.factorize(few[key], sort=True)[0]

    def means(purchases: PurchaseModel, spend: GammaGamma) -> np.ndarray:
        rest = _rest_of_year(found, few, purchases=purchases, spend=spend)
        return np.bincount(group, rest) / np.bincount(group)

    value, error = with_errors(found.purchases, found.spend, means)
    return np.where(value == 0, 0.0, error / np.where(value == 0, 1.0, np.abs(value)))


def _cost(
    store: Store, period: Period, channels: Sequence[str] | None, shown: Sequence[str] = ()
) -> Estimate:
    """Acquisition cost of the last 365 days: of all channels, or of those that are named.

    `other` stands for all channels that are not shown by themselves.
    """
    window = period.trailing(YEAR_DAYS)
    days = channel_days(store, window)
    if channels is not None:
        among = days["channel"].isin(channels)
        if OTHER in channels:
            among |= ~days["channel"].isin(shown)
        days = days[among]
    money = spread_spend(store, window, days, "acquisition_spend")
    return cost_per_customer(money, every_day(store, window, days, "new_customers"))


def _ratio(value: pd.Series | dict, cost: Estimate) -> Estimate:
    """Value / cost; the errors of both joined on the scale of customers per unit of money."""
    from helpers.models.estimate import Estimate

    if not cost.value > 0:
        return Estimate(math.nan, math.nan, math.nan, value["customers"])
    per_money = 1 / cost.value
    ratio = value["value"] * per_money
    fewer = (per_money - 1 / cost.high) * value["value"]
    more = (1 / cost.low - per_money) * value["value"] if cost.low > 0 else math.nan
    down = math.hypot((value["value"] - value["low"]) * per_money, fewer if ratio > 0 else more)
    up = math.hypot((value["high"] - value["value"]) * per_money, more if ratio > 0 else fewer)
    return Estimate(ratio, ratio - down, ratio + up, value["customers"])
