"""What the shop is found by: search terms, the brand among them, and customers won by search.

Counts are those of the platform. A source that counts by week gives each week on its first day:
a rate is then taken over weeks. Source: plan 2.2.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from helpers.measures.channel_days import (
    ORGANIC,
    channel_days,
    every_day,
    require_customers,
    within,
)
from helpers.measures.channels import SMALLEST_GROUP, or_none
from helpers.measures.frames import estimated, one_row
from helpers.measures.traffic import organic_share
from helpers.plan.periods import last_complete_month
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.plan.periods import Period
    from helpers.store.open import Store

MONTHS = 13
WEEK_DAYS = 7
SMALLEST_SHARE = 0.001
INTENTS = ("brand", "generic")


def organic_customer_share(store: Store, period: Period) -> pd.DataFrame:
    """New customers whose first order came from organic search / new customers; n days.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1; the interval is that of the day-to-day process.

    Raises:
        MissingTable: Customers or the channel of orders are unknown; no order ever came from a
            channel `organic_search`; or fewer than 10 customers stand on one side of the share.

    Source: plan 2.2.
    """
    from helpers.models.intervals import ratio_of_sums

    store.require("orders", "channel")
    require_customers(store, period)
    days = channel_days(store, period)
    won = days[days["channel"] == ORGANIC]
    some, every = float(won["new_customers"].sum()), float(days["new_customers"].sum())
    if not some and not _ever_ordered(store):
        raise MissingTable("orders", ("channel",), "absent")
    if 0 < some < SMALLEST_GROUP or 0 < every - some < SMALLEST_GROUP or not every:
        raise MissingTable("orders", ("customer_id",), "small")
    parts = (every_day(store, period, one, "new_customers") for one in (won, days))
    return estimated(ratio_of_sums(*parts), some, every)


def organic_months(store: Store, period: Period, *, months: int = MONTHS) -> pd.DataFrame:
    """Organic search's share of visitors and of new customers month by month, oldest first.

    Returns:
        Up to two rows a month: `month` (its first day), `share_of` (`visitors` or `new_customers`),
        `value`, `low`, `high` (0 to 1; 95 %). Only whole months of which the store can say.

    Raises:
        MissingTable: It can say neither of any month.

    Source: plan 2.2.
    """
    import pandas as pd

    last = last_complete_month(within(store, period).end)
    rows, lack = [], None
    for month in last.back(months):
        for name, measure in (
            ("visitors", organic_share),
            ("new_customers", organic_customer_share),
        ):
            try:
                row = measure(store, month).iloc[0]
            except MissingTable as missing:
                lack = lack or missing
                continue
            ends = {end: row[end] for end in ("value", "low", "high")}
            rows.append({"month": pd.Timestamp(month.start), "share_of": name, **ends})
    if not rows:
        raise lack or MissingTable("traffic_daily", ("day",), "short")
    return pd.DataFrame(rows)


def search_click_rate(store: Store, period: Period) -> pd.DataFrame:
    """Clicks / impressions of organic search terms; n days. Source: plan 2.2."""
    require_terms(store, period)
    return _metric(_by_day(store, period), "clicks", "impressions")


def search_conversion(store: Store, period: Period) -> pd.DataFrame:
    """Buyers who came by an organic search term / clicks on it; n days. Source: plan 2.2."""
    require_terms(store, period, "buyers")
    days = _by_day(store, period)
    if days["buyers"].sum() < SMALLEST_GROUP:
        raise MissingTable("search_terms", ("buyers",), "small")
    return _metric(days, "buyers", "clicks")


def brand_search_share(store: Store, period: Period) -> pd.DataFrame:
    """Clicks on terms that name the brand / clicks on all organic search terms; n days.

    Whoever searches for the brand knows it already: other work of the shop made that demand.

    Source: plan 2.2.
    """
    require_terms(store, period, "is_brand")
    days = _by_day(store, period)
    brand = days["clicks"].where(days["intent"] == "brand", 0.0)
    return _metric(days.assign(brand=brand), "brand", "clicks")


def search_intents(store: Store, period: Period) -> pd.DataFrame:
    """Organic search by people who name the brand, and by those who look for a kind of goods.

    Returns:
        Rows `brand` and `generic` where there are any, and `all`, in this order: `intent`,
        `impressions`, `clicks`, `click_share` (0 to 1), `ctr`, `ctr_low`, `ctr_high` (clicks /
        impressions), `position` (mean rank by impression), `buyers`, `conversion`,
        `conversion_low`, `conversion_high` (buyers / clicks; empty below 10 buyers), `growth`
        (clicks against the same period last year, relative; empty where unknown).

    Raises:
        MissingTable: Organic search terms, or which of them name the brand, are unknown.

    Source: plan 2.2.
    """
    import pandas as pd

    require_terms(store, period, "is_brand")
    now = _by_day(store, period)
    then = or_none(_known_by_day, store, period.last_year())
    rows = []
    for intent in (*INTENTS, "all"):
        part = _of_intent(now, intent)
        if part["impressions"].sum() == 0:
            continue
        before = math.nan if then is None else _of_intent(then, intent)["clicks"].sum()
        growth = part["clicks"].sum() / before - 1 if before > 0 else math.nan
        share = part["clicks"].sum() / now["clicks"].sum() if now["clicks"].sum() else math.nan
        rows.append({"intent": intent, "click_share": share, **_rates(part), "growth": growth})
    names = ["intent", "impressions", "clicks", "click_share", "ctr", "ctr_low", "ctr_high",
             "position", "buyers", "conversion", "conversion_low", "conversion_high",
             "growth"]  # fmt: skip
    hidden = ("buyers", "conversion", "conversion_low", "conversion_high")
    return hide_with_complement(pd.DataFrame(rows)[names], hidden, total=True)


def search_terms(store: Store, period: Period) -> pd.DataFrame:
    """The organic search terms that bring the shop at least 0.1 % of its clicks or impressions.

    Returns:
        One row per term, most clicks first: `term`, `term_zh`, `intent` (`brand`, `generic` or
        `unknown`), `impressions`, `clicks`, `ctr`, `ctr_low`, `ctr_high` (0 to 1; 95 %, day-to-day
        process), `position` (mean rank by impression; empty where unknown), `buyers`,
        `conversion`, `conversion_low`, `conversion_high` (buyers per click; empty where fewer than
        10 bought).

    Raises:
        MissingTable: Organic search terms are unknown for the period.

    Source: plan 2.2.
    """
    import pandas as pd

    require_terms(store, period)
    days, grid = term_days(store, {"now": within(store, period)})
    rows = [
        {"term": term, "term_zh": part["term_zh"].iloc[0], "intent": part["intent"].iloc[0],
         **_rates(on_grid(part, grid["now"]))}
        for term, part in days.groupby("term", sort=True)
    ]  # fmt: skip
    names = ["term", "term_zh", "intent", "impressions", "clicks", "ctr", "ctr_low", "ctr_high",
             "position", "buyers", "conversion", "conversion_low", "conversion_high"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=names)
    frame = frame.sort_values(["clicks", "term"], ascending=[False, True], ignore_index=True)
    return hide_with_complement(
        frame, ("buyers", "conversion", "conversion_low", "conversion_high")
    )


def require_terms(
    store: Store, period: Period, *columns: str, channel: str | None = ORGANIC
) -> None:
    """Make sure that search terms of a channel are known from the period's start on.

    Args:
        store: Uses `search_terms`.
        period: The period.
        columns: Further columns that are needed.
        channel: The channel; None for all that are not organic.

    Raises:
        MissingTable: They are not. Where weeks are counted, six days may lie before the first.
    """
    store.require("search_terms")
    store.require("search_terms", "day", "channel", "term", "impressions", "clicks", *columns)
    span = within(store, period)
    rows = _of_channel(store.table("search_terms"), channel)
    inside = rows.day.between(span.start, span.end)
    found = store.to_frame(rows.aggregate(first=rows.day.min(), inside=inside.sum())).iloc[0]
    if found["first"] != found["first"]:
        raise MissingTable("search_terms", ("channel",), "absent")
    late = found["first"].date() > span.start + timedelta(days=WEEK_DAYS - 1)
    if late or not found["inside"]:
        raise MissingTable("search_terms", ("day",), "short")


def of_span(store: Store, span: Period, channel: str | None = ORGANIC) -> ir.Table:
    """Rows of `search_terms` in a span, with `intent` and `ranked` (position x impressions)."""
    import ibis

    rows = _of_channel(store.table("search_terms"), channel)
    rows = rows.filter(rows.day.between(span.start, span.end))
    known = "is_brand" not in store.quality["empty_columns"].get("search_terms", ())
    intent = ibis.cases((rows.is_brand.fill_null(False), "brand"), else_="generic")
    return rows.mutate(
        intent=intent if known else ibis.literal("unknown"),
        placed=ibis.cases((rows.position.notnull(), rows.impressions), else_=0),
        ranked=rows.position * rows.impressions,
    )


def sums(rows: ir.Table) -> dict[str, ir.Value]:
    """What is added up of search terms, as floats."""
    names = ("impressions", "clicks", "buyers", "spend", "placed", "ranked")
    return {name: rows[name].sum().cast("float64") for name in names}


def term_days(
    store: Store,
    spans: dict[str, Period],
    *,
    channel: str | None = ORGANIC,
    smallest_share: float = SMALLEST_SHARE,
) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """Days of the terms that matter in any of the spans, and the days that the source has at all.

    Args:
        store: Uses `search_terms`.
        spans: Name to span.
        channel: The channel; None for all that are not organic.
        smallest_share: Of clicks or impressions of a span, below which a term is left out.

    Returns:
        A frame `span`, `day`, `term`, `term_zh`, `intent` and what `sums` names, in this order; and
        for each span the clicks on all terms by day, on those days that the source has.
    """
    import ibis
    import pandas as pd

    frames, grid = [], {}
    for name, span in spans.items():
        rows = of_span(store, span, channel)
        whole_days = rows.group_by("day").aggregate(clicks=rows.clicks.sum().cast("float64"))
        grid[name] = store.to_frame(whole_days.order_by("day")).set_index("day")["clicks"]
        each = rows.group_by("term").aggregate(c=rows.clicks.sum(), i=rows.impressions.sum())
        whole = ibis.window()
        big = (each.c >= smallest_share * each.c.sum().over(whole)) | (
            each.i >= smallest_share * each.i.sum().over(whole)
        )
        frames.append(each.mutate(big=big).filter(lambda t: t.big).select("term"))
    wanted = ibis.union(*frames, distinct=True) if len(frames) > 1 else frames[0]
    parts = []
    for name, span in spans.items():
        rows = of_span(store, span, channel).semi_join(wanted, "term")
        grouped = rows.group_by("day", "term").aggregate(
            term_zh=rows.term_zh.max(), intent=rows.intent.min(), **sums(rows)
        )
        parts.append(store.to_frame(grouped.order_by("term", "day")).assign(span=name))
    return pd.concat(parts, ignore_index=True), grid


def on_grid(part: pd.DataFrame, days: pd.Series) -> pd.DataFrame:
    """A term's sums on all days that the source has, 0 where the term has no row."""
    numbers = part.set_index("day").select_dtypes("number")
    return numbers.reindex(days.index).fillna(0.0)


