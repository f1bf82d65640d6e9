"""Why the cost of a new customer moved: mix, prices, rates and other spend, channel by channel.

An exact split of arithmetic, to the cent: it says where the cost moved, not who moved it. Channels
are those that the platform names. Source: plan 1.2, 2.2; Ang (2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from helpers.measures.channel_days import (
    channel_days,
    every_day,
    require_customers,
    require_spend,
    spread_spend,
    within,
)
from helpers.measures.frames import divide
from helpers.measures.paid_days import campaign_days
from helpers.measures.value_groups import OTHER
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.models.decomposition import CostParts
    from helpers.plan.periods import Period
    from helpers.store.open import Store

MEDIA = ("ads", "content")
SMALLEST_GROUP = 10
KNOWN_SHARE = 0.95
DRAWS = 1000
STEPS = ("mix", "price", "click_rate", "conversion", "overlap", "unsplit", "other")
DRIVERS = (
    "mix", "impression_price", "click_price", "click_rate", "conversion", "overlap", "unsplit",
    "other",
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """Both periods side by side and the pieces of the change.

    Attributes:
        channels: Their names; `other` joins those of fewer than 10 new customers.
        against: `last_year` or `previous`.
        before: The earlier period.
        after: The period.
        pieces: (C,) money per new customer by piece.
        drawn: The same, (draws, C): new customers as their days might have come out.
    """

    channels: list[str]
    against: str
    before: CostParts
    after: CostParts
    pieces: dict[str, np.ndarray]
    drawn: dict[str, np.ndarray]


def cac_bridge(store: Store, period: Period) -> pd.DataFrame:
    """From the blended cost of last year (else of the previous period) to that of now.

    Returns:
        `step` (`before`, the pieces of `STEPS` that are not 0, `after`), `value` (level, or money
        per new customer), `low`, `high` (95 %: new customers vary from day to day; empty for the
        two levels), `is_total`, `against` (`last_year` or `previous`). The steps between the levels
        sum to their difference.

    Raises:
        MissingTable: Spend, customers or the channel of orders are unknown for either period.

    Source: plan 1.2; Ang (2005).
    """
    import pandas as pd

    found = _change(store, period)
    rows = [("before", _cost(found.before), math.nan, math.nan, True)]
    for step, (value, drawn) in _steps(found).items():
        if abs(value.sum()) >= 0.005:
            rows.append((step, float(value.sum()), *_ends(drawn.sum(axis=-1)), False))
    rows.append(("after", _cost(found.after), math.nan, math.nan, True))
    frame = pd.DataFrame(rows, columns=["step", "value", "low", "high", "is_total"])
    return frame.assign(against=found.against)


def cac_change_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """The pieces of the change by channel, largest move first.

    Returns:
        `channel` (`other` joins those of fewer than 10 new customers in either period), `share`,
        `share_before` (of new customers, 0 to 1), `cac`, `cac_before` (money per new customer of
        the channel; empty where nothing was spent), the pieces of `STEPS`, `change` (their sum) in
        money per new customer of the shop, `change_low`, `change_high` (95 %), `against`. Without
        `overlap` or `unsplit` where they are nothing.

    Raises:
        MissingTable: As `cac_bridge`.

    Source: plan 1.2, 2.2; Ang (2005).
    """
    import numpy as np
    import pandas as pd

    found = _change(store, period)
    steps = _steps(found)
    drawn = np.sum([one for _, one in steps.values()], axis=0)
    ends = [_ends(drawn[:, at]) for at in range(len(found.channels))]
    frame = pd.DataFrame({"channel": found.channels, **{k: v for k, (v, _) in steps.items()}})
    frame["change"] = frame[list(STEPS)].sum(axis=1)
    frame["change_low"], frame["change_high"] = zip(*ends, strict=True)
    for name, one in (("", found.after), ("_before", found.before)):
        spend = pd.Series(one.media + one.other)
        frame[f"share{name}"] = one.customers / one.customers.sum()
        frame[f"cac{name}"] = spend.where(spend > 0) / one.customers.clip(min=1)
    frame = frame.drop(columns=[name for name in ("overlap", "unsplit") if not frame[name].any()])
    order = frame["change"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True).assign(against=found.against)


def cac_change_driver(store: Store, period: Period) -> pd.DataFrame:
    """The one piece of one channel that moved the cost most.

    Only pieces whose 95 % interval holds no 0 can be it, and where the whole cost surely moved only
    those that go the same way.

    Returns:
        One row: `variant` (the piece of `DRIVERS`; `none` where none is sure), `reading` (`sure`,
        or `unsure` where the change of the whole cost may be day-to-day variation), `channel`,
        `part`, `part_low`, `part_high` (money per new customer), `was`, `now` (what moved: CPM, CPC
        or other spend of the channel in money per new customer; CTR, conversion or the share of new
        customers, 0 to 1; empty else), `change`, `change_low`, `change_high`, `against`.

    Raises:
        MissingTable: As `cac_bridge`.
    """
    import pandas as pd

    found = _change(store, period)
    change = _cost(found.after) - _cost(found.before)
    low, high = _ends(sum(one.sum(axis=-1) for one in found.drawn.values()))
    sure = not low <= 0 <= high
    row: dict[str, object] = {"variant": "none", "channel": ""}
    row |= dict.fromkeys(("part", "part_low", "part_high", "was", "now"), math.nan)
    best = _largest(found, math.copysign(1, change) if sure else 0)
    if best:
        name, at = best
        part_low, part_high = _ends(found.drawn[name][:, at])
        was, now = (_level(one, name, at) for one in (found.before, found.after))
        row |= {"variant": name, "channel": found.channels[at],
                "part": float(found.pieces[name][at]), "part_low": part_low,
                "part_high": part_high, "was": was, "now": now}  # fmt: skip
    row |= {
        "reading": "sure" if sure else "unsure",
        "change": change,
        "change_low": low,
        "change_high": high,
        "against": found.against,
    }
    return pd.DataFrame([row])


def _largest(found: Change, sign: float) -> tuple[str, int] | None:
    """The largest sure piece of that sign; of either sign for 0."""
    best, size = None, 0.0
    for name in DRIVERS:
        for at, value in enumerate(found.pieces[name]):
            low, high = _ends(found.drawn[name][:, at])
            length = float(sign * value if sign else abs(value))
            if length > size and not low <= 0 <= high:
                best, size = (name, at), length
    return best


def _level(parts: CostParts, piece: str, at: int) -> float:
    """What a piece is about, of one channel in one period."""
    customers, media = float(parts.customers[at]), float(parts.media[at])
    shown, clicks = float(parts.impressions[at]), float(parts.clicks[at])
    levels = {
        "mix": divide(customers, float(parts.customers.sum())),
        "impression_price": 1000 * divide(media, shown),
        "click_price": divide(media, clicks),
        "click_rate": divide(clicks, shown),
        "conversion": divide(customers, clicks),
        "other": divide(float(parts.other[at]), customers),
    }
    return levels.get(piece, math.nan)


def _steps(found: Change) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The pieces of `STEPS` with their draws: both prices are one."""
    import numpy as np

    steps = {}
    for step in STEPS:
        names = ("impression_price", "click_price") if step == "price" else (step,)
        value, drawn = (
            np.sum([one[name] for name in names], axis=0) for one in (found.pieces, found.drawn)
        )
        steps[step] = (value, drawn)
    return steps


