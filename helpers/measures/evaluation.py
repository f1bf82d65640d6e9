"""Evaluation: the shop's sales, margins and what changed. Source: plan 1.1, 1.3, 4.4."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures.frames import divide, one_row
from helpers.measures.money import daily_money, need
from helpers.plan.periods import Period, last_complete_month
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store


LARGEST_PART = 0.95


def paid_sales(store: Store, period: Period) -> pd.DataFrame:
    """Money buyers paid for goods in the period, before later refunds; exact.

    Returns:
        One row, `frames.COLUMNS`, money; n orders.
    """
    frame = traded(store, period)
    return one_row(frame["paid_sales"].sum(), n=frame["orders"].sum())


def orders(store: Store, period: Period) -> pd.DataFrame:
    """Paid orders with goods, less those refunded in full before shipment; a count, exact."""
    count = traded(store, period)["orders"].sum()
    return one_row(count, n=count)


def net_sales(store: Store, period: Period) -> pd.DataFrame:
    """List value less discounts borne by the shop less refunds, those still to come included.

    Returns:
        One row, `frames.COLUMNS`, money; n orders. `observed` has only the refunds so far; while
        refunds are still coming in the row is `provisional` and has the projection's 95 % interval,
        in which blocks are taken to err together (the cautious end).

    Raises:
        MissingTable: Refunds are unknown.
    """
    return _net_sales(store, traded(store, period))


def _net_sales(store: Store, frame: pd.DataFrame) -> pd.DataFrame:
    need(store, frame, "refunds")
    value = frame["net_sales"].sum()
    provisional = bool(frame["is_open"].any())
    spread = 1.96 * frame["refund_error"].sum() if provisional else math.nan
    return one_row(
        value,
        low=value - spread,
        high=value + spread,
        n=frame["orders"].sum(),
        observed=value + frame["refunds_to_come"].sum(),
        provisional=provisional,
    )


def refund_share(store: Store, period: Period) -> pd.DataFrame:
    """Refunds of the period's orders, those still to come included, / their receivable.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1, with the interval of day-to-day variation and of the
        projection together; n days.
    """
    from helpers.models.intervals import ratio_of_sums

    frame = traded(store, period)
    need(store, frame, "refunds")
    refunds, receivable = frame["refunds"] + frame["refunds_to_come"], frame["receivable"]
    if not receivable.sum():
        raise MissingTable("orders", ("paid_at",), "short")
    varied = ratio_of_sums(refunds, receivable)
    projected = 1.96 * frame["refund_error"].sum() / receivable.sum()
    half = math.hypot((varied.high - varied.low) / 2, projected)
    return one_row(
        varied.value,
        low=max(varied.value - half, 0.0),
        high=varied.value + half,
        n=len(frame),
        numerator=refunds.sum(),
        denominator=receivable.sum(),
        observed=frame["refunds"].sum() / receivable.sum(),
        provisional=bool(frame["is_open"].any()),
    )


def gross_margin(store: Store, period: Period) -> pd.DataFrame:
    """(Net sales - cost of the goods that buyers keep) / net sales; 0 to 1 as a rule.

    What was earned and spent is counted, so the margin of a period is exact but for what is still
    to come: the interval is that of the refunds projected.

    Raises:
        MissingTable: Refunds or cost are unknown.
    """
    return _margin(store, traded(store, period), "gross_margin")


def contribution_margin(store: Store, period: Period) -> pd.DataFrame:
    """Contribution after marketing / net sales; its interval as that of `gross_margin`.

    Raises:
        MissingTable: Refunds, cost, fees, freight or marketing are unknown.
    """
    return _margin(store, traded(store, period), "contribution_margin")


def net_margin(store: Store, period: Period) -> pd.DataFrame:
    """(Contribution after marketing - overheads) / net sales; its interval as `gross_margin`.

    Raises:
        MissingTable: As `contribution_margin`, or overheads are unknown.
    """
    return _margin(store, traded(store, period), "net_margin")


def _margin(store: Store, frame: pd.DataFrame, margin: str) -> pd.DataFrame:
    """One of the three margins of a frame of `daily_money`."""
    if margin == "gross_margin":
        need(store, frame, "refunds", "cost")
        earned = frame["net_sales"] - frame["cost"]
    else:
        earned = contribution(store, frame)
    if margin == "net_margin":
        need(store, frame, "overheads")
        earned = earned - frame["overheads"]
    return share_of_net_sales(frame, earned)


def share_of_net_sales(frame: pd.DataFrame, earned: pd.Series) -> pd.DataFrame:
    """Money by day as a share of net sales, exact but for the refunds still to come.

    Args:
        frame: As `daily_money` gives it.
        earned: Money of the same days, refunds still to come taken off.

    Raises:
        MissingTable: The days have no net sales.
    """
    top, net, to_come = earned.sum(), frame["net_sales"].sum(), frame["refunds_to_come"].sum()
    if not net > 0:
        raise MissingTable("orders", ("paid_at",), "short")
    provisional = bool(frame["is_open"].any())
    half = 1.96 * frame["refund_error"].sum() * abs(1 - top / net) / net
    spread = half if provisional else math.nan
    return one_row(
        top / net, low=top / net - spread, high=top / net + spread, n=frame["orders"].sum(),
        numerator=top, denominator=net, observed=(top + to_come) / (net + to_come),
        provisional=provisional,
    )  # fmt: skip


def contribution(store: Store, frame: pd.DataFrame) -> pd.Series:
    """Contribution after marketing by day, from a frame of `daily_money`."""
    need(store, frame, "refunds", "cost", "fees", "freight", "marketing")
    earned = frame["net_sales"] + frame["shipping_charged"]
    return earned - frame["cost"] - frame["fees"] - frame["freight"] - frame["marketing"]


def order_value(store: Store, period: Period) -> pd.DataFrame:
    """Paid sales per paying buyer in the period, buyers known by name only.

    Returns:
        One row, `frames.COLUMNS`, money; the interval treats buyers as independent; n buyers.
    """
    store.require("orders", "customer_id")
    days = store.mart("purchase_days")
    days = days.filter(days.day >= period.start, days.day <= period.end)
    buyers = days.group_by("shop_id", "customer_id").aggregate(money=days.paid_sales.sum())
    return _mean_money(store, buyers)


def order_value_per_order(store: Store, period: Period) -> pd.DataFrame:
    """Paid sales per paid parent order; n orders."""
    sales = store.mart("orders_valued")
    sales = sales.filter(sales.is_purchase, sales.day >= period.start, sales.day <= period.end)
    return _mean_money(store, sales.select(money=sales.paid_sales))


def _mean_money(store: Store, table: ir.Table) -> pd.DataFrame:
    money = table.money.cast("float64")
    row = store.to_frame(table.aggregate(n=table.count(), mean=money.mean(), sd=money.std())).iloc[
        0
    ]
    if not row["n"]:
        raise MissingTable("orders", ("paid_at",), "short")
    spread = 1.96 * row["sd"] / math.sqrt(row["n"]) if row["n"] > 1 else math.nan
    mean = float(row["mean"])
    return one_row(
        mean, low=mean - spread, high=mean + spread, n=row["n"],
        numerator=mean * row["n"], denominator=row["n"],
    )  # fmt: skip


def traded(store: Store, period: Period) -> pd.DataFrame:
    """`daily_money` up to the store's day; refuses a period that the data do not reach."""
    start, end = max(period.start, store.first_day), min(period.end, store.as_of)
    if period.start < store.first_day or start > end:
        raise MissingTable("orders", ("paid_at",), "short")
    return daily_money(store, Period(start, end))


