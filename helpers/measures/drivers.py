"""Why sales and margin moved: exact splits of the change against an earlier period.

Source: plan 4.4; Ang (2005), Energy Policy 33, for the split of a product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures import traffic
from helpers.measures.evaluation import contribution, traded
from helpers.measures.money import daily_money, need
from helpers.plan import calendar
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.store.open import Store

SIDES = ("previous", "last_year")
MARGIN_LINES = ("cost", "fees", "freight", "marketing", "overheads")


def sales_drivers(store: Store, period: Period) -> pd.DataFrame:
    """What visitors, conversion and money per buyer added to the change of paid sales.

    Paid sales are visitors x paying buyers per visitor, both as the platform counts them, x paid
    sales per such buyer; where no traffic is known, orders x paid sales per order. The pieces add
    up to the change (logarithmic mean Divisia index).

    Returns:
        One row per comparison that the data reach: `against` (`previous`, `last_year`), `before`,
        `now` (paid sales), `change`, `relative` (change / before), and the pieces in money:
        `visitors`, `conversion`, `order_value`, or `orders`, `order_value` (the others empty);
        `event`, `event_zh` (of the sales events that peak in one of the two periods only, the one
        that sold most), `reading` (`visitors` or `orders`, with `_earlier` or `_now` behind it
        where that period holds such an event).

    Raises:
        MissingTable: No earlier period lies inside the data.

    Source: plan 4.4.
    """
    import numpy as np
    import pandas as pd

    from helpers.models.decomposition import product_change

    rows = []
    for against, earlier in zip(SIDES, (period.previous(), period.last_year()), strict=True):
        if earlier.start < store.first_day:
            continue
        names, (then, now) = _factors(store, earlier, period)
        before, after = float(np.prod(then)), float(np.prod(now))
        pieces = dict(zip(names, product_change(then, now), strict=True))
        change = after - before
        rows.append({"against": against, "before": before, "now": after, "change": change,
                     "relative": change / before if before else np.nan, **pieces,
                     **_event(store, names[0], earlier, period)})  # fmt: skip
    if not rows:
        raise MissingTable("orders", ("paid_at",), "short")
    columns = ["against", "before", "now", "change", "relative", "visitors", "conversion",
               "orders", "order_value", "event", "event_zh", "reading"]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=columns)


def _event(store: Store, reading: str, earlier: Period, period: Period) -> dict[str, str]:
    """The event that sold most of those in one of the periods and not in the other."""
    events = calendar.of_market(store.currency)
    then, now = ([one for one in events if span.contains(one.peak)] for span in (earlier, period))
    for side, own, other in (("earlier", then, now), ("now", now, then)):
        only = [one for one in own if one.event not in {each.event for each in other}]
        if only:
            largest = max(only, key=lambda one: _sales_of(store, Period(one.start, one.end)))
            names = calendar.NAMES[largest.event]
            return {"event": names["en"], "event_zh": names["zh"], "reading": f"{reading}_{side}"}
    return {"event": "", "event_zh": "", "reading": reading}


def _sales_of(store: Store, span: Period) -> float:
    return float(daily_money(store, span)["paid_sales"].sum())


def _factors(
    store: Store, earlier: Period, period: Period
) -> tuple[tuple[str, ...], tuple[list[float], list[float]]]:
    """Names of the factors, and their values in both periods."""
    spans = (earlier, period)
    totals = [traded(store, span) for span in spans]
    sales = [float(days["paid_sales"].sum()) for days in totals]
    try:
        rates = [traffic.conversion_rate(store, span).iloc[0] for span in spans]
    except MissingTable:
        rates = []
    if rates and all(one["numerator"] > 0 for one in rates):
        found = [[one["denominator"], one["value"], money / one["numerator"]]
                 for one, money in zip(rates, sales, strict=True)]  # fmt: skip
        return ("visitors", "conversion", "order_value"), (found[0], found[1])
    orders = [float(days["orders"].sum()) for days in totals]
    if not all(orders):
        raise MissingTable("orders", ("paid_at",), "short")
    found = [[count, money / count] for count, money in zip(orders, sales, strict=True)]
    return ("orders", "order_value"), (found[0], found[1])


def margin_drivers(store: Store, period: Period) -> pd.DataFrame:
    """What each cost line, as a share of net sales, added to the change of net margin.

    Returns:
        One row per comparison that the data reach and line, largest effect first: `against`
        (`previous`, `last_year`), `line` (of `MARGIN_LINES`, and `shipping_charged`), `before`,
        `now` (share of net sales), `effect` (on the margin, a difference of shares: above 0 where
        it rose through this line), `margin_change`. The effects add up to `margin_change`.

    Raises:
        MissingTable: A cost is unknown, or no earlier period lies inside the data.

    Source: plan 4.4.
    """
    import pandas as pd

    frames = []
    now = _known_shares(store, period)
    for against, earlier in zip(SIDES, (period.previous(), period.last_year()), strict=True):
        if earlier.start < store.first_day:
            continue
        try:
            then = _known_shares(store, earlier)
        except MissingTable:
            continue
        shares = pd.DataFrame({"before": then, "now": now})
        sign = pd.Series(-1.0, index=shares.index)
        sign["shipping_charged"] = 1.0
        shares["effect"] = sign * (shares["now"] - shares["before"])
        frames.append(shares.rename_axis("line").reset_index().assign(
            against=against, margin_change=shares["effect"].sum()))  # fmt: skip
    if not frames:
        raise MissingTable("orders", ("paid_at",), "short")
    frame = pd.concat(frames, ignore_index=True)
    order = frame["effect"].abs().sort_values(ascending=False, kind="stable").index
    frame = frame.loc[order].sort_values("against", ascending=False, kind="stable")
    names = ["against", "line", "before", "now", "effect", "margin_change"]
    return frame[names].reset_index(drop=True)


def _known_shares(store: Store, period: Period) -> pd.Series:
    """Each line of money as a share of net sales.

    Raises:
        MissingTable: One of them is unknown, or there are no net sales.
    """
    days = traded(store, period)
    contribution(store, days)  # refuses money that it needs and the store does not know
    need(store, days, "overheads")
    net = float(days["net_sales"].sum())
    if not net > 0:
        raise MissingTable("orders", ("paid_at",), "short")
    return days[[*MARGIN_LINES, "shipping_charged"]].sum() / net
