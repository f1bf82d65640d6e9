"""Which step of the ACCA funnel is worth repairing, through which channel first.

Repair brings a step back to what this shop has shown it can do: the upper quartile of its last
twelve monthly cohorts, against the latest three. The best months of twelve look better than they
are, so true rates are drawn from a hierarchy of the months: where months differ no more than by
chance there is nothing to repair. Source: plan 2.1, 2.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from helpers.measures.funnel_groups import (
    COHORT_STEPS,
    group_estimates,
    merged_channels,
    whole_cohorts,
)
from helpers.measures.funnel_steps import STEPS, UNKNOWN, YEAR_DAYS, Step, entered_in, year_of
from helpers.measures.funnel_worth import value_of_going_on
from helpers.measures.purchases import SMALLEST_GROUP
from helpers.plan.periods import last_complete_month
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

MONTHS = 12
FEWEST_MONTHS = 6
LATEST = 3
GOOD = 0.75
CLEAR = 0.95
ALL_CHANNELS = "total"
SAME_DAYS = 7


@dataclass(frozen=True)
class Gap:
    """How far a step's latest months lie below its good ones.

    Attributes:
        rate: Rate of the latest three months, 0 to 1.
        good: Draws of the upper quartile of the true rates.
        gaps: Draws of the good rate less the true rate of the latest three months, 0 or more.
    """

    rate: float
    good: np.ndarray
    gaps: np.ndarray


def repair(store: Store, period: Period) -> pd.DataFrame:
    """Each step's gap to this shop's own good months, and what closing it is worth a year.

    Returns:
        One row per step with cohorts enough, most worth first: `step`, `rate` (latest three monthly
        cohorts), `good_rate`, `good_low`, `good_high` (upper quartile of the true rates of twelve),
        `gap`, `gap_low`, `gap_high` (0 to 1, 0 where the latest are as good), `entered` (a year),
        `people`, `people_low`, `people_high` (more a year who would go on), `value` (money of one),
        `worth`, `worth_low`, `worth_high` (money a year; medians and 95 % of the draws; empty where
        the step has no value), `grade`, `basis`, `most` (chance that this step is worth most),
        `channel` (that lost most people against its own good months; `total` where none stands
        out), `channel_people` (a year, of that channel).

    Raises:
        MissingTable: No step has six monthly cohorts of the last twelve; after the first order only
            those count that began 365 days after the data, for the first ones hold old customers.

    Source: plan 2.1, 2.3; Gelman et al. (2013), section 5.4.
    """
    key = f"funnel.repair.{period.start}.{period.end}"
    found: pd.DataFrame = store.once(key, lambda: _repair(store, period))
    return found.copy()


def _repair(store: Store, period: Period) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    rows, worths, lacks = [], {}, {}
    values, unvalued = _values(store, period), {"value": math.nan, "grade": "", "basis": ""}
    for name in COHORT_STEPS:
        try:
            row, gaps = _step(store, period, STEPS[name])
        except MissingTable as lack:
            lacks[name] = lack
            continue
        money = _drawn_value(values.get(name), len(gaps))
        worths[name] = np.maximum(row["entered"] * gaps * money, 0.0)
        rows.append({**row, **_worth(worths[name]), **values.get(name, unvalued)})
    if not rows:
        raise lacks["retention"]
    most = _chance_of_most(worths)
    frame = pd.DataFrame(rows).assign(most=[most[row["step"]] for row in rows])
    names = ["step", "rate", "good_rate", "good_low", "good_high", "gap", "gap_low", "gap_high",
             "entered", "people", "people_low", "people_high", "value", "worth", "worth_low",
             "worth_high", "grade", "basis", "most", "channel", "channel_people"]  # fmt: skip
    order = ["worth", "worth_high", "people"]
    return frame[names].sort_values(order, ascending=False, kind="stable", ignore_index=True)


def _values(store: Store, period: Period) -> dict[str, dict[str, Any]]:
    try:
        frame = value_of_going_on(store, period)
    except MissingTable:
        return {}
    return {row["step"]: row for row in frame.to_dict("records")}


def _step(store: Store, period: Period, step: Step) -> tuple[dict[str, Any], np.ndarray]:
    """A step's gap in rate and people, and the channel it is largest in; draws of the gap."""
    end = min(period.end, store.as_of)
    months = last_complete_month(end - step.window).back(MONTHS)
    days = whole_cohorts(store, step, end, "M")
    days = days[days["cohort"] >= str(max(months[0].start, _new_from(store, step)))]
    found = gap_of(step, days, COHORT_STEPS.index(step.name))
    if found is None:
        raise MissingTable(step.table, (), "short")
    year = year_of(store, step, period)
    entered = entered_in(store, step, year)
    scale = YEAR_DAYS / year.days
    people = scale * float(entered["entered"].sum())
    return {
        "step": step.name, "entered": people, "rate": found.rate,
        **_summary("good", found.good, middle="good_rate"), **_summary("gap", found.gaps),
        **_summary("people", people * found.gaps), **_where(step, days, entered, scale),
    }, found.gaps  # fmt: skip


def _new_from(store: Store, step: Step) -> date:
    """The day from which a first purchase in the data is one in truth.

    The data's first customers are mostly old ones, who return more often than new ones: months of
    them are no mark for later ones. Where the shop opened with its data, all are new.
    """
    if step.name in ("registration", "first_order"):
        return store.first_day
    if store.has("shops"):
        opened = store.table("shops").opened_on.min().name("day").as_table()
        first = store.to_frame(opened)["day"].iloc[0]
        if first == first and first.date() >= store.first_day - timedelta(days=SAME_DAYS):
            return store.first_day
    return store.first_day + timedelta(days=YEAR_DAYS)


