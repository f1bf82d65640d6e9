"""Sample sizes against the examples of R's `power.prop.test`."""

import pytest

from helpers.models.sample_size import two_shares


def test_the_example_of_r_is_76_7_a_group():
    # help(power.prop.test): power.prop.test(p1 = .50, p2 = .75, power = .90)  # =>  n = 76.7
    assert two_shares(0.50, 0.75, power=0.90) == pytest.approx(76.7, abs=0.05)


def test_10_against_15_percent_needs_686_a_group():
    # The usual textbook case: 80 % power, two-sided 5 %.
    assert two_shares(0.10, 0.15) == pytest.approx(685.6, abs=0.1)


def test_the_peer_of_statsmodels_needs_as_many():
    from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail as peer

    for before, after in ((0.2, 0.22), (0.45, 0.5), (0.01, 0.012)):
        theirs = peer(after - before, before, 0.8, alpha=0.05, alternative="two-sided")
        assert two_shares(before, after) == pytest.approx(theirs)


def test_half_the_difference_needs_about_four_times_as_many():
    assert two_shares(0.30, 0.31) / two_shares(0.30, 0.32) == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize(("before", "after"), [(0.2, 0.2), (-0.1, 0.2), (0.9, 1.1)])
def test_shares_that_can_not_be_are_refused(before, after):
    with pytest.raises(ValueError, match="must differ and lie from 0 to 1"):
        two_shares(before, after)
