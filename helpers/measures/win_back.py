"""What is still expected of the customers, by segment and by customer: whom to keep, whom to win.

Source: plan 2.1, 2.3, 5.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.customer_value import (
    DAYS_PER_WEEK,
    DISCOUNT_RATE,
    WEEKS_PER_YEAR,
    Fit,
    contribution_share,
    fit,
)
from helpers.measures.lifecycle import SMALLEST_GROUP
from helpers.measures.segments import SEGMENTS, scored_customers

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store


def segment_values(store: Store, period: Period) -> pd.DataFrame:
    """What each segment is expected to bring in the next 12 months, and what of it is at stake.

    Expected purchases come from BG/NBD for every purchase history; a purchase is worth the
    segment's own mean so far, times the contribution share where costs are known. `at_stake` is
    what those who have left would have brought: no uplift, only a test can tell what comes back.

    Returns:
        One row per segment in the order of `SEGMENTS`: `segment`, `action` (the same),
        `customers`, `alive_share` (mean probability alive, 0 to 1; empty for
        those who bought once, whom BG/NBD never takes for lost), `expected_purchases` (a
        customer, 12 months), `expected_value`, `at_stake` (money, whole segment), `worth` (of
        acting: `at_stake`; for those who bought once a tenth of `expected_value`, what every tenth
        more of them who orders again would add). Segments of fewer than 10 customers are left out.
    """
    import ibis
    import numpy as np

    found = fit(store)
    people = scored_customers(store)
    grouped = (
        people.group_by("segment", "frequency", "recency_days", "age_days")
        .aggregate(
            customers=ibis._.count(), paid=ibis._.paid_sales.sum(), days=ibis._.purchase_days.sum()
        )
        .order_by("segment", "frequency", "recency_days", "age_days")
    )
    frame = store.to_frame(grouped)
    history = (
        frame["frequency"], frame["recency_days"] / DAYS_PER_WEEK, frame["age_days"] / DAYS_PER_WEEK
    )  # fmt: skip
    alive = found.purchases.probability_alive(*history)
    expected = found.purchases.expected_purchases(WEEKS_PER_YEAR, *history)
    lost = expected / np.maximum(alive, 1e-9) * (1 - alive)
    n = frame["customers"]
    frame = frame.assign(alive=alive * n, expected=expected * n, lost=lost * n)
    sums = frame.groupby("segment")[
        ["customers", "paid", "days", "alive", "expected", "lost"]
    ].sum()
    sums = sums.reindex([name for name in SEGMENTS if name in sums.index]).reset_index()
    worth = sums["paid"] / sums["days"] * (contribution_share(store, period) or 1.0)
    sums = sums.assign(
        action=sums["segment"],
        alive_share=(sums["alive"] / sums["customers"]).where(sums["lost"] > 0),
        expected_purchases=sums["expected"] / sums["customers"],
        expected_value=sums["expected"] * worth,
        at_stake=sums["lost"] * worth,
    )
    sums["worth"] = sums["at_stake"].where(sums["lost"] > 0, sums["expected_value"] / 10)
    names = ["segment", "action", "customers", "alive_share", "expected_purchases",
             "expected_value", "at_stake", "worth"]  # fmt: skip
    return sums.loc[sums["customers"] >= SMALLEST_GROUP, names].reset_index(drop=True)


def customers_to_win_back(store: Store, period: Period, *, top: int = 200) -> pd.DataFrame:
    """Repeat customers who are slipping away, by the value still expected of them.

    Customers of the two at-risk segments. `value_at_stake` is what they would bring in 12 months
    if still alive, times the probability that they are not: what is lost if nothing is done.
    It is no uplift: whether a message brings them back only a test can tell.

    Returns:
        One row per customer, highest value at stake first, at most `top`: `customer` (keyed hash),
        `segment`, `purchase_days`, `days_since_last`, `net_sales` (money so far),
        `probability_alive` (0 to 1), `expected_value` (money in 12 months), `value_at_stake`.
    """
    import numpy as np

    found = fit(store)
    people = scored_customers(store)
    people = people.filter(people.segment.isin(["at_risk", "big_spenders_at_risk"]))
    people = people.order_by(people.net_sales.desc(), "shop_id", "customer_id").limit(top * 10)
    frame = store.to_frame(people)
    recency, age = frame["recency_days"] / DAYS_PER_WEEK, frame["age_days"] / DAYS_PER_WEEK
    alive = found.purchases.probability_alive(frame["frequency"], recency, age)
    expected = _expected_value(store, period, found, frame)
    frame = frame.assign(
        customer=store.hash(frame["shop_id"] + "/" + frame["customer_id"]),
        days_since_last=frame["age_days"] - frame["recency_days"],
        probability_alive=alive,
        expected_value=expected,
        value_at_stake=expected / np.maximum(alive, 1e-6) * (1 - alive),
    )
    names = ["customer", "segment", "purchase_days", "days_since_last", "net_sales",
             "probability_alive", "expected_value", "value_at_stake"]  # fmt: skip
    ordered = frame.sort_values(["value_at_stake", "customer"], ascending=[False, True])
    return ordered[names].head(top).reset_index(drop=True)


def _expected_value(store: Store, period: Period, found: Fit, people: pd.DataFrame) -> np.ndarray:
    """Expected value of each customer over the next 12 months, in money."""
    import pandas as pd

    from helpers.models.customer_value import Horizon, expected_value

    margin = contribution_share(store, period) or 1.0
    customers = pd.DataFrame(
        {
            "frequency": people["frequency"],
            "recency": people["recency_days"] / DAYS_PER_WEEK,
            "age": people["age_days"] / DAYS_PER_WEEK,
            "mean_value": people["repeat_paid_sales"] / people["frequency"].clip(lower=1),
        }
    )
    horizon = Horizon(12, DISCOUNT_RATE, margin, WEEKS_PER_YEAR)
    return expected_value(found.purchases, found.spend, customers, horizon)
