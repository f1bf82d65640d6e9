"""The 95 % intervals hold the truth of plain sample shops, as often as luck allows.

`python -m benchmarks coverage` counts 200 shops. Here six of them, and three with each mechanism of
the lifecycle, guard against gross faults: a wrong unit, a truth that means something else, an
interval that is far too narrow.
"""

from __future__ import annotations

import pytest

from benchmarks.coverage import CLAIMS, intervals_of_shops, summary

SEEDS = range(6)
MECHANISM_SEEDS = range(3)


@pytest.fixture(scope="module")
def intervals():
    return intervals_of_shops(SEEDS, mechanisms=[None])


@pytest.mark.slow
def test_each_interval_holds_the_truth_in_half_of_six_plain_shops(intervals):
    # Of 11 claims at 95 %, one holds in fewer than 3 of 6 by chance in 1 of 1,000 cases
    # (binomial), in 1 of 28,000 when six of the benchmark's 200 shops are drawn again and again.
    found = summary(intervals)
    assert len(found) == 11
    assert (found["shops"] == len(SEEDS)).all()
    assert found["holds"].min() >= 3, found.to_string()


@pytest.mark.slow
def test_intervals_together_hold_the_truth_about_as_often_as_they_say(intervals):
    # 63 of 66 are expected; below 52 lie 1 in 9,000 of the draws of six shops.
    assert intervals["holds"].sum() >= 52, summary(intervals).to_string()


@pytest.mark.slow
def test_intervals_of_the_lifecycle_hold_the_truth_of_plain_shops_with_one_mechanism():
    # 17 of 18 are expected; below 14 lie 1 in 650 of the draws of three shops, and one claim
    # fails in all three shops by chance in 1 of 1,300.
    found = summary(intervals_of_shops(MECHANISM_SEEDS, mechanisms=CLAIMS))
    assert len(found) == 6
    assert (found["shops"] == len(MECHANISM_SEEDS)).all()
    assert found["holds"].min() >= 1, found.to_string()
    assert found["holds"].sum() >= 14, found.to_string()
