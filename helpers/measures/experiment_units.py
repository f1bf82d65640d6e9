"""Customers of experiments: who was assigned to what, what was known of them, what they did.

Tables for `experiments` and `uplift`, not for pages. A unit is a customer. What a unit did is
counted from the day of assignment to `window_days` later, what was known of it before that day.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from helpers.measures.contribution import known_contributions
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from helpers.plan.periods import Period
    from helpers.store.open import Store

OUTCOMES = ("visit", "conversion", "spend", "contribution")
EXPERIMENT = ("shop_id", "experiment_id")
UNIT = (*EXPERIMENT, "customer_id")
OWN_FEATURES = ("purchases_before", "days_since_last", "paid_before", "mean_gap_days",
                "first_channel")  # fmt: skip


def known_until(store: Store, period: Period) -> date:
    """The last day that an answer for the period may use."""
    return min(period.end, store.as_of)


def note_sources(store: Store) -> None:
    """Read the tables that answers rest on, so that each names them, computed anew or not."""
    for name in ("experiments", "experiment_units", "experiment_features", "experiment_outcomes"):
        if store.has(name):
            store.table(name)
    store.mart("purchase_days")


def assigned(store: Store, period: Period) -> ir.Table:
    """Every customer assigned to a variant by the period's end.

    Returns:
        One row per unit: `UNIT`, `experiment` (its id; with the shop's where two shops share the
        id), `variant`, `control` (name of the variant not contacted), `contacted` (bool), `day`
        (of assignment), `last_day` (of the window), `window_days`, `contact_cost`.

    Raises:
        MissingTable: There are no experiments, or nobody is assigned yet.
    """
    import ibis

    store.require("experiments")
    store.require("experiment_units")
    tests, units = store.table("experiments"), store.table("experiment_units")
    shops = tests.count().over(ibis.window(group_by=tests.experiment_id))
    label = ibis.ifelse(
        shops > 1, tests.shop_id + ibis.literal("/") + tests.experiment_id, tests.experiment_id
    )
    tests = tests.select(
        *EXPERIMENT, "control", "window_days", experiment=label,
        contact_cost=tests.contact_cost.cast("float64"),
    )  # fmt: skip
    units = units.select(*UNIT, "variant", day=units.assigned_at.date())
    units = units.filter(units.day <= known_until(store, period))
    joined = units.inner_join(tests, list(EXPERIMENT))
    return joined.mutate(
        contacted=joined.variant != joined.control,
        last_day=(joined.day + joined.window_days.as_interval("D")).cast("date"),
    )


def over(store: Store, period: Period) -> ir.Table:
    """The units of experiments whose window is over, for every unit, at the period's end.

    An experiment that records an outcome later than that is not over either.
    """
    import ibis

    units = assigned(store, period)
    until = known_until(store, period)
    ends = units.group_by(*EXPERIMENT).aggregate(end=units.last_day.max())
    found = units.semi_join(ends.filter(ends.end <= until), list(EXPERIMENT))
    if store.has("experiment_outcomes"):
        outcomes = store.table("experiment_outcomes")
        late = outcomes.filter(outcomes.observed_at.date() > ibis.literal(until))
        found = found.anti_join(late.select(*EXPERIMENT).distinct(), list(EXPERIMENT))
    return found


def with_outcomes(store: Store, period: Period, units: ir.Table, margin: float | None) -> ir.Table:
    """Units with what they did in their window.

    An outcome that the experiment recorded is taken from table `experiment_outcomes`, where a
    customer without a row has 0; conversion and spend that it did not record come from mart
    `purchase_days`: a purchase from the day of assignment to the last day of the window.

    Args:
        store: Uses table `experiment_outcomes` and mart `purchase_days`.
        period: The units' period.
        units: As `over` gives them.
        margin: Contribution per unit of money paid, for purchases whose cost is not known and for
            recorded spend; None where the shop can't say.

    Returns:
        The units with `visit`, `conversion` (0 or 1), `spend`, `contribution` (money), and
        `recorded` (whether spend was recorded, so that contribution is `margin` times it);
        an outcome that cannot be known is empty.

    Raises:
        MissingTable: Neither recorded outcomes nor orders of known customers say what units did.
    """
    import ibis

    found = _with_recorded(store, units)
    if store.to_frame(found.aggregate(lack=(~found.has_conversion).any()))["lack"].iloc[0]:
        store.require("orders", "customer_id")
    found = _with_purchases(store, period, found, margin)
    empty = ibis.null("float64")
    spend = ibis.ifelse(found.has_spend, found.recorded_spend.fill_null(0.0), found.paid)
    kept = (found.recorded_spend * margin).fill_null(0.0) if margin is not None else empty
    earned = ibis.ifelse(found.has_spend, kept, found.earned)
    recorded = found.recorded_contribution.fill_null(0.0)
    return found.mutate(
        visit=ibis.ifelse(found.has_visit, _flag(found.recorded_visit), empty),
        conversion=ibis.ifelse(
            found.has_conversion, _flag(found.recorded_conversion), _flag(found.purchases)
        ),
        spend=spend,
        contribution=ibis.ifelse(found.has_contribution, recorded, earned),
        recorded=found.has_spend & ~found.has_contribution,
    ).select(*units.columns, *OUTCOMES, "recorded")


def _flag(value: ir.NumericColumn) -> ir.NumericColumn:
    return (value.fill_null(0) > 0).cast("float64")


def _with_recorded(store: Store, units: ir.Table) -> ir.Table:
    """Units with the recorded outcomes, and which ones their experiment recorded at all."""
    import ibis

    if not store.has("experiment_outcomes"):
        return units.mutate(
            **{f"recorded_{name}": ibis.null("float64") for name in OUTCOMES},
            **{f"has_{name}": ibis.literal(False) for name in OUTCOMES},
        )
    rows = store.table("experiment_outcomes")
    rows = rows.filter(rows.outcome.isin(OUTCOMES))
    values = rows.group_by(*UNIT).aggregate(
        **{f"recorded_{name}": rows.value.sum(where=rows.outcome == name) for name in OUTCOMES}
    )
    kinds = rows.group_by(*EXPERIMENT).aggregate(
        **{f"has_{name}": (rows.outcome == name).any() for name in OUTCOMES}
    )
    found = units.left_join(values, list(UNIT)).select(
        *units.columns, *(f"recorded_{name}" for name in OUTCOMES)
    )
    flags = {f"has_{name}": kinds[f"has_{name}"].fill_null(False) for name in OUTCOMES}
    return found.left_join(kinds, list(EXPERIMENT)).select(*found.columns, **flags)


def _with_purchases(
    store: Store, period: Period, units: ir.Table, margin: float | None
) -> ir.Table:
    """Units with `purchases`, `paid` and `earned` of the purchase days in their window."""
    import ibis

    days = _purchase_days(store, period)
    earned = ibis.null("float64")
    if margin is not None:
        earned = days.contribution.fill_null(days.paid_sales * margin)
    days = days.mutate(earned=earned)
    found = units.inner_join(days, ["shop_id", "customer_id"])
    found = found.filter(found.bought_on >= found.day, found.bought_on <= found.last_day)
    sums = found.group_by(*UNIT).aggregate(
        purchases=found.count(), paid=found.paid_sales.sum(), earned=found.earned.sum()
    )
    joined = units.left_join(sums, list(UNIT))
    earned = joined.earned if margin is None else joined.earned.fill_null(0.0)
    return joined.select(
        *units.columns,
        purchases=joined.purchases.fill_null(0),
        paid=joined.paid.fill_null(0.0),
        earned=earned,
    )


def _purchase_days(store: Store, period: Period) -> ir.Table:
    """Purchase days by the period's end; contribution with what is still to come taken off."""
    days = known_contributions(store)
    days = days.filter(days.day <= known_until(store, period))
    return days.select(
        "shop_id", "customer_id", "channel", bought_on=days.day,
        paid_sales=days.paid_sales.cast("float64"),
        contribution=days.value,
    )  # fmt: skip


