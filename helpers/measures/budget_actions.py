"""What the budget asks for: money to move, a total to change, channels to vary so that they tell.

Source: plan 3.2, 4.2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures.budget import budget_by_channel, budget_plans
from helpers.measures.response import (
    NOW_WEEKS,
    SPEND_REASONS,
    customer_values,
    shop_response,
)
from helpers.measures.spend_weeks import WEEKS_PER_MONTH, SpendWeeks

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

SWING = 0.3
TEST_WEEKS = 12
WANTED_WIDTH = 0.5
NORMAL = 1.96


def spend_test_plans(store: Store, period: Period) -> pd.DataFrame:
    """What it takes to learn the return of channels whose spend can't tell it yet.

    Spend is raised and cut by 30 % in alternating fortnights. With w weeks of a weekly outcome of
    standard deviation s, half of them each way, new customers per unit of money are then known
    with the standard error s / (0.3 x spend x sqrt(w)).

    Returns:
        `channel`, `spend`, `swing` (money a week, up or down), `weeks`, `half_width` (of the 95 %
        interval of what one more unit brings in contribution, after 12 weeks), `weeks_needed`
        (until it is 0.5), `reason` (why it can't be told), most spend first. Only channels whose
        spend is the reason.

    Raises:
        MissingTable: As `response.shop_response`.

    Source: plan 4.2.
    """
    import numpy as np
    import pandas as pd

    found = shop_response(store, period)
    worth = customer_values(store, period, found.series.channels)
    deviation = _deviation(found.series)
    rows = []
    for place, channel in enumerate(found.series.channels):
        if found.verdicts[place].reason not in SPEND_REASONS or not found.now[place] > 0:
            continue
        swing = SWING * float(found.now[place])
        half = NORMAL * worth[place] * deviation / (swing * math.sqrt(TEST_WEEKS))
        needed = TEST_WEEKS * (half / WANTED_WIDTH) ** 2
        weeks = math.nan if np.isnan(needed) else 4.0 * math.ceil(needed / 4)
        rows.append((channel, float(found.now[place]), swing, TEST_WEEKS, half, weeks,
                     found.verdicts[place].reason))  # fmt: skip
    names = ["channel", "spend", "swing", "weeks", "half_width", "weeks_needed", "reason"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.sort_values(["spend", "channel"], ascending=[False, True], ignore_index=True)


def _deviation(series: SpendWeeks) -> float:
    """Standard deviation of a week's new customers now, beyond calendar and free traffic.

    Least squares on the controls; variance over mean as for counts, at least 1.
    """
    import numpy as np

    controls = np.column_stack([np.ones(len(series.weeks)), series.controls])
    solved, _, rank, _ = np.linalg.lstsq(controls, series.customers, rcond=None)
    fitted = np.maximum(controls @ solved, 1.0)
    freedom = max(len(fitted) - int(rank), 1)
    dispersion = float(((series.customers - fitted) ** 2 / fitted).sum()) / freedom
    recent = float(series.customers[-NOW_WEEKS:].mean())
    return math.sqrt(max(dispersion, 1.0) * recent)


def budget_actions(store: Store, period: Period) -> pd.DataFrame:
    """Moves of money with what they earn a month, and tests where nothing can be told.

    Returns:
        One row an action, most urgent first: `action` (`move`: from `channel` to `to`; `cut`,
        `raise`: the total; `vary`: a channel that can't be told), `channel`, `to`, `amount` (money
        a month), `share` (of the total or of the channel's spend), `worth`, `worth_low`,
        `worth_high` (contribution a month, 95 %; empty on `vary`), `weeks`, `half_width`.

    Raises:
        MissingTable: As `budget.budget_plans`.

    Source: plan 4.2.
    """
    import pandas as pd

    plans = budget_plans(store, period)
    rows = []
    if not plans.empty:
        rows = [*_total(store, period, plans), *_move(store, period, plans)]
    tests = spend_test_plans(store, period)
    rows += [
        {"action": "vary", "channel": row["channel"], "amount": row["spend"] * WEEKS_PER_MONTH,
         "share": SWING, "weeks": row["weeks"], "half_width": row["half_width"]}
        for row in tests.to_dict("records")
    ]  # fmt: skip
    names = ["action", "channel", "to", "amount", "share", "worth", "worth_low", "worth_high",
             "weeks", "half_width"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _move(store: Store, period: Period, plans: pd.DataFrame) -> list[dict[str, object]]:
    """The same total split otherwise: from the one that gives most to the one that pays best."""
    split = budget_by_channel(store, period)
    gives, takes = (split[split["move"] == move] for move in ("less", "more"))
    same = plans.set_index("plan").loc["same"]
    if gives.empty or takes.empty or not same["low"] > 0:
        return []
    amount = float(takes["change"].sum())
    best = takes.sort_values(["return_today", "channel"], ascending=[False, True])
    return [_action("move", str(gives["channel"].iloc[0]), str(best["channel"].iloc[0]), amount,
                    amount / float(split["today"].sum()), same)]  # fmt: skip


def _total(store: Store, period: Period, plans: pd.DataFrame) -> list[dict[str, object]]:
    """Another total, where what it adds to the better split is sure."""
    best = plans.set_index("plan").loc["best"]
    split = budget_by_channel(store, period, plan="best")
    amount = float(best["change"])
    if not best["low"] > 0 or abs(amount) < 0.02 * float(split["today"].sum()):
        return []
    kind = "raise" if amount > 0 else "cut"
    moved = split[split["change"] * amount > 0]
    channel = str(moved["channel"].iloc[0])
    return [
        _action(kind, channel, "", abs(amount), abs(amount) / float(split["today"].sum()), best)
    ]


def _action(
    kind: str, channel: str, to: str, amount: float, share: float, plan: pd.Series
) -> dict[str, object]:
    return {
        "action": kind, "channel": channel, "to": to, "amount": amount, "share": share,
        "worth": plan["gain"], "worth_low": plan["low"], "worth_high": plan["high"],
    }  # fmt: skip
