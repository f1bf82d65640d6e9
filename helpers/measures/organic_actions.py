"""What to do about search: titles, ranks and reviews, and the terms to bid on or to leave.

Each with its money a month and what it rests on. Source: plan 2.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helpers.measures.listing_changes import listing_changes
from helpers.measures.listing_signals import review_signals, title_gaps
from helpers.measures.paid_terms import next_keywords, paid_terms
from helpers.measures.search_changes import search_movers
from helpers.measures.search_worth import click_worth, months_of
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

NAMES = ["action", "term", "term_zh", "name", "name_zh", "channel", "changed", "added", "added_zh",
         "effect", "low", "high", "position", "position_before", "clicks", "rating", "shop_rating",
         "spend", "cpc", "terms", "worth", "worth_low", "worth_high", "basis"]  # fmt: skip
ORDER = ("roll_back", "regain", "add", "copy", "keep", "mend_reviews", "slow_reviews", "try")
MOST_ALIKE = 3
KEYWORDS = ("exclude", "lower", "lower_order", "bid", "test_brand", "test_pause")


def organic_actions(store: Store, period: Period) -> pd.DataFrame:
    """What to do about free search, the surest first, then the most money.

    Of terms for titles the three with the most clicks.

    Returns:
        `action` (`roll_back`: a changed title or page that lost clicks; `regain`: a term that
        clearly lost clicks through its rank; `add`, `try`: a term for a title, with and without
        evidence that it brings clicks; `keep`, `copy`: a change that gained clicks, `copy` where it
        brought words into the title; `mend_reviews`, `slow_reviews`: a product rated below the
        shop, and one whose ratings fall), what the row is about (`term`, `name`, `added` and their
        Chinese), `effect`, `low`, `high` (of a change), `position`, `position_before`, `clicks` (a
        month: gained, lost or at stake), `rating`, `shop_rating`, `worth`, `worth_low`,
        `worth_high` (money a month; at stake for reviews), `basis`. No row where nothing is to do.

    Raises:
        MissingTable: None of its parts is known.

    Source: plan 2.2.
    """
    return _joined(store, period, (_changes, _regain, _titles, _reviews), ORDER)


def keyword_actions(store: Store, period: Period) -> pd.DataFrame:
    """What to do about the terms that are paid for, and which to bid on next.

    Of each kind the three with the most money.

    Returns:
        As `organic_actions`, with `action` `exclude` (hardly any buyers), `lower` (returns too
        little, the year after counted; `lower_order`: where only the order can be), `bid` (next
        keyword), `test_pause` (the shop stands first there for nothing: `worth_low` to `worth_high`
        is what stopping costs or saves), `test_brand` (the same for all `terms` that name the brand
        together), `channel`, `spend` (a month) and `cpc`.

    Raises:
        MissingTable: None of its parts is known.

    Source: plan 2.2.
    """
    return _joined(store, period, (_paid, _next), KEYWORDS)


def _joined(
    store: Store,
    period: Period,
    parts: tuple[Callable[[Store, Period], list[dict[str, Any]]], ...],
    order: tuple[str, ...],
) -> pd.DataFrame:
    import pandas as pd

    rows, lacks = [], []
    for part in parts:
        try:
            rows += part(store, period)
        except MissingTable as missing:
            lacks.append(missing)
    if len(lacks) == len(parts):
        raise lacks[0]
    frame = pd.DataFrame(rows).reindex(columns=NAMES)
    frame["clicks"] = frame["clicks"].astype("float64").round()
    frame["basis"] = frame["basis"].astype("object").fillna("contribution")
    frame["place"] = frame["action"].map({name: i for i, name in enumerate(order)})
    frame["size"] = frame["worth"].fillna(frame["spend"]).abs()
    frame = frame.sort_values(
        ["place", "size", "term", "name"], ascending=[True, False, True, True], ignore_index=True
    )
    return frame.drop(columns=["place", "size"])


def _changes(store: Store, period: Period) -> list[dict[str, Any]]:
    found = []
    for row in listing_changes(store, period).to_dict("records"):
        if row["outcome"] not in ("better", "worse"):
            continue
        added, added_zh = (one if isinstance(one, str) else None
                           for one in (row["added"], row["added_zh"]))  # fmt: skip
        row |= {"added": added or added_zh, "added_zh": added_zh or added}
        action = "roll_back" if row["outcome"] == "worse" else "copy" if row["added"] else "keep"
        row |= {"action": action, "clicks": abs(row["clicks_month"])}
        if action == "roll_back":
            row |= {"worth": -row["worth"], "worth_low": -row["worth_high"],
                    "worth_high": -row["worth_low"]}  # fmt: skip
        found.append(row)
    return found


def _regain(store: Store, period: Period) -> list[dict[str, Any]]:
    movers = search_movers(store, period)
    lost = movers[(movers["state"] == "down") & movers["is_clear"]
                  & (movers["main_effect"] == "rank")]  # fmt: skip
    money, months = click_worth(store, period), months_of(period, store)
    found = []
    for row in lost.to_dict("records"):
        clicks = -row["rank_effect"] / months
        part = row["rank_effect"] / row["change"]
        ends = [max(-row[end] * part / months, 0.0) for end in ("change_high", "change_low")]
        row |= {"action": "regain", "clicks": clicks, "basis": money.basis,
                "worth": clicks * money.per_click, "worth_low": ends[0] * money.per_click,
                "worth_high": ends[1] * money.per_click}  # fmt: skip
        found.append(row)
    return found


def _titles(store: Store, period: Period) -> list[dict[str, Any]]:
    gaps = title_gaps(store, period)
    if gaps.empty:
        return []
    rows = gaps.head(MOST_ALIKE if gaps["advice"].iloc[0] == "add" else 1).to_dict("records")
    return [row | {"action": row["advice"], "clicks": row["clicks_month"]} for row in rows]


def _reviews(store: Store, period: Period) -> list[dict[str, Any]]:
    actions = {"below": "mend_reviews", "falling": "slow_reviews"}
    return [
        row | {"action": actions[row["review_state"]], "clicks": row["clicks_month"]}
        for row in review_signals(store, period).to_dict("records")
        if row["review_state"] in actions
    ]


def _paid(store: Store, period: Period) -> list[dict[str, Any]]:
    terms = paid_terms(store, period)
    first = terms[terms["judgement"] == "overlap"]
    brand = first[first["intent"] == "brand"]
    losing = [terms[terms["judgement"] == one] for one in ("exclude", "lower")]
    rows = [row for part in losing for row in _dearest(part).to_dict("records")]
    for row in rows:
        ends = "_order" if row["judgement"] == "lower" and row["line_counts"] == "order" else ""
        row["action"] = row["judgement"] + ends
    if len(brand) > 1:
        sums = brand[["spend", "worth_low", "worth_high"]].sum().to_dict()
        rows.append(brand.iloc[0].to_dict() | sums | {"action": "test_brand", "terms": len(brand)})
        first = first.drop(brand.index)
    return rows + [row | {"action": "test_pause"} for row in first.to_dict("records")]


def _dearest(terms: pd.DataFrame) -> pd.DataFrame:
    order = terms.sort_values(["worth", "term"], ascending=[False, True])
    return order.head(MOST_ALIKE)


def _next(store: Store, period: Period) -> list[dict[str, Any]]:
    return [
        row | {"action": "bid", "clicks": row["clicks_month"]}
        for row in next_keywords(store, period).head(MOST_ALIKE).to_dict("records")
    ]
