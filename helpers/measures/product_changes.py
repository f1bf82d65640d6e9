"""What rises and what falls: each product's part in the change, apart from chance and season.

Net sales of a product swing by chance. Its noise is taken from the days themselves: how far each
day lies from the product's share of what the whole shop sold on it, so that a day that is good for
all counts as no noise. A change is clear where it stands out among all products compared at once.
Source: plan 3.1, 4.4; Benjamini and Hochberg (1995); Bourgon, Gentleman and Huber (2010) on leaving
out small products before testing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from helpers.measures import assortment, stock
from helpers.measures.assortment import PRODUCT
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

AGAINST = ("previous", "last_year")
SMALLEST_SHARE = 0.001
FALSE_DISCOVERY_RATE = 0.05
STEPS = ("before", "no_longer_sold", "falls", "rises", "newly_sold", "now")


def _spans(store: Store, period: Period, against: str) -> tuple[Period, Period]:
    """The period and the one it is compared with.

    Raises:
        MissingTable: Everything is sold under one product, or the history is too short.
        ValueError: `against` is none of `AGAINST`.
    """
    if against not in AGAINST:
        raise ValueError(f"against == {against!r}, must be one of {AGAINST}.")
    assortment.require_products(store)
    spans = assortment.compared(store, period)
    now, then = spans["now"], spans[against]
    if now is None or then is None:
        raise MissingTable("orders", ("paid_at",), "short")
    return now, then


def bridge(store: Store, period: Period, *, against: str = "previous") -> pd.DataFrame:
    """From the net sales of one period to those of the other, by what the products did.

    Args:
        store: Uses mart `product_days`.
        period: The later period.
        against: `previous` or `last_year`.

    Returns:
        Six rows in order: `step` (before | no_longer_sold | falls | rises | newly_sold | now),
        `value` (money; the middle four add up from before to now), `products`, `is_total`,
        `growth` (now / before - 1).

    Raises:
        MissingTable: The store's history does not reach back that far.
    """
    import ibis
    import pandas as pd

    now, then = _spans(store, period, against)
    table = assortment.in_spans(store, {"now": now, "then": then}, *PRODUCT)
    change = table.net_sales_now - table.net_sales_then
    step = ibis.cases(
        ((table.lines_then == 0) & (table.lines_now > 0), "newly_sold"),
        ((table.lines_now == 0) & (table.lines_then > 0), "no_longer_sold"),
        (change < 0, "falls"),
        else_="rises",
    )
    table = table.mutate(step=step, change=change)
    parts = table.group_by("step").aggregate(
        value=table.change.sum().cast("decimal(18,2)"),
        products=table.count(),
        before=table.net_sales_then.sum().cast("decimal(18,2)"),
        now=table.net_sales_now.sum().cast("decimal(18,2)"),
    )
    found = store.to_frame(parts.order_by("step")).set_index("step")
    before, after = float(found["before"].sum()), float(found["now"].sum())
    values = {"before": before, "now": after, **found["value"].to_dict()}
    rows = [
        (
            step,
            values.get(step, 0.0),
            int(found["products"].get(step, 0)),
            step in ("before", "now"),
        )
        for step in STEPS
    ]
    frame = pd.DataFrame(rows, columns=["step", "value", "products", "is_total"])
    return frame.assign(growth=after / before - 1 if before > 0 else np.nan)


def movers(
    store: Store,
    period: Period,
    *,
    against: str = "previous",
    smallest_share: float = SMALLEST_SHARE,
    false_discovery_rate: float = FALSE_DISCOVERY_RATE,
) -> pd.DataFrame:
    """Products whose net sales changed, with what they add to the shop's change.

    Products below `smallest_share` of the shop's sales in both periods together are left out: they
    can't move the shop, and chance moves them most.

    Args:
        store: Uses marts `product_days`.
        period: The later period.
        against: `previous` or `last_year`.
        smallest_share: Of net sales, 0 to 1.
        false_discovery_rate: Share of the clear changes that may be chance.

    Returns:
        One row per product, largest change first: `shop_id`, `product_id`, `name`, `name_zh`,
        `net_sales`, `before`, `change`, `change_low`, `change_high` (money, 95 % by the swings of
        its days), `relative` (change / before), `contribution` (change / the shop's net sales
        before), `volume_effect`, `price_effect`, `refund_effect` (money; add up to the change),
        `main_effect` (volume | price | refund: the largest in the change's direction),
        `other_change` (money: against the other of the two periods; NaN where unknown),
        `is_clear`, `state` (new: not sold before | gone: not sold now | up | down), `pattern`
        (both: the other comparison points the same way | this_only: it does not | unknown),
        `cover_days` (stock by the demand of 28 days; NaN where unknown).

    Raises:
        MissingTable: The store's history does not reach back that far.
        ValueError: A parameter is out of its range.
    """
    if not 0 <= smallest_share < 1 or not 0 < false_discovery_rate < 1:
        raise ValueError(
            f"smallest_share == {smallest_share}, false_discovery_rate == {false_discovery_rate}, "
            "must both be shares from 0 to below 1."
        )
    now, then = _spans(store, period, against)
    other = assortment.compared(store, period)[AGAINST[1 - AGAINST.index(against)]]
    table = _compared(store, {"now": now, "then": then, "other": other}, smallest_share)
    frame = store.to_frame(table.order_by(*PRODUCT))
    for name, span in (("now", now), ("then", then)):
        frame[f"variance_{name}"] = _variance(frame, name, span.days)
    return _judged(_with_cover(store, period, frame), false_discovery_rate)


def _with_cover(store: Store, period: Period, frame: pd.DataFrame) -> pd.DataFrame:
    try:
        held = stock.position(store, period)
    except MissingTable:
        return frame.assign(cover_days=np.nan)
    cover = store.to_frame(held.select(*PRODUCT, "cover_days").order_by(*PRODUCT))
    return frame.merge(cover, on=list(PRODUCT), how="left")


def _compared(store: Store, spans: dict[str, Period | None], smallest_share: float) -> ir.Table:
    """Products of some size with their money and the sums that their noise is made of."""
    import ibis

    table = assortment.in_spans(store, spans, *PRODUCT)
    for name in ("now", "then"):
        span = spans[name]
        assert span is not None
        table = table.left_join(_noise(store, span, name), PRODUCT)
        table = table.drop("shop_id_right", "product_id_right")
    whole = ibis.window()
    total = {n: table[f"net_sales_{n}"].sum().over(whole) for n in ("now", "then")}
    table = table.mutate(total_now=total["now"], total_then=total["then"])
    size = (table.net_sales_now + table.net_sales_then).cast("float64")
    shop = (table.total_now + table.total_then).cast("float64")
    return assortment.described(store, table.filter(size >= smallest_share * shop))


def _noise(store: Store, span: Period, name: str) -> ir.Table:
    """Sums over days of a product's net sales squared, times the shop's, and the shop's squared."""
    days = assortment.product_days(store, span.start, span.end)
    days = days.select(*PRODUCT, "day", x=(days.receivable - days.refunds).cast("decimal(18,2)"))
    shop = days.group_by("day").aggregate(s=days.x.sum().cast("decimal(18,2)"))
    squares = shop.aggregate(ss=(shop.s * shop.s).sum().cast("float64"))
    days = days.inner_join(shop, "day")
    sums = days.group_by(*PRODUCT).aggregate(
        **{f"xx_{name}": (days.x * days.x).sum().cast("float64"),
           f"xs_{name}": (days.x * days.s).sum().cast("float64")}
    )  # fmt: skip
    return sums.cross_join(squares.rename({f"ss_{name}": "ss"}))


def _variance(frame: pd.DataFrame, name: str, days: int) -> pd.Series:
    """Variance of a product's total, from its days' distance to its share of the shop's days."""
    share = frame[f"net_sales_{name}"] / frame[f"total_{name}"]
    squares = frame[f"xx_{name}"] - 2 * share * frame[f"xs_{name}"] + share**2 * frame[f"ss_{name}"]
    return squares.fillna(0).clip(lower=0) * days / max(days - 1, 1)


def _judged(frame: pd.DataFrame, false_discovery_rate: float) -> pd.DataFrame:
    change = frame["net_sales_now"] - frame["net_sales_then"]
    error = np.sqrt(frame["variance_now"] + frame["variance_then"])
    p_values = 2 * norm.sf(np.abs(change) / error.where(error > 0))
    other = frame["net_sales_now"] - frame["net_sales_other"]
    effects = _effects(frame)
    found = frame[[*PRODUCT, "name", "name_zh"]].assign(
        net_sales=frame["net_sales_now"],
        before=frame["net_sales_then"],
        change=change,
        change_low=change - 1.96 * error,
        change_high=change + 1.96 * error,
        relative=change / frame["net_sales_then"].where(frame["net_sales_then"] > 0),
        contribution=change / frame["total_then"].where(frame["total_then"] > 0),
        **effects,
        other_change=other,
        is_clear=stands_out(np.nan_to_num(p_values, nan=1.0), false_discovery_rate),
        state=np.select(
            [frame["lines_then"] == 0, frame["lines_now"] == 0, change < 0],
            ["new", "gone", "down"],
            "up",
        ),
        pattern=np.where(
            other.isna(), "unknown", np.where((other < 0) == (change < 0), "both", "this_only")
        ),
        cover_days=frame["cover_days"],
    )
    order = change.abs().sort_values(ascending=False, kind="stable").index
    return found.loc[order].reset_index(drop=True)


def _effects(frame: pd.DataFrame) -> dict[str, Any]:
    """Change = pieces at the old price + price on the new pieces - refunds; new ones are volume."""
    price = {
        name: frame[f"receivable_{name}"] / frame[f"units_{name}"].where(frame[f"units_{name}"] > 0)
        for name in ("now", "then")
    }
    old = price["then"].fillna(price["now"]).fillna(0)
    volume = (frame["units_now"] - frame["units_then"]) * old
    moved = frame["receivable_now"] - frame["receivable_then"]
    effects = {
        "volume_effect": volume,
        "price_effect": moved - volume,
        "refund_effect": frame["refunds_then"] - frame["refunds_now"],
    }
    sign = np.sign(frame["net_sales_now"] - frame["net_sales_then"])
    along = np.column_stack([effect * sign for effect in effects.values()])
    names = np.array([name.removesuffix("_effect") for name in effects])
    return {**effects, "main_effect": names[along.argmax(axis=1)]}


def stands_out(p_values: np.ndarray, false_discovery_rate: float) -> np.ndarray:
    """Which of many tests are discoveries at a false discovery rate.

    Source: Benjamini and Hochberg (1995), step-up procedure.
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    passed = p_values[order] <= false_discovery_rate * np.arange(1, count + 1) / max(count, 1)
    last = np.flatnonzero(passed)[-1] + 1 if passed.any() else 0
    found = np.zeros(count, dtype=bool)
    found[order[:last]] = True
    return found
