"""Refunds by product and category: how many lines come back, how many for quality, what it costs.

By payment date: lines paid in the window and their refunds so far. The window ends 30 days before
the period does, so that nearly all of its refunds have come in.
Source: plan 3.1, 3.3; refund share and quality refunds of `definitions`.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binom

from helpers.measures import assortment
from helpers.measures.assortment import PRODUCT
from helpers.measures.product_changes import stands_out
from helpers.models.intervals import wilson
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

MATURE_DAYS = 30
WINDOW_DAYS = 182
FEWEST_LINES = 50
FALSE_DISCOVERY_RATE = 0.05
BY = ("product", "category", "line")


def window_of(store: Store, period: Period) -> Period:
    """The days whose refunds have nearly all come in.

    Raises:
        MissingTable: The store's history begins inside them.
    """
    end = period.end - timedelta(days=MATURE_DAYS)
    window = Period(end - timedelta(days=WINDOW_DAYS - 1), end)
    if store.first_day > window.start:
        raise MissingTable("orders", ("paid_at",), "short")
    return window


def refund_shares(
    store: Store, period: Period, *, by: str = "product", limit: int = 300
) -> pd.DataFrame:
    """Lines refunded and money refunded, against what is usual.

    Usual is the share of the product's category, and of the shop for categories, lines and
    products of a shop without categories. `standing` tests the share of lines against it, among
    all groups at once; groups below 50 lines are left out. `excess` is the money refunded beyond
    the usual share of this group's sales.

    Args:
        store: Uses marts `product_days`, `refunds`.
        period: Its end less 30 days closes the window of 182 days.
        by: `product`, `category` or `line`.
        limit: Longest list.

    Returns:
        At most `limit` rows, most excess money first: `shop_id`, `product_id` (for products),
        `name`, `name_zh`, `lines`, `refunded_lines`, `share`, `low`, `high` (of lines, 0 to 1,
        Wilson), `quality_share`, `quality_low`, `quality_high` (NaN where reasons are unknown),
        `receivable`, `refunds` (money), `money_share` (0 to 1), `excess` (money), `usual_share`
        (of lines), `usual_money_share`, `standing` (high | low | not_enough_evidence),
        `quality_standing` (high | not_enough_evidence).

    Raises:
        MissingTable: No refunds, or the history is too short.
        ValueError: `by` is none of the three.
    """
    if by not in BY:
        raise ValueError(f"by == {by!r}, must be one of {BY}.")
    store.require("returns")
    if by != "product":
        store.require("products", by)
    window = window_of(store, period)
    frame = store.to_frame(_counted(store, window, by))
    knows_reasons = "is_quality" not in store.quality["empty_columns"]["returns"]
    return _shares(frame, knows_reasons=knows_reasons).head(limit)


def _counted(store: Store, window: Period, by: str) -> ir.Table:
    """Lines, refund cases and money by group; a line counts as refunded once."""
    days = assortment.product_days(store, window.start, window.end)
    sold = assortment.sums(days, *PRODUCT)
    cases = store.mart("refunds")
    cases = cases.filter(
        cases.attributed_on >= window.start,
        cases.attributed_on <= window.end,
        cases.product_id.notnull(),
    )
    back = cases.group_by(*PRODUCT).aggregate(
        cases=cases.count(), quality_cases=cases.is_quality.fill_null(False).sum()
    )
    table = sold.left_join(back, PRODUCT).drop("shop_id_right", "product_id_right")
    table = assortment.described(store, table.filter(table.lines > 0))
    columns = {"lines": table.lines, "cases": table.cases.fill_null(0),
               "quality_cases": table.quality_cases.fill_null(0), "receivable": table.receivable,
               "refunds": table.refunds}  # fmt: skip
    if by == "product":
        found = _with_usual(table.select(*PRODUCT, "name", "name_zh", "category", **columns),
                            "category")  # fmt: skip
        return found.filter(found.lines >= FEWEST_LINES).order_by(*PRODUCT)
    chinese = table.category_zh if by == "category" else table[by]
    table = table.select(
        name=table[by].fill_null("other"), name_zh=chinese.coalesce(table[by]).fill_null("other"),
        **columns,
    )  # fmt: skip
    found = table.group_by("name").aggregate(
        name_zh=table.name_zh.max(), **{name: table[name].sum() for name in columns}
    )
    found = _with_usual(found)
    return found.filter(found.lines >= FEWEST_LINES).order_by("name")


def _with_usual(table: ir.Table, *within: str) -> ir.Table:
    """The sums of all groups beside each group's own, or of those that share its category."""
    import ibis

    whole = ibis.window(group_by=[table[name] for name in within] or None)
    return table.mutate(
        **{f"usual_{c}": table[c].sum().over(whole)
           for c in ("lines", "cases", "quality_cases", "receivable", "refunds")}
    )  # fmt: skip


def _shares(frame: pd.DataFrame, *, knows_reasons: bool) -> pd.DataFrame:
    lines = frame["lines"]
    cases = frame["cases"].clip(upper=lines)
    quality = frame["quality_cases"].clip(upper=lines)
    low, high = wilson(cases, lines)
    quality_low, quality_high = wilson(quality, lines)
    unknown = 1.0 if knows_reasons else math.nan
    usual = (frame["usual_cases"] / frame["usual_lines"]).clip(upper=1)
    usual_money = frame["usual_refunds"] / frame["usual_receivable"]
    keys = [name for name in PRODUCT if name in frame]
    found = frame[[*keys, "name", "name_zh", "lines"]].assign(
        refunded_lines=cases,
        share=cases / lines,
        low=low,
        high=high,
        quality_share=quality / lines * unknown,
        quality_low=quality_low * unknown,
        quality_high=quality_high * unknown,
        receivable=frame["receivable"].astype(float),
        refunds=frame["refunds"].astype(float),
        money_share=frame["refunds"] / frame["receivable"].where(frame["receivable"] > 0),
        excess=frame["refunds"] - usual_money * frame["receivable"],
        usual_share=usual,
        usual_money_share=usual_money,
        standing=_standing(cases, lines, usual),
        quality_standing=np.where(
            _above(quality, lines, frame["usual_quality_cases"] / frame["usual_lines"])
            & knows_reasons, "high", "not_enough_evidence"),
    )  # fmt: skip
    order = found["excess"].sort_values(ascending=False, kind="stable").index
    return found.loc[order].reset_index(drop=True)


def _above(cases: pd.Series, lines: pd.Series, usual: pd.Series) -> np.ndarray:
    """Groups whose share is above the usual beyond chance: exact binomial, all groups at once."""
    return stands_out(binom.sf(cases - 1, lines, usual.clip(0, 1)), FALSE_DISCOVERY_RATE / 2)


def _standing(cases: pd.Series, lines: pd.Series, usual: pd.Series) -> np.ndarray:
    below = stands_out(binom.cdf(cases, lines, usual.clip(0, 1)), FALSE_DISCOVERY_RATE / 2)
    above = _above(cases, lines, usual)
    return np.where(above, "high", np.where(below, "low", "not_enough_evidence"))