def _ever_ordered(store: Store) -> bool:
    days = store.mart("channel_days")
    won = days.filter(days.channel == ORGANIC).aggregate(n=days.new_customers.sum())
    return bool((store.to_frame(won)["n"].fillna(0) > 0).iloc[0])


def _of_channel(rows: ir.Table, channel: str | None) -> ir.Table:
    return rows.filter(rows.channel != ORGANIC if channel is None else rows.channel == channel)


def _by_day(store: Store, period: Period) -> pd.DataFrame:
    rows = of_span(store, within(store, period))
    grouped = rows.group_by("day", "intent").aggregate(**sums(rows))
    return store.to_frame(grouped.order_by("day", "intent"))


def _known_by_day(store: Store, period: Period) -> pd.DataFrame:
    require_terms(store, period, "is_brand")
    return _by_day(store, period)


def _of_intent(days: pd.DataFrame, intent: str) -> pd.DataFrame:
    """The sums of one intent on every day of the frame."""
    wanted = days if intent == "all" else days[days["intent"] == intent]
    by_day = wanted.drop(columns="intent").groupby("day").sum(min_count=1)
    return by_day.reindex(sorted(days["day"].unique())).fillna(0.0)


def _metric(days: pd.DataFrame, top: str, bottom: str) -> pd.DataFrame:
    by_day = days.groupby("day")[[top, bottom]].sum()
    if not by_day[bottom].sum():
        return one_row(math.nan)
    return estimated(_ratio(by_day, top, bottom), by_day[top].sum(), by_day[bottom].sum())


