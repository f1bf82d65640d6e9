"""What the plan expects of the customers' life, beside what this shop measured.

The plan's figures are claims about other shops. A change of this shop over a year is a change over
a year, not the effect of a lever; only a matched comparison or a randomised test says more.
Source: plan 2.1, 2.3, 4.4, 5.3, 6.1, 6.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from helpers.measures.frames import estimated
from helpers.measures.purchases import SMALLEST_GROUP
from helpers.measures.registry import resolve
from helpers.plan import benchmarks
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.plan.benchmarks import Benchmark
    from helpers.plan.periods import Period
    from helpers.store.open import Store

COUNTED, BEFORE_AFTER = "count", "before_after"
PRIVATE_CHANNELS = ("crm",)
DRAWS = 10_000


@dataclass(frozen=True)
class Answer:
    """What the shop measured beside one figure of the plan.

    Attributes:
        found: A level (0 to 1) or a relative change, with its 95 % interval.
        grade: What the number may claim, see `lifecycle_expectations`.
        now: The metric now; NaN where there is none.
        before: The metric before, or of those compared; NaN where nothing is compared.
        against: `last_year` or `previous`; empty where nothing is compared over time.
    """

    found: Estimate
    grade: str
    now: float = math.nan
    before: float = math.nan
    against: str = ""


def lifecycle_expectations(store: Store, period: Period) -> pd.DataFrame:
    """Every figure of the plan on the customers' life, and what this shop's data say to it.

    A relative figure is set beside the metric's change on the same period last year (on the
    previous period where last year is unknown). Where the plan's figure may also be read as
    percentage points, the relative reading is taken and the other one stands beside it.

    Returns:
        One row per figure, in the plan's order: `figure` (id), `section`, `metric`, `lever`,
        `lever_zh`, `kind` (`change` or `level`), `expected` (relative change, or level), `now`,
        `before` (the metric), `expected_now` (what the plan would expect of a shop that stood at
        `before`), `points_now` (the same in percentage points), `expected_points` (that as a
        relative change), `reading` (`clear`, `relative_shown`, `points_impossible`: the relative
        reading is the only possible one, `impossible`: both exceed 100 %), `measured`, `low`,
        `high` (change or level; 95 %), `n` (people or visitors, the smaller of the two periods),
        `against` (`last_year`, `previous` or empty), `verdict` (`above`: more than expected in
        the direction that the plan hopes for, `within`, `below`, `cannot_tell`), `grade` (`count`,
        `before_after`, `matched_comparison`, `randomised_test`; empty where nothing was measured),
        `can_say` (bool), `state` (`known`, or why not: `absent`, `empty`, `failed`, `short`,
        `small`, `undefined`: the plan does not say what it measures), `needs` (table and columns).

    Source: plan 2.1, 2.3, 4.4, 5.3, 6.1, 6.2.
    """
    import pandas as pd

    rows = []
    for figure in benchmarks.chosen(*ANSWERS):
        row = {"figure": figure.id, "section": figure.section, "metric": figure.metric,
               "lever": figure.lever["en"], "lever_zh": figure.lever["zh"],
               "kind": "level" if figure.change is None else "change",
               "expected": figure.after if figure.change is None else figure.change}  # fmt: skip
        try:
            answer = ANSWERS[figure.id](store, period)
        except MissingTable as lack:
            rows.append({**row, **_unanswered(lack)})
            continue
        rows.append({**row, **_answered(figure, answer)})
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


COLUMNS = [
    "figure", "section", "metric", "lever", "lever_zh", "kind", "expected", "now", "before",
    "expected_now", "points_now", "expected_points", "reading", "measured", "low", "high", "n",
    "against", "verdict", "grade", "can_say", "state", "needs",
]  # fmt: skip


def _unanswered(lack: MissingTable) -> dict[str, Any]:
    columns = f" ({', '.join(lack.columns)})" if lack.columns else ""
    needs = "" if lack.why in ("small", "undefined") else f"{lack.table}{columns}"
    return {"verdict": "cannot_tell", "grade": "", "against": "", "reading": "clear",
            "can_say": False, "state": lack.why, "needs": needs}  # fmt: skip


def _answered(figure: Benchmark, answer: Answer) -> dict[str, Any]:
    found, before = answer.found, answer.before
    known = before == before
    relative = figure.expected(before) if known and figure.change is not None else None
    points = figure.expected_in_points(before) if known else None
    return {
        "now": answer.now, "before": before, "expected_now": _number(relative),
        "points_now": _number(points),
        "expected_points": math.nan if points is None else points / before - 1,
        "reading": _reading(figure, known, relative, points),
        "measured": found.value, "low": found.low, "high": found.high, "n": found.n,
        "against": answer.against, "verdict": verdict(figure, found), "grade": answer.grade,
        "can_say": True, "state": "known", "needs": "",
    }  # fmt: skip


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _reading(
    figure: Benchmark, known: bool, relative: float | None, points: float | None
) -> str:  # fmt: skip
    if figure.reading != "relative_or_points":
        return "clear"
    if not known or points is not None:
        return "relative_shown"
    return "impossible" if relative is None else "points_impossible"


def verdict(figure: Benchmark, found: Estimate) -> str:
    """How what was measured stands to what the plan expects.

    `above` and `below` only where the whole interval lies there, in the direction that the plan
    hopes for; `within` where the interval holds the figure, and for a change does not hold none;
    else `cannot_tell`.
    """
    change = figure.change
    line = figure.after if change is None else change
    if line is None or not (math.isfinite(found.low) and found.high == found.high):
        return "cannot_tell"
    if not found.low <= line <= found.high:
        more = found.low > line if line >= 0 else found.high < line
        return "above" if more else "below"
    none_too = change is not None and found.low <= 0 <= found.high
    return "cannot_tell" if none_too else "within"


# What each figure is answered with


def _measured(store: Store, measure: str, period: Period) -> dict[str, Any]:
    """A metric's row, unless it rests on fewer than 10 people."""
    row: dict[str, Any] = resolve(measure)(store, period).iloc[0].to_dict()
    if row["denominator"] < SMALLEST_GROUP:
        raise MissingTable("orders", (), "small")
    return row


