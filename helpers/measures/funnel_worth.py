"""What going on in each step of the ACCA funnel is worth, and which step's repair pays most.

Money is contribution before marketing where cost of goods is known, else paid sales. Until the
first order it is the model's expected value of a new customer; after it, what those who went on
brought more than those who did not: an association, so the most that a repair could bring.
Source: plan 2.1, 2.3.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from helpers.measures.customer_value import contribution_share, new_customer_value
from helpers.measures.funnel_steps import (
    PERSON,
    STEPS,
    YEAR_DAYS,
    brought,
    known_from,
    new_customers,
    rate,
    year_of,
)
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.plan.periods import Period
    from helpers.store.open import Store

HORIZONS = (YEAR_DAYS, 180)
VALUE_BANDS = 3
FEWEST_COMPARED = 30
EXPECTED, ASSOCIATION = "model", "association"


def value_of_going_on(store: Store, period: Period) -> pd.DataFrame:
    """Money of one who goes on in a step rather than stops there, everything after as it is.

    Registration: the chance of a first order within 30 days times the value of a new customer over
    12 months. First order: that value. Activation and retention: paid sales after the first
    purchase day of those who went on less those who did not, compared within channel and third of
    first-order value, times the contribution share; activation leaves out its own 30 days.
    Referral: the value of the new customers whom a successful inviter brings, less the reward.

    Returns:
        One row per step that can be valued: `step`, `value`, `low`, `high` (money, 95 %), `n`
        (customers), `horizon_days` (after the first purchase), `grade` (`model` or `association`),
        `basis` (`contribution` or `paid_sales`).

    Raises:
        MissingTable: No step can be valued.

    Source: plan 2.1, 4.4.
    """
    import pandas as pd

    valued = {"registration": _of_account, "first_order": _of_first_order,
              "activation": _of_those_who_went_on, "retention": _of_those_who_went_on,
              "referral": _of_inviter}  # fmt: skip
    basis = "paid_sales" if contribution_share(store, period) is None else "contribution"
    rows, lack = [], MissingTable("orders", ("customer_id",), "short")
    for name, function in valued.items():
        try:
            rows.append({"step": name, "basis": basis, **function(store, period, name)})
        except MissingTable as missing:
            lack = missing
    if not rows:
        raise lack
    names = ["step", "value", "low", "high", "n", "horizon_days", "grade", "basis"]
    return pd.DataFrame(rows)[names]


def _row(value: float, low: float, high: float, n: float, grade: str, days: int) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": n, "grade": grade, "horizon_days": days}


def _of_first_order(store: Store, period: Period, name: str) -> dict[str, Any]:
    def compute() -> dict[str, float]:
        found = new_customer_value(store, period, months=12).iloc[0]
        return {key: float(found[key]) for key in ("value", "low", "high", "n")}

    new: dict[str, float] = store.once(f"funnel.new_customer.{period.end}", compute)
    return _row(new["value"], new["low"], new["high"], new["n"], EXPECTED, YEAR_DAYS)


def _of_account(store: Store, period: Period, name: str) -> dict[str, Any]:
    """Chance times value; relative errors add up in squares."""
    new = _of_first_order(store, period, name)
    step = STEPS["first_order"]
    chance = rate(store, step, year_of(store, step, period)).iloc[0]
    value = new["value"] * chance["value"]
    ends = {}
    for end in ("low", "high"):
        parts = (_relative(new, end), _relative(chance, end))
        ends[end] = abs(value) * math.hypot(*parts)
    return {**new, "value": value, "low": value - ends["low"], "high": value + ends["high"]}


def _relative(part: Any, end: str) -> float:
    return float(part[end] / part["value"] - 1) if part["value"] else 0.0


def _of_inviter(store: Store, period: Period, name: str) -> dict[str, Any]:
    """New customers whom a successful inviter brings, at the value of one less the reward."""
    new = _of_first_order(store, period, name)
    step = STEPS["referral"]
    year = year_of(store, step, period)
    found = brought(store)
    found = found.filter(found.day >= year.start - step.window, found.day <= year.end - step.window)
    each = found.group_by(*PERSON).aggregate(brought=found.count(), reward=found.reward.sum())
    sums = each.aggregate(
        people=each.count(), pairs=each.brought.sum(), reward=each.reward.sum().cast("float64")
    )
    row = store.to_frame(sums).fillna(0.0).iloc[0]
    if row["people"] < FEWEST_COMPARED:
        raise MissingTable("invitations", (), "short")
    number, reward = row["pairs"] / row["people"], row["reward"] / row["pairs"]
    ends = {key: float(number * (new[key] - reward)) for key in ("value", "low", "high")}
    return {**new, **ends}


def _of_those_who_went_on(store: Store, period: Period, name: str) -> dict[str, Any]:
    lack = MissingTable("orders", ("customer_id",), "short")
    for horizon in HORIZONS:
        try:
            found = value_difference(store, period, name, horizon)
        except MissingTable as missing:
            lack = missing
            continue
        return _row(found.value, found.low, found.high, found.n, ASSOCIATION, horizon)
    raise lack


def value_difference(store: Store, period: Period, name: str, horizon_days: int) -> Estimate:
    """Money that those who went on brought more than others, from the first purchase to a horizon.

    New customers whose horizon ended in the 365 days to the period's end, within channel and third
    of the first order's value. The first purchase day does not count, nor, for activation, its
    window.

    Raises:
        MissingTable: Fewer than 30 went on or did not, or no stratum holds both.
    """
    from helpers.models.estimate import Estimate
    from helpers.models.standardisation import Moments, standardised_difference

    frame = _strata(store, period, name, horizon_days)
    sides = frame.groupby("passed")["n"].sum()
    if min(sides.get(True, 0), sides.get(False, 0)) < FEWEST_COMPARED:
        raise MissingTable("orders", ("customer_id",), "short")
    wide = frame.pivot(index=["channel", "band"], columns="passed").fillna(0.0)
    on, off = (
        Moments(*(wide[(part, side)] for part in ("n", "total", "squares")))
        for side in (True, False)
    )
    found = standardised_difference(on, off)
    if not found.n:
        raise MissingTable("orders", ("customer_id",), "short")
    margin = contribution_share(store, period) or 1.0
    ends = sorted((found.low * margin, found.high * margin))
    return Estimate(found.value * margin, ends[0], ends[1], found.n)


def _strata(store: Store, period: Period, name: str, horizon_days: int) -> pd.DataFrame:
    """Customers by channel, band of first-order value and whether they went on: `n`, sums."""
    import ibis

    step, horizon = STEPS[name], timedelta(days=horizon_days)
    last = min(period.end, store.as_of) - horizon
    first = max(last - timedelta(days=YEAR_DAYS - 1), known_from(store, step))
    if first > last or step.units is None:
        raise MissingTable("orders", ("customer_id",), "short")
    units = step.units(store, step.window_days).filter(ibis._.day >= first, ibis._.day <= last)
    people = units.inner_join(new_customers(store).select(*PERSON, "paid_sales"), PERSON)
    rank = ibis.window(order_by=[people.paid_sales, *(people[key] for key in PERSON)])
    people = people.mutate(band=ibis.ntile(VALUE_BANDS).over(rank))
    people = people.rename(first_day="day").drop("paid_sales")
    days = store.mart("purchase_days").select(*PERSON, "day", "paid_sales")
    later = people.select(*PERSON, "first_day").inner_join(days, PERSON)
    after = later.day.delta(later.first_day, unit="day")
    begins = step.window_days if name == "activation" else 0
    later = later.filter(after > begins, after <= horizon_days)
    spent = later.group_by(*PERSON).aggregate(money=later.paid_sales.sum().cast("float64"))
    joined = people.left_join(spent, PERSON)
    joined = joined.mutate(money=joined.money.fill_null(0.0))
    grouped = joined.group_by("channel", "band", "passed").aggregate(
        n=joined.count(), total=joined.money.sum(), squares=(joined.money * joined.money).sum()
    )
    return store.to_frame(grouped.order_by("channel", "band", "passed"))
