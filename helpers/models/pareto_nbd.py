"""Pareto/NBD model of repeat purchases (Schmittlein, Morrison and Colombo 1987).

While alive a customer buys at a rate that varies between customers as gamma(r, alpha); the customer
leaves at any time, at a rate that varies as gamma(s, beta). Data are as in `bg_nbd`: `frequency`,
`recency` and `age`; alpha, beta and every horizon have their time unit.

Source: Schmittlein, Morrison and Colombo (1987), Management Science 33; Fader and Hardie (2005), "A
Note on Deriving the Pareto/NBD Model and Related Expressions".
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.models import pareto_nbd_likelihood as likelihood
from helpers.models.purchase_fit import PurchaseFit, checked_customers

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ParetoNbd(PurchaseFit):
    """A fitted Pareto/NBD model.

    Attributes:
        r: Shape of the purchase rates, above 0.
        alpha: Their inverse scale, in the time unit of the data; r / alpha is the mean rate.
        s: Shape of the leaving rates, above 0.
        beta: Their inverse scale.
        log_likelihood: Without the terms that hold no parameter, as published.
    """

    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")

    r: float
    alpha: float
    s: float
    beta: float

    def log_likelihoods(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Floats:
        """Log density of each customer's purchase times."""
        return likelihood.log_likelihoods(
            self.parameters, *checked_customers(frequency, recency, age)
        )

    def probability_alive(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Floats:
        """Probability, 0 to 1, that each customer has not left."""
        return likelihood.probability_alive(
            self.parameters, *checked_customers(frequency, recency, age)
        )

    def _time_scale(self) -> float:
        return self.beta

    def _purchase_rate(self, time: Floats, frequency: Floats, age: Floats) -> Floats:
        """Posterior mean of the purchase rate times the chance to stay for so long."""
        span = self.beta + age
        rate = (self.r + frequency) / (self.alpha + age)
        return np.asarray(rate * (span / (span + time)) ** self.s)


def fit(
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    weights: ArrayLike | None = None,
) -> ParetoNbd:
    """Fit by maximum likelihood, without priors.

    Args:
        frequency: Repeat purchase days of each customer, whole numbers from 0.
        recency: Time from first to last purchase; 0 exactly where frequency is 0.
        age: Time from first purchase to the end of observation, not below recency.
        weights: Customers that each row stands for; 1 each if left out.

    Raises:
        ValueError: no customers, no repeat purchase at all, or rows that break those rules.
    """
    return ParetoNbd.at_maximum(likelihood.largest(frequency, recency, age, weights))
