from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln
from scipy.stats import beta
from statsmodels.base.model import GenericLikelihoodModel

from helpers.models.bg_nbd import BgNbd, fit

PUBLISHED = {"r": 0.2426, "alpha": 4.4135, "a": 0.7929, "b": 2.4258}
HISTORY = ("frequency", "recency", "age")


class PublishedLikelihood(GenericLikelihoodModel):
    """Fader, Hardie and Lee (2005), eq. 6 as printed, for statsmodels."""

    def loglikeobs(self, params):
        r, alpha, a, b = params
        x, last, age = self.exog.T
        leaving = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        stayed = (alpha + age) ** -(r + x)
        left = np.where(x > 0, a / np.maximum(b + x - 1, 1e-9) * (alpha + last) ** -(r + x), 0)
        return leaving + rate + np.log(stayed + left)


def columns(customers: pd.DataFrame) -> list[pd.Series]:
    return [customers[name] for name in HISTORY]


@pytest.fixture(scope="module")
def cdnow_fit(cdnow_sample):
    return fit(*columns(cdnow_sample))


@pytest.fixture
def published() -> BgNbd:
    nothing = ((float("nan"),) * 4,) * 4
    return BgNbd(
        **PUBLISHED, log_covariance=nothing, log_likelihood=0, n_customers=1, converged=True
    )


def test_fit_gives_the_published_estimates_of_the_cdnow_sample(cdnow_fit):
    """Fader, Hardie and Lee (2005), calibration to 1997-09-30, in weeks."""
    found = dict(zip(PUBLISHED, cdnow_fit.parameters, strict=True))
    assert found == pytest.approx(PUBLISHED, abs=6e-4)
    assert cdnow_fit.log_likelihood == pytest.approx(-9582.43, abs=5e-3)
    assert cdnow_fit.converged
    assert cdnow_fit.n_customers == 2357


def test_fit_gives_the_known_estimates_of_all_cdnow_customers(cdnow_all):
    found = fit(*columns(cdnow_all))
    np.testing.assert_allclose(found.parameters, [0.2516, 4.789, 0.7234, 2.161], rtol=3e-4)
    assert found.log_likelihood == pytest.approx(-95368.44, abs=1e-2)


def test_fit_and_standard_errors_agree_with_statsmodels(cdnow_sample, cdnow_fit):
    data = np.column_stack(columns(cdnow_sample))
    model = PublishedLikelihood(endog=data[:, 0], exog=data, extra_params_names=[])
    errors = np.sqrt(np.diag(np.linalg.inv(-model.hessian(cdnow_fit.parameters))))
    found = list(cdnow_fit.standard_errors.values())
    np.testing.assert_allclose(found, errors, rtol=1e-4)
    assert np.abs(model.score(cdnow_fit.parameters) * errors).max() < 1e-3
    assert model.loglike(cdnow_fit.parameters) == pytest.approx(cdnow_fit.log_likelihood)


def test_prediction_of_the_held_out_weeks_is_the_known_sum(cdnow_sample, cdnow_fit):
    expected = cdnow_fit.expected_purchases(39, *columns(cdnow_sample))
    assert expected.sum() == pytest.approx(1653, abs=1)


def test_conditional_expectation_of_the_published_example(published):
    """Fader and Hardie's note on Excel: customer 0001 has 1.226 purchases in 39 weeks to come."""
    expected = published.expected_purchases(39, 2, 30.43, 38.86)
    assert expected == pytest.approx(1.226, abs=5e-4)


@pytest.fixture(scope="module")
def lifetimes_fit(cdnow_fit):
    lifetimes = pytest.importorskip(
        "lifetimes", reason="lifetimes, a peer library, is not installed"
    )
    peer = lifetimes.BetaGeoFitter()
    peer.params_ = pd.Series(cdnow_fit.parameters, index=list(PUBLISHED))
    peer.predict = peer.conditional_expected_number_of_purchases_up_to_time
    return peer


def test_predictions_agree_with_lifetimes(cdnow_sample, cdnow_fit, lifetimes_fit):
    few = columns(cdnow_sample.iloc[::10])
    alive = lifetimes_fit.conditional_probability_alive(*few)
    np.testing.assert_allclose(cdnow_fit.probability_alive(*few), alive, rtol=1e-9)
    expected = lifetimes_fit.predict(39, *few)
    np.testing.assert_allclose(cdnow_fit.expected_purchases(39, *few), expected, rtol=1e-8)
    new = lifetimes_fit.expected_number_of_purchases_up_to_time(52)
    assert cdnow_fit.expected_purchases_new(52) == pytest.approx(float(new))
    counts = [0, 1, 2, 7]
    np.testing.assert_allclose(
        cdnow_fit.probability_of_purchases(39, counts),
        [lifetimes_fit.probability_of_n_purchases_up_to_time(39, n) for n in counts],
        rtol=1e-9,
    )


def test_purchase_probabilities_add_up_to_one_and_to_the_expectation(published):
    """Eq. 8 and eq. 9 are derived apart from one another."""
    counts = np.arange(3000)
    probability = published.probability_of_purchases(52, counts)
    assert probability.sum() == pytest.approx(1, abs=1e-9)
    assert probability @ counts == pytest.approx(published.expected_purchases_new(52), rel=1e-8)


