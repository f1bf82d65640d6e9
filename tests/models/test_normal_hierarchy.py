"""True values of groups, against the eight schools of Bayesian Data Analysis."""

import numpy as np
import pytest

from helpers.models.normal_hierarchy import draw_true_values

EFFECTS = [28, 8, -3, 7, -1, 1, 18, 12]
ERRORS = [15, 10, 16, 11, 9, 11, 10, 18]
# Table 5.3 of the book (from 200 draws of its own): 2.5 %, 25 %, median, 75 %, 97.5 %.
BOOK = [
    (-2, 7, 10, 16, 31),
    (-5, 3, 8, 12, 23),
    (-11, 2, 7, 11, 19),
    (-7, 4, 8, 11, 21),
    (-9, 1, 5, 10, 18),
    (-7, 2, 6, 10, 28),
    (-1, 7, 10, 15, 26),
    (-6, 3, 8, 13, 33),
]


def test_the_eight_schools_are_those_of_the_book():
    drawn = draw_true_values(EFFECTS, ERRORS, draws=20_000)
    found = np.quantile(drawn, [0.25, 0.5, 0.75], axis=0).T
    # 200 draws of a spread of 7 place the book's quartiles within about 1.
    assert np.abs(found - np.array(BOOK)[:, 1:4]).max() < 2.5
    assert np.abs(found - np.array(BOOK)[:, 1:4]).mean() < 0.8


def test_groups_that_differ_by_chance_alone_are_drawn_together():
    alike = draw_true_values([0.1] * 12, [0.01] * 12)
    assert alike.std(axis=1).mean() < 0.005
    assert alike.mean() == pytest.approx(0.1, abs=0.001)


def test_groups_that_are_well_known_keep_their_own_values():
    drawn = draw_true_values([0.1, 0.2, 0.3, 0.4], [0.001] * 4)
    assert drawn.mean(axis=0) == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.001)
    assert drawn.std(axis=0) == pytest.approx([0.001] * 4, rel=0.1)


def test_the_true_values_lie_in_their_intervals_as_often_as_said():
    rng = np.random.default_rng(5)
    inside = []
    for seed in range(100):
        truth = rng.normal(0.2, 0.02, 12)
        drawn = draw_true_values(rng.normal(truth, 0.02), [0.02] * 12, draws=1000, seed=seed)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        inside.append(((low <= truth) & (truth <= high)).mean())
    assert 0.93 <= np.mean(inside) <= 0.97


def test_the_same_seed_gives_the_same_draws():
    assert np.array_equal(
        draw_true_values(EFFECTS, ERRORS, seed=3), draw_true_values(EFFECTS, ERRORS, seed=3)
    )


@pytest.mark.parametrize(
    ("estimates", "errors", "message"),
    [([1, 2], [1, 1], "at least 3 groups"), ([1, 2, 3], [1, 0, 1], "errors above 0"),
     ([1, 2, 3], [1, 1], "of one length")],
)  # fmt: skip
def test_what_can_not_be_drawn_is_refused(estimates, errors, message):
    with pytest.raises(ValueError, match=message):
        draw_true_values(estimates, errors)
