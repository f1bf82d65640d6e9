"""How many purchases to plan with, by what is forecast and how forecasts ran on held-out time.

Source: plan 2.1, 4.4.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.held_out import DAYS_PER_WEEK, model_comparison
from helpers.measures.purchases import YEAR_DAYS
from helpers.measures.value_fits import fit, histories
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store


def planned_purchases(store: Store, period: Period) -> pd.DataFrame:
    """What to plan with: repeat purchases of today's customers in the time ahead.

    Expected by the chosen model fitted on all that is known, over as many days as were held out;
    the range divides that by 1 + the error of held-out time, so that a model that ran low says
    more. A purchase is worth what a repeat purchase day was paid on average in the last 365 days.

    Returns:
        One row: `action` (`low`, `high`, `close`: how the forecast of held-out time ran), `days`,
        `purchases`, `purchases_low`, `purchases_high`, `worth`, `worth_low`, `worth_high` (money
        paid), `customers` (known today).

    Raises:
        MissingTable: As `model_comparison`, or no repeat purchase in the last 365 days.
    """
    import pandas as pd

    row = model_comparison(store, period).iloc[0]
    people = histories(store, store.as_of)
    expected = fit(store).purchases.expected_purchases(
        row["days"] / DAYS_PER_WEEK, people["frequency"], people["recency"], people["age"]
    )
    purchases = float(expected @ people["customers"])
    days = store.mart("purchase_days")
    repeats = days.filter(days.number > 1, days.day > store.as_of - timedelta(days=YEAR_DAYS))
    paid = store.to_frame(repeats.aggregate(mean=repeats.paid_sales.mean())).iloc[0, 0]
    if pd.isna(paid):
        raise MissingTable("orders", ("paid_at",), "short")
    low, high = purchases / (1 + row["error_high"]), purchases / (1 + row["error_low"])
    return pd.DataFrame(
        [{
            "action": row["verdict"], "days": row["days"], "purchases": purchases,
            "purchases_low": low, "purchases_high": high, "worth": purchases * paid,
            "worth_low": low * paid, "worth_high": high * paid,
            "customers": int(people["customers"].sum()),
        }]
    )  # fmt: skip
