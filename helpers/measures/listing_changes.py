"""What a new title or page did to a product's clicks from organic search.

Clicks of the changed product before and after, against products that stayed as they were in the
same weeks: difference in differences. Products that share a search term with the changed one are no
comparison, for its gain may be their loss. Terms that name the brand are left out: no title moves
them. Source: plan 2.2.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.measures.assortment import PRODUCT, described
from helpers.measures.channel_days import within
from helpers.measures.product_changes import FALSE_DISCOVERY_RATE, stands_out
from helpers.measures.search_terms import of_span, require_terms
from helpers.measures.search_worth import MONTH_DAYS, click_worth
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.models.difference_in_differences import Change
    from helpers.store.open import Store

YEAR_DAYS = 365
BEFORE_DAYS = 56
AFTER_DAYS = 56
FEWEST_AFTER_DAYS = 28
FEWEST_CLICKS = 20
LARGEST_PRODUCTS = 500
KEY = "::"
PARTS = ("title", "title_zh", "page_version")
OUTCOMES = ("clicks", "buyers")
UNTESTED = ("too_early", "overlap", "few")


@dataclass(frozen=True)
class _Counts:
    """Counts by product (rows) and day of the source (columns), and the terms of each product."""

    clicks: pd.DataFrame
    buyers: pd.DataFrame
    terms: dict[str, frozenset[str]]
    step: int

    def window(self, outcome: str, first: date, last: date) -> pd.DataFrame:
        """The source's days that lie in a span whole."""
        import pandas as pd

        table = getattr(self, outcome)
        end = pd.Timestamp(last) - pd.Timedelta(days=self.step - 1)
        return table.loc[:, (table.columns >= pd.Timestamp(first)) & (table.columns <= end)]


def listing_changes(store: Store, period: Period) -> pd.DataFrame:
    """Each change of a title or page in the 365 days to the period's end, and what it did.

    56 days before against 28 to 56 days after, up to the product's next change and the period's
    end. A change is judged only where the product had at least 20 clicks before, no other change in
    those 56 days, and at least 5 unchanged products stand beside it.

    Args:
        store: Uses `listings` and `search_terms` with its products.
        period: Its end is the last day used.

    Returns:
        One row per change, latest first: `product_id`, `name`, `name_zh`, `day`, `changed`
        (`title`, `page`, `both`), `added`, `added_zh` (words that came into the title), `effect`,
        `low`, `high` (clicks, relative to what they would have been; 95 %), `buyers_effect`,
        `buyers_low`, `buyers_high` (the same for buyers; empty below 20), `clicks_month`,
        `clicks_low`, `clicks_high` (clicks more a month), `worth`, `worth_low`, `worth_high` (their
        money a month), `basis` (`contribution` or `paid_sales`), `controls` (unchanged products),
        `as_large` (of them, those that moved as far by themselves), `days_after`, `outcome`
        (`better`, `worse`, `not_enough`; `trend_before`: it moved against the others before the
        change already; `too_early`, `overlap`, `few`). Better and worse at a false discovery rate
        of 5 %.

    Raises:
        MissingTable: Titles and pages, search terms or their products are unknown; or the terms
            begin too late for any change.

    Source: plan 2.2; see `models.difference_in_differences`.
    """
    return store.once(f"listing_changes {period}", lambda: _listing_changes(store, period)).copy()


def _listing_changes(store: Store, period: Period) -> pd.DataFrame:
    import pandas as pd

    changes = _changes(store, period)
    counts = _counts(store, period)
    rows = [_judged(one, changes, counts, within(store, period).end) for one in
            changes[changes["in_year"]].to_dict("records")]  # fmt: skip
    names = ["product_id", "name", "name_zh", "day", "changed", "added", "added_zh", "effect",
             "low", "high", "buyers_effect", "buyers_low", "buyers_high", "clicks_month",
             "clicks_low", "clicks_high", "worth", "worth_low", "worth_high", "basis", "controls",
             "as_large", "days_after", "outcome"]  # fmt: skip
    frame = pd.DataFrame(rows)
    if frame.empty:
        return pd.DataFrame(columns=names)
    tested = frame["outcome"] == "tested"
    clear = stands_out(frame.loc[tested, "p_value"].to_numpy(), FALSE_DISCOVERY_RATE)
    found = np.where(frame.loc[tested, "effect"] > 0, "better", "worse")
    frame.loc[tested, "outcome"] = np.where(clear, found, "not_enough")
    money = click_worth(store, period)
    for name in ("worth", "worth_low", "worth_high"):
        clicks = frame[name.replace("worth", "clicks") if "_" in name else "clicks_month"]
        frame[name] = clicks * money.per_click
    frame["basis"] = money.basis
    return frame.reindex(columns=names)


