"""Expected value of customers over the coming months, from fits of purchases and of their value.

Value is money per purchase times `margin`, discounted to today by the day at an annual rate.
Intervals carry the uncertainty of the fitted parameters, not the luck of the single customers.
Every function takes any `PurchaseModel`, and gamma-gamma with or without losses.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import qmc

from helpers.models.estimate import Estimate
from helpers.models.gamma_gamma import GammaGamma
from helpers.models.likelihood import FARTHEST_LOG_STEP
from helpers.models.purchase_models import PurchaseModel

Floats = NDArray[np.float64]
Function = Callable[[PurchaseModel, GammaGamma], Floats]

DRAWS = 1024
CUSTOMERS_IN_DRAWS = 200


@dataclass(frozen=True)
class Horizon:
    """How far ahead value counts, and at what discount.

    Attributes:
        months: Length; 12 months are a year.
        annual_discount_rate: 0.08 makes money a year ahead worth 1 / 1.08; 0 discounts nothing.
        margin: Share of spend that is value; 1 gives revenue, the contribution share contribution,
            below 0 where a shop loses on what it sells.
        time_units_per_year: Of the fit of purchases: 365.25 where ages are in days, 52.1786 in
            weeks.
    """

    months: float
    annual_discount_rate: float = 0.0
    margin: float = 1.0
    time_units_per_year: float = 365.25

    def __post_init__(self) -> None:
        limits = {"months": self.months, "time_units_per_year": self.time_units_per_year}
        for name, value in limits.items():
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} == {value}, must be finite and above 0.")
        if not self.annual_discount_rate > -1:
            raise ValueError(
                f"annual_discount_rate == {self.annual_discount_rate}, must be above -1; "
                "8 % is 0.08."
            )

    @property
    def length(self) -> float:
        """Length in the time unit of the fit."""
        return self.months / 12 * self.time_units_per_year

    @property
    def discount_rate(self) -> float:
        """Continuous rate for a time unit of the fit."""
        return float(np.log1p(self.annual_discount_rate)) / self.time_units_per_year


def expected_value(
    purchases: PurchaseModel, spend: GammaGamma, customers: pd.DataFrame, horizon: Horizon
) -> Floats:
    """Discounted value expected of each customer over the horizon, in money.

    Args:
        purchases: Fit of how often customers buy.
        spend: Fit of how much a purchase is worth; needs q > 1.
        customers: One row a customer: `frequency`, `recency`, `age` as in the fit of purchases, and
            what `spend.value_of` takes: `mean_value` of the repeat purchases in money (ignored
            without any), `gains` and `losses` where some purchases lose.
        horizon: From the end of observation onwards.

    Raises:
        ValueError: `spend.q` <= 1, where mean spend does not exist.
    """
    history = (customers[name].to_numpy(dtype=float) for name in ("frequency", "recency", "age"))
    alive = purchases.probability_alive(*history)
    return np.asarray(alive * value_if_alive(purchases, spend, customers, horizon))


def value_if_alive(
    purchases: PurchaseModel, spend: GammaGamma, customers: pd.DataFrame, horizon: Horizon
) -> Floats:
    """As `expected_value`, of each customer who is still alive at the end of observation.

    Times the probability of having left it is what went with those who have.
    """
    _check_mean_exists(spend)
    frequency, age = (customers[name].to_numpy(dtype=float) for name in ("frequency", "age"))
    discounted = purchases.purchases_while_alive(
        horizon.length, frequency, age, discount_rate=horizon.discount_rate
    )
    value: Floats = discounted * spend.value_of(customers) * horizon.margin
    return value


def mean_expected_value(
    purchases: PurchaseModel,
    spend: GammaGamma,
    customers: pd.DataFrame,
    horizon: Horizon,
    *,
    seed: int = 0,
) -> Estimate:
    """Mean over customers of `expected_value`, with an interval for the fitted parameters.

    The interval comes from quasi-random draws of the log parameters from their asymptotic normal.
    Every draw revalues the same 200 customers, evenly taken from all in order of their history; the
    ratio to their value at the estimate carries over to the mean of all. NaN where a fit has no
    covariance.

    Returns:
        Money per customer; `n` customers.
    """
    value = float(expected_value(purchases, spend, customers, horizon).mean())
    few = evenly_taken(customers, CUSTOMERS_IN_DRAWS)
    spent = replace(horizon, margin=1.0)

    def value_of_few(buys: PurchaseModel, pays: GammaGamma) -> float:
        return float(expected_value(buys, pays, few, spent).mean()) if pays.q > 1 else np.inf

    low, high = _ratio_quantiles(purchases, spend, value_of_few, seed)
    return _from_ratio(value, low, high, len(customers))


def new_customer_value(
    purchases: PurchaseModel, spend: GammaGamma, horizon: Horizon, *, seed: int = 0
) -> Estimate:
    """Discounted value of the REPEAT purchases expected of a new customer over the horizon.

    The first order is not in it: add its own value. The interval is as in `mean_expected_value`.

    Returns:
        Money per new customer; `n` customers of the fit of purchases.
    """
    _check_mean_exists(spend)
    start = np.zeros(1)

    def value_of_one(buys: PurchaseModel, pays: GammaGamma) -> float:
        alive = buys.probability_alive(start, start, start)
        discounted = alive * buys.purchases_while_alive(
            horizon.length, start, start, discount_rate=horizon.discount_rate
        )
        return float(discounted[0] * pays.population_mean)

    value = value_of_one(purchases, spend) * horizon.margin
    low, high = _ratio_quantiles(purchases, spend, value_of_one, seed)
    return _from_ratio(value, low, high, purchases.n_customers)


def with_errors(
    purchases: PurchaseModel, spend: GammaGamma, function: Function
) -> tuple[Floats, Floats]:
    """Several figures that rest on both fits, with their standard errors.

    The delta method on the log parameters, with differences as wide as one standard error along
    each axis of their covariance: two evaluations a parameter, where draws would take a thousand.

    Args:
        purchases: Fit of how often customers buy.
        spend: Fit of how much a purchase is worth.
        function: Both fits in, a column of figures out.

    Returns:
        The figures at the estimates and their standard errors; NaN errors where a fit has no
        covariance, or mean spend may not exist.
    """
    value = np.asarray(function(purchases, spend), float)
    centre, covariance = _joint(purchases, spend)
    if not np.isfinite(covariance).all():
        return value, np.full_like(value, np.nan)
    variance = np.zeros_like(value)
    for step in np.linalg.cholesky(covariance).T:
        step = np.clip(step, -FARTHEST_LOG_STEP, FARTHEST_LOG_STEP)
        ends = [_at(purchases, spend, centre + way * step) for way in (1, -1)]
        if not all(pays.q > 1 for _, pays in ends):
            return value, np.full_like(value, np.nan)
        up, down = (np.asarray(function(*fits), float) for fits in ends)
        variance += ((up - down) / 2) ** 2
    return value, np.sqrt(variance)


def evenly_taken(customers: pd.DataFrame, count: int) -> pd.DataFrame:
    """At most `count` rows, evenly taken from all in order of their history."""
    if len(customers) <= count:
        return customers
    names = ("mean_value", "recency", "age", "frequency")
    order = np.lexsort([customers[name].to_numpy(dtype=float) for name in names])
    places = (np.arange(count) + 0.5) * len(order) / count
    return customers.iloc[order[places.astype(int)]]


def _from_ratio(value: float, low: float, high: float, n: float) -> Estimate:
    """A loss has the larger ratio at its lower end."""
    ends = (value * low, value * high)
    return Estimate(value, min(ends), max(ends), n)


def _ratio_quantiles(
    purchases: PurchaseModel,
    spend: GammaGamma,
    value: Callable[[PurchaseModel, GammaGamma], float],
    seed: int,
) -> tuple[float, float]:
    """2.5 and 97.5 % quantiles of the value at drawn parameters over that at the estimate."""
    centre, covariance = _joint(purchases, spend)
    if not np.isfinite(covariance).all():
        return np.nan, np.nan
    root = np.linalg.cholesky(covariance).T
    normal = qmc.MultivariateNormalQMC(centre, cov_root=root, rng=np.random.default_rng(seed))
    drawn = np.clip(normal.random(DRAWS), centre - FARTHEST_LOG_STEP, centre + FARTHEST_LOG_STEP)
    base = value(purchases, spend)
    ratios = [value(*_at(purchases, spend, row)) / base for row in drawn]
    low, high = np.quantile(ratios, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)


def _joint(purchases: PurchaseModel, spend: GammaGamma) -> tuple[Floats, Floats]:
    """Logarithms of the parameters of both fits, those of purchases first, with covariance."""
    first = len(purchases.names)
    covariance = np.zeros((first + len(spend.names),) * 2)
    covariance[:first, :first] = purchases.log_covariance
    covariance[first:, first:] = spend.log_covariance
    return np.log(np.concatenate([purchases.parameters, spend.parameters])), covariance


def _at(
    purchases: PurchaseModel, spend: GammaGamma, log_parameters: Floats
) -> tuple[PurchaseModel, GammaGamma]:
    parameters, first = np.exp(log_parameters), len(purchases.names)
    return purchases.with_parameters(parameters[:first]), spend.with_parameters(parameters[first:])


def _check_mean_exists(spend: GammaGamma) -> None:
    if not spend.q > 1:
        raise ValueError(
            f"gamma-gamma q == {spend.q:.4g}, must be above 1 for mean spend to exist; "
            "take a longer period or leave out the few largest customers and say so."
        )
