"""What each platform earns, for shops that sell on more than one. Source: plan 4.4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.evaluation import contribution
from helpers.measures.frames import divide
from helpers.measures.money import daily_money
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.store.open import Store

MONEY = ("paid_sales", "net_sales", "marketing", "contribution")


def contribution_by_platform(store: Store, period: Period) -> pd.DataFrame:
    """Sales, marketing and contribution of each platform in the period.

    Refunds still to come are spread over platforms by what was paid in each 28-day block; fees and
    freight not known yet go at the whole shop's usual rate. Overheads belong to no platform.

    Returns:
        One row per platform with sales, most contribution first: `platform` (of table `shops`; the
        shop's id where it names none), `paid_sales`, `net_sales`, `marketing`, `contribution`
        (after marketing), `margin` (contribution / net sales), `share` (of all contribution; empty
        where it is not above 0), `last_year` (contribution; empty where the data begin later),
        `change` (on last year), `provisional`.

    Raises:
        MissingTable: The store stands on one platform only, or its contribution is unknown.

    Source: plan 4.4.
    """
    import pandas as pd

    shops = _shops(store)
    platforms = sorted(set(shops.values()))
    if len(platforms) < 2:
        raise MissingTable("shops", ("shop_id", "platform"), "short")
    if period.start < store.first_day:
        raise MissingTable("orders", ("paid_at",), "short")
    year = period.last_year()
    rows = []
    for platform in platforms:
        ids = tuple(sorted(shop for shop, name in shops.items() if name == platform))
        now = _money(store, period, ids)
        if not now["paid_sales"]:
            continue
        then = _money(store, year, ids) if year.start >= store.first_day else None
        rows.append({"platform": platform, **now,
                     "last_year": then["contribution"] if then else float("nan")})  # fmt: skip
    frame = pd.DataFrame(rows)
    whole = float(frame["contribution"].sum())
    frame = frame.assign(
        margin=[divide(a, b) for a, b in zip(frame["contribution"], frame["net_sales"],
                                             strict=True)],
        share=frame["contribution"] / whole if whole > 0 else float("nan"),
        change=frame["contribution"] - frame["last_year"],
    )  # fmt: skip
    names = ["platform", *MONEY, "margin", "share", "last_year", "change", "provisional"]
    frame = frame.sort_values(["contribution", "platform"], ascending=[False, True])
    return frame[names].reset_index(drop=True)


def _shops(store: Store) -> dict[str, str]:
    """The platform of each shop that has sold."""
    days = store.mart("shop_days")
    sold = store.to_frame(days.select("shop_id").distinct().order_by("shop_id"))["shop_id"]
    named = {}
    if store.has("shops"):
        table = store.table("shops").select("shop_id", "platform").order_by("shop_id")
        rows = store.to_frame(table)
        named = dict(zip(rows["shop_id"], rows["platform"], strict=True))
    return {shop: str(named.get(shop) or shop) for shop in sold}


def _money(store: Store, period: Period, shops: tuple[str, ...]) -> dict[str, float | bool]:
    """Sums of a platform's days up to the store's day."""
    span = Period(period.start, min(period.end, store.as_of))
    days = daily_money(store, span, shops)
    days = days.assign(contribution=contribution(store, days))
    return {**{name: float(days[name].sum()) for name in MONEY},
            "provisional": bool(days["is_open"].any())}  # fmt: skip
