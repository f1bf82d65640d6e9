"""Response to spend: tables against the formula, and the true optimum against SciPy's."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize

from helpers.store.sample.response import (
    RESPONDING,
    RESPONSES,
    ResponseTruth,
    draw_levels,
    reaction,
    response_truth,
    true_marginal,
    true_new_customers,
    true_optimum,
)
from helpers.store.sample.settings import FULL, PLAIN, make_setting
from helpers.store.sample.streams import stream
from helpers.store.sample.world import make_world

from .conftest import Shop, generated

VARIED = replace(PLAIN, response=True, budget_variation=True)
TRUTH = (
    ResponseTruth("a", 0.2, 1.5, 0.2, 25_000.0, 109.0),
    ResponseTruth("b", 0.3, 3.5, 0.15, 11_000.0, 49.0),
    ResponseTruth("c", 0.55, 0.8, 0.1, 4_300.0, 28.0),
)
PLAN = np.array([of.planned_spend for of in TRUTH])


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The plain shop whose customers follow spend that is set by lot."""
    return generated(tmp_path_factory.mktemp("varied") / "shop", 9_000, VARIED)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The same with noise of days and channels."""
    mechanisms = replace(VARIED, process_noise=True)
    return generated(tmp_path_factory.mktemp("noisy") / "shop", 1_500, mechanisms)


def weekly_spend(shop: Shop) -> np.ndarray:
    """Spend of complete weeks by responding channel."""
    rows = shop.rows(
        "SELECT date_trunc('week', day), channel, sum(spend)::DOUBLE FROM ad_spend"
        " WHERE day BETWEEN DATE '2021-01-04' AND DATE '2024-12-29' GROUP BY ALL ORDER BY ALL"
    )
    found = [[spend for _, channel, spend in rows if channel == name] for name in RESPONDING]
    return np.array(found).T


def weekly_new(shop: Shop) -> np.ndarray:
    rows = shop.rows(
        "SELECT count(*) FROM purchases WHERE number = 1 AND day BETWEEN DATE '2021-01-04' AND"
        " DATE '2024-12-29' GROUP BY date_trunc('week', day) ORDER BY date_trunc('week', day)"
    )
    return np.array([count for (count,) in rows], dtype=float)


def expected_new(shop: Shop) -> np.ndarray:
    """New customers a week from the tables' spend, by the formula of the truth, in a loop."""
    truth = response_truth(shop.truth.sections)
    spend = weekly_spend(shop)
    expected = np.full(len(spend), shop.truth.sections["response"]["free_customers"])
    for column, of in enumerate(truth):
        level = [1.0] * 7 + list(spend[:, column] / of.planned_spend)
        weights = [of.carry_over**lag for lag in range(8)]
        for week in range(len(spend)):
            parts = [weights[lag] * level[week + 7 - lag] for lag in range(8)]
            x = of.saturation * sum(parts) / sum(weights)
            shape = (1 - np.exp(-x)) / (1 + np.exp(-x))
            full = (1 - np.exp(-of.saturation)) / (1 + np.exp(-of.saturation))
            expected[week] += of.planned_customers * (of.anyway + (1 - of.anyway) * shape / full)
    return expected


def test_new_customers_of_a_week_are_poisson_around_what_its_spend_brings(varied):
    """Chi-squared over all weeks; and what the weeks differ by goes with what spend says."""
    seen, expected = weekly_new(varied), expected_new(varied)
    chance = stats.chi2(len(seen))
    assert chance.ppf(0.0005) < ((seen - expected) ** 2 / expected).sum() < chance.ppf(0.9995)
    slope = ((seen - expected) * (expected - expected.mean())).sum()
    error = np.sqrt((expected * (expected - expected.mean()) ** 2).sum())
    spread = ((expected - expected.mean()) ** 2).sum()
    assert abs(slope) < 3.3 * error < spread


def test_varied_budgets_bring_as_many_customers_as_the_shop_of_its_size_has(varied):
    assert expected_new(varied).mean() * 1461 / 7 == pytest.approx(9_000, rel=0.015)


