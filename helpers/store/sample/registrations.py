"""Registrations: visitors who make an account and never order, and all that are expected.

Of the visitors of a channel who do not buy, a true share registers. Buyers, and people whose order
is never paid, have registered before their first order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from helpers.store.sample.channels import NAMES
from helpers.store.sample.columns import DAY
from helpers.store.sample.customers import REGION_WEIGHTS
from helpers.store.sample.orders import (
    FAKE_SHARE,
    ORDERS_WITHOUT_ATTEMPT,
    OTHER_KINDS,
    SAME_ACCOUNT_SHARE,
    SAMPLE,
    Accounts,
    hesitation,
    registration_lead,
)
from helpers.store.sample.repurchase import YEAR_DAYS
from helpers.store.sample.settings import PAYMENT_SUCCESS
from helpers.store.sample.streams import choose, stream
from helpers.store.sample.totals import Totals
from helpers.store.sample.traffic import Traffic
from helpers.store.sample.world import World

REGISTERS = {
    "organic_search": 0.011, "direct": 0.016, "recommendation": 0.007, "onsite_ads": 0.0095,
    "social_ads": 0.0065, "content": 0.008, "live": 0.013, "crm": 0.0, "referral": 0.022,
    "affiliate": 0.0075,
}  # fmt: skip
FIRST_ORDER_DAYS = 30
LONGEST_LEAD_DAYS = 400
REFERENCE_SIZE = 200_000
ACCOUNTS_IN_BATCH = 40_000


def registration_shares() -> np.ndarray:
    """True share of the visitors who do not buy that registers, by channel."""
    return np.array([REGISTERS[name] for name in NAMES])


def draw_registered(world: World, traffic: Traffic, buyers: np.ndarray) -> np.ndarray:
    """Accounts of visitors who never order, by day and channel."""
    random = stream(world.setting.seed, "registrations")
    return random.binomial(traffic.visitors - buyers, registration_shares())


def registered_accounts(
    world: World, registered: np.ndarray, next_account: int
) -> Iterator[Accounts]:
    """The accounts behind `draw_registered`, batch by batch."""
    cumulative = np.cumsum(registered.ravel())
    whole = int(cumulative[-1])
    for first in range(0, whole, ACCOUNTS_IN_BATCH):
        number = np.arange(first, min(first + ACCOUNTS_IN_BATCH, whole))
        cell = np.searchsorted(cumulative, number, side="right")
        day, channel = np.divmod(cell, registered.shape[1])
        random = stream(world.setting.seed, "registered", first)
        second = world.clock.second_of_day(day, random.random(len(number)))
        yield Accounts(
            number=next_account + number,
            registered=day * DAY + second,
            channel=channel,
            region=choose(random, REGION_WEIGHTS, len(number)),
        )


def lead_shares(world: World) -> np.ndarray:
    """Share of buyers by days from registration to first purchase, without pre-sales.

    From a reference of draws that is the same for every shop of the same hours.
    """
    random = stream(0, "registration_lead")
    size = REFERENCE_SIZE
    paid = world.clock.second_of_day(np.zeros(size, dtype=int), random.random(size))
    tries = 1 / PAYMENT_SUCCESS - 1 + ORDERS_WITHOUT_ATTEMPT
    tried_before = random.random(size) < -np.expm1(-SAME_ACCOUNT_SHARE * tries)
    earlier = np.where(tried_before, random.integers(90, 14_400, size), 0)
    before = hesitation(random, size) + earlier + registration_lead(random, size)
    lead = np.minimum(-((paid - before) // DAY), LONGEST_LEAD_DAYS)
    return np.bincount(lead, minlength=LONGEST_LEAD_DAYS + 1) / size


def spread_back(by_day: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """What happens on each day, moved back by 0, 1, 2 ... days with these shares."""
    padded = np.concatenate([by_day, np.zeros(len(shares) - 1)])
    return np.correlate(padded, shares, mode="valid")


def expected_strangers(world: World, totals: Totals, traffic: Traffic) -> np.ndarray:
    """Expected accounts of people who order and never pay, or get samples, by day of the order."""
    orders = (traffic.expected_buyers - totals.fake_buyers).sum(axis=1)
    tries = 1 / world.payment_success - 1 + ORDERS_WITHOUT_ATTEMPT
    per_order = tries * (1 - SAME_ACCOUNT_SHARE)
    if world.setting.mechanisms.other_orders:
        samples = sum(share for kind, share, *_ in OTHER_KINDS if kind == SAMPLE)
        per_order = per_order + FAKE_SHARE / 2 + samples
    return orders * per_order


def funnel_metrics(
    world: World, totals: Totals, traffic: Traffic, invited: np.ndarray, counted: float
) -> dict[str, tuple[float, str]]:
    """True registration and first-order rate of the last 365 days, with their notes.

    Args:
        world: The shop.
        totals: Its totals.
        traffic: Its traffic.
        invited: Expected accounts by day of people who accept an invitation and never order.
        counted: Chance that a purchase counts.
    """
    days = world.setting.days
    shares = lead_shares(world)
    new = world.channels.new_customers.sum(axis=1)
    buyers = spread_back(new, shares)
    absent = (traffic.expected_visitors - traffic.expected_buyers) * registration_shares()
    others = spread_back(expected_strangers(world, totals, traffic), shares)
    others = others + absent.sum(axis=1) + invited
    year = slice(max(days - YEAR_DAYS, 0), days)
    visitors = traffic.expected_visitors[year].sum()
    over = slice(max(year.start - FIRST_ORDER_DAYS, 0), max(days - FIRST_ORDER_DAYS, 1))
    soon = spread_back(new, shares[: FIRST_ORDER_DAYS + 1])[over].sum() * counted
    return {
        "registration_rate": (
            float((buyers + others)[year].sum() / visitors),
            "expected accounts made / expected visitors",
        ),
        "first_order_rate": (
            float(soon / (buyers + others)[over].sum()),
            f"first purchase within {FIRST_ORDER_DAYS} days, of the accounts whose time is over",
        ),
    }
