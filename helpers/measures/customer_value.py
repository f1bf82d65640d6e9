"""Customer value: what a new customer brings over the coming months, and the fits behind it.

Source: plan 2.1, 4.4; Fader, Hardie and Lee (2005); Fader and Hardie (2013).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from helpers.measures.contribution import before_acquisition, valued_purchases
from helpers.measures.contribution import contribution_share as contribution_share
from helpers.measures.frames import one_row
from helpers.measures.purchases import (
    SMALLEST_GROUP,
    YEAR_DAYS,
    known_until,
    without_small_counts,
)
from helpers.measures.value_fits import DAYS_PER_WEEK as DAYS_PER_WEEK
from helpers.measures.value_fits import DISCOUNT_RATE, WEEKS_PER_YEAR, Fit, repeat_contribution
from helpers.measures.value_fits import fit as fit
from helpers.measures.value_fits import histories as histories
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.models.gamma_gamma import GammaGamma
    from helpers.models.purchase_models import PurchaseModel
    from helpers.plan.periods import Period
    from helpers.store.open import Store

HORIZONS = (12, 24, 36)


def model_parameters(store: Store, period: Period) -> pd.DataFrame:
    """Estimates of all fits with standard errors and 95 % intervals, in weeks and money.

    BG/NBD and gamma-gamma of what buyers paid in any case; besides, where they are used, the model
    of purchases that predicts this shop better, and gamma-gamma of contribution.

    Returns:
        One row per parameter: `parameter` (`bg_nbd.r` ...), `value`, `standard_error`, `low`,
        `high`, `n` (customers). The log-likelihood has no interval.
    """
    import pandas as pd

    found = fit(store)
    models: dict[str, PurchaseModel | GammaGamma] = {
        "bg_nbd": found.bg_nbd, found.name: found.purchases, "gamma_gamma": found.paid,
    }  # fmt: skip
    if found.earned is not None:
        models["gamma_gamma_contribution"] = found.earned
    rows: list[tuple[Any, ...]] = []
    for model, estimates in models.items():
        for name, one in estimates.intervals().items():
            rows.append((f"{model}.{name}", one.value, one.standard_error, one.low, one.high,
                         one.n))  # fmt: skip
        likelihood = estimates.log_likelihood
        rows.append((f"{model}.log_likelihood", likelihood, math.nan, math.nan, math.nan,
                     estimates.n_customers))  # fmt: skip
    columns = ["parameter", "value", "standard_error", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns)


def loss_makers(store: Store, period: Period) -> pd.DataFrame:
    """How many repeat purchases lose money, which the gamma-gamma model can't take.

    Returns:
        One row: `purchases` (repeat purchases of known cost), `losing` (those that contribute
        nothing or lose), `losing_share` (0 to 1), `loss` (mean money lost by one), `customers`
        (with a repeat purchase), `customers_losing` (whose repeat purchases together contribute
        nothing or lose; blank where that would tell fewer than 10).

    Raises:
        MissingTable: The cost of goods is unknown.
    """
    import pandas as pd

    valued_purchases(store, period)
    found = repeat_contribution(store)
    many = found["customers"]
    gains, losses, lost = ((found[name] * many).sum() for name in ("gains", "losses", "lost"))
    if not gains + losses:
        raise MissingTable("orders", ("customer_id",), "short")
    row = {
        "purchases": int(gains + losses),
        "losing": int(losses),
        "losing_share": losses / (gains + losses),
        "loss": lost / losses if losses else math.nan,
        "customers": int(many.sum()),
        "customers_losing": int(many[found["gained"] <= found["lost"]].sum()),
    }
    return without_small_counts(pd.DataFrame([row]), "customers_losing", "customers")


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


def ltv_24m(store: Store, period: Period) -> pd.DataFrame:
    """As `ltv_12m`, over 24 months."""
    return new_customer_value(store, period, months=24)


def ltv_36m(store: Store, period: Period) -> pd.DataFrame:
    """As `ltv_12m`, over 36 months."""
    return new_customer_value(store, period, months=36)


def new_customer_value(store: Store, period: Period, *, months: int) -> pd.DataFrame:
    """As `ltv_12m`, over any number of months."""
    first, repeats = _first_and_repeats(store, period, months)
    total = _sum(first, repeats)
    return one_row(total.value, low=total.low, high=total.high, n=total.n)


def value_by_horizon(store: Store, period: Period) -> pd.DataFrame:
    """Expected value of a new customer over 12, 24 and 36 months, first order and repeats apart.

    Returns:
        One row per horizon: `months`, `first_order` (mean observed in the last 365 days),
        `repeats` (predicted, discounted), `repeats_low`, `repeats_high`, `value` (the sum), `low`,
        `high` (money), `n` (first orders), `basis` (`contribution`, or `paid_sales` where cost is
        unknown), `first_year_share` (12 months / this horizon).
    """
    import pandas as pd

    basis = fit(store).basis
    rows = []
    for months in HORIZONS:
        first, repeats = _first_and_repeats(store, period, months)
        total = _sum(first, repeats)
        rows.append((months, first.value, repeats.value, repeats.low, repeats.high, total.value,
                     total.low, total.high, first.n, basis))  # fmt: skip
    names = ["months", "first_order", "repeats", "repeats_low", "repeats_high", "value", "low",
             "high", "n", "basis"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(first_year_share=frame["value"].iloc[0] / frame["value"])


def require_own_day(store: Store, period: Period) -> None:
    """Make sure that the period ends on the day that the fits know.

    Raises:
        MissingTable: It ends before; an earlier period would need fits of its own.
    """
    if min(period.end, store.last_day) != store.as_of:
        raise MissingTable("orders", ("customer_id",), "short")


def _first_and_repeats(store: Store, period: Period, months: int) -> tuple[Estimate, Estimate]:
    from dataclasses import asdict

    from helpers.models.customer_value import Horizon
    from helpers.models.customer_value import new_customer_value as value_of_repeats
    from helpers.models.estimate import Estimate

    require_own_day(store, period)
    found = fit(store)
    horizon = Horizon(months, DISCOUNT_RATE, found.margin, WEEKS_PER_YEAR)
    repeats = store.fitted(
        "value_of_repeats",
        months,
        lambda: asdict(value_of_repeats(found.purchases, found.spend, horizon)),
    )
    return _first_order(store, period, found), Estimate(**repeats)


def _sum(first: Estimate, repeats: Estimate) -> Estimate:
    """Of independent estimates; keeps the longer arm of each (MOVER: Zou and Donner 2008)."""
    from helpers.models.estimate import Estimate

    value = first.value + repeats.value
    low = value - math.hypot(first.value - first.low, repeats.value - repeats.low)
    high = value + math.hypot(first.high - first.value, repeats.high - repeats.value)
    return Estimate(value, low, high, first.n)


def _first_order(store: Store, period: Period, found: Fit) -> Estimate:
    """Mean value of first purchases over the 365 days to the period's end, on the fit's basis.

    Of all first purchases where fewer than 10 lie in those days, as when a shop follows one
    cohort.
    """
    from helpers.models.estimate import Estimate

    if found.share is None:
        days = store.mart("purchase_days")
        days = days.mutate(value=days.paid_sales.cast("float64"))
    else:
        days = before_acquisition(store, period)
    first = days.filter(days.number == 1, days.day <= known_until(store, period))
    row = _moments(store, first.filter(first.day >= period.trailing(YEAR_DAYS).start))
    if row["n"] < SMALLEST_GROUP:
        row = _moments(store, first)
    if row["n"] < SMALLEST_GROUP:
        raise MissingTable("orders", ("customer_id",), "short")
    error = float(row["sd"]) / math.sqrt(row["n"])
    mean = float(row["mean"])
    return Estimate(mean, mean - 1.96 * error, mean + 1.96 * error, int(row["n"]), error)


def _moments(store: Store, first: ir.Table) -> pd.Series:
    value = first.value
    return store.to_frame(first.aggregate(n=first.count(), mean=value.mean(), sd=value.std())).iloc[
        0
    ]
