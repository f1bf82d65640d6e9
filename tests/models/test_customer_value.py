from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.models import bg_nbd, gamma_gamma
from helpers.models.customer_value import (
    Horizon,
    evenly_taken,
    expected_value,
    mean_expected_value,
    new_customer_value,
    with_errors,
)
from helpers.models.gamma_gamma_losses import GammaGammaWithLosses
from helpers.models.purchase_models import FITS

YEAR = Horizon(12)


@pytest.fixture(scope="module")
def fitted(shop):
    customers = shop.customers(1500, seed=3)
    again = customers.query("frequency > 0")
    buys = bg_nbd.fit(customers["frequency"], customers["recency"], customers["age"])
    return buys, gamma_gamma.fit(again["frequency"], again["mean_value"]), customers


def test_undiscounted_value_is_purchases_times_spend(fitted):
    buys, pays, customers = fitted
    history = (customers[name] for name in ("frequency", "recency", "age"))
    purchases = buys.expected_purchases(365.25 * 2, *history)
    spend = pays.expected_value(customers["frequency"], customers["mean_value"])
    found = expected_value(buys, pays, customers, Horizon(24, margin=0.3))
    np.testing.assert_allclose(found, purchases * spend * 0.3, rtol=1e-9)


def test_discounted_value_is_the_sum_of_discounted_days(fitted):
    """Every day's expected purchases times 1.1 to the power of minus the years to its middle."""
    buys, pays, customers = fitted
    few = customers.iloc[:20]
    history = [few[name] for name in ("frequency", "recency", "age")]
    days = np.arange(0, 731)
    cumulative = np.array([buys.expected_purchases(float(day), *history) for day in days])
    discount = 1.1 ** -((days[:-1] + 0.5) / 365.25)
    by_day = np.diff(cumulative, axis=0).T @ discount
    spend = pays.expected_value(few["frequency"], few["mean_value"])
    horizon = Horizon(730 / 365.25 * 12, annual_discount_rate=0.1)
    found = expected_value(buys, pays, few, horizon)
    np.testing.assert_allclose(found, by_day * spend, rtol=1e-6)


def test_value_of_a_new_customer_is_what_simulated_customers_spend(shop, fitted):
    """20,000 customers seen for exactly one year; merging purchases of one day loses no money."""
    buys, pays, _ = fitted
    true_buys = replace(buys, r=shop.r, alpha=shop.alpha, a=shop.a, b=shop.b)
    true_pays = replace(pays, p=shop.p, q=shop.q, v=shop.v)
    random = np.random.default_rng(11)
    spent = np.array([_first_year_spend(shop, random) for _ in range(20_000)])
    error = spent.std() / np.sqrt(len(spent))
    found = new_customer_value(true_buys, true_pays, YEAR).value
    assert found == pytest.approx(spent.mean(), abs=4 * error)


def _first_year_spend(shop, random) -> float:
    rate, leaves = random.gamma(shop.r, 1 / shop.alpha), random.beta(shop.a, shop.b)
    inverse_scale = random.gamma(shop.q, 1 / shop.v)
    time = spent = 0.0
    while (time := time + random.exponential(1 / max(rate, 1e-12))) < 365.25:
        spent += random.gamma(shop.p, 1 / inverse_scale)
        if random.random() < leaves:
            break
    return spent


def test_mean_value_is_the_mean_of_the_customers_values(fitted):
    buys, pays, customers = fitted
    found = mean_expected_value(buys, pays, customers, YEAR)
    assert found.value == pytest.approx(expected_value(buys, pays, customers, YEAR).mean())
    assert found.n == len(customers)


def test_intervals_of_value_hold_the_truth_of_simulated_shops(shop, fitted):
    held = 0
    for seed in range(4):
        customers = shop.customers(1500, seed)
        again = customers.query("frequency > 0")
        buys = bg_nbd.fit(customers["frequency"], customers["recency"], customers["age"])
        pays = gamma_gamma.fit(again["frequency"], again["mean_value"])
        true_buys = replace(buys, r=shop.r, alpha=shop.alpha, a=shop.a, b=shop.b)
        true_pays = replace(pays, p=shop.p, q=shop.q, v=shop.v)
        truth = expected_value(true_buys, true_pays, customers, YEAR).mean()
        found = mean_expected_value(buys, pays, customers, YEAR)
        held += found.low <= truth <= found.high
    assert held >= 3


def test_interval_comes_from_the_covariances(fitted):
    """A hundredth of the covariance makes the interval a tenth as wide."""
    buys, pays, customers = fitted
    more = (np.array(fit.log_covariance) / 100 for fit in (buys, pays))
    sure_buys, sure_pays = (
        replace(fit, log_covariance=tuple(map(tuple, covariance)))
        for fit, covariance in zip((buys, pays), more, strict=True)
    )
    wide = mean_expected_value(buys, pays, customers, YEAR)
    narrow = mean_expected_value(sure_buys, sure_pays, customers, YEAR)
    assert narrow.low < narrow.value < narrow.high
    ratio = (wide.high - wide.low) / (narrow.high - narrow.low)
    assert ratio == pytest.approx(10, rel=0.1)


def test_a_loss_keeps_its_interval_in_order(fitted):
    gain, loss = (new_customer_value(*fitted[:2], Horizon(12, margin=m)) for m in (0.2, -0.2))
    assert (loss.low, loss.value, loss.high) == (-gain.high, -gain.value, -gain.low)
    assert new_customer_value(*fitted[:2], Horizon(12, margin=0)).high == 0


