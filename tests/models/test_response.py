"""The response to spend: formulas, gradient, sampler, recovery, and what cannot be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from helpers.models import response_likelihood as likelihood
from helpers.models.response import (
    ResponseFit,
    SpendTest,
    _series,
    _starts,
    contribution_shares,
    expected,
    fit_response,
    marginal,
    prior_marginal,
)
from helpers.models.response_sampler import effective_size, sample, split_r_hat
from helpers.models.response_tellability import can_tell, season_left, trimmed_deviation

WEEKS, BEFORE = 104, 7
CARRY_OVER = np.array([0.3, 0.6])
BEND = np.array([4.0, 1.5])
BROUGHT = np.array([60.0, 50.0])
PLANNED = np.array([2400.0, 4000.0])


@dataclass(frozen=True)
class Shop:
    """Counts of a shop whose two channels' spend was set by lot, with the truth of its response."""

    counts: np.ndarray
    spend: np.ndarray
    truth: np.ndarray


def varied(rng: np.random.Generator, periods: int, channels: int, deviation: float = 0.4):
    """Factors that change by lot every two or three periods, each channel for itself."""
    factors = np.empty((periods, channels))
    for channel in range(channels):
        at = 0
        while at < periods:
            until = at + int(rng.integers(2, 4))
            factors[at:until, channel] = np.exp(rng.normal(0, deviation))
            at = until
    return factors.clip(0.35, 2.2)


def true_mean(factors: np.ndarray) -> np.ndarray:
    """New customers a week at factors of the planned spend; 250 where all are 1."""
    weights = CARRY_OVER ** np.arange(8)[:, None]
    weights = weights / weights.sum(axis=0)
    stock = sum(weights[k] * np.roll(factors, k, axis=0) for k in range(8))
    return 140 + (BROUGHT * np.tanh(BEND * stock / 2) / np.tanh(BEND / 2)).sum(axis=1)


def a_shop(seed: int = 0) -> Shop:
    """111 weeks; the truth is the return on one more unit of spend at the planned spend."""
    rng = np.random.default_rng(seed)
    factors = varied(rng, WEEKS + BEFORE, 2)
    slope = BEND * (1 - np.tanh(BEND / 2) ** 2) / 2 / np.tanh(BEND / 2)
    return Shop(
        rng.poisson(true_mean(factors)).astype(float), factors * PLANNED, BROUGHT * slope / PLANNED
    )


@pytest.fixture(scope="module")
def shop() -> Shop:
    return a_shop(3)


@pytest.fixture(scope="module")
def fit(shop: Shop) -> ResponseFit:
    return fit_response(shop.counts, shop.spend)


def test_a_burst_is_left_by_halves_and_weights_sum_to_one():
    weights = likelihood.adstock_weights(np.array([0.5]), 3)
    assert weights[0] == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    carried = likelihood.carry(np.array([[7.0, 0, 0, 0, 7.0]]), weights)
    assert carried[0] == pytest.approx([4, 2, 1, 0, 4])


def test_saturation_is_the_logistic_one_of_the_paper():
    x = np.array([0.0, 1.0, 3.0])
    assert likelihood.saturate(x) == pytest.approx((1 - np.exp(-x)) / (1 + np.exp(-x)))
    slope = (likelihood.saturate(x + 1e-6) - likelihood.saturate(x - 1e-6)) / 2e-6
    assert likelihood.saturation_slope(x) == pytest.approx(slope, abs=1e-9)
    assert np.exp(likelihood.log_elasticity(x[1:])) == pytest.approx(x[1:] / np.sinh(x[1:]))


@pytest.mark.parametrize(("demand", "counts"), [(True, True), (True, False), (False, False)])
def test_the_gradient_is_that_of_the_log_posterior(shop, demand, counts):
    rng = np.random.default_rng(2)
    controls = rng.normal(size=(len(shop.counts), 3))
    tests = [SpendTest(1, 60, 66, -5000.0, -40.0, 12.0)]
    series, _ = _series(shop.counts, shop.spend, controls, demand, counts, 8, 7, tests)
    at = _starts(series) + rng.normal(0, 0.3, (4, series.places[5].stop))
    _, gradient = likelihood.log_posterior(series, at)
    for place in range(at.shape[1]):
        step = np.zeros(at.shape[1])
        step[place] = 1e-5
        up, down = (likelihood.log_posterior(series, at + s)[0] for s in (step, -step))
        assert gradient[:, place] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-4)


def test_the_sampler_finds_the_moments_of_a_normal_distribution_of_known_shape():
    shape = np.array([[4.0, 1.9, 0], [1.9, 1.0, 0], [0, 0, 0.01]])
    precision, centre = np.linalg.inv(shape), np.array([1.0, -2.0, 3.0])

    def density(at):
        away = at - centre
        return -0.5 * ((away @ precision) * away).sum(axis=1), -away @ precision

    found = sample(density, np.zeros((1, 3)), seed=3)
    flat = found.draws.reshape(-1, 3)
    assert found.converged
    assert (np.abs(flat.mean(axis=0) - centre) < 5 * np.sqrt(np.diag(shape) / 400)).all()
    assert np.cov(flat, rowvar=False) == pytest.approx(shape, rel=0.15, abs=0.02)


