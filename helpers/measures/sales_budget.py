"""The month against its budget 达成率: sales, marketing and overheads beside what was planned.

Table `budgets`, whole months; marketing by channel stands in `marketing_budget`. Source: plan 4.2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures.evaluation import net_sales, paid_sales, traded
from helpers.measures.frames import divide, one_row
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.store.open import Store

SALES = {"net_sales": net_sales, "paid_sales": paid_sales}


def sales_attainment(store: Store, period: Period) -> pd.DataFrame:
    """Sales of the period / what the budget planned for it.

    Net sales with refunds still to come where net sales are planned, else paid sales.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1 as a rule; the interval is that of the refunds still to
        come, none where they are all in.

    Raises:
        MissingTable: The period has no whole month that is over, or one without a plan of sales;
            or refunds are unknown.

    Source: plan 4.2.
    """
    months = _whole_months(store, period)
    plans = _plans(store, months)
    line = next((name for name in SALES if (plans["line"] == name).any()), "")
    planned = float(plans.loc[plans["line"] == line, "amount"].sum())
    covered = plans.loc[plans["line"] == line, "month"].nunique()
    if not planned > 0 or covered < len(months):
        raise MissingTable("budgets", ("month", "line", "amount"), "short")
    row = SALES[line](store, Period(months[0].start, months[-1].end)).iloc[0]
    return one_row(
        row["value"] / planned, low=row["low"] / planned, high=row["high"] / planned,
        numerator=row["value"], denominator=planned, observed=row["observed"] / planned,
        provisional=str(row["provisional"]) == "True",
    )  # fmt: skip


def plan_by_line(store: Store, period: Period) -> pd.DataFrame:
    """What was planned and what came, line by line, for the period and the year so far.

    Returns:
        One row per planned line that the store can tell, sales first, then costs by money:
        `line` (`net_sales`, `paid_sales`, `marketing`, or a line of `costs`), `planned`, `actual`,
        `attainment`, `planned_year`, `actual_year`, `attainment_year` (from the first planned month
        of the year), `left` (actual_year - planned_year: more than planned is above 0). Months
        without a plan are left out of both sides.

    Raises:
        MissingTable: As `sales_attainment`, where the budget names no line that can be told.

    Source: plan 4.2.
    """
    import pandas as pd

    months = _whole_months(store, period)
    january = months[-1].start.replace(month=1)
    spans = Period(max(january, store.first_day), months[-1].end).months()
    year = [month for month in spans if month.start >= store.first_day]
    plans = _plans(store, year)
    frames = []
    for line, part in plans.groupby("line"):
        planned = part.groupby("month")["amount"].sum()
        known = [month for month in year if pd.Timestamp(month.start) in planned.index]
        actual = pd.Series({pd.Timestamp(m.start): _actual(store, str(line), m) for m in known})
        now = [pd.Timestamp(month.start) for month in months]
        if actual.isna().any() or not set(now) <= set(actual.index):
            continue
        frames.append((str(line), planned[now].sum(), actual[now].sum(), planned.sum(),
                       actual.sum()))  # fmt: skip
    if not frames:
        raise MissingTable("budgets", ("month", "line", "amount"), "short")
    names = ["line", "planned", "actual", "planned_year", "actual_year"]
    frame = pd.DataFrame(frames, columns=names)
    frame = frame.assign(
        attainment=[divide(a, p) for a, p in zip(frame["actual"], frame["planned"], strict=True)],
        attainment_year=[divide(a, p) for a, p in zip(frame["actual_year"], frame["planned_year"],
                                                      strict=True)],
        left=frame["actual_year"] - frame["planned_year"],
        is_cost=~frame["line"].isin(SALES),
    )  # fmt: skip
    frame = frame.sort_values(["is_cost", "planned", "line"], ascending=[True, False, True])
    columns = ["line", "planned", "actual", "attainment", "planned_year", "actual_year",
               "attainment_year", "left"]  # fmt: skip
    return frame[columns].reset_index(drop=True)


def _whole_months(store: Store, period: Period) -> list[Period]:
    """Whole months of the period that are over on the store's day.

    Raises:
        MissingTable: There is no budget, or there are none.
    """
    store.require("budgets", "month", "line", "amount")
    end = min(period.end, store.as_of)
    found = [one for one in period.months() if one.start >= period.start and one.end <= end]
    if not found or found[0].start < store.first_day:
        raise MissingTable("budgets", ("month",), "short")
    return found


def _plans(store: Store, months: list[Period]) -> pd.DataFrame:
    """Planned money by month and line, all channels together."""
    plans = store.table("budgets")
    plans = plans.filter(plans.month >= months[0].start, plans.month <= months[-1].end)
    first = plans.month.truncate("M").cast("timestamp")
    grouped = plans.group_by(month=first, line=plans.line).aggregate(amount=plans.amount.sum())
    return store.to_frame(grouped.order_by("month", "line"))


def _actual(store: Store, line: str, month: Period) -> float:
    """What came of a line in a month; NaN where the store can't say."""
    if line in ("net_sales", "paid_sales", "marketing"):
        return float(traded(store, month)[line].sum(skipna=False))
    if not store.has("costs"):
        return math.nan
    costs = store.table("costs")
    costs = costs.filter(costs.cost_line == line, costs.month >= month.start,
                         costs.month <= month.end)  # fmt: skip
    found = store.to_frame(costs.aggregate(n=costs.count(), money=costs.amount.sum())).iloc[0]
    return float(found["money"]) if found["n"] else math.nan
