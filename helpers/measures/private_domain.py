"""Private domain 私域: what membership changes, by comparison with customers like the members.

"Members buy more" is mostly selection: who buys often joins. Here members are compared, from the
day after joining, with customers who had bought as often, as lately and for as long and were no
members on that day. Evidence of grade "matched comparison": it can't see what no order shows.
Source: plan 6.2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from helpers.measures.comparable import (
    balance_rows,
    comparable_rows,
    joined,
    pool_of,
    risk_sets,
)
from helpers.measures.frames import one_row
from helpers.measures.purchases import SMALLEST_GROUP
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.models.matching import Effect, Pool
    from helpers.store.open import Store

WINDOW_DAYS = 180
FEWEST_MEMBERS = 30
LIKE_GROUPS = 5
EXPECTED = "member_care"
GRADE = "matched_comparison"


def member_effect(store: Store, period: Period) -> pd.DataFrame:
    """Share who buy within 180 days after the day of joining, members less comparable others.

    Takes joining days whose 180 days are over at the period's end, of the 365 days before that.

    Returns:
        One row, `frames.COLUMNS`: a difference of shares (-1 to 1) with its 95 % interval by
        customer; n members compared. No value where members and others can't be made comparable.

    Raises:
        MissingTable: No members, customers unknown, no joining day old enough, or fewer than 30
            members, or others worth fewer than 30, to compare.

    Source: plan 6.2.
    """
    found = _compared(store, period)
    if not found["is_balanced"]:
        return one_row(math.nan, n=found["matched"])
    row = found["outcomes"]["bought"]
    return one_row(row["difference"], low=row["low"], high=row["high"], n=found["matched"])


def members_compared(store: Store, period: Period) -> pd.DataFrame:
    """Members and comparable others in the 180 days after the day of joining, by outcome.

    The share who buy: others who join later are seen up to that day, and those still outside stand
    in for them. Purchase days and money: they stay in, so the difference is rather too small.

    Returns:
        One row per outcome: `outcome` (`bought`: share with a purchase; `purchase_days`, `money`:
        per customer), `basis` (of the money: `contribution` before marketing, or `paid_sales`
        where costs are unknown), `members_value`, `comparable_value`, `difference`, `low`, `high`
        (95 %, by customer), `relative`, `relative_low`, `relative_high` (difference as a share of
        the comparable), `unadjusted` (members less all others of the same days: mostly selection),
        `reading` (`more`, `less`, `not_enough_evidence`: the interval spans 0; `not_comparable`:
        then the figures of the comparison are empty), `grade`.

    Raises:
        MissingTable: As `member_effect`.

    Source: plan 6.2.
    """
    import pandas as pd

    found = _compared(store, period)
    frame = pd.DataFrame([{"outcome": name, **row} for name, row in found["outcomes"].items()])
    if not found["is_balanced"]:
        kept = ["outcome", "members_value", "unadjusted"]
        frame = frame[kept].reindex(columns=frame.columns)
    reading = [
        "not_comparable" if math.isnan(low) else "more" if low > 0 else "less" if high < 0
        else "not_enough_evidence"
        for low, high in zip(frame["low"], frame["high"], strict=True)
    ]  # fmt: skip
    frame.insert(1, "basis", found["basis"])
    return frame.assign(reading=reading, grade=GRADE)


def comparison(store: Store, period: Period) -> pd.DataFrame:
    """How the comparison was made, and what the plan expects beside what it found.

    Returns:
        One row: `members` (who joined on the days compared), `matched`, `matched_share`,
        `without_purchase` (joined before any purchase, so nothing is known to compare; empty for 1
        to 9), `comparable` (customers who served as comparable), `effective` (customers of equal
        weight that they are worth), `largest_before`, `largest_after` (standardised difference),
        `verdict` (`comparable` or `not_comparable`), `relative`, `relative_low`, `relative_high`
        (of the share who buy), `expected` (the plan's relative change of members' repurchase),
        `expected_value` (what it would make of the comparable share; empty above 1), `reading`
        (`reached`, `below`, `not_enough_evidence`: the interval spans it, or `not_comparable`).

    Raises:
        MissingTable: As `member_effect`.

    Source: plan 6.2; the plan's + 40 % may as well be meant in points.
    """
    import pandas as pd

    from helpers.plan import benchmarks

    found = _compared(store, period)
    plan = next(row for row in benchmarks.load() if row.id == EXPECTED)
    bought = dict(found["outcomes"]["bought"])
    if not found["is_balanced"]:
        bought = dict.fromkeys(bought, math.nan)
    low, high = bought["relative_low"], bought["relative_high"]
    expected = plan.change if plan.change is not None else math.nan
    reading = (
        "not_comparable" if math.isnan(low) else "reached" if low >= expected
        else "below" if high < expected else "not_enough_evidence"
    )  # fmt: skip
    names = ("members", "matched", "matched_share", "without_purchase", "comparable", "effective",
             "largest_before", "largest_after")  # fmt: skip
    without = found["without_purchase"]
    row = {
        **{name: found[name] for name in names},
        "without_purchase": math.nan if 0 < without < SMALLEST_GROUP else without,
        "verdict": "comparable" if found["is_balanced"] else "not_comparable",
        **{name: bought[name] for name in ("relative", "relative_low", "relative_high")},
        "expected": expected,
        "expected_value": _or_nan(plan.expected(bought["comparable_value"])),
        "reading": reading,
    }
    return pd.DataFrame([row])


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def member_balance(store: Store, period: Period) -> pd.DataFrame:
    """What was known on the day of joining, of members and of others before and after weighting.

    Returns:
        One row per thing known: `known_of`, `members_value`, `others_before`, `others_after`
        (means, of the money paid the geometric one; shares for `one_purchase`, `channel` and
        `season`, those of the channel and of the quarter that differ most before), `before`,
        `after` (standardised difference; below 0.1 in size is balanced).

    Raises:
        MissingTable: As `member_effect`.

    Source: plan 6.2; Austin (2009).
    """
    import pandas as pd

    return pd.DataFrame(_compared(store, period)["balance"])


def _compared(store: Store, period: Period) -> dict[str, Any]:
    """All figures of the comparison, computed once for a store and a period's end."""
    store.require("members", "joined_at")
    _ = store.table("members"), store.mart("purchase_days")
    until = min(period.end, store.as_of)

    def compute() -> dict[str, Any]:
        return _compare(store, Period(period.start, until))

    found: dict[str, Any] = store.fitted("members_compared", [str(until), WINDOW_DAYS], compute)
    if found["matched"] < FEWEST_MEMBERS or found["effective"] < FEWEST_MEMBERS:
        raise MissingTable("members", ("joined_at",), "short")
    return found