def _change(
    measure: str, against: tuple[str, ...] = ("last_year", "previous")
) -> Callable[[Store, Period], Answer]:
    """Change of a metric on the same period last year, else on the previous period.

    Args:
        measure: `module.function`.
        against: Earlier periods in order of choice; last year alone for a metric of 365 days, which
            shares eleven months with its own previous one.
    """

    def answer(store: Store, period: Period) -> Answer:
        now = _measured(store, measure, period)
        lack = MissingTable("orders", ("paid_at",), "short")
        for name in against:
            earlier = period.last_year() if name == "last_year" else period.previous()
            try:
                before = _measured(store, measure, earlier)
            except MissingTable as missing:
                lack = missing
                continue
            found = relative_change(_estimate(now), _estimate(before))
            return Answer(found, BEFORE_AFTER, now["value"], before["value"], name)
        raise lack

    return answer


def _estimate(row: dict[str, Any]) -> Estimate:
    """A metric's value with its interval; `n` is its denominator, people and not days."""
    from helpers.models.estimate import Estimate

    return Estimate(*(float(row[name]) for name in ("value", "low", "high", "denominator")))


def relative_change(now: Estimate, before: Estimate) -> Estimate:
    """Ratio of two independent estimates above 0, less 1, from their intervals on the log scale.

    NaN ends where an interval is unknown or reaches 0.

    Source: MOVER, Zou and Donner (2008), on logarithms.
    """
    from helpers.models.estimate import Estimate
    from helpers.models.intervals import difference

    ends = (now.value, now.low, now.high, before.value, before.low, before.high)
    if not (now.value > 0 and before.value > 0):
        return Estimate(math.nan, math.nan, math.nan, min(now.n, before.n))
    value = now.value / before.value - 1
    if not all(math.isfinite(end) and end > 0 for end in ends):
        return Estimate(value, math.nan, math.nan, min(now.n, before.n))
    logs = [
        replace(one, value=math.log(one.value), low=math.log(one.low), high=math.log(one.high),
                standard_error=None)
        for one in (now, before)
    ]  # fmt: skip
    found = difference(*logs)
    return Estimate(value, math.exp(found.low) - 1, math.exp(found.high) - 1, found.n)