def _changes(store: Store, period: Period) -> pd.DataFrame:
    """All changes up to the period's end with `in_year`, latest first."""
    import ibis

    store.require("listings")
    store.require("listings", "product_id", "valid_from")
    empty = store.quality["empty_columns"].get("listings", ())
    parts = [name for name in PARTS if name not in empty]
    if not parts:
        raise MissingTable("listings", ("title", "page_version"), "empty")
    rows = store.table("listings")
    end = within(store, period).end
    rows = rows.filter(rows.valid_from <= end)
    found = ibis.union(*(_of_part(rows, name) for name in parts)) if len(parts) > 1 else _of_part(
        rows, parts[0]
    )  # fmt: skip
    texts = {f"{end}_{name}": ibis.cases((found.part == name, found[end])).max()
             for name in ("title", "title_zh") for end in ("new", "old")}  # fmt: skip
    grouped = found.group_by(*PRODUCT, "day").aggregate(
        has_title=found.part.startswith("title").any(),
        has_page=(found.part == "page_version").any(),
        **texts,
    )
    first = period.trailing(YEAR_DAYS).start
    grouped = grouped.mutate(in_year=grouped.day >= first)
    named = described(store, grouped)
    return store.to_frame(named.order_by(ibis.desc("day"), *PRODUCT))


def _of_part(rows: ir.Table, name: str) -> ir.Table:
    """Days on which one part of a page changed, with its old and new text."""
    import ibis

    known = rows.filter(rows[name].notnull())
    order = ibis.window(group_by=list(PRODUCT), order_by="valid_from")
    known = known.mutate(old=known[name].lag().over(order), new=known[name])
    known = known.filter(known.old.notnull(), known.old != known.new)
    return known.select(*PRODUCT, "old", "new", day=known.valid_from, part=ibis.literal(name))


def _counts(store: Store, period: Period) -> _Counts:
    import ibis
    import pandas as pd

    require_terms(store, period, "product_id")
    end = within(store, period).end
    first = end - timedelta(days=YEAR_DAYS + BEFORE_DAYS)
    rows = of_span(store, Period(first, end))
    rows = rows.filter(rows.product_id != "", rows.intent != "brand")
    key = rows.shop_id + KEY + rows.product_id
    rows = rows.mutate(key=key)
    size = rows.group_by("key").aggregate(n=rows.clicks.sum())
    largest = size.order_by(ibis.desc("n"), "key").limit(LARGEST_PRODUCTS).select("key")
    rows = rows.semi_join(largest, "key")
    days = rows.group_by("key", "day").aggregate(
        **{name: rows[name].sum().cast("float64") for name in OUTCOMES}
    )
    frame = store.to_frame(days.order_by("key", "day"))
    if frame.empty:
        raise MissingTable("search_terms", ("product_id",), "empty")
    wide = {name: frame.pivot(index="key", columns="day", values=name) for name in OUTCOMES}
    pairs = rows.filter(rows.clicks > 0).select("key", "term").distinct().order_by("key", "term")
    terms = store.to_frame(pairs).groupby("key")["term"].agg(frozenset).to_dict()
    gaps = pd.Series(wide["clicks"].columns).diff().dt.days
    step = int(gaps.median()) if len(gaps) > 1 else 1
    return _Counts(wide["clicks"].fillna(0.0), wide["buyers"].fillna(0.0), terms, step)


def _judged(one: dict[str, Any], changes: pd.DataFrame, counts: _Counts, end: date) -> dict:
    day = one["day"].date()
    key = one["shop_id"] + KEY + one["product_id"]
    row = {
        **{name: one[name] for name in ("product_id", "name", "name_zh", "day")},
        "changed": "both" if one["has_title"] and one["has_page"] else
                "title" if one["has_title"] else "page",
        "added": _added(one["old_title"], one["new_title"], words=True),
        "added_zh": _added(one["old_title_zh"], one["new_title_zh"], words=False),
    }  # fmt: skip
    own = changes[(changes["shop_id"] == one["shop_id"])
                  & (changes["product_id"] == one["product_id"])]["day"].dt.date  # fmt: skip
    begins = day - timedelta(days=BEFORE_DAYS)
    later = [other for other in own if other > day]
    last = min([day + timedelta(days=AFTER_DAYS - 1), end,
                *(other - timedelta(days=1) for other in later)])  # fmt: skip
    row["days_after"] = days_after = (last - day).days + 1
    if days_after < FEWEST_AFTER_DAYS:
        return {**row, "outcome": "overlap" if later and last < end else "too_early"}
    if any(begins <= other < day for other in own):
        return {**row, "outcome": "overlap"}
    return {**row, **_effect(key, (begins, day, last), changes, counts)}