def profit_bridge(store: Store, period: Period) -> pd.DataFrame:
    """From list value to net profit, as far as the store knows the steps.

    Returns:
        One row per step in order: `step` (`list_value`, `discounts`, `refunds`,
        `refunds_to_come`, `net_sales`, `shipping_charged`, `cost`, `fees`, `freight`, `marketing`,
        `contribution`, `overheads`, `net_profit`), `money` (costs negative), `is_total`,
        `share` (of net sales). It ends before the first step that is unknown.
    """
    import pandas as pd

    frame = traded(store, period)
    need(store, frame, "refunds")
    chain = (
        ("list_value", 1, True), ("discounts", -1, False), ("refunds", -1, False),
        ("refunds_to_come", -1, False), ("net_sales", 0, True), ("shipping_charged", 1, False),
        ("cost", -1, False), ("fees", -1, False), ("freight", -1, False),
        ("marketing", -1, False), ("contribution", 0, True), ("overheads", -1, False),
        ("net_profit", 0, True),
    )  # fmt: skip
    rows, running, known = [], 0.0, 0
    for step, sign, is_total in chain:
        if sign and frame[step].isna().any():
            break
        money = sign * float(frame[step].sum()) if sign else running
        running = running + money if sign else running
        rows.append((step, money, is_total))
        known = len(rows) if is_total else known
    bridge = pd.DataFrame(rows[:known], columns=["step", "money", "is_total"])
    net = bridge.loc[bridge["step"] == "net_sales", "money"].iloc[0]
    return bridge.assign(share=bridge["money"] / net if net else math.nan)


