"""Who is still a customer: probability alive by model, a rule of silence beside it, lapse risk.

Source: plan 2.1, 2.3.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.customer_value import require_own_day
from helpers.measures.frames import one_row
from helpers.measures.purchases import without_small_counts, without_small_groups
from helpers.measures.time_to_repurchase import lapsed_after_days
from helpers.measures.value_fits import DAYS_PER_WEEK, Fit, expected_value, fit, valued_histories

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.models.gamma_gamma import GammaGamma
    from helpers.models.purchase_models import PurchaseModel
    from helpers.plan.periods import Period
    from helpers.store.open import Store

BANDS = ("above_80", "50_to_80", "20_to_50", "below_20")
LIKELY = 0.5
SILENCE_DAYS = (30, 60, 90)
ROWS_FOR_ERRORS = 2000


def customers_alive(store: Store, period: Period) -> pd.DataFrame:
    """Customers who are expected to be still alive, of all who ever bought.

    The sum of the probabilities alive under the model that predicts this shop best; the interval
    joins uncertain parameters and the chance of each customer.

    Returns:
        One row, `frames.COLUMNS`: customers; n and denominator all customers, numerator the same
        as the value.

    Raises:
        MissingTable: Customers are unknown, too few of them bought again, or the period does not
            end on the store's day.

    Source: plan 2.1; Fader, Hardie and Lee (2008).
    """
    row = alive_total(store, period).iloc[0]
    return one_row(row["expected"], low=row["low"], high=row["high"], n=row["customers"],
                   numerator=row["expected"], denominator=row["customers"])  # fmt: skip


def alive_total(store: Store, period: Period) -> pd.DataFrame:
    """As `customers_alive`, with what they will bring and which model says so.

    Returns:
        One row: `model` (name in `purchase_models.FITS`), `never_loses_one_timers` (the model
        takes all who bought once for alive), `customers`, `one_time` (of them, with one purchase),
        `expected` (alive), `low`, `high`, `share` (0 to 1), `expected_value` (money that all bring
        in the next 12 months, discounted), `value_low`, `value_high`, `basis`.

    Raises:
        MissingTable: As `customers_alive`.
    """
    import pandas as pd

    require_own_day(store, period)
    found, history = fit(store), valued_histories(store)
    alive = _alive(found, history)
    many = history["customers"].to_numpy(dtype=float)
    value = float(many @ expected_value(found, history))
    expected = float(many @ alive)
    (of_alive,), (of_value,) = _relative_errors(found, history.assign(group=0))
    spread = 1.96 * math.hypot(expected * of_alive, math.sqrt(many @ (alive * (1 - alive))))
    half = 1.96 * abs(value) * of_value
    once = history["frequency"] == 0
    row = {
        "model": found.name,
        "never_loses_one_timers": bool((alive[once] == 1).all()),
        "customers": int(many.sum()),
        "one_time": int(history.loc[once, "customers"].sum()),
        "expected": expected,
        "low": max(expected - spread, 0.0),
        "high": min(expected + spread, float(many.sum())),
        "share": expected / many.sum(),
        "expected_value": value,
        "value_low": value - half,
        "value_high": value + half,
        "basis": found.basis,
    }
    return without_small_counts(pd.DataFrame([row]), "one_time", "customers")


def alive(store: Store, period: Period) -> pd.DataFrame:
    """Customers by their probability of being still alive, most likely first.

    Returns:
        One row per band: `band` (`above_80`, `50_to_80`, `20_to_50`, `below_20` per cent),
        `customers`, `customer_share` (0 to 1), `expected` (of them alive), `expected_low`,
        `expected_high`, `expected_value` (money in the next 12 months, whole band, discounted),
        `low`, `high` (95 %: uncertain parameters), `value_each` (money a customer), `basis`. Bands
        that would tell fewer than 10 customers are left out.

    Raises:
        MissingTable: As `customers_alive`.

    Source: plan 2.1, 2.3.
    """
    import numpy as np

    require_own_day(store, period)
    found, history = fit(store), valued_histories(store)
    probability = _alive(found, history)
    band = np.searchsorted([-0.8, -0.5, -0.2], -probability, side="left")
    many = history["customers"]
    history = history.assign(
        group=band,
        expected=many * probability,
        chance=many * probability * (1 - probability),
        expected_value=many * expected_value(found, history),
    )
    sums = history.groupby("group")[["customers", "expected", "chance", "expected_value"]].sum()
    of_alive, of_value = _relative_errors(found, history)
    spread = 1.96 * np.hypot(sums["expected"] * of_alive, np.sqrt(sums["chance"]))
    half = 1.96 * sums["expected_value"].abs() * of_value
    frame = sums.assign(
        band=[BANDS[place] for place in sums.index],
        customer_share=sums["customers"] / sums["customers"].sum(),
        expected_low=(sums["expected"] - spread).clip(lower=0),
        expected_high=np.minimum(sums["expected"] + spread, sums["customers"]),
        low=sums["expected_value"] - half,
        high=sums["expected_value"] + half,
        value_each=sums["expected_value"] / sums["customers"],
        basis=found.basis,
    )
    names = ["band", "customers", "customer_share", "expected", "expected_low", "expected_high",
             "expected_value", "low", "high", "value_each", "basis"]  # fmt: skip
    return without_small_groups(frame[names])


def alive_rule(store: Store, period: Period) -> pd.DataFrame:
    """The rule "no order for N days" against the model, N from the shop's own gaps.

    N is the shop's lapsed line (`time_to_repurchase.lapsed_after_days`); one purchase long gone and
    many purchases just as long gone are alike to the rule, not to the model.

    Returns:
        One row per pair: `rule` (`active`, `lapsed`: silent for more than N days), `model`
        (`likely_alive`: probability of 50 % or more, `likely_left`), `customers`,
        `customer_share`, `expected` (of them alive by the model), `expected_value` (money in the
        next 12 months), `rule_days` (N). Pairs that would tell fewer than 10 are left out.

    Raises:
        MissingTable: As `customers_alive` and `lapsed_after_days`.

    Source: plan 2.1, 2.3.
    """
    import numpy as np

    require_own_day(store, period)
    found, history = fit(store), valued_histories(store)
    line = int(lapsed_after_days(store, period)["value"].iloc[0])
    probability = _alive(found, history)
    silent = history["age_days"] - history["recency_days"]
    many = history["customers"]
    history = history.assign(
        rule=np.where(silent > line, "lapsed", "active"),
        model=np.where(probability >= LIKELY, "likely_alive", "likely_left"),
        expected=many * probability,
        expected_value=many * expected_value(found, history),
    )
    sums = history.groupby(["rule", "model"])[["customers", "expected", "expected_value"]].sum()
    frame = sums.reset_index()
    frame["customer_share"] = frame["customers"] / frame["customers"].sum()
    frame = frame.assign(rule_days=line)
    names = ["rule", "model", "customers", "customer_share", "expected", "expected_value",
             "rule_days"]  # fmt: skip
    return without_small_groups(frame[names])


def lapse_risk(store: Store, period: Period) -> pd.DataFrame:
    """Repeat customers who are late, likely alive today, and will not be if they stay silent.

    Of customers with a probability alive of 50 % or more whose silence is already longer than the
    mean gap between their own purchases: who falls below 50 % when nothing is bought in the next
    30, 60, 90 days. Those are to be reached before that day; who is not late yet needs no reminder.

    Returns:
        One row per time ahead: `silent_days` (30, 60, 90), `until` (day), `customers` (that fall
        below by then), `customer_share` (of those who are late and likely alive), `of` (their
        number), `expected_value` (money that they are expected to bring in 12 months as of today),
        `low`, `high` (95 %: uncertain parameters), `basis`. Rows of fewer than 10 are left out, as
        are those that would tell fewer than 10 by their difference.

    Raises:
        MissingTable: As `customers_alive`.

    Source: plan 2.1, 2.3.
    """
    import numpy as np
    import pandas as pd

    require_own_day(store, period)
    found, history = fit(store), valued_histories(store)
    silence, gap = history["age"] - history["recency"], history["recency"] / history["frequency"]
    late = (history["frequency"] > 0) & (silence > gap)
    likely = history[late & (_alive(found, history) >= LIKELY)].reset_index(drop=True)
    likely["value"] = likely["customers"] * expected_value(found, likely)
    step = np.zeros(len(likely), dtype=int)
    for silent in SILENCE_DAYS:
        step += _alive(found, likely, silent) >= LIKELY  # falls only as silence goes on
    rows = []
    for place, silent in enumerate(SILENCE_DAYS):
        part = likely[step <= place]
        if part.empty:
            continue
        customers, value = int(part["customers"].sum()), float(part["value"].sum())
        half = 1.96 * abs(value) * float(_relative_errors(found, part.assign(group=0))[1][0])
        rows.append((silent, pd.Timestamp(store.as_of + timedelta(days=silent)), customers,
                     customers / likely["customers"].sum(), int(likely["customers"].sum()), value,
                     value - half, value + half, found.basis))  # fmt: skip
    names = ["silent_days", "until", "customers", "customer_share", "of", "expected_value", "low",
             "high", "basis"]  # fmt: skip
    return _without_small_steps(pd.DataFrame(rows, columns=names))


def alive_actions(store: Store, period: Period) -> pd.DataFrame:
    """What to do about those who are about to lapse.

    Returns:
        `action` (`reach`), `customers` (who fall below 50 % within 90 days of silence), `until`
        (day), `worth` (a tenth of what they are expected to bring in 12 months: what it is worth
        to keep every tenth of them), `worth_low`, `worth_high`, `at_stake`, `basis`. No row where
        they are fewer than 10.

    Raises:
        MissingTable: As `customers_alive`.
    """
    frame = lapse_risk(store, period).tail(1)
    ends = {name: frame[column] / 10 for name, column in (
        ("worth", "expected_value"), ("worth_low", "low"), ("worth_high", "high"))}  # fmt: skip
    frame = frame.assign(action="reach", at_stake=frame["expected_value"], **ends)
    names = ["action", "customers", "until", "worth", "worth_low", "worth_high", "at_stake",
             "basis"]  # fmt: skip
    return frame[names].reset_index(drop=True)


def _without_small_steps(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows whose count, difference to the row kept before, and rest are each none or 10 or more."""
    from helpers.measures.purchases import SMALLEST_GROUP

    kept, before = [], 0
    for place, row in enumerate(frame.to_dict("records")):
        more, rest = row["customers"] - before, row["of"] - row["customers"]
        if more >= SMALLEST_GROUP and not 0 < rest < SMALLEST_GROUP:
            kept.append(place)
            before = row["customers"]
    return frame.iloc[kept].reset_index(drop=True)


