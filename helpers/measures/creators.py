"""Profit and loss of hosts and creators, and whom to book again.

Source: plan 3.2, 6.1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures.channels import SMALLEST_GROUP
from helpers.measures.frames import divide, estimated
from helpers.measures.works import LIVE, POSTS, works
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

QUARTER_DAYS = 91
FEWEST_WORKS = 6
MONTHS = QUARTER_DAYS * 12 / 365.25
KINDS = {"live": LIVE, "posts": POSTS}


def live_gpm(store: Store, period: Period) -> pd.DataFrame:
    """Paid sales of live sessions per 1,000 views 观看次数 (GPM), refunds not taken off.

    Returns:
        One row, `frames.COLUMNS`, money; n sessions, which are taken as independent.

    Raises:
        MissingTable: The shop has no live sessions, or their views are unknown.

    Source: plan 3.2.
    """
    from helpers.models.intervals import ratio_of_sums

    shown = _with_views(works(store, period, LIVE))
    money = 1000 * shown["paid_sales"]
    found = ratio_of_sums(money, shown["views"], serial=False)
    return estimated(found, float(money.sum()), float(shown["views"].sum()))


def live_calendar(store: Store, period: Period) -> pd.DataFrame:
    """The period's live sessions, one a row, in order of time.

    Returns:
        `day`, `host`, `host_zh`, `host_kind`, `views`, `orders`, `conversion` (buyers per viewer,
        0 to 1), `gpm`, `gpm_net` (paid sales, and net of refunds, per 1,000 views), `paid_sales`,
        `contribution` (after commission, goods, refunds and freight), `cost` (slot fee and boost),
        `profit`. Figures that rest on 1 to 9 buyers are empty.

    Raises:
        MissingTable: As `works.works`.

    Source: plan 3.2.
    """
    shown = works(store, period, LIVE)
    frame = shown.rename(columns={"creator": "host", "creator_zh": "host_zh",
                                  "creator_kind": "host_kind"})  # fmt: skip
    views = frame["views"].where(frame["views"] > 0)
    frame = frame.assign(
        conversion=frame["buyers"] / frame["reach"].where(frame["reach"] > 0),
        gpm=1000 * frame["paid_sales"] / views,
        gpm_net=1000 * frame["net_sales"] / views,
    )
    few = frame["buyers"].between(1, SMALLEST_GROUP - 1)
    hidden = ["orders", "conversion"]
    frame[hidden] = frame[hidden].astype(float).mask(few)
    names = ["day", "host", "host_zh", "host_kind", "views", "orders", "conversion", "gpm",
             "gpm_net", "paid_sales", "contribution", "cost", "profit"]  # fmt: skip
    return frame[names]


def creator_results(store: Store, period: Period, *, kind: str = "live") -> pd.DataFrame:
    """Profit and loss of each host or creator over the 91 days to the period's end.

    Args:
        store: The store.
        period: The report's period.
        kind: `live` for hosts of live sessions, `posts` for creators of posts.

    Returns:
        `creator`, `creator_zh`, `creator_kind` (`own`, `kol`, `koc`), `works` (sessions or posts),
        `paid_sales`, `refund_share` (of paid sales, with refunds to come), `contribution`, `cost`,
        `profit` (money), `each`, `low`, `high` (profit of one work, 95 %, works independent),
        `gpm` (paid sales per 1,000 views), `engagement_rate` (engagements per view),
        `engagement_cost` (cost per engagement), `new_customers`, `cac` (cost per new customer),
        `highest_fee` (the fee at which a work breaks even, its other costs as they are; empty where
        none is paid), `fee` (what is paid now), `verdict` (`renew`, `renegotiate`, `stop`, `keep`,
        `few` works, `unsure`), largest loss first. Figures that rest on 1 to 9 buyers are empty.

    Raises:
        MissingTable: As `works.works`.
        ValueError: An unknown kind.

    Source: plan 3.2.
    """
    import pandas as pd

    shown = _quarter(store, period, kind)
    rows = [_creator(str(creator), part) for creator, part in shown.groupby("creator")]
    frame = pd.DataFrame(rows)
    if frame.empty:
        return frame
    few = frame["buyers"].between(1, SMALLEST_GROUP - 1)
    hidden = ["new_customers", "cac"]
    few |= frame["new_customers"].between(1, SMALLEST_GROUP - 1)
    frame[hidden] = frame[hidden].astype(float).mask(few)
    frame = frame.sort_values(["profit", "creator"], ignore_index=True)
    return frame.drop(columns="buyers")


def engagement_rate(store: Store, period: Period) -> pd.DataFrame:
    """Likes, saves, comments and shares per view, of live sessions and posts of the period.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1 as a rule; n sessions and posts, taken as independent.

    Raises:
        MissingTable: The shop has neither, or their views or engagements are unknown.

    Source: plan 3.2, 6.1.
    """
    import pandas as pd

    from helpers.models.intervals import ratio_of_sums

    parts, lack = [], None
    for one in KINDS.values():
        try:
            parts.append(_with_views(works(store, period, one)))
        except MissingTable as missing:
            lack = lack or missing
    if not parts:
        raise lack or MissingTable("live_sessions")
    shown = pd.concat(parts).dropna(subset=["engagements"])
    found = ratio_of_sums(shown["engagements"], shown["views"], serial=False)
    return estimated(found, float(shown["engagements"].sum()), float(shown["views"].sum()))


def creator_actions(store: Store, period: Period) -> pd.DataFrame:
    """Whom to pay less, to stop and to book more, largest money first.

    Returns:
        One row a host or creator: `action` (`renegotiate`, `stop`, `renew` and the like, of a
        creator of posts `stop_posts` ...), `creator`, `creator_zh`, `works`, `fee`, `highest_fee`
        (money a work), `each`, `worth`, `worth_low`, `worth_high` (profit a month: lost now, or
        earned now on `renew`).

    Raises:
        MissingTable: The shop has neither sessions nor posts.

    Source: plan 3.2.
    """
    import pandas as pd

    parts, lack = [], None
    for kind in KINDS:
        try:
            found = creator_results(store, period, kind=kind)
        except MissingTable as missing:
            lack = lack or missing
            continue
        if not found.empty:
            found = found[found["verdict"].isin(["renegotiate", "stop", "renew"])]
            suffix = "" if kind == "live" else "_posts"
            parts.append(found.assign(action=found["verdict"] + suffix))
    if not parts:
        raise lack or MissingTable("live_sessions")
    frame = pd.concat(parts, ignore_index=True)
    sign = frame["verdict"].eq("renew").map({True: 1.0, False: -1.0})
    per_month = frame["works"] / MONTHS
    low, high = (sign * frame[end] * per_month for end in ("low", "high"))
    frame = frame.assign(
        worth=sign * frame["each"] * per_month,
        worth_low=low.where(low < high, high),
        worth_high=high.where(low < high, low),
    )
    frame = frame.sort_values(["worth", "creator"], ascending=[False, True], ignore_index=True)
    names = ["action", "creator", "creator_zh", "works", "fee", "highest_fee", "each", "worth",
             "worth_low", "worth_high"]  # fmt: skip
    return frame[names]


def _quarter(store: Store, period: Period, kind: str) -> pd.DataFrame:
    if kind not in KINDS:
        raise ValueError(f"kind == {kind!r}, must be one of {list(KINDS)}")
    return works(store, period.trailing(QUARTER_DAYS), KINDS[kind])


def _with_views(shown: pd.DataFrame) -> pd.DataFrame:
    known = shown[shown["views"] > 0]
    if known.empty:
        raise MissingTable("live_sessions", ("views",), "empty")
    return known


def _creator(creator: str, part: pd.DataFrame) -> dict[str, object]:
    """One host's or creator's sums, and the profit of one work with its interval."""
    from helpers.models.intervals import mean

    sums = part[["paid_sales", "refunds", "contribution", "cost", "profit", "views", "engagements",
                 "buyers", "new_customers"]].sum()  # fmt: skip
    count = len(part)
    each = mean(part["profit"]) if count > 1 else None
    low, high = (each.low, each.high) if each else (math.nan, math.nan)
    fee = float(part["slot_fee"].mean())
    own = str(part["creator_kind"].iloc[0]) == "own"
    highest = fee + float(part["profit"].mean())
    return {
        "creator": creator, "creator_zh": part["creator_zh"].iloc[0],
        "creator_kind": part["creator_kind"].iloc[0], "works": count,
        "paid_sales": sums["paid_sales"],
        "refund_share": divide(sums["refunds"], sums["paid_sales"]),
        "contribution": sums["contribution"], "cost": sums["cost"], "profit": sums["profit"],
        "each": sums["profit"] / count, "low": low, "high": high,
        "gpm": divide(1000 * sums["paid_sales"], sums["views"]),
        "engagement_rate": divide(sums["engagements"], sums["views"]),
        "engagement_cost": divide(sums["cost"], sums["engagements"]),
        "new_customers": sums["new_customers"], "cac": divide(sums["cost"], sums["new_customers"]),
        "highest_fee": max(highest, 0.0) if fee else math.nan, "fee": fee, "buyers": sums["buyers"],
        "verdict": _verdict(count, low, high, highest, fee, own),
    }  # fmt: skip


def _verdict(count: int, low: float, high: float, highest: float, fee: float, own: bool) -> str:
    """What to do: sure profit renews, sure loss pays less or ends; else more works must tell."""
    if count < FEWEST_WORKS or math.isnan(low):
        return "few"
    if low > 0:
        return "keep" if own or not fee else "renew"
    if high < 0:
        return "renegotiate" if highest > 0.3 * fee and fee else "stop"
    return "unsure"
