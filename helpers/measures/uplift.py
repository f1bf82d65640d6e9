"""Whom to contact: what targeting by uplift gains, what it pays, and the decision.

Uplift is how much more a customer does because of the contact, not how likely the customer is to
buy anyway; only a test with a control group can tell it. Scores are out of fold; what contacting
the best of them brings is read from the randomised arms. Source: plan 5.3; Radcliffe (2007).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from helpers.measures.uplift_scores import Scored, scored

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.models.qini import Choice
    from helpers.plan.periods import Period
    from helpers.store.open import Store

PER = 1000
OUTCOME, MONEY = 0, 1
TENTHS = 10
OTHERWISE = {"contact_top": "otherwise_top", "contact_first": "otherwise_first"}


def targeting(store: Store, period: Period) -> pd.DataFrame:
    """Whether contacting by score beats contacting as many at random.

    Returns:
        One row per experiment and contacted variant, newest first, the variant with the most
        evidence first in it (`lead` for the very first): `experiment`, `name`, `name_zh`,
        `variant`, `lead`, `outcome` (scored: `visit` or `conversion`), `method` (`two_models` or
        `transformed_outcome`), `customers`, `events` (outcomes of both arms), `effect` (outcomes
        gained per 1,000 contacted), `qini` with `low`, `high` (Qini coefficient: outcomes gained
        over random contacts per 1,000 customers, mean over all shares contacted; bootstrap 95 %),
        `second_method`, `second_qini`, `second_low`, `second_high` (the second opinion),
        `agreement` (rank correlation of the two methods' scores), `slope`, `slope_low`,
        `slope_high` (of the effect on the score; 1 is well calibrated), `against_chance` (`better`,
        `worse`, or `not_enough_evidence`: the interval holds 0).

    Raises:
        MissingTable: No experiment can be scored.

    Source: plan 5.3; Radcliffe (2007); Chernozhukov and others (2018).
    """
    import pandas as pd

    from helpers.models.qini import qini

    rows = []
    for at, one in enumerate(scored(store, period)):
        found, second = qini(one.sums), qini(one.sums_by(one.other_method))
        scores = pd.DataFrame(one.crossed.scores)
        line = one.calibration
        rows.append({
            **one.names, "lead": at == 0, "outcome": one.outcome, "method": one.method,
            "customers": len(one.people), "events": int(one.people["outcome"].sum()),
            "effect": line.effect * PER, "qini": found.value * PER, "low": found.low * PER,
            "high": found.high * PER, "second_method": one.other_method,
            "second_qini": second.value * PER, "second_low": second.low * PER,
            "second_high": second.high * PER,
            "agreement": float(scores.corr(method="spearman").iloc[0, 1]),
            "slope": line.slope, "slope_low": line.low, "slope_high": line.high,
            "against_chance": _sign(found.low, found.high, ("worse", "better")),
        })  # fmt: skip
    return pd.DataFrame(rows)


def qini_curve(store: Store, period: Period) -> pd.DataFrame:
    """What is gained as more customers are contacted, the highest scores first, beside random.

    Returns:
        One row per experiment, variant, line and share: `experiment`, `name`, `name_zh`,
        `variant`, `lead`, `outcome`, `line` (`by_score`, `at_random`), `contacted` (0 to 100 %),
        `gained` (outcomes per 1,000 customers) with `low`, `high` (bootstrap 95 %; the random line
        has none of its own).

    Raises:
        MissingTable: No experiment can be scored.

    Source: plan 5.3; Radcliffe (2007).
    """
    import pandas as pd

    from helpers.models.qini import interval_of

    parts = []
    for at, one in enumerate(scored(store, period)):
        value, low, high = (part * PER for part in interval_of(one.sums.gains[..., OUTCOME]))
        share = one.sums.share
        straight = value[-1] * share
        lines = {"by_score": (value, low, high), "at_random": (straight, straight, straight)}
        for line, (middle, bottom, top) in lines.items():
            frame = pd.DataFrame(
                {"contacted": 100 * share, "gained": middle, "low": bottom, "high": top}
            )
            parts.append(frame.assign(**one.names, lead=at == 0, outcome=one.outcome, line=line))
    columns = ["experiment", "name", "name_zh", "variant", "lead", "outcome", "line", "contacted",
               "gained", "low", "high"]  # fmt: skip
    return pd.concat(parts, ignore_index=True)[columns]


def by_tenth(store: Store, period: Period) -> pd.DataFrame:
    """What a contact brings in each tenth of the score, and so the most that it may cost there.

    Returns:
        One row per experiment, variant and tenth, the highest scores first: `experiment`, `name`,
        `name_zh`, `variant`, `lead`, `outcome`, `basis` (of money: `contribution`,
        `contribution_share`, `spend`), `tenth` (1 to 10), `customers` (of both arms), `effect`
        (share of the contacted who have the outcome less that of the control) with `effect_low`,
        `effect_high`, `break_even` (money gained per contact: its cost may be this much) with
        `low`, `high` (bootstrap 95 %), `contact_cost` (empty where unknown), `verdict` (`pays`,
        `does_not_pay`, `not_enough_evidence`: the interval of `break_even` against the cost, or
        against 0 where the cost is unknown; each tenth by itself, so one of twenty would err).

    Raises:
        MissingTable: No experiment can be scored.

    Source: plan 5.3.
    """
    import numpy as np
    import pandas as pd

    from helpers.models.qini import interval_of

    parts = []
    for at, one in enumerate(scored(store, period)):
        value, low, high = interval_of(one.tenths.effects)
        frame = pd.DataFrame({
            "tenth": np.arange(1, TENTHS + 1),
            "customers": one.tenths.customers[0].sum(axis=1).astype(int),
            "effect": value[:, OUTCOME], "effect_low": low[:, OUTCOME],
            "effect_high": high[:, OUTCOME], "break_even": value[:, MONEY],
            "low": low[:, MONEY], "high": high[:, MONEY], "contact_cost": one.cost,
        })  # fmt: skip
        floor = 0.0 if math.isnan(one.cost) else one.cost
        verdict = [
            _sign(bottom - floor, top - floor, ("does_not_pay", "pays"))
            for bottom, top in zip(frame["low"], frame["high"], strict=True)
        ]
        frame = frame.assign(
            **one.names, lead=at == 0, outcome=one.outcome, basis=one.basis, verdict=verdict
        )
        parts.append(frame)
    columns = ["experiment", "name", "name_zh", "variant", "lead", "outcome", "basis", "tenth",
               "customers", "effect", "effect_low", "effect_high", "break_even", "low", "high",
               "contact_cost", "verdict"]  # fmt: skip
    return pd.concat(parts, ignore_index=True)[columns]


def profit_by_share(store: Store, period: Period) -> pd.DataFrame:
    """What contacting more and more of the customers tested would earn, the best first.

    Money gained by the randomised arms, times the customers of the experiment, less the cost of
    the contacts. `break_even` is what a contact may cost on average up to that share.

    Returns:
        One row per experiment, variant and tenth: `experiment`, `name`, `name_zh`, `variant`,
        `lead`, `basis`, `contacted_share` (0 to 1), `contacted_percent` (0 to 100), `contacted`
        (customers), `gained` (outcomes), `money` (before contact cost), `contact_cost`, `profit`
        with `low`, `high` (after contact cost; before it where the cost is unknown, see
        `cost_known`; bootstrap 95 %), `break_even` (money per contact).

    Raises:
        MissingTable: No experiment can be scored.

    Source: plan 5.3.
    """
    import numpy as np
    import pandas as pd

    from helpers.models.qini import interval_of

    parts = []
    for at, one in enumerate(scored(store, period)):
        gains, share = one.tenths.gains, one.tenths.share
        cost = 0.0 if math.isnan(one.cost) else one.cost
        profit = (gains[..., MONEY] - cost * share) * one.tested
        value, low, high = interval_of(profit)
        contacted = np.round(share * one.tested)
        money = gains[0, :, MONEY] * one.tested
        frame = pd.DataFrame({
            "contacted_share": share, "contacted_percent": np.round(100 * share).astype(int),
            "contacted": contacted.astype(int), "gained": gains[0, :, OUTCOME] * one.tested,
            "money": money, "contact_cost": one.cost, "profit": value, "low": low, "high": high,
            "cost_known": not math.isnan(one.cost),
            "break_even": money / np.where(contacted > 0, contacted, np.nan),
        })  # fmt: skip
        parts.append(frame.assign(**one.names, lead=at == 0, basis=one.basis))
    columns = ["experiment", "name", "name_zh", "variant", "lead", "basis", "contacted_share",
               "contacted_percent", "contacted", "gained", "money", "contact_cost", "cost_known",
               "profit", "low", "high", "break_even"]  # fmt: skip
    return pd.concat(parts, ignore_index=True)[columns]


def contact_plan(store: Store, period: Period) -> pd.DataFrame:
    """The decision for each contact: all, the best share, nobody, or a larger test.

    Shares are taken in tenths. The best of ten is flattered by luck; its profit is lowered by what
    the resamples say of that. Leaving customers out is advised only where it is shown to earn more
    than contacting everybody.

    Returns:
        One row per experiment and variant, newest experiment first, in it the one worth most
        (`rank` 1): `experiment`, `name`, `name_zh`, `variant`, `rank`, `basis`, `action`
        (`contact_top`, `contact_all`, `contact_nobody`, `test_more`; where the contact's cost is
        unknown `contact_first`, `contact_all_below_cost` or `test_more`; from rank 2 on, for
        those who send this one instead, `otherwise_top` or `otherwise_first`, else
        `passed_over`), `share` (0 to 1), `customers` (to contact), `left_out` (customers),
        `worth` with `low`, `high` (money of the whole decision, after contact cost where known),
        `saved` (cost of the contacts left out), `gain` with `gain_low`, `gain_high` (over
        contacting everybody), `break_even` with `break_even_low`, `break_even_high` (the most
        that a contact of those may cost), `rest`, `rest_low`, `rest_high` (the same of the
        customers left out), `contact_cost`, `tested` (customers of the experiment),
        `against_chance` (of targeting, as in `targeting`).

    Raises:
        MissingTable: No experiment can be scored.

    Source: plan 5.3.
    """
    import pandas as pd

    rows = [_plan(one) for one in scored(store, period)]
    frame = pd.DataFrame(rows).assign(place=range(len(rows)))
    frame["test"] = frame.groupby("experiment")["place"].transform("min")
    frame = frame.sort_values(["test", "worth", "place"], ascending=[True, False, True])
    frame["rank"] = frame.groupby("experiment", sort=False).cumcount() + 1
    instead = frame["action"].map(OTHERWISE).fillna("passed_over")
    frame["action"] = frame["action"].where(frame["rank"] == 1, instead)
    return frame.drop(columns=["test", "place"]).reset_index(drop=True)


def _plan(one: Scored) -> dict[str, Any]:
    import numpy as np

    from helpers.models.qini import best_share, qini

    gains, share = one.tenths.gains, one.tenths.share
    found = qini(one.sums)
    evidence = _sign(found.low, found.high, ("worse", "better"))
    money = gains[..., MONEY]
    everybody = _with_ends(money[:, -1] - (0.0 if math.isnan(one.cost) else one.cost))
    if math.isnan(one.cost):
        above = gains[0, :, OUTCOME] - gains[0, -1, OUTCOME] * share
        split = int(np.argmax(above))
        known = everybody[1] > 0
        if evidence == "better":
            action, step, worth = "contact_first", split, _with_ends(money[:, split])
        else:
            action = "contact_all_below_cost" if known else "test_more"
            step, worth = TENTHS, everybody
        gain = (math.nan,) * 3
    else:
        choice = best_share(money, share, one.cost)
        action, step, worth, gain = _choose(choice, everybody)
    return {
        **one.names, "basis": one.basis, "action": action, "share": float(share[step]),
        "customers": round(share[step] * one.tested),
        "left_out": one.tested - round(share[step] * one.tested),
        **_named("worth", worth, one.tested), **_named("gain", gain, one.tested, "gain_"),
        "saved": (1 - share[step]) * one.tested * one.cost,
        **_per_contact(money, share, step), "contact_cost": one.cost, "tested": one.tested,
        "against_chance": evidence,
    }  # fmt: skip


Ends = tuple[float, float, float]


def _choose(choice: Choice, everybody: Ends) -> tuple[str, int, Ends, Ends]:
    """Action, tenth, worth and gain over everybody, per customer, where the cost is known."""
    best, over = choice.profit, choice.over_everybody
    top = (best.value, best.low, best.high)
    gain = (over.value, over.low, over.high)
    if 0 < choice.step < TENTHS and over.low > 0 and best.low > 0:
        return "contact_top", choice.step, top, gain
    if everybody[1] > 0:
        return "contact_all", TENTHS, everybody, (0.0, 0.0, 0.0)
    if 0 < choice.step < TENTHS and best.low > 0:
        return "contact_top", choice.step, top, gain
    if everybody[2] < 0:
        value, low, high = everybody
        return "contact_nobody", 0, (0.0, 0.0, 0.0), (-value, -high, -low)
    return "test_more", TENTHS, everybody, (0.0, 0.0, 0.0)


def _per_contact(money: np.ndarray, share: np.ndarray, step: int) -> dict[str, float]:
    """Money gained per contact among those contacted and among the rest, with intervals."""
    nothing = (math.nan,) * 3
    top = _with_ends(money[:, step] / share[step]) if step else nothing
    others = money[:, -1] - money[:, step]
    rest = _with_ends(others / (1 - share[step])) if step < TENTHS else nothing
    return {**_named("break_even", top, 1, "break_even_"), **_named("rest", rest, 1, "rest_")}


def _with_ends(draws: np.ndarray) -> Ends:
    from helpers.models.qini import interval_of

    value, low, high = interval_of(draws)
    return float(value), float(low), float(high)


def _named(name: str, ends: Ends, times: float, prefix: str = "") -> dict[str, float]:
    value, low, high = (end * times for end in ends)
    return {name: value, f"{prefix}low": low, f"{prefix}high": high}


def _sign(low: float, high: float, names: tuple[str, str]) -> str:
    """Below 0, above 0, or not enough evidence."""
    if low > 0:
        return names[1]
    return names[0] if high < 0 else "not_enough_evidence"
