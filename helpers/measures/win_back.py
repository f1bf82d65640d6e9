"""What is still expected of the customers, by segment and by customer: whom to keep, whom to win.

Source: plan 2.1, 2.3, 5.3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures.alive import LIKELY
from helpers.measures.customer_value import require_own_day
from helpers.measures.purchases import CUSTOMER, SMALLEST_GROUP, without_small_groups
from helpers.measures.segments import SEGMENTS, scored_customers
from helpers.measures.time_to_repurchase import lapsed_after_days
from helpers.measures.value_fits import (
    WEEKS_PER_YEAR,
    Fit,
    as_history,
    expected_value,
    fit,
    value_lost,
    valued_histories,
    with_records,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.models.gamma_gamma import GammaGamma
    from helpers.models.purchase_models import PurchaseModel
    from helpers.plan.periods import Period
    from helpers.store.open import Store

TOP = 200
FAR_OVERDUE = 3
CONTROL_SHARE = 0.2
RESPONSE = 0.1


def segment_values(store: Store, period: Period) -> pd.DataFrame:
    """What each segment is expected to bring in the next 12 months, and what of it is at stake.

    Purchases come from the model that predicts this shop best, what one is worth from each
    customer's own past; discounted. `at_stake` is what those who have left would have brought: no
    uplift, only a test can tell what comes back.

    Returns:
        One row per segment in the order of `SEGMENTS`: `segment`, `action` (the same),
        `customers`, `alive_share` (mean probability alive, 0 to 1; empty for those whom the model
        never takes for lost, under BG/NBD all who bought once), `expected_purchases` (a
        customer, 12 months), `expected_value`, `at_stake` (money, whole segment), `worth` (of
        acting: `at_stake`; for those never taken for lost a tenth of `expected_value`, what every
        tenth more of them who orders again would add). Segments that would tell fewer than 10
        customers are left out.
    """
    found = fit(store)
    history = valued_histories(store, scored_customers(store), "segment")
    n = history["customers"]
    alive = found.purchases.probability_alive(*_columns(history))
    expected = found.purchases.expected_purchases(WEEKS_PER_YEAR, *_columns(history))
    value = expected_value(found, history)
    history = history.assign(
        alive=alive * n, expected=expected * n, expected_value=value * n,
        at_stake=value_lost(found, history) * n,
    )  # fmt: skip
    names = ["customers", "alive", "expected", "expected_value", "at_stake"]
    sums = history.groupby("segment")[names].sum()
    sums = sums.reindex([name for name in SEGMENTS if name in sums.index]).reset_index()
    leaves = sums["alive"] < sums["customers"] * (1 - 1e-9)
    sums = sums.assign(
        action=sums["segment"],
        alive_share=(sums["alive"] / sums["customers"]).where(leaves),
        expected_purchases=sums["expected"] / sums["customers"],
        worth=sums["at_stake"].where(leaves, sums["expected_value"] * RESPONSE),
    )
    names = ["segment", "action", "customers", "alive_share", "expected_purchases",
             "expected_value", "at_stake", "worth"]  # fmt: skip
    return without_small_groups(sums[names])


def customers_to_win_back(store: Store, period: Period, *, top: int = TOP) -> pd.DataFrame:
    """Repeat customers who have more likely left than not, by the value that went with them.

    All repeat customers are valued; those with a probability alive below 50 % are ranked.
    `value_at_stake` is what they would bring in 12 months if still alive, times the probability
    that they are not: what is lost if nothing is done. It is no uplift: whether a message brings
    them back only a test can tell.

    Returns:
        One row per customer, highest value at stake first, at most `top`: `customer` (keyed hash),
        `segment`, `purchase_days`, `usual_gap_days` (mean between own purchases),
        `days_since_last`, `reason` (`far_overdue`: silent for three usual gaps or more, of three
        purchases or more; `beyond_line`: past the shop's lapsed line; `fading`:
        the model's verdict alone), `net_sales` (money so far), `purchase_value` (money a purchase
        is expected to bring), `probability_alive` (0 to 1), `expected_value` (money in 12 months),
        `value_at_stake`, `basis` (`contribution` or `paid_sales`). Empty below 10 customers.

    Raises:
        MissingTable: Customers are unknown, too few of them bought again, or the period does not
            end on the store's day.
    """
    chosen = _most_at_stake(store, period, top)
    chosen = chosen.assign(customer=store.hash(chosen["shop_id"] + "/" + chosen["customer_id"]))
    names = ["customer", "segment", "purchase_days", "usual_gap_days", "days_since_last", "reason",
             "net_sales", "purchase_value", "probability_alive", "expected_value",
             "value_at_stake", "basis"]  # fmt: skip
    ordered = chosen.sort_values(["value_at_stake", "customer"], ascending=[False, True])
    return ordered[names].reset_index(drop=True)


def win_back_actions(store: Store, period: Period, *, top: int = TOP) -> pd.DataFrame:
    """What contacting the list of `customers_to_win_back` can be worth.

    Returns:
        At most one row: `action` (`contact`), `customers` (on the list), `contacted`, `control`
        (every fifth, left out to measure the effect), `at_stake` (money, 12 months, whole list),
        `at_stake_low`, `at_stake_high` (95 %: uncertain parameters, and who of them has left),
        `worth`, `worth_low`, `worth_high` (what every tenth of the contacted who comes back would
        bring), `basis`. No row where the list has fewer than 10 customers.

    Raises:
        MissingTable: As `customers_to_win_back`.
    """
    import pandas as pd

    found, chosen = fit(store), _most_at_stake(store, period, top)
    names = ["action", "customers", "contacted", "control", "at_stake", "at_stake_low",
             "at_stake_high", "worth", "worth_low", "worth_high", "basis"]  # fmt: skip
    if len(chosen) < SMALLEST_GROUP:
        return pd.DataFrame(columns=names)
    value, low, high = _total_at_stake(found, chosen)
    control = round(len(chosen) * CONTROL_SHARE)
    part = RESPONSE * (1 - control / len(chosen))
    row = ("contact", len(chosen), len(chosen) - control, control, value, low, high, value * part,
           low * part, high * part, found.basis)  # fmt: skip
    return pd.DataFrame([row], columns=names)


def _most_at_stake(store: Store, period: Period, top: int) -> pd.DataFrame:
    """The customers of the list with their histories and ids; ids never leave this module."""
    require_own_day(store, period)
    for source in ("customer_summary", "purchase_days"):
        store.mart(source)  # named on the page also when the result is at hand
    return store.once(f"most_at_stake {top}", lambda: _ranked(store, period, top))


def _ranked(store: Store, period: Period, top: int) -> pd.DataFrame:
    found = fit(store)
    people = scored_customers(store)
    people = with_records(store, people.filter(people.frequency > 0))
    names = (*CUSTOMER, "segment", "frequency", "recency_days", "age_days", "gains", "losses",
             "gained", "net_sales")  # fmt: skip
    frame = as_history(store.to_frame(people.select(*names).order_by(*CUSTOMER)))
    frame["probability_alive"] = found.purchases.probability_alive(*_columns(frame))
    frame = frame[frame["probability_alive"] < LIKELY].reset_index(drop=True)
    frame["value_at_stake"] = value_lost(found, frame)
    frame = frame.assign(expected_value=expected_value(found, frame), basis=found.basis)
    ordered = frame.sort_values(
        ["value_at_stake", *CUSTOMER], ascending=[False, True, True], kind="stable"
    )
    chosen = ordered[ordered["value_at_stake"] > 0].head(top).reset_index(drop=True)
    chosen = chosen if len(chosen) >= SMALLEST_GROUP else chosen.head(0)
    return _with_reasons(store, period, found, chosen)


def _with_reasons(store: Store, period: Period, found: Fit, chosen: pd.DataFrame) -> pd.DataFrame:
    """How each customer's silence compares with the own gaps and with the shop's."""
    import numpy as np

    silent = chosen["age_days"] - chosen["recency_days"]
    gap = chosen["recency_days"] / chosen["frequency"]
    line = float(lapsed_after_days(store, period)["value"].iloc[0])
    far = (silent >= FAR_OVERDUE * gap) & (chosen["frequency"] > 1)
    reason = np.select([far, silent > line], ["far_overdue", "beyond_line"], "fading")
    return chosen.assign(
        purchase_days=chosen["frequency"] + 1,
        usual_gap_days=gap,
        days_since_last=silent,
        reason=reason,
        purchase_value=found.spend.value_of(chosen) * found.margin,
    )


def _total_at_stake(found: Fit, chosen: pd.DataFrame) -> tuple[float, float, float]:
    """Value at stake with them all, and its 95 % interval."""
    import numpy as np

    from helpers.models.customer_value import with_errors

    def total(purchases: PurchaseModel, spend: GammaGamma) -> np.ndarray:
        return np.array([value_lost(found, chosen, purchases=purchases, spend=spend).sum()])

    (value,), (error,) = with_errors(found.purchases, found.spend, total)
    alive = chosen["probability_alive"].to_numpy()
    if_alive = chosen["value_at_stake"].to_numpy() / (1 - alive)
    chance = np.sqrt((if_alive**2 * alive * (1 - alive)).sum())
    half = 1.96 * math.hypot(float(error), float(chance))
    return float(value), max(float(value) - half, 0.0), float(value) + half


def _columns(history: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    return history["frequency"], history["recency"], history["age"]
