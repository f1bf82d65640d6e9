"""Weights that balance, and effects on the treated, against other ways to the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from statsmodels.discrete.discrete_model import Logit
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.regression.linear_model import OLS, WLS
from statsmodels.treatment.treatment_effects import TreatmentEffect

from helpers.models.matching import (
    Pool,
    balancing_weights,
    effect_on_treated,
    happened_without_censoring,
    is_balanced,
    standardised_differences,
)


def a_pool(seed=0, n=2_000, effect=1.0):
    """Units who are treated the more often the larger two things known of them are."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 2))
    treated = random.random(n) < 1 / (1 + np.exp(1.5 - x @ [0.8, 0.5]))
    outcome = x @ [1.0, 2.0] + effect * treated + random.normal(size=n)
    return Pool(treated, x, np.ones(n), np.arange(n)), outcome


def test_weighted_others_look_as_the_treated_did():
    pool, _ = a_pool()
    weights = balancing_weights(pool)
    others = ~pool.treated
    assert weights[others].sum() == pytest.approx(1)
    assert not weights[pool.treated].any()
    means = weights[others] @ pool.features[others]
    assert means == pytest.approx(pool.features[pool.treated].mean(axis=0), abs=1e-3)
    before, after = standardised_differences(pool, weights)
    assert not is_balanced(before)
    assert is_balanced(after)


def test_the_weights_are_the_nearest_that_balance():
    # Entropy balancing as Hainmueller (2012) states it, solved by another library's optimiser.
    pool, _ = a_pool(n=40)
    others, treated = ~pool.treated, pool.treated
    x, aim = pool.features[others], pool.features[treated].mean(axis=0)
    size = len(x)
    found = minimize(
        lambda w: float((w * np.log(w * size)).sum()), np.full(size, 1 / size),
        jac=lambda w: np.log(w * size) + 1, bounds=[(1e-9, 1)] * size, method="SLSQP",
        constraints=[{"type": "eq", "fun": lambda w: w.sum() - 1},
                     {"type": "eq", "fun": lambda w: w @ x - aim}],
        options={"maxiter": 500, "ftol": 1e-10},
    )  # fmt: skip
    assert found.success
    assert balancing_weights(pool)[others] == pytest.approx(found.x, abs=1e-3)


def test_the_standardised_difference_is_that_of_the_textbook():
    # Austin (2009): difference of means / sqrt of the mean of the two variances.
    treated = np.array([True, True, False, False, False])
    values = np.array([[1.0], [3.0], [0.0], [3.0], [6.0]])
    pool = Pool(treated, values, np.ones(5), np.arange(5))
    before, _ = standardised_differences(pool, balancing_weights(pool))
    assert before == pytest.approx([(2 - 3) / np.sqrt((1 + 6) / 2)])


def test_the_effect_agrees_with_the_propensity_weights_of_statsmodels():
    pool, outcome = a_pool()
    found = effect_on_treated(pool, balancing_weights(pool), outcome)
    design = np.column_stack([np.ones(len(outcome)), pool.features])
    selection = Logit(pool.treated.astype(float), design).fit(disp=False)
    peer = TreatmentEffect(OLS(outcome, design), pool.treated.astype(float), selection)
    weighted = peer.ipw(effect_group=1)
    value, error = float(weighted.effect[0]), float(weighted.results_gmm.bse[0])
    assert found.difference.value == pytest.approx(value, abs=error / 2)
    # Its weights balance on average only, so it is the less certain.
    assert 0.7 * error < found.difference.standard_error < error
    assert found.difference.low < 1.0 < found.difference.high


def test_the_comparable_mean_is_a_weighted_regression_at_the_treated():
    pool, outcome = a_pool(n=400)
    weights = balancing_weights(pool)
    found = effect_on_treated(pool, weights, outcome)
    others = ~pool.treated
    design = np.column_stack([np.ones(len(outcome)), pool.features])
    peer = WLS(outcome[others], design[others], weights[others]).fit()
    assert found.comparable == pytest.approx(peer.predict(design[pool.treated]).mean())
    assert found.relative.value == pytest.approx(found.treated / found.comparable - 1)


def test_selection_deceives_the_plain_difference_and_not_the_comparison():
    pool, outcome = a_pool(effect=0.0)
    found = effect_on_treated(pool, balancing_weights(pool), outcome)
    assert found.unadjusted > 1
    assert found.difference.low < 0 < found.difference.high


def test_intervals_hold_a_true_effect_as_often_as_they_say():
    holds = 0
    for seed in range(200):
        pool, outcome = a_pool(seed, n=500, effect=0.5)
        found = effect_on_treated(pool, balancing_weights(pool), outcome).difference
        holds += found.low <= 0.5 <= found.high
    # 190 are expected; outside lie 1 in 400 draws at 95 %.
    assert 180 <= holds <= 198


