"""New products: how launches do week by week against those of the year before.

A product counts in a week only when its whole week has been lived.
Source: plan 3.1.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from helpers.measures import assortment
from helpers.measures.assortment import PRODUCT
from helpers.models.estimate import Estimate
from helpers.models.intervals import difference, mean

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

LAUNCH_DAYS = 182
EARLIER_DAYS = 365
WEEKS = 12
JUDGED_DAYS = 28
FEWEST_PRODUCTS = 5


def _launches(store: Store, period: Period) -> ir.Table:
    """Products launched in the half year to the period's end or the year before it.

    `is_recent` tells the two apart. Products on sale since the store's first day are no launches.

    Raises:
        MissingTable: The source knows no launch days.
    """
    store.require("products", "launched_on")
    products = store.table("products")
    last = min(period.end, store.as_of)
    recent = last - timedelta(days=LAUNCH_DAYS - 1)
    first = max(recent - timedelta(days=EARLIER_DAYS), store.first_day + timedelta(days=1))
    products = products.filter(products.launched_on >= first, products.launched_on <= last)
    return products.select(*PRODUCT, "launched_on", is_recent=products.launched_on >= recent)


def curve(store: Store, period: Period, *, weeks: int = WEEKS) -> pd.DataFrame:
    """Net sales of a launch by week on sale: launches of this half year and of the year before.

    Returns:
        One row per week and group, recent launches last: `group_code` (recent | earlier), `week` (1
        ...), `net_sales` (mean money a product), `low`, `high` (Student 95 % over products),
        `products`, `difference` (clear | chance: whether the two groups differ in the week beyond
        chance; Student 95 %). Weeks that fewer than 5 products have lived are left out.

    Raises:
        MissingTable: The source knows no launch days.
        ValueError: `weeks` < 1.
    """
    import pandas as pd

    if weeks < 1:
        raise ValueError(f"weeks == {weeks}, must be >= 1.")
    last = min(period.end, store.as_of)
    launches = store.to_frame(_launches(store, period).order_by(*PRODUCT))
    sold = store.to_frame(_weekly(store, period, weeks).order_by(*PRODUCT, "week"))
    table = launches.merge(pd.DataFrame({"week": range(1, weeks + 1)}), how="cross")
    table = table.merge(sold, on=[*PRODUCT, "week"], how="left").fillna({"net_sales": 0.0})
    lived = table["launched_on"] + pd.to_timedelta(table["week"] * 7 - 1, unit="D")
    table = table[lived <= pd.Timestamp(last)]
    rows = []
    for (recent, week), group in table.groupby(["is_recent", "week"], sort=True):
        if len(group) < FEWEST_PRODUCTS:
            continue
        found = mean(group["net_sales"])
        code = "recent" if recent else "earlier"
        rows.append((code, int(week), found.value, found.low, found.high, len(group)))
    columns = ["group_code", "week", "net_sales", "low", "high", "products"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(difference=_differences(frame))


def _differences(frame: pd.DataFrame) -> list[str]:
    """Of each row, whether its week differs between the groups beyond chance."""
    codes = {}
    for week, both in frame.groupby("week"):
        found = [Estimate(r.net_sales, r.low, r.high, r.products) for r in both.itertuples()]
        apart = difference(*found) if len(found) == 2 else None
        codes[week] = "clear" if apart and (apart.low > 0 or apart.high < 0) else "chance"
    return [codes[week] for week in frame["week"]]


def _weekly(store: Store, period: Period, weeks: int) -> ir.Table:
    launches = _launches(store, period)
    days = store.mart("product_days").filter(lambda t: t.day <= period.end)
    days = days.inner_join(launches, PRODUCT)
    age = days.day.delta(days.launched_on, unit="day")
    days = days.mutate(week=(age / 7).floor().cast("int64") + 1)
    days = days.filter(days.week >= 1, days.week <= weeks)
    return days.group_by(*PRODUCT, "week").aggregate(
        net_sales=(days.receivable - days.refunds).sum().cast("decimal(18,2)")
    )


def first_weeks(store: Store, period: Period, *, limit: int = 100) -> pd.DataFrame:
    """Each launch of the half year by its first 28 days, placed among those of the year before.

    Returns:
        At most `limit` rows, best first: `shop_id`, `product_id`, `name`, `name_zh`, `category`,
        `category_zh`, `launched_on`, `net_sales` (money, first 28 days), `usual` (median of the
        earlier launches), `percentile` (share of the earlier launches that it beats, 0 to 1),
        `verdict` (hit: beats 80 % | weak: beaten by 80 % | usual), `earlier` (launches compared
        with). Launches younger than 28 days are left out.

    Raises:
        MissingTable: The source knows no launch days.
    """
    import pandas as pd

    last = pd.Timestamp(min(period.end, store.as_of))
    launches = assortment.described(store, _launches(store, period).drop("launched_on"))
    table = launches.left_join(_first_sales(store, period), PRODUCT)
    table = table.drop("shop_id_right", "product_id_right")
    columns = (*PRODUCT, "name", "name_zh", "category", "category_zh", "launched_on", "is_recent",
               "net_sales")  # fmt: skip
    frame = store.to_frame(table.select(*columns).order_by(*PRODUCT))
    frame = frame.fillna({"net_sales": 0.0})
    frame = frame[frame["launched_on"] + pd.Timedelta(days=JUDGED_DAYS - 1) <= last]
    earlier = np.sort(frame.loc[~frame["is_recent"], "net_sales"].to_numpy())
    found = frame[frame["is_recent"]].drop(columns="is_recent")
    beaten = np.searchsorted(earlier, found["net_sales"]) / max(len(earlier), 1)
    enough = len(earlier) >= FEWEST_PRODUCTS
    found = found.assign(
        usual=float(np.median(earlier)) if enough else np.nan,
        percentile=beaten if enough else np.nan,
        verdict=np.where(beaten >= 0.8, "hit", np.where(beaten <= 0.2, "weak", "usual"))
        if enough
        else "unknown",
        earlier=len(earlier),
    )
    order = found["net_sales"].sort_values(ascending=False, kind="stable").index
    return found.loc[order].head(limit).reset_index(drop=True)


def _first_sales(store: Store, period: Period) -> ir.Table:
    launches = _launches(store, period)
    days = store.mart("product_days").filter(lambda t: t.day <= period.end)
    days = days.inner_join(launches, PRODUCT)
    age = days.day.delta(days.launched_on, unit="day")
    days = days.filter(age >= 0, age < JUDGED_DAYS)
    return days.group_by(*PRODUCT).aggregate(
        net_sales=(days.receivable - days.refunds).sum().cast("decimal(18,2)")
    )
