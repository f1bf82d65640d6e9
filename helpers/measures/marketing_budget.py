"""The marketing budget against what was spent, by channel, for the period and the year to date.

Plan: table `budgets`, line `marketing`, in whole months. Spend: all of `ad_spend`, care for
existing customers included, as it is booked. Source: plan 4.2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures.channel_days import channel_days, require_spend
from helpers.measures.channels import or_none
from helpers.measures.frames import divide, one_row
from helpers.measures.money import daily_money
from helpers.measures.paid_returns import returns_by_channel
from helpers.plan.periods import Period, month_of
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from helpers.store.open import Store

MARKETING, SALES = "marketing", "net_sales"
TOLERANCE = 0.05


def plan_against_actual(store: Store, period: Period) -> pd.DataFrame:
    """Planned and actual marketing spend of each channel, most planned in the year first.

    Returns:
        One row per channel (one row `total` where the plan is for the whole shop; planned 0 where
        it leaves a channel out): `channel`, `planned`, `actual`,
        `attainment` (actual / planned), `planned_year`, `actual_year`, `attainment_year` (from
        January, or from the plan's first month of that year, to the last whole month of the
        period), `left` (planned_year - actual_year), `budget_state` (`over`, `under` where the year
        departs by more than 5 %, `on_plan`). Both sides count whole months only.

    Raises:
        MissingTable: There is no budget of marketing for the period's months, or no spend.

    Source: plan 4.2.
    """
    import pandas as pd

    now, year = _spans(store, period)
    frames = []
    for span, ending in ((now, ""), (year, "_year")):
        planned, actual = _planned(store, span, MARKETING), _actual(store, span)
        frames += [planned.rename(f"planned{ending}"), actual.rename(f"actual{ending}")]
    frame = pd.concat(frames, axis=1).fillna(0.0).rename_axis("channel").reset_index()
    if (frame["channel"] == "").any():
        frame = _whole_shop(frame)
    moved = frame["actual_year"] - frame["planned_year"]
    far = moved.abs() > TOLERANCE * frame["planned_year"]
    frame = frame.assign(
        attainment=frame["actual"] / frame["planned"].where(frame["planned"] > 0),
        attainment_year=frame["actual_year"]
        / frame["planned_year"].where(frame["planned_year"] > 0),
        left=-moved,
        budget_state=(moved > 0).map({True: "over", False: "under"}).where(far, "on_plan"),
    )
    names = ["channel", "planned", "actual", "attainment", "planned_year", "actual_year",
             "attainment_year", "left", "budget_state"]  # fmt: skip
    return frame[names].sort_values(
        ["planned_year", "actual_year", "channel"], ascending=[False, False, True],
        ignore_index=True,
    )  # fmt: skip


def _whole_shop(frame: pd.DataFrame) -> pd.DataFrame:
    """One row `total` where the plan is for the whole shop; without its line where both stand."""
    if (frame.loc[frame["channel"] != "", "planned_year"] > 0).any():
        return frame[frame["channel"] != ""].reset_index(drop=True)
    return frame.drop(columns="channel").sum().to_frame().T.assign(channel="total")


def _spans(store: Store, period: Period) -> tuple[Period, Period]:
    """Whole months of the period up to the store's day, and those of its last year so far.

    Raises:
        MissingTable: The plan has none of them.
    """
    store.require("budgets", "month", "line", "amount")
    end = min(period.end, store.as_of)
    whole = [one for one in period.months() if one.start >= period.start and one.end <= end]
    if not whole:
        raise MissingTable("budgets", ("month",), "short")
    now = Period(whole[0].start, whole[-1].end)
    months = _planned_months(store)
    january = now.end.replace(month=1, day=1)
    begins = [day for day in months if january <= day <= now.end]
    if not any(now.contains(day) for day in months):
        raise MissingTable("budgets", ("month",), "short")
    year = Period(min(begins), now.end)
    require_spend(store, Period(min(now.start, year.start), now.end))
    return now, year


def _planned_months(store: Store) -> list[date]:
    plans = store.table("budgets")
    plans = plans.filter(plans.line == MARKETING)
    found = store.to_frame(plans.select("month").distinct().order_by("month"))
    return [month_of(day.date()).start for day in found["month"]]


def _planned(store: Store, span: Period, line: str) -> pd.Series:
    plans = store.table("budgets")
    plans = plans.filter(plans.line == line, plans.month >= span.start, plans.month <= span.end)
    grouped = plans.group_by("channel").aggregate(amount=plans.amount.sum()).order_by("channel")
    return store.to_frame(grouped).set_index("channel")["amount"]


def _actual(store: Store, span: Period) -> pd.Series:
    spend = channel_days(store, span).groupby("channel")["spend"].sum()
    return spend[spend > 0]


def budget_summary(store: Store, period: Period) -> pd.DataFrame:
    """The whole marketing budget of the year to date, and what share of net sales it was to be.

    Returns:
        One row: `first_month`, `last_month` (days), `planned`, `actual`, `attainment` (of the
        period), `planned_year`, `actual_year`, `attainment_year`, `left`, `planned_share`,
        `actual_share` (marketing / net sales of the year to date; empty where the plan names no net
        sales or refunds are unknown), `over_channels`, `under_channels` (more than 5 % off),
        `reading` (`over`, `under`, `on_plan`: by the year to date).

    Raises:
        MissingTable: As `plan_against_actual`.

    Source: plan 4.2.
    """
    import pandas as pd

    frame = plan_against_actual(store, period)
    now, year = _spans(store, period)
    sums = frame[["planned", "actual", "planned_year", "actual_year", "left"]].sum()
    sales = float(_planned(store, year, SALES).sum())
    net = float(daily_money(store, year)["net_sales"].sum(skipna=False))
    moved = divide(-sums["left"], sums["planned_year"])
    row = {
        "first_month": pd.Timestamp(year.start),
        "last_month": pd.Timestamp(month_of(now.end).start),
        **sums,
        "attainment": divide(sums["actual"], sums["planned"]),
        "attainment_year": divide(sums["actual_year"], sums["planned_year"]),
        "planned_share": divide(sums["planned_year"], sales),
        "actual_share": sums["actual_year"] / net if sales and net > 0 else math.nan,
        "over_channels": int((frame["budget_state"] == "over").sum()),
        "under_channels": int((frame["budget_state"] == "under").sum()),
        "reading": "on_plan" if abs(moved) <= TOLERANCE else "over" if moved > 0 else "under",
    }
    return pd.DataFrame([row])


def budget_attainment(store: Store, period: Period) -> pd.DataFrame:
    """Marketing spend / its budget, whole months of the period.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1 as a rule, exact.

    Raises:
        MissingTable: As `plan_against_actual`.

    Source: plan 4.2.
    """
    frame = plan_against_actual(store, period)
    actual, planned = float(frame["actual"].sum()), float(frame["planned"].sum())
    return one_row(divide(actual, planned), numerator=actual, denominator=planned)


def budget_actions(store: Store, period: Period) -> pd.DataFrame:
    """Channels that departed from their budget, with what their return says; most money first.

    Returns:
        Rows of `plan_against_actual` that are over or under, with `value` (return of the period;
        empty for a channel that is not paid or unknown), `action` (`bring_back`: over and losing;
        `decide`: over, its return earns or can't be told; `release`: under and losing, so the rest
        need not be spent; `explain`: under otherwise) and `worth` (money over or under).

    Raises:
        MissingTable: As `plan_against_actual`.

    Source: plan 4.2.
    """
    import pandas as pd

    frame = plan_against_actual(store, period)
    frame = frame[frame["budget_state"] != "on_plan"]
    found = or_none(returns_by_channel, store, period)
    found = pd.DataFrame(columns=["channel", "value", "pays"]) if found is None else found
    frame = frame.merge(found[["channel", "value", "pays"]], on="channel", how="left")
    loses = frame["pays"] == "loses"
    over = frame["budget_state"] == "over"
    action = over.map({True: "decide", False: "explain"})
    action = action.mask(over & loses, "bring_back").mask(~over & loses, "release")
    frame = frame.assign(action=action, worth=frame["left"].abs())
    return frame.sort_values(["worth", "channel"], ascending=[False, True], ignore_index=True)
