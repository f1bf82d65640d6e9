"""How far the forecast of purchases misses time that it has not seen. Ages are in weeks.

Source: plan 2.1, 4.4.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

DAYS_PER_WEEK = 7
FEWEST_CUSTOMERS = 100
HELD_OUT_DAYS = 182


def held_out(store: Store, period: Period) -> pd.DataFrame:
    """How far a fit on the past misses the last half year, which it has not seen.

    The models are fitted on what was bought up to the cut, 182 days before the store's day (a
    third of the history where that is shorter), and predict the days with a purchase since.

    Returns:
        One row per number of repeat purchases at the cut: `frequency` (7 stands for 7 or more),
        `customers`, `predicted`, `actual` (purchase days a customer), `low`, `high` (95 % of
        `actual`); the totals stand in every row: `cut` (day), `days`, `predicted_total`,
        `actual_total`, `error_share`. Groups of fewer than 10 customers are left out.

    Raises:
        MissingTable: Fewer than 100 customers before the cut.
    """
    import pandas as pd

    store.require("orders", "customer_id")
    days = store.mart("purchase_days")
    length = min(HELD_OUT_DAYS, (store.as_of - store.first_day).days // 3)
    cut = store.as_of - timedelta(days=length)

    def compute() -> dict[str, Any]:
        from helpers.models import bg_nbd
        from helpers.models.held_out import held_out_error

        people = _histories_and_future(store, days, cut)
        if people.loc[people["frequency"] > 0, "customers"].sum() < FEWEST_CUSTOMERS:
            raise MissingTable("orders", ("customer_id",), "short")
        model = bg_nbd.fit(
            people["frequency"], people["recency"], people["age"], people["customers"]
        )
        error = held_out_error(model, people, length / DAYS_PER_WEEK)
        return {
            "rows": error.by_frequency.to_dict("records"), "cut": str(cut), "days": length,
            "predicted_total": error.predicted, "actual_total": error.actual,
            "error_share": error.error_share,
        }  # fmt: skip

    found = store.fitted("held_out", [], compute)
    frame = pd.DataFrame(found.pop("rows")).assign(**found)
    frame["cut"] = pd.to_datetime(frame["cut"])
    frame["frequency"] = frame["frequency"].str.rstrip("+").astype(int)
    return frame[frame["customers"] >= 10].reset_index(drop=True)


def _histories_and_future(store: Store, days: ir.Table, cut: date) -> pd.DataFrame:
    """Distinct histories until the cut and purchase days after it, with the customers of each."""
    import ibis

    before = days.day <= cut
    people = days.group_by("shop_id", "customer_id").aggregate(
        frequency=before.sum() - 1,
        first_day=days.day.min(),
        last_day=days.day.max(where=before),
        purchases=(~before).sum(),
    )
    people = people.filter(people.first_day <= cut)
    end = ibis.literal(cut)
    people = people.select(
        "frequency",
        "purchases",
        recency=people.last_day.delta(people.first_day, unit="day") / DAYS_PER_WEEK,
        age=end.delta(people.first_day, unit="day") / DAYS_PER_WEEK,
    )
    alike = ("age", "recency", "frequency", "purchases")
    grouped = people.group_by(*alike).aggregate(customers=ibis._.count())
    return store.to_frame(grouped.order_by(*alike))
