"""The marketing budget: the split over channels that earns most, at today's and at other totals.

Rests on the response of `response.py` and on what a new customer contributes in the first 365 days.
Channels whose response can't be told keep today's spend, and no channel leaves the spend that the
shop has seen. Source: plan 3.2, 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.response import ENDS, Response, customer_values, shop_response
from helpers.measures.spend_weeks import WEEKS_PER_MONTH
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.models.allocation import Allocation
    from helpers.plan.periods import Period
    from helpers.store.open import Store

LOWER, UPPER = 0.5, 1.5
STEP = 0.2
PLANS = (("less", 1 - STEP), ("same", 1.0), ("more", 1 + STEP), ("best", None))
SMALLEST_MOVE = 0.02


def budget_plans(
    store: Store, period: Period, *, lower: float = LOWER, upper: float = UPPER
) -> pd.DataFrame:
    """What the best split earns at 20 % less, the same and 20 % more money, and at the best total.

    Args:
        store: The store.
        period: The report's period; the split holds from its end on.
        lower: Least spend of a channel, as a share of today's.
        upper: Most spend of a channel, as a share of today's.

    Returns:
        One row a plan, `less`, `same`, `more`, `best`: `plan`, `budget`, `change` (money a month,
        against today's), `gain`, `low`, `high` (contribution less spend a month above today's,
        95 %), `customers`, `customers_low`, `customers_high` (new customers a month above today's),
        `next_return` (contribution that one more unit brings then, in the channels that can move),
        `told` (channels that can move), `channels` (all). `best` is the total at which one more
        unit brings no more than itself, inside the limits.

    No row where no channel's response can be told.

    Raises:
        MissingTable: As `response.shop_response`, or cost of goods is unknown.
        ValueError: Limits that do not enclose today's spend.

    Source: plan 4.2.
    """
    import numpy as np
    import pandas as pd

    found, worth = _tellable(store, period)
    rows = []
    for plan, share in PLANS if found.tells.any() else ():
        best = best_split(found, worth, share, lower, upper)
        moves = found.tells & (best.spend > 0)
        low, high = np.quantile(best.outcome_draws, ENDS)
        money = (best.total, best.total - best.today.sum(), best.gain.value, best.gain.low,
                 best.gain.high, best.outcome_draws.mean(), low, high)  # fmt: skip
        rows.append(
            (plan, *(float(one) * WEEKS_PER_MONTH for one in money),
             float(best.return_then[moves].mean()), int(found.tells.sum()), len(found.tells))
        )  # fmt: skip
    names = ["plan", "budget", "change", "gain", "low", "high", "customers", "customers_low",
             "customers_high", "next_return", "told", "channels"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def budget_by_channel(
    store: Store, period: Period, *, plan: str = "same", lower: float = LOWER, upper: float = UPPER
) -> pd.DataFrame:
    """Today's split and the best one of a plan, largest move first.

    Args:
        store: The store.
        period: The report's period.
        plan: One of `less`, `same`, `more`, `best`.
        lower: As `budget_plans`.
        upper: As `budget_plans`.

    Returns:
        `channel`, `today`, `recommended`, `change` (money a month), `change_share` (of today's),
        `return_today`, `return_then` (contribution that one more unit brings; empty where the
        response can't be told), `move` (`more`, `less`, `keep`, `cannot_tell`). No row where no
        channel's response can be told.

    Raises:
        MissingTable: As `budget_plans`.
        ValueError: An unknown plan.

    Source: plan 4.2.
    """
    import pandas as pd

    shares = dict(PLANS)
    if plan not in shares:
        raise ValueError(f"plan == {plan!r}, must be one of {list(shares)}")
    found, worth = _tellable(store, period)
    names = ["channel", "today", "recommended", "change", "change_share", "return_today",
             "return_then", "move"]  # fmt: skip
    if not found.tells.any():
        return pd.DataFrame(columns=names)
    best = best_split(found, worth, shares[plan], lower, upper)
    frame = pd.DataFrame(
        {
            "channel": found.series.channels,
            "today": best.today * WEEKS_PER_MONTH,
            "recommended": best.spend * WEEKS_PER_MONTH,
            "return_today": best.return_today,
            "return_then": best.return_then,
        }
    )
    frame["change"] = frame["recommended"] - frame["today"]
    frame["change_share"] = frame["change"] / frame["today"]
    frame["move"] = ["keep" if abs(s) < SMALLEST_MOVE else "more" if s > 0 else "less"
                     for s in frame["change_share"]]  # fmt: skip
    frame["move"] = frame["move"].where(found.tells, "cannot_tell")
    frame.loc[~found.tells, ["return_today", "return_then"]] = float("nan")
    order = frame["change"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order, names].reset_index(drop=True)


def best_budget(store: Store, period: Period) -> tuple[Response, np.ndarray, Allocation | None]:
    """The response, what a new customer of each channel brings, and the split that earns most.

    Of any total, inside the usual limits; None where no channel's response can be told.

    Raises:
        MissingTable: As `budget_plans`.
    """
    found, worth = _tellable(store, period)
    if not found.tells.any():
        return found, worth, None
    return found, worth, best_split(found, worth, None, LOWER, UPPER)


def _tellable(store: Store, period: Period) -> tuple[Response, np.ndarray]:
    """The response and what a new customer of each channel brings."""
    import numpy as np

    found = shop_response(store, period)
    worth = customer_values(store, period, found.series.channels)
    if np.isnan(worth).any():
        why = "short" if store.has("price_history") else "absent"
        raise MissingTable("price_history", ("product_id", "valid_from", "unit_cost"), why)
    return found, worth


def best_split(
    found: Response, worth: np.ndarray, share: float | None, lower: float, upper: float
) -> Allocation:
    """The best split of a share of today's total; of any total where the share is None.

    Args:
        found: The shop's response.
        worth: (C,) what a new customer of each channel brings.
        share: Of today's total.
        lower: Least spend of a channel, as a share of today's.
        upper: Most spend of a channel, as a share of today's; never above the largest week seen.

    Raises:
        ValueError: Limits that do not enclose today's spend, or nothing can be told.
    """
    import numpy as np

    from helpers.models.allocation import allocate

    if found.fit is None:
        raise ValueError("no channel's response can be told, so that no split is better.")
    if not 0 <= lower <= 1 <= upper:
        raise ValueError(f"lower == {lower} and upper == {upper}, must enclose 1 from 0 on.")
    seen = np.maximum(found.series.spend.to_numpy().max(axis=0), found.now)
    return allocate(
        found.fit, worth, found.now,
        None if share is None else share * float(found.now.sum()),
        lower * found.now, np.minimum(upper * found.now, seen),
        fixed=~found.tells, demand=found.demand,
    )  # fmt: skip
