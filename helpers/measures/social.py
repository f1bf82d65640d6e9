"""How many people social, content and live reach, and how many of them react.

Counts are the platforms' own. Source: plan 3.2, 6.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.channel_days import require_spend, within
from helpers.measures.channels import or_none
from helpers.plan import benchmarks
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

REACH_FIGURES = ("social_reach", "cross_platform_reach")


def reach_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """What advertising showed, whom it reached and who reacted, by channel, most shown first.

    Returns:
        `channel`, `spend` (of campaigns that count impressions), `impressions`, `reach` (people,
        each once a day), `engagements`, `engagement_rate` (engagements per impression, 0 to 1),
        `engagement_cost` (money per engagement), `reach_cost` (money per 1,000 people reached),
        `last_year` (impressions then), `rate_last_year` (engagement rate then). A figure is empty
        where the channel does not count it.

    Raises:
        MissingTable: The shop shows no impressions in the period.

    Source: plan 3.2, 6.1.
    """
    now = _reach(store, period)
    then = or_none(_reach, store, period.last_year())
    if then is None:
        return now.assign(last_year=float("nan"), rate_last_year=float("nan"))
    before = then.set_index("channel")
    return now.assign(
        last_year=now["channel"].map(before["impressions"]),
        rate_last_year=now["channel"].map(before["engagement_rate"]),
    )


def reach_expected(store: Store, period: Period) -> pd.DataFrame:
    """Impressions a month beside what the plan quotes of other shops.

    Returns:
        One row: `impressions` (a month of 30.4 days), `least`, `most` (the plan's figures).

    Raises:
        MissingTable: As `reach_by_channel`.

    Source: plan 3.2, 6.1.
    """
    import pandas as pd

    shown = _reach(store, period)["impressions"].sum()
    days = within(store, period).days
    figures = sorted(
        found.after for found in benchmarks.load() if found.id in REACH_FIGURES and found.after
    )
    row = (shown / days * 365.25 / 12, figures[0], figures[-1])
    return pd.DataFrame([row], columns=["impressions", "least", "most"])


def _reach(store: Store, period: Period) -> pd.DataFrame:
    require_spend(store, period, "impressions")
    span = within(store, period)
    table = store.table("ad_spend")
    table = table.filter(
        table.day >= span.start, table.day <= span.end, table.impressions.notnull()
    )
    names = ("spend", "impressions", "reach", "engagements")
    sums = {name: table[name].sum().cast("float64") for name in names}
    reacted = {
        "reacted_spend": table.spend.sum(where=table.engagements.notnull()).cast("float64"),
        "reacted_impressions": table.impressions.sum(where=table.engagements.notnull()).cast(
            "float64"
        ),
        "reached_spend": table.spend.sum(where=table.reach.notnull()).cast("float64"),
    }
    frame = store.to_frame(
        table.group_by("channel").aggregate(**sums, **reacted).order_by("channel")
    )
    frame = frame[frame["impressions"] > 0]
    if frame.empty:
        raise MissingTable("ad_spend", ("impressions",), "empty")
    for name in ("reach", "engagements"):
        frame[name] = frame[name].astype(float).where(frame[name] > 0)
    frame = frame.assign(
        engagement_rate=frame["engagements"] / frame["reacted_impressions"],
        engagement_cost=frame["reacted_spend"] / frame["engagements"],
        reach_cost=1000 * frame["reached_spend"] / frame["reach"],
    )
    frame = frame.sort_values(["impressions", "channel"], ascending=[False, True])
    columns = ["channel", "spend", "impressions", "reach", "engagements", "engagement_rate",
               "engagement_cost", "reach_cost"]  # fmt: skip
    return frame[columns].reset_index(drop=True)
