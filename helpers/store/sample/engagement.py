"""Engagement: signs of life besides orders, and who shows one in 30 days after the first purchase.

A customer is active with a chance that depends on the channel only: then there is a sign on one of
the 30 days after that of the first purchase, else there is none. Neither changes what is bought.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.channels import NAMES
from helpers.store.sample.columns import DAY, concatenate, take
from helpers.store.sample.customers import Customers, Purchases
from helpers.store.sample.history import History
from helpers.store.sample.members import COMMUNITY_PER_DAY, Members
from helpers.store.sample.repurchase import YEAR_DAYS
from helpers.store.sample.streams import choose
from helpers.store.sample.world import World

ACTIVATES = {
    "organic_search": 0.48, "direct": 0.56, "recommendation": 0.4, "onsite_ads": 0.41,
    "social_ads": 0.35, "content": 0.5, "live": 0.54, "crm": 0.5, "referral": 0.6,
    "affiliate": 0.33,
}  # fmt: skip
ACTIVATION_DAYS = 30
OPENS_WELCOME_SHARES = (0.55, 0.35)
KINDS = ("visit", "points_used", "coupon_redeemed", "community")
VISIT, POINTS, COUPON, COMMUNITY = range(len(KINDS))
WELCOME, NO_CAMPAIGN = 0, -1
SIGN_SHARES = ((VISIT, 0.5), (POINTS, 0.1), (COUPON, 0.14))
SIGN_DAYS = np.arange(1, ACTIVATION_DAYS + 1)
SIGN_WEIGHTS = 0.93**SIGN_DAYS
LATER_VISITS, LATER_MEAN_DAYS = 0.5, 120.0
REDEEMED_SHARE = 0.08


@dataclass(frozen=True)
class Activation:
    """Who of a block is active.

    Attributes:
        is_active: Whether the customer shows a sign.
        opened_day: For each message of the welcome series, the day of opening; -1 for never.
    """

    is_active: np.ndarray
    opened_day: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Engagements:
    """Signs of a block, one entry each.

    Attributes:
        buyer: Row of the customer in the block.
        kind: Index into `KINDS`.
        occurred: When, in seconds from the start.
        campaign: Index into the shop's campaigns of the one that it answers; -1 for none.
    """

    buyer: np.ndarray
    kind: np.ndarray
    occurred: np.ndarray
    campaign: np.ndarray


def activation_shares() -> np.ndarray:
    """True share of the new customers who are active, by channel."""
    return np.array([ACTIVATES[name] for name in NAMES])


def draw_activation(
    random: np.random.Generator, customers: Customers, history: History, sent_days: tuple[int, ...]
) -> Activation:
    """Who is active, and who opens which message of the welcome series.

    Args:
        random: Draws everything.
        customers: Customers of a block.
        history: Their purchase days.
        sent_days: Days after the first purchase on which the messages are sent.
    """
    size = len(customers.number)
    active = random.random(size) < activation_shares()[customers.channel]
    opened = []
    for sent, share in zip(sent_days, OPENS_WELCOME_SHARES, strict=True):
        opens = active & (random.random(size) < share)
        after = np.minimum(sent + random.geometric(0.45, size) - 1, ACTIVATION_DAYS)
        opened.append(np.where(opens, history.first_day + after, -1))
    return Activation(active, tuple(opened))


def draw_engagements(
    world: World,
    random: np.random.Generator,
    history: History,
    activation: Activation,
    purchases: Purchases,
) -> Engagements:
    """Signs of a block besides messages opened, until the span ends."""
    parts = [
        *_first_signs(random, history, activation),
        _later_visits(random, history, activation),
        _redeemed(world, random, history, purchases),
    ]
    found = concatenate(parts)
    found = take(found, found.occurred <= world.setting.last_second)
    return take(found, np.lexsort((found.occurred, found.buyer)))


def _first_signs(
    random: np.random.Generator, history: History, activation: Activation
) -> list[Engagements]:
    """Signs within the 30 days; who has opened no message visits, if nothing else."""
    active = np.flatnonzero(activation.is_active)
    shown = np.zeros(len(active), dtype=bool)
    for opened in activation.opened_day:
        shown |= opened[active] >= 0
    signs = [(kind, random.random(len(active)) < share) for kind, share in SIGN_SHARES]
    for _, has in signs:
        shown |= has
    parts = [_sign(random, history, active[has], kind) for kind, has in signs]
    return [*parts, _sign(random, history, active[~shown], VISIT)]


def _sign(
    random: np.random.Generator, history: History, buyer: np.ndarray, kind: int
) -> Engagements:
    day = history.first_day[buyer] + SIGN_DAYS[choose(random, SIGN_WEIGHTS, len(buyer))]
    return _at_daytime(random, buyer, day, kind)


def _at_daytime(
    random: np.random.Generator, buyer: np.ndarray, day: np.ndarray, kind: int
) -> Engagements:
    second = random.integers(8 * 3600, 23 * 3600 + 1800, len(buyer))
    campaign = WELCOME if kind == COUPON else NO_CAMPAIGN
    size = len(buyer)
    return Engagements(buyer, np.full(size, kind), day * DAY + second, np.full(size, campaign))


def _later_visits(
    random: np.random.Generator, history: History, activation: Activation
) -> Engagements:
    times = random.poisson(LATER_VISITS * activation.is_active)
    buyer = np.repeat(np.arange(len(times)), times)
    wait = random.exponential(LATER_MEAN_DAYS, len(buyer)).astype(np.int64)
    day = history.first_day[buyer] + ACTIVATION_DAYS + 1 + wait
    return _at_daytime(random, buyer, day, VISIT)


def _redeemed(
    world: World, random: np.random.Generator, history: History, purchases: Purchases
) -> Engagements:
    """Coupons redeemed with a purchase after the 30 days."""
    when = world.clock.seconds(purchases.operational)
    late = when // DAY > history.first_day[purchases.buyer] + ACTIVATION_DAYS
    rows = np.flatnonzero(late & (random.random(len(when)) < REDEEMED_SHARE))
    coupon, none = np.full(len(rows), COUPON), np.full(len(rows), NO_CAMPAIGN)
    return Engagements(purchases.buyer[rows], coupon, when[rows], none)


def draw_community(
    world: World,
    random: np.random.Generator,
    history: History,
    members: Members,
    is_active: np.ndarray,
) -> Engagements:
    """What members do in their group while they stay; the first 30 days only if they are active."""
    left = np.minimum(members.left // DAY, world.setting.days)
    stays = np.where(members.left < 0, world.setting.days, left) - members.day - 1
    stays = np.maximum(stays, 0)
    times = random.poisson(COMMUNITY_PER_DAY * np.minimum(stays, 365))
    who = np.repeat(np.arange(len(times)), times)
    day = members.day[who] + 1 + np.floor(random.random(len(who)) * np.minimum(stays, 365)[who])
    buyer, day = members.buyer[who], day.astype(np.int64)
    late = day > history.first_day[buyer] + ACTIVATION_DAYS
    found = _at_daytime(random, buyer, day, COMMUNITY)
    return take(found, (late | is_active[buyer]) & (found.occurred <= world.setting.last_second))


def activation_metrics(world: World) -> dict[str, tuple[float, str]]:
    """True activation rate of the customers whose 30 days end in the last 365, with its note."""
    days = world.setting.days
    over = slice(max(days - YEAR_DAYS - ACTIVATION_DAYS, 0), max(days - ACTIVATION_DAYS, 1))
    new = world.channels.new_customers[over]
    return {
        "activation_rate": (
            float((new @ activation_shares()).sum() / new.sum()),
            f"a sign of engagement within {ACTIVATION_DAYS} days after the first purchase day",
        )
    }
