"""How long until customers buy again, with those who still may counted as waiting.

A customer who has not bought again by the last known day is no loss: the watch has ended, not the
waiting. Kaplan-Meier uses each customer for as long as watched, so a young cohort says what it can
without its window being over. It takes those who came later to return like those before them.
Source: plan 2.1, 2.3; Kaplan and Meier (1958).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.purchases import (
    SMALLEST_GROUP,
    YEAR_DAYS,
    known_until,
    purchases,
    without_small_counts,
)
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

READ_DAYS = (30, 60, 90, 180, 365)
STEP_DAYS = 7
MOST_HALF_YEARS = 8
LONGEST_HORIZON_DAYS = 730
FEWEST_AT_RISK = 100
GROUPS = 50


def repurchase_by_age(store: Store, period: Period) -> pd.DataFrame:
    """Share of customers with a second purchase by days since the first, for all and by cohort.

    Cohorts are half-years of first purchase, years where the data hold more than eight half-years.

    Args:
        store: Uses mart `purchase_days`.
        period: Customers are watched until its end.

    Returns:
        One row per cohort, oldest first (none where there is but one), then all customers:
        `cohort` (`2024-H1`, `2024`, `all`), `customers`, and for each of 30, 60, 90, 180, 365 days
        `within_30` ... (0 to 1), `within_30_low`, `within_30_high` (pointwise 95 %, Greenwood on
        log(-log)) and `at_risk_30` (customers still watched and without a second purchase just
        before that day; blank where all but 1 to 9 are). Blank beyond a cohort's age and where
        fewer than 10 customers are at risk; cohorts below 10 customers are left out.

    Raises:
        MissingTable: Customers are unknown, or no cohort is large enough.
    """
    import pandas as pd

    rows = []
    for cohort, part in _cohorts(store, period):
        row: dict[str, object] = {"cohort": cohort, "customers": int(part["customers"].sum())}
        share, low, high, at_risk = _read(part, READ_DAYS)
        for i, day in enumerate(READ_DAYS):
            row[f"within_{day}"] = share[i]
            row[f"within_{day}_low"], row[f"within_{day}_high"] = low[i], high[i]
            row[f"at_risk_{day}"] = at_risk[i]
        rows.append(row)
    frame = pd.DataFrame(rows)
    for day in READ_DAYS:
        frame = without_small_counts(frame, f"at_risk_{day}", "customers")
    return frame


def repurchase_curves(store: Store, period: Period, *, cohorts: int = 3) -> pd.DataFrame:
    """The curves of `repurchase_by_age`, week by week through the first year.

    Args:
        store: Uses mart `purchase_days`.
        period: Customers are watched until its end.
        cohorts: How many of the latest cohorts, besides all customers.

    Returns:
        One row per cohort and week: `cohort`, `days` (0, 7 ... 364 since the first purchase),
        `rate` (0 to 1), `low`, `high` (pointwise 95 %). Weeks with fewer than 10 customers at
        risk have no row, and a cohort that has not been watched for a week has none at all.

    Raises:
        MissingTable: No cohort has been watched for a week.
    """
    import pandas as pd

    days = range(0, YEAR_DAYS, STEP_DAYS)
    frames = []
    for cohort, part in _cohorts(store, period)[-cohorts - 1 :]:
        share, low, high, _ = _read(part, days)
        frames.append(
            pd.DataFrame(
                {"cohort": cohort, "days": list(days), "rate": share, "low": low, "high": high}
            )
        )
    known = pd.concat(frames, ignore_index=True).dropna(subset=["rate"])
    watched = known[known.groupby("cohort")["days"].transform("max") > 0]
    if watched.empty:
        raise MissingTable("orders", ("paid_at",), "short")
    return watched.reset_index(drop=True)


def time_between_purchases(store: Store, period: Period) -> pd.DataFrame:
    """Days from one purchase to the next, with and without those still waiting.

    Completed gaps alone are too short: long ones have not ended yet. Kaplan-Meier over all
    purchases counts the last purchase of each customer as waiting. Some never return, so the
    figures are of those who return within the horizon: the longest time, at most 730 days, that at
    least 100 purchases have been watched for.

    Args:
        store: Uses mart `purchase_days`.
        period: Purchases are watched until its end.

    Returns:
        Two rows, `basis` `completed` and `kaplan_meier`: `median_days`, `percentile_90_days` (days
        by which half and nine tenths of those who return have done so), `median_low`,
        `median_high`, `percentile_90_low`, `percentile_90_high` (95 %: bootstrap over 50 random
        groups of customers, so purchases of one customer stay together), `purchases` (that the row
        rests on), `horizon_days`, `returning_share` (0 to 1, of purchases followed by another
        within the horizon; blank for completed gaps).

    Raises:
        MissingTable: Customers are unknown, or fewer than 100 purchases were watched for 30 days
            or followed by another.

    Source: plan 2.3; Kaplan and Meier (1958); Efron and Tibshirani (1993) for the bootstrap.
    """
    import pandas as pd

    waits = _waits(store, known_until(store, period))
    horizon = _horizon(waits)
    ended = waits[waits["returned"] == 1]
    names = ["median_days", "percentile_90_days", "returning_share"]
    rows = []
    for basis, part, until in (
        ("completed", ended, float("inf")), ("kaplan_meier", waits, horizon),
    ):  # fmt: skip
        low, high = _bootstrap(part, until)
        row = {"basis": basis, "purchases": int(part["purchases"].sum())}
        row.update(zip(names, _quantiles(part, until), strict=True))
        row.update(median_low=low[0], median_high=high[0])
        row.update(percentile_90_low=low[1], percentile_90_high=high[1])
        rows.append(row)
    frame = pd.DataFrame(rows).assign(horizon_days=horizon)
    frame.loc[frame["basis"] == "completed", "returning_share"] = float("nan")
    order = ["basis", "median_days", "median_low", "median_high", "percentile_90_days",
             "percentile_90_low", "percentile_90_high", "returning_share", "horizon_days",
             "purchases"]  # fmt: skip
    return frame[order]


def lapsed_after_days(store: Store, period: Period) -> pd.DataFrame:
    """The shop's own line for "lapsed": days by which nine in ten of those who return have.

    Who has been quiet for longer is likely gone; it is a rule with its number from the shop's own
    customers, not a law.

    Returns:
        One row, `frames.COLUMNS`: days, interval and n (purchases) as in `time_between_purchases`.

    Raises:
        MissingTable: As `time_between_purchases`.

    Source: plan 2.3.
    """
    from helpers.measures.frames import one_row

    row = time_between_purchases(store, period).set_index("basis").loc["kaplan_meier"]
    return one_row(
        row["percentile_90_days"],
        low=row["percentile_90_low"],
        high=row["percentile_90_high"],
        n=row["purchases"],
    )


def _cohorts(store: Store, period: Period) -> list[tuple[str, pd.DataFrame]]:
    """Waits for the second purchase of each cohort of at least 10 customers, then of all."""
    end = known_until(store, period)
    days = purchases(store, end)
    first = days.filter(days.number == 1)
    waits = _with_wait(first, end).mutate(month=first.day.truncate("M"))
    counted = (
        waits.group_by("month", "days", "returned")
        .aggregate(customers=waits.count())
        .order_by("month", "days", "returned")
    )
    frame = store.to_frame(counted)
    year, half = frame["month"].dt.year.astype(str), (frame["month"].dt.month - 1) // 6 + 1
    frame["cohort"] = year + "-H" + half.astype(str)
    if frame["cohort"].nunique() > MOST_HALF_YEARS:
        frame["cohort"] = year
    found = [
        (str(cohort), part)
        for cohort, part in frame.groupby("cohort", sort=True)
        if part["customers"].sum() >= SMALLEST_GROUP
    ]
    if not found:
        raise MissingTable("orders", ("customer_id",), "short")
    return [*(found if len(found) > 1 else []), ("all", frame)]


def _with_wait(days: ir.Table, end: date) -> ir.Table:
    """Adds `days` to the next purchase, or to the end of watch, and `returned` (1 or 0)."""
    import ibis

    until = days.next_day.fill_null(ibis.literal(end))
    return days.mutate(
        days=until.delta(days.day, unit="day"), returned=days.next_day.notnull().cast("int64")
    )


def _read(part: pd.DataFrame, days: object) -> tuple[np.ndarray, ...]:
    """The curve of some customers at these days, blank where fewer than 10 are at risk."""
    import numpy as np

    from helpers.models.kaplan_meier import kaplan_meier

    curve = kaplan_meier(part["days"], part["returned"], part["customers"])
    found = curve.at(np.array(list(days), dtype=float))  # type: ignore[call-overload]
    return tuple(np.where(found[3] >= SMALLEST_GROUP, values, np.nan) for values in found)


def _waits(store: Store, end: date) -> pd.DataFrame:
    """Purchases by random group of customers, days to the next one and whether it came."""
    days = _with_wait(purchases(store, end), end)
    group = (days.shop_id + "/" + days.customer_id).hash() % GROUPS
    days = days.mutate(group=((group + GROUPS) % GROUPS).cast("int64"))
    counted = (
        days.group_by("group", "days", "returned")
        .aggregate(purchases=days.count())
        .order_by("group", "days", "returned")
    )
    return store.to_frame(counted)


def _horizon(waits: pd.DataFrame) -> int:
    watched = waits.groupby("days")["purchases"].sum()[::-1].cumsum()[::-1]
    long = watched[watched >= FEWEST_AT_RISK]
    gaps = waits.loc[waits["returned"] == 1, "purchases"].sum()
    if gaps < FEWEST_AT_RISK or long.empty or long.index[-1] < READ_DAYS[0]:
        raise MissingTable("orders", ("customer_id",), "short")
    return int(min(long.index[-1], LONGEST_HORIZON_DAYS))


def _quantiles(waits: pd.DataFrame, until: float) -> tuple[float, float, float]:
    """Days by which half and nine tenths of those who return have, and the share who do."""
    from helpers.models.kaplan_meier import kaplan_meier

    curve = kaplan_meier(waits["days"], waits["returned"], waits["purchases"])
    inside = curve.times <= until
    share = float(curve.share[inside][-1]) if inside.any() else 0.0
    return curve.time_of(0.5, until), curve.time_of(0.9, until), share


def _bootstrap(waits: pd.DataFrame, until: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 95 % intervals of median and 90th percentile, groups of customers resampled."""
    import numpy as np

    from helpers.models.kaplan_meier import resampled_shares

    units = waits.pivot_table("purchases", "group", "days", "sum", fill_value=0)
    ended = waits[waits["returned"] == 1]
    events = ended.pivot_table("purchases", "group", "days", "sum", fill_value=0)
    events = events.reindex(index=units.index, columns=units.columns, fill_value=0)
    inside = units.columns <= until
    shares = resampled_shares(events, units)[:, inside]
    days = units.columns[inside].to_numpy()
    reached = [
        days[(shares >= part * shares[:, -1:] - 1e-12).argmax(axis=1)] for part in (0.5, 0.9)
    ]
    low, high = np.percentile(reached, [2.5, 97.5], axis=1)
    return low, high
