"""Experiments with a control group: what a contact changed, and how sure that is.

A unit is a customer, assigned to a variant at random; one variant was not contacted. Only
experiments whose window is over for every customer are analysed, the others are named.
Source: plan 5.3, 2.4; Newcombe (1998) for differences of shares, Katz and others (1978) for ratios.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from helpers.measures import experiment_units as units
from helpers.measures.frames import COLUMNS
from helpers.measures.purchases import SMALLEST_GROUP
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.plan.periods import Period
    from helpers.store.open import Store

SHARES = ("visit", "conversion")
GRADE = "randomised_test"
SUSPECT = 0.001
NEAR_EQUAL = 0.1
ROUND_SHARE = 0.05


def designs(store: Store, period: Period) -> pd.DataFrame:
    """Every experiment with its design, whether it can be read, and whether its split is as meant.

    The split that was meant is not in the data. It is taken as equal where every share is within a
    tenth of the equal one, else as the nearest shares in steps of 5 %; a split that is far from it
    by chi-square (p < 0.001) says that assignment or logging went wrong, and its effects with it.

    Returns:
        One row per experiment, newest first: `experiment`, `name`, `name_zh`, `control`,
        `variants` (contacted ones), `customers`, `starts` (day), `window_days`, `ready_on` (day on
        which the last window is over), `contact_cost` (money; empty where unknown), `split`
        (`equal`, `rounded`, `unknown`: the split assumed), `split_p` (of the chi-square test),
        `split_status` (`ok`, `suspect`, `unknown`), `status` (`analysed`, `running`, `no_control`
        or `small`: fewer than 10 customers in the control or in every contacted variant).

    Raises:
        MissingTable: There are no experiments.

    Source: plan 2.4; Fabijan and others (2019), sample ratio mismatch.
    """
    import pandas as pd

    tests = _tests(store)
    people = units.assigned(store, period)
    counted = people.group_by("experiment", "variant", "contacted").aggregate(
        customers=people.count()
    )
    sizes = store.to_frame(counted.order_by("experiment", "variant"))
    ends = people.group_by("experiment").aggregate(ready_on=people.last_day.max())
    ready = store.to_frame(ends.order_by("experiment"))
    ended = units.over(store, period).select("experiment").distinct()
    done = set(store.to_frame(ended.order_by("experiment"))["experiment"])
    rows = []
    for name, arms in sizes.groupby("experiment", sort=True):
        enough = arms[arms["customers"] >= SMALLEST_GROUP]
        readable = enough["contacted"].any() and not enough["contacted"].all()
        no_control = bool(arms["contacted"].all())
        status = "analysed" if readable else "no_control" if no_control else "small"
        status = status if name in done else "running"
        split, p = _split(enough["customers"].tolist())
        rows.append(
            (name, int(enough["contacted"].sum()), int(enough["customers"].sum()), split, p,
             "unknown" if math.isnan(p) else "suspect" if p < SUSPECT else "ok", status)
        )  # fmt: skip
    columns = ["experiment", "variants", "customers", "split", "split_p", "split_status", "status"]
    found = pd.DataFrame(rows, columns=columns).merge(ready, on="experiment")
    found = tests.merge(found, on="experiment")
    names = ["experiment", "name", "name_zh", "control", "variants", "customers", "starts",
             "window_days", "ready_on", "contact_cost", "split", "split_p", "split_status",
             "status"]  # fmt: skip
    order = found.sort_values(["starts", "experiment"], ascending=[False, True])
    return order[names].reset_index(drop=True)


def _tests(store: Store) -> pd.DataFrame:
    import ibis

    store.require("experiments")
    tests = store.table("experiments")
    shops = tests.count().over(ibis.window(group_by=tests.experiment_id))
    label = ibis.ifelse(
        shops > 1, tests.shop_id + ibis.literal("/") + tests.experiment_id, tests.experiment_id
    )
    columns = tests.select(
        "name_zh", "control", "window_days", experiment=label,
        name=ibis.coalesce(tests.name, label), starts=tests.starts_at.date(),
        contact_cost=tests.contact_cost.cast("float64"),
    )  # fmt: skip
    return store.to_frame(columns.order_by("experiment"))


def _split(counts: list[int]) -> tuple[str, float]:
    """The split that was probably meant, and the p-value of what came of it."""
    import numpy as np
    from scipy.stats import chisquare

    seen = np.asarray(counts, float)
    if len(seen) < 2:
        return "unknown", math.nan
    shares, equal = seen / seen.sum(), np.full(len(seen), 1 / len(seen))
    if (np.abs(shares / equal - 1) <= NEAR_EQUAL).all():
        return "equal", float(chisquare(seen, equal * seen.sum()).pvalue)
    meant = np.round(shares / ROUND_SHARE) * ROUND_SHARE
    if (meant <= 0).any() or not math.isclose(meant.sum(), 1):
        return "unknown", math.nan
    return "rounded", float(chisquare(seen, meant * seen.sum()).pvalue)


def arms(store: Store, period: Period) -> pd.DataFrame:
    """What the customers of each variant did in the window after assignment.

    Returns:
        One row per experiment and variant, the control first: `experiment`, `name`, `name_zh`,
        `variant`, `contacted` (bool), `customers`, and for `visit` and `conversion` (shares 0 to 1,
        Wilson), `spend` and `contribution` (money per customer, Student) the mean with `_low` and
        `_high` (95 %), empty where it is not known. Variants of fewer than 10 customers are left
        out.

    Raises:
        MissingTable: No experiment is over, or the store can't say what its customers did.
    """
    import pandas as pd

    counted = moments(store, period)
    rows = []
    for row in counted.to_dict("records"):
        found = {name: row[name] for name in ("experiment", "variant", "contacted", "customers")}
        for outcome in units.OUTCOMES:
            estimate = _mean(row, outcome)
            found[outcome] = estimate.value
            found[f"{outcome}_low"], found[f"{outcome}_high"] = estimate.low, estimate.high
        rows.append(found)
    named = _tests(store)[["experiment", "name", "name_zh"]]
    frame = named.merge(pd.DataFrame(rows), on="experiment", how="right")
    order = ["experiment", "contacted", "variant"]
    return frame.sort_values(order).reset_index(drop=True)


def effects(store: Store, period: Period) -> pd.DataFrame:
    """What each contact changed against the control, on every outcome that is known.

    Returns:
        One row per experiment, contacted variant and outcome: `experiment`, `name`, `name_zh`,
        `variant`, `outcome` (of `experiment_units.OUTCOMES`), `control_mean`, `variant_mean`,
        `difference` with `low`, `high` (95 %; shares: Newcombe; money: from two Student
        intervals), `lift` (relative, 0.5 is half as much again) with `lift_low`, `lift_high` (95 %
        on the log ratio; empty where a mean is not above 0), `customers` (of variant and control),
        `direction` (`more`, `less` or `not_enough_evidence`: the interval holds 0), `grade`
        (`randomised_test`).

    Raises:
        MissingTable: No experiment is over, or the store can't say what its customers did.
    """
    import pandas as pd

    named = _tests(store).set_index("experiment")
    rows = []
    for name, found in moments(store, period).groupby("experiment", sort=True):
        control = found[~found["contacted"]].iloc[0].to_dict()
        for variant in found[found["contacted"]].to_dict("records"):
            for outcome in units.OUTCOMES:
                row = _effect(variant, control, outcome)
                if row:
                    names = {"experiment": name, **named.loc[name, ["name", "name_zh"]].to_dict()}
                    rows.append({**names, "variant": variant["variant"], **row})
    return pd.DataFrame(rows)


def experiment_effect(store: Store, period: Period) -> pd.DataFrame:
    """Share of customers who buy within the window: each contacted variant less the control.

    Takes the experiments whose window is over by the period's end, however long ago.

    Returns:
        One row per experiment and contacted variant: `experiment`, `variant`, and
        `frames.COLUMNS`: difference of two shares (-1 to 1), Newcombe 95 %, n customers of both.

    Raises:
        MissingTable: No experiment is over, or the store can't say what its customers did.

    Source: plan 5.3; Newcombe (1998), method 10.
    """
    found = effects(store, period)
    found = found[found["outcome"] == "conversion"]
    frame = found.assign(
        value=found["difference"], n=found["customers"], numerator=math.nan, denominator=math.nan,
        observed=math.nan, provisional=False,
    )  # fmt: skip
    return frame[["experiment", "variant", *COLUMNS]].reset_index(drop=True)


def best_variants(store: Store, period: Period) -> pd.DataFrame:
    """The variant that brought most, against the next best, in tests with two or more contacts.

    Returns:
        One row per experiment and outcome: `experiment`, `name`, `name_zh`, `outcome`, `best`,
        `second` (variants), `difference` with `low`, `high` (95 %), `customers` (of both),
        `direction` (`more`, or `not_enough_evidence` where the interval holds 0). Empty where no
        experiment has two contacts. The best is chosen by the same data, so a narrow lead is
        flattered.
    """
    import pandas as pd

    named = _tests(store).set_index("experiment")
    columns = ["experiment", "name", "name_zh", "outcome", "best", "second", "difference", "low",
               "high", "customers", "direction"]  # fmt: skip
    rows = []
    for name, found in moments(store, period).groupby("experiment", sort=True):
        contacted = found[found["contacted"]]
        for outcome in units.OUTCOMES:
            ranked = contacted.sort_values(f"{outcome}_mean", ascending=False, kind="stable")
            if len(ranked) < 2 or ranked[f"{outcome}_mean"].isna().any():
                continue
            best, second = (ranked.iloc[at].to_dict() for at in (0, 1))
            row = _effect(best, second, outcome)
            names = {"experiment": name, **named.loc[name, ["name", "name_zh"]].to_dict()}
            ends = {"best": best["variant"], "second": second["variant"]}
            rows.append({**names, **ends, **(row or {})})
    return pd.DataFrame(rows, columns=columns)


def moments(store: Store, period: Period) -> pd.DataFrame:
    """Size, mean and spread of every outcome by variant, of the experiments that are over.

    Returns:
        One row per experiment and variant, in that order: `experiment`, `variant`, `contacted`,
        `customers`, and for each outcome `_mean`, `_sd`, `_sum`. Variants of fewer than 10
        customers are left out, and experiments without control or contact.
    """

    def compute() -> pd.DataFrame:
        people = units.over(store, period)
        units.require_any(people, store)
        people = units.with_outcomes(store, period, people, margin(store, period))
        return store.to_frame(_by_variant(people))

    units.note_sources(store)
    found = store.once(f"experiments.moments:{units.known_until(store, period)}", compute)
    found = found[found["customers"] >= SMALLEST_GROUP]
    kinds = found.groupby("experiment")["contacted"].transform("nunique")
    found = found[kinds == 2]
    if found.empty:
        raise MissingTable("experiment_units", ("variant",), "short")
    return found.reset_index(drop=True)


def _by_variant(people: ir.Table) -> ir.Table:
    sums = {}
    for outcome in units.OUTCOMES:
        sums[f"{outcome}_mean"] = people[outcome].mean()
        sums[f"{outcome}_sd"] = people[outcome].std()
        sums[f"{outcome}_sum"] = people[outcome].sum()
    grouped = people.group_by("experiment", "variant", "contacted")
    return grouped.aggregate(customers=people.count(), **sums).order_by("experiment", "variant")


def margin(store: Store, period: Period) -> float | None:
    """Contribution per unit of money paid; None where the shop's costs are not known."""
    from helpers.measures.contribution import contribution_share

    return contribution_share(store, period)


