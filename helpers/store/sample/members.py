"""Members of the private domain: who joins, when, and what it adds to their purchases.

Every customer decides once, on a day that no purchase has to do with. Who has bought more often
and more lately joins more often: all that the choice depends on can be seen in the orders, so
members differ from others only by what comparing like with like takes away. A member buys on top,
by a Poisson stream of its own, from the day after joining.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.store.sample.columns import DAY, NO_TIME
from helpers.store.sample.customers import Customers, Purchases
from helpers.store.sample.history import History
from helpers.store.sample.streams import choose, stream
from helpers.store.sample.world import World

DECISION_MEAN_DAYS = 260.0
EXTRA_PER_DAY = 0.0008
EXTRA_DAYS = 210
WINDOW_DAYS = 180
YEAR_DAYS = 365
LEAVES_SHARE = 0.18
INTAKES = ("parcel_card", "live", "service", "checkout")
INTAKE_WEIGHTS = np.array([0.46, 0.14, 0.22, 0.18])
TIERS = ("basic", "silver", "gold")
COMMUNITY_PER_DAY = 0.006


@dataclass(frozen=True)
class Members:
    """Members of a block, one entry each; times in seconds from the start.

    Attributes:
        buyer: Row of the customer in the block.
        day: Day of joining.
        joined: When the customer joined.
        left: When the customer left; `NO_TIME` for not yet.
        intake: Index into `INTAKES`.
        tier: Index into `TIERS`.
        tier_since: Day from which the tier holds.
    """

    buyer: np.ndarray
    day: np.ndarray
    joined: np.ndarray
    left: np.ndarray
    intake: np.ndarray
    tier: np.ndarray
    tier_since: np.ndarray


@dataclass
class MemberTally:
    """Sums over all blocks.

    Attributes:
        members: Customers who joined in the 365 days whose 180 days are over.
        effect: Their expected further buyers within 180 days because of joining.
        would_buy: Those of them who buy within 180 days without it.
        others: All customers who are no members 180 days before the end.
        others_buy: Those of them who buy in these 180 days.
    """

    members: int = 0
    effect: float = 0.0
    would_buy: int = 0
    others: int = 0
    others_buy: int = 0


def join_chance(count: np.ndarray, since_last: np.ndarray, since_first: np.ndarray) -> np.ndarray:
    """Chance to join of customers by purchase days so far and days since the last and first one."""
    score = -3.1 + 0.85 * np.minimum(count, 5) + 3.2 * np.exp(-since_last / 60)
    score = score - 0.0005 * np.minimum(since_first, 730)
    return 1 / (1 + np.exp(-score))


def draw_members(
    world: World, block: int, customers: Customers, history: History, tally: MemberTally
) -> tuple[Members, Purchases, np.ndarray]:
    """Members of a block, the purchases that joining adds, and their expected number by day.

    Args:
        world: The shop.
        block: Number of the block.
        customers: Its customers.
        history: What they buy of their own accord.
        tally: Gets the truth of the block.
    """
    random = stream(world.setting.seed, "members", block)
    everybody, days = np.arange(len(customers.number)), world.setting.days
    first = history.first_day
    wait = random.exponential(DECISION_MEAN_DAYS, len(everybody))
    day = first + 1 + np.minimum(wait, 2.0 * days).astype(np.int64)
    draw = random.random(len(everybody))
    decides = np.flatnonzero(day < days)
    day = day[decides]
    count, last = history.before(decides, day)
    joins = draw[decides] < join_chance(count, day - last, day - first[decides])
    _tally_members(world, tally, history, decides[joins], day[joins])
    _tally_others(world, tally, history, decides[joins], day[joins])
    members = _members(world, random, decides[joins], day[joins], count[joins])
    extra, expected = _extra_purchases(world, random, members)
    return members, extra, expected


def _members(
    world: World, random: np.random.Generator, buyer: np.ndarray, day: np.ndarray, count: np.ndarray
) -> Members:
    size = len(buyer)
    joined = day * DAY + world.clock.second_of_day(day, random.random(size))
    leaves = joined + ((WINDOW_DAYS + 1 + random.exponential(260.0, size)) * DAY).astype(np.int64)
    stays = (random.random(size) >= LEAVES_SHARE) | (leaves > world.setting.last_second)
    rises = day + random.integers(30, 400, size)
    tier = np.minimum(choose(random, np.array([0.5, 0.35, 0.15]), size) + (count >= 3), 2)
    tier = np.where(rises < world.setting.days, tier, 0)
    return Members(
        buyer=buyer,
        day=day,
        joined=joined,
        left=np.where(stays, NO_TIME, leaves),
        intake=choose(random, INTAKE_WEIGHTS, size),
        tier=tier,
        tier_since=np.where(tier > 0, rises, day),
    )


def _extra_purchases(
    world: World, random: np.random.Generator, members: Members
) -> tuple[Purchases, np.ndarray]:
    """Purchases at `EXTRA_PER_DAY` of operational time from the day after joining."""
    reached, days = world.clock.reached, world.setting.days
    begin = np.minimum(members.day + 1, days)
    end = np.minimum(begin + EXTRA_DAYS, days)
    length = reached[end] - reached[begin]
    times = random.poisson(EXTRA_PER_DAY * length)
    who = np.repeat(np.arange(len(times)), times)
    operational = reached[begin[who]] + length[who] * random.random(len(who))
    present = np.bincount(begin, minlength=days + 1) - np.bincount(end, minlength=days + 1)
    expected = np.cumsum(present)[:days] * world.clock.speed * EXTRA_PER_DAY
    no_first = np.zeros(len(who), dtype=bool)
    return Purchases(members.buyer[who], operational, no_first), expected


def _tally_members(
    world: World, tally: MemberTally, history: History, buyer: np.ndarray, day: np.ndarray
) -> None:
    last = world.setting.days - 1 - WINDOW_DAYS
    inside = (day <= last) & (day > last - YEAR_DAYS)
    buyer, day = buyer[inside], day[inside]
    buys = history.buys(buyer, day + 1, day + WINDOW_DAYS)
    reached = world.clock.reached
    passed = reached[day + 1 + WINDOW_DAYS] - reached[day + 1]
    tally.members += len(buyer)
    tally.effect += float((~buys * -np.expm1(-EXTRA_PER_DAY * passed)).sum())
    tally.would_buy += int(buys.sum())


def _tally_others(
    world: World, tally: MemberTally, history: History, buyer: np.ndarray, day: np.ndarray
) -> None:
    last = world.setting.days - 1 - WINDOW_DAYS
    is_other = history.first_day <= last
    is_other[buyer[day <= last]] = False
    others = np.flatnonzero(is_other)
    first = np.full(len(others), last + 1)
    tally.others += len(others)
    tally.others_buy += int(history.buys(others, first, first + WINDOW_DAYS - 1).sum())


def member_metrics(tally: MemberTally, counted: float) -> dict[str, tuple[float, str]]:
    """True effect of joining and what members differ by, with notes; empty without members."""
    if not tally.members:
        return {}
    effect = counted * tally.effect / tally.members
    biased = effect + counted * tally.would_buy / tally.members
    if tally.others:
        biased -= counted * tally.others_buy / tally.others
    window = f"a purchase within {WINDOW_DAYS} days after the day of joining"
    return {
        "member_effect": (effect, f"{window}: what joining adds, over the members"),
        "member_naive": (biased, f"{window}, less all others' in the last {WINDOW_DAYS} days"),
    }


def as_truth(tally: MemberTally) -> dict[str, Any]:
    """The members' parameters for `truth.json`."""
    return {
        "extra_purchases_per_operational_day": EXTRA_PER_DAY,
        "extra_days": EXTRA_DAYS,
        "decision_mean_days": DECISION_MEAN_DAYS,
        "window_days": WINDOW_DAYS,
        "members_in_window": tally.members,
        "would_buy_in_window": tally.would_buy,
    }
