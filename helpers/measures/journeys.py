"""Visits of people put in order: what led to an order, how long it took, and over which channels.

A journey is the visits of one person until an order. It ends with the order, or 30 days after the
last visit without one, and counts on the day on which it ends: so each journey counts once, and one
that may still lead to an order does not count yet. Visits more than 30 days before its last one are
left out. Journeys are those of the visits that table `sessions` knows: where people were drawn at
random they give shares, no totals. Source: plan 2.2.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

from helpers.measures.frames import proportion
from helpers.measures.purchases import SMALLEST_GROUP, without_small_groups
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

PERSON = ("shop_id", "visitor_id")
LOOKBACK_DAYS = 30
WINDOW_DAYS = 365
FEWEST_ORDERS = 50
LONGEST = 5
STEPS = 3


def journeys(store: Store, period: Period) -> pd.DataFrame:
    """The journeys that ended in the 365 days to the period's end.

    Fewer days where visits are not known so far back, and more where the period is longer.

    Returns:
        One row per journey, those with an order in order of time, then the others: `person` (a
        number), `channels` (tuple, the earliest visit first), `days` (tuple: whole days from each
        visit to the last), `ordered`, `is_new` (the order is the person's first purchase),
        `paid_sales` (money).

    Raises:
        MissingTable: Visits are unknown, name no orders, begin later than 30 days before the
            period, end before it, or led to fewer than 50 orders.
    """
    window = window_of(store, period)
    key = f"journeys.{window.start}.{window.end}"
    found: pd.DataFrame = store.once(key, lambda: _journeys(store, window))
    if found["ordered"].sum() < FEWEST_ORDERS:
        raise MissingTable("sessions", ("order_id",), "short")
    return found


def window_of(store: Store, period: Period) -> Period:
    """The days on which journeys end that a period's figures rest on.

    Raises:
        MissingTable: As `journeys`, but for the number of orders.
    """
    store.require("sessions", "visitor_id", "started_at", "channel", "order_id")
    end = min(period.end, store.as_of)
    sessions = store.table("sessions")
    first, last = store.once("sessions.known", lambda: _known(store, sessions))
    if first is None or last < period.start or period.start > end:
        raise MissingTable("sessions", ("started_at",), "short")
    whole = first + timedelta(days=LOOKBACK_DAYS)
    if whole > period.start:
        raise MissingTable("sessions", ("started_at",), "short")
    year = end - timedelta(days=WINDOW_DAYS - 1)
    return Period(min(period.start, max(year, whole)), end)


def _known(store: Store, sessions: ir.Table) -> tuple[date | None, date | None]:
    """First and last day of visits."""
    ends = sessions.aggregate(first=sessions.started_at.min(), last=sessions.started_at.max())
    row = store.to_frame(ends).iloc[0]
    return (
        (row["first"].date(), row["last"].date()) if row["first"] == row["first"] else (None,) * 2
    )


def _journeys(store: Store, window: Period) -> pd.DataFrame:
    """Visits numbered by journey, then one row a journey."""
    import ibis

    visits = _with_orders(store, window)
    person = ibis.window(group_by=list(PERSON), order_by=[visits.started_at, visits.session_id])
    gap = visits.started_at.lag().over(person) + ibis.interval(days=LOOKBACK_DAYS)
    starts = gap.isnull() | (gap < visits.started_at) | visits.ordered.lag().over(person)
    visits = visits.mutate(starts=starts.cast("int64"))
    so_far = ibis.cumulative_window(
        group_by=list(PERSON), order_by=[visits.started_at, visits.session_id]
    )
    visits = visits.mutate(number=visits.starts.sum().over(so_far))
    whole = ibis.window(group_by=[*PERSON, "number"])
    visits = visits.mutate(last_at=visits.started_at.max().over(whole))
    visits = visits.filter(visits.started_at >= visits.last_at - ibis.interval(days=LOOKBACK_DAYS))
    days = visits.last_at.date().delta(visits.started_at.date(), unit="day").cast("string")
    found = visits.group_by(*PERSON, "number").aggregate(
        last_at=visits.last_at.max(),
        visits=(days + "|" + visits.channel).collect(
            order_by=[visits.started_at, visits.session_id]
        ),
        ordered=visits.ordered.any(),
        is_new=visits.is_new.any(),
        paid_sales=visits.paid_sales.sum().fill_null(0).cast("float64"),
    )
    wait = ibis.ifelse(found.ordered, 0, LOOKBACK_DAYS)
    found = found.mutate(ended_on=(found.last_at + wait.as_interval("D")).date())
    found = found.filter(found.ended_on >= window.start, found.ended_on <= window.end)
    ordering = [found.ordered.desc(), "last_at", *PERSON, "number"]
    return _tidy(store.to_frame(found.order_by(ordering)))


def _with_orders(store: Store, window: Period) -> ir.Table:
    """Visits that may belong to the window's journeys, with the purchase made in them."""
    sessions = store.table("sessions")
    first = window.start - timedelta(days=3 * LOOKBACK_DAYS)
    day = sessions.started_at.date()
    sessions = sessions.filter(day >= first, day <= window.end)
    sessions = sessions.select(*PERSON, "session_id", "order_id", "started_at", "channel")
    orders = store.mart("orders_valued")
    orders = orders.filter(orders.is_purchase)
    first_days = store.mart("purchase_days")
    first_days = first_days.filter(first_days.number == 1)
    first_days = first_days.select("shop_id", "customer_id", "day", "number")
    orders = orders.left_join(first_days, ("shop_id", "customer_id", "day"))
    orders = orders.select("shop_id", "order_id", "paid_sales", is_new=orders.number.notnull())
    joined = sessions.left_join(orders, ("shop_id", "order_id"))
    joined = joined.mutate(
        ordered=joined.paid_sales.notnull(), is_new=joined.is_new.fill_null(False)
    )
    return joined.drop("shop_id_right", "order_id_right")


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    visits = [[visit.partition("|") for visit in journey] for journey in frame["visits"]]
    found = frame.assign(
        person=frame.groupby(list(PERSON), sort=False).ngroup(),
        channels=[tuple(channel for _, _, channel in journey) for journey in visits],
        days=[tuple(int(days) for days, _, _ in journey) for journey in visits],
    )
    names = ["person", "channels", "days", "ordered", "is_new", "paid_sales"]
    return found[names].reset_index(drop=True)


def multi_channel_share(store: Store, period: Period) -> pd.DataFrame:
    """Orders whose journey passed two channels or more / orders with a journey.

    Returns:
        One row, `frames.COLUMNS`; n orders, which are taken as independent.

    Raises:
        MissingTable: As `journeys`.

    Source: plan 2.2.
    """
    found = journeys(store, period)
    orders = found[found["ordered"]]
    several = sum(len(set(names)) > 1 for names in orders["channels"])
    return proportion(float(several), float(len(orders)))


def journey_summary(store: Store, period: Period) -> pd.DataFrame:
    """How orders come about, in one row.

    Returns:
        `orders` (with a journey), `visits` (mean), `days` (median from first visit to order),
        `days_late` (90th percentile), `several` (share with two channels or more), `several_low`,
        `several_high` (95 %), `one_visit` (share with one visit), `journeys`, `ended_in_order`
        (share of journeys that did), `orders_known` (share of the shop's orders that `sessions`
        knows), `from_day`, `to_day` (days on which the journeys ended).

    Raises:
        MissingTable: As `journeys`.

    Source: plan 2.2.
    """
    import pandas as pd

    found = journeys(store, period)
    window = window_of(store, period)
    orders = found[found["ordered"]]
    visits = orders["channels"].map(len)
    taken = orders["days"].map(max)
    several = multi_channel_share(store, period).iloc[0]
    shop = store.mart("shop_days")
    shop = shop.filter(shop.day >= window.start, shop.day <= window.end)
    total = store.to_frame(shop.aggregate(orders=shop.orders.sum().cast("float64")))["orders"].iloc[
        0
    ]
    row = {
        "orders": len(orders),
        "visits": float(visits.mean()),
        "days": float(taken.median()),
        "days_late": float(taken.quantile(0.9)),
        "several": several["value"],
        "several_low": several["low"],
        "several_high": several["high"],
        "one_visit": float((visits == 1).mean()),
        "journeys": len(found),
        "ended_in_order": len(orders) / len(found),
        "orders_known": min(len(orders) / total, 1.0) if total else math.nan,
        "from_day": pd.Timestamp(window.start),
        "to_day": pd.Timestamp(window.end),
    }
    return pd.DataFrame([row])


def journey_lengths(store: Store, period: Period) -> pd.DataFrame:
    """Orders by the number of visits that led to them.

    Returns:
        One row per number of visits: `visits` (1 to 5), `length` (`1`, `2`, ... and with a plus
        where it stands for more too: `5+`), `orders`, `share`, `low`, `high` (95 %), `channels`
        (mean number of different channels), `days` (median from first visit to order), `new_share`
        (first purchases / orders). Numbers with fewer than 10 people are merged into the one
        before.

    Raises:
        MissingTable: As `journeys`.

    Source: plan 2.2.
    """
    import pandas as pd

    from helpers.models.intervals import wilson

    found = journeys(store, period)
    orders = found[found["ordered"]]
    visits = orders["channels"].map(len).clip(upper=LONGEST)
    while visits.max() > 1 and orders["person"][visits == visits.max()].nunique() < SMALLEST_GROUP:
        visits = visits.clip(upper=visits.max() - 1)
    frame = pd.DataFrame(
        {
            "visits": visits,
            "channels": orders["channels"].map(lambda names: len(set(names))),
            "days": orders["days"].map(max),
            "is_new": orders["is_new"].astype(float),
        }
    )
    grouped = frame.groupby("visits").agg(
        orders=("days", "size"), channels=("channels", "mean"), days=("days", "median"),
        new_share=("is_new", "mean"),
    ).reset_index()  # fmt: skip
    low, high = wilson(grouped["orders"], len(orders))
    grouped = grouped.assign(share=grouped["orders"] / len(orders), low=low, high=high)
    last = grouped["visits"] == grouped["visits"].max()
    grouped["length"] = grouped["visits"].astype(str) + last.map({True: "+", False: ""})
    names = ["visits", "length", "orders", "share", "low", "high", "channels", "days", "new_share"]
    return grouped[names]


def top_paths(store: Store, period: Period) -> pd.DataFrame:
    """The courses over channels that most orders came by; visits in a row by one channel are one.

    Returns:
        `step_1`, `step_2`, `step_3` (channels; empty after the last), `turns` (channels in turn, 1
        to 3), `orders`, `people`, `share`
        (of all orders with a journey), `low`, `high` (95 %), `days` (median), `order_value` (paid
        sales an order), `ended_in_order` (share of the path's journeys that ended with an order),
        most orders first. Paths of fewer than 10 people with an order, or of more than three
        channels in turn, are left out.

    Raises:
        MissingTable: As `journeys`.

    Source: plan 2.2.
    """
    from itertools import groupby

    from helpers.models.intervals import wilson

    found = journeys(store, period)
    paths = found["channels"].map(lambda names: tuple(name for name, _ in groupby(names)))
    frame = found.assign(path=paths, taken=found["days"].map(max))
    every = frame.groupby("path").size()
    orders = frame[frame["ordered"]]
    grouped = orders.groupby("path").agg(
        orders=("taken", "size"), people=("person", "nunique"), days=("taken", "median"),
        order_value=("paid_sales", "mean"),
    ).reset_index()  # fmt: skip
    low, high = wilson(grouped["orders"], len(orders))
    grouped = grouped.assign(
        share=grouped["orders"] / len(orders), low=low, high=high,
        ended_in_order=grouped["orders"] / grouped["path"].map(every),
    )  # fmt: skip
    shown = without_small_groups(grouped, "people")
    shown = shown[shown["path"].map(len) <= STEPS].reset_index(drop=True)
    shown["turns"] = shown["path"].map(len)
    steps = [f"step_{i + 1}" for i in range(STEPS)]
    for i, step in enumerate(steps):
        shown[step] = [names[i] if i < len(names) else "" for names in shown["path"]]
    names = [*steps, "turns", "orders", "people", "share", "low", "high", "days", "order_value",
             "ended_in_order"]  # fmt: skip
    ordering = ["orders", *steps]
    return shown[names].sort_values(ordering, ascending=[False] + [True] * STEPS, ignore_index=True)


def handovers(store: Store, period: Period) -> pd.DataFrame:
    """Orders by the channel that began their journey and the one that ended it.

    Returns:
        `began`, `ended` (channels), `orders`, `people`, `share` (of all orders with a journey),
        `share_of_began` (of the orders that `began` began), most orders first. Pairs of fewer than
        10 people are left out.

    Raises:
        MissingTable: As `journeys`.

    Source: plan 2.2.
    """
    found = journeys(store, period)
    orders = found[found["ordered"]]
    frame = orders.assign(
        began=[names[0] for names in orders["channels"]],
        ended=[names[-1] for names in orders["channels"]],
    )
    begun = frame.groupby("began").size()
    grouped = frame.groupby(["began", "ended"]).agg(
        orders=("ordered", "size"), people=("person", "nunique")
    ).reset_index()  # fmt: skip
    grouped["share"] = grouped["orders"] / len(orders)
    grouped["share_of_began"] = grouped["orders"] / grouped["began"].map(begun)
    shown = without_small_groups(grouped, "people")
    return shown.sort_values(
        ["orders", "began", "ended"], ascending=[False, True, True], ignore_index=True
    )
