import warnings

import numpy as np
import pytest

from helpers.models import qini
from helpers.models.qini import SHARED_DATA, Sums, best_share, resample


def a_test(seed, n=4000, *, differs=True):
    """Scores, arm and outcome of customers, half of whom react where the score is high."""
    random = np.random.default_rng(seed)
    score = random.normal(size=n)
    treated = random.integers(0, 2, n)
    effect = np.where(score > 0, 0.2, 0.0) if differs else 0.1
    outcome = (random.random(n) < 0.2 + treated * effect).astype(int)
    return score, treated, outcome


def places(score):
    order = np.argsort(-score, kind="stable")
    found = np.empty(len(score))
    found[order] = (np.arange(len(score)) + 0.5) / len(score)
    return found


def test_the_curve_is_that_of_scikit_uplift():
    score, treated, outcome = a_test(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from sklift.metrics import qini_curve

        x, y = qini_curve(outcome, score, treated)
    sums = resample(places(score), treated, outcome, steps=100, draws=0)
    ours = sums.gains[0, :, 0] * treated.sum()
    np.testing.assert_allclose(ours, np.interp(sums.share * len(score), x, y), atol=0.6)
    whole = resample(places(score), treated, outcome, steps=4000, draws=0)
    np.testing.assert_allclose(
        whole.gains[0, :, 0] * treated.sum(), np.interp(np.arange(4001), x, y), atol=1e-9
    )


def test_four_customers_by_hand():
    sums = resample([0.1, 0.3, 0.6, 0.8], [1, 0, 1, 0], [1, 0, 0, 1], steps=2, draws=0)
    assert sums.gains[0, :, 0] == pytest.approx([0, 0.5, 0.0])
    assert sums.effects[0, :, 0] == pytest.approx([1, -1])
    assert sums.share == pytest.approx([0, 0.5, 1])


def test_the_coefficient_is_the_area_above_the_straight_line():
    score, treated, outcome = a_test(2)
    found = qini.qini(resample(places(score), treated, outcome, draws=50))
    gains = resample(places(score), treated, outcome, draws=0).gains[0, :, 0]
    x = np.linspace(0, 1, 101)
    assert found.value == pytest.approx(np.trapezoid(gains - gains[-1] * x, x))
    assert 0.015 < found.value < 0.035  # truth: a triangle of height 0.1 - 0.05


def test_resamples_of_alike_customers_spread_as_resamples_of_customers_do():
    score, treated, outcome = a_test(3, n=1500)
    place = places(score)
    ours = resample(place, treated, outcome, draws=800).gains[1:, 40, 0]
    random, theirs = np.random.default_rng(5), []
    for _ in range(800):
        row = random.integers(0, 1500, 1500)
        top = row[place[row] < 0.4]
        t, y = treated[top], outcome[top]
        ratio = t.sum() / (1 - t).sum()
        gained = (y * t).sum() - (y * (1 - t)).sum() * ratio
        theirs.append(gained / treated[row].sum())
    sums = resample(place, treated, outcome, draws=0)
    seen, straight = sums.gains[0, 40, 0], sums.share[40] * sums.gains[0, -1, 0]
    assert np.mean(theirs) == pytest.approx(seen, abs=0.004)
    assert np.std(theirs) < np.std(ours) < SHARED_DATA * 1.1 * np.std(theirs)
    assert straight < seen


def test_all_contacted_vary_as_the_whole_effect_does():
    score, treated, outcome = a_test(4)
    gains = resample(places(score), treated, outcome, draws=600).gains[1:, -1, 0]
    arms = [outcome[treated == arm] for arm in (0, 1)]
    error = np.sqrt(sum(arm.var() / len(arm) for arm in arms))
    assert gains.std() == pytest.approx(error, rel=0.1)


def test_the_order_of_rows_plays_no_part():
    score, treated, outcome = a_test(6, n=800)
    place, shuffled = places(score), np.random.default_rng(1).permutation(800)
    one = resample(place, treated, outcome, draws=20)
    two = resample(place[shuffled], treated[shuffled], outcome[shuffled], draws=20)
    np.testing.assert_array_equal(one.gains, two.gains)


def test_tenths_of_hundredths_are_tenths():
    score, treated, outcome = a_test(7)
    fine = resample(places(score), treated, outcome, steps=100, draws=0).coarser(10)
    rough = resample(places(score), treated, outcome, steps=10, draws=0)
    np.testing.assert_allclose(fine.gains, rough.gains)
    with pytest.raises(ValueError, match="must divide 100"):
        resample(places(score), treated, outcome, draws=0).coarser(7)


def test_the_best_share_is_less_than_what_luck_makes_of_it():
    random = np.random.default_rng(8)
    truth = 0.0
    found = []
    for _ in range(200):
        noise = random.normal(0, 1, (1, 11)).cumsum(axis=1)
        draws = noise + random.normal(0, 1, (200, 11)).cumsum(axis=1)
        gains = np.concatenate([noise, draws]) * 0.1
        gains[:, 0] = 0
        choice = best_share(gains, np.linspace(0, 1, 11), 0.0)
        found.append((gains[0, choice.step], choice.profit.value))
    naive, corrected = np.mean(found, axis=0)
    assert abs(corrected - truth) < 0.5 * abs(naive - truth)


def test_a_cost_above_every_gain_contacts_nobody():
    gains = np.tile(np.linspace(0, 1, 11), (50, 1))
    choice = best_share(gains, np.linspace(0, 1, 11), 2.0)
    assert choice.step == 0
    assert choice.profit.value == 0


def test_wrong_places_and_an_empty_arm_are_refused():
    with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
        resample([0.2, 1.0], [0, 1], [0, 1])
    with pytest.raises(ValueError, match="an arm is empty"):
        resample([0.2, 0.4], [1, 1], [0, 1])
    assert isinstance(resample([0.2, 0.4], [0, 1], [0, 1], draws=1), Sums)