def _customer_value(store: Store, period: Period) -> Answer:
    """Change of what customers won a year before have brought in 365 days, on a year earlier."""
    measure = resolve("traffic_actions.value_by_channel")
    rows = [measure(store, span).iloc[0] for span in (period, period.last_year())]
    now, before = (_estimate({**row.to_dict(), "denominator": row["customers"]}) for row in rows)
    found = relative_change(now, before)
    return Answer(found, BEFORE_AFTER, now.value, before.value, "last_year")


def public_conversion_rate(store: Store, period: Period) -> pd.DataFrame:
    """Paying buyers / visitors of public traffic: all channels but messages to customers.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1; the interval is that of the day-to-day process; n days.

    Raises:
        MissingTable: Traffic or its buyers are unknown for the period.

    Source: plan 6.2.
    """
    from helpers.measures.channel_days import channel_days, every_day, require_traffic
    from helpers.models.intervals import ratio_of_sums

    require_traffic(store, period, "buyers")
    days = channel_days(store, period)
    public = days[~days["channel"].isin(PRIVATE_CHANNELS)]
    buyers, visitors = (
        every_day(store, period, public, name) for name in ("traffic_buyers", "visitors")
    )
    return estimated(ratio_of_sums(buyers, visitors), buyers.sum(), visitors.sum())


def _referred_share(store: Store, period: Period) -> Answer:
    store.require("invitations")
    row = _measured(store, "referral.referred_customer_share", period)
    return Answer(_estimate(row), COUNTED, now=row["value"])


def _member_effect(store: Store, period: Period) -> Answer:
    """Share of members who buy, over that of comparable non-members."""
    from helpers.models.estimate import Estimate

    store.require("members")
    rows = resolve("private_domain.members_compared")(store, period)
    row = rows[rows["outcome"] == "bought"].iloc[0]
    n = resolve("private_domain.member_effect")(store, period)["n"].iloc[0]
    value, low, high = (float(row[f"relative{end}"]) for end in ("", "_low", "_high"))
    found = Estimate(value, low, high, float(n))
    return Answer(found, row["grade"], now=row["members_value"], before=row["comparable_value"])


def _targeted_return(store: Store, period: Period) -> Answer:
    """Money gained per contact in the better half by uplift, over contacting everybody.

    The half is fixed beforehand, so no share is flattered by being chosen. Tenths are different
    customers, so the halves are drawn independently from the intervals of their tenths.
    """
    import numpy as np

    from helpers.models.estimate import Estimate

    store.require("experiments")
    tenths = resolve("uplift.by_tenth")(store, period)
    tenths = tenths[tenths["lead"].astype(bool)].sort_values("tenth")
    errors = (tenths["high"] - tenths["low"]) / (2 * 1.96)
    random = np.random.default_rng(0)
    normal = random.standard_normal((DRAWS, len(tenths)))
    drawn = tenths["break_even"].to_numpy() + errors.to_numpy() * normal
    is_better = (tenths["tenth"] <= len(tenths) // 2).to_numpy()
    better, everybody = drawn[:, is_better].mean(axis=1), drawn.mean(axis=1)
    value, whole = tenths.loc[is_better, "break_even"].mean(), tenths["break_even"].mean()
    if not np.quantile(everybody, 0.025) > 0:
        raise MissingTable("experiments", (), "undefined")
    low, high = np.quantile(better / everybody - 1, [0.025, 0.975])
    found = Estimate(value / whole - 1, float(low), float(high), float(tenths["customers"].sum()))
    return Answer(found, "randomised_test", now=float(value), before=float(whole))


def _undefined(store: Store, period: Period) -> Answer:
    raise MissingTable("orders", (), "undefined")


_REPURCHASE = _change("lifecycle.repurchase_rate", ("last_year",))
ANSWERS: dict[str, Callable[[Store, Period], Answer]] = {
    "acca_cac": _change("traffic.cac_blended"),
    "acca_repurchase": _REPURCHASE,
    "signup_flow": _change("funnel.registration_rate"),
    "personal_email": _change("funnel.activation_rate"),
    "birthday_sms": _REPURCHASE,
    "referral_share": _referred_share,
    "user_operations": _customer_value,
    "precise_marketing": _targeted_return,
    "community": _REPURCHASE,
    "private_intake": _change("plan_expectations.public_conversion_rate"),
    "private_tiers": _undefined,
    "member_care": _member_effect,
}
