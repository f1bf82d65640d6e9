"""The steps of the ACCA funnel by month of entering and by channel.

Months whose window is not over for everybody have no row. Groups of fewer than 10 are left out or
merged, so that no difference gives them away. Source: plan 2.1, 2.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.funnel_steps import (
    STEPS,
    Step,
    entered_in,
    known_from,
    over_days,
    step_days,
    year_of,
)
from helpers.measures.purchases import SMALLEST_GROUP
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

OTHER = "other"
COHORT_STEPS = ("registration", "first_order", "activation", "retention", "referral")


def step_cohorts(store: Store, period: Period, *, step: str, cohorts: int = 25) -> pd.DataFrame:
    """A step's rate by month of entering, oldest first; quarters where months are small.

    Args:
        store: Uses the step's tables.
        period: The last cohort is the latest whose window is over at its end.
        step: Name of a step of `STEPS`.
        cohorts: Most cohorts shown.

    Returns:
        One row per cohort whose window is over for everybody: `cohort` (its first day), `step`,
        `entered`, `passed` (counts), `rate`, `low`, `high` (0 to 1; 95 %), `error` (standard error,
        never 0). Cohorts of fewer than 10 are left out; where a month has fewer, quarters are taken
        for all.

    Raises:
        MissingTable: The step's tables are not there or no cohort is over.

    Source: plan 2.1, 2.3.
    """
    chosen = STEPS[step]
    end = min(period.end, store.as_of)
    for unit in ("M", "Q"):
        days = whole_cohorts(store, chosen, end, unit)
        found = group_estimates(chosen, days, "cohort").tail(cohorts)
        if unit == "Q" or (found["entered"] >= SMALLEST_GROUP).all():
            break
    found = found[found["entered"] >= SMALLEST_GROUP]
    if found.empty:
        raise MissingTable(chosen.table, (), "short")
    return found.assign(step=step).reset_index(drop=True)


def cohort_rates(store: Store, period: Period, *, cohorts: int = 13) -> pd.DataFrame:
    """`step_cohorts` of every step after registration that is known, one below the other.

    Returns:
        As `step_cohorts`.

    Raises:
        MissingTable: None of the steps is known.

    Source: plan 2.1, 2.3.
    """
    import pandas as pd

    rows, lacks = [], {}
    for name in COHORT_STEPS[1:]:
        try:
            rows.append(step_cohorts(store, period, step=name, cohorts=cohorts))
        except MissingTable as lack:
            lacks[name] = lack
    if not rows:
        raise lacks["retention"]
    return pd.concat(rows, ignore_index=True)


def whole_cohorts(store: Store, step: Step, end: date, unit: str) -> pd.DataFrame:
    """The step's days in calendar months (`M`) or quarters (`Q`) that are known and over."""
    import pandas as pd

    frame = step_days(store, step)
    spans = frame["day"].dt.to_period(unit)
    last = spans.dt.end_time.dt.normalize() + pd.Timedelta(step.window)
    start = pd.Timestamp(known_from(store, step))
    over = (spans.dt.start_time >= start) & (last <= pd.Timestamp(end))
    return frame[over].assign(cohort=spans.dt.start_time[over])


def group_estimates(step: Step, days: pd.DataFrame, key: str) -> pd.DataFrame:
    """Each group's rate with interval and standard error, in order of the key.

    Returns:
        `key`, `entered`, `passed`, `rate`, `low`, `high`, `error`; groups that nobody entered have
        no row. The error of independent people is half of Wilson's interval in units of a normal
        one, so that a rate of 0 or 1 has one too.
    """
    import pandas as pd

    from helpers.models.intervals import wilson

    sums = days.groupby(key, as_index=False)[["entered", "passed"]].sum()
    sums = sums[sums["entered"] > 0].reset_index(drop=True)
    if step.units is not None:
        low, high = wilson(sums["passed"], sums["entered"])
        ends = pd.DataFrame({"low": low, "high": high, "error": (high - low) / (2 * 1.96)})
    else:
        found = [over_days(days[days[key] == name]) for name in sums[key]]
        ends = pd.DataFrame([(f.low, f.high, f.standard_error) for f in found],
                            columns=["low", "high", "error"])  # fmt: skip
    rates = sums.assign(rate=sums["passed"] / sums["entered"])
    return pd.concat([rates, ends], axis=1).astype({"entered": float, "passed": float})


