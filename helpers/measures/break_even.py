"""Where marketing stops to pay: break-even of the return on spend and of the share of net sales.

Source: plan 2.2, 4.2; definitions of the plan, return on spend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.evaluation import contribution, share_of_net_sales, traded
from helpers.measures.frames import estimated
from helpers.measures.money import need
from helpers.measures.paid_days import YEAR_DAYS, inverse, paid_days, rate, spend_begins
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.store.open import Store


def break_even_return(store: Store, period: Period) -> pd.DataFrame:
    """The return on spend at which the orders of all paid channels pay for their advertising.

    Over the 365 days to the period's end, or as many as there are; compares with the return before
    refunds.

    Returns:
        One row, `frames.COLUMNS`, a multiple: paid sales / contribution before marketing, what is
        still to be refunded and settled taken off; the interval is that of the day-to-day process.

    Raises:
        MissingTable: Spend, its kind, the channel of orders or the cost of goods is unknown, or the
            orders contribute nothing.

    Source: plan 2.2.
    """
    start = max(period.trailing(YEAR_DAYS).start, spend_begins(store))
    year = Period(min(start, period.start), period.end)
    days = paid_days(store, year)
    if days["contribution"].isna().all():
        raise MissingTable("price_history", ("product_id", "valid_from", "unit_cost"))
    earned, sales = float(days["contribution"].sum()), float(days["paid_sales"].sum())
    if earned <= 0:
        raise MissingTable("orders", ("paid_at",), "short")
    return estimated(inverse(rate(store, year, days, "contribution", "paid_sales")), sales, earned)


def break_even_marketing_share(store: Store, period: Period) -> pd.DataFrame:
    """The share of net sales that marketing may take before the shop loses money.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1 as a rule: (contribution before marketing - overheads) /
        net sales; exact but for the refunds still to come; n orders.

    Raises:
        MissingTable: As `evaluation.net_margin`.

    Source: plan 4.2.
    """
    frame = traded(store, period)
    earned = contribution(store, frame) + frame["marketing"]
    need(store, frame, "overheads")
    return share_of_net_sales(frame, earned - frame["overheads"])
