"""The models of repeat purchases that a shop is tried with, by name, and what all of them do."""

from collections.abc import Callable
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.models import bg_nbd, mbg_nbd, pareto_nbd
from helpers.models.estimate import Estimate

Floats = NDArray[np.float64]


class PurchaseModel(Protocol):
    """A fitted model of how often customers buy and whether they have left.

    A customer is `frequency` (days with a purchase after the first one), `recency` (time from first
    to last purchase) and `age` (time from first purchase to the end of observation), in the time
    unit of the fit. For every customer, new ones (0, 0, 0) too, `expected_purchases` is
    `probability_alive` times `purchases_while_alive`.
    """

    names: ClassVar[tuple[str, ...]]

    @property
    def log_covariance(self) -> tuple[tuple[float, ...], ...]:
        """Covariance of the logarithms of the parameters; NaN without a maximum."""

    @property
    def log_likelihood(self) -> float:
        """At the estimate; the same density of purchase times in every model."""

    @property
    def n_customers(self) -> float:
        """Customers of the fit."""

    @property
    def converged(self) -> bool:
        """False where the data do not pin the parameters down."""

    @property
    def parameters(self) -> Floats:
        """In the order of `names`."""

    @property
    def standard_errors(self) -> dict[str, float]:
        """By name of parameter."""

    def intervals(self) -> dict[str, Estimate]:
        """Estimate with 95 % interval by name of parameter."""

    def with_parameters(self, parameters: ArrayLike) -> Self:
        """The same model at other parameters, in the order of `names`."""

    def log_likelihoods(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Floats:
        """Log density of each customer's purchase times; comparable between models."""

    def probability_alive(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Floats:
        """Probability, 0 to 1, that each customer has not left."""

    def expected_purchases(
        self, horizon: float, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike
    ) -> Floats:
        """Purchases expected of each customer in the `horizon` after the end of observation."""

    def expected_purchases_new(self, horizon: float) -> float:
        """Repeat purchases expected of a new customer in the `horizon` after the first one."""

    def purchases_while_alive(
        self, horizon: float, frequency: Floats, age: Floats, *, discount_rate: float = 0.0
    ) -> Floats:
        """Purchases expected in the `horizon` of customers who are alive at its start.

        A purchase at time t ahead counts exp(-discount_rate t).
        """


Fit = Callable[[ArrayLike, ArrayLike, ArrayLike, ArrayLike | None], PurchaseModel]

KINDS: dict[str, type[PurchaseModel]] = {
    "bg_nbd": bg_nbd.BgNbd,
    "mbg_nbd": mbg_nbd.MbgNbd,
    "pareto_nbd": pareto_nbd.ParetoNbd,
}
"""Class of each model; the simplest first."""

FITS: dict[str, Fit] = {
    "bg_nbd": bg_nbd.fit,
    "mbg_nbd": mbg_nbd.fit,
    "pareto_nbd": pareto_nbd.fit,
}
"""How each model is fitted: `frequency`, `recency`, `age` and `weights` in."""