def contribution_after_marketing(store: Store, period: Period) -> pd.DataFrame:
    """What the period's orders leave after goods, fees, freight and marketing.

    Returns:
        One row, `frames.COLUMNS`, money; the interval is that of the refunds still to come, each of
        which is taken to cost its whole money; n orders.

    Raises:
        MissingTable: As `contribution_margin`.
    """
    frame = traded(store, period)
    money, provisional = contribution(store, frame).sum(), bool(frame["is_open"].any())
    spread = 1.96 * frame["refund_error"].sum() if provisional else math.nan
    return one_row(
        money, low=money - spread, high=money + spread, n=frame["orders"].sum(),
        observed=money + frame["refunds_to_come"].sum(), provisional=provisional,
    )  # fmt: skip


def net_sales_months(store: Store, period: Period, *, months: int = 13) -> pd.DataFrame:
    """Net sales of the last complete months, oldest first; see `_months`."""
    return _months(store, period, "net_sales", months)


def net_margin_months(store: Store, period: Period, *, months: int = 13) -> pd.DataFrame:
    """Net margin of the last complete months, oldest first; see `_months`."""
    return _months(store, period, "net_margin", months)


def _months(store: Store, period: Period, name: str, months: int) -> pd.DataFrame:
    """Net sales or a margin by month.

    Returns:
        One row per month inside the data: `month` (its first day), `value`, `low`, `high` (95 %
        where refunds are projected), `provisional` (refunds still coming in).

    Raises:
        MissingTable: No month lies inside the data, or none can be known.
    """
    import pandas as pd

    last = last_complete_month(min(period.end, store.as_of))
    spans = [month for month in last.back(months) if month.start >= store.first_day]
    if not spans:
        raise MissingTable("orders", ("paid_at",), "short")
    money = daily_money(store, Period(spans[0].start, last.end))
    rows = []
    lack = None
    for month in spans:
        days = money[money["day"].between(pd.Timestamp(month.start), pd.Timestamp(month.end))]
        try:
            found = _net_sales(store, days) if name == "net_sales" else _margin(store, days, name)
        except MissingTable as missing:
            lack = missing
            continue
        rows.append(found.assign(month=pd.Timestamp(month.start)))
    if lack and not rows:
        raise lack
    return pd.concat(rows, ignore_index=True)[["month", "value", "low", "high", "provisional"]]


