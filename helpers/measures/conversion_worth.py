"""What conversion and payment are worth in money, and where visitors are lost.

Money is contribution before marketing where cost of goods is known, else paid sales. What the extra
buyers would buy later is left out. Source: plan 1.3, 3.3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures import traffic
from helpers.measures.channel_days import ORGANIC, channel_days, require_trade, whole
from helpers.measures.channels import traffic_by_channel
from helpers.measures.customer_value import contribution_share
from helpers.measures.frames import divide
from helpers.measures.payments import payment_days
from helpers.plan import targets
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

POINT = 0.01


def conversion_gap(store: Store, period: Period) -> pd.DataFrame:
    """What one point of conversion is worth, and what the way to the target is.

    Returns:
        One row: `visitors`, `conversion`, `target` (0 to 1), `sales_per_buyer` (paid sales of the
        period's buyers), `point_sales`, `point_worth` (paid sales and contribution of one
        percentage point more), `buyers_missing` (to the target; 0 where it is met), `gap_sales`,
        `gap_worth` (their money), `cac` and `cac_then` (blended acquisition cost now, and with the
        target's conversion, the same visitors and the same spend). Empty where unknown.

    Raises:
        MissingTable: Traffic or orders are unknown for the period.

    Source: plan 1.3.
    """
    import pandas as pd

    rate = traffic.conversion_rate(store, period).iloc[0]
    per_buyer = _sales_per_buyer(store, period)
    share = _contribution_share(store, period)
    target = targets.load(store.currency, store.targets)["conversion_rate"].value
    visitors, conversion = rate["denominator"], rate["value"]
    missing = whole(max(target - conversion, 0.0) * visitors)
    cac = _cac(store, period)
    row = {
        "visitors": visitors,
        "conversion": conversion,
        "target": target,
        "sales_per_buyer": per_buyer,
        "point_sales": POINT * visitors * per_buyer,
        "point_worth": POINT * visitors * per_buyer * share,
        "buyers_missing": missing,
        "gap_sales": missing * per_buyer,
        "gap_worth": missing * per_buyer * share,
        "cac": cac,
        "cac_then": cac * conversion / max(target, conversion),
    }
    return pd.DataFrame([row])


def conversion_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """Each channel's conversion in money: one point more, and what is lost against last year.

    A channel leaks where its conversion lies below last year's beyond what days vary, and beyond
    what the worst of so many channels would show by chance (Bonferroni).

    Returns:
        One row per channel, worst leak first, then most visitors: `channel`, `visitors`, `share`,
        `share_last_year` (of visitors), `conversion`, `low`, `high`, `last_year` (0 to 1),
        `sales_per_buyer`, `visitor_value` (paid sales per visitor), `point_worth` (contribution of
        one percentage point more; paid sales where cost is unknown), `is_leak`, `lost_buyers`,
        `lost_worth`, `lost_low`, `lost_high` (money as `point_worth`, 95 %; empty where nothing
        leaks), `basis` (`contribution` or `paid_sales`).

    Raises:
        MissingTable: Traffic or the channel of orders is unknown for the period.

    Source: plan 2.2, 3.3.
    """
    import pandas as pd

    store.require("orders", "channel")
    require_trade(store, period)
    frame = traffic_by_channel(store, period).dropna(subset=["conversion"])
    share = _contribution_share(store, period)
    known = share == share
    sums = channel_days(store, period).groupby("channel")[["paid_sales", "buyers"]].sum()
    each = sums["paid_sales"] / sums["buyers"].where(sums["buyers"] > 0)
    frame["sales_per_buyer"] = frame["channel"].map(each)
    frame["visitor_value"] = frame["channel"].map(sums["paid_sales"]) / frame["visitors"]
    per_buyer = frame["sales_per_buyer"] * (share if known else 1.0)
    frame["point_worth"] = POINT * frame["visitors"] * per_buyer
    lost = pd.DataFrame(
        _lost_buyers(store, period, frame), columns=["lost_buyers", "lost_low", "lost_high"],
        index=frame.index,
    )  # fmt: skip
    frame["is_leak"] = lost["lost_buyers"].notna()
    frame["lost_buyers"] = lost["lost_buyers"]
    frame["lost_worth"] = lost["lost_buyers"] * per_buyer
    frame["lost_low"], frame["lost_high"] = (
        lost[end] * per_buyer for end in ("lost_low", "lost_high")
    )
    frame["basis"] = "contribution" if known else "paid_sales"
    names = ["channel", "visitors", "share", "share_last_year", "conversion", "low", "high",
             "last_year", "sales_per_buyer", "visitor_value", "point_worth", "is_leak",
             "lost_buyers", "lost_worth", "lost_low", "lost_high", "basis"]  # fmt: skip
    return frame[names].sort_values(
        ["lost_worth", "visitors", "channel"], ascending=[False, False, True], ignore_index=True
    )


def organic_gap(store: Store, period: Period) -> pd.DataFrame:
    """What organic search brings per visitor, and what the way to its target would bring.

    Returns:
        One row: `visitors` (from search), `share`, `target` (0 to 1), `visitor_value` (paid sales
        per visitor from search), `visitors_missing` (more from search, all other traffic as it is,
        until the target is met; 0 where it is), `gap_sales`, `gap_worth` (paid sales and
        contribution that they would bring at that value; empty where unknown).

    Raises:
        MissingTable: Traffic, the channel of orders or a channel `organic_search` is unknown.

    Source: plan 2.2.
    """
    import pandas as pd

    share = traffic.organic_share(store, period).iloc[0]
    store.require("orders", "channel")
    require_trade(store, period)
    days = channel_days(store, period)
    sales = float(days.loc[days["channel"] == ORGANIC, "paid_sales"].sum())
    target = targets.load(store.currency, store.targets)["organic_share"].value
    value = divide(sales, share["numerator"])
    missing = whole(max((target * share["denominator"] - share["numerator"]) / (1 - target), 0.0))
    row = {
        "visitors": share["numerator"],
        "share": share["value"],
        "target": target,
        "visitor_value": value,
        "visitors_missing": missing,
        "gap_sales": missing * value,
        "gap_worth": missing * value * _contribution_share(store, period),
    }
    return pd.DataFrame([row])


def payment_gap(store: Store, period: Period) -> pd.DataFrame:
    """Orders that were tried and not paid, and what the way to the target would bring at most.

    At most, for some of these buyers order again.

    Returns:
        One row: `attempted`, `paid`, `unpaid` (orders), `target` (0 to 1), `order_value` (paid
        sales per order), `orders_missing` (to the target; 0 where it is met), `gap_sales`,
        `gap_worth` (paid sales and contribution of them; empty where cost is unknown).

    Raises:
        MissingTable: The store shows no attempts to pay.

    Source: plan 3.3.
    """
    import pandas as pd

    days = payment_days(store, period)
    attempted, paid = float(days["attempted"].sum()), float(days["paid"].sum())
    target = targets.load(store.currency, store.targets)["payment_success_rate"].value
    value = _sales_per_order(store, period)
    missing = whole(max(target * attempted - paid, 0.0))
    row = {
        "attempted": attempted,
        "paid": paid,
        "unpaid": attempted - paid,
        "target": target,
        "order_value": value,
        "orders_missing": missing,
        "gap_sales": missing * value,
        "gap_worth": missing * value * _contribution_share(store, period),
    }
    return pd.DataFrame([row])


def conversion_actions(store: Store, period: Period) -> pd.DataFrame:
    """What to mend on the way from visit to payment, most money first.

    Returns:
        `action` (`leak`: a channel that converts worse than last year; `payment`: orders that
        fail at payment; with `_sales` behind where the money is paid sales), `channel` (of a leak),
        `count` (buyers or orders), `worth`, `worth_low`, `worth_high` (money of the period, 95 %
        where a process is estimated). No row where nothing is to be mended.

    Raises:
        MissingTable: Neither traffic nor attempts to pay are known.
    """
    import pandas as pd

    rows, missing = [], None
    for part in (_leaks, _payment):
        try:
            rows += part(store, period)
        except MissingTable as error:
            missing = missing or error
            continue
    if not rows and missing:
        raise missing
    names = ["action", "channel", "count", "worth", "worth_low", "worth_high"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.sort_values(["worth", "action", "channel"], ascending=[False, True, True],
                             ignore_index=True)  # fmt: skip


def _leaks(store: Store, period: Period) -> list[tuple]:
    leaks = conversion_by_channel(store, period)
    return [
        ("leak" if row["basis"] == "contribution" else "leak_sales", row["channel"],
         round(row["lost_buyers"]), row["lost_worth"], row["lost_low"], row["lost_high"])
        for row in leaks[leaks["is_leak"]].to_dict("records")
    ]  # fmt: skip


def _payment(store: Store, period: Period) -> list[tuple]:
    gap = payment_gap(store, period).iloc[0]
    if not gap["orders_missing"]:
        return []
    known = gap["gap_worth"] == gap["gap_worth"]
    action, money = ("payment", "gap_worth") if known else ("payment_sales", "gap_sales")
    return [(action, "", gap["orders_missing"], gap[money], math.nan, math.nan)]


def _lost_buyers(store: Store, period: Period, frame: pd.DataFrame) -> list[tuple[float, ...]]:
    """Buyers missing against last year's conversion, with 95 %; NaN where chance may explain it."""
    from scipy.stats import norm

    from helpers.models.estimate import Estimate
    from helpers.models.intervals import difference

    strict = float(norm.ppf(1 - 0.025 / len(frame)) / norm.ppf(0.975)) if len(frame) else 1.0
    nothing = (math.nan, math.nan, math.nan)
    try:
        year = traffic_by_channel(store, period.last_year())
    except MissingTable:
        return [nothing] * len(frame)
    then = {row["channel"]: row for row in year.to_dict("records")}
    found = []
    for row in frame.to_dict("records"):
        before = then.get(row["channel"], {"conversion": math.nan, "low": math.nan, "high": 0})
        pair = (Estimate(one["conversion"], one["low"], one["high"], 0) for one in (before, row))
        lost = difference(*pair)
        ends = (lost.value, lost.low, lost.high)
        is_leak = lost.value > strict * (lost.value - lost.low)
        found.append(tuple(end * row["visitors"] for end in ends) if is_leak else nothing)
    return found


def _sales_per_buyer(store: Store, period: Period) -> float:
    require_trade(store, period)
    days = channel_days(store, period)
    return divide(float(days["paid_sales"].sum()), float(days["buyers"].sum()))


def _sales_per_order(store: Store, period: Period) -> float:
    days = store.mart("shop_days")
    days = days.filter(days.day >= period.start, days.day <= period.end)
    sums = days.aggregate(
        money=days.paid_sales.sum().cast("float64"), orders=days.orders.sum().cast("float64")
    )
    row = store.to_frame(sums).iloc[0]
    return divide(float(row["money"] or 0), float(row["orders"] or 0))


def _contribution_share(store: Store, period: Period) -> float:
    share = contribution_share(store, period)
    return math.nan if share is None else share


def _cac(store: Store, period: Period) -> float:
    try:
        return float(traffic.cac_blended(store, period)["value"].iloc[0])
    except MissingTable:
        return math.nan
