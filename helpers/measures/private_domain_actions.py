"""What to do about the private domain 私域: whom to invite, whom to wake, worth how much.

Source: plan 6.2.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.comparable import joined, purchase_money
from helpers.measures.members import with_signs
from helpers.measures.private_domain import members_compared
from helpers.measures.purchases import CUSTOMER, SMALLEST_GROUP, YEAR_DAYS, known_until, purchases
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

RECENT_DAYS = 90
ACTIONS = {
    "more": "invite",
    "not_enough_evidence": "test",
    "less": "rethink",
    "not_comparable": "test_blind",
}


def private_domain_actions(store: Store, period: Period) -> pd.DataFrame:
    """Whom to invite and whom to wake, most certain first.

    Inviting is worth what membership brought the members there are, for customers who bought in the
    last 90 days and are none; that it does the same for them only a test shows. Waking: what the
    silent members brought in the year before they fell silent is at stake, not what a message
    wins back.

    Returns:
        One row per action: `action` (`invite`: members bring more than comparable others; `test`:
        too uncertain; `test_blind`: not comparable, or too few to compare; `rethink`: they bring
        less; `wake`), `customers`, `each` (money a customer in 180 days; for `wake` in the year),
        `worth`, `low`, `high` (money, all of them; empty where unknown, as for `wake`), `basis`.
        Rows of fewer than 10 customers are left out.

    Raises:
        MissingTable: The store has no members, or neither row has 10 customers.

    Source: plan 6.2.
    """
    import pandas as pd

    frame = pd.DataFrame([_invite(store, period), _wake(store, period)])
    frame = frame[frame["customers"] >= SMALLEST_GROUP]
    if frame.empty:
        raise MissingTable("members", ("joined_at",), "small")
    return frame.reset_index(drop=True)


def _invite(store: Store, period: Period) -> dict[str, object]:
    until = known_until(store, period)
    days = purchases(store, until)
    recent = days.filter(days.day > until - timedelta(days=RECENT_DAYS)).select(*CUSTOMER)
    outside = recent.distinct().anti_join(joined(store, until), list(CUSTOMER))
    count = int(store.to_frame(outside.aggregate(n=outside.count()))["n"].iloc[0])
    try:
        row = members_compared(store, period).set_index("outcome").loc["money"]
    except MissingTable:
        return {"action": "test_blind", "customers": count, **_worth(count, [math.nan] * 3, None)}
    ends = [float(row[name]) for name in ("difference", "low", "high")]
    return {"action": ACTIONS[row["reading"]], "customers": count,
            **_worth(count, ends, row["basis"])}  # fmt: skip


def _worth(count: int, ends: list[float], basis: str | None) -> dict[str, object]:
    worth = {name: end * count for name, end in zip(("worth", "low", "high"), ends, strict=True)}
    return {"each": ends[0], **worth, "basis": basis}


def _wake(store: Store, period: Period) -> dict[str, object]:
    """Members since 90 days and more without any sign in them, and their year before that."""
    until = known_until(store, period)
    quiet_since = until - timedelta(days=RECENT_DAYS)
    people = with_signs(store, period)
    silent = people.filter(
        ~people.has_left, ~people.is_active_90, people.joined_on <= quiet_since
    ).select(*CUSTOMER)
    days, basis = purchase_money(store, period, until)
    year = days.filter(
        days.day > quiet_since - timedelta(days=YEAR_DAYS), days.day <= quiet_since
    ).inner_join(silent, list(CUSTOMER))
    sums = silent.aggregate(n=silent.count()).cross_join(year.aggregate(money=year.money.sum()))
    row = store.to_frame(sums).fillna(0).iloc[0]
    count, money = int(row["n"]), float(row["money"])
    each = money / count if count else math.nan
    return {"action": "wake", "customers": count, "each": each, "worth": math.nan,
            "low": math.nan, "high": math.nan, "basis": basis}  # fmt: skip
