"""Which of the plan's levers on the customers' life to test first, on how many, worth how much.

A change over a year never tells what a lever did: a control group does. Source: plan 2.3, 2.4.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from helpers.measures.funnel_steps import STEPS, YEAR_DAYS, rate, year_of
from helpers.measures.funnel_worth import value_of_going_on
from helpers.measures.purchases import SMALLEST_GROUP
from helpers.plan import benchmarks
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.benchmarks import Benchmark
    from helpers.plan.periods import Period
    from helpers.store.open import Store

LEVERS = {"signup_flow": "registration", "personal_email": "activation",
          "birthday_sms": "retention"}  # fmt: skip


def levers_to_test(store: Store, period: Period) -> pd.DataFrame:
    """The plan's levers on a step of the funnel, most worth first if the plan's claim were true.

    Registration of visitors, activation, and a second purchase within 90 days, each over the 365
    days to the period's end. Half of those who enter the step are left without the lever until the
    claimed change would be found with 80 % power.

    Returns:
        One row per lever: `figure`, `action` (the same, `too_long` above 365 days), `lever`,
        `lever_zh`, `step`, `rate` (now), `expected_rate` (relative reading), `people` (both arms
        together), `days` (until so many have entered, and the step's window), `extra` (people a
        year who would go on besides, were the claim true), `worth`, `worth_low`, `worth_high`
        (money a year; the interval is that of the value of one), `grade` and `basis` of the value.

    Raises:
        MissingTable: No lever's step is known with a value above 0.

    Source: plan 2.3, 2.4; Fleiss, Levin and Paik (2003).
    """
    import pandas as pd

    values = value_of_going_on(store, period).set_index("step").to_dict("index")
    rows, lack = [], MissingTable("orders", ("customer_id",), "short")
    for figure in benchmarks.chosen(*LEVERS):
        name = LEVERS[figure.id]
        try:
            row = _test(store, period, figure, name)
        except MissingTable as missing:
            lack = missing
            continue
        if row and values.get(name, {"high": 0})["high"] > 0:
            rows.append({**row, **_worth(row["extra"], values[name])})
    if not rows:
        raise lack
    frame = pd.DataFrame(rows)
    return frame.sort_values(["worth", "figure"], ascending=[False, True], ignore_index=True)


def _test(store: Store, period: Period, figure: Benchmark, name: str) -> dict[str, Any] | None:
    """Size and length of the test; None where so few entered, or the claim is impossible."""
    from helpers.models.sample_size import two_shares

    step = STEPS[name]
    year = year_of(store, step, period)
    found = rate(store, step, year).iloc[0]
    now, entered = float(found["value"]), float(found["denominator"])
    expected = figure.expected(now)
    if entered < SMALLEST_GROUP or not 0 < now < 1 or expected is None:
        return None
    people = 2 * math.ceil(two_shares(now, expected))
    days = math.ceil(people / entered * year.days) + step.window_days
    return {
        "figure": figure.id, "action": figure.id if days <= YEAR_DAYS else "too_long",
        "lever": figure.lever["en"], "lever_zh": figure.lever["zh"], "step": name, "rate": now,
        "expected_rate": expected, "people": people, "days": days,
        "extra": entered * (expected - now) * YEAR_DAYS / year.days,
    }  # fmt: skip


def _worth(extra: float, value: dict[str, Any]) -> dict[str, Any]:
    """Money of the extra people; an end below 0 is none, for nobody is made to go on at a loss."""
    ends = {"worth": "value", "worth_low": "low", "worth_high": "high"}
    money = {name: extra * max(float(value[end]), 0.0) for name, end in ends.items()}
    return {**money, "grade": value["grade"], "basis": value["basis"]}
