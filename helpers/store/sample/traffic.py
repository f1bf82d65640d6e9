"""Traffic by day and channel: buyers from the orders, and visitors who did not buy.

Visitors come as a Poisson process and each buys with the channel's true conversion. Buyers are
known; so those who do not buy are an independent Poisson count with mean
expected buyers x (1 - conversion) / conversion, and expected buyers / expected visitors is the
true conversion exactly. The expectation is over chance alone, given who the customers are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.channels import attribute
from helpers.store.sample.streams import stream
from helpers.store.sample.totals import Totals
from helpers.store.sample.world import World

DAY_NOISE = 0.07
CHANNEL_NOISE = 0.05
NOISE_MEMORY = 0.6
SEEN_TO_THE_END = 0.965


@dataclass(frozen=True)
class Traffic:
    """Traffic by day and channel.

    Attributes:
        visitors: Visitors, each once a day.
        sessions: Visits.
        cart_visitors: Visitors who put something in the cart.
        paid_sessions: Visits with a paid order.
        expected_buyers: Expected buyers.
        expected_visitors: Expected visitors.
    """

    visitors: np.ndarray
    sessions: np.ndarray
    cart_visitors: np.ndarray
    paid_sessions: np.ndarray
    expected_buyers: np.ndarray
    expected_visitors: np.ndarray


def draw_traffic(world: World, totals: Totals) -> Traffic:
    """Visitors, sessions and carts that go with the buyers."""
    random = stream(world.setting.seed, "traffic")
    plan = world.channels
    expected = plan.new_customers + totals.returning[:, None] * plan.returning_share
    expected = expected + totals.fake_buyers
    conversion = plan.conversion
    absent = expected * (1 - conversion) / conversion
    if world.setting.mechanisms.process_noise:
        absent = absent * _day_effects(random, absent.shape)
    without = random.poisson(absent)
    visitors = totals.buyers + without
    return_visits = random.poisson(visitors * attribute("visits_again"))
    wants = np.clip(2.6 * attribute("conversion") + 0.012, 0, 0.3)
    paid_visits = totals.paid_orders
    if world.setting.mechanisms.process_noise:
        paid_visits = random.binomial(paid_visits, SEEN_TO_THE_END)
    return Traffic(
        visitors=visitors,
        sessions=visitors + return_visits,
        cart_visitors=totals.buyers + random.binomial(without, wants),
        paid_sessions=np.minimum(paid_visits, visitors + return_visits),
        expected_buyers=expected,
        expected_visitors=expected / conversion,
    )


def _day_effects(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Factors with mean 1 by day and channel: one for the whole shop, one for each channel."""
    days, channels = shape
    shop = _wandering(random, (days, 1)) * DAY_NOISE
    own = _wandering(random, (days, channels)) * CHANNEL_NOISE
    return np.exp(shop + own - (DAY_NOISE**2 + CHANNEL_NOISE**2) / 2)


def _wandering(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Standard normal series, each day remembering the one before."""
    steps = random.standard_normal(shape)
    steps[1:] *= np.sqrt(1 - NOISE_MEMORY**2)
    for day in range(1, shape[0]):
        steps[day] += NOISE_MEMORY * steps[day - 1]
    return steps
