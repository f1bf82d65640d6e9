"""Contribution per purchase where some purchases lose: the mean, the customers, the intervals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.models import gamma_gamma
from helpers.models.gamma_gamma_losses import GammaGammaWithLosses, fit

P, Q, V = 2.5, 3.8, 118.0
SHARE, LOSS = 0.15, 40.0
MEAN = (1 - SHARE) * P * V / (Q - 1) - SHARE * LOSS


def simulated(customers: int, seed: int, credibility: float = np.inf) -> pd.DataFrame:
    """Customers with gamma-gamma gains; each loses with a probability around `SHARE`."""
    random = np.random.default_rng(seed)
    count = random.geometric(0.45, customers)
    a, b = SHARE * credibility, (1 - SHARE) * credibility
    chance = random.beta(a, b, customers) if np.isfinite(credibility) else SHARE
    losses = random.binomial(count, chance)
    gains = count - losses
    scale = random.gamma(Q, 1 / V, customers)
    gained = random.gamma(np.maximum(P * gains, 1e-9)) / scale * (gains > 0)
    lost = random.gamma(np.maximum(2.0 * losses, 1e-9)) * LOSS / 2 * (losses > 0)
    own = (1 - chance) * P / scale - chance * LOSS
    mean_value = gained / np.maximum(gains, 1)
    return pd.DataFrame({"gains": gains, "losses": losses, "mean_value": mean_value, "lost": lost,
                         "own": own})  # fmt: skip


def fitted(customers: pd.DataFrame, weights=None):
    columns = (customers[name] for name in ("gains", "mean_value", "losses", "lost"))
    return fit(*columns, weights)


def test_the_mean_of_simulated_shops_is_right():
    """40 shops of 1,500 customers: the mean of the estimates lies within 3 standard errors."""
    means = np.array([fitted(simulated(1500, seed)).population_mean for seed in range(40)])
    error = means.std(ddof=1) / np.sqrt(len(means))
    assert means.mean() == pytest.approx(MEAN, abs=3 * error)
    assert error < 0.01 * MEAN


def test_a_hurdle_at_customers_would_be_found_more_often_below_zero_the_rarer_they_buy():
    """Why the hurdle stands at the purchase: the share of customers below 0 falls with count."""
    customers = simulated(20_000, 0)
    count = customers["gains"] + customers["losses"]
    below = customers["gains"] * customers["mean_value"] <= customers["lost"]
    assert below[count == 1].mean() == pytest.approx(SHARE, abs=0.01)
    assert below[count >= 5].mean() < SHARE / 4


def test_what_is_expected_of_customers_is_what_their_kind_brings():
    """By number of losses among two purchases: mean expected against mean of the true values."""
    customers = simulated(60_000, 1, credibility=4.0)
    customers = customers.assign(expected=fitted(customers).value_of(customers))
    two = customers[customers["gains"] + customers["losses"] == 2]
    for losses, part in two.groupby("losses"):
        error = 4 * part["own"].std() / np.sqrt(len(part))
        assert part["expected"].mean() == pytest.approx(part["own"].mean(), abs=error), losses
    by_losses = two.groupby("losses")["expected"].mean()
    assert by_losses.is_monotonic_decreasing


def test_credibility_is_that_of_the_shop():
    """A beta(0.6, 3.4) share of losses weighs as much as 4 purchases (Bühlmann 1967)."""
    found = fitted(simulated(60_000, 2, credibility=4.0))
    assert found.credibility == pytest.approx(4.0, rel=0.1)


def test_customers_who_do_not_differ_keep_little_of_their_own_record():
    assert fitted(simulated(60_000, 3)).credibility > 40


def test_intervals_hold_the_truth_of_simulated_shops():
    """Missing more than 3 of 10 shops has a chance of one in a thousand at 95 %."""
    truth = {"p": P, "q": Q, "v": V, "loss_share": SHARE, "loss": LOSS}
    held = dict.fromkeys(truth, 0)
    for seed in range(10):
        intervals = fitted(simulated(1500, seed, credibility=4.0)).intervals()
        for name, value in truth.items():
            held[name] += intervals[name].low <= value <= intervals[name].high
    assert min(held.values()) >= 7


def test_without_losses_it_is_the_plain_model():
    customers = simulated(500, 4)
    gains = customers[customers["gains"] > 0].assign(losses=0, lost=0.0)
    plain = gamma_gamma.fit(gains["gains"], gains["mean_value"])
    assert fitted(gains) == plain


def test_share_and_loss_of_four_customers_by_hand():
    """Two of ten purchases lose, 30 and 50; the mean gain is the gamma-gamma model's."""
    customers = pd.DataFrame(
        {"gains": [3, 2, 2, 1], "losses": [0, 1, 0, 1], "mean_value": [80.0, 120.0, 60.0, 95.0],
         "lost": [0.0, 30.0, 0.0, 50.0]}
    )  # fmt: skip
    found = fitted(customers)
    assert (found.loss_share, found.loss) == (pytest.approx(0.2), pytest.approx(40))
    sure = replace(found, credibility=np.inf)
    gain = gamma_gamma.fit(customers["gains"], customers["mean_value"])
    expected = 0.8 * gain.expected_value(customers["gains"], customers["mean_value"]) - 0.2 * 40
    np.testing.assert_allclose(sure.value_of(customers), expected)
    # Two purchases of one's own against a credibility of 3: (3 x 0.2 + 1) / (3 + 2) = 0.32.
    own = replace(found, credibility=3.0).value_of(customers)[3]
    assert own == pytest.approx(0.68 * gain.expected_value(1, 95.0) - 0.32 * 40)


def test_a_customer_without_repeat_purchases_is_worth_the_population_mean():
    found = fitted(simulated(1500, 5))
    nobody = pd.DataFrame({"gains": [0], "losses": [0], "mean_value": [np.nan]})
    assert isinstance(found, GammaGammaWithLosses)
    assert found.value_of(nobody)[0] == pytest.approx(found.population_mean)


def test_weights_stand_for_repeated_rows():
    few = simulated(200, 6)
    weighted = fitted(few, np.full(200, 2))
    repeated = fitted(pd.concat([few, few]))
    np.testing.assert_allclose(weighted.parameters, repeated.parameters, rtol=1e-6)
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, rtol=1e-5)
    assert weighted.credibility == pytest.approx(repeated.credibility)


def test_losses_must_be_counts_and_money_from_zero():
    with pytest.raises(ValueError, match="losses must be counts from 0"):
        fit([1, 2], [10.0, 12.0], [0, 1], [0.0, -5.0])