def _alive(found: Fit, history: pd.DataFrame, silent_days: float = 0) -> np.ndarray:
    """Probability alive now, or after so many more days without a purchase."""
    age = history["age"] + silent_days / DAYS_PER_WEEK
    return found.purchases.probability_alive(history["frequency"], history["recency"], age)


def _relative_errors(found: Fit, history: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors, for uncertain fits, of each `group`'s customers alive and of their value.

    As shares of both; from at most 2,000 histories of each group.
    """
    import numpy as np
    import pandas as pd

    from helpers.models.customer_value import evenly_taken, with_errors

    parts = [evenly_taken(part, ROWS_FOR_ERRORS) for _, part in history.groupby("group")]
    few = pd.concat(parts)
    group = pd.factorize(few["group"], sort=True)[0]
    many = few["customers"].to_numpy(dtype=float)

    def sums(purchases: PurchaseModel, spend: GammaGamma) -> np.ndarray:
        value = expected_value(found, few, purchases=purchases, spend=spend)
        alive = purchases.probability_alive(few["frequency"], few["recency"], few["age"])
        return np.concatenate([np.bincount(group, many * one) for one in (alive, value)])

    value, error = with_errors(found.purchases, found.spend, sums)
    relative = error / np.where(value == 0, 1.0, np.abs(value))
    of_alive, of_value = np.split(relative, 2)
    return of_alive, of_value
