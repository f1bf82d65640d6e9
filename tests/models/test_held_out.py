from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.models.bg_nbd import fit
from helpers.models.held_out import advantages, chosen, held_out_error, held_out_log_likelihoods
from helpers.models.purchase_models import FITS
from tests.models.conftest import purchase_days


@pytest.fixture(scope="module")
def cdnow_error(cdnow_sample):
    model = fit(*(cdnow_sample[name] for name in ("frequency", "recency", "age")))
    return held_out_error(model, cdnow_sample, 39)


def test_cdnow_sample_predicts_1653_of_1882_purchases(cdnow_error):
    assert cdnow_error.actual == 1882
    assert cdnow_error.predicted == pytest.approx(1653, abs=1)
    assert cdnow_error.error_share == pytest.approx(1653 / 1882 - 1, abs=1e-3)


def test_table_has_the_published_customers_by_frequency(cdnow_error):
    """Fader, Hardie and Lee (2005), actual repeat transactions to 1997-09-30."""
    table = cdnow_error.by_frequency.set_index("frequency")["customers"]
    published = {"0": 1411, "1": 439, "2": 214, "3": 100, "4": 62, "5": 38, "6": 29, "7+": 64}
    assert table.to_dict() == published


def test_table_adds_up_to_the_totals(cdnow_error):
    table = cdnow_error.by_frequency
    assert table["customers"] @ table["predicted"] == pytest.approx(cdnow_error.predicted)
    assert table["customers"] @ table["actual"] == pytest.approx(cdnow_error.actual)
    assert (table["low"] <= table["actual"]).all()


def test_missing_held_out_purchases_are_refused(cdnow_sample):
    model = fit(*(cdnow_sample[name] for name in ("frequency", "recency", "age")))
    broken = cdnow_sample.assign(purchases=np.nan)
    with pytest.raises(ValueError, match="2357 entries missing or below 0"):
        held_out_error(model, broken, 39)


def test_nothing_bought_has_no_error_share(cdnow_sample):
    model = fit(*(cdnow_sample[name] for name in ("frequency", "recency", "age")))
    assert np.isnan(held_out_error(model, cdnow_sample.assign(purchases=0), 39).error_share)


def test_a_row_may_stand_for_all_customers_who_are_alike(cdnow_sample, cdnow_error):
    names = ["frequency", "recency", "age", "purchases"]
    alike = cdnow_sample.groupby(names, as_index=False).size().rename(columns={"size": "customers"})
    assert len(alike) < len(cdnow_sample) / 2
    found = held_out_error(fit(*(cdnow_sample[name] for name in names[:3])), alike, 39)
    assert (found.actual, found.error_share) == pytest.approx(
        (cdnow_error.actual, cdnow_error.error_share)
    )
    pd.testing.assert_frame_equal(found.by_frequency, cdnow_error.by_frequency)


@pytest.fixture(scope="module")
def cdnow_after(shared_data, cdnow_sample):
    """The sample with the end of the held-out weeks: what the likelihood needs."""
    days = purchase_days(shared_data / "cdnow" / "CDNOW_sample.parquet", "master_id")
    seen = days.groupby("customer")["day"].agg(["min", "max"])
    return cdnow_sample.assign(
        recency_after=(seen["max"] - seen["min"]).dt.days / 7,
        age_after=(pd.Timestamp("1998-06-30") - seen["min"]).dt.days / 7,
    )


def test_the_interval_of_the_error_is_that_of_resampled_customers(cdnow_sample, cdnow_error):
    model = fit(*(cdnow_sample[name] for name in ("frequency", "recency", "age")))
    predicted = model.expected_purchases(
        39, *(cdnow_sample[name] for name in ("frequency", "recency", "age"))
    )
    actual, random = cdnow_sample["purchases"].to_numpy(), np.random.default_rng(1)
    picks = random.integers(0, len(actual), (2000, len(actual)))
    errors = predicted[picks].sum(axis=1) / actual[picks].sum(axis=1) - 1
    low, high = np.quantile(errors, [0.025, 0.975])
    assert (cdnow_error.low, cdnow_error.high) == pytest.approx((low, high), abs=0.012)


def test_held_out_likelihood_is_what_the_whole_history_adds_to_its_start(cdnow_sample, cdnow_after):
    """The density of no, one or more purchases, given the rates, integrates to one."""
    model = FITS["mbg_nbd"](*(cdnow_sample[name] for name in ("frequency", "recency", "age")))
    # One customer: chance of no purchase in 39 weeks, and the density of exactly one at week t.
    weeks = (np.arange(3900) + 0.5) / 100
    x, last, age = 2.0, 20.0, 30.0
    one = pd.DataFrame({"frequency": x, "recency": last, "age": age, "purchases": 1.0,
                        "recency_after": age + weeks, "age_after": age + 39})  # fmt: skip
    none = one.head(1).assign(purchases=0.0, recency_after=last)
    found = np.exp(held_out_log_likelihoods(model, none))[0]
    single = np.exp(held_out_log_likelihoods(model, one)).sum() / 100
    assert 0 < single < 1 - found < 1
    # Simulated by the posterior of the two rates of the customers like this one.
    random = np.random.default_rng(3)
    alive = random.random(400_000) < model.probability_alive(x, last, age)[0]
    rate = random.gamma(model.r + x, 1 / (model.alpha + age), 400_000)
    leaves = random.beta(model.a, model.b + x + 1, 400_000)
    first = random.exponential(1 / rate)
    second = first + random.exponential(1 / rate)
    stays = random.random(400_000) >= leaves
    exactly_one = alive & (first < 39) & (~stays | (second >= 39))
    assert found == pytest.approx(1 - (alive & (first < 39)).mean(), abs=0.004)
    assert single == pytest.approx(exactly_one.mean(), abs=0.004)


def test_near_ties_go_to_the_simplest_model(cdnow_sample, cdnow_after):
    history = [cdnow_sample[name] for name in ("frequency", "recency", "age")]
    models = {name: fit_of(*history) for name, fit_of in FITS.items()}
    found = advantages(models, cdnow_after)
    assert found["bg_nbd"].value == 0
    assert found["mbg_nbd"].value > 0
    assert found["mbg_nbd"].value < 2 * found["mbg_nbd"].standard_error
    assert chosen(models, found) == "bg_nbd"
    certain = found | {"mbg_nbd": replace(found["mbg_nbd"], standard_error=1e-6)}
    assert chosen(models, certain) == "mbg_nbd"
    ahead = replace(found["pareto_nbd"], value=1.0, standard_error=0.6)
    assert chosen(models, certain | {"pareto_nbd": ahead}) == "mbg_nbd"
    sure = replace(ahead, standard_error=0.4)
    assert chosen(models, certain | {"pareto_nbd": sure}) == "pareto_nbd"
    lost = models | {"mbg_nbd": replace(models["mbg_nbd"], converged=False)}
    assert chosen(lost, certain) == "bg_nbd"


def test_small_groups_are_taken_together(cdnow_sample):
    model = fit(*(cdnow_sample[name] for name in ("frequency", "recency", "age")))
    table = held_out_error(model, cdnow_sample, 39, smallest_group=101).by_frequency
    published = {"0": 1411, "1": 439, "2": 214, "3+": 100 + 62 + 38 + 29 + 64}
    assert table.set_index("frequency")["customers"].to_dict() == published