def _compare(store: Store, period: Period) -> dict[str, Any]:
    from helpers.models import matching

    rows, basis = risk_sets(store, period, window_days=WINDOW_DAYS)
    members = int(rows["treated"].sum())
    frame = comparable_rows(rows)
    matched = int(frame["treated"].sum())
    counts = {
        "members": members, "matched": matched, "basis": basis,
        "matched_share": matched / members if members else math.nan,
        "without_purchase": _without_purchase(store, period),
        "comparable": int(frame.loc[~frame["treated"], "unit"].nunique()),
    }  # fmt: skip
    if matched < FEWEST_MEMBERS:
        return {**counts, "effective": 0.0}
    pool = pool_of(frame)
    weights = matching.balancing_weights(pool)
    balance = balance_rows(frame, pool, weights)
    before, after = matching.standardised_differences(pool, weights)
    largest = [max(abs(d).max(), *(abs(row[name]) for row in balance))
               for name, d in (("before", before), ("after", after))]  # fmt: skip
    effects = {
        name: matching.effect_on_treated(pool, weights, outcome, is_share=name == "bought")
        for name, outcome in _outcomes(frame, pool, weights).items()
    }
    return {
        **counts, "effective": effects["bought"].effective,
        "outcomes": {name: _effect_row(effect) for name, effect in effects.items()},
        "largest_before": float(largest[0]), "largest_after": float(largest[1]),
        "is_balanced": largest[1] < matching.LARGEST_DIFFERENCE, "balance": balance,
    }  # fmt: skip


def _outcomes(frame: pd.DataFrame, pool: Pool, weights: np.ndarray) -> dict[str, np.ndarray]:
    """What happened after the day: a purchase, purchase days, money.

    Others who join later are replaced by those about as likely to join (fifths), who are about as
    likely to buy.
    """
    import numpy as np

    from helpers.models.matching import happened_without_censoring

    others = ~pool.treated
    likely = (weights / pool.base)[others]
    alike = np.searchsorted(np.quantile(likely, np.linspace(0, 1, LIKE_GROUPS + 1)[1:-1]), likely)
    bought = frame["days_to_purchase"].fillna(math.inf).to_numpy(float)
    joining = frame["days_to_joining"].fillna(math.inf).to_numpy(float)
    outcome = (bought <= WINDOW_DAYS).astype(float)
    for group in range(LIKE_GROUPS):
        rows = np.flatnonzero(others)[alike == group]
        outcome[rows] = happened_without_censoring(
            bought[rows], joining[rows], weights[rows], WINDOW_DAYS
        )
    after = {name: frame[f"{name}_after"].to_numpy(float) for name in ("days", "money")}
    return {
        "bought": outcome,
        "purchase_days": np.asarray(after["days"]),
        "money": np.asarray(after["money"]),
    }


def _effect_row(effect: Effect) -> dict[str, float]:
    found, share = effect.difference, effect.relative
    return {
        "members_value": effect.treated, "comparable_value": effect.comparable,
        "difference": found.value, "low": found.low, "high": found.high,
        "relative": share.value, "relative_low": share.low, "relative_high": share.high,
        "unadjusted": effect.unadjusted,
    }  # fmt: skip


def _without_purchase(store: Store, period: Period) -> int:
    """Members of the days compared who had not bought by the day of joining."""
    from helpers.measures.comparable import joining_days
    from helpers.measures.purchases import CUSTOMER, purchases

    first, last = joining_days(store, period.end, WINDOW_DAYS)
    days = purchases(store, period.end)
    known = days.filter(days.number == 1).select(*CUSTOMER, first_day="day")
    members = joined(store, period.end)
    members = members.filter(members.joined_on.between(first, last))
    both = members.left_join(known, list(CUSTOMER))
    later = both.first_day.isnull() | (both.first_day > both.joined_on)
    return int(store.to_frame(both.aggregate(n=later.sum()))["n"].fillna(0).iloc[0])
