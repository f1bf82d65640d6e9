"""Search terms that the shop pays for, beside those that find it for nothing.

Buyers of a term are those that its ads platform ascribes to it: attribution. A term's return is
compared with the line of its channel (see `paid_returns.break_evens`). Source: plan 2.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.measures.channel_days import ORGANIC, channel_days, within
from helpers.measures.channels import SMALLEST_GROUP, or_none
from helpers.measures.frames import divide
from helpers.measures.paid_returns import break_evens
from helpers.measures.search_terms import of_span, require_terms, sums
from helpers.measures.search_worth import MONTH_DAYS, YEAR_DAYS, trailing_days
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

WINDOW_DAYS = 90
FIRST_RANK = 1.5
LOW_RANK = 4.0
FEWEST_CLICKS = 20
LARGEST_TERMS = 2000
FIRST = ("exclude", "lower", "overlap")
MONTHS = WINDOW_DAYS / MONTH_DAYS


@dataclass(frozen=True)
class _Line:
    """What a buyer of a channel spends, and the return from which on its ads pay, with its ends."""

    sales: float
    order: tuple[float, float, float]
    year: tuple[float, float, float]
    counts: str


def paid_terms(store: Store, period: Period) -> pd.DataFrame:
    """Search terms with spend in the 90 days to the period's end.

    Returns:
        One row per channel and term, those to act on first, then most spend: `channel`, `term`,
        `term_zh`, `intent`, `spend` (money a month), `clicks`, `cpc`, `buyers`, `conversion`,
        `conversion_low`, `conversion_high` (buyers per click; Poisson), `value`, `low`, `high`
        (return: paid sales of its buyers / spend, at the channel's sales per buyer), `line` (return
        from which on it pays), `line_counts` (`year`: the purchases of the year after are in it;
        `order`: they are not known), `position` (rank among the free
        results; empty where none), `free_clicks` (a month), `judgement` (`exclude`: fewer than 10
        buyers, and they would lose if they were 10; `lower`: return below the line with its whole
        interval; `overlap`: the shop stands first among the free results; `pays`; `cannot_tell`),
        `worth`, `worth_low`, `worth_high` (money a month: lost on `exclude` and `lower`; on
        `overlap` from what stopping costs if no ad buyer comes by the free result, below 0, to what
        it saves if all do, value empty). Buyers of 1 to 9 and what rests on them are empty; they
        are judged as if they were 10.

    Raises:
        MissingTable: Spend or buyers by term are unknown.

    Source: plan 2.2.
    """
    import pandas as pd

    require_terms(store, trailing_days(store, period, WINDOW_DAYS), "spend", "buyers", channel=None)
    paid = _terms(store, period, None)
    free = _terms(store, period, ORGANIC).set_index("term")
    lines = _lines(store, period)
    rows = []
    for row in paid[paid["spend"] > 0].to_dict("records"):
        own = free.loc[row["term"]] if row["term"] in free.index else None
        rows.append(_judged(row, own, lines.get(row["channel"])))
    names = ["channel", "term", "term_zh", "intent", "spend", "clicks", "cpc", "buyers",
             "conversion", "conversion_low", "conversion_high", "value", "low", "high", "line",
             "line_counts", "position", "free_clicks", "judgement", "worth", "worth_low",
             "worth_high"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=names)
    frame["place"] = frame["judgement"].map({name: i for i, name in enumerate(FIRST)}).fillna(3)
    order = ["place", "spend", "channel", "term"]
    frame = frame.sort_values(order, ascending=[True, False, True, True], ignore_index=True)
    return frame.drop(columns="place")


def next_keywords(store: Store, period: Period) -> pd.DataFrame:
    """Free search terms whose visitors buy and for which the shop ranks low and does not bid.

    At the price of a click and the click rate of the generic terms that the shop bids on; that paid
    visitors buy as free ones do is an assumption that a small bid tests.

    Returns:
        One row per term that would pay with its whole interval, most money first: `channel` (to bid
        on), `term`, `term_zh`, `position`, `impressions` (a month), `conversion`,
        `conversion_low`, `conversion_high`, `cpc`, `most_cpc` (the bid at which the order just
        pays, at the low end of the conversion), `clicks_month` (paid clicks expected), `spend`
        (money a month), `worth`, `worth_low`, `worth_high` (contribution less spend a month).

    Raises:
        MissingTable: As `paid_terms`, or ranks or free terms are unknown.

    Source: plan 2.2.
    """
    import pandas as pd

    window = trailing_days(store, period, WINDOW_DAYS)
    require_terms(store, window, "spend", "buyers", "position", channel=None)
    require_terms(store, window)
    paid = _terms(store, period, None)
    bid = paid[(paid["spend"] > 0) & (paid["intent"] != "brand")]
    names = ["channel", "term", "term_zh", "position", "impressions", "conversion",
             "conversion_low", "conversion_high", "cpc", "most_cpc", "clicks_month", "spend",
             "worth", "worth_low", "worth_high"]  # fmt: skip
    if bid.empty:
        return pd.DataFrame(columns=names)
    channel = str(bid.groupby("channel")["spend"].sum().idxmax())
    own = bid[bid["channel"] == channel]
    line = _lines(store, period).get(channel)
    if line is None or not own["clicks"].sum():
        raise MissingTable("price_history", ("unit_cost",), "absent")
    cpc = own["spend"].sum() / own["clicks"].sum()
    rate = own["clicks"].sum() / own["impressions"].sum()
    free = _terms(store, period, ORGANIC)
    taken = set(paid.loc[paid["spend"] > 0, "term"])
    rows = [
        _bid(row, channel, line, cpc, rate)
        for row in free.to_dict("records")
        if row["term"] not in taken and row["intent"] != "brand" and row["position"] > LOW_RANK
        and row["buyers"] >= SMALLEST_GROUP
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=names)
    frame = frame[frame["worth_low"] > 0]
    return frame.sort_values(["worth", "term"], ascending=[False, True], ignore_index=True)


def _terms(store: Store, period: Period, channel: str | None) -> pd.DataFrame:
    """Sums of the window by channel and term, with `position`."""
    import ibis

    rows = of_span(store, trailing_days(store, period, WINDOW_DAYS), channel)
    grouped = rows.group_by("channel", "term").aggregate(
        term_zh=rows.term_zh.max(), intent=rows.intent.min(), **sums(rows)
    )
    size = ibis.desc("clicks") if channel else ibis.desc("spend")
    frame = store.to_frame(grouped.order_by(size, "channel", "term").limit(LARGEST_TERMS))
    numbers = ["impressions", "clicks", "buyers", "spend", "placed", "ranked"]
    frame[numbers] = frame[numbers].fillna(0.0)
    return frame.assign(position=frame["ranked"] / frame["placed"].where(frame["placed"] > 0))


def _lines(store: Store, period: Period) -> dict[str, _Line]:
    """Each paid channel's sales per buyer and lines; none where they are unknown."""
    return store.once(f"paid_term_lines {period}", lambda: _lines_of(store, period))