def _ratio(by_day: pd.DataFrame, top: str, bottom: str) -> Estimate:
    from helpers.models.intervals import ratio_of_sums

    return ratio_of_sums(by_day[top], by_day[bottom])


def _rates(by_day: pd.DataFrame) -> dict[str, Any]:
    """Sums of days with their rates and the 95 % intervals of these."""
    total = by_day.sum()
    ctr = _ratio(by_day, "clicks", "impressions")
    bought = _ratio(by_day, "buyers", "clicks")
    placed = total["placed"]
    return {
        "impressions": total["impressions"], "clicks": total["clicks"], "buyers": total["buyers"],
        "ctr": ctr.value, "ctr_low": ctr.low, "ctr_high": ctr.high,
        "position": total["ranked"] / placed if placed else math.nan,
        "conversion": bought.value, "conversion_low": bought.low, "conversion_high": bought.high,
    }  # fmt: skip


def hide_with_complement(
    frame: pd.DataFrame, hidden: tuple[str, ...], *, total: bool = False
) -> pd.DataFrame:
    """Empty counts of fewer than 10 buyers, and the next smallest where a total tells them.

    Args:
        frame: One row a group, the count in the first of `hidden`.
        hidden: The count and the columns that would give it away.
        total: Whether the last row is the total of the others.
    """
    counts = frame[hidden[0]]
    groups = counts.iloc[:-1] if total else counts
    few = groups[(groups > 0) & (groups < SMALLEST_GROUP)]
    chosen = list(few.index)
    rest = groups.drop(chosen)[lambda s: s > 0].sort_values(kind="stable")
    if chosen and (len(chosen) == 1 or few.sum() < SMALLEST_GROUP):
        chosen += list(rest.index[:1])
    if total and 0 < counts.iloc[-1] < SMALLEST_GROUP:
        chosen = list(frame.index)
    unknown = counts == 0
    changed = frame.copy()
    changed[list(hidden)] = changed[list(hidden)].astype("float64")
    changed.loc[chosen, list(hidden)] = math.nan
    if unknown.all():
        changed[list(hidden)] = math.nan
    return changed
