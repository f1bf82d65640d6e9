"""Money that the shop has earned or spent and can't use yet: in stock, and not yet settled.

Source: plan 4.2, 5.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures import stock
from helpers.measures.frames import one_row
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

LATE_SHARE = 0.95
LAG_DAYS = 180
FEWEST_SETTLED = 30
AGES = (("0-7", 0, 7), ("8-14", 8, 14), ("15-30", 15, 30), ("31-60", 31, 60), ("61+", 61, None))
ORDER = ("shop_id", "order_id")


def stock_value(store: Store, period: Period) -> pd.DataFrame:
    """Goods on hand at the last count in the period, at unit cost; exact as counted.

    Returns:
        One row, `frames.COLUMNS`, money; n products on hand whose cost is known.

    Raises:
        MissingTable: No stock counts, no unit costs, or no count in the period.

    Source: plan 5.1.
    """
    held = stock.position(store, period)
    held = held.filter(held.on_hand > 0, held.value.notnull())
    row = store.to_frame(held.aggregate(n=held.count(), money=held.value.sum())).iloc[0]
    return one_row(float(row["money"] or 0), n=float(row["n"]))


def unsettled_money(store: Store, period: Period) -> pd.DataFrame:
    """What buyers paid for orders that the platform has not settled by the period's end.

    Returns:
        One row, `frames.COLUMNS`, money: receivable and postage less refunds so far, before the
        platform's fees; exact as booked; n orders.

    Raises:
        MissingTable: There are no settlements, or none in the period.

    Source: plan 4.2.
    """
    waiting = _waiting(store, period)
    row = store.to_frame(waiting.aggregate(n=waiting.count(), money=waiting.money.sum())).iloc[0]
    return one_row(float(row["money"] or 0), n=float(row["n"]))


def unsettled_by_age(store: Store, period: Period) -> pd.DataFrame:
    """Money not settled by the days since it was paid.

    Returns:
        One row per age in `AGES` with orders, youngest first: `age_days`, `orders`, `money`,
        `share` (of all of it).

    Raises:
        MissingTable: As `unsettled_money`.

    Source: plan 4.2.
    """
    import pandas as pd

    waiting = _waiting(store, period)
    grouped = waiting.group_by("age").aggregate(orders=waiting.count(), money=waiting.money.sum())
    days = store.to_frame(grouped.order_by("age"))
    rows = []
    for name, low, high in AGES:
        part = days[(days["age"] >= low) & (days["age"] <= (high or days["age"].max()))]
        if len(part):
            rows.append((name, int(part["orders"].sum()), float(part["money"].sum())))
    frame = pd.DataFrame(rows, columns=["age_days", "orders", "money"])
    return frame.assign(share=frame["money"] / max(frame["money"].sum(), 0.01))


def late_settlements(store: Store, period: Period) -> pd.DataFrame:
    """Orders that wait for settlement longer than 95 of 100 orders did in the half year before.

    Returns:
        One row, or none where no order is late: `usual_days` (within which 95 % of the orders
        settled in the 180 days to the period's end were settled), `orders`, `money`, `oldest` (day
        of payment), `action` (`ask`).

    Raises:
        MissingTable: As `unsettled_money`, or fewer than 30 orders were settled in the 180 days.

    Source: plan 4.2.
    """
    import pandas as pd

    waiting = _waiting(store, period)
    window = period.trailing(LAG_DAYS)
    settled = _with_settlement(store)
    settled = settled.filter(settled.settled_on >= window.start, settled.settled_on <= period.end)
    lag = settled.settled_on.delta(settled.day, unit="day")
    known = settled.aggregate(n=settled.count(), days=lag.quantile(LATE_SHARE))
    row = store.to_frame(known).iloc[0]
    if row["n"] < FEWEST_SETTLED:
        raise MissingTable("settlements", ("settled_at",), "short")
    usual = round(float(row["days"]))
    late = waiting.filter(waiting.age > usual)
    sums = late.aggregate(orders=late.count(), money=late.money.sum(), oldest=late.day.min())
    found = store.to_frame(sums)
    if not int(found["orders"].iloc[0]):
        return pd.DataFrame(columns=["usual_days", "orders", "money", "oldest", "action"])
    return found.assign(usual_days=usual, action="ask", money=found["money"].astype(float),
                        oldest=pd.to_datetime(found["oldest"]))  # fmt: skip


def _with_settlement(store: Store) -> ir.Table:
    """Mart `orders_valued` with `settled_on`, the day of settlement; empty before it."""
    sales = store.mart("orders_valued")
    settled = store.table("settlements")
    settled = settled.select(*ORDER, settled_on=settled.settled_at.date())
    return sales.left_join(settled, ORDER).drop("shop_id_right", "order_id_right")


def _waiting(store: Store, period: Period) -> ir.Table:
    """Orders paid by the period's end and not settled by it: `day`, `money`, `age` (days).

    What a shop sold before its settlements begin is left out: it was settled elsewhere. So are
    orders whose buyers got all their money back: nothing is due on them.

    Raises:
        MissingTable: There are no settlements, or none by the period's end.
    """
    import ibis

    store.require("settlements", "order_id", "settled_at")
    table = store.table("settlements")
    begins = store.to_frame(table.aggregate(day=table.settled_at.date().min()))["day"].iloc[0]
    if begins != begins or begins is None or begins.date() > period.end:
        raise MissingTable("settlements", ("settled_at",), "short")
    orders = _with_settlement(store)
    open_ = orders.settled_on.isnull() | (orders.settled_on > period.end)
    orders = orders.filter(open_, orders.day >= begins.date(), orders.day <= period.end)
    refunds = store.mart("refunds")
    refunds = refunds.filter(refunds.refunded_on <= period.end, refunds.paid_on.notnull())
    back = refunds.group_by(*ORDER).aggregate(back=refunds.amount.sum())
    joined = orders.left_join(back, ORDER)
    back = joined.back.fill_null(0)
    due = joined.receivable + joined.shipping_charged - back
    joined = joined.filter(joined.paid_sales > back).mutate(
        money=due.cast("float64"),
        age=ibis.literal(period.end, type="date").delta(joined.day, unit="day"),
    )
    return joined.select("day", "money", "age")