def with_features(store: Store, period: Period, units: ir.Table) -> tuple[ir.Table, list[str]]:
    """Units with what was known of them before the day in their column `day`.

    Args:
        store: Uses table `experiment_features` and mart `purchase_days`.
        period: The units' period.
        units: One row per unit with `UNIT` and `day`, of one experiment.

    Returns:
        The units with one column per feature (float64, or string for categories), and the
        features' names: those of table `experiment_features`, then `OWN_FEATURES` where any unit
        had bought before.
    """
    told, names = _with_told(store, units)
    own = _with_history(store, period, told)
    any_bought = store.to_frame(own.aggregate(any=(own.purchases_before > 0).any()))["any"].iloc[0]
    if not any_bought:
        return told, names
    more = [name for name in OWN_FEATURES if name not in names]
    return own, names + more


def _with_told(store: Store, units: ir.Table) -> tuple[ir.Table, list[str]]:
    """Units with the features that the experiment's table tells."""
    if not store.has("experiment_features"):
        return units, []
    rows = store.table("experiment_features")
    rows = rows.semi_join(units.select(*EXPERIMENT).distinct(), list(EXPERIMENT))
    kinds = rows.group_by("feature").aggregate(labelled=rows.label.notnull().any())
    found = store.to_frame(kinds.order_by("feature"))
    columns = {
        name: (rows.label if labelled else rows.value).max(where=rows.feature == name)
        for name, labelled in zip(found["feature"], found["labelled"], strict=True)
    }
    names = list(columns)
    if not names:
        return units, []
    wide = rows.group_by(*UNIT).aggregate(**columns)
    return units.left_join(wide, list(UNIT)).select(*units.columns, *names), names


def _with_history(store: Store, period: Period, units: ir.Table) -> ir.Table:
    """Units with `OWN_FEATURES`, from the days with a purchase strictly before their day."""
    import ibis

    days = _purchase_days(store, period)
    found = units.inner_join(days, ["shop_id", "customer_id"])
    found = found.filter(found.bought_on < found.day)
    history = found.group_by(*UNIT).aggregate(
        bought=found.count(),
        last=found.bought_on.max(),
        first=found.bought_on.min(),
        paid_before=found.paid_sales.sum(),
        first_channel=found.channel.first(order_by=found.bought_on),
    )
    joined = units.left_join(history, list(UNIT))
    span = joined.last.delta(joined.first, unit="day") / (joined.bought - 1).nullif(0)
    own = {
        "purchases_before": joined.bought.fill_null(0).cast("float64"),
        "days_since_last": joined.day.delta(joined.last, unit="day").cast("float64"),
        "paid_before": joined.paid_before.fill_null(0.0),
        "mean_gap_days": span.cast("float64"),
        "first_channel": ibis.coalesce(joined.first_channel, ibis.literal("none")),
    }
    return joined.select(
        *units.columns, **{name: value for name, value in own.items() if name not in units.columns}
    )


def require_any(units: ir.Table, store: Store) -> None:
    """Make sure that an experiment is over.

    Raises:
        MissingTable: None is.
    """
    if not store.to_frame(units.aggregate(n=units.count()))["n"].iloc[0]:
        raise MissingTable("experiment_units", (), "short")