def test_effective_size_is_that_of_an_autoregression_and_r_hat_sees_chains_apart():
    rng = np.random.default_rng(4)
    chains, length, kept = 20, 2000, 0.6
    drawn = np.zeros((chains, length, 1))
    for turn in range(1, length):
        drawn[:, turn] = kept * drawn[:, turn - 1] + rng.normal(size=(chains, 1))
    size = chains * length * (1 - kept) / (1 + kept)
    assert effective_size(drawn)[0] == pytest.approx(size, rel=0.1)
    assert split_r_hat(drawn)[0] == pytest.approx(1, abs=0.01)
    drawn[0] += 10
    assert split_r_hat(drawn)[0] > 1.2


def test_returns_and_carry_over_of_a_shop_that_varied_its_spend_are_found(shop, fit):
    assert fit.converged
    low, high = np.quantile(marginal(fit, PLANNED), [0.025, 0.975], axis=0)
    assert ((low <= shop.truth) & (shop.truth <= high)).all()
    low, high = np.quantile(fit.carry_over, [0.025, 0.975], axis=0)
    assert ((low <= CARRY_OVER) & (high >= CARRY_OVER)).all()
    assert 1 <= np.median(fit.noise) < 1.5


def test_the_parts_add_up_to_the_expected_outcome(fit):
    total = fit.contributions.sum(axis=2) + fit.base[:, None]
    assert total == pytest.approx(fit.mean)
    shares = contribution_shares(fit).sum(axis=1) + fit.base / fit.mean.mean(axis=1)
    assert shares == pytest.approx(1)


def test_the_return_is_the_slope_of_what_is_expected_at_any_demand(fit):
    at, step = PLANNED * 0.8, np.array([0.5, 0])
    slope = expected(fit, at + step, 1.7) - expected(fit, at - step, 1.7)
    assert marginal(fit, at, 1.7)[:, 0] == pytest.approx(slope, rel=1e-4)


def test_the_same_seed_gives_the_same_draws(shop):
    once, again = (fit_response(shop.counts[:45], shop.spend[:45, :1], seed=2) for _ in range(2))
    assert (once.effect == again.effect).all()
    assert (once.base == again.base).all()


def test_the_unit_of_money_does_not_matter(shop):
    here, there = (
        _series(shop.counts, shop.spend * unit, None, True, True, 8, 7, ())[0] for unit in (1, 100)
    )
    at = _starts(here)
    assert likelihood.log_posterior(here, at)[0] == pytest.approx(
        likelihood.log_posterior(there, at)[0]
    )


def test_a_season_that_is_given_does_not_pass_for_response():
    rng = np.random.default_rng(5)
    weeks = np.arange(WEEKS + BEFORE)
    season = np.cos(2 * np.pi * weeks / 52)
    demand = np.exp(0.5 * (season - season.mean()))
    factors = varied(rng, len(weeks), 1)
    stock = sum(w * np.roll(factors[:, 0], k) for k, w in enumerate((0.6, 0.3, 0.1)))
    counts = rng.poisson(demand * (120 + 80 * np.tanh(stock))).astype(float)
    spend = factors * demand[:, None] * 1000
    found = fit_response(counts, spend, controls=season[:, None])
    truth = 80 * (1 - np.tanh(1) ** 2) / 1000
    low, high = np.quantile(marginal(found, [1000.0])[:, 0], [0.025, 0.975])
    assert low <= truth <= high
    low, high = np.quantile(found.gamma[:, 0], [0.025, 0.975])
    assert low <= 0.5 <= high


def test_a_spend_test_narrows_the_interval_of_its_channel(shop, fit):
    without = shop.spend / PLANNED
    more = true_mean(without)
    without[80:88, 1] -= 0.3
    more = (more - true_mean(without))[80:88].sum()
    shown = SpendTest(1, 80, 88, 8 * 0.3 * PLANNED[1], more, more / 8)
    tested = fit_response(shop.counts, shop.spend, tests=[shown])
    width = [np.diff(np.quantile(marginal(f, PLANNED)[:, 1], [0.025, 0.975]))[0]
             for f in (fit, tested)]  # fmt: skip
    assert width[1] < 0.9 * width[0]
    low, high = np.quantile(marginal(tested, PLANNED)[:, 1], [0.025, 0.975])
    assert low <= shop.truth[1] <= high


def test_bad_series_are_refused():
    rng = np.random.default_rng(6)
    counts, spend = rng.poisson(9, 60).astype(float), rng.uniform(1, 2, (60, 2))
    with pytest.raises(ValueError, match="must have the same"):
        fit_response(counts[1:], spend)
    with pytest.raises(ValueError, match="at least 26"):
        fit_response(counts[:30], spend[:30])
    with pytest.raises(ValueError, match="every channel must have spend"):
        fit_response(counts, spend * [1, 0])
    with pytest.raises(ValueError, match="standard error above 0"):
        fit_response(counts, spend, tests=[SpendTest(2, 5, 9, 1.0, 1.0, 1.0)])


