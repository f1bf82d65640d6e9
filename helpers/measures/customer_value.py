"""Customer value: BG/NBD and gamma-gamma on the shop's own customers, judged on held-out time.

Ages are in weeks. Money per purchase is what the buyer paid; contribution follows by the share of
it that the shop kept in the last 365 days. Source: plan 2.1, 4.4; Fader, Hardie and Lee (2005);
Fader and Hardie (2013).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from helpers.measures.frames import one_row
from helpers.measures.lifecycle import YEAR_DAYS
from helpers.measures.money import SMALLEST_COSTED_SHARE
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.models.bg_nbd import BgNbd
    from helpers.models.gamma_gamma import GammaGamma
    from helpers.store.open import Store

DAYS_PER_WEEK = 7
WEEKS_PER_YEAR = 365.25 / 7
DISCOUNT_RATE = 0.10
FEWEST_CUSTOMERS = 100


@dataclass(frozen=True)
class Fit:
    """The shop's two fits: how often customers buy and what a purchase is worth."""

    purchases: BgNbd
    spend: GammaGamma


def histories(store: Store, until: date) -> pd.DataFrame:
    """Distinct purchase histories up to a day, with the customers who share each.

    Returns:
        One row per history: `frequency` (repeat purchase days), `recency` and `age` (weeks),
        `customers`.
    """
    import ibis
    import pandas as pd

    store.require("orders", "customer_id")
    days = store.mart("purchase_days")
    people = (
        days.filter(days.day <= until)
        .group_by("shop_id", "customer_id")
        .aggregate(
            frequency=ibis._.count() - 1, first_day=ibis._.day.min(), last_day=ibis._.day.max()
        )
    )
    grouped = (
        people.group_by("frequency", "first_day", "last_day")
        .aggregate(customers=ibis._.count())
        .order_by("first_day", "last_day", "frequency")
    )
    frame = store.to_frame(grouped)
    week = pd.Timedelta(weeks=1)
    frame["recency"] = (frame["last_day"] - frame["first_day"]) / week
    frame["age"] = (pd.Timestamp(until) - frame["first_day"]) / week
    return frame[["frequency", "recency", "age", "customers"]]


def repeat_spend(store: Store) -> pd.DataFrame:
    """Mean money of the repeat purchases, by customers who have any.

    Returns:
        One row per distinct pair: `frequency`, `mean_value` (money a purchase day, to the cent),
        `customers`. Customers whose repeat purchases cost nothing are left out.
    """
    import ibis

    store.require("orders", "customer_id")
    people = store.mart("customer_summary")
    people = people.filter(people.frequency > 0, people.repeat_paid_sales > 0)
    value = (people.repeat_paid_sales / people.frequency).cast("decimal(18,2)")
    grouped = (
        people.mutate(mean_value=value)
        .group_by("frequency", "mean_value")
        .aggregate(customers=ibis._.count())
        .order_by("frequency", "mean_value")
    )
    return store.to_frame(grouped)


def fit(store: Store) -> Fit:
    """Both models on all that is known at the store's day; computed once and kept.

    Raises:
        MissingTable: Customers are unknown, or fewer than 100 of them bought again.
    """
    from helpers.models import bg_nbd, gamma_gamma

    def compute() -> dict[str, Any]:
        from dataclasses import asdict

        history, spend = histories(store, store.as_of), repeat_spend(store)
        if spend["customers"].sum() < FEWEST_CUSTOMERS:
            raise MissingTable("orders", ("customer_id",), "short")
        purchases = bg_nbd.fit(
            history["frequency"], history["recency"], history["age"], history["customers"]
        )
        money = gamma_gamma.fit(spend["frequency"], spend["mean_value"], spend["customers"])
        return {"purchases": asdict(purchases), "spend": asdict(money)}

    found = store.fitted("customer_value", [], compute)
    return Fit(_restored(bg_nbd.BgNbd, found["purchases"]),
               _restored(gamma_gamma.GammaGamma, found["spend"]))  # fmt: skip


def _restored(kind: type, content: dict[str, Any]) -> Any:
    covariance = tuple(tuple(row) for row in content["log_covariance"])
    return kind(**{**content, "log_covariance": covariance})