def test_budgets_of_a_week_hold_for_two_or_three_weeks_to_the_cent_whatever_the_noise(noisy):
    spend = weekly_spend(noisy)
    for column, of in enumerate(response_truth(noisy.truth.sections)):
        level = spend[:, column] / of.planned_spend
        assert 0.349 < level.min() < 0.5 < 1.7 < level.max() < 2.201
        assert level.mean() == pytest.approx(1, abs=0.05)
        changes = np.flatnonzero(np.abs(np.diff(spend[:, column])) > 0.15)
        lengths = np.diff(changes)
        assert {2, 3} <= set(lengths)
        assert np.isin(lengths, (2, 3, 4, 5, 6)).all()


def test_budgets_of_channels_vary_by_themselves(varied):
    """Rank correlations of 208 weeks in blocks of 2.5: standard error 1 / sqrt(83) = 0.11."""
    found = stats.spearmanr(weekly_spend(varied)).statistic
    assert np.abs(found[np.triu_indices(len(RESPONDING), 1)]).max() < 0.38


def test_budgets_never_look_at_demand():
    ends_on = date(2024, 12, 31)
    even, loud = (
        make_world(make_setting(7, 1_000, 24, ends_on, mechanisms)) for mechanisms in (VARIED, FULL)
    )
    assert (even.channels.budgets.levels == loud.channels.budgets.levels).all()
    assert loud.clock.speed.std() > 0.2 > even.clock.speed.std()


def test_every_ten_budgets_hold_one_of_each_tenth_of_a_log_normal_with_mean_1():
    level = draw_levels(stream(5, "any"), 5_000)
    budgets = level[np.append(True, np.diff(level) != 0)]
    tenths = np.floor(10 * stats.norm.cdf(np.log(budgets / 0.928) / 0.4)).astype(int)
    inner = tenths[:1_000].reshape(-1, 10)
    assert (np.sort(inner, axis=1) == np.arange(10)).mean() > 0.99
    assert level.mean() == pytest.approx(1, abs=0.01)


def test_a_weeks_money_is_booked_in_its_week(full):
    rows = full.rows(
        "SELECT DISTINCT campaign, isodow(day) FROM ad_spend WHERE spend > 0 AND campaign IN"
        " ('kol_seeding', 'live_boost') AND day BETWEEN DATE '2021-01-04' AND DATE '2024-12-29'"
    )
    assert sorted(rows) == [
        ("kol_seeding", 3), ("live_boost", 2), ("live_boost", 4), ("live_boost", 6)
    ]  # fmt: skip


def test_without_response_spend_at_plan_goes_on(plain):
    spend = weekly_spend(plain)
    assert np.abs(spend / spend.mean(axis=0) - 1).max() < 0.001
    assert "response" not in plain.truth.sections
    assert plain.value("SELECT count(*) FROM spend_tests") == 0


def test_a_shop_that_keeps_to_its_plan_tests_nothing_and_has_the_planned_customers(tmp_path):
    shop = generated(tmp_path / "shop", 400, replace(PLAIN, response=True))
    spend = weekly_spend(shop)
    assert np.abs(spend / spend.mean(axis=0) - 1).max() < 0.005
    assert expected_new(shop).mean() * 1461 / 7 == pytest.approx(400, rel=1e-3)
    assert shop.value("SELECT count(*) FROM spend_tests") == 0


def test_reaction_by_hand():
    """Live keeps a quarter a week: after one week at double spend a = 1 + w0, then 1 + w1."""
    live = RESPONDING.index("live")
    levels = np.ones((10, len(RESPONSES)))
    levels[0, live] = 2
    of = RESPONSES[live]
    assert (of.carry_over, of.saturation, of.anyway) == (0.25, 0.6, 0.1)
    whole = (1 - 0.25**8) / 0.75
    found = reaction(levels)
    for week, carried in enumerate((1 + 1 / whole, 1 + 0.25 / whole)):
        shape = np.tanh(0.3 * carried) / np.tanh(0.3)
        assert found[week, live] == pytest.approx(0.1 + 0.9 * shape, rel=1e-12)
    assert found[8:, live] == pytest.approx(1)
    assert np.delete(found, live, axis=1) == pytest.approx(1)


spends = st.lists(st.floats(0.05, 3), min_size=3, max_size=3).map(lambda level: PLAN * level)


@given(spends, st.floats(0.3, 3))
def test_the_marginal_is_the_slope_of_the_customers(spend, demand):
    for column in range(len(TRUTH)):
        step = np.zeros(len(TRUTH))
        step[column] = spend[column] * 1e-4
        ends = (true_new_customers(TRUTH, spend + sign * step, demand) for sign in (1, -1))
        high, low = ends
        slope = (high - low)[column] / (2 * step[column])
        found = true_marginal(TRUTH, spend, demand)[column]
        assert found == pytest.approx(slope, rel=1e-3, abs=1e-9)


