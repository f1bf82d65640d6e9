"""The ACCA funnel: acquisition, activation, retention, referral; every step's rate and loss.

Steps have cohorts of their own: who counts in a period are those whose window ends in it, so the
steps are no single group of people walking through. Source: plan 2.1, 2.3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from helpers.measures.frames import proportion
from helpers.measures.funnel_groups import hide_small
from helpers.measures.funnel_steps import (
    PERSON,
    STEPS,
    Step,
    entered_in,
    rate,
    signs_after,
    year_of,
)
from helpers.measures.funnel_worth import value_of_going_on
from helpers.measures.purchases import SMALLEST_GROUP
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

SHOWN_AT_THE_TOP = 10_000
AFTER_FIRST_ORDER = ("activation", "retention", "retention_year", "referral")


def registration_rate(store: Store, period: Period) -> pd.DataFrame:
    """Accounts registered in the period / visitors, each once a day.

    Returns:
        One row, `frames.COLUMNS`: rate 0 to 1; the interval shows how days vary; n days.

    Raises:
        MissingTable: Registrations or traffic are unknown for the period.

    Source: plan 2.3.
    """
    return rate(store, STEPS["registration"], period)


def first_order_rate(store: Store, period: Period) -> pd.DataFrame:
    """Accounts with a first purchase within 30 days of registration / accounts.

    Accounts count whose 30 days end in the period; those that had purchased before they registered
    are left out.

    Returns:
        One row, `frames.COLUMNS`: rate 0 to 1 with its Wilson interval; n accounts.

    Raises:
        MissingTable: Registrations or customers of orders are unknown, or no window ends in the
            period.

    Source: plan 2.3.
    """
    return rate(store, STEPS["first_order"], period)


def activation_rate(store: Store, period: Period) -> pd.DataFrame:
    """New customers who showed a sign of engagement within 30 days / new customers.

    A sign is a message opened, a visit, points used, a coupon redeemed or a part in the community,
    after the day of the first purchase. New customers count whose 30 days end in the period.

    Returns:
        One row, `frames.COLUMNS`: rate 0 to 1 with its Wilson interval; n new customers.

    Raises:
        MissingTable: Signs or customers are unknown, or no window ends in the period.

    Source: plan 2.3.
    """
    return rate(store, STEPS["activation"], period)


def acca(store: Store, period: Period) -> pd.DataFrame:
    """Every step of the funnel with its rate, who was lost, and what they would be worth.

    Returns:
        One row per step, in order: `step`, `window_days`, `entered`, `passed`, `lost` (counts, the
        latter two empty where one is below 10), `rate`, `low`, `high` (0 to 1), `of_10000` (of
        10,000 who enter the first step that is known; activation, retention and referral each of
        all new customers), `value` (money of one who goes on rather than stops), `lost_worth`
        (money, had all gone on, 0 where that brings no more; empty for registration, whose
        visitors are no people), `grade` and `basis` of the value, `state` (`known`, or why not:
        `absent`, `empty`, `failed`, `short`, `small`), `needs` (table and columns that the step
        lacks; empty text where it is known).

    Raises:
        MissingTable: The store can say no step.

    Source: plan 2.1, 2.3.
    """
    import pandas as pd

    rows, lacks = [], {}
    for name, step in STEPS.items():
        row = {"step": name, "window_days": step.window_days}
        try:
            rows.append({**row, **_rate(store, step, period)})
        except MissingTable as lack:
            lacks[name] = lack
            rows.append({**row, **_UNKNOWN_RATE, "state": lack.why, "needs": _needs(lack)})
    if len(lacks) == len(rows):
        raise lacks["retention"]
    frame = hide_small(pd.DataFrame(rows))
    frame = frame.merge(_values(store, period), on="step", how="left", sort=False)
    lost = frame["entered"] * (1 - frame["rate"])
    worth = lost * frame["value"].clip(lower=0)
    frame["lost_worth"] = worth.where(frame["step"] != "registration")
    frame["of_10000"] = _reach(frame)
    names = ["step", "window_days", "entered", "passed", "lost", "rate", "low", "high", "of_10000",
             "value", "lost_worth", "grade", "basis", "state", "needs"]  # fmt: skip
    return frame[names]


_UNKNOWN_RATE = dict.fromkeys(("entered", "passed", "rate", "low", "high"), math.nan)


def _rate(store: Store, step: Step, period: Period) -> dict[str, Any]:
    found = rate(store, step, period).iloc[0]
    if found["denominator"] < SMALLEST_GROUP:
        return {**_UNKNOWN_RATE, "state": "small", "needs": ""}
    return {
        "entered": found["denominator"], "passed": found["numerator"], "rate": found["value"],
        "low": found["low"], "high": found["high"], "state": "known", "needs": "",
    }  # fmt: skip


def _needs(lack: MissingTable) -> str:
    return f"{lack.table} ({', '.join(lack.columns)})" if lack.columns else lack.table


def _values(store: Store, period: Period) -> pd.DataFrame:
    import pandas as pd

    names = ["step", "value", "grade", "basis"]
    try:
        return value_of_going_on(store, period)[names]
    except MissingTable:
        return pd.DataFrame(columns=names)


def _reach(frame: pd.DataFrame) -> pd.Series:
    """Of so many who enter the first step known, how many go on in each."""
    import pandas as pd

    rates = frame.set_index("step")["rate"]
    found, base = {}, float(SHOWN_AT_THE_TOP)
    for name in ("registration", "first_order"):
        if rates[name] == rates[name]:
            base *= rates[name]
            found[name] = base
        elif found:
            base = math.nan
    for name in AFTER_FIRST_ORDER:
        found[name] = base * rates[name]
    return frame["step"].map(pd.Series(found, dtype=float))


def activation_signs(store: Store, period: Period) -> pd.DataFrame:
    """Which signs of engagement new customers show within 30 days of the first purchase.

    Over the 365 days to the period's end; a customer may show several.

    Returns:
        One row per kind, most customers first: `kind`, `customers` (with the sign), `of` (new
        customers), `rate`, `low`, `high` (0 to 1; Wilson). Kinds of fewer than 10 customers are
        left out.

    Raises:
        MissingTable: As `activation_rate`.

    Source: plan 2.3.
    """
    import pandas as pd

    step = STEPS["activation"]
    year = year_of(store, step, period)
    base = float(entered_in(store, step, year)["entered"].sum())
    signs = signs_after(store, step.window_days)
    signs = signs.filter(signs.day >= year.start - step.window, signs.day <= year.end - step.window)
    people = signs.select(*PERSON, "kind").distinct()
    counted = people.group_by("kind").aggregate(customers=people.count()).order_by("kind")
    frame = store.to_frame(counted)
    frame = frame[frame["customers"] >= SMALLEST_GROUP]
    parts = [proportion(n, base) for n in frame["customers"]]
    if not parts:
        raise MissingTable("engagements", (), "short")
    ends = pd.concat(parts, ignore_index=True).rename(columns={"value": "rate"})
    frame = frame.reset_index(drop=True).assign(of=base, **ends[["rate", "low", "high"]])
    return frame.sort_values(["customers", "kind"], ascending=[False, True], ignore_index=True)