def model_parameters(store: Store, period: Period) -> pd.DataFrame:
    """Estimates of both models with standard errors and 95 % intervals, in weeks and money.

    Returns:
        One row per parameter: `parameter` (`bg_nbd.r` ...), `value`, `standard_error`, `low`,
        `high`, `n` (customers). The log-likelihood has no interval.
    """
    import pandas as pd

    found = fit(store)
    rows = []
    for model, estimates in (("bg_nbd", found.purchases), ("gamma_gamma", found.spend)):
        for name, estimate in estimates.intervals().items():
            rows.append((f"{model}.{name}", estimate.value, estimate.standard_error,
                         estimate.low, estimate.high, estimate.n))  # fmt: skip
        likelihood = estimates.log_likelihood
        rows.append((f"{model}.log_likelihood", likelihood, math.nan, math.nan, math.nan,
                     estimates.n_customers))  # fmt: skip
    columns = ["parameter", "value", "standard_error", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns)


def contribution_share(store: Store, period: Period) -> float | None:
    """Contribution before marketing per unit of money paid, over the 365 days to the end.

    None where the cost of goods is not known for all of it.
    """
    days = store.mart("purchase_days")
    window = period.trailing(YEAR_DAYS)
    days = days.filter(days.day >= window.start, days.day <= window.end)
    known = days.filter(days.contribution.notnull())
    sums = store.to_frame(
        days.aggregate(paid=days.paid_sales.sum()).cross_join(
            known.aggregate(costed=known.paid_sales.sum(), contribution=known.contribution.sum())
        )
    ).iloc[0]
    sums = sums.fillna(0.0)
    if not sums["paid"] > 0 or not sums["costed"] >= SMALLEST_COSTED_SHARE * sums["paid"]:
        return None
    return float(sums["contribution"] / sums["costed"])


def ltv_12m(store: Store, period: Period) -> pd.DataFrame:
    """Expected value of a new customer over 12 months: first order plus discounted repeats.

    Contribution before acquisition cost where the cost of goods is known, else money paid.
    Only for the store's own day: an earlier period would need a fit of its own.

    Returns:
        One row, `frames.COLUMNS`, money per new customer; the interval carries the uncertainty of
        the fitted parameters and of the mean first order. `n` customers.

    Raises:
        MissingTable: The period does not end on the store's day, or too few customers.
    """
    return new_customer_value(store, period, months=12)


def new_customer_value(store: Store, period: Period, *, months: int) -> pd.DataFrame:
    """As `ltv_12m`, over any number of months."""
    from helpers.models.customer_value import Horizon
    from helpers.models.customer_value import new_customer_value as value_of_repeats

    if min(period.end, store.last_day) != store.as_of:
        raise MissingTable("orders", ("customer_id",), "short")
    found = fit(store)
    margin = contribution_share(store, period) or 1.0
    horizon = Horizon(months, DISCOUNT_RATE, margin, WEEKS_PER_YEAR)
    repeats = value_of_repeats(found.purchases, found.spend, horizon)
    first = _first_order(store, period)
    low = first.value * margin + repeats.value
    spread = math.hypot((repeats.high - repeats.low) / 2, (first.high - first.low) / 2 * margin)
    return one_row(low, low=low - spread, high=low + spread, n=first.n)


def _first_order(store: Store, period: Period) -> Any:
    """Mean money of first purchases over the 365 days to the period's end."""
    import numpy as np

    from helpers.models.estimate import Estimate

    days = store.mart("purchase_days")
    window = period.trailing(YEAR_DAYS)
    first = days.filter(days.number == 1, days.day >= window.start, days.day <= window.end)
    money = first.paid_sales.cast("float64")
    row = store.to_frame(first.aggregate(n=first.count(), mean=money.mean(), sd=money.std())).iloc[
        0
    ]
    if row["n"] < 2:
        raise MissingTable("orders", ("customer_id",), "short")
    error = float(row["sd"] / np.sqrt(row["n"]))
    mean = float(row["mean"])
    return Estimate(mean, mean - 1.96 * error, mean + 1.96 * error, int(row["n"]), error)


def value_by_horizon(store: Store, period: Period) -> pd.DataFrame:
    """Expected value of a new customer over 12, 24 and 36 months.

    Returns:
        One row per horizon: `months`, `value`, `low`, `high` (money), `basis` (`contribution`, or
        `paid_sales` where cost is unknown), `first_year_share` (12 months / this horizon).
    """
    import pandas as pd

    known = contribution_share(store, period) is not None
    basis = "contribution" if known else "paid_sales"
    rows = []
    for months in (12, 24, 36):
        row = new_customer_value(store, period, months=months).iloc[0]
        rows.append((months, row["value"], row["low"], row["high"], basis))
    frame = pd.DataFrame(rows, columns=["months", "value", "low", "high", "basis"])
    return frame.assign(first_year_share=frame["value"].iloc[0] / frame["value"])
