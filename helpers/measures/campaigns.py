"""Campaigns of the paid channels: their prices, and what their platforms claim for them.

Claims are shown as reported and never added up; what is judged is the claim, deflated by what its
channel claims beyond the orders that came through it. Source: plan 2.2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures.channel_days import spread_spend
from helpers.measures.channels import or_none
from helpers.measures.frames import divide
from helpers.measures.paid_days import ADDED, campaign_days, paid_days, rate, ratio, unit_prices
from helpers.measures.paid_returns import break_evens, verdict

if TYPE_CHECKING:
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.plan.periods import Period
    from helpers.store.open import Store

JUDGED_KINDS = ("ads", "content")


def campaigns(store: Store, period: Period) -> pd.DataFrame:
    """Every campaign of the paid channels with what its platform claims for it.

    A platform may claim more than came through its channel. So the claimed return is divided by the
    channel's claimed sales / paid sales of its orders where that is above 1 (`deflator`). What the
    channel costs besides (slot fees, agencies) is borne by its campaigns in proportion to their
    claims. Only the return after both is judged.

    Returns:
        One row per campaign, most spend first: `channel`, `campaign`, `kind`, `spend`,
        `spend_share` (of its channel), `impressions`, `cpm`, `clicks`, `ctr`, `cpc`, `conversion`
        (orders that the platform claims per click), `frequency`, `claimed` (sales that it claims),
        `claimed_return` (claimed / spend), `deflator`, `borne` (spend and its part of fees),
        `value`, `low`, `high` (claimed / deflator / borne; 95 %, day-to-day process), `net` (the
        same after the refunds of its channel), `break_even`, `break_even_low`, `break_even_high`,
        `year_break_even`, `year_low`, `year_high` (of its channel, see `break_evens`; compare them
        with `value`), `value_last_year` and `pays` (as `paid_returns.returns_by_channel`;
        `no_return` where nothing is claimed or the money is a fee). Empty where unknown.

    Raises:
        MissingTable: Spend, its kind or the channel of orders is unknown for the period.

    Source: plan 2.2.
    """
    now = _campaigns(store, period)
    year = or_none(_campaigns, store, period.last_year())
    key = ["channel", "campaign"]
    if year is None:
        now["value_last_year"] = math.nan
    else:
        then = year[[*key, "value"]].rename(columns={"value": "value_last_year"})
        now = now.merge(then.drop_duplicates(key), on=key, how="left")
    now = now.merge(break_evens(store, period), on="channel", how="left")
    now["net"] = now["value"] * (1 - now["refund_share"])
    judged = now["kind"].isin(JUDGED_KINDS) & now["value"].notna()
    found = [verdict(row) for row in now.to_dict("records")]
    now["pays"] = [one if has else "no_return" for one, has in zip(found, judged, strict=True)]
    return now.drop(columns="refund_share")


def _campaigns(store: Store, period: Period) -> pd.DataFrame:
    import pandas as pd

    channels = dict(iter(paid_days(store, period).groupby("channel")))
    days = campaign_days(store, period)
    rows = []
    for channel, whole in days[days["channel"].isin(channels)].groupby("channel"):
        deflator = _deflator(store, period, channels[channel])
        claims = whole["attributed_sales"].sum()
        own = whole.loc[whole["attributed_sales"].notna(), "spend"].sum()
        fees = max(float(channels[channel]["booked_acquisition"].sum() - own), 0.0)
        for (name, kind), part in whole.groupby(["campaign", "kind"]):
            sums = part[list(ADDED)].sum(min_count=1)
            borne = sums["spend"] + fees * divide(part["attributed_sales"].sum(), claims)
            rows.append({"channel": channel, "campaign": name, "kind": kind,
                         "spend": sums["spend"], **unit_prices(sums),
                         **_claimed(store, period, part, deflator, float(borne))})  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["spend_share"] = frame["spend"] / frame.groupby("channel")["spend"].transform("sum")
    names = ["channel", "campaign", "kind", "spend", "spend_share", "impressions", "cpm", "clicks",
             "ctr", "cpc", "conversion", "frequency", "claimed", "claimed_return", "deflator",
             "borne", "value", "low", "high"]  # fmt: skip
    by = ["spend", "channel", "campaign", "kind"]
    frame = frame[frame["spend"] > 0]
    return frame.sort_values(by, ascending=[False, True, True, True], ignore_index=True)[names]


def _deflator(store: Store, period: Period, part: pd.DataFrame) -> Estimate:
    """Claimed sales / paid sales of the channel's orders, at least 1."""
    from helpers.models.estimate import Estimate

    found = rate(store, period, part, "attributed_sales", "paid_sales")
    return found if found.value > 1 else Estimate(1.0, 1.0, 1.0, 0)


def _claimed(
    store: Store, period: Period, part: pd.DataFrame, deflator: Estimate, borne: float
) -> dict[str, float]:
    """What a campaign claims per unit of its spend, and the same deflated and with its fees."""
    spend = spread_spend(store, period, part, "spend")
    found = ratio(store, period, part, "attributed_sales", spend)
    conversions, clicks = (part[name].sum() for name in ("attributed_conversions", "clicks"))
    known = part["attributed_conversions"].notna().any()
    fewer = float(spend.sum()) / borne / deflator.value if borne else math.nan
    own = divide(deflator.high - deflator.low, 2 * deflator.value)
    ends = (
        math.hypot(divide(abs(end - found.value), found.value), 0.0 if math.isnan(own) else own)
        for end in (found.low, found.high)
    )
    low, high = ends
    return {
        "conversion": divide(conversions, clicks) if known else math.nan,
        "claimed": part["attributed_sales"].sum(min_count=1),
        "claimed_return": found.value,
        "deflator": deflator.value,
        "borne": borne,
        "value": found.value * fewer,
        "low": found.value * fewer * max(1 - low, 0.0),
        "high": found.value * fewer * (1 + high),
    }
