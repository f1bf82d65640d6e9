"""Customers: when they come, how often they buy while they stay, and how much they spend.

First purchase at acquisition; then Poisson purchases at a rate lambda ~ gamma(r, alpha) in
operational time, and after each repeat purchase the customer leaves with probability
p ~ beta(a, b) (Fader, Hardie and Lee 2005). Every order's amount is gamma(p, nu) with
nu ~ gamma(q, v) (Fader and Hardie 2013). Customers are numbered in the order of their first day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.channels import ChannelPlan
from helpers.store.sample.clock import Clock
from helpers.store.sample.columns import concatenate
from helpers.store.sample.settings import Setting, SpendTruth
from helpers.store.sample.streams import choose, stream

REGIONS = (
    ("Guangdong", 0.135), ("Jiangsu", 0.095), ("Zhejiang", 0.092), ("Shandong", 0.072),
    ("Shanghai", 0.062), ("Beijing", 0.057), ("Henan", 0.056), ("Sichuan", 0.055),
    ("Hubei", 0.046), ("Hebei", 0.042), ("Fujian", 0.041), ("Hunan", 0.039), ("Anhui", 0.037),
    ("Shaanxi", 0.028), ("Liaoning", 0.027), ("Jiangxi", 0.022), ("Chongqing", 0.022),
    ("Guangxi", 0.02), ("Tianjin", 0.015), ("Yunnan", 0.015), ("Heilongjiang", 0.014),
    ("Shanxi", 0.014), ("Guizhou", 0.013), ("Jilin", 0.011), ("Inner Mongolia", 0.01),
    ("Xinjiang", 0.009), ("Gansu", 0.008), ("Hainan", 0.006), ("Ningxia", 0.003),
    ("Qinghai", 0.002), ("Tibet", 0.001), ("Hong Kong", 0.005), ("Macao", 0.001),
)  # fmt: skip
REGION_NAMES = tuple(name for name, _ in REGIONS)
REGION_WEIGHTS = np.array([weight for _, weight in REGIONS])


@dataclass(frozen=True)
class Customers:
    """A block of customers who buy, one entry each.

    Attributes:
        number: Running number in the shop.
        channel: Channel that brought the customer.
        arrived: Operational time of the first purchase.
        rate: Purchases per operational day while alive.
        leaving: Probability to leave after a repeat purchase.
        spend_scale: Inverse scale of the customer's amounts, 1/CNY.
        region: Index into `REGION_NAMES`.
    """

    number: np.ndarray
    channel: np.ndarray
    arrived: np.ndarray
    rate: np.ndarray
    leaving: np.ndarray
    spend_scale: np.ndarray
    region: np.ndarray


@dataclass(frozen=True)
class Purchases:
    """Purchases of a block of customers, one entry each.

    Attributes:
        buyer: Row of the customer in the block.
        operational: Operational time.
        is_first: Whether it is the customer's first.
    """

    buyer: np.ndarray
    operational: np.ndarray
    is_first: np.ndarray


def draw_arrivals(setting: Setting, plan: ChannelPlan) -> np.ndarray:
    """New customers by day and channel: independent Poisson counts."""
    return stream(setting.seed, "arrivals").poisson(plan.new_customers)


def draw_customers(
    setting: Setting, clock: Clock, arrivals: np.ndarray, first: int, after: int
) -> Customers:
    """The customers numbered `first` to `after` - 1."""
    cumulative = np.cumsum(arrivals.ravel())
    number = np.arange(first, after)
    cell = np.searchsorted(cumulative, number, side="right")
    day, channel = np.divmod(cell, arrivals.shape[1])
    count = len(number)
    random = stream(setting.seed, "customers", first)
    truth = setting.buying
    return Customers(
        number=number,
        channel=channel,
        arrived=clock.reached[day] + clock.speed[day] * random.random(count),
        rate=random.gamma(truth.r, 1 / truth.alpha, count),
        leaving=random.beta(truth.a, truth.b, count),
        spend_scale=random.gamma(setting.spend.q, 1 / setting.spend.v, count),
        region=choose(random, REGION_WEIGHTS, count),
    )


def draw_purchases(
    setting: Setting, clock: Clock, customers: Customers, first: int
) -> tuple[Purchases, np.ndarray]:
    """All purchases of a block, and the operational time at which each customer left.

    A customer who is still there at the end has the end of the span.
    """
    random = stream(setting.seed, "purchases", first)
    everybody = np.arange(len(customers.number))
    rounds = [Purchases(everybody, customers.arrived, np.ones(len(everybody), dtype=bool))]
    left = np.full(len(everybody), clock.end)
    buyer, now = everybody, customers.arrived
    while len(buyer):
        now = now + random.standard_exponential(len(buyer)) / customers.rate[buyer]
        inside = now < clock.end
        buyer, now = buyer[inside], now[inside]
        rounds.append(Purchases(buyer, now, np.zeros(len(buyer), dtype=bool)))
        leaves = random.random(len(buyer)) < customers.leaving[buyer]
        left[buyer[leaves]] = now[leaves]
        buyer, now = buyer[~leaves], now[~leaves]
    return concatenate(rounds), left


def draw_amounts_cents(
    random: np.random.Generator, truth: SpendTruth, spend_scale: np.ndarray
) -> np.ndarray:
    """Amounts of orders of customers with given inverse scales, in cents."""
    amount_cny = random.gamma(truth.p, 1.0, len(spend_scale)) / spend_scale
    return np.maximum(np.rint(amount_cny * 100).astype(np.int64), 1)


def expected_returning(clock: Clock, customers: Customers, left: np.ndarray) -> np.ndarray:
    """Expected returning purchases by day, given the customers' rates and when they left."""
    reached = _rate_reached(clock, customers.arrived, customers.rate)
    reached -= _rate_reached(clock, left, customers.rate)
    return np.maximum(np.diff(reached), 0.0)


def _rate_reached(clock: Clock, since: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Sum of `rate` x operational time passed since `since`, at each day's start and the end."""
    days = len(clock.speed)
    day = clock.day_of(since)
    offset = since - clock.reached[day]
    rate_by_day = np.bincount(day, weights=rate, minlength=days)
    offset_by_day = np.bincount(day, weights=rate * offset, minlength=days)
    begun = np.concatenate([[0.0], np.cumsum(rate_by_day)])
    passed = np.zeros(days + 1)
    passed[1:] = np.cumsum(begun[:-1] * clock.speed + rate_by_day * clock.speed - offset_by_day)
    return passed
