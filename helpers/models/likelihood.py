"""Maximum likelihood for models whose parameters are all positive, worked on the log scale."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.stats import norm

from helpers.models.estimate import Estimate

Floats = NDArray[np.float64]
Derivatives = tuple[float, Floats, Floats]

FARTHEST_LOG_STEP = 12.0
LARGEST_NEWTON_DECREMENT = 1e-6


@dataclass(frozen=True)
class Maximum:
    """Where a log-likelihood is largest.

    Attributes:
        parameters: On the natural scale.
        log_covariance: Inverse observed information of the LOG parameters; NaN without a proper
            maximum. Nested tuples, so that a fit is hashable and goes into JSON.
        log_likelihood: At the maximum.
        converged: The gradient is spent, the curvature is that of a maximum, and no parameter ran
            off towards 0 or infinity.
        total_weight: Number of observations.
    """

    parameters: Floats
    log_covariance: tuple[tuple[float, ...], ...]
    log_likelihood: float
    converged: bool
    total_weight: float


@dataclass(frozen=True, kw_only=True)
class FittedModel:
    """What every fit here has besides its parameters.

    Attributes:
        log_covariance: Covariance of the logarithms of the parameters; NaN without a maximum.
        log_likelihood: At the estimate.
        n_customers: Total weight.
        converged: False where the data do not pin the parameters down; then use none of this.
    """

    names: ClassVar[tuple[str, ...]] = ()

    log_covariance: tuple[tuple[float, ...], ...]
    log_likelihood: float
    n_customers: float
    converged: bool

    @property
    def parameters(self) -> Floats:
        """The parameters in the order of `names`."""
        return np.array([getattr(self, name) for name in self.names])

    @classmethod
    def at_maximum(cls, found: Maximum) -> Self:
        """The model with the parameters that were found."""
        return cls(
            **dict(zip(cls.names, found.parameters.tolist(), strict=True)),
            log_covariance=found.log_covariance,
            log_likelihood=found.log_likelihood,
            n_customers=found.total_weight,
            converged=found.converged,
        )

    def with_parameters(self, parameters: ArrayLike) -> Self:
        """The same model at other parameters, in the order of `names`."""
        values = np.asarray(parameters, float).tolist()
        return replace(self, **dict(zip(self.names, values, strict=True)))

    @property
    def covariance(self) -> Floats:
        """Covariance of the parameters, by the delta method."""
        return np.array(self.log_covariance) * np.outer(self.parameters, self.parameters)

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard error by name of parameter."""
        return dict(zip(self.names, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    def intervals(self) -> dict[str, Estimate]:
        """Estimate with 95 % interval by name of parameter; symmetric on the log scale."""
        log_errors = np.sqrt(np.diag(np.array(self.log_covariance)))
        spreads = np.exp(norm.ppf(0.975) * log_errors)
        return {
            name: Estimate(value, value / spread, value * spread, self.n_customers, value * error)
            for name, value, spread, error in zip(
                self.names,
                self.parameters.tolist(),
                spreads.tolist(),
                log_errors.tolist(),
                strict=True,
            )
        }


def maximise(
    derivatives: Callable[[Floats], Derivatives], start: Floats, total_weight: float
) -> Maximum:
    """Maximise by Newton steps in a trust region, exact gradient and Hessian.

    Args:
        derivatives: Log parameters in; log-likelihood, gradient and Hessian by them out.
        start: Log parameters to begin with.
        total_weight: Number of observations; scales the stopping rule.
    """
    seen: dict[bytes, Derivatives] = {}

    def at(point: Floats) -> Derivatives:
        key = point.tobytes()
        if key not in seen:
            seen.clear()
            seen[key] = derivatives(point)
        return seen[key]

    found = minimize(
        lambda point: -at(point)[0] / total_weight,
        start,
        jac=lambda point: -at(point)[1] / total_weight,
        hess=lambda point: -at(point)[2] / total_weight,
        method="trust-exact",
        options={"gtol": 1e-7, "maxiter": 200, "max_trust_radius": 4.0},
    )
    point = np.asarray(found.x, float)
    value, gradient, hessian = at(point)
    inside = bool(np.abs(point - start).max() < FARTHEST_LOG_STEP)
    covariance = _inverse_of_positive(-hessian) if inside else None
    if covariance is None or np.diag(covariance).max() > FARTHEST_LOG_STEP**2:
        covariance = np.full_like(hessian, np.nan)
    decrement = float(gradient @ covariance @ gradient)
    converged = inside and decrement < LARGEST_NEWTON_DECREMENT
    nested = tuple(tuple(float(cell) for cell in row) for row in covariance)
    return Maximum(np.exp(point), nested, float(value), converged, total_weight)


def checked_weights(weights: object, length: int) -> Floats:
    """Weights as floats, ones where none are given; each must be finite and above 0."""
    if weights is None:
        return np.ones(length)
    checked = np.asarray(weights, float)
    if checked.shape != (length,) or not (np.isfinite(checked).all() and (checked > 0).all()):
        raise ValueError(
            f"weights have shape {checked.shape} and minimum "
            f"{checked.min() if checked.size else 'none'}, must be {length} finite numbers above 0."
        )
    return checked


def _inverse_of_positive(information: Floats) -> Floats | None:
    scale = np.sqrt(np.abs(np.diag(information)))
    if not np.isfinite(information).all() or (scale == 0).any():
        return None
    scaled = information / np.outer(scale, scale)
    if np.linalg.eigvalsh(scaled).min() <= 1e-12:
        return None
    inverse: Floats = np.linalg.inv(scaled) / np.outer(scale, scale)
    return inverse
