"""For whom a contact pays: its effect by group, and the customers to contact next.

Groups are what a manager can name (bought women's goods before, weeks since the last purchase).
Many groups are looked at, so p-values are adjusted (Holm 1979). Source: plan 5.3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from helpers.measures import experiment_units as units
from helpers.measures.purchases import SMALLEST_GROUP
from helpers.measures.uplift_scores import Scored, scored
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

SMALLEST_ARM = 50
MOST_LEVELS = 8
BANDS = 4
OTHER = "other"
SURE = 0.05


def effect_by_group(store: Store, period: Period) -> pd.DataFrame:
    """What each contact changes in every group of customers that is known before it.

    Numbers of more than eight values are cut into four bands of equal size, unless the experiment
    brings its own (`history_segment` for `history`). Levels of fewer than 50 customers in an arm
    are taken together as `other`.

    Returns:
        One row per experiment, variant, feature and level; variants as in `uplift.targeting`,
        features with the clearest differences first: `experiment`, `name`, `name_zh`, `variant`,
        `lead`, `outcome`, `basis`, `feature`, `level` (`yes`, `no`, a category, or a band such as
        `3–9`), `customers` (of both arms), `effect` (share of the contacted with the outcome less
        that of the control) with `low`, `high` (Newcombe 95 %), `reaction` (`reacts`,
        `turns_away`, `not_enough_evidence`; Holm over all groups of the variant), `money` (gained
        per contact) with `money_low`, `money_high` (95 %, each group by itself), `contact_cost`,
        `verdict` (`pays`, `does_not_pay`, `not_enough_evidence`: money against the cost, or
        against 0 where it is unknown; Holm), `difference_p` (that the effect is the same on all
        levels of the feature: Cochran's Q, Holm over features), `differs` (bool: below 0.05).

    Raises:
        MissingTable: No experiment can be scored, or no feature divides its customers.

    Source: plan 5.3; Holm (1979); Cochran (1954).
    """
    import pandas as pd

    parts = [_groups_of(one).assign(lead=at == 0) for at, one in enumerate(scored(store, period))]
    found = pd.concat(parts, ignore_index=True)
    if found.empty:
        raise MissingTable("experiment_features", ("value", "label"), "short")
    columns = ["experiment", "name", "name_zh", "variant", "lead", "outcome", "basis", "feature",
               "level", "customers", "effect", "low", "high", "reaction", "money", "money_low",
               "money_high", "contact_cost", "verdict", "difference_p", "differs"]  # fmt: skip
    return found[columns]


def _groups_of(one: Scored) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for place, feature in enumerate(_told(one)):
        levels = _levels(one.people[feature], one.treated)
        if levels is None:
            continue
        order = sorted(levels.unique(), key=lambda level: (level == OTHER, *_natural(level)))
        for level in order:
            own = one.people[levels == level]
            rows.append({"place": place, "feature": feature, "level": level, **_effects(own)})
    if not rows:
        return pd.DataFrame()
    frame = pd.DataFrame(rows)
    frame["reaction"] = _verdicts(frame, "effect", 0.0, ("turns_away", "reacts"))
    floor = 0.0 if math.isnan(one.cost) else one.cost
    frame["verdict"] = _verdicts(frame, "money", floor, ("does_not_pay", "pays"))
    frame = frame.merge(_differences(frame), on="feature")
    frame = frame.sort_values(["difference_p", "raw_p", "place"], kind="stable")
    return frame.assign(
        **one.names, outcome=one.outcome, basis=one.basis, contact_cost=one.cost,
        differs=frame["difference_p"] < SURE,
    ).reset_index(drop=True)  # fmt: skip


def _told(one: Scored) -> list[str]:
    """Features to tell groups by: not the number whose own bands are there."""
    return [
        name
        for name in one.features
        if not any(other.startswith(f"{name}_") and other != name for other in one.features)
    ]


def _levels(values: pd.Series, treated: np.ndarray) -> pd.Series | None:
    """Each customer's level as text; None where all would be one group."""
    import pandas as pd

    if values.dtype.kind in "fiub":
        levels = _bands(values)
    else:
        levels = values.astype(object).where(values.notna(), "unknown").astype(str)
    counts = pd.crosstab(levels, treated).min(axis=1)
    small = counts[counts < SMALLEST_ARM]
    if len(small):
        levels = levels.where(~levels.isin(small.index), OTHER)
        counts = pd.crosstab(levels, treated).min(axis=1)
        if counts[OTHER] < SMALLEST_ARM and len(counts) > 1:
            nearest = counts.drop(OTHER).idxmin()
            levels = levels.where(levels != nearest, OTHER)
    return levels if levels.nunique() > 1 else None


def _bands(values: pd.Series) -> pd.Series:
    """A number's values, or bands of it, as text in an order that `_natural` reads."""
    import pandas as pd

    known = values.dropna()
    if set(known.unique()) <= {0.0, 1.0}:
        names = values.map({0.0: "no", 1.0: "yes"})
    elif known.nunique() <= MOST_LEVELS:
        names = values.map(lambda value: f"{value:g}", na_action="ignore")
    else:
        cut = pd.qcut(known.rank(method="average"), BANDS, duplicates="drop")
        ends = known.groupby(cut, observed=True).agg(["min", "max"])
        text = {
            band: f"{_short(low)}–{_short(high)}" if low < high else _short(low)
            for band, low, high in ends.itertuples()
        }
        names = cut.map(text).astype(object).reindex(values.index)
    return names.astype(object).where(values.notna(), "unknown").astype(str)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"


def _natural(level: str) -> tuple[float, str]:
    """Bands by their lower end, other levels by name."""
    first = level.split("–")[0].replace(",", "")
    try:
        return float(first), level
    except ValueError:
        return math.inf, level


def _effects(own: pd.DataFrame) -> dict[str, Any]:
    """Effect of the contact on outcome and money inside one group."""
    from helpers.models.intervals import difference, mean, proportion

    arms = [own[own["contacted"] == contacted] for contacted in (True, False)]
    shares = [proportion(float(arm["outcome"].sum()), len(arm)) for arm in arms]
    money = [mean(arm["money"].to_numpy(float)) for arm in arms]
    found, earned = difference(*shares), difference(*money)
    return {
        "customers": len(own), "effect": found.value, "low": found.low, "high": found.high,
        "effect_error": found.standard_error, "money": earned.value, "money_low": earned.low,
        "money_high": earned.high, "money_error": earned.standard_error,
    }  # fmt: skip


def _verdicts(frame: pd.DataFrame, column: str, floor: float, names: tuple[str, str]) -> list[str]:
    """Below or above the floor by Holm-adjusted p-values, else not enough evidence."""
    import numpy as np
    from scipy.stats import norm
    from statsmodels.stats.multitest import multipletests

    distance = (frame[column] - floor).to_numpy(float)
    errors = np.maximum(frame[f"{column}_error"].to_numpy(float), 1e-12)
    sure = multipletests(2 * norm.sf(np.abs(distance) / errors), SURE, "holm")[0]
    return [
        names[int(above > 0)] if clear else "not_enough_evidence"
        for above, clear in zip(distance, sure, strict=True)
    ]


def _differences(frame: pd.DataFrame) -> pd.DataFrame:
    """Cochran's Q of each feature: whether the effect differs between its levels."""
    import pandas as pd
    from scipy.stats import chi2
    from statsmodels.stats.multitest import multipletests

    rows = []
    for feature, levels in frame.groupby("feature", sort=False):
        weight = 1 / levels["effect_error"].clip(lower=1e-9) ** 2
        centre = (weight * levels["effect"]).sum() / weight.sum()
        spread = (weight * (levels["effect"] - centre) ** 2).sum()
        rows.append((feature, float(chi2.sf(spread, len(levels) - 1))))
    found = pd.DataFrame(rows, columns=["feature", "raw_p"])
    return found.assign(difference_p=multipletests(found["raw_p"], method="holm")[1])


def customers_to_contact(store: Store, period: Period, *, top: int = 200) -> pd.DataFrame:
    """The customers to whom the next contact should go, by what it is expected to change.

    Customers of the newest experiment that can be scored, for the variant for which it matters
    most whom it reaches. What the orders say of them is taken anew at the store's last known day,
    what the experiment was told stays as it was; who has left the range in which the contact was
    tested is left out. Expected uplift is the score drawn in to what the experiment bears out;
    value is uplift times the money that an outcome more was worth on average, less contact cost.

    Args:
        store: Uses tables `experiment_*` and mart `purchase_days`.
        period: The experiments' period.
        top: Most customers listed.

    Returns:
        One row per customer, most valuable first: `customer` (keyed hash), `variant`, `outcome`,
        `expected_uplift` (share points more likely, as a share), `expected_value` (money, empty
        where money is not shown to follow), `feature`, `level` (the reason: the group of the
        customer that reacts most among features on which the effect differs; empty where none
        does), `listed` (customers who pay in all, more than the rows where the list is cut). Only
        customers whose contact is expected to pay; empty where they are fewer than 10.

    Raises:
        MissingTable: No experiment can be scored, or targeting is not shown to beat chance.
    """
    from helpers.models.qini import qini

    one = scored(store, period)[0]
    if qini(one.sums).low <= 0:
        raise MissingTable("experiment_units", ("variant",), "short")
    people = _today(store, period, one)
    uplift = _uplift_of(one, people)
    value = uplift * _worth_of_outcome(one) - (0.0 if math.isnan(one.cost) else one.cost)
    names = ["customer", "variant", "outcome", "expected_uplift", "expected_value", "feature",
             "level", "listed"]  # fmt: skip
    people = people.assign(
        customer=store.hash(people["shop_id"] + "/" + people["customer_id"]), variant=one.variant,
        outcome=one.outcome, expected_uplift=uplift, expected_value=value,
    )  # fmt: skip
    worth = people["expected_value"].fillna(people["expected_uplift"])
    people = people[(worth > 0) & (people["expected_uplift"] > 0)]
    people = people.sort_values(["expected_uplift", "customer"], ascending=[False, True])
    listed = len(people) if len(people) >= SMALLEST_GROUP else 0
    people = people.head(top if listed else 0)
    people = _with_reasons(one, people).assign(listed=listed)
    return people[names].reset_index(drop=True)


def _today(store: Store, period: Period, one: Scored) -> pd.DataFrame:
    """The customers of an experiment with their features as of the last known day."""
    import ibis

    people = units.over(store, period)
    people = people.filter(people.experiment == one.experiment).select(*units.UNIT)
    tomorrow = ibis.literal(units.known_until(store, period)) + ibis.interval(days=1)
    people = people.mutate(day=tomorrow.cast("date"))
    people, present = units.with_features(store, period, people)
    own = [name for name in units.OWN_FEATURES if name in one.features and name in present]
    if not own:
        told = [name for name in one.features if name not in units.OWN_FEATURES]
        people = people.select(*units.UNIT, *told)
    frame = store.to_frame(people.order_by(*units.UNIT))
    for name in own:
        tested = one.people[name]
        if tested.dtype.kind == "f":
            inside = frame[name].between(tested.min(), tested.max()) | frame[name].isna()
            frame = frame[inside]
    return frame.reset_index(drop=True)


def _uplift_of(one: Scored, people: pd.DataFrame) -> np.ndarray:
    """Calibrated uplift of customers by the method in use, fitted on the whole experiment."""
    from helpers.models import uplift

    made = uplift.encoder(one.people[one.features])
    model = uplift.fit(
        one.method, uplift.matrix(made, one.people[one.features]), one.treated,
        one.people["outcome"],
    )  # fmt: skip
    scores = model.predict(uplift.matrix(made, people[one.features]))
    return one.calibration.apply(scores)


def _worth_of_outcome(one: Scored) -> float:
    """Money that one outcome more brings, over all; not a number where it is not above 0."""
    from helpers.models.qini import interval_of

    _, low, _ = interval_of(one.tenths.gains[:, -1, :])
    gained = one.tenths.gains[0, -1]
    return float(gained[1] / gained[0]) if low[0] > 0 and low[1] > 0 else math.nan


def _with_reasons(one: Scored, people: pd.DataFrame) -> pd.DataFrame:
    """The group that reacts most among those a customer is in, of features that differ."""
    import numpy as np

    best = np.full(len(people), -np.inf)
    feature = np.full(len(people), None, object)
    level = np.full(len(people), None, object)
    groups = _groups_of(one)
    told = groups[groups["differs"]] if len(groups) else groups
    for row in told.to_dict("records"):
        inside = _inside(one.people[row["feature"]], row["level"], people[row["feature"]])
        better = inside & (row["effect"] > best) & (row["effect"] > one.calibration.effect)
        best[better], feature[better], level[better] = row["effect"], row["feature"], row["level"]
    return people.assign(feature=feature, level=level)


def _inside(tested: pd.Series, level: str, values: pd.Series) -> np.ndarray:
    """Which values belong to a level, as the experiment cut them."""
    import numpy as np

    if tested.dtype.kind not in "fiub":
        return (values.astype(object).astype(str) == level).to_numpy()
    own = tested[_bands(tested) == level]
    if own.empty or own.isna().all():
        return np.zeros(len(values), bool)
    return values.between(own.min(), own.max()).to_numpy()