def calendar(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Demand of random months, growth and three events a year, and the weeks of the events."""
    weeks = np.arange(WEEKS)
    months = np.exp(rng.normal(0, 0.25, 12))[(weeks * 7 / 30.4).astype(int) % 12]
    events = np.zeros((WEEKS, 3))
    for event, week in enumerate(rng.choice(50, 3, replace=False)):
        events[week::52, event] = 1
    demand = months * np.exp(0.004 * weeks) * np.exp(events @ rng.uniform(0.3, 1, 3))
    return demand, events


def verdicts(spend_of, stores: int = 60) -> list[str]:
    """Reasons for the first of two channels of simulated stores, the second one varied by lot."""
    reasons = []
    for seed in range(stores):
        rng = np.random.default_rng(seed)
        demand, events = calendar(rng)
        free = rng.poisson(3000 * demand * np.exp(rng.normal(0, 0.05, WEEKS)))
        spend = np.column_stack([spend_of(rng, demand), varied(rng, WEEKS, 1)])
        reasons.append(can_tell(spend, events, free)[0].reason)
    return reasons


def test_flat_spend_can_never_be_told():
    assert set(verdicts(lambda rng, demand: np.ones(WEEKS))) == {"flat"}
    assert set(verdicts(lambda rng, demand: np.exp(rng.normal(0, 0.03, WEEKS)))) == {"flat"}


def test_spend_that_follows_season_and_events_cannot_be_told():
    reasons = verdicts(lambda rng, demand: demand)
    assert reasons.count("") <= 0.05 * len(reasons)


def test_spend_that_follows_noisy_demand_cannot_be_told():
    reasons = verdicts(lambda rng, demand: rng.poisson(250 * demand) / 250 * 1.03)
    assert reasons.count("") <= 0.05 * len(reasons)


def test_spend_set_by_lot_can_be_told():
    reasons = verdicts(lambda rng, demand: varied(rng, WEEKS, 1)[:, 0] * demand)
    assert reasons.count("") >= 0.9 * len(reasons)


def test_channels_that_move_together_cannot_be_told_apart():
    rng = np.random.default_rng(7)
    moved = varied(rng, WEEKS, 1) * [1000, 300]
    assert [verdict.reason for verdict in can_tell(moved)] == ["together", "together"]


def test_an_interval_that_is_hardly_narrower_than_before_the_data_is_not_told(shop, fit):
    told = can_tell(shop.spend, fit=fit)
    assert [verdict.reason for verdict in told] == ["", ""]
    prior = np.quantile(prior_marginal(fit, fit.usual), [0.025, 0.975], axis=0)
    shown = np.quantile(marginal(fit, fit.usual), [0.025, 0.975], axis=0)
    width = np.diff(shown, axis=0)[0] / np.diff(prior, axis=0)[0]
    assert [verdict.width for verdict in told] == pytest.approx(width)
    few = np.random.default_rng(8).poisson(1, 45).astype(float)
    short = shop.spend[:45, :1]
    assert can_tell(short, fit=fit_response(few, short))[0].reason == "prior"


def test_season_left_is_none_of_chance_and_all_of_a_season():
    rng, weeks = np.random.default_rng(10), np.arange(WEEKS)
    waves = np.column_stack(
        [np.ones(WEEKS)] + [np.cos(2 * np.pi * k * weeks / WEEKS) for k in range(1, 9)]
    )
    chance = [season_left(rng.normal(size=WEEKS), waves) for _ in range(200)]
    assert np.mean(chance) == pytest.approx(0, abs=0.02)
    assert season_left(3 * waves[:, 2], waves) == pytest.approx(1)
    half = waves[:, 2] / waves[:, 2].std() + rng.normal(size=WEEKS)
    assert season_left(np.append([np.nan] * 7, half[7:]), waves) == pytest.approx(0.5, abs=0.15)


def test_a_season_that_the_fit_was_not_given_is_seen_in_what_it_leaves():
    rng, weeks = np.random.default_rng(11), np.arange(WEEKS + BEFORE)
    season = np.exp(0.4 * np.sin(2 * np.pi * weeks / 52))
    factors = varied(rng, len(weeks), 1)
    counts = rng.poisson(200 * season).astype(float)
    free = 5000 * season
    blind = fit_response(counts, factors * 1000)
    seeing = fit_response(counts, factors * 1000, controls=np.log(free)[:, None])
    assert can_tell(factors, None, free, fit=blind)[0].reason == "season_left"
    assert can_tell(factors, None, free, fit=seeing)[0].reason != "season_left"


def test_the_trimmed_deviation_is_that_of_a_normal_variable_and_blind_to_some_events():
    values = np.random.default_rng(9).normal(0, 2, 20000)
    assert trimmed_deviation(values) == pytest.approx(2, rel=0.03)
    events = np.zeros(104)
    events[:10] = 5
    assert trimmed_deviation(events) == 0
