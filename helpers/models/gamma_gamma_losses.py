"""Gamma-gamma model of contribution per purchase, where some purchases lose money.

A purchase loses with a probability that does not depend on what the others earn; the values of
those that earn follow a gamma-gamma model. The hurdle stands at the single purchase: a customer's
MEAN is below 0 the less often the more purchases it is taken over, so that a hurdle there would
pick customers by how often they buy. Customers may differ in how often they lose (those who send
much back): their own record counts by its credibility.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from helpers.models import gamma_gamma
from helpers.models.gamma_gamma import GammaGamma
from helpers.models.likelihood import checked_weights

Floats = NDArray[np.float64]

SMALLEST_LOSS = 0.005


@dataclass(frozen=True, kw_only=True)
class GammaGammaWithLosses(GammaGamma):
    """A fitted gamma-gamma model of the purchases that earn, with those that lose beside it.

    Attributes:
        loss_share: Share of purchases that earn nothing or lose, above 0 and at most 1.
        loss: Mean money lost by one of them, above 0.
        credibility: How many purchases of one's own weigh as much as `loss_share`; infinite where
            customers do not differ beyond chance.
    """

    names: ClassVar[tuple[str, ...]] = ("p", "q", "v", "loss_share", "loss")

    loss_share: float
    loss: float
    credibility: float

    @property
    def population_mean(self) -> float:
        """Mean contribution of a purchase over customers, in money; infinite where q <= 1."""
        share = min(self.loss_share, 1.0)
        return (1 - share) * super().population_mean - share * self.loss

    def value_of(self, customers: pd.DataFrame) -> Floats:
        """Contribution expected of each customer's purchases, in money.

        Args:
            customers: `gains` and `losses` (repeat purchases that earn and that do not),
                `mean_value` of the gains in money (ignored without any).

        Source: Fader and Hardie (2013) for the gains; Bühlmann (1967) for the share of losses.
        """
        losses = customers["losses"].to_numpy(dtype=float)
        seen = customers["gains"].to_numpy(dtype=float) + losses
        own = (losses - self.loss_share * seen) / (self.credibility + seen)
        share = np.clip(self.loss_share + own, 0.0, 1.0)
        gain = self.expected_value(customers["gains"], customers["mean_value"])
        value: Floats = (1 - share) * gain - share * self.loss
        return value


def fit(
    gains: ArrayLike,
    mean_gain: ArrayLike,
    losses: ArrayLike,
    lost: ArrayLike,
    weights: ArrayLike | None = None,
) -> GammaGamma:
    """Fit the gains by maximum likelihood, the losses by their share and mean.

    The standard errors of share and mean take customers as the independent units.

    Args:
        gains: Repeat purchases of each customer that earn, whole numbers from 0.
        mean_gain: Their mean contribution in money, above 0 (ignored where `gains` is 0).
        losses: Repeat purchases that earn nothing or lose, whole numbers from 0.
        lost: Money lost by them in all, 0 or more.
        weights: Customers that each row stands for; 1 each if left out.

    Returns:
        A `GammaGammaWithLosses`; a plain `GammaGamma` where no purchase loses.

    Raises:
        ValueError: fewer than two distinct mean gains, or rows that break those rules.
    """
    earns, loses, money = (np.asarray(column, float) for column in (gains, losses, lost))
    weight = checked_weights(weights, len(earns))
    if not (np.isfinite(money) & (money >= 0) & (loses >= 0) & (loses == np.floor(loses))).all():
        raise ValueError("losses must be counts from 0 and lost finite money from 0.")
    some = earns > 0
    gained = gamma_gamma.fit(earns[some], np.asarray(mean_gain, float)[some], weight[some])
    if not loses.any():
        return gained
    share, loss, covariance = _losses(earns + loses, loses, money, weight)
    joint = np.zeros((5, 5))
    joint[:3, :3] = gained.log_covariance
    joint[3:, 3:] = covariance
    return GammaGammaWithLosses(
        p=gained.p,
        q=gained.q,
        v=gained.v,
        loss_share=share,
        loss=loss,
        credibility=_credibility(earns + loses, loses, share, weight),
        log_covariance=tuple(tuple(row) for row in joint.tolist()),
        log_likelihood=gained.log_likelihood,
        n_customers=float(weight.sum()),
        converged=gained.converged,
    )


def _losses(
    purchases: Floats, losses: Floats, lost: Floats, weight: Floats
) -> tuple[float, float, Floats]:
    """Share of losing purchases, their mean loss, and the covariance of the logarithms of both."""
    share = float(weight @ losses / (weight @ purchases))
    loss = max(float(weight @ lost / (weight @ losses)), SMALLEST_LOSS)
    residuals = np.stack([losses - share * purchases, (lost - loss * losses) / loss])
    covariance = (residuals * weight) @ residuals.T / (weight @ losses) ** 2
    return share, loss, covariance


def _credibility(purchases: Floats, losses: Floats, share: float, weight: Floats) -> float:
    """1 / correlation of two purchases of one customer, less 1, by moments; infinite at none."""
    pairs = weight @ (purchases * (purchases - 1))
    within = share * (1 - share)
    if not pairs or not within:
        return float("inf")
    excess = weight @ (losses - share * purchases) ** 2 / within - weight @ purchases
    return float(pairs / excess - 1) if 0 < excess < pairs else float("inf")
