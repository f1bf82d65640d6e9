"""Kaplan-Meier against published remission times and against counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from helpers.models.kaplan_meier import kaplan_meier

# Weeks of remission of 21 patients on 6-MP; 0: still in remission (Freireich et al. 1963).
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def test_remission_times_give_the_textbook_curve():
    # Kleinbaum and Klein, Survival Analysis, table of the treated group: survival at each failure.
    curve = kaplan_meier(WEEKS, ENDED)
    assert curve.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    textbook = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    assert 1 - curve.share == pytest.approx(textbook, abs=5e-5)
    _, _, _, at_risk = curve.at(curve.times)
    assert at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]


def test_the_interval_is_greenwood_on_the_log_minus_log_scale():
    # By hand at 10 weeks: sum d/(n(n-d)) = 3/(21*18) + 1/(17*16) + 1/(15*14) = 0.016375.
    share, low, high, _ = kaplan_meier(WEEKS, ENDED).at(10)
    assert 1 - share[0] == pytest.approx(0.7529, abs=5e-5)
    theta = np.exp(1.959964 * np.sqrt(0.016375) / np.log(0.752941))
    assert (1 - high[0], 1 - low[0]) == pytest.approx(
        (0.752941 ** (1 / theta), 0.752941**theta), abs=1e-4
    )
    peer = SurvfuncRight(np.array(WEEKS), np.array(ENDED))
    at_median = peer.quantile_ci(0.5, method="cloglog")
    assert 1 - high[0] < 0.7529 < 1 - low[0]
    assert at_median[0] == 13


def test_without_anyone_waiting_the_curve_is_the_plain_share():
    curve = kaplan_meier([1, 2, 2, 5], [1, 1, 1, 1])
    assert curve.share.tolist() == pytest.approx([0.25, 0.75, 1.0])
    share, low, high, at_risk = curve.at([0, 2, 4, 6])
    assert share[:3].tolist() == pytest.approx([0, 0.75, 0.75])
    assert np.isnan([share[3], low[3], high[3]]).all()
    assert at_risk.tolist() == [4, 3, 1, 0]


def test_nobody_with_an_event_is_a_curve_at_zero():
    share, _, _, at_risk = kaplan_meier([3, 5], [0, 0]).at([2, 4])
    assert share.tolist() == [0, 0]
    assert at_risk.tolist() == [2, 1]


def test_the_time_of_a_share_counts_only_those_with_an_event_by_then():
    # Four events at 1, 2, 3, 9 of eight units that are all watched to day 20.
    curve = kaplan_meier([1, 2, 3, 9, 20, 20, 20, 20], [1, 1, 1, 1, 0, 0, 0, 0])
    assert curve.time_of(0.5, until=20) == 2
    assert curve.time_of(0.9, until=20) == 9
    assert curve.time_of(0.9, until=5) == 3
    assert np.isnan(curve.time_of(0.5, until=0.5))


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=40))
def test_rows_with_counts_are_the_units_one_by_one(units):
    times, events = zip(*units, strict=True)
    pairs, counts = np.unique(np.array(units, dtype=int), axis=0, return_counts=True)
    one, many = kaplan_meier(times, events), kaplan_meier(pairs[:, 0], pairs[:, 1], counts)
    for a, b in zip(one.at(range(31)), many.at(range(31)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=40))
def test_the_share_never_falls_and_stays_inside_its_interval(units):
    times, events = zip(*units, strict=True)
    curve = kaplan_meier(times, events)
    assert (np.diff(curve.share) >= -1e-12).all()
    assert (curve.low <= curve.share + 1e-12).all()
    assert (curve.high >= curve.share - 1e-12).all()


def test_times_below_zero_and_empty_input_are_refused():
    with pytest.raises(ValueError, match="minimum of -1, must be 0 or more"):
        kaplan_meier([-1], [1])
    with pytest.raises(ValueError, match="must be at least 1"):
        kaplan_meier([], [])