def _effect(
    key: str, days: tuple[date, date, date], changes: pd.DataFrame, counts: _Counts
) -> dict[str, Any]:
    """Clicks and buyers of a product after a change against the products beside it."""
    begins, day, last = days
    before = counts.window("clicks", begins, day - timedelta(days=1))
    if key not in before.index or before.loc[key].sum() < FEWEST_CLICKS or not _covered(
        before, begins, counts.step
    ):  # fmt: skip
        return {"outcome": "few"}
    beside = _beside(key, before, days, changes, counts)
    change = _change(key, beside, before, counts.window("clicks", day, last))
    if change is None:
        return {"outcome": "few"}
    half = day - timedelta(days=BEFORE_DAYS // 2)
    placebo = _change(key, beside, counts.window("clicks", begins, half - timedelta(days=1)),
                      counts.window("clicks", half, day - timedelta(days=1)))  # fmt: skip
    after = counts.window("clicks", day, last)
    a_month = after.loc[key].sum() / (after.shape[1] * counts.step) * MONTH_DAYS
    gained = [a_month * -math.expm1(-x) for x in (change.value, change.low, change.high)]
    trending = placebo is not None and placebo.p_value < 0.05
    return {
        **_relative(change, "effect", ""), **_buyers(key, beside, days, counts),
        **dict(zip(("clicks_month", "clicks_low", "clicks_high"), gained, strict=True)),
        "controls": change.controls, "as_large": change.as_large, "p_value": change.p_value,
        "outcome": "trend_before" if trending else "tested",
    }  # fmt: skip


def _covered(before: pd.DataFrame, begins: date, step: int) -> bool:
    return len(before.columns) > 0 and (before.columns[0].date() - begins).days < max(step, 1)


def _beside(
    key: str, before: pd.DataFrame, days: tuple[date, date, date], changes: pd.DataFrame,
    counts: _Counts,
) -> list[str]:  # fmt: skip
    """Products of some clicks that stayed as they were and share no term with the changed one."""
    begins, _, last = days
    moved = changes[changes["day"].dt.date.between(begins, last)]
    changed = set(moved["shop_id"] + KEY + moved["product_id"])
    own = counts.terms.get(key, frozenset())
    size = before.sum(axis=1)
    return [
        other for other in before.index[size >= FEWEST_CLICKS]
        if other != key and other not in changed and not own & counts.terms.get(other, frozenset())
    ]  # fmt: skip


def _change(
    key: str, beside: list[str], before: pd.DataFrame, after: pd.DataFrame
) -> Change | None:
    from helpers.models.difference_in_differences import (
        FEWEST_CONTROLS,
        change_of_counts,
        dispersion_of,
    )

    if len(beside) < FEWEST_CONTROLS or not before.shape[1] or not after.shape[1]:
        return None
    weeks = np.arange(before.shape[1]) * 8 // before.shape[1]
    by_week = before.loc[[key, *beside]].T.groupby(weeks).sum().T
    return change_of_counts(
        (before.loc[key].sum(), before.shape[1]), (after.loc[key].sum(), after.shape[1]),
        before.loc[beside].sum(axis=1), after.loc[beside].sum(axis=1),
        dispersion=dispersion_of(by_week),
    )  # fmt: skip


def _buyers(
    key: str, beside: list[str], days: tuple[date, date, date], counts: _Counts
) -> dict[str, float]:
    begins, day, last = days
    before = counts.window("buyers", begins, day - timedelta(days=1))
    enough = before.sum(axis=1) >= FEWEST_CLICKS
    beside = [other for other in beside if enough[other]]
    change = None
    if enough[key]:
        change = _change(key, beside, before, counts.window("buyers", day, last))
    return _relative(change, "buyers_effect", "buyers_")


def _relative(change: Change | None, name: str, prefix: str) -> dict[str, float]:
    names = (name, f"{prefix}low", f"{prefix}high")
    if change is None:
        return dict.fromkeys(names, math.nan)
    ends = (change.value, change.low, change.high)
    return {key: math.expm1(end) for key, end in zip(names, ends, strict=True)}


def _added(old: object, new: object, *, words: bool) -> str | None:
    """What came into a title: whole words, or in Chinese runs of two signs and more."""
    if not isinstance(old, str) or not isinstance(new, str):
        return None
    if words:
        before, after = (re.findall(r"[\w'’&-]+", text) for text in (old, new))
        known = {word.casefold() for word in before}
        return " ".join(word for word in after if word.casefold() not in known) or None
    from difflib import SequenceMatcher

    found = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    runs = [new[j:k].strip() for tag, _, _, j, k in found if tag in ("insert", "replace")]
    return "、".join(run for run in runs if len(run) > 1) or None