def by_channel(store: Store, period: Period) -> pd.DataFrame:
    """Every step by channel over the 365 days to the period's end, the largest channels first.

    Registration and first order go by the channel that brought the account, the later steps by that
    of the first purchase. Channels below 10 are merged into `other`.

    Returns:
        One row per step and channel: `step`, `channel`, `entered`, `passed`, `lost` (counts, empty
        where one of the two is below 10), `rate`, `low`, `high` (0 to 1), `relative` (its rate /
        the step's over all channels), `error`.

    Raises:
        MissingTable: No step's tables are there with a channel.

    Source: plan 2.1, 2.3.
    """
    import pandas as pd

    rows, lacks = [], {}
    for name in COHORT_STEPS:
        try:
            rows.append(step_channels(store, period, name).assign(step=name))
        except MissingTable as lack:
            lacks[name] = lack
    if not rows:
        raise lacks["retention"]
    return pd.concat(rows, ignore_index=True)


def step_channels(store: Store, period: Period, name: str) -> pd.DataFrame:
    """One step of `by_channel`, most people first."""
    step = STEPS[name]
    columns = {"registration": ("customers", "first_channel"),
               "first_order": ("customers", "first_channel")}  # fmt: skip
    store.require(*columns.get(name, ("orders", "channel")))
    days = entered_in(store, step, year_of(store, step, period))
    days = days.assign(channel=merged_channels(days))
    found = group_estimates(step, days, "channel")
    whole = found["passed"].sum() / found["entered"].sum()
    found = found[(found["passed"] <= found["entered"]) & found["error"].notna()]
    found = hide_small(found.assign(relative=found["rate"] / whole if whole else float("nan")))
    return found.sort_values(["entered", "channel"], ascending=[False, True], ignore_index=True)


def merged_channels(days: pd.DataFrame) -> pd.Series:
    """The channel of each row, `other` where fewer than 10 entered through it.

    Where `other` would still be below 10, the smallest of the rest joins it: else the total less
    what is shown would give it away.
    """
    sizes = days.groupby("channel")["entered"].sum().sort_values(kind="stable")
    sizes = sizes[sizes > 0]
    small = list(sizes.index[sizes < SMALLEST_GROUP])
    rest = [name for name in sizes.index if name not in small]
    if small and sizes[small].sum() < SMALLEST_GROUP and rest:
        small.append(rest[0])
    return days["channel"].where(~days["channel"].isin(small), OTHER)


def hide_small(frame: pd.DataFrame) -> pd.DataFrame:
    """`passed` and `lost`, both empty where one of them is below 10: each gives the other away.

    Where one of them is 1 to 9 the rate is empty too, because rate times people would tell it.
    """
    lost = frame["entered"] - frame["passed"]
    shown = (frame["passed"] >= SMALLEST_GROUP) & (lost >= SMALLEST_GROUP)
    few = frame["passed"].between(1, SMALLEST_GROUP - 1) | lost.between(1, SMALLEST_GROUP - 1)
    told = [name for name in ("rate", "low", "high", "relative", "of_10000", "lost_worth")
            if name in frame]  # fmt: skip
    hidden = {name: frame[name].mask(few) for name in told}
    return frame.assign(passed=frame["passed"].where(shown), lost=lost.where(shown), **hidden)


def channel_rates(store: Store, period: Period) -> pd.DataFrame:
    """`by_channel` as one row per channel, for a table.

    Returns:
        `channel`, `customers` (new customers of the channel in the 365 days whose windows are over;
        empty where unknown) and one column of rates per step (0 to 1; empty where unknown), in
        order of customers.

    Raises:
        MissingTable: As `by_channel`.

    Source: plan 2.1, 2.3.
    """
    long = by_channel(store, period)
    wide = long.pivot(index="channel", columns="step", values="rate")
    wide = wide.reindex(columns=list(COHORT_STEPS))
    people = long[long["step"] == "retention"].set_index("channel")["entered"]
    wide = wide.assign(customers=people).reset_index().rename_axis(columns=None)
    return wide.sort_values(["customers", "channel"], ascending=[False, True], ignore_index=True)
