import numpy as np
import pytest
from scipy.special import gammaln
from statsmodels.base.model import GenericLikelihoodModel

from helpers.models.gamma_gamma import fit


class PublishedLikelihood(GenericLikelihoodModel):
    """Fader and Hardie (2013), eq. 1a as printed, for statsmodels."""

    def loglikeobs(self, params):
        p, q, v = params
        x, mean = self.exog.T
        return (
            gammaln(p * x + q)
            - gammaln(p * x)
            - gammaln(q)
            + q * np.log(v)
            + (p * x - 1) * np.log(mean)
            + p * x * np.log(x)
            - (p * x + q) * np.log(v + x * mean)
        )


@pytest.fixture(scope="module")
def repeaters(cdnow_spend):
    return cdnow_spend[cdnow_spend["frequency"] > 0]


@pytest.fixture(scope="module")
def cdnow_fit(repeaters):
    return fit(repeaters["frequency"], repeaters["mean_value"])


def test_fit_gives_the_published_estimates_of_the_cdnow_sample(cdnow_fit):
    """Fader and Hardie (2013), 946 customers with repeat purchases."""
    np.testing.assert_allclose(cdnow_fit.parameters, [6.249, 3.745, 15.448], atol=5e-4)
    assert cdnow_fit.n_customers == 946
    assert cdnow_fit.converged


def test_fit_and_standard_errors_agree_with_statsmodels(repeaters, cdnow_fit):
    data = repeaters[["frequency", "mean_value"]].to_numpy(dtype=float)
    model = PublishedLikelihood(endog=data[:, 0], exog=data, extra_params_names=[])
    errors = np.sqrt(np.diag(np.linalg.inv(-model.hessian(cdnow_fit.parameters))))
    np.testing.assert_allclose(list(cdnow_fit.standard_errors.values()), errors, rtol=1e-4)
    assert np.abs(model.score(cdnow_fit.parameters) * errors).max() < 1e-3
    assert model.loglike(cdnow_fit.parameters) == pytest.approx(cdnow_fit.log_likelihood)


def test_expected_values_agree_with_lifetimes(cdnow_spend, cdnow_fit):
    lifetimes = pytest.importorskip(
        "lifetimes", reason="lifetimes, a peer library, is not installed"
    )
    peer = lifetimes.GammaGammaFitter()
    peer.params_ = dict(zip("pqv", cdnow_fit.parameters, strict=True))
    few = cdnow_spend["frequency"], cdnow_spend["mean_value"]
    expected = peer.conditional_expected_average_profit(*few)
    np.testing.assert_allclose(cdnow_fit.expected_value(*few), expected)


def test_a_customer_without_repeat_purchases_spends_like_the_population(cdnow_fit):
    """6.2488 x 15.4477 / 2.7446 = 35.17."""
    assert cdnow_fit.expected_value(0, np.nan) == pytest.approx(35.17, abs=5e-3)
    assert cdnow_fit.population_mean == pytest.approx(35.17, abs=5e-3)


def test_expected_value_lies_between_own_mean_and_population(cdnow_fit):
    own = np.array([5.0, 80.0, 400.0])
    few, many = cdnow_fit.expected_value(1, own), cdnow_fit.expected_value(500, own)
    centre = cdnow_fit.population_mean
    assert (np.abs(few - centre) < np.abs(own - centre)).all()
    np.testing.assert_allclose(many, own, rtol=0.01)


def test_weights_stand_for_repeated_rows(repeaters):
    few = repeaters.iloc[:200]
    once = few["frequency"], few["mean_value"]
    weighted = fit(*once, weights=np.full(200, 2))
    repeated = fit(*(np.tile(column, 2) for column in once))
    np.testing.assert_allclose(weighted.parameters, repeated.parameters, rtol=1e-6)
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, rtol=1e-5)


def test_currency_scales_v_alone(repeaters, cdnow_fit):
    cents = fit(repeaters["frequency"], repeaters["mean_value"] * 100)
    np.testing.assert_allclose(cents.parameters, cdnow_fit.parameters * [1, 1, 100], rtol=1e-5)


def test_intervals_hold_the_truth_of_simulated_shops(shop):
    """Missing more than 3 of 10 shops has a chance of one in a thousand at 95 %."""
    truth = {"p": shop.p, "q": shop.q, "v": shop.v}
    held = dict.fromkeys(truth, 0)
    for seed in range(10):
        customers = shop.customers(1500, seed).query("frequency > 0")
        intervals = fit(customers["frequency"], customers["mean_value"]).intervals()
        for name, value in truth.items():
            held[name] += intervals[name].low <= value <= intervals[name].high
    assert min(held.values()) >= 7


def test_mean_values_must_be_above_zero():
    with pytest.raises(ValueError, match=r"2 customers have a mean_value such as 0, must be above"):
        fit([1, 2, 3], [10.0, 0.0, -4.0])


def test_customers_without_repeat_purchases_are_refused():
    with pytest.raises(ValueError, match="1 customers have a frequency such as 0"):
        fit([1, 0], [10.0, 12.0])


def test_equal_mean_values_are_refused():
    with pytest.raises(ValueError, match="1 distinct values"):
        fit([1, 2], [10.0, 10.0])