def _mean(row: dict, outcome: str) -> Estimate:
    """A variant's mean of an outcome with its interval."""
    from scipy.stats import t as student_t

    from helpers.models.estimate import Estimate
    from helpers.models.intervals import proportion

    n, value = row["customers"], row[f"{outcome}_mean"]
    if value is None or math.isnan(value):
        return Estimate(math.nan, math.nan, math.nan, n)
    if outcome in SHARES:
        return proportion(row[f"{outcome}_sum"], n)
    error = row[f"{outcome}_sd"] / math.sqrt(n)
    half = float(student_t.ppf(0.975, n - 1)) * error
    return Estimate(value, value - half, value + half, n, error)


def _effect(variant: dict, control: dict, outcome: str) -> dict | None:
    """Difference and ratio of two variants' means; None where the outcome is not known."""
    from helpers.models.intervals import difference

    ours, theirs = _mean(variant, outcome), _mean(control, outcome)
    if math.isnan(ours.value) or math.isnan(theirs.value):
        return None
    found = difference(ours, theirs)
    lift, lift_low, lift_high = _lift(ours, theirs)
    direction = "more" if found.low > 0 else "less" if found.high < 0 else "not_enough_evidence"
    return {
        "outcome": outcome, "control_mean": theirs.value, "variant_mean": ours.value,
        "difference": found.value, "low": found.low, "high": found.high, "lift": lift,
        "lift_low": lift_low, "lift_high": lift_high,
        "customers": int(variant["customers"] + control["customers"]),
        "direction": direction, "grade": GRADE,
    }  # fmt: skip


def _lift(ours: Estimate, theirs: Estimate) -> tuple[float, float, float]:
    """Relative difference of two independent means with the interval of the log ratio."""
    if not (ours.value > 0 and theirs.value > 0):
        return math.nan, math.nan, math.nan
    ratio = ours.value / theirs.value
    errors = [(one.standard_error or 0.0) / one.value for one in (ours, theirs)]
    spread = math.exp(1.959964 * math.hypot(*errors))
    return ratio - 1, ratio / spread - 1, ratio * spread - 1
