import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from helpers.models import qini, uplift


def a_test(seed, n=6000, *, difference=0.12):
    """A test whose effect rises with `taste`, has a hump in `gap`, and is 0.06 on average."""
    random = np.random.default_rng(seed)
    features = pd.DataFrame({
        "taste": random.normal(size=n),
        "gap": random.uniform(0, 400, n),
        "city": random.choice(["a", "b", "c"], n),
        "member": random.integers(0, 2, n),
    })  # fmt: skip
    hump = np.where(np.abs(features["gap"] - 150) < 100, 0.5, -0.5)
    effect = 0.06 + difference * (0.3 * np.tanh(features["taste"]) + 0.5 * hump)
    treated = random.integers(0, 2, n)
    base = 0.15 + 0.05 * features["member"]
    outcome = (random.random(n) < base + treated * effect).astype(int)
    return features, treated, outcome, effect.to_numpy()


@pytest.fixture(scope="module")
def fitted():
    features, treated, outcome, effect = a_test(11, n=20_000)
    return uplift.cross_fit(features, treated, outcome), treated, outcome, effect


@pytest.mark.parametrize("method", uplift.METHODS)
def test_planted_differences_are_ordered(fitted, method):
    crossed, treated, outcome, effect = fitted
    assert spearmanr(crossed.scores[method], effect).statistic > 0.6
    found = qini.qini(qini.resample(crossed.places[method], treated, outcome))
    assert found.low > 0


def test_scores_are_calibrated_to_the_effect(fitted):
    crossed, treated, outcome, effect = fitted
    line = uplift.calibrate(crossed.scores["two_models"], treated, outcome)
    assert line.low > 0
    assert 0.6 < line.slope < 1.2
    drawn_in = line.apply(crossed.scores["two_models"])
    assert drawn_in.mean() == pytest.approx(
        outcome[treated == 1].mean() - outcome[treated == 0].mean()
    )
    assert np.abs(drawn_in - effect).mean() < np.abs(effect.mean() - effect).mean()


def test_every_customer_is_scored_once_and_folds_hold_the_arms_evenly(fitted):
    crossed, treated, outcome, _ = fitted
    sizes = pd.crosstab(crossed.fold, [treated, outcome])
    assert (sizes.max() - sizes.min()).max() <= 2
    places = pd.Series(crossed.places["two_models"]).groupby(crossed.fold)
    assert (places.mean() - 0.5).abs().max() < 1e-9


def test_without_differences_the_interval_holds_zero_as_often_as_it_says():
    held = 0
    for seed in range(20):
        features, treated, outcome, _ = a_test(seed, n=2000, difference=0.0)
        crossed = uplift.cross_fit(features, treated, outcome)
        found = qini.qini(qini.resample(crossed.places["two_models"], treated, outcome, draws=200))
        held += found.low <= 0 <= found.high
    assert held >= 17  # 95 % of 20 is 19; fewer than 17 has a chance of 1.6 %


def test_transformed_outcome_is_unbiased_for_uneven_arms():
    random = np.random.default_rng(3)
    n = 40_000
    x = random.normal(size=(n, 1))
    treated = (random.random(n) < 0.2).astype(int)
    outcome = (random.random(n) < 0.3 + treated * (0.1 + 0.05 * np.tanh(x[:, 0]))).astype(float)
    scores = uplift.fit("transformed_outcome", x, treated, outcome).predict(x)
    assert scores.mean() == pytest.approx(0.1, abs=0.015)


def test_missing_numbers_and_rare_categories_become_columns_without_gaps():
    features = pd.DataFrame({
        "gap": [1.0, None, 3.0, 4.0] * 10,
        "city": ["a"] * 20 + ["b"] * 19 + ["rare"],
        "constant": [1.0] * 40,
        "name": pd.Series(["x", None] * 20, dtype="object"),
    })  # fmt: skip
    made = uplift.encoder(features)
    x = uplift.matrix(made, features)
    assert np.isfinite(x).all()
    new = features.head(1).assign(city="never seen", gap=np.nan)
    assert np.isfinite(uplift.matrix(made, new)).all()


def test_features_that_never_vary_and_arms_without_events_are_refused():
    with pytest.raises(ValueError, match="none of the features"):
        uplift.encoder(pd.DataFrame({"one": [1.0, 1.0]}))
    x, treated = np.zeros((4, 1)), [1, 1, 0, 0]
    with pytest.raises(ValueError, match="treated == 0 are all the same"):
        uplift.fit("two_models", x, treated, [1, 0, 0, 0])
    with pytest.raises(ValueError, match="must be one of"):
        uplift.fit("magic", x, treated, [1, 0, 1, 0])


def test_ties_are_broken_the_same_way_every_time_and_evenly():
    scores, fold = np.zeros(100), np.arange(100) % 5
    one, two = (uplift.places_in_folds(scores, fold) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert sorted(one[fold == 0]) == pytest.approx((np.arange(20) + 0.5) / 20)
