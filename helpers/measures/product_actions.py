"""What to do about products: what to look into, keep, restock, mend or buy no more.

Each function turns the findings of another measure into a list ranked by money.
Source: plan 3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.measures import (
    new_products,
    product_changes,
    product_groups,
    product_refunds,
    stock,
)
from helpers.measures.assortment import PRODUCT
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

SOON_DAYS = 30
NEARLY_OUT_DAYS = 7
FIRST_TO_CLEAR = 20


def changes(store: Store, period: Period) -> pd.DataFrame:
    """Products whose change is clear, with what it asks for; against last year where known.

    Returns:
        One row per product, most money first: `shop_id`, `product_id`, `name`, `name_zh`,
        `direction` (up | down), `action` (down: sold_out, its stock lasts under a week | gone, not
        sold any more | look_into; up: restock, its stock lasts under 30 days | keep), `main_effect`
        (volume | price | refund), `cause` (it after the direction: down_volume), `net_sales`,
        `before`, `worth`, `low`, `high` (money: the change without its sign, and its 95 % range),
        `at_stake` (money: the fall; or the rise that a sell-out would end; NaN for one to keep),
        `cover_days`, `against` (last_year | previous).

    Raises:
        MissingTable: The store's history does not reach back to either period.
    """
    try:
        against = "last_year"
        frame = product_changes.movers(store, period, against=against)
    except MissingTable:
        against = "previous"
        frame = product_changes.movers(store, period, against=against)
    frame = frame[frame["is_clear"]]
    cover = frame["cover_days"]
    action = np.select(
        [
            frame["state"] == "gone",
            (frame["state"] == "down") & (cover < NEARLY_OUT_DAYS),
            frame["state"] == "down",
            cover < SOON_DAYS,
        ],
        ["gone", "sold_out", "look_into", "restock"],
        "keep",
    )
    columns = [*PRODUCT, "name", "name_zh", "main_effect", "net_sales", "before", "cover_days"]
    falls = frame["change"] < 0
    worth = frame["change"].abs()
    direction = falls.map({True: "down", False: "up"})
    return frame[columns].assign(
        direction=direction,
        cause=direction + "_" + frame["main_effect"],
        action=action,
        worth=worth,
        low=np.where(falls, -frame["change_high"], frame["change_low"]),
        high=np.where(falls, -frame["change_low"], frame["change_high"]),
        at_stake=worth.where(action != "keep"),
        against=against,
    )


def margin_lost(store: Store, period: Period) -> pd.DataFrame:
    """Categories whose margin rate is clearly below last year's, and what that cost.

    Returns:
        One row per category, most money first: columns of `product_groups.margin_rates` and `lost`
        (money, above 0).

    Raises:
        MissingTable: No unit costs, or no categories are known.
    """
    frame = product_groups.margin_rates(store, period, by="category")
    frame = frame[frame["is_clear"] & (frame["change"] < 0)]
    return frame.assign(lost=-frame["worth"]).sort_values(
        ["lost", "group_name"], ascending=[False, True], ignore_index=True
    )


def refunds(store: Store, period: Period, *, limit: int = 50) -> pd.DataFrame:
    """Products whose refunds stand out: for quality, or for other reasons.

    Returns:
        At most `limit` rows, most excess money first: columns of `product_refunds.refund_shares`
        and `action` (quality | other_reasons | unknown_reasons), only where excess money is above
        0.

    Raises:
        MissingTable: No refunds, or the history is too short.
    """
    frame = product_refunds.refund_shares(store, period)
    quality = frame["quality_standing"] == "high"
    frame = frame.assign(
        action=np.select(
            [quality, frame["quality_share"].isna()],
            ["quality", "unknown_reasons"],
            "other_reasons",
        )
    )
    stands_out = quality | (frame["standing"] == "high")
    return frame[stands_out & (frame["excess"] > 0)].head(limit).reset_index(drop=True)


def launches(store: Store, period: Period) -> pd.DataFrame:
    """Launches that beat four in five of the year before, and those that four in five beat.

    Returns:
        One row per launch, most money first: columns of `new_products.first_weeks`, `action` (hit |
        weak), `worth` (money: of a hit its net sales of 28 days above the usual; of a weak one the
        stock at cost; weak ones without known stock are left out), `at_stake` (money: the stock of
        a weak one; NaN for a hit, whose sales are made already).

    Raises:
        MissingTable: The source knows no launch days.
    """
    frame = new_products.first_weeks(store, period)
    frame = frame[frame["verdict"].isin(["hit", "weak"])]
    try:
        held = stock.position(store, period)
        value = store.to_frame(held.select(*PRODUCT, "value").order_by(*PRODUCT))
        frame = frame.merge(value, on=list(PRODUCT), how="left")
    except MissingTable:
        frame = frame.assign(value=np.nan)
    hit = frame["verdict"] == "hit"
    worth = (frame["net_sales"] - frame["usual"]).where(hit, frame["value"])
    frame = frame.drop(columns="value").assign(
        action=frame["verdict"], worth=worth, at_stake=worth.where(~hit)
    )
    frame = frame[frame["worth"] > 0]
    return frame.sort_values(["worth", *PRODUCT], ascending=[False, True, True], ignore_index=True)


def clearance(store: Store, period: Period, *, first: int = FIRST_TO_CLEAR) -> pd.DataFrame:
    """The slow stock as one task, then product by product.

    Args:
        store: Uses stock counts, costs and mart `product_days`.
        period: Stock by the last count in it.
        first: Products with the most money in them, told apart in the task.

    Returns:
        First a row with `action` plan: `products` (with stock to clear), `first` (how many of them
        to begin with), `first_value`, `excess_value` (money at cost, of these and of all); where
        there are no more than two products it is left out. Then columns of `stock.slow_stock`. All
        with `at_stake` (money at cost that the step frees).

    Raises:
        MissingTable: No stock counts, no unit costs, or no count in the period.
    """
    import pandas as pd

    frame = stock.slow_stock(store, period)
    frame["at_stake"] = frame["excess_value"]
    if len(frame) <= 2:
        return frame
    begin = frame.head(min(first, len(frame)))
    plan = {
        "action": "plan",
        "products": len(frame),
        "first": len(begin),
        "first_value": begin["excess_value"].sum(),
        "at_stake": begin["excess_value"].sum(),
        "excess_value": frame["excess_value"].sum(),
    }
    return pd.concat([pd.DataFrame([plan]), frame], ignore_index=True)