def gap_of(step: Step, days: pd.DataFrame, seed: int = 0) -> Gap | None:
    """The gap of the latest three months; None where fewer than six hold 10 or more.

    Args:
        step: The step.
        days: Days of entering with `cohort` (month), `entered` and `passed`.
        seed: Of the draws; steps that are compared need seeds of their own.
    """
    import numpy as np

    from helpers.models.normal_hierarchy import draw_true_values

    months = group_estimates(step, days, "cohort").dropna(subset=["error"])
    months = months[(months["entered"] >= SMALLEST_GROUP) & (months["error"] > 0)]
    if len(months) < FEWEST_MONTHS:
        return None
    true = draw_true_values(months["rate"], months["error"], seed=seed)
    last = months.tail(LATEST)
    weights = last["entered"].to_numpy() / last["entered"].sum()
    good = np.quantile(true, GOOD, axis=1)
    gaps = np.maximum(good - true[:, -LATEST:] @ weights, 0.0)
    return Gap(float(last["passed"].sum() / last["entered"].sum()), good, gaps)


def _where(
    step: Step, days: pd.DataFrame, entered: pd.DataFrame, scale: float
) -> dict[str, Any]:  # fmt: skip
    """The channel that lost most people against its own good months.

    Channels differ by nature, so each is compared with itself.
    """
    import numpy as np

    days = days.assign(channel=merged_channels(days))
    sizes = entered.groupby("channel")["entered"].sum() * scale
    best, most = ALL_CHANNELS, float(SMALLEST_GROUP)
    for name in sorted(set(days["channel"]) & set(sizes.index) - {UNKNOWN}):
        found = gap_of(step, days[days["channel"] == name])
        people = 0.0 if found is None else float(sizes[name] * np.median(found.gaps))
        if people >= most:
            best, most = name, people
    return {"channel": best, "channel_people": math.nan if best == ALL_CHANNELS else most}


def _summary(name: str, draws: np.ndarray, middle: str = "") -> dict[str, float]:
    import numpy as np

    low, median, high = np.quantile(draws, [0.025, 0.5, 0.975])
    return {middle or name: float(median), f"{name}_low": float(low), f"{name}_high": float(high)}


def _drawn_value(value: dict[str, Any] | None, count: int) -> np.ndarray:
    """Draws of the money of one who goes on; not a number where the step has no value."""
    import numpy as np

    if value is None:
        return np.full(count, np.nan)
    error = (value["high"] - value["low"]) / (2 * 1.96)
    shared = np.random.default_rng(1 if value["grade"] == "model" else 2)
    normal = shared.standard_normal(count)
    drawn: np.ndarray = value["value"] + (error if error == error else 0.0) * normal
    return drawn


def _worth(draws: np.ndarray) -> dict[str, float]:
    import numpy as np

    if np.isnan(draws).any():
        return dict.fromkeys(("worth", "worth_low", "worth_high"), math.nan)
    return _summary("worth", draws)


def _chance_of_most(worths: dict[str, np.ndarray]) -> dict[str, float]:
    """Share of the draws in which each step is worth most; draws worth nothing are none's."""
    import numpy as np

    names = list(worths)
    table = np.nan_to_num(np.column_stack([worths[name] for name in names]), nan=0.0)
    first = table.argmax(axis=1)
    some = table.max(axis=1) > 0
    return {name: float(((first == i) & some).mean()) for i, name in enumerate(names)}


def repair_finding(store: Store, period: Period) -> pd.DataFrame:
    """The step whose repair is worth most, or that the steps can't be told apart.

    Returns:
        One row: `variant` (`clear`: this step has a gap and is worth most in at least 95 % of the
        draws; `tied`: a step has a gap, but which is worth most can't be told; `none`: no gap is
        surely above 0; `no_worth`: gaps without a value), `step` (most worth), `second` (next in
        worth; empty text where there is none), `people`, `worth`, `worth_low`, `worth_high` (of
        `step`), `most` (chance, 0 to 1).

    Raises:
        MissingTable: As `repair`.

    Source: plan 2.1, 2.3.
    """
    import pandas as pd

    frame = repair(store, period)
    top = frame.iloc[0]
    known = frame[frame["worth"].notna()]
    if not _has_gap(frame).any():
        variant = "none"
    elif known.empty:
        variant = "no_worth"
    else:
        is_clear = _has_gap(frame).iloc[0] and top["most"] >= CLEAR
        variant = "clear" if is_clear else "tied"
    second = known["step"].iloc[1] if len(known) > 1 else ""
    kept = ["step", "people", "worth", "worth_low", "worth_high", "most"]
    return pd.DataFrame([{"variant": variant, "second": second, **top[kept].to_dict()}])


def _has_gap(frame: pd.DataFrame) -> pd.Series:
    """Steps of which even the lower end of the interval is a person a year."""
    return frame["people_low"] >= 1


def repair_actions(store: Store, period: Period) -> pd.DataFrame:
    """What to do about each step that is surely below its good months, most worth first.

    Returns:
        As `repair`, with `action`: the step, or the step and `_all` where no channel stands out.
        Where no step is surely below, one row for the step that may be worth most, `watch`.

    Raises:
        MissingTable: As `repair`, or no step has a value.

    Source: plan 2.1, 2.3.
    """
    frame = repair(store, period)
    frame = frame[frame["worth"].notna()]
    if frame.empty:
        raise MissingTable("orders", ("customer_id",), "short")
    if not _has_gap(frame).any():
        return frame.nlargest(1, "worth_high").assign(action="watch").reset_index(drop=True)
    frame = frame[_has_gap(frame)]
    everywhere = frame["channel"].eq(ALL_CHANNELS)
    action = frame["step"].where(~everywhere, frame["step"] + "_all")
    return frame.assign(action=action).reset_index(drop=True)
