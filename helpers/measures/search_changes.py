"""Which search terms win and lose clicks, and whether demand, rank or the rest moved them.

Clicks = impressions x click rate, and click rate = what the rank lets expect x the rest. The change
of clicks splits into these exactly by the logarithmic mean (LMDI-I), so nothing is left over. How
fast clicks fall with rank comes from this shop's own terms: each against itself in other weeks, so
that a term which people like anyway is not taken for one that ranks well. It describes; it is no
test of rank. Source: plan 2.2; Ang (2005); Ang and Liu (2007) on zeros.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.measures.channel_days import within
from helpers.measures.product_changes import FALSE_DISCOVERY_RATE, stands_out
from helpers.measures.search_terms import of_span, on_grid, require_terms, sums, term_days
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.store.open import Store

AGAINST = ("last_year", "previous")
YEAR_DAYS = 365
FEWEST_TERMS = 5
FEWEST_CLICKS = 10
EFFECTS = ("demand_effect", "rank_effect", "rest_effect")
STEPS = ("before", "gone", "demand", "rank", "rest", "new", "now")


def search_movers(store: Store, period: Period, *, against: str | None = None) -> pd.DataFrame:
    """Organic search terms whose clicks changed, the largest change first.

    Args:
        store: Uses `search_terms`.
        period: The later period.
        against: `last_year` or `previous`; last year where it is known, when not given.

    Returns:
        One row per term that brings at least 0.1 % of the clicks or impressions of one of the
        periods: `term`, `term_zh`, `intent`, `clicks`, `before` (on as many days), `change`,
        `change_low`, `change_high` (95 % by how its days swing against those of all terms, never
        less than chance), `relative` (change / before), `demand_effect`, `rank_effect`,
        `rest_effect` (clicks; add up to the change: impressions, click rate that goes with the
        rank, click rate at the same rank), `main_effect` (`demand`, `rank` or `rest`: the largest
        in the change's direction), `position`, `position_before`, `is_clear` (stands out among all
        terms compared, false discovery rate 5 %), `state` (`new`, `gone`, `up`, `down`), `against`.

    Raises:
        MissingTable: Organic search terms are unknown for one of the periods.
        ValueError: `against` is neither.

    Source: plan 2.2; Benjamini and Hochberg (1995).
    """
    now, then, name = _spans(store, period, against)
    key = f"search_movers {period} {name}"
    return store.once(key, lambda: _movers(store, period, now, then, name)).copy()


def _movers(store: Store, period: Period, now: Period, then: Period, name: str) -> pd.DataFrame:
    import pandas as pd

    days, grid = term_days(store, {"now": now, "then": then})
    slope = rank_slope(store, period)
    rows = []
    for term, part in days.groupby("term", sort=True):
        parts = {k: on_grid(part[part["span"] == k], grid[k]) for k in ("now", "then")}
        facts = {"term": term, "term_zh": part["term_zh"].iloc[0], "intent": part["intent"].iloc[0]}
        error = _noise(parts["now"]["clicks"], parts["then"]["clicks"], grid)
        rows.append({**facts, **_compared(parts["now"], parts["then"], slope["slope"], error)})
    frame = pd.DataFrame(rows)
    frame["is_clear"] = stands_out(frame.pop("p_value").to_numpy(), FALSE_DISCOVERY_RATE)
    frame = frame.assign(against=name, size=frame["change"].abs())
    frame = frame.sort_values(["size", "term"], ascending=[False, True], ignore_index=True)
    return frame.drop(columns="size")


def search_bridge(store: Store, period: Period, *, against: str | None = None) -> pd.DataFrame:
    """From the organic search clicks of one period to those of the other.

    Returns:
        Seven rows in order: `search_step` (`before`; `gone`: terms that show the shop no longer;
        `demand`, `rank`, `rest` of the terms of both periods, as in `search_movers`; `new`: terms
        that did not show it before; `now`), `value` (clicks; the middle five add up), `is_total`,
        `growth` (now / before - 1), `against`. Small terms are taken as one without a rank.

    Raises:
        MissingTable: As `search_movers`.
        ValueError: As `search_movers`.

    Source: plan 2.2.
    """
    import pandas as pd

    now, then, name = _spans(store, period, against)
    movers = search_movers(store, period, against=name)
    both = movers[~movers["state"].isin(["new", "gone"])]
    totals = [_total(store, now), _total(store, then)]
    scale = totals[0]["days"] / totals[1]["days"]
    after, before = totals[0]["clicks"], totals[1]["clicks"] * scale
    shown = [_total(store, now, movers["term"]), _total(store, then, movers["term"])]
    small = _effects(
        *(
            all_["impressions"] - one["impressions"]
            for all_, one in zip(totals, shown, strict=True)
        ),
        *(all_["clicks"] - one["clicks"] for all_, one in zip(totals, shown, strict=True)),
        scale=scale,
    )
    values = {
        "before": before,
        "gone": movers.loc[movers["state"] == "gone", "change"].sum(),
        **{
            effect.removesuffix("_effect"): both[effect].sum() + small[effect] for effect in EFFECTS
        },
        "new": movers.loc[movers["state"] == "new", "change"].sum(),
        "now": after,
    }
    frame = pd.DataFrame({"search_step": STEPS, "value": [float(values[step]) for step in STEPS]})
    growth = after / before - 1 if before else math.nan
    return frame.assign(
        is_total=frame["search_step"].isin(["before", "now"]), growth=growth, against=name
    )


def rank_slope(store: Store, period: Period) -> dict[str, float]:
    """By how much the click rate falls with the rank, from weeks of the year to the period's end.

    Log click rate on log rank within terms, weighted by clicks, clustered by term.

    Returns:
        `slope` (elasticity of the click rate to the rank; 0 where it is not clearly negative),
        `low`, `high` (95 %), `terms`, `halved` (loss of clicks when the rank number doubles, 0 to
        1), `halved_low`, `halved_high`. NaN but for the slope where nothing can be told.

    Source: plan 2.2.
    """
    key = f"rank_slope {period.end}"
    return store.once(key, lambda: _rank_slope(store, period))


def rank_and_clicks(store: Store, period: Period) -> pd.DataFrame:
    """What `rank_slope` found, as one row; `reading`: `known` where clicks clearly fall with rank.

    Raises:
        MissingTable: Organic search terms or their ranks are unknown.

    Source: plan 2.2.
    """
    import pandas as pd

    require_terms(store, period, "position")
    found = rank_slope(store, period)
    return pd.DataFrame([{**found, "reading": "known" if found["slope"] < 0 else "unknown"}])


def _rank_slope(store: Store, period: Period) -> dict[str, float]:
    import ibis

    names = ("low", "high", "terms", "halved", "halved_low", "halved_high")
    nothing = {"slope": 0.0, **dict.fromkeys(names, math.nan)}
    rows = of_span(store, within(store, period.trailing(YEAR_DAYS)))
    weeks = rows.group_by("term", week=rows.day.truncate("W")).aggregate(**sums(rows))
    weeks = weeks.filter(weeks.placed > 0, weeks.clicks >= FEWEST_CLICKS)
    weeks = weeks.mutate(size=weeks.clicks.sum().over(ibis.window(group_by="term")))
    frame = store.to_frame(weeks.order_by(ibis.desc("size"), "term", "week").limit(50_000))
    if frame["term"].nunique() < FEWEST_TERMS:
        return nothing
    rank = np.log(frame["ranked"] / frame["placed"])
    rate = np.log(frame["clicks"] / frame["impressions"])
    slope, error, terms = _within(frame["term"], rank, rate, frame["clicks"])
    half = _quantile(terms - 1) * error
    low, high = slope - half, slope + half
    if not high < 0:
        return {**nothing, "low": low, "high": high, "terms": terms}
    lost = {end: 1 - 2.0**value for end, value in
            (("halved", slope), ("halved_low", high), ("halved_high", low))}  # fmt: skip
    return {"slope": slope, "low": low, "high": high, "terms": terms, **lost}


def _within(
    groups: pd.Series, x: pd.Series, y: pd.Series, weights: pd.Series
) -> tuple[float, float, int]:
    """Slope within groups by weighted least squares, its clustered error, number of groups."""
    total = weights.groupby(groups).transform("sum")
    x, y = (v - (v * weights).groupby(groups).transform("sum") / total for v in (x, y))
    spread = float((weights * x * x).sum())
    if spread < 1e-9:
        return math.nan, math.nan, int(groups.nunique())
    slope = float((weights * x * y).sum()) / spread
    scores = (weights * x * (y - slope * x)).groupby(groups).sum()
    n = len(scores)
    return slope, math.sqrt(float((scores**2).sum()) * n / (n - 1)) / spread, n


def _quantile(degrees: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, degrees))


def _spans(store: Store, period: Period, against: str | None) -> tuple[Period, Period, str]:
    if against is not None and against not in AGAINST:
        raise ValueError(f"against == {against!r}, must be one of {AGAINST}.")
    require_terms(store, period)
    now = within(store, period)
    lack = None
    for name in AGAINST if against is None else (against,):
        then = getattr(period if now.end == period.end else now, name)()
        try:
            require_terms(store, then)
        except MissingTable as missing:
            lack = missing
            continue
        return now, then, name
    raise lack or MissingTable("search_terms", ("day",), "short")


def _compared(
    now: pd.DataFrame, then: pd.DataFrame, slope: float, noise: tuple[float, float]
) -> dict[str, Any]:
    """A term's two spans of days beside each other."""
    scale = len(now) / len(then)
    a, b = now.sum(), then.sum()
    ranks = [s["ranked"] / s["placed"] if s["placed"] else math.nan for s in (a, b)]
    effects = _effects(
        a["impressions"], b["impressions"], a["clicks"], b["clicks"],
        ranks=(ranks[0], ranks[1]), slope=slope, scale=scale,
    )  # fmt: skip
    before = b["clicks"] * scale
    change = a["clicks"] - before
    error, degrees = noise
    half = _quantile(degrees) * error
    state = "up" if change >= 0 else "down"
    state = "gone" if not a["impressions"] else "new" if not b["impressions"] else state
    sign = 1 if change >= 0 else -1
    main = max(EFFECTS, key=lambda name: effects[name] * sign).removesuffix("_effect")
    return {
        "clicks": a["clicks"], "before": before, "change": change, "change_low": change - half,
        "change_high": change + half, "relative": change / before if before else math.nan,
        **effects, "main_effect": main, "position": ranks[0], "position_before": ranks[1],
        "p_value": _p_value(change, error, degrees), "state": state,
    }  # fmt: skip


