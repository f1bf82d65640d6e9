"""Experiments with their customers scored by uplift; for `uplift` and `uplift_groups`, no page.

Which outcome is scored: money is what pays, but the money of few buyers says little about who
reacts; purchases are scored where there are 500 of them in a contacted variant and the control
together, else visits where the experiment knows them. Profit is always judged on money, by the
randomised arms inside each step of the score, so that it is unbiased whatever the score is worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from helpers.measures import experiment_units as units
from helpers.measures.experiments import designs, margin
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.models.qini import Sums
    from helpers.models.uplift import Calibration, CrossFitted
    from helpers.plan.periods import Period
    from helpers.store.open import Store

ENOUGH_EVENTS = 500
FEWEST_EVENTS = 20
FEWEST_CUSTOMERS = 200


@dataclass(frozen=True)
class Scored:
    """One contacted variant against its control, every customer scored by uplift.

    Attributes:
        experiment: Its id; `name` and `name_zh` are its names.
        variant: The contact.
        outcome: What is scored: `visit` or `conversion`.
        basis: What money is: `contribution`; `contribution_share` where it is the shop's share of
            what was spent; `spend` where costs are not known (before cost of goods).
        cost: Money one contact costs; NaN where unknown.
        tested: Customers of the experiment, all variants: those whom a decision is about.
        people: One row per customer of variant and control, in order of their key: `UNIT`,
            `contacted`, the features, `outcome` (0 or 1) and `money`.
        features: Names of the features.
        crossed: Out-of-fold scores of `people`.
        method: The method whose scores are used.
    """

    experiment: str
    name: str | None
    name_zh: str | None
    variant: str
    outcome: str
    basis: str
    cost: float
    tested: int
    people: pd.DataFrame
    features: list[str]
    crossed: CrossFitted
    method: str

    @property
    def treated(self) -> np.ndarray:
        """1 where contacted."""
        return self.people["contacted"].to_numpy(int)

    @property
    def other_method(self) -> str:
        """The second opinion."""
        from helpers.models.uplift import METHODS

        return next(name for name in METHODS if name != self.method)

    def sums_by(self, method: str) -> Sums:
        """Customers, outcomes and money in steps of 1 % of a method's scores."""
        from helpers.models.qini import resample

        both = self.people[["outcome", "money"]].to_numpy(float)
        return resample(self.crossed.places[method], self.treated, both)

    @cached_property
    def sums(self) -> Sums:
        """The same for the method in use."""
        return self.sums_by(self.method)

    @cached_property
    def tenths(self) -> Sums:
        """The same in tenths."""
        return self.sums.coarser(10)

    @cached_property
    def calibration(self) -> Calibration:
        """How far the effect follows the scores."""
        from helpers.models.uplift import calibrate

        return calibrate(self.crossed.scores[self.method], self.treated, self.people["outcome"])

    @property
    def names(self) -> dict[str, Any]:
        """The columns that say what a row is about."""
        return {"experiment": self.experiment, "name": self.name, "name_zh": self.name_zh,
                "variant": self.variant}  # fmt: skip


def scored(store: Store, period: Period) -> list[Scored]:
    """Every contacted variant that can be scored; newest experiment first, computed once.

    Within an experiment the variant comes first whose Qini coefficient is largest against the
    width of its interval: the one for which it matters most whom it reaches.

    Raises:
        MissingTable: No experiment is over, nothing is known of its customers before the contact,
            or they are too few: 200 in each arm, 20 of them with the outcome.
    """
    units.note_sources(store)
    key = f"uplift.scored:{units.known_until(store, period)}"
    return store.once(key, lambda: _scored(store, period))


def _scored(store: Store, period: Period) -> list[Scored]:
    tests = designs(store, period)
    tests = tests[tests["status"] == "analysed"]
    if tests.empty:
        raise MissingTable("experiment_units", (), "short")
    kept, found = margin(store, period), []
    for test in tests.to_dict("records"):
        people, features = _people(store, period, test["experiment"], kept)
        if not features:
            continue
        variants = sorted(people.loc[people["contacted"], "variant"].unique())
        pairs = [_score(test, people, features, variant, kept) for variant in variants]
        known = [pair for pair in pairs if pair]
        found += sorted(known, key=lambda one: (-_strength(one), one.variant))
    if not found:
        raise MissingTable("experiment_features", ("value", "label"), "short")
    return found


def _strength(one: Scored) -> float:
    """The Qini coefficient against the half width of its interval."""
    from helpers.models.qini import qini

    found = qini(one.sums)
    return found.value / max(found.high - found.low, 1e-12)


def _people(
    store: Store, period: Period, experiment: str, kept: float | None
) -> tuple[pd.DataFrame, list[str]]:
    """All customers of an experiment with features and outcomes, in order of their key."""
    people = units.over(store, period)
    people = people.filter(people.experiment == experiment)
    people = units.with_outcomes(store, period, people, kept)
    people, features = units.with_features(store, period, people)
    frame = store.to_frame(people.order_by(*units.UNIT))
    return frame, [name for name in features if frame[name].nunique(dropna=False) > 1]


def _score(
    test: dict, people: pd.DataFrame, features: list[str], variant: str, kept: float | None
) -> Scored | None:
    """One variant against the control; None where there are too few to say anything."""
    from helpers.models.uplift import cross_fit

    pair = people[~people["contacted"] | (people["variant"] == variant)].reset_index(drop=True)
    outcome = _outcome(pair)
    if not outcome:
        return None
    recorded = bool(pair["recorded"].iloc[0])
    basis = "spend" if kept is None and pair["contribution"].isna().any() else "contribution"
    if recorded and basis == "contribution":
        basis = "contribution_share"
    money = pair["spend" if basis == "spend" else "contribution"]
    pair = pair[[*units.UNIT, "contacted", *features]].assign(outcome=pair[outcome], money=money)
    crossed = cross_fit(pair[features], pair["contacted"], pair["outcome"])
    cost = test["contact_cost"]
    return Scored(
        experiment=test["experiment"], name=test["name"], name_zh=test["name_zh"],
        variant=variant, outcome=outcome, basis=basis,
        cost=math.nan if cost is None else float(cost), tested=len(people), people=pair,
        features=features, crossed=crossed, method=_method(crossed, pair),
    )  # fmt: skip


def _outcome(pair: pd.DataFrame) -> str:
    """The outcome to score; empty where neither has enough events in both arms."""
    sizes = pair.groupby("contacted").size()
    if len(sizes) < 2 or sizes.min() < FEWEST_CUSTOMERS:
        return ""
    events = pair.groupby("contacted")[["conversion", "visit"]].sum()
    enough = [name for name in events if events[name].min() >= FEWEST_EVENTS]
    if "conversion" in enough and events["conversion"].sum() >= ENOUGH_EVENTS:
        return "conversion"
    return max(enough, key=lambda name: events[name].sum(), default="")


def _method(crossed: CrossFitted, pair: pd.DataFrame) -> str:
    """Two models, unless the second opinion's Qini coefficient is higher in every fold.

    A softer rule would pick the luckier of two and flatter the curve: without any effect this one
    changes over in 3 of 100 tests.
    """
    from helpers.models.qini import qini_by_part
    from helpers.models.uplift import METHODS

    first, second = (
        qini_by_part(crossed.places[name], pair["contacted"], pair["outcome"], crossed.fold)
        for name in METHODS
    )
    return METHODS[int((second > first).all())]