def test_same_seed_gives_the_same_interval(fitted):
    first, second = (new_customer_value(*fitted[:2], YEAR, seed=5) for _ in range(2))
    assert first == second


def test_a_fit_without_covariance_has_no_interval(fitted):
    buys, pays, customers = fitted
    vague = replace(buys, log_covariance=((float("nan"),) * 4,) * 4)
    found = mean_expected_value(vague, pays, customers, YEAR)
    assert found.value > 0
    assert np.isnan(found.low)


def test_longer_horizons_are_worth_more_and_discount_less(fitted):
    buys, pays, customers = fitted
    values = [expected_value(buys, pays, customers, Horizon(months)) for months in (12, 24, 36)]
    assert (values[0] < values[1]).all()
    assert (values[1] < values[2]).all()
    discounted = expected_value(buys, pays, customers, Horizon(36, annual_discount_rate=0.1))
    assert (discounted < values[2]).all()
    assert (discounted > values[2] / 1.1**3).all()


def test_spend_without_a_mean_is_refused(fitted):
    buys, pays, customers = fitted
    with pytest.raises(ValueError, match=r"q == 0\.9, must be above 1"):
        expected_value(buys, replace(pays, q=0.9), customers, YEAR)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"months": 0}, "months == 0"),
        ({"months": 12, "annual_discount_rate": -1}, "annual_discount_rate == -1"),
    ],
)
def test_horizon_refuses_what_makes_no_sense(arguments, message):
    with pytest.raises(ValueError, match=message):
        Horizon(**arguments)


def test_row_order_does_not_matter(fitted):
    buys, pays, customers = fitted
    shuffled = customers.sample(frac=1, random_state=2)
    found = pd.Series(expected_value(buys, pays, shuffled, YEAR), index=shuffled.index)
    expected = expected_value(buys, pays, customers, YEAR)
    np.testing.assert_allclose(found.sort_index(), expected)


@pytest.fixture(scope="module", params=sorted(FITS))
def any_model(request, shop):
    customers = shop.customers(400, seed=3)
    columns = [customers[name] for name in ("frequency", "recency", "age")]
    sure = tuple(map(tuple, np.eye(4) / 100))  # not every model fits customers of another one
    return replace(FITS[request.param](*columns, None), log_covariance=sure), customers


def test_every_model_of_purchases_values_new_customers_by_their_expected_purchases(
    any_model, fitted
):
    buys, pays = any_model[0], fitted[1]
    expected = buys.expected_purchases_new(365.25) * pays.population_mean
    found = new_customer_value(buys, pays, YEAR)
    assert found.value == pytest.approx(expected)
    assert found.low < found.value < found.high


def test_every_model_of_purchases_values_customers_by_their_history(any_model, fitted):
    buys, customers = any_model
    pays = fitted[1]
    history = (customers[name] for name in ("frequency", "recency", "age"))
    purchases = buys.expected_purchases(365.25, *history)
    spend = pays.expected_value(customers["frequency"], customers["mean_value"])
    np.testing.assert_allclose(expected_value(buys, pays, customers, YEAR), purchases * spend)


def test_standard_errors_of_several_figures_agree_with_draws(fitted):
    """The half width of the drawn interval is 1.96 standard errors, up to its skewness."""
    buys, pays, customers = fitted
    few = evenly_taken(customers, 200)

    def figures(purchases, spend):
        value = expected_value(purchases, spend, few, YEAR)
        return np.array([value.mean(), value[:100].mean()])

    value, error = with_errors(buys, pays, figures)
    drawn = mean_expected_value(buys, pays, few, YEAR)
    assert value[0] == pytest.approx(drawn.value)
    assert 2 * 1.96 * error[0] == pytest.approx(drawn.high - drawn.low, rel=0.1)
    assert error[1] > 0


def test_figures_of_a_fit_without_covariance_have_no_error(fitted):
    buys, pays, customers = fitted
    vague = replace(buys, log_covariance=((float("nan"),) * 4,) * 4)
    value, error = with_errors(
        vague, pays, lambda b, s: expected_value(b, s, customers.head(3), YEAR)
    )
    assert (value > 0).all()
    assert np.isnan(error).all()


def test_value_where_purchases_lose_is_what_simulated_customers_contribute(shop, fitted):
    """20,000 customers over one year, an eighth of whose purchases cost 30 each."""
    buys = replace(fitted[0], r=shop.r, alpha=shop.alpha, a=shop.a, b=shop.b)
    pays = GammaGammaWithLosses(
        p=shop.p, q=shop.q, v=shop.v, loss_share=0.125, loss=30.0, credibility=np.inf,
        log_covariance=((float("nan"),) * 5,) * 5, log_likelihood=0.0, n_customers=0.0,
        converged=True,
    )  # fmt: skip
    random = np.random.default_rng(12)
    brought = np.array([_first_year_contribution(shop, random) for _ in range(20_000)])
    error = brought.std() / np.sqrt(len(brought))
    found = new_customer_value(buys, pays, YEAR).value
    assert found == pytest.approx(brought.mean(), abs=4 * error)


def _first_year_contribution(shop, random) -> float:
    rate, leaves = random.gamma(shop.r, 1 / shop.alpha), random.beta(shop.a, shop.b)
    inverse_scale = random.gamma(shop.q, 1 / shop.v)
    time = brought = 0.0
    while (time := time + random.exponential(1 / max(rate, 1e-12))) < 365.25:
        gain = random.gamma(shop.p, 1 / inverse_scale)
        brought += -30.0 if random.random() < 0.125 else gain
        if random.random() < leaves:
            break
    return brought