@given(spends, st.floats(0.3, 3))
def test_twice_the_demand_and_spend_bring_twice_the_customers(spend, demand):
    once = true_new_customers(TRUTH, spend)
    assert true_new_customers(TRUTH, spend * demand, demand) == pytest.approx(once * demand)


@pytest.mark.parametrize("share", [0.8, 1.0, 1.2])
def test_the_best_split_is_the_one_that_scipy_finds(share):
    worth = np.array([155.0, 155.0, 120.0])
    lower, upper, budget = PLAN * 0.5, PLAN * 1.5, PLAN.sum() * share
    found = true_optimum(TRUTH, worth, budget, lower, upper)
    scipy = minimize(
        lambda x: -worth @ true_new_customers(TRUTH, x * PLAN) / 1000, np.full(3, share),
        method="SLSQP", bounds=[(0.5, 1.5)] * 3,
        constraints={"type": "eq", "fun": lambda x: (x * PLAN).sum() / budget - 1},
        options={"ftol": 1e-12},
    )  # fmt: skip
    assert found.sum() == pytest.approx(budget)
    assert found == pytest.approx(scipy.x * PLAN, rel=0.002)


def test_at_the_best_total_one_more_yuan_brings_itself():
    best = true_optimum(TRUTH, 400.0, None, PLAN * 0.01, PLAN * 9)
    assert 400 * true_marginal(TRUTH, best) == pytest.approx(np.ones(3))


def test_limits_that_do_not_hold_the_budget_are_told():
    with pytest.raises(ValueError, match="budget == 1, must lie between"):
        true_optimum(TRUTH, 155.0, 1, PLAN * 0.5, PLAN * 1.5)


def test_the_test_of_spend_finds_the_truth_within_its_error(varied):
    row = varied.rows(
        "SELECT channel, starts_on, ends_on, extra_spend, extra_new_customers, standard_error"
        " FROM spend_tests"
    )
    ((channel, starts, ends, extra, found, error),) = row
    truth = varied.truth.sections["spend_test"]
    assert (starts.weekday(), ends.weekday(), (ends - starts).days) == (0, 6, 55)
    spend = varied.value(
        f"SELECT sum(spend)::DOUBLE FROM ad_spend WHERE channel = '{channel}' AND day BETWEEN"
        f" DATE '{starts}' AND DATE '{ends}'"
    )
    assert extra == pytest.approx(spend / 2, abs=0.5)
    assert abs(found - truth["extra_new_customers"]) < 3.5 * error
    of = response_truth(varied.truth.sections)[RESPONDING.index(channel)]
    even = true_new_customers([of], [spend / 8]) - true_new_customers([of], [spend / 16])
    assert truth["extra_new_customers"] == pytest.approx(8 * float(even[0]), rel=0.35)
    assert error == pytest.approx(2.5 * (8 * of.planned_customers) ** 0.5, rel=0.2)


def test_the_true_cost_of_a_new_customer_holds_the_commission_on_first_orders(varied, full):
    """Without refunds: mean order x rate x share of new customers, of live and affiliates."""
    year = "paid_at::DATE BETWEEN DATE '2024-01-02' AND DATE '2024-12-31'"
    for shop, tolerance in ((varied, 0.12), (full, 0.2)):
        firsts = "SELECT DISTINCT ON (customer_id) * FROM sales ORDER BY customer_id, paid_at"
        due, settled, new = shop.rows(
            f"SELECT sum(affiliate_commission)::DOUBLE, count(affiliate_commission), count(*)"
            f" FROM ({firsts}) LEFT JOIN settlements USING (order_id) WHERE {year}"
        )[0]
        added = shop.truth.metric("cac_blended") - shop.truth.metric("cac_without_commission")
        assert settled > 0.9 * new
        assert due / settled == pytest.approx(added, rel=tolerance)
    live, affiliates = 0.05, 0.035
    expected = 230 * (live * 0.18 + affiliates * 0.1)
    added = varied.truth.metric("cac_blended") - varied.truth.metric("cac_without_commission")
    assert added == pytest.approx(expected, rel=0.05)