def sales_changes(store: Store, period: Period) -> pd.DataFrame:
    """Where paid sales changed against the previous period and the same period last year.

    The parts of each dimension add up to the whole change, to the cent.

    Returns:
        One row per comparison, dimension and part: `against` (`previous`, `last_year`),
        `dimension` (`customers`, `channel`, `category`, `country`), `part`, `part_zh` (name of a
        category), `before`, `now`, `change` (money), `relative` (change / before). Dimensions that
        the store does not know, or of which one part holds 95 %, are left out; parts below 1 % of
        sales are joined as `other`. Largest change first.
    """
    import pandas as pd

    frames = []
    for against, earlier in (
        ("previous", period.previous()), ("last_year", period.last_year()),
    ):  # fmt: skip
        if earlier.start < store.first_day:
            continue
        for dimension in ("customers", "channel", "category", "country"):
            now, before = (_sales_by(store, span, dimension) for span in (period, earlier))
            if now is not None and before is not None and _is_split(now):
                frames.append(_change(now, before).assign(against=against, dimension=dimension))
    if not frames:
        raise MissingTable("orders", ("paid_at",), "short")
    names = ["against", "dimension", "part", "part_zh", "before", "now", "change", "relative"]
    frame = pd.concat(frames, ignore_index=True)
    return frame.assign(part_zh=_chinese_categories(store, frame))[names]


def _is_split(money: pd.Series) -> bool:
    """Whether a dimension splits the sales at all: no part holds 95 % of them."""
    return bool(money.max() < LARGEST_PART * money.sum())


def _chinese_categories(store: Store, frame: pd.DataFrame) -> pd.Series:
    """The Chinese names of the parts that are categories; empty for the others."""
    import pandas as pd

    if "category" not in set(frame["dimension"]):
        return pd.Series(index=frame.index, dtype=object)
    names = store.table("products").select("category", "category_zh").distinct()
    by_category = store.to_frame(names.order_by("category", "category_zh"))
    chinese = by_category.drop_duplicates("category").set_index("category")["category_zh"]
    return frame["part"].map(chinese).where(frame["dimension"] == "category")


def _sales_by(store: Store, period: Period, dimension: str) -> pd.Series | None:
    """Paid sales of the period by one dimension; None where the store does not know it."""
    import ibis

    sales = store.mart("orders_valued")
    if dimension == "category":
        if not store.has("products") or "category" in store.quality["empty_columns"]["products"]:
            return None
        products = store.table("products").select("shop_id", "product_id", "category")
        sales = store.mart("product_days")
        sales = sales.left_join(products, ["shop_id", "product_id"])
        part = sales.category.fill_null("unknown")
    elif dimension == "customers":
        first = store.mart("customer_summary").select("shop_id", "customer_id", "first_day")
        sales = sales.left_join(first, ["shop_id", "customer_id"])
        part = ibis.cases(
            (sales.customer_id.isnull(), "unknown"), (sales.first_day == sales.day, "new"),
            else_="returning",
        )  # fmt: skip
    else:
        if dimension in store.quality["empty_columns"].get("orders", ()):
            return None
        part = sales[dimension].fill_null("unknown")
    sales = sales.filter(sales.day >= period.start, sales.day <= period.end)
    grouped = sales.group_by(part=part).aggregate(money=sales.paid_sales.sum()).order_by("part")
    return store.to_frame(grouped).set_index("part")["money"]


def _change(now: pd.Series, before: pd.Series) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame({"before": before, "now": now}).fillna(0.0)
    total = max(frame["now"].sum(), frame["before"].sum())
    small = frame[["before", "now"]].max(axis=1) < 0.01 * total
    if small.sum() > 1:
        other = frame[small].sum().to_frame("other").T
        frame = pd.concat([frame[~small], other])
    frame["change"] = frame["now"] - frame["before"]
    frame["relative"] = [
        divide(c, b) for c, b in zip(frame["change"], frame["before"], strict=True)
    ]
    frame.index.name = "part"
    order = frame["change"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index()


def reconciliation(store: Store, period: Period) -> pd.DataFrame:
    """From the export's raw total to net sales of all its history, as ingest classed the rows.

    Returns:
        One row per step: `step`, `rows`, `money`. All of the export, whatever the period.

    Raises:
        MissingTable: The source has nothing to reconcile: its tables came ready.
    """
    import pandas as pd

    steps = store.quality["bridge"]
    if not steps:
        raise MissingTable("orders", (), "absent")
    frame = pd.DataFrame(steps).rename(columns={"key": "step"})
    return frame.assign(money=frame["money"].astype(float))[["step", "rows", "money"]]
