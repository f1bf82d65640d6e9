"""Product lines and categories: sales, margin, discounts, and what changed.

All from mart `product_days`; see `assortment` for what sales and margin mean here.
Source: plan 3.1.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from helpers.measures import assortment
from helpers.models.estimate import Estimate
from helpers.models.intervals import difference, ratio_of_sums
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

GROUPS = ("line", "category")


def groups(store: Store, period: Period, *, by: str = "") -> pd.DataFrame:
    """Sales and margin by line, or by category, against the period before and last year.

    The change of margin on last year falls into two parts that add up to it: `rate_effect`, from
    earning more or less on each unit of money, and `sales_effect`, from selling more or less.

    Args:
        store: Uses marts `product_days`, table `products`.
        period: What is compared; an unfinished one with as many first days of the others.
        by: `line` or `category`; the first of them that the store knows when empty.

    Returns:
        One row per group, largest first; products without one are `other`: `by`, `group_name`,
        `group_name_zh`, `products` (sold), `net_sales`, `share` (0 to 1), `change`,
        `change_last_year` (relative), `margin` (money; empty where a cost is unknown),
        `margin_share`, `margin_rate`, `margin_rate_previous`, `margin_rate_last_year`,
        `rate_effect`, `sales_effect` (money), `discount_depth` (0 to 1; empty where the source
        knows no discount).

    Raises:
        MissingTable: Neither lines nor categories are known.
        ValueError: `by` is none of the two.
    """
    chosen = _grouping(store, by)
    spans = assortment.compared(store, period)
    table = _by_group(store, spans, chosen)
    frame = store.to_frame(table.order_by(table.net_sales_now.desc(), "group_name"))
    return _grouped(frame, chosen)


def _grouping(store: Store, by: str) -> str:
    if by and by not in GROUPS:
        raise ValueError(f"by == {by!r}, must be one of {GROUPS}.")
    for name in (by,) if by else GROUPS:
        if store.has("products") and name not in store.quality["empty_columns"]["products"]:
            return name
    store.require("products")
    raise MissingTable("products", (by,) if by else GROUPS, "empty")


def _with_group(store: Store, days: ir.Table, by: str) -> ir.Table:
    days = assortment.described(store, days)
    chinese = days.category_zh if by == "category" else days.line
    return days.mutate(
        group_name=days[by].fill_null("other"),
        group_name_zh=chinese.coalesce(days[by]).fill_null("other"),
    )


def _by_group(store: Store, spans: dict[str, Period | None], by: str) -> ir.Table:
    known = [span for span in spans.values() if span]
    first, last = min(s.start for s in known), max(s.end for s in known)
    days = _with_group(store, assortment.product_days(store, first, last), by)
    table = assortment.in_spans(store, spans, "group_name", table=days)
    now = spans["now"]
    assert now is not None
    today = days.filter(days.day >= now.start, days.lines > 0)
    sold = today.group_by("group_name").aggregate(
        products=(today.shop_id + "/" + today.product_id).nunique()
    )
    names = days.group_by("group_name").aggregate(group_name_zh=days.group_name_zh.max())
    table = table.left_join(sold, "group_name").drop("group_name_right")
    return table.left_join(names, "group_name").drop("group_name_right")


def _grouped(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    import pandas as pd

    now, before, year = (frame[f"net_sales_{name}"] for name in ("now", "previous", "last_year"))
    rate = {
        name: frame[f"margin_{name}"] / frame[f"net_sales_{name}"].where(lambda sales: sales > 0)
        for name in ("now", "previous", "last_year")
    }
    depth = frame["discounts_now"] / frame["list_value_now"].where(lambda value: value > 0)
    return pd.DataFrame(
        {
            "by": by,
            "group_name": frame["group_name"],
            "group_name_zh": frame["group_name_zh"],
            "products": frame["products"].fillna(0).astype("int64"),
            "net_sales": now,
            "share": now / now.sum(),
            "change": now / before.where(before > 0) - 1,
            "change_last_year": now / year.where(year > 0) - 1,
            "margin": frame["margin_now"],
            "margin_share": frame["margin_now"] / frame["margin_now"].sum(),
            "margin_rate": rate["now"],
            "margin_rate_previous": rate["previous"],
            "margin_rate_last_year": rate["last_year"],
            "rate_effect": (rate["now"] - rate["last_year"]) * now,
            "sales_effect": (now - year) * rate["last_year"],
            "discount_depth": depth if frame["discounts_now"].sum() > 0 else math.nan,
        }
    )


def margin_rates(store: Store, period: Period, *, by: str = "") -> pd.DataFrame:
    """Margin rate by line or category with its interval, and what its change on last year costs.

    Intervals come from how the days of each period vary. `is_clear` where the interval of the
    change leaves out zero.

    Args:
        store: Uses mart `product_days`, table `products`.
        period: Compared with the same period last year.
        by: `line` or `category`; the first of them that the store knows when empty.

    Returns:
        One row per group with sales and costs, highest rate first: `group_name`, `group_name_zh`,
        `net_sales` (money), `rate`, `low`, `high` (of net sales), `change`, `change_low`,
        `change_high` (differences of rates; NaN without last year), `worth` (money: change x net
        sales of now), `is_clear`.

    Raises:
        MissingTable: No unit costs, or neither lines nor categories are known.
    """
    import pandas as pd

    chosen = _grouping(store, by)
    store.require("price_history", "unit_cost")
    spans = assortment.compared(store, period)
    days = {name: _daily_margin(store, spans[name], chosen) for name in ("now", "last_year")}
    rows = []
    for (name, name_zh), own in days["now"].groupby(["group_name", "group_name_zh"], sort=True):
        if own["margin"].isna().any() or not own["net_sales"].sum() > 0:
            continue
        before = days["last_year"][days["last_year"]["group_name"] == name]
        rows.append((name, name_zh, *_rate_and_change(own, before)))
    columns = ["group_name", "group_name_zh", "net_sales", "rate", "low", "high", "change",
               "change_low", "change_high"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    frame["worth"] = frame["change"] * frame["net_sales"]
    frame["is_clear"] = (frame["change_low"] > 0) | (frame["change_high"] < 0)
    return frame.sort_values(["rate", "group_name"], ascending=[False, True], ignore_index=True)


def _daily_margin(store: Store, span: Period | None, by: str) -> pd.DataFrame:
    """Net sales and margin by group and day; empty for a span that is unknown."""
    import pandas as pd

    columns = ["group_name", "group_name_zh", "day", "net_sales", "margin"]
    if span is None:
        return pd.DataFrame(columns=columns)
    days = _with_group(store, assortment.product_days(store, span.start, span.end), by)
    table = assortment.sums(days, "group_name", "group_name_zh", "day")
    return store.to_frame(table.select(*columns).order_by("group_name", "day"))


def _rate_and_change(own: pd.DataFrame, before: pd.DataFrame) -> tuple[float, ...]:
    now = _rate(own)
    net_sales = float(own["net_sales"].sum())
    known = len(before) and before["margin"].notna().all() and before["net_sales"].sum() > 0
    if not known:
        return (net_sales, now.value, now.low, now.high, math.nan, math.nan, math.nan)
    apart = difference(now, _rate(before))
    return (net_sales, now.value, now.low, now.high, apart.value, apart.low, apart.high)


def _rate(days: pd.DataFrame) -> Estimate:
    """Margin over net sales; a day of more refunds than sales is taken with the day before."""
    sales, margin = days["net_sales"].to_numpy(), days["margin"].to_numpy()
    whole = np.cumsum(sales > 0).clip(min=1)
    sales, margin = (np.bincount(whole, weights=part)[1:] for part in (sales, margin))
    positive = sales > 0
    return ratio_of_sums(margin[positive], sales[positive])


def price_realisation(store: Store, period: Period, *, months: int = 13) -> pd.DataFrame:
    """Discounts borne by the shop, as a share of the list value of what was sold, by month.

    Returns:
        One row per month known, oldest first: `month` (first day), `discounts`, `list_value`
        (money), `discount_depth` (0 to 1), `point_worth` (money: one percentage point of it),
        `last_year` (depth a year before, NaN if unknown).

    Raises:
        MissingTable: The source knows no discount.
    """
    import pandas as pd

    last = period.months()[-1]
    first = last.back(months + 12)[0]
    days = assortment.product_days(store, first.start, min(period.end, last.end))
    table = days.group_by(month=days.day.truncate("M")).aggregate(
        discounts=days.discounts.sum().cast("decimal(18,2)"),
        receivable=days.receivable.sum().cast("decimal(18,2)"),
    )
    frame = store.to_frame(table.order_by("month"))
    if not frame["discounts"].sum() > 0:
        raise MissingTable("order_lines", ("merchant_discount", "shop_coupon"), "empty")
    frame["list_value"] = frame.pop("receivable") + frame["discounts"]
    frame["discount_depth"] = frame["discounts"] / frame["list_value"].where(frame.list_value > 0)
    frame["point_worth"] = 0.01 * frame["list_value"]
    depth = frame.set_index("month")["discount_depth"]
    earlier = frame["month"] - pd.DateOffset(years=1)
    frame["last_year"] = depth.reindex(earlier).to_numpy()
    shown = pd.Timestamp(last.back(months)[0].start - timedelta(days=1))
    return frame[frame["month"] > shown].reset_index(drop=True)