def test_discounted_purchases_are_the_sum_over_short_steps(published):
    """Each day's share of the horizon times its discount, by 1,500 differences of the whole."""
    x, age = np.array([0.0, 3.0, 40.0]), np.array([0.0, 39.0, 39.0])
    ends = np.linspace(0, 100, 1501)
    whole = np.array([published.purchases_while_alive(end, x, age) for end in ends])
    discount = np.exp(-0.02 * (ends[1:] + ends[:-1]) / 2)
    found = published.purchases_while_alive(100.0, x, age, discount_rate=0.02)
    np.testing.assert_allclose(found, discount @ np.diff(whole, axis=0), rtol=1e-6)


@pytest.mark.parametrize("a", [0.05, 0.9999999, 1.0, 19.9, 20.1, 3000.0, 3e6])
@pytest.mark.parametrize("b", [0.05, 3.0, 4e6])
def test_expectation_is_the_mean_over_leaving_probabilities(published, a, b):
    """(1 - (1 + p t / alpha)^-r) / p averaged over 40,000 quantiles of p ~ beta(a, b)."""
    p = beta.ppf((np.arange(40_000) + 0.5) / 40_000, a, b)
    ahead = 39 / published.alpha
    smallest = np.maximum(p, 1e-12)
    bought = -np.expm1(-published.r * np.log1p(smallest * ahead)) / smallest
    found = replace(published, a=a, b=b).expected_purchases_new(39)
    assert found == pytest.approx(bought.mean(), rel=1e-4)


def test_a_very_frequent_customer_gives_finite_numbers(published):
    often = 5000.0, 155.0, 156.0
    assert 0 <= published.probability_alive(*often)[0] <= 1
    assert 0 < published.expected_purchases(52, *often)[0] < 5000
    gone = published.probability_alive(5000.0, 50.0, 156.0)
    assert gone[0] == pytest.approx(0, abs=1e-300)


def test_a_customer_without_repeat_purchase_counts_as_alive(published):
    assert published.probability_alive(0, 0, 39).tolist() == [1.0]


def test_weights_stand_for_repeated_rows(cdnow_sample):
    few = cdnow_sample.iloc[:300]
    twice = pd.concat([few, few, few])
    repeated = fit(*columns(twice))
    weighted = fit(*columns(few), weights=np.full(len(few), 3))
    np.testing.assert_allclose(weighted.parameters, repeated.parameters, rtol=1e-6)
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, rtol=1e-5)
    assert weighted.n_customers == repeated.n_customers == 900


def test_row_order_and_time_unit_do_not_matter(cdnow_sample, cdnow_fit):
    shuffled = cdnow_sample.sample(frac=1, random_state=1)
    days = fit(shuffled["frequency"], shuffled["recency"] * 7, shuffled["age"] * 7)
    np.testing.assert_allclose(days.parameters, cdnow_fit.parameters * [1, 7, 1, 1], rtol=1e-6)
    days_errors = np.array(list(days.standard_errors.values()))
    weeks_errors = np.array(list(cdnow_fit.standard_errors.values()))
    np.testing.assert_allclose(days_errors, weeks_errors * [1, 7, 1, 1], rtol=1e-5)


def test_intervals_hold_the_truth_of_simulated_shops(shop):
    """Missing more than 3 of 10 shops has a chance of one in a thousand at 95 %."""
    truth = {"r": shop.r, "alpha": shop.alpha, "a": shop.a, "b": shop.b}
    held = dict.fromkeys(truth, 0)
    for seed in range(10):
        intervals = fit(*columns(shop.customers(1500, seed))).intervals()
        for name, value in truth.items():
            held[name] += intervals[name].low <= value <= intervals[name].high
    assert min(held.values()) >= 7


def test_identical_customers_do_not_count_as_a_fit():
    """Equal regular buyers who never leave push a towards 0 and r towards infinity."""
    n = np.full(50, 10.0)
    assert not fit(n, n * 10, n * 10).converged


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1, 5, 4), "0 <= recency <= age"),
        ((1, 0, 4), "recency 0 exactly where frequency is 0"),
        ((0, 2, 4), "recency 0 exactly where frequency is 0"),
        ((-1, 0, 4), "whole number from 0"),
        ((1.5, 2, 4), "whole number from 0"),
        ((1, 2, np.nan), "finite values"),
    ],
)
def test_rows_that_break_a_rule_are_named(row, message):
    rows = np.array([(1, 2, 9), row], dtype=float).T
    with pytest.raises(
        ValueError, match=f"1 customers break a rule, the first in row 1.*{message}"
    ):
        fit(*rows)


def test_customers_who_never_came_back_cannot_be_fitted():
    with pytest.raises(ValueError, match="2 customers have 0 repeat purchases"):
        fit([0, 0], [0, 0], [5, 6])


def test_weights_must_be_positive(published):
    with pytest.raises(ValueError, match="must be 2 finite numbers above 0"):
        fit([1, 0], [2, 0], [5, 6], weights=[1, 0])
    with pytest.raises(ValueError, match="horizon == -1"):
        published.expected_purchases_new(-1)
