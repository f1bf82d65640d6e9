"""When a new customer costs what the target allows at the present pace; what the plan expects.

A trend says what happens if nothing changes; it is no forecast of what the shop will do. Source:
plan 1.2, 1.3, 2.1, 3.2.
"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

from helpers.measures.plan_expectations import relative_change, verdict
from helpers.measures.traffic import cac_blended
from helpers.measures.traffic_months import metric_months
from helpers.plan import benchmarks, targets
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.models.log_trend import LogTrend
    from helpers.plan.periods import Period
    from helpers.plan.targets import Target
    from helpers.store.open import Store

MONTHS = 36
FEWEST_MONTHS = 24
LONGEST_MONTHS = 120
FIGURES = ("acca_cac", "data_driven_promotion")


def cac_outlook(store: Store, period: Period, *, months: int = MONTHS) -> pd.DataFrame:
    """When the blended acquisition cost reaches its target if the present trend goes on.

    A straight line through the logarithms of up to 36 months, each calendar month with an effect of
    its own: at least 24 whole months without a gap, whose history lets `new` be sure, for else
    season and trend can't be told apart.

    Returns:
        One row: `variant` (`no_target`; `too_short`; `reached`: surely at the target; `near`:
        at it, not surely; `in_time`,
        `late`: the pace leads there before or after the day it is due, `leads`: where no day is
        due or it has passed; `away`: surely rising; `unclear`: not enough evidence), `months` (that
        the trend rests on), `level`, `level_low`, `level_high` (money: the trend at the last month,
        season taken off; the mean of the last three months where it is too short), `pace`,
        `pace_low`, `pace_high` (relative change a month), `year_pace` (in twelve), `target`, `due`
        (day), `months_left` (from the last month to that day), `pace_needed` (relative change a
        month from `level` to the target by `aim`; empty where the target is met), `aim` (that day,
        12 months on where none is ahead), `reach`, `earliest`, `latest` (first day of the month of
        the crossing, 95 %; more than ten years off is not enough evidence). Empty what can't be
        said.

    Raises:
        MissingTable: Spend or customers are unknown.

    Source: plan 1.2, 1.3; Fieller (1954).
    """
    import pandas as pd

    frame = metric_months(store, period, metric="cac_blended", months=months)
    frame = _unbroken(frame[~frame["overstated"] & frame["value"].gt(0)])
    if frame.empty:
        raise MissingTable("orders", ("paid_at",), "short")
    target = targets.load(store.currency, store.targets).get("cac_blended")
    trend = _trend(frame)
    row: dict[str, Any] = {"months": len(frame), **_level(frame, trend), **_pace(trend)}
    last = frame["month"].iloc[-1]
    row |= _aim(target, row["level"], last.date())
    row |= dict.fromkeys(("reach", "earliest", "latest"), pd.NaT)
    if trend and target:
        crossing = trend.crossing(target.value)
        ends = {"reach": crossing.value, "earliest": crossing.low, "latest": crossing.high}
        row |= {name: _month(last, value) for name, value in ends.items()}
    row["variant"] = _variant(trend, target, row)
    if row["variant"] not in ("in_time", "late", "leads"):
        row |= {"reach": pd.NaT, "earliest": pd.NaT, "latest": pd.NaT}
    return pd.DataFrame([row])


def _unbroken(frame: pd.DataFrame) -> pd.DataFrame:
    """The latest months without a gap."""
    if frame.empty:
        return frame
    number = frame["month"].dt.year * 12 + frame["month"].dt.month
    gaps = number.diff().fillna(1).ne(1)
    return frame[gaps.cumsum() == gaps.sum()].reset_index(drop=True)


def _trend(frame: pd.DataFrame) -> LogTrend | None:
    from helpers.models.log_trend import log_trend

    if len(frame) < FEWEST_MONTHS:
        return None
    return log_trend(frame["value"].to_numpy(float), int(frame["month"].iloc[0].month))


def _level(frame: pd.DataFrame, trend: LogTrend | None) -> dict[str, float]:
    if trend is None:
        last = frame.tail(3)
        level = float(last["numerator"].sum() / last["denominator"].sum())
        return {"level": level, "level_low": math.nan, "level_high": math.nan}
    found = trend.level_now()
    return {"level": found.value, "level_low": found.low, "level_high": found.high}


def _pace(trend: LogTrend | None) -> dict[str, float]:
    if trend is None:
        return dict.fromkeys(("pace", "pace_low", "pace_high", "year_pace"), math.nan)
    found = trend.growth()
    return {"pace": found.value, "pace_low": found.low, "pace_high": found.high,
            "year_pace": trend.growth(12).value}  # fmt: skip


def _aim(target: Target | None, level: float, last: date) -> dict[str, Any]:
    """The target, the day it is due, and the pace that it takes."""
    import pandas as pd

    if target is None:
        return {"target": math.nan, "due": pd.NaT, "months_left": math.nan, "aim": pd.NaT,
                "pace_needed": math.nan}  # fmt: skip
    left = math.nan
    if target.due:
        left = (target.due.year - last.year) * 12 + target.due.month - last.month
    span = left if left > 0 else 12
    needed = (target.value / level) ** (1 / span) - 1 if level > target.value else math.nan
    due = pd.Timestamp(target.due) if target.due else pd.NaT
    aim = due if left > 0 else pd.Timestamp(last) + pd.DateOffset(months=12)
    return {"target": target.value, "due": due, "months_left": left, "aim": aim,
            "pace_needed": needed}  # fmt: skip


def _variant(trend: LogTrend | None, target: Target | None, row: dict[str, Any]) -> str:
    if target is None:
        return "no_target"
    if trend is None:
        return "too_short"
    if row["level_high"] <= target.value:
        return "reached"
    if row["level"] <= target.value:
        return "near"
    if row["pace_low"] > 0:
        return "away"
    if not (row["pace_high"] < 0 and row["latest"] == row["latest"]):
        return "unclear"
    if not row["months_left"] > 0:
        return "leads"
    return "in_time" if row["reach"] <= row["due"] else "late"


def _month(last: pd.Timestamp, months: float) -> pd.Timestamp:
    """First day of the month so many months on; NaT where it is none or too far off to matter."""
    import pandas as pd

    if not math.isfinite(months) or abs(months) > LONGEST_MONTHS:
        return pd.NaT
    return last + pd.DateOffset(months=max(math.ceil(months), 0))


def cac_expectations(store: Store, period: Period) -> pd.DataFrame:
    """What the plan expects of acquisition cost, beside how it moved here.

    Returns:
        One row per figure of the plan: `figure`, `lever`, `lever_zh`, `industry`, `industry_zh`,
        `section`, `expected` (relative change that the plan quotes), `expected_cost` (money: that
        change from the shop's earlier cost), `cost`, `cost_before` (money), `measured`, `low`,
        `high` (relative change here, 95 %), `verdict` (see `plan_expectations.verdict`), `against`
        (`last_year` or `previous`), `grade` (`before_after`: many causes, no test of the lever).

    Raises:
        MissingTable: As `traffic.cac_blended`, for the period or both earlier ones.

    Source: plan 2.1, 3.2.
    """
    import pandas as pd

    now, then, against = _now_and_then(store, period)
    found = relative_change(now, then)
    rows = [
        {
            "figure": one.id, "lever": one.lever["en"], "lever_zh": one.lever["zh"],
            "industry": one.industry["en"], "industry_zh": one.industry["zh"],
            "section": one.section, "expected": one.change,
            "expected_cost": one.expected(then.value),
            "cost": now.value, "cost_before": then.value, "measured": found.value,
            "low": found.low, "high": found.high, "verdict": verdict(one, found),
            "against": against, "grade": "before_after",
        }
        for one in benchmarks.chosen(*FIGURES)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _now_and_then(store: Store, period: Period) -> tuple[Estimate, Estimate, str]:
    now = _cost(store, period)
    try:
        return now, _cost(store, period.last_year()), "last_year"
    except MissingTable:
        return now, _cost(store, period.previous()), "previous"


def _cost(store: Store, period: Period) -> Estimate:
    from helpers.models.estimate import Estimate

    row = cac_blended(store, period).iloc[0]
    if not row["denominator"] >= 10:
        raise MissingTable("orders", ("customer_id",), "short")
    return Estimate(*(float(row[name]) for name in ("value", "low", "high", "denominator")))