def test_the_standard_error_is_that_of_units_drawn_again():
    pool, outcome = a_pool(n=500)
    found = effect_on_treated(pool, balancing_weights(pool), outcome).difference
    random, values = np.random.default_rng(2), []
    for _ in range(200):
        rows = random.integers(0, 500, 500)
        again = Pool(pool.treated[rows], pool.features[rows], np.ones(500), np.arange(500))
        values.append(
            effect_on_treated(again, balancing_weights(again), outcome[rows]).difference.value
        )
    # The spread of 200 draws is known to a twentieth; three of those.
    assert found.standard_error == pytest.approx(np.std(values), rel=0.15)


def test_a_unit_that_stands_in_the_pool_twice_counts_once():
    pool, outcome = a_pool(n=500)
    once = effect_on_treated(pool, balancing_weights(pool), outcome)
    rows = np.concatenate([np.arange(500), np.flatnonzero(~pool.treated)])
    base = np.where(pool.treated, 1.0, 0.5)[rows]
    twice = Pool(pool.treated[rows], pool.features[rows], base, rows)
    found = effect_on_treated(twice, balancing_weights(twice), outcome[rows])
    assert found.difference.value == pytest.approx(once.difference.value)
    assert found.difference.high == pytest.approx(once.difference.high)
    assert found.effective == pytest.approx(once.effective)


def test_where_nobody_is_alike_balance_is_not_reached():
    x = np.concatenate([np.linspace(0, 1, 50), np.linspace(3, 4, 20)])[:, None]
    treated = np.arange(70) >= 50
    pool = Pool(treated, x, np.ones(70), np.arange(70))
    weights = balancing_weights(pool)
    assert weights.sum() == pytest.approx(1)
    assert not is_balanced(standardised_differences(pool, weights)[1])


def test_a_thing_known_that_never_varies_does_no_harm():
    pool, outcome = a_pool(n=300)
    flat = Pool(pool.treated, np.column_stack([pool.features, np.ones(300)]), pool.base, pool.unit)
    found = effect_on_treated(flat, balancing_weights(flat), outcome)
    plain = effect_on_treated(pool, balancing_weights(pool), outcome)
    assert found.difference.value == pytest.approx(plain.difference.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treated": np.zeros(4, bool)}, "one of the two groups is empty"),
        ({"features": np.full((4, 1), np.nan)}, "must be finite"),
        ({"base": np.zeros(4)}, "must be above 0"),
        ({"unit": np.arange(3)}, "one row a unit"),
    ],
)
def test_a_pool_that_can_not_be_compared_is_refused(change, message):
    good = {"treated": np.array([True, False, False, True]), "features": np.ones((4, 1)),
            "base": np.ones(4), "unit": np.arange(4)}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        Pool(**{**good, **change})


def test_units_seen_no_longer_are_replaced_by_those_still_seen():
    random = np.random.default_rng(1)
    event = random.geometric(0.01, 400).astype(float)
    end = random.geometric(0.008, 400).astype(float)
    weights = random.integers(1, 4, 400).astype(float)
    found = happened_without_censoring(event, end, weights, 90)
    peer = SurvfuncRight(np.minimum(event, end), event <= end, freq_weights=weights)
    survival = peer.surv_prob[np.searchsorted(peer.surv_times, 90, side="right") - 1]
    assert weights @ found / weights.sum() == pytest.approx(1 - survival)


def test_without_anybody_lost_from_sight_the_outcome_is_what_happened():
    event = np.array([1.0, 90.0, 91.0, np.inf])
    found = happened_without_censoring(event, np.full(4, np.inf), np.ones(4), 90)
    assert found.tolist() == [1, 1, 0, 0]


@settings(max_examples=20)
@given(shift=st.floats(-50, 50), scale=st.floats(0.1, 100))
def test_the_unit_of_the_outcome_and_of_what_is_known_does_not_matter(shift, scale):
    pool, outcome = a_pool(n=300)
    plain = effect_on_treated(pool, balancing_weights(pool), outcome).difference
    moved = Pool(pool.treated, pool.features * scale + shift, pool.base, pool.unit)
    found = effect_on_treated(moved, balancing_weights(moved), outcome * scale).difference
    assert found.value == pytest.approx(plain.value * scale, rel=1e-4)
    assert found.high == pytest.approx(plain.high * scale, rel=1e-4)


def test_the_interval_of_a_share_holds_the_effect_on_these_very_units():
    # Treatment makes it happen to three in ten of those to whom it would not have happened.
    holds = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        x = random.normal(size=(500, 1))
        treated = random.random(500) < 1 / (1 + np.exp(1.2 - x[:, 0]))
        anyway = random.random(500) < 1 / (1 + np.exp(0.8 - 0.5 * x[:, 0]))
        outcome = anyway | (treated & (random.random(500) < 0.3))
        pool = Pool(treated, x, np.ones(500), np.arange(500))
        weights = balancing_weights(pool)
        found = effect_on_treated(pool, weights, outcome, is_share=True)
        plain = effect_on_treated(pool, weights, outcome)
        assert found.difference.value == plain.difference.value
        assert found.difference.standard_error >= plain.difference.standard_error
        true = 0.3 * (~anyway[treated]).mean()
        holds += found.difference.low <= true <= found.difference.high
    assert 180 <= holds <= 198
