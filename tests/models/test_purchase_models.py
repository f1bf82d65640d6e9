"""Pareto/NBD and MBG/NBD against their papers, a peer library and plain arithmetic."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln, logsumexp
from statsmodels.base.model import GenericLikelihoodModel

from helpers.models.purchase_models import FITS, KINDS, PurchaseModel

HISTORY = ("frequency", "recency", "age")


def columns(customers: pd.DataFrame) -> list[pd.Series]:
    return [customers[name] for name in HISTORY]


def model_at(name: str, *parameters: float) -> PurchaseModel:
    """A model at given parameters, as if fitted."""
    nothing = ((float("nan"),) * 4,) * 4
    return KINDS[name](
        **dict(zip(KINDS[name].names, parameters, strict=True)),
        log_covariance=nothing, log_likelihood=0.0, n_customers=1.0, converged=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def fits(cdnow_sample):
    return {name: fit(*columns(cdnow_sample)) for name, fit in FITS.items()}


@pytest.fixture(scope="module")
def peers():
    """Models of lifetimes by our names."""
    lifetimes = pytest.importorskip(
        "lifetimes", reason="lifetimes, a peer library, is not installed"
    )
    return {
        "bg_nbd": lifetimes.BetaGeoFitter,
        "mbg_nbd": lifetimes.ModifiedBetaGeoFitter,
        "pareto_nbd": lifetimes.ParetoNBDFitter,
    }


def peer_at(peers, fits, name: str):
    peer = peers[name]()
    peer.params_ = pd.Series(fits[name].parameters, index=list(fits[name].names))
    peer.predict = peer.conditional_expected_number_of_purchases_up_to_time
    return peer


def test_pareto_nbd_has_the_published_estimates_of_the_cdnow_sample(fits):
    """Fader, Hardie and Lee (2005), table 2."""
    found = fits["pareto_nbd"]
    published = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}
    assert dict(zip(found.names, found.parameters, strict=True)) == pytest.approx(
        published, abs=6e-4
    )
    assert found.log_likelihood == pytest.approx(-9594.98, abs=5e-3)
    assert found.converged


def test_pareto_nbd_given_the_history_is_11_and_a_half_per_cent_low(fits, cdnow_sample):
    expected = fits["pareto_nbd"].expected_purchases(39, *columns(cdnow_sample)).sum()
    assert expected / cdnow_sample["purchases"].sum() - 1 == pytest.approx(-0.115, abs=5e-4)


@pytest.mark.parametrize("name", FITS)
def test_predictions_agree_with_lifetimes(peers, fits, cdnow_sample, name):
    few = columns(cdnow_sample.iloc[::10])
    peer, found = peer_at(peers, fits, name), fits[name]
    alive = peer.conditional_probability_alive(*few)
    np.testing.assert_allclose(found.probability_alive(*few), alive, rtol=1e-7)
    np.testing.assert_allclose(
        found.expected_purchases(39, *few), peer.predict(39, *few), rtol=1e-6
    )
    new = peer.expected_number_of_purchases_up_to_time(52)
    assert found.expected_purchases_new(52) == pytest.approx(float(np.squeeze(new)), rel=1e-8)


def log_likelihood_of_lifetimes(peer, name: str, parameters, customers) -> float:
    x, last, age = (column.to_numpy(float) for column in columns(customers))
    if name == "pareto_nbd":
        return float(peer._conditional_log_likelihood(parameters, x, last, age).sum())
    weights = np.ones(len(x))
    mean = peer._negative_log_likelihood(np.log(parameters), x, last, age, weights, 0.0)
    return -len(x) * float(mean)


@pytest.mark.parametrize("name", FITS)
def test_log_likelihood_is_that_of_lifetimes_at_any_parameters(peers, fits, cdnow_sample, name):
    for factor in (1.0, 0.5, 1.8):
        parameters = fits[name].parameters * [factor, 1, 1 / factor, 1]
        theirs = log_likelihood_of_lifetimes(peers[name], name, parameters, cdnow_sample)
        ours = fits[name].with_parameters(parameters).log_likelihoods(*columns(cdnow_sample)).sum()
        assert ours == pytest.approx(theirs, abs=1e-4)


def test_the_fit_of_lifetimes_is_nowhere_likelier(peers, fits, cdnow_sample):
    for name in ("mbg_nbd", "pareto_nbd"):
        peer = peers[name]().fit(*columns(cdnow_sample))
        at_theirs = fits[name].with_parameters(peer.params_.to_numpy())
        theirs = at_theirs.log_likelihoods(*columns(cdnow_sample)).sum()
        assert fits[name].log_likelihood >= theirs - 1e-5
        np.testing.assert_allclose(fits[name].parameters, peer.params_, rtol=0.02)


@pytest.mark.parametrize("name", FITS)
def test_standard_errors_are_those_of_statsmodels(fits, cdnow_sample, name):
    class Likelihood(GenericLikelihoodModel):
        def loglikeobs(self, params):
            return fits[name].with_parameters(params).log_likelihoods(*self.exog.T)

    data = np.column_stack(columns(cdnow_sample))
    model = Likelihood(endog=data[:, 0], exog=data, extra_params_names=[])
    parameters = fits[name].parameters
    errors = np.sqrt(np.diag(np.linalg.inv(-model.hessian(parameters))))
    np.testing.assert_allclose(list(fits[name].standard_errors.values()), errors, rtol=1e-3)
    assert np.abs(model.score(parameters) * errors).max() < 1e-3
    assert model.loglike(parameters) == pytest.approx(fits[name].log_likelihood)


@pytest.mark.parametrize(
    "parameters",
    [(0.55, 10.6, 0.6, 11.7), (0.1, 0.3, 2.0, 140.0), (5.5, 380.0, 3.7, 0.2), (2.0, 5.0, 2.0, 5.0)],
)
@pytest.mark.parametrize("customer", [(0, 0, 39), (2, 30.4, 38.9), (60, 100, 150), (3, 7, 7)])
def test_pareto_nbd_is_the_mixture_over_rates_of_buying_and_leaving(parameters, customer):
    """The likelihood given both rates, summed over a fine grid of their logarithms."""
    r, alpha, s, beta = parameters
    x, last, age = customer
    log_rate = np.arange(-160, 8, 0.05)[:, None]
    log_leaving = np.arange(-60, 12, 0.05)
    rate, leaving = np.exp(log_rate), np.exp(log_leaving)
    total = rate + leaving
    stay = rate / total * np.exp(-total * (age - last))
    with np.errstate(divide="ignore"):
        mixed = (
            r * np.log(alpha * rate) - alpha * rate - gammaln(r)
            + s * np.log(beta * leaving) - beta * leaving - gammaln(s)
            + x * log_rate - total * last + np.log(leaving / total + stay)
        )  # fmt: skip
    found = model_at("pareto_nbd", *parameters).log_likelihoods(x, last, age)[0]
    assert found == pytest.approx(logsumexp(mixed) + 2 * np.log(0.05), abs=1e-5)


@pytest.mark.parametrize("name", FITS)
def test_discounted_purchases_are_the_sum_over_short_steps(fits, name):
    x, age = np.array([0.0, 3.0, 40.0]), np.array([0.0, 39.0, 39.0])
    ends = np.linspace(0, 100, 1501)
    whole = np.array([fits[name].purchases_while_alive(end, x, age) for end in ends])
    discount = np.exp(-0.02 * (ends[1:] + ends[:-1]) / 2)
    found = fits[name].purchases_while_alive(100.0, x, age, discount_rate=0.02)
    np.testing.assert_allclose(found, discount @ np.diff(whole, axis=0), rtol=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_expected_purchases_are_the_alive_times_what_the_alive_buy(fits, name):
    new = fits[name].probability_alive(0, 0, 0) * fits[name].purchases_while_alive(
        52, np.zeros(1), np.zeros(1)
    )
    assert fits[name].expected_purchases_new(52) == pytest.approx(new[0])


def test_who_has_bought_once_may_be_lost_but_not_by_bg_nbd(fits):
    alive = {name: found.probability_alive(0, 0, 39)[0] for name, found in fits.items()}
    assert alive["bg_nbd"] == 1
    assert 0 < alive["mbg_nbd"] < 1
    assert 0 < alive["pareto_nbd"] < 1


@pytest.mark.parametrize("name", FITS)
def test_weights_rows_and_time_units_do_not_change_a_fit(cdnow_sample, name):
    few = cdnow_sample.iloc[:400]
    plain = FITS[name](*columns(few))
    alike = few.groupby(list(HISTORY), as_index=False).size().sample(frac=1, random_state=2)
    days = alike.assign(recency=alike["recency"] * 7, age=alike["age"] * 7)
    found = FITS[name](*columns(days), alike["size"])
    units = [1, 7, 1, 7 if name == "pareto_nbd" else 1]
    np.testing.assert_allclose(found.parameters, plain.parameters * units, rtol=1e-5)
    assert found.n_customers == 400


def test_a_fit_begun_from_a_part_of_the_rows_is_that_of_all(monkeypatch, fits, cdnow_sample):
    monkeypatch.setattr("helpers.models.pareto_nbd_likelihood.ROWS_FOR_A_START", 300)
    monkeypatch.setattr("helpers.models.pareto_nbd_likelihood.ROWS_AT_ONCE", 500)
    found = FITS["pareto_nbd"](*columns(cdnow_sample))
    np.testing.assert_allclose(found.parameters, fits["pareto_nbd"].parameters, rtol=1e-5)
    assert found.log_likelihood == pytest.approx(fits["pareto_nbd"].log_likelihood, abs=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_a_very_frequent_customer_gives_finite_numbers(fits, name):
    often = 5000.0, 155.0, 156.0
    assert 0 <= fits[name].probability_alive(*often)[0] <= 1
    assert 0 < fits[name].expected_purchases(52, *often)[0] < 5000
    assert fits[name].probability_alive(5000.0, 50.0, 156.0)[0] == pytest.approx(0, abs=1e-300)


@pytest.mark.parametrize("name", FITS)
def test_customers_that_break_a_rule_are_refused(name):
    with pytest.raises(ValueError, match="1 customers break a rule, the first in row 1"):
        FITS[name]([1, 1], [2, 5], [9, 4])
    with pytest.raises(ValueError, match="2 customers have 0 repeat purchases"):
        FITS[name]([0, 0], [0, 0], [5, 6])
