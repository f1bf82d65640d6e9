"""Whom to act on in each RFM segment: what acting can be worth, and the customers as keyed hashes.

What customers are expected to bring comes from the models of `value_fits`. It is no uplift: what a
message adds only a test can tell, so worth is that of every tenth who responds.
Source: plan 2.1, 5.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.purchases import CUSTOMER, without_small_groups
from helpers.measures.segments import SEGMENTS, scored_customers

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd

    from helpers.measures.value_fits import Fit
    from helpers.models.gamma_gamma import GammaGamma
    from helpers.models.purchase_models import PurchaseModel
    from helpers.plan.periods import Period
    from helpers.store.open import Store

TOP = 200
CONSIDERED = 10
RESPONSE = 0.1
FAR_OVERDUE = 3
ROWS_FOR_ERRORS = 1000
LOST = "one_time_lost"
AT_RISK = ("big_spenders_at_risk", "at_risk")


def segment_actions(store: Store, period: Period) -> pd.DataFrame:
    """What acting on each segment can be worth in the next 12 months.

    Args:
        store: Uses mart `customer_summary` and the fits of customer value.
        period: Ends on the store's day.

    Returns:
        One row per segment, most worth first: `segment`, `action` (the same), `customers`,
        `expected_value` (money, 12 months, whole segment), `at_stake` (what those who have left
        would have brought), `worth`, `worth_low`, `worth_high` (of every tenth who responds: a
        tenth of `at_stake` in the two segments at risk, of `expected_value` elsewhere; 95 %, from
        the uncertainty of both fits; blank for those lost after one purchase, of whom nothing says
        that they can be won back), `basis` (`contribution` or `paid_sales`). Segments that would
        tell fewer than 10 customers are left out.

    Raises:
        MissingTable: Customers are unknown, too few of them bought again, or the period does not
            end on the store's day.
    """
    from helpers.measures.customer_value import require_own_day
    from helpers.measures.value_fits import fit, valued_histories

    require_own_day(store, period)
    found = fit(store)
    history = valued_histories(store, scored_customers(store), "segment")
    value, stake = _values(found, history)
    n = history["customers"]
    history = history.assign(expected_value=value * n, at_stake=stake * n)
    names = ["customers", "expected_value", "at_stake"]
    frame = history.groupby("segment")[names].sum().reset_index()
    error = frame["segment"].map(_relative_errors(found, history))
    worth = frame["at_stake"].where(frame["segment"].isin(AT_RISK), frame["expected_value"])
    worth = (worth * RESPONSE).where(frame["segment"] != LOST)
    frame = frame.assign(
        action=frame["segment"], worth=worth, worth_low=(worth * (1 - 1.96 * error)).clip(lower=0),
        worth_high=worth * (1 + 1.96 * error), basis=found.basis,
    )  # fmt: skip
    order = ["segment", "action", "customers", "expected_value", "at_stake", "worth", "worth_low",
             "worth_high", "basis"]  # fmt: skip
    frame = frame.sort_values(["worth", "segment"], ascending=[False, True])
    return without_small_groups(frame[order].reset_index(drop=True))


def segment_lists(store: Store, period: Period, *, top: int = TOP) -> pd.DataFrame:
    """The customers of each segment who matter most, with the reason.

    Ranked by value at stake in the two segments at risk, by expected value elsewhere, among the
    `10 * top` of a segment who have spent most on repeat purchases (of those who bought once, the
    latest).

    Args:
        store: Uses mart `customer_summary` and the fits of customer value.
        period: Ends on the store's day.
        top: Most customers a segment.

    Returns:
        One row per customer, by segment in the order of `SEGMENTS`, first ones first: `segment`,
        `rank`, `customer` (keyed hash), `reason`, `purchase_days`, `days_since_last`,
        `usual_gap_days` (mean of the own gaps; for those who bought once the shop's median),
        `probability_alive` (0 to 1), `expected_value`, `at_stake` (money, 12 months), `basis`.
        Reasons: of those who bought again `long_overdue` (silent for three usual gaps or more, of
        three purchases or more), `overdue` (longer than the usual gap), `on_time`; of those who
        bought once `second_due` (half of those who return have not yet), `closing` (most have),
        `past_line` (nine in ten have). Segments that would tell fewer than 10 are left out.

    Raises:
        MissingTable: As `segment_actions`, or as `time_between_purchases`.
    """
    from helpers.measures.customer_value import require_own_day
    from helpers.measures.time_to_repurchase import time_between_purchases
    from helpers.measures.value_fits import as_history, fit

    require_own_day(store, period)
    found = fit(store)
    line = time_between_purchases(store, period).set_index("basis").loc["kaplan_meier"]
    frame = as_history(store.to_frame(_considered(store, top * CONSIDERED)))
    value, stake = _values(found, frame)
    frame = frame.assign(expected_value=value, at_stake=stake, basis=found.basis)
    frame = _with_reasons(frame, line["median_days"], line["percentile_90_days"])
    frame["probability_alive"] = found.purchases.probability_alive(*_columns(frame))
    key = frame["at_stake"].where(frame["segment"].isin(AT_RISK), frame["expected_value"])
    frame = frame.assign(
        key=key, place=frame["segment"].map({name: i for i, name in enumerate(SEGMENTS)})
    )
    frame = frame.sort_values(
        ["place", "key", *CUSTOMER], ascending=[True, False, True, True], kind="stable"
    )
    frame["rank"] = frame.groupby("segment").cumcount() + 1
    frame = frame[frame["rank"] <= top]
    frame["customer"] = store.hash(frame["shop_id"] + "/" + frame["customer_id"])
    names = ["segment", "rank", "customer", "reason", "purchase_days", "days_since_last",
             "usual_gap_days", "probability_alive", "expected_value", "at_stake",
             "basis"]  # fmt: skip
    return frame[names].reset_index(drop=True)


def _considered(store: Store, most: int) -> ir.Table:
    """The customers of each shown segment from whom its list is taken."""
    import ibis

    from helpers.measures.value_fits import with_records

    people = scored_customers(store)
    sizes = people.group_by("segment").aggregate(customers=people.count()).order_by("segment")
    shown = without_small_groups(store.to_frame(sizes))["segment"].tolist()
    people = with_records(store, people.filter(people.segment.isin(shown or ["none"])))
    most_first = [people.gained.desc(), people.last_day.desc(), people.shop_id, people.customer_id]
    in_segment = ibis.window(group_by=people.segment, order_by=most_first)
    people = people.mutate(place=ibis.row_number().over(in_segment))
    names = (*CUSTOMER, "segment", "frequency", "recency_days", "age_days", "gains", "losses",
             "gained")  # fmt: skip
    return people.filter(people.place < most).select(*names).order_by(*CUSTOMER)


def _with_reasons(frame: pd.DataFrame, median: float, late: float) -> pd.DataFrame:
    """Adds `purchase_days`, `days_since_last`, `usual_gap_days` and `reason`."""
    import numpy as np

    silent = frame["age_days"] - frame["recency_days"]
    once = frame["frequency"] == 0
    gap = (frame["recency_days"] / frame["frequency"].clip(lower=1)).where(~once, median)
    reasons = {
        "past_line": once & (silent > late),
        "closing": once & (silent > median),
        "second_due": once,
        "long_overdue": (silent >= FAR_OVERDUE * gap) & (frame["frequency"] > 1),
        "overdue": silent > gap,
    }
    return frame.assign(
        purchase_days=frame["frequency"] + 1,
        days_since_last=silent,
        usual_gap_days=gap,
        reason=np.select(list(reasons.values()), list(reasons), "on_time"),
    )


def _values(
    found: Fit,
    history: pd.DataFrame,
    purchases: PurchaseModel | None = None,
    spend: GammaGamma | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Value expected of one customer of each row, and what is lost with those who have left."""
    import numpy as np

    from helpers.measures.value_fits import expected_value

    value = expected_value(found, history, purchases=purchases, spend=spend)
    alive = (purchases or found.purchases).probability_alive(*_columns(history))
    return value, value / np.maximum(alive, 1e-9) * (1 - alive)


def _relative_errors(found: Fit, history: pd.DataFrame) -> dict[str, float]:
    """Standard error of each segment's worth as a share of it, from both fits."""
    import numpy as np
    import pandas as pd

    from helpers.models.customer_value import evenly_taken, with_errors

    parts = [evenly_taken(part, ROWS_FOR_ERRORS) for _, part in history.groupby("segment")]
    few = pd.concat(parts, ignore_index=True)
    place, names = pd.factorize(few["segment"], sort=True)
    many, risky = few["customers"].to_numpy(dtype=float), few["segment"].isin(AT_RISK).to_numpy()

    def sums(purchases: PurchaseModel, spend: GammaGamma) -> np.ndarray:
        value, stake = _values(found, few, purchases, spend)
        return np.bincount(place, many * np.where(risky, stake, value))

    value, error = with_errors(found.purchases, found.spend, sums)
    relative = error / np.where(value == 0, 1.0, np.abs(value))
    return dict(zip(names, relative, strict=True))


def _columns(history: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    return history["frequency"], history["recency"], history["age"]
