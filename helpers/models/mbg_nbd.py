"""MBG/NBD model of repeat purchases: BG/NBD whose customers may leave after the first purchase.

While alive a customer buys at a rate that varies between customers as gamma(r, alpha); after each
purchase, the first included, the customer leaves with a probability that varies as beta(a, b). So
customers who bought once need not be taken for alive. Data are as in `bg_nbd`.

Source: Batislam, Denizel and Filiztekin (2007), International Journal of Research in Marketing 24;
Hoppe and Wagner (2007), who call it CBG/NBD, Marketing: Journal of Research and Management 3.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from helpers.models.bg_nbd import mixed_rate
from helpers.models.bg_nbd_likelihood import largest, log_likelihoods, log_odds_of_having_left
from helpers.models.purchase_fit import PurchaseFit, checked_customers

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MbgNbd(PurchaseFit):
    """A fitted MBG/NBD model.

    Attributes:
        r: Shape of the purchase rates, above 0.
        alpha: Their inverse scale, in the time unit of the data; r / alpha is the mean rate.
        a: First shape of the leaving probabilities; a / (a + b) is their mean.
        b: Second shape.
        log_likelihood: Without the terms that hold no parameter, as that of BG/NBD.
    """

    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihoods(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Floats:
        """Log density of each customer's purchase times."""
        x, last, end = checked_customers(frequency, recency, age)
        return log_likelihoods(self.parameters, x, x + 1, last, end)

    def probability_alive(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Floats:
        """Probability, 0 to 1, that each customer has not left; b / (a + b) for a new one."""
        x, last, end = checked_customers(frequency, recency, age)
        alive: Floats = expit(-log_odds_of_having_left(self.parameters, x, x + 1, last, end))
        return alive

    def _time_scale(self) -> float:
        return self.alpha

    def _purchase_rate(self, time: Floats, frequency: Floats, age: Floats) -> Floats:
        """Who is alive has stayed after frequency + 1 purchases."""
        span = self.alpha + age
        shape = self.r + frequency
        return mixed_rate(time / span, shape, self.a, self.b + frequency + 1) / span


def fit(
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    weights: ArrayLike | None = None,
) -> MbgNbd:
    """Fit by maximum likelihood, without priors.

    Args:
        frequency: Repeat purchase days of each customer, whole numbers from 0.
        recency: Time from first to last purchase; 0 exactly where frequency is 0.
        age: Time from first purchase to the end of observation, not below recency.
        weights: Customers that each row stands for; 1 each if left out.

    Raises:
        ValueError: no customers, no repeat purchase at all, or rows that break those rules.
    """
    return MbgNbd.at_maximum(largest(frequency, recency, age, weights, chances_before=1))
