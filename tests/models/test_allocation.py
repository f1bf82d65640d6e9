"""Allocation of a budget, against hand-solved cases and a brute-force grid."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from helpers.models.allocation import allocate
from helpers.models.response import ResponseFit, brought, expected, marginal

DRAWS = 50


def known(effect: list[float], saturation: list[float], scale: list[float], spread: float = 0.0):
    """A response of known curves, with effects that differ from draw to draw by `spread`."""
    channels = len(effect)
    factor = np.exp(spread * np.random.default_rng(1).standard_normal((DRAWS, channels)))
    zeros = np.zeros((DRAWS, 1))
    return ResponseFit(
        carry_over=np.full((DRAWS, channels), 0.4), saturation=np.tile(saturation, (DRAWS, 1)),
        effect=factor * effect, base=np.full(DRAWS, 10.0), gamma=zeros, noise=np.ones(DRAWS),
        scale=np.array(scale), usual=np.array(scale) / 2, level=50.0, demand=zeros + 1,
        mean=zeros + 50, contributions=np.zeros((DRAWS, 1, channels)), residuals=np.zeros(1),
        converged=True, r_hat=1.0, effective_draws=1000.0,
    )  # fmt: skip


def test_two_channels_that_are_alike_share_the_budget_by_halves():
    fit = known([40, 40], [3, 3], [1000, 1000])
    found = allocate(fit, [100, 100], [900, 100], 1000, [0, 0], [2000, 2000])
    assert found.spend == pytest.approx([500, 500])


def test_the_best_total_is_where_one_more_unit_brings_one_back():
    # S'(x) = (1 - tanh(x / 2)^2) / 2: value 100 * effect 40 * S'(x) / 1000 = 1 at S' = 0.25, that
    # is tanh(x / 2)^2 = 0.5, x = 2 artanh(sqrt(0.5)) = 1.762747.
    fit = known([40], [1], [1000])
    found = allocate(fit, [100], [500], None, [0], [5000])
    assert found.spend == pytest.approx([1762.747], abs=0.01)
    assert found.return_then == pytest.approx([1.0])


def test_a_stronger_channel_gets_more_by_the_closed_form():
    # Equal returns: 2 (1 - u^2) = 1 - w^2 with u = tanh(a / 2), w = tanh(b / 2), at a + b = 3 and
    # channel 2 twice as strong. Both sides are 2 / (1 + cosh), so 2 (1 + cosh a) = 1 + cosh(3 - a).
    a = 1.0
    for _ in range(60):
        a -= (2 + 2 * np.cosh(a) - 1 - np.cosh(3 - a)) / (2 * np.sinh(a) + np.sinh(3 - a))
    fit = known([20, 40], [1, 1], [100, 100])
    found = allocate(fit, [50, 50], [150, 150], 300, [0, 0], [300, 300])
    assert found.spend == pytest.approx([100 * a, 100 * (3 - a)])


def test_no_point_of_a_fine_grid_earns_more():
    fit = known([30, 60, 20], [4, 1, 2], [800, 1500, 500], spread=0.5)
    value, today = np.array([120.0, 90.0, 150.0]), np.array([800.0, 700.0, 300.0])
    low, high = today * 0.5, today * 1.5
    found = allocate(fit, value, today, 1800, low, high)
    assert found.total == pytest.approx(1800)
    best = -np.inf
    for first, second in product(np.linspace(0.5, 1.5, 61), repeat=2):
        spend = np.array([800 * first, 700 * second, 0])
        spend[2] = 1800 - spend.sum()
        if low[2] <= spend[2] <= high[2]:
            best = max(best, float((brought(fit, spend).mean(axis=0) * value).sum()))
    ours = float((brought(fit, found.spend).mean(axis=0) * value).sum())
    assert best <= ours + 1e-6
    assert best == pytest.approx(ours, rel=0.001)


def test_channels_off_their_limits_return_the_same():
    fit = known([30, 60, 20], [4, 1, 2], [800, 1500, 500], spread=0.5)
    found = allocate(fit, [100] * 3, [600, 600, 300], 1500, [0, 0, 450], [5000] * 3)
    assert found.spend[2] == pytest.approx(450)
    assert found.return_then[0] == pytest.approx(found.return_then[1])
    assert found.return_then[2] < found.return_then[0]


def test_a_channel_that_cannot_be_told_keeps_its_spend():
    fit = known([30, 60, 20], [4, 1, 2], [800, 1500, 500])
    found = allocate(
        fit, [100] * 3, [800, 700, 300], 1800, [400, 350, 150], [1200, 1050, 450],
        [False, False, True],
    )  # fmt: skip
    assert found.spend[2] == 300
    assert found.total == pytest.approx(1800)


def test_a_budget_out_of_reach_of_the_limits_ends_at_the_nearest_total():
    fit = known([30, 60], [4, 1], [800, 1500])
    limits = [400, 350], [1200, 1050]
    assert allocate(fit, [100] * 2, [800, 700], 5000, *limits).spend == pytest.approx([1200, 1050])
    assert allocate(fit, [100] * 2, [800, 700], 10, *limits).spend == pytest.approx([400, 350])


def test_the_gain_is_the_profit_of_each_draw_above_todays():
    fit = known([30, 60], [4, 1], [800, 1500], spread=0.4)
    value, today = np.array([120.0, 90.0]), np.array([800.0, 700.0])
    found = allocate(fit, value, today, 1600, today * 0.5, today * 1.5)
    profit = (brought(fit, found.spend) - brought(fit, today)) @ value - (1600 - 1500)
    assert found.gain.value == pytest.approx(profit.mean())
    assert found.gain.low == pytest.approx(np.quantile(profit, 0.025))
    assert found.gain.high == pytest.approx(np.quantile(profit, 0.975))
    assert found.outcome_draws == pytest.approx(
        expected(fit, found.spend) - expected(fit, today), abs=1e-9
    )


def test_twice_the_demand_takes_twice_the_spend_to_the_same_return():
    fit = known([30, 60], [4, 1], [800, 1500])
    once = allocate(fit, [100] * 2, [800, 700], None, [0, 0], [9000] * 2)
    twice = allocate(fit, [100] * 2, [800, 700], None, [0, 0], [9000] * 2, demand=2.0)
    assert twice.spend == pytest.approx(2 * once.spend)
    assert marginal(fit, twice.spend, 2.0) == pytest.approx(marginal(fit, once.spend))


def test_limits_that_cross_and_values_of_another_length_are_refused():
    fit = known([30, 60], [4, 1], [800, 1500])
    with pytest.raises(ValueError, match="not cross"):
        allocate(fit, [1, 1], [1, 1], 2, [3, 0], [2, 2])
    with pytest.raises(ValueError, match="each of 2 channels"):
        allocate(fit, [1], [1, 1], 2, [0, 0], [2, 2])
