"""Advertising on products that are about to run out: traffic tied to stock.

Money of table `product_ads` in the 28 days to the period's end, beside stock, demand, lead time and
open purchases as `replenishment` knows them. Source: plan 2.2, 3.1, 5.1.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures import replenishment, stock
from helpers.measures.assortment import PRODUCT
from helpers.measures.channel_days import within
from helpers.measures.frames import one_row
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.store.open import Store

SPEND_DAYS = 28
ALL_PRODUCTS = 1_000_000
SOON_DAYS = 14
ACTIONS = {
    "now_ordered": "pause", "now_open": "order", "later_ordered": "pause_later",
    "later_open": "order_later", "sold_out_ordered": "sold_out", "sold_out_open": "sold_out_order",
}  # fmt: skip
NAMES = ["shop_id", "product_id", "name", "name_zh"]


def advertised_stock(store: Store, period: Period) -> pd.DataFrame:
    """Every product that was advertised in the last 28 days, with what is left of it.

    Returns:
        One row per product, most spend first: `shop_id`, `product_id`, `name`, `name_zh`, `spend`
        (money of 28 days), `on_hand`, `on_order`, `daily_units` (pieces a day in stock),
        `cover_days` (on hand / daily units), `lead_days` (of its supplier), `counted_on` (day of
        the stock), `cover_state` (`enough`: cover of at least the lead time; `in_time`: the next
        delivery comes before the stock ends; `gap`: it does not; `unknown`: no count or no lead
        time), and for a gap `next_due_on` (open purchase that comes next; empty where there is
        none), `arrives_on` (that day; a week after the count where it is overdue; one lead time
        after the count where nothing is on order), `gap_days` (from the end of the stock to it).

    Raises:
        MissingTable: No spend by product in those days, no stock counts, costs or lead times.

    Source: plan 2.2, 5.1.
    """
    import pandas as pd

    ads = _spend(store, period)
    held = _stock(store, period)
    frame = ads.merge(held, on=["shop_id", "product_id"], how="left")
    for name in ("name", "name_zh"):
        frame[name] = frame[name].fillna(frame["product_id"])
    lead, cover = frame["lead_days"], frame["cover_days"]
    gap = frame["short_days"].fillna(0.0)
    state = pd.Series("in_time", index=frame.index).mask(gap > 0, "gap")
    enough = (cover >= lead) | (frame["daily_units"] <= 0)
    state = state.mask(enough, "enough").mask(lead.isna() | frame["on_hand"].isna(), "unknown")
    is_gap = state == "gap"
    arrives = frame["counted_on"] + pd.to_timedelta((cover + gap).round(), unit="D")
    frame = frame.assign(
        arrives_on=arrives.where(is_gap), gap_days=gap.where(is_gap, 0.0), cover_state=state
    )
    names = [*NAMES, "spend", "on_hand", "on_order", "daily_units", "cover_days", "lead_days",
             "counted_on", "next_due_on", "arrives_on", "gap_days", "cover_state"]  # fmt: skip
    return frame[names].sort_values(
        ["spend", "shop_id", "product_id"], ascending=[False, True, True], ignore_index=True
    )


def _spend(store: Store, period: Period) -> pd.DataFrame:
    store.require("product_ads", "day", "product_id", "spend")
    end = within(store, period).end
    ads = store.table("product_ads")
    ads = ads.filter(ads.day > end - timedelta(days=SPEND_DAYS), ads.day <= end)
    ads = ads.group_by("shop_id", "product_id").aggregate(spend=ads.spend.sum())
    found = store.to_frame(ads.filter(ads.spend > 0).order_by("shop_id", "product_id"))
    if found.empty:
        raise MissingTable("product_ads", ("day",), "short")
    return found


def _stock(store: Store, period: Period) -> pd.DataFrame:
    """Stock, demand, lead time and next delivery of every product of the last count."""
    store.require("products", "supplier_id")
    held = stock.position(store, period)
    held = held.left_join(replenishment.lead_times(store, period), ("shop_id", "supplier_id"))
    chosen = held.select(
        *NAMES, "on_hand", "daily_units", "cover_days", "lead_days", "counted_on",
        on_order=held.on_order.fill_null(0),
    )  # fmt: skip
    asked = replenishment.reorder(store, period, limit=ALL_PRODUCTS)
    frame = store.to_frame(chosen.order_by(*PRODUCT))
    wanted = [*PRODUCT, "next_due_on", "short_days"]
    return frame.merge(asked[wanted], on=list(PRODUCT), how="left")


def stock_check(store: Store, period: Period) -> pd.DataFrame:
    """How much of the spend by product of 28 days went to products about to run out.

    Returns:
        One row: `spend` (money by product), `products` (advertised), `short_spend`,
        `short_products` (cover below lead time), `gap_spend`, `gap_products` (of those: no delivery
        comes in time), `gap_share` (of `spend`, 0 to 1), `unknown_spend` (no stock or lead time
        known), `reading` (`gap`, `in_time`: all deliveries come in time; `none`).

    Raises:
        MissingTable: As `advertised_stock`.
    """
    import pandas as pd

    found = advertised_stock(store, period)
    gap, short = found["cover_state"] == "gap", found["cover_state"].isin(["gap", "in_time"])
    total = float(found["spend"].sum())
    row = {
        "spend": total,
        "products": len(found),
        "short_spend": found.loc[short, "spend"].sum(),
        "short_products": int(short.sum()),
        "gap_spend": found.loc[gap, "spend"].sum(),
        "gap_products": int(gap.sum()),
        "gap_share": found.loc[gap, "spend"].sum() / total,
        "unknown_spend": found.loc[found["cover_state"] == "unknown", "spend"].sum(),
        "reading": "gap" if gap.any() else "in_time" if short.any() else "none",
    }
    return pd.DataFrame([row])


def short_stock_share(store: Store, period: Period) -> pd.DataFrame:
    """Share of spend by product of 28 days that went to products that run out before goods arrive.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1, exact.

    Raises:
        MissingTable: As `advertised_stock`.

    Source: plan 2.2, 5.1.
    """
    row = stock_check(store, period).iloc[0]
    return one_row(row["gap_share"], n=row["products"], numerator=row["gap_spend"],
                   denominator=row["spend"])  # fmt: skip


def pause_actions(store: Store, period: Period) -> pd.DataFrame:
    """Products whose advertising to pause until goods arrive, most money at stake first.

    Returns:
        Rows of `advertised_stock` whose `cover_state` is `gap`, with `sells_out_on` (day on which
        the stock ends at today's pace), `days_left` (from the period's end to it, 0 or more),
        `action` (`pause`: until the open purchase arrives; `order`: nothing is on order;
        `pause_later`, `order_later`: the same with over 14 days left; `sold_out`,
        `sold_out_order`: with nothing left), `worth` (money that today's spend would take in the
        days without stock), `worth_low` (as `worth`), `worth_high` (from now until the arrival).

    Raises:
        MissingTable: As `advertised_stock`.

    Source: plan 2.2, 5.1.
    """
    import numpy as np
    import pandas as pd

    found = advertised_stock(store, period)
    found = found[found["cover_state"] == "gap"].reset_index(drop=True)
    today = pd.Timestamp(within(store, period).end)
    ends = found["counted_on"] + pd.to_timedelta(found["cover_days"], unit="D")
    left = ((ends - today) / pd.Timedelta(days=1)).clip(lower=0)
    wait = (found["arrives_on"] - today).dt.days.clip(lower=0)
    daily = found["spend"] / SPEND_DAYS
    is_ordered = (found["on_order"] > 0) & found["next_due_on"].notna()
    stage = np.select([found["on_hand"] <= 0, left > SOON_DAYS], ["sold_out", "later"], "now")
    names = pd.Series(stage) + is_ordered.map({True: "_ordered", False: "_open"})
    without = daily * (wait - left).clip(lower=0)
    found = found.assign(
        sells_out_on=ends.dt.normalize(), days_left=left, action=names.map(ACTIONS),
        worth=without, worth_low=without, worth_high=daily * wait,
    )  # fmt: skip
    return found.sort_values(
        ["worth", "shop_id", "product_id"], ascending=[False, True, True], ignore_index=True
    )