def _cost(parts: CostParts) -> float:
    return float((parts.media.sum() + parts.other.sum()) / parts.customers.sum())


def _ends(drawn: np.ndarray) -> tuple[float, float]:
    import numpy as np

    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _change(store: Store, period: Period) -> Change:
    """The change against last year, else against the previous period; computed once."""
    store.require("orders", "channel")
    store.mart("channel_days")  # named on the page also when the result is at hand
    key = f"cac_change {period.start} {period.end}"
    found: Change = store.once(key, lambda: _against_earlier(store, period))
    return found


def _against_earlier(store: Store, period: Period) -> Change:
    lack = None
    for against in ("last_year", "previous"):
        earlier: Period = getattr(period, against)()
        try:
            for span in (earlier, period):
                require_customers(store, span)
                require_spend(store, span, "kind")
        except MissingTable as missing:
            lack = lack or missing
            continue
        return _split(store, earlier, period, against)
    raise lack or MissingTable("ad_spend", ("day",), "short")


def _split(store: Store, earlier: Period, period: Period, against: str) -> Change:
    from helpers.models.decomposition import cost_change, draws_of_sums, with_customers

    spans = (earlier, period)
    names = _names(store, *spans)
    channels = sorted(set(names.values()), key=lambda one: (one == OTHER, one))
    parts = [_parts(store, span, names, channels) for span in spans]
    overlaps = [one for span in spans if (one := _overlap(store, span, names)) is not None]
    if len(overlaps) == len(spans):
        known = [one.reindex(channels).fillna(1.0).to_numpy(float) for one in overlaps]
        parts = [replace(part, overlap=one) for part, one in zip(parts, known, strict=True)]
    if any(one.customers.sum() < SMALLEST_GROUP for one in parts):
        raise MissingTable("orders", ("customer_id",), "short")
    drawn = [
        with_customers(one, draws_of_sums(one.customers, _residuals(store, span, names, channels),
                                          DRAWS, seed))
        for seed, (one, span) in enumerate(zip(parts, spans, strict=True))
    ]  # fmt: skip
    before, after = parts
    pieces, varied = cost_change(before, after), cost_change(*drawn)
    return Change(channels, against, before, after, pieces, varied)


