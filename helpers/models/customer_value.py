"""Expected value of customers over the coming months, from BG/NBD and gamma-gamma fits.

Value is money spent times `margin`, discounted to today by the day at an annual rate. Intervals
carry the uncertainty of the fitted parameters, not the luck of the single customers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import qmc

from helpers.models.bg_nbd import BgNbd
from helpers.models.estimate import Estimate
from helpers.models.gamma_gamma import GammaGamma

Floats = NDArray[np.float64]

QUADRATURE_NODES = 8
DRAWS = 1024
CUSTOMERS_IN_DRAWS = 200


@dataclass(frozen=True)
class Horizon:
    """How far ahead value counts, and at what discount.

    Attributes:
        months: Length; 12 months are a year.
        annual_discount_rate: 0.08 makes money a year ahead worth 1 / 1.08; 0 discounts nothing.
        margin: Share of spend that is value; 1 gives revenue, the contribution share contribution.
        time_units_per_year: Of the BG/NBD fit: 365.25 where ages are in days, 52.1786 in weeks.
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


def expected_value(
    purchases: BgNbd, spend: GammaGamma, customers: pd.DataFrame, horizon: Horizon
) -> Floats:
    """Discounted value expected of each customer over the horizon, in money.

    Args:
        purchases: Fit of how often customers buy.
        spend: Fit of how much a purchase is worth; needs q > 1.
        customers: One row a customer: `frequency`, `recency`, `age` as in the BG/NBD fit, and
            `mean_value` of the repeat purchases in money (ignored where frequency is 0).
        horizon: From the end of observation onwards.

    Raises:
        ValueError: `spend.q` <= 1, where mean spend does not exist.
    """
    _check_mean_exists(spend)
    return _value(purchases, spend, _grouped(customers), horizon)


def mean_expected_value(
    purchases: BgNbd,
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
    _check_mean_exists(spend)
    value = float(_value(purchases, spend, _grouped(customers), horizon).mean())
    few = _grouped(_evenly_taken(customers))
    low, high = _ratio_quantiles(
        purchases, spend, lambda buys, pays: float(_value(buys, pays, few, horizon).mean()), seed
    )
    return Estimate(value, value * low, value * high, len(customers))


def new_customer_value(
    purchases: BgNbd, spend: GammaGamma, horizon: Horizon, *, seed: int = 0
) -> Estimate:
    """Discounted value of the REPEAT purchases expected of a new customer over the horizon.

    The first order is not in it: add its own value. The interval is as in `mean_expected_value`.

    Returns:
        Money per new customer; `n` customers of the BG/NBD fit.
    """
    _check_mean_exists(spend)
    start = np.zeros(1)

    def value_of_one(buys: BgNbd, pays: GammaGamma) -> float:
        discounted = _discounted_purchases(buys, start, start, horizon)[0]
        return float(discounted * pays.population_mean * horizon.margin)

    value = value_of_one(purchases, spend)
    low, high = _ratio_quantiles(purchases, spend, value_of_one, seed)
    return Estimate(value, value * low, value * high, purchases.n_customers)


@dataclass(frozen=True)
class _Grouped:
    """Customers, and the distinct pairs of frequency and age that they share."""

    frequency: Floats
    recency: Floats
    age: Floats
    mean_value: Floats
    distinct_frequency: Floats
    distinct_age: Floats
    pair: NDArray[np.int64]


def _grouped(customers: pd.DataFrame) -> _Grouped:
    names = ("frequency", "recency", "age", "mean_value")
    x, recency, age, mean = (customers[name].to_numpy(dtype=float) for name in names)
    frequency_of, frequencies = pd.factorize(x)
    age_of, ages = pd.factorize(age)
    pair, keys = pd.factorize(frequency_of * np.int64(len(ages)) + age_of)
    distinct_x, distinct_age = np.divmod(keys, len(ages))
    return _Grouped(x, recency, age, mean, frequencies[distinct_x], ages[distinct_age], pair)


def _value(purchases: BgNbd, spend: GammaGamma, customers: _Grouped, horizon: Horizon) -> Floats:
    discounted = _discounted_purchases(
        purchases, customers.distinct_frequency, customers.distinct_age, horizon
    )
    alive = purchases.probability_alive(customers.frequency, customers.recency, customers.age)
    paid = spend.expected_value(customers.frequency, customers.mean_value)
    value: Floats = alive * discounted[customers.pair] * paid * horizon.margin
    return value


def _discounted_purchases(
    purchases: BgNbd, frequency: Floats, age: Floats, horizon: Horizon
) -> Floats:
    """Integral of the discounted purchase rate over the horizon, if alive at its start.

    Gauss-Legendre on the logarithm of time since long before the horizon, where the rate is smooth
    for young and old customers alike; right to nine digits.
    """
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    span = (purchases.alpha + age)[:, None]
    reach = np.log1p(horizon.length / span)
    place = reach * (nodes + 1) / 2
    time = span * np.expm1(place)
    years = time / horizon.time_units_per_year
    discount = np.exp(-np.log1p(horizon.annual_discount_rate) * years)
    rate = purchases.purchase_rate_while_alive(time, frequency[:, None], age[:, None])
    integral: Floats = (rate * discount * (span + time)) @ weights * reach[:, 0] / 2
    return integral


def _evenly_taken(customers: pd.DataFrame) -> pd.DataFrame:
    if len(customers) <= CUSTOMERS_IN_DRAWS:
        return customers
    names = ("mean_value", "recency", "age", "frequency")
    order = np.lexsort([customers[name].to_numpy(dtype=float) for name in names])
    places = (np.arange(CUSTOMERS_IN_DRAWS) + 0.5) * len(order) / CUSTOMERS_IN_DRAWS
    return customers.iloc[order[places.astype(int)]]


def _ratio_quantiles(
    purchases: BgNbd,
    spend: GammaGamma,
    value: Callable[[BgNbd, GammaGamma], float],
    seed: int,
) -> tuple[float, float]:
    """2.5 and 97.5 % quantiles of the value at drawn parameters over that at the estimate."""
    covariance = np.zeros((7, 7))
    covariance[:4, :4] = purchases.log_covariance
    covariance[4:, 4:] = spend.log_covariance
    if not np.isfinite(covariance).all():
        return np.nan, np.nan
    centre = np.log(np.concatenate([purchases.parameters, spend.parameters]))
    root = np.linalg.cholesky(covariance).T
    normal = qmc.MultivariateNormalQMC(centre, cov_root=root, rng=np.random.default_rng(seed))
    drawn = np.exp(normal.random(DRAWS))
    base = value(purchases, spend)
    ratios = [value(*_with_parameters(purchases, spend, row)) / base for row in drawn]
    low, high = np.quantile(ratios, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)


def _with_parameters(purchases: BgNbd, spend: GammaGamma, row: Floats) -> tuple[BgNbd, GammaGamma]:
    r, alpha, a, b, p, q, v = (float(value) for value in row)
    return replace(purchases, r=r, alpha=alpha, a=a, b=b), replace(spend, p=p, q=q, v=v)


def _check_mean_exists(spend: GammaGamma) -> None:
    if not spend.q > 1:
        raise ValueError(
            f"gamma-gamma q == {spend.q:.4g}, must be above 1 for mean spend to exist; "
            "take a longer period or leave out the few largest customers and say so."
        )
