"""Which paid channels are to get less money: each channel once, on its strongest evidence.

A test of spend beats the response model, and that beats what a platform ascribes to itself. A
channel that a stronger grade clears is not asked for on a weaker one. Source: plan 2.2, 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helpers.measures.budget import best_budget
from helpers.measures.channels import or_none
from helpers.measures.response import ENDS, Response, response_by_channel
from helpers.measures.spend_tests import spend_tests
from helpers.measures.spend_weeks import WEEKS_PER_MONTH
from helpers.measures.traffic_actions import bid_limits
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

FIRST_CUT = 0.2
NAMES = ("action", "channel", "today", "then", "worth", "worth_low", "worth_high", "value", "low",
         "high", "method", "starts_on", "ends_on", "extra", "back", "back_low", "back_high",
         "spend", "new_customers", "cac", "limit", "cpc", "cpc_limit")  # fmt: skip


def spend_orders(store: Store, period: Period) -> pd.DataFrame:
    """Paid channels whose spend or bids should fall, most money first.

    A channel that a test says does not pay, or else the response model, goes down to its spend at
    the total that earns most (see `budget.budget_by_channel`); by a fifth where only the test can
    tell. A channel that neither clears nor condemns is held to the lines of
    `traffic_actions.bid_limits`.

    Returns:
        One row per channel: `action` (`test`, `model`: by that evidence; `cut`, `cap`,
        `cut_whole`, `cap_whole`: by attribution, as `bid_limits`), `channel`, `worth`,
        `worth_low`, `worth_high` (95 %; `test` and `model`: spend saved a month less the
        contribution of the new customers that it would have brought; else money of the period as
        `bid_limits`). With `test` and `model`: `today`, `then` (money a month), `value`, `low`,
        `high` (what one more unit of money brings within a year); with `test`: `method`,
        `starts_on`, `ends_on`, `extra` (money) and `back`, `back_low`, `back_high` (contribution
        that it brought). With the others the columns of `bid_limits`.

    Raises:
        MissingTable: As `bid_limits`, where no stronger evidence asks for anything either.

    Source: plan 2.2, 4.2.
    """
    import pandas as pd

    rows, settled = [], []
    for row in _judged(store, period):
        settled.append(row["channel"])
        if row["action"] != "keep":
            rows.append({**row, **_cut(store, period, row)})
    try:
        limits = bid_limits(store, period)
        rows += limits[~limits["channel"].isin(settled)].to_dict("records")
    except MissingTable:
        if not rows:
            raise
    frame = pd.DataFrame(rows).reindex(columns=list(NAMES))
    return frame.sort_values(["worth", "channel"], ascending=[False, True], ignore_index=True)


def _tests(store: Store, period: Period) -> dict[str, dict[str, Any]]:
    """The latest test of each channel that settles whether its money comes back."""
    frame = or_none(spend_tests, store, period)
    if frame is None:
        return {}
    latest = frame.drop_duplicates("channel")
    sure = latest[latest["reading"].isin(("pays", "loses"))]
    return {str(row["channel"]): _evidence(row) for row in sure.to_dict("records")}


def _evidence(row: dict[str, Any]) -> dict[str, Any]:
    extra = row["extra_spend"]
    ends = {"back": "value", "back_low": "value_low", "back_high": "value_high"}
    kept = ("channel", "reading", "method", "starts_on", "ends_on", "value")
    return {
        **{name: row[name] for name in kept},
        "low": row["value_low"],
        "high": row["value_high"],
        "extra": extra,
        **{name: extra * row[column] for name, column in ends.items()},
    }


def _judged(store: Store, period: Period) -> list[dict[str, Any]]:
    """Channels that a test or the model settles: `test`, `model` or `keep`, with the evidence."""
    tested, modelled = _tests(store, period), or_none(response_by_channel, store, period)
    found: list[dict[str, Any]] = []
    for row in [] if modelled is None else modelled.to_dict("records"):
        test = tested.get(str(row["channel"]))
        if not row["spend"] > 0:
            continue
        if test:
            found.append({"action": "test" if test["reading"] == "loses" else "keep", **test})
        elif row["verdict"] in ("less", "more", "enough"):
            action = "model" if row["verdict"] == "less" else "keep"
            names = ("channel", "value", "low", "high")
            found.append({"action": action, **{name: row[name] for name in names}})
    return found


def _cut(store: Store, period: Period, row: dict[str, Any]) -> dict[str, float]:
    """Spend a month today and then, and what that is worth; by the test alone where need be."""
    import numpy as np

    found, worth, best = best_budget(store, period)
    place = found.series.channels.index(row["channel"])
    today, then = float(found.now[place]), (1 - FIRST_CUT) * float(found.now[place])
    if best is not None and found.tells[place] and best.spend[place] < today:
        then = float(best.spend[place])
        saved = _saved(found, worth, place, then)
        gains = [float(saved.mean()), *(float(one) for one in np.quantile(saved, ENDS))]
    else:
        gains = [(today - then) * (1 - row[name]) for name in ("value", "high", "low")]
    monthly = [one * WEEKS_PER_MONTH for one in (today, then, *gains)]
    return dict(zip(("today", "then", "worth", "worth_low", "worth_high"), monthly, strict=True))


def _saved(found: Response, worth: np.ndarray, place: int, then: float) -> np.ndarray:
    """(S,) money a week that less spend on one channel saves, less what it would have brought."""
    from helpers.models.response import brought

    assert found.fit is not None
    less = found.now.copy()
    less[place] = then
    now, after = (brought(found.fit, one, found.demand)[:, place] for one in (found.now, less))
    saved: np.ndarray = found.now[place] - then - worth[place] * (now - after)
    return saved
