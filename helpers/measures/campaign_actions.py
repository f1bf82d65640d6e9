"""What to do about campaigns, and what the plan expects of advertising.

A campaign is judged by what its platform claims, deflated (see `campaigns`). An average return says
whether the money spent so far paid; how far to cut or raise is a question of the next unit of
money. Source: plan 2.2, 4.2, 5.3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from helpers.measures.campaigns import campaigns
from helpers.measures.channel_days import within
from helpers.plan import benchmarks
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.plan.periods import Period
    from helpers.store.open import Store

MONTH_DAYS = 365.25 / 12
ACTIONS = {"loses": "lower", "later": "hold", "below": "hold", "earns": "more"}


def campaign_actions(store: Store, period: Period) -> pd.DataFrame:
    """Campaigns to lower or pause, to hold, and those that could take more; most money first.

    Returns:
        `channel`, `campaign`, `action` (`lower`: its return misses even the line that counts the
        year's repeat purchases, with its whole interval; `hold`: it misses the line of the order
        alone; `more`: it lies above that line with its whole interval), `spend`, `value` (deflated
        return), `low`, `high`, `line` (the return that it is compared with), `worth` (money a
        month: lost against that line, or earned above it), `worth_low`, `worth_high` (95 %). No
        row where the evidence suffices for none. Fees without a return of their own are never
        judged.

    Raises:
        MissingTable: As `campaigns.campaigns`; or the cost of goods is unknown.

    Source: plan 2.2.
    """
    import pandas as pd

    rows = [_action(row, _months(store, period)) for row in _judged(store, period)]
    names = ["channel", "campaign", "action", "spend", "value", "low", "high", "line", "worth",
             "worth_low", "worth_high"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=names)
    order = frame["action"].map({"lower": 0, "hold": 1, "more": 1})
    frame = frame.assign(order=order).sort_values(
        ["order", "worth", "channel", "campaign"], ascending=[True, False, True, True]
    )
    return frame.drop(columns="order").reset_index(drop=True)


def _judged(store: Store, period: Period) -> list[dict[str, Any]]:
    found = campaigns(store, period)
    if found["break_even"].isna().all():
        raise MissingTable("price_history", ("product_id", "valid_from", "unit_cost"))
    return found[found["pays"].isin(ACTIONS)].to_dict("records")


def _months(store: Store, period: Period) -> float:
    """The period's length in months; a calendar month is one."""
    return 1.0 if period.kind == "month" else within(store, period).days / MONTH_DAYS


def _action(row: dict[str, Any], months: float) -> dict[str, Any]:
    """Money of a month between a campaign's return and its line."""
    action = ACTIONS[row["pays"]]
    name = "year" if action == "lower" else "break_even"
    line = row["year_break_even" if action == "lower" else "break_even"]
    ends = (row["value"] / line, row["low"] / row[f"{name}_high"], row["high"] / row[f"{name}_low"])
    gains = [row["borne"] / months * (one - 1) for one in ends]
    if action == "more":
        worth, low, high = gains
    else:
        worth, high, low = (-one for one in gains)
    wanted = ("channel", "campaign", "spend", "value", "low", "high")
    return {**{key: row[key] for key in wanted}, "action": action, "line": line,
            "worth": worth, "worth_low": max(low, 0.0), "worth_high": high}  # fmt: skip


def advertising_expectations(store: Store, period: Period) -> pd.DataFrame:
    """What the plan expects of advertising beside what this shop measured.

    The plan's figures are claims about other shops. A change over a year is no effect of a lever.
    `precise_spend` (return on marketing) is taken as net sales per unit of all marketing spend,
    `precise_marketing` and `paid_mix_roi` as the return on spend of paid channels.

    Returns:
        One row per figure that the store can say: `figure`, `lever`, `lever_zh`, `kind` (`change`
        or `level`), `expected` (relative change, or multiple), `now`, `before` (multiples; before:
        the same period last year), `measured`, `low`, `high` (as `expected`; 95 %), `against_plan`
        (`above`, `within`, `below`, `cannot_tell`).

    Raises:
        MissingTable: The store can say none of them.

    Source: plan 2.2, 4.2, 5.3.
    """
    import pandas as pd

    rows, lack = [], None
    for figure in benchmarks.chosen(*EXPECTED):
        try:
            rows.append(_expectation(store, period, figure))
        except MissingTable as missing:
            lack = lack or missing
    if not rows:
        raise lack or MissingTable("ad_spend", ("day",), "short")
    return pd.DataFrame(rows)


def _expectation(store: Store, period: Period, figure: benchmarks.Benchmark) -> dict[str, Any]:
    from helpers.measures.plan_expectations import relative_change, verdict

    measure = EXPECTED[figure.id]
    now, before, found = measure(store, period), None, None
    is_level = figure.change is None
    if is_level:
        found = now
    else:
        before = measure(store, period.last_year())
        found = relative_change(now, before)
    return {
        "figure": figure.id, "lever": figure.lever["en"], "lever_zh": figure.lever["zh"],
        "kind": "level" if is_level else "change",
        "expected": figure.after if is_level else figure.change,
        "now": now.value, "before": before.value if before else math.nan,
        "measured": found.value, "low": found.low, "high": found.high,
        "against_plan": verdict(figure, found),
    }  # fmt: skip


def _return_on_spend(store: Store, period: Period) -> Estimate:
    from helpers.measures.traffic import return_on_spend

    return _estimate(return_on_spend(store, period))


def _return_on_marketing(store: Store, period: Period) -> Estimate:
    """Net sales per unit of marketing spend: the marketing share turned over."""
    from helpers.measures.traffic import marketing_share
    from helpers.models.estimate import Estimate

    one = _estimate(marketing_share(store, period))
    if not one.value > 0:
        raise MissingTable("ad_spend", ("spend",), "short")
    high = 1 / one.low if one.low > 0 else math.inf
    return Estimate(1 / one.value, 1 / one.high, high, one.n)


def _estimate(frame: pd.DataFrame) -> Estimate:
    from helpers.models.estimate import Estimate

    return Estimate(*(float(frame[name].iloc[0]) for name in ("value", "low", "high", "n")))


EXPECTED: dict[str, Callable[[Store, Period], Estimate]] = {
    "paid_mix_roi": _return_on_spend,
    "precise_marketing": _return_on_spend,
    "precise_spend": _return_on_marketing,
}