def _lines_of(store: Store, period: Period) -> dict[str, _Line]:
    found = or_none(break_evens, store, period)
    if found is None:
        return {}
    days = channel_days(store, within(store, period.trailing(YEAR_DAYS)))
    totals = days.groupby("channel")[["paid_sales", "buyers"]].sum()
    lines = {}
    for row in found.to_dict("records"):
        sums_ = totals.loc[row["channel"]]
        order = tuple(row[name] for name in ("break_even", "break_even_low", "break_even_high"))
        year = tuple(row[name] for name in ("year_break_even", "year_low", "year_high"))
        sales = divide(sums_["paid_sales"], sums_["buyers"])
        known = year if year[0] == year[0] else order
        counts = "year" if known is year else "order"
        lines[row["channel"]] = _Line(sales, order, known, counts)
    return lines


def _judged(row: dict[str, Any], free: pd.Series | None, line: _Line | None) -> dict[str, Any]:
    clicks, spend, buyers = row["clicks"], row["spend"] / MONTHS, row["buyers"]
    few = 0 < buyers < SMALLEST_GROUP
    counted = float(SMALLEST_GROUP) if few else buyers
    ends = [one / clicks if clicks else math.nan for one in _poisson(counted)]
    sales = line.sales if line else math.nan
    value, low, high = (divide(rate * clicks * sales, row["spend"]) for rate in ends)
    goal = line.year if line else (math.nan,) * 3
    shown = {
        **{name: row[name] for name in ("channel", "term", "term_zh", "intent")},
        "spend": spend, "clicks": clicks / MONTHS, "cpc": divide(row["spend"], clicks),
        "buyers": math.nan if few else buyers, "line": goal[0],
        "line_counts": line.counts if line else "",
        "position": math.nan if free is None else free["position"],
        "free_clicks": 0.0 if free is None else free["clicks"] / MONTHS,
    }  # fmt: skip
    names = ("conversion", "conversion_low", "conversion_high", "value", "low", "high")
    shown |= dict.fromkeys(names, math.nan)
    if not few:
        shown |= dict(zip(names, (*ends, value, low, high), strict=True))
    stands_first = (
        shown["position"] <= FIRST_RANK and shown["free_clicks"] * MONTHS >= FEWEST_CLICKS
    )
    if high < goal[1]:
        lost = [1 - divide(a, b) for a, b in ((value, goal[0]), (high, goal[1]), (low, goal[2]))]
        worth = [spend * one for one in lost]
        verdict = "exclude" if buyers < SMALLEST_GROUP else "lower"
    elif stands_first:
        stopped = spend * divide(value, goal[0])
        worth, verdict = [math.nan, spend - stopped, spend], "overlap"
    else:
        worth, verdict = [math.nan] * 3, "pays" if low > goal[2] and not few else "cannot_tell"
    return {**shown, "judgement": verdict,
            **dict(zip(("worth", "worth_low", "worth_high"), worth, strict=True))}  # fmt: skip


def _bid(row: dict[str, Any], channel: str, line: _Line, cpc: float, rate: float) -> dict:
    """What bidding on a free term would bring a month."""
    kept = divide(line.sales, line.order[0])
    ends = [one / row["clicks"] for one in _poisson(row["buyers"])]
    clicks = row["impressions"] / MONTHS * rate
    worth = [clicks * (one * kept - cpc) for one in ends]
    return {
        "channel": channel, "term": row["term"], "term_zh": row["term_zh"],
        "position": row["position"], "impressions": row["impressions"] / MONTHS,
        **dict(zip(("conversion", "conversion_low", "conversion_high"), ends, strict=True)),
        "cpc": cpc, "most_cpc": ends[1] * kept, "clicks_month": clicks, "spend": clicks * cpc,
        **dict(zip(("worth", "worth_low", "worth_high"), worth, strict=True)),
    }  # fmt: skip


def _poisson(count: float) -> tuple[float, float, float]:
    """A count with its exact 95 % interval. Source: Garwood (1936)."""
    from scipy.stats import chi2

    low = float(chi2.ppf(0.025, 2 * count) / 2) if count else 0.0
    return count, low, float(chi2.ppf(0.975, 2 * count + 2) / 2)
