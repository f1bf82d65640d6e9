"""One test of a message with a control group: whom the message makes buy, and whom not.

Half of the customers assigned get a win-back message. It adds one purchase within the window with
a chance that depends on what was known that day: lapsed customers who had bought before are moved,
those who bought lately or once long ago are not, and users of the app are moved more than others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from helpers.store.sample.columns import DAY, NO_TIME
from helpers.store.sample.customers import Customers, Purchases
from helpers.store.sample.history import History
from helpers.store.sample.streams import choose, stream
from helpers.store.sample.world import World

EXPERIMENT = "win_back_message"
CAMPAIGN = "win_back_test"
VARIANTS = ("control", "message")
CONTROL, MESSAGE = range(2)
STARTS_BEFORE_END_DAYS = 84
LEAST_HISTORY_DAYS = 120
WINDOW_DAYS = 30
CONTACT_COST_CNY = 0.35
LARGEST_SINCE_LAST_DAYS = 730
LEAST_SINCE_FIRST_DAYS = 31
EXPECTED_UNITS = 20_000
ELIGIBLE_SHARE = 0.69
APP_SHARE = 0.4
APP_FACTORS = (0.8, 1.3)
CITY_TIERS = ("tier_1", "new_tier_1", "tier_2", "tier_3")
CITY_WEIGHTS = np.array([0.2, 0.25, 0.25, 0.3])
VISIT_CHANCES = (0.09, 0.19)
OPENED_SHARE = 0.31
GROUPS = ("recent", "lapsed_repeat", "lapsed_once", "long_lapsed_repeat", "long_lapsed_once")
CHANCES = (0.0, 0.14, 0.035, 0.035, 0.0)
LAPSED_DAYS, LONG_LAPSED_DAYS = 60, 240
AFTER_DAYS = np.arange(1, 29)
AFTER_WEIGHTS = 0.87**AFTER_DAYS


@dataclass(frozen=True)
class Units:
    """Customers of a block in the test, one entry each; times in seconds from the start.

    Attributes:
        buyer: Row of the customer in the block.
        variant: Index into `VARIANTS`.
        assigned: When the customer was assigned.
        uses_app: Whether the customer uses the app.
        city: Index into `CITY_TIERS`.
        visits: Whether the customer visits the shop within the window.
        opened: When the message was opened; `NO_TIME` for never, or none sent.
    """

    buyer: np.ndarray
    variant: np.ndarray
    assigned: np.ndarray
    uses_app: np.ndarray
    city: np.ndarray
    visits: np.ndarray
    opened: np.ndarray


@dataclass
class ExperimentTally:
    """Sums over all blocks by group and use of the app, and sums of customers by variant.

    Attributes:
        customers: Customers assigned.
        effect: Expected further buyers if all of them got the message.
        would_buy: Those who buy within the window without it.
    """

    customers: np.ndarray = field(default_factory=lambda: np.zeros((len(GROUPS), 2)))
    effect: np.ndarray = field(default_factory=lambda: np.zeros((len(GROUPS), 2)))
    would_buy: np.ndarray = field(default_factory=lambda: np.zeros((len(GROUPS), 2)))


def first_day_of_test(world: World) -> int | None:
    """Day on which the test assigns its customers; None where the span is too short for one."""
    day = world.setting.days - 1 - STARTS_BEFORE_END_DAYS
    has_test = world.setting.mechanisms.experiments and day >= LEAST_HISTORY_DAYS
    return day if has_test else None


def group_of(count: np.ndarray, since_last: np.ndarray) -> np.ndarray:
    """Index into `GROUPS` of customers by purchase days so far and days since the last one."""
    repeat = count >= 2
    lapsed = np.where(repeat, 1, 2) + np.where(since_last > LONG_LAPSED_DAYS, 2, 0)
    return np.where(since_last < LAPSED_DAYS, 0, lapsed)


def draw_units(
    world: World, block: int, customers: Customers, history: History, tally: ExperimentTally
) -> tuple[Units, Purchases, np.ndarray]:
    """Customers of a block in the test, the purchases that it adds, their expectation by day.

    Args:
        world: The shop.
        block: Number of the block.
        customers: Its customers.
        history: What they buy without the test.
        tally: Gets the truth of the block.
    """
    random = stream(world.setting.seed, "experiment", block)
    day = first_day_of_test(world)
    assert day is not None
    sampled = random.random(len(customers.number)) < _sampled_share(world)
    everybody = np.arange(len(customers.number))
    count, last = history.before(everybody, np.full(len(everybody), day))
    may = (count > 0) & (day - last <= LARGEST_SINCE_LAST_DAYS)
    may &= day - history.first_day >= LEAST_SINCE_FIRST_DAYS
    buyer = everybody[may & sampled]
    size, today = len(buyer), np.full(len(buyer), day)
    app = random.random(size) < APP_SHARE
    group = group_of(count[buyer], day - last[buyer])
    chance = np.array(CHANCES)[group] * np.array(APP_FACTORS)[app.astype(int)]
    variant = (random.random(size) < 0.5).astype(np.int64)
    would_buy = history.buys(buyer, today, today + WINDOW_DAYS)
    moved = (variant == MESSAGE) & (random.random(size) < chance)
    extra, expected = _extra_purchases(world, random, buyer[moved], day, chance[variant == MESSAGE])
    cell = (group, app.astype(int))
    np.add.at(tally.customers, cell, 1)
    np.add.at(tally.effect, cell, chance * ~would_buy)
    np.add.at(tally.would_buy, cell, would_buy)
    return _units(random, buyer, variant, day, app, would_buy | moved), extra, expected


def _sampled_share(world: World) -> float:
    """Share of the eligible customers who take part: all in a small shop."""
    return min(1.0, EXPECTED_UNITS / (ELIGIBLE_SHARE * world.setting.customers))


def _extra_purchases(
    world: World, random: np.random.Generator, buyer: np.ndarray, day: int, chances: np.ndarray
) -> tuple[Purchases, np.ndarray]:
    weights = AFTER_WEIGHTS / AFTER_WEIGHTS.sum()
    when = day + AFTER_DAYS[choose(random, weights, len(buyer))]
    clock = world.clock
    operational = clock.reached[when] + clock.speed[when] * random.random(len(buyer))
    expected = np.zeros(world.setting.days)
    expected[day + AFTER_DAYS] = chances.sum() * weights
    return Purchases(buyer, operational, np.zeros(len(buyer), dtype=bool)), expected


def _units(
    random: np.random.Generator,
    buyer: np.ndarray,
    variant: np.ndarray,
    day: int,
    app: np.ndarray,
    buys: np.ndarray,
) -> Units:
    size = len(buyer)
    assigned = day * DAY + 9 * 3600 + random.integers(0, 3600, size)
    visits = random.random(size) < np.array(VISIT_CHANCES)[variant]
    opens = (variant == MESSAGE) & (random.random(size) < OPENED_SHARE)
    delay = np.clip(random.lognormal(9.6, 1.5, size), 60, 12 * DAY).astype(np.int64)
    return Units(
        buyer=buyer,
        variant=variant,
        assigned=assigned,
        uses_app=app,
        city=choose(random, CITY_WEIGHTS, size),
        visits=visits | buys,
        opened=np.where(opens, assigned + delay, NO_TIME),
    )


def experiment_metrics(tally: ExperimentTally, counted: float) -> dict[str, tuple[float, str]]:
    """True effect of the message on the share that buys, with its note; empty without a test."""
    if not tally.customers.sum():
        return {}
    effect = counted * tally.effect.sum() / tally.customers.sum()
    note = f"a purchase within {WINDOW_DAYS} days: message less control, over all assigned"
    return {"experiment_effect": (float(effect), note)}


def as_truth(tally: ExperimentTally, counted: float) -> dict[str, Any]:
    """The test's parameters and its effect by group, for `truth.json`."""
    effect = counted * tally.effect / np.maximum(tally.customers, 1)
    groups = [
        {
            "group": name,
            "uses_app": bool(app),
            "chance": CHANCES[index] * APP_FACTORS[app],
            "customers": int(tally.customers[index, app]),
            "would_buy": int(tally.would_buy[index, app]),
            "effect": float(effect[index, app]),
        }
        for index, name in enumerate(GROUPS)
        for app in (0, 1)
    ]
    return {
        "experiment": EXPERIMENT,
        "window_days": WINDOW_DAYS,
        "contact_cost_cny": CONTACT_COST_CNY,
        "lapsed_days": LAPSED_DAYS,
        "long_lapsed_days": LONG_LAPSED_DAYS,
        "groups": groups,
    }
