"""What acquisition asks for, in money: dear channels, channels with room, the gap to the target.

A channel's cost is compared with what its customers of a year ago have brought since. Both rest on
the channel that the platform names, and on averages: what the next unit of money would bring is
another question, which only a test answers. Source: plan 1.3, 2.2.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.channel_days import (
    channel_days,
    paid_channels,
    require_customers,
    require_spend,
    whole,
)
from helpers.measures.channels import acquisition_by_channel, or_none
from helpers.measures.contribution import known_contributions
from helpers.measures.frames import divide
from helpers.measures.paid_days import campaign_days
from helpers.plan import targets
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.store.open import Store

YEAR_DAYS = 365
SMALLEST_COHORT = 30
SMALLEST_COSTED_SHARE = 0.95


def value_by_channel(
    store: Store, period: Period, *, before_acquisition: bool = False
) -> pd.DataFrame:
    """What customers won a year ago have brought in their first 365 days, by first channel.

    Observed, not predicted: customers whose first purchase lies in the 365 days that ended one year
    before the period's end. Contribution before marketing, refunds and fees deducted.

    Args:
        store: Uses marts `customer_summary` and `purchase_days`.
        period: Its last day, as far as data reach, is the day of knowledge.
        before_acquisition: Give back the CPS and host commission on the first purchase: for a
            comparison with an acquisition cost, which holds it.

    Returns:
        `channel` (empty text for all channels, first), `customers`, `value` (money per customer),
        `low`, `high` (95 %, customers independent). Channels with fewer than 30 customers are left
        out.

    Raises:
        MissingTable: Cost of goods is unknown, or history is shorter than two years.

    Source: plan 1.3.
    """
    import ibis
    import pandas as pd

    store.require("orders", "customer_id")
    last = min(period.end, store.as_of) - timedelta(days=YEAR_DAYS)
    first = last - timedelta(days=YEAR_DAYS - 1)
    if first < store.first_day:
        raise MissingTable("orders", ("paid_at",), "short")
    people = store.mart("customer_summary")
    people = people.filter(people.first_day >= first, people.first_day <= last)
    days = known_contributions(store).drop("channel")
    key = ("shop_id", "customer_id")
    days = days.inner_join(people.select(*key, "first_day", channel=people.first_channel), key)
    days = days.filter(days.day.delta(days.first_day, unit="day") < YEAR_DAYS)
    value = days.value + days.first_commission if before_acquisition else days.value
    money = ibis.cases((value.notnull().all(), value.sum())).cast("float64")
    each = days.group_by(*key, "channel").aggregate(money=money)
    grouped = each.group_by("channel").aggregate(
        customers=each.count(), known=each.money.count(), total=each.money.sum(),
        squares=(each.money * each.money).sum(),
    )  # fmt: skip
    frame = store.to_frame(grouped.order_by("channel")).fillna(0.0)
    everyone = frame.drop(columns="channel").sum()
    if everyone["known"] < max(SMALLEST_COSTED_SHARE * everyone["customers"], SMALLEST_COHORT):
        short = store.has("price_history") and everyone["known"] >= SMALLEST_COHORT
        raise MissingTable("price_history", ("unit_cost",), "short" if short else "absent")
    frame = pd.concat([everyone.to_frame().T.assign(channel=""), frame], ignore_index=True)
    frame = frame[frame["known"] >= SMALLEST_COHORT].reset_index(drop=True)
    return _means(frame)


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    """Means with a 95 % interval from counts, sums and sums of squares."""
    n = frame["known"].astype(float)
    mean = frame["total"].astype(float) / n
    variance = (frame["squares"].astype(float) - n * mean**2) / (n - 1)
    half = 1.96 * (variance.clip(lower=0) / n) ** 0.5
    return frame[["channel", "customers"]].assign(value=mean, low=mean - half, high=mean + half)


def cost_against_value(store: Store, period: Period) -> pd.DataFrame:
    """Each paid channel's cost per new customer against what may be paid, most spend first.

    Two lines may not be crossed. `break_even` is what the channel's customers of a year ago brought
    in 365 days (those of all channels where too few came through it). `ceiling` is what all paid
    channels together may cost per new customer so that the blended target is met, with the other
    channels' spend and new customers as they are.

    Returns:
        `channel`, `spend`, `new_customers`, `cac`, `low`, `high`, `break_even`, `break_even_low`,
        `break_even_high`, `ceiling` (money per new customer; empty where unknown), `action`
        (`cut`: costs more than its customers bring; `cap`: costs more than the target bears;
        `room`: clearly below both; `watch`: not enough evidence), `limit` (what a customer may cost
        by that: `break_even` on `cut`, else the lower of both lines), `cpc` (money per click),
        `cpc_limit` (what a click may cost so that a customer costs `limit`, at today's conversion
        and other spend; empty where no clicks are counted), `worth` (money of the period: lost on
        `cut`, above the ceiling on `cap`), `worth_low`, `worth_high` (95 %).

    Raises:
        MissingTable: As `acquisition_by_channel`.

    Source: plan 1.3, 2.2.
    """
    import pandas as pd

    gap = cac_gap(store, period).iloc[0]
    channels = acquisition_by_channel(store, period)
    is_paid = channels["channel"].isin(paid_channels(channel_days(store, period)))
    paid = channels[is_paid & channels["cac"].notna()].reset_index(drop=True)
    paid = _with_break_even(store, period, paid).assign(ceiling=gap["ceiling"])
    judged = pd.DataFrame([_judge(row) for row in paid.to_dict("records")], index=paid.index)
    names = ["channel", "spend", "new_customers", "cac", "low", "high", "break_even",
             "break_even_low", "break_even_high", "ceiling", "action", "limit", "cpc", "cpc_limit",
             "worth", "worth_low", "worth_high"]  # fmt: skip
    frame = pd.concat([paid, judged], axis=1)
    lines = frame["break_even"].where(
        frame["action"] == "cut", frame[["break_even", "ceiling"]].min(axis=1)
    )
    return _with_clicks(store, period, frame.assign(limit=lines)).reindex(columns=names)


def _with_clicks(store: Store, period: Period, frame: pd.DataFrame) -> pd.DataFrame:
    """What a click costs, and may cost: the limit less other spend, times customers per click."""
    rows = campaign_days(store, period)
    rows = rows[rows["clicks"].notna()].groupby("channel")[["spend", "clicks"]].sum()
    rows = rows[rows["clicks"] > 0].reindex(frame["channel"]).reset_index(drop=True)
    other = (frame["spend"] - rows["spend"]).clip(lower=0.0)
    for_clicks = frame["limit"] * frame["new_customers"] - other
    limit = for_clicks.where(for_clicks > 0) / rows["clicks"]
    return frame.assign(cpc=rows["spend"] / rows["clicks"], cpc_limit=limit)


def _with_break_even(store: Store, period: Period, paid: pd.DataFrame) -> pd.DataFrame:
    columns = {"value": "break_even", "low": "break_even_low", "high": "break_even_high"}
    try:
        values = value_by_channel(store, period, before_acquisition=True).set_index("channel")
    except MissingTable:
        return paid.assign(**dict.fromkeys(columns.values(), math.nan))
    found = values[list(columns)].rename(columns=columns)
    joined = paid.join(found, on="channel")
    return joined.fillna(found.loc[""].to_dict())


def _judge(row: dict[str, float]) -> dict[str, object]:
    """What to do with a channel, and what it is worth; only where the intervals leave no doubt."""
    spend, new = row["spend"], row["new_customers"]
    if row["low"] > row["break_even_high"]:
        action, line = "cut", row["break_even"]
    elif row["low"] > row["ceiling"]:
        action, line = "cap", row["ceiling"]
    elif row["high"] < row["break_even_low"] and not row["high"] >= row["ceiling"]:
        return _worth("room", math.nan, math.nan, math.nan)
    else:
        return _worth("watch", math.nan, math.nan, math.nan)
    return _worth(
        action,
        spend - new * line,
        spend * (1 - line / row["low"]),
        spend * (1 - line / row["high"]),
    )


def _worth(action: str, worth: float, low: float, high: float) -> dict[str, object]:
    return {"action": action, "worth": worth, "worth_low": low, "worth_high": high}


def bid_limits(store: Store, period: Period) -> pd.DataFrame:
    """What to ask of paid channels whose customers surely cost too much, most money first.

    Returns:
        As `cost_against_value`, its channels to `cut` and to `cap` alone; `action` ends in `_whole`
        where no price of a click leads to the limit, because fees and commission reach it alone
        or no clicks are counted.

    Raises:
        MissingTable: As `cost_against_value`.

    Source: plan 1.3, 2.2.
    """
    frame = cost_against_value(store, period)
    frame = frame[frame["action"].isin(("cut", "cap"))]
    whole = frame["cpc_limit"].isna().map({True: "_whole", False: ""})
    frame = frame.assign(action=frame["action"] + whole)
    return frame.sort_values(["worth", "channel"], ascending=[False, True], ignore_index=True)


def acquisition_costs(store: Store, period: Period) -> pd.DataFrame:
    """Acquisition cost by every definition of the contract, the binding one first.

    Returns:
        One row per definition that the store can say: `metric`, `value` (money), `low`, `high`
        (95 %), `numerator` (spend), `denominator` (new customers by that definition).

    Raises:
        MissingTable: Spend or customers are unknown for the period.

    Source: plan 1.3.
    """
    import pandas as pd

    from helpers.measures import traffic

    rows = [traffic.cac_blended(store, period).assign(metric="cac_blended")]
    for measure in (traffic.cac_paid, traffic.cac_platform_new):
        found = or_none(measure, store, period)
        rows += [] if found is None else [found.assign(metric=measure.__name__)]
    names = ["metric", "value", "low", "high", "numerator", "denominator"]
    return pd.concat(rows, ignore_index=True)[names]


def cac_gap(store: Store, period: Period) -> pd.DataFrame:
    """What it would take to reach the target of blended acquisition cost, each way alone.

    Returns:
        One row: `spend`, `new_customers`, `cac`, `target`, `spend_to_cut` (money, at the same new
        customers), `customers_needed` (more new customers, at the same spend); 0 where the target
        is met. `paid_customers` (of paid channels), `free_customers` (of all others), `free_share`
        (0 to 1), `ceiling` (what a customer of the paid channels may cost). What rests on the
        target is empty where none binds.

    Raises:
        MissingTable: Spend, customers or the channel of orders are unknown for the period.

    Source: plan 1.3.
    """
    import pandas as pd

    store.require("orders", "channel")
    require_customers(store, period)
    require_spend(store, period)
    days = channel_days(store, period)
    target = targets.load(store.currency, store.targets).get("cac_blended")
    goal = target.value if target else math.nan
    is_paid = days["channel"].isin(paid_channels(days))
    spend, new = (float(days[name].sum()) for name in ("acquisition_spend", "new_customers"))
    paid = float(days.loc[is_paid, "new_customers"].sum())
    other_spend = float(days.loc[~is_paid, "acquisition_spend"].sum())
    row = {
        "spend": spend,
        "new_customers": new,
        "cac": divide(spend, new),
        "target": goal,
        "spend_to_cut": max(spend - goal * new, 0.0) if target else math.nan,
        "customers_needed": whole(max(spend / goal - new, 0.0)) if target else math.nan,
        "paid_customers": paid,
        "free_customers": new - paid,
        "free_share": divide(new - paid, new),
        "ceiling": divide(goal * new - other_spend, paid),
    }
    return pd.DataFrame([row])