def _names(store: Store, *spans: Period) -> dict[str, str]:
    """The name under which each channel stands: its own, or `other` where that would tell few.

    Where those few are still fewer than 10 together, the next one is joined to them, one without
    spend if there is any.
    """
    import pandas as pd

    frames = [channel_days(store, span).groupby("channel") for span in spans]
    counts = pd.concat([one["new_customers"].sum() for one in frames], axis=1).fillna(0.0)
    spent = pd.concat([one["acquisition_spend"].sum() for one in frames], axis=1).fillna(0.0)
    counts = counts[(counts.sum(axis=1) > 0) | (spent.sum(axis=1) > 0)]
    size = pd.DataFrame({"spent": spent.loc[counts.index].any(axis=1), "new": counts.min(axis=1)})
    ordered = size.sort_index().sort_values(["spent", "new"], kind="stable").index
    few = counts.loc[ordered].apply(lambda row: row.between(1, SMALLEST_GROUP - 1).any(), axis=1)
    small = list(ordered[few])
    for name in [one for one in ordered if one not in small]:
        together = counts.loc[small].sum()
        if not small or not together.between(1, SMALLEST_GROUP - 1).any():
            break
        small.append(name)
    return {str(name): OTHER if name in small else str(name) for name in counts.index}


def _parts(store: Store, span: Period, names: dict[str, str], channels: list[str]) -> CostParts:
    """A period's money and counts by channel, as though nobody came by two."""
    import numpy as np

    from helpers.models.decomposition import CostParts

    days = channel_days(store, span)
    sums = days.groupby(days["channel"].map(names))[["new_customers", "acquisition_spend"]].sum()
    sums = sums.reindex(channels).fillna(0.0)
    media = _media(store, span, names).reindex(channels)
    bought = media["spend"].fillna(0.0)
    counted = {
        name: media[name].where(media[known] >= KNOWN_SHARE * media["spend"])
        for name, known in (("impressions", "shown_spend"), ("clicks", "clicked_spend"))
    }
    return CostParts(
        customers=sums["new_customers"].to_numpy(float),
        media=bought.to_numpy(float),
        other=(sums["acquisition_spend"] - bought).clip(lower=0.0).to_numpy(float),
        impressions=counted["impressions"].to_numpy(float),
        clicks=counted["clicks"].to_numpy(float),
        overlap=np.ones(len(channels)),
    )


def _media(store: Store, span: Period, names: dict[str, str]) -> pd.DataFrame:
    """Spend on impressions and clicks by channel, with what it bought."""
    rows = campaign_days(store, span)
    rows = rows[rows["kind"].isin(MEDIA)]
    columns = ["spend", "shown_spend", "clicked_spend", "impressions", "clicks"]
    return (
        rows.groupby(rows["channel"].map(names))[columns]
        .sum(min_count=1)
        .fillna({"shown_spend": 0.0, "clicked_spend": 0.0})
    )


def _overlap(store: Store, span: Period, names: dict[str, str]) -> pd.Series | None:
    """Visitors of a day by channel / the same visitors shared out evenly over their channels.

    From visits that name their visitor; None where they don't reach back to the first day.
    """
    import ibis

    if not store.has("sessions"):
        return None
    inside = within(store, span)
    visits = store.table("sessions")
    visits = visits.mutate(day=visits.started_at.date())
    first = store.to_frame(visits.aggregate(day=visits.day.min()))["day"].iloc[0]
    visits = visits.filter(visits.day >= inside.start, visits.day <= inside.end)
    seen = visits.select("shop_id", "day", "visitor_id", "channel").distinct()
    person = ibis.window(group_by=[seen.shop_id, seen.day, seen.visitor_id])
    seen = seen.mutate(part=1.0 / seen.count().over(person))
    grouped = seen.group_by("channel").aggregate(counted=seen.count(), people=seen.part.sum())
    frame = store.to_frame(grouped.order_by("channel"))
    if frame.empty or first.date() > inside.start:
        return None
    sums = frame.groupby(frame["channel"].map(names))[["counted", "people"]].sum()
    return sums["counted"] / sums["people"]


def _residuals(
    store: Store, span: Period, names: dict[str, str], channels: list[str]
) -> np.ndarray:
    """New customers of each day and channel less those that the day's money brings as a rule."""
    import numpy as np

    days = channel_days(store, span)
    days = days.assign(channel=days["channel"].map(names))
    found = []
    for name in channels:
        part = days[days["channel"] == name]
        customers = every_day(store, span, part, "new_customers").to_numpy(float)
        money = spread_spend(store, span, part, "acquisition_spend").to_numpy(float)
        weight = money if money.sum() > 0 else np.ones(len(customers))
        found.append(customers - customers.sum() * weight / weight.sum())
    return np.column_stack(found)