def _effects(
    impressions: float, impressions_before: float, clicks: float, clicks_before: float,
    *, ranks: tuple[float, float] = (math.nan, math.nan), slope: float = 0.0, scale: float = 1.0,
) -> dict[str, float]:  # fmt: skip
    """The change of clicks by its causes; where a side is 0, the limit of the logarithmic mean."""
    seen, clicked = impressions_before * scale, clicks_before * scale
    change = clicks - clicked
    if min(clicks, clicked, impressions, seen) <= 0:
        shown_in_both = impressions > 0 and seen > 0
        parts = (0.0, 0.0, change) if shown_in_both else (change, 0.0, 0.0)
        return dict(zip(EFFECTS, parts, strict=True))
    mean = clicks if math.isclose(clicks, clicked) else change / math.log(clicks / clicked)
    demand = mean * math.log(impressions / seen)
    known = all(rank == rank and rank > 0 for rank in ranks)
    rank = mean * slope * math.log(ranks[0] / ranks[1]) if known else 0.0
    return dict(zip(EFFECTS, (demand, rank, change - demand - rank), strict=True))


def _noise(now: pd.Series, then: pd.Series, grid: dict[str, pd.Series]) -> tuple[float, float]:
    """Standard error of the change of clicks, and its degrees of freedom (Welch).

    From how far the term's days lie from its share of all clicks: a day good for all is no noise.
    """
    from helpers.models.intervals import MINIMUM_COSINES, ratio_of_sums

    variances, degrees = [], []
    for series, every, factor in (
        (now, grid["now"], 1.0), (then, grid["then"], len(now) / len(then)),
    ):  # fmt: skip
        n = len(series)
        found = (ratio_of_sums(series, every).standard_error or 0.0) * float(every.sum())
        variances.append(factor**2 * max(found**2, float(series.sum())))
        degrees.append(max(min(n - 1, max(MINIMUM_COSINES, round(0.4 * n ** (2 / 3)))), 1))
    total = sum(variances)
    if not total:
        return 0.0, float(sum(degrees))
    parts = sum(v**2 / k for v, k in zip(variances, degrees, strict=True))
    return math.sqrt(total), total**2 / parts


def _p_value(change: float, error: float, degrees: float) -> float:
    from scipy.stats import t

    return float(2 * t.sf(abs(change) / error, degrees)) if error else 1.0


def _total(store: Store, span: Period, terms: pd.Series | None = None) -> pd.Series:
    rows = of_span(store, span)
    if terms is not None:
        rows = rows.filter(rows.term.isin([str(term) for term in terms]))
    found = rows.aggregate(
        impressions=rows.impressions.sum().fill_null(0).cast("float64"),
        clicks=rows.clicks.sum().fill_null(0).cast("float64"),
        days=rows.day.nunique().cast("float64"),
    )
    return store.to_frame(found).iloc[0]
