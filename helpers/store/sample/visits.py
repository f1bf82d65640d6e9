"""Visits: what people drawn at random do in the shop, over days and through several channels.

A journey ends with a visit through a channel; the visits before it come from an own Markov chain,
backwards: each earlier visit came through a channel that depends on the next one. Some journeys
end with an order, which is one of `orders`, by its channel and time. The others are drawn so that
visits by day and channel are the sampled share of `traffic_daily` in expectation. A person uses one
device. On one device and channel a planted share of checkouts breaks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from helpers.store.sample.channels import CHANNELS, NAMES, attribute
from helpers.store.sample.columns import DAY, concatenate
from helpers.store.sample.orders import SALE, Orders
from helpers.store.sample.streams import choose, stream
from helpers.store.sample.traffic import Traffic
from helpers.store.sample.world import World

WINDOW_DAYS = 548
SHARE, MOST_VISITS = 1 / 12, 190_000
MOST_BEFORE = 4
MEAN_GAP_DAYS, LONGEST_GAP_DAYS = 2.6, 14.0
GOES_ON_BUYER, GOES_ON_RETURNING, GOES_ON_OTHER = 0.58, 0.3, 0.2
DEVICES = ("phone", "desktop", "tablet")
DEVICE_SHARES = np.array([0.80, 0.145, 0.055])
COMPLETES = 0.74
LEAK_DEVICE, LEAK_CHANNEL, LEAK_COMPLETES = "phone", "social_ads", 0.5
NO_ORDER = -1
# Channel of the visit before, by channel of a visit (rows), both in the order of `CHANNELS`:
# search, direct, recommendation, on-site ads, social ads, content, live, CRM, referral, affiliate
EARLIER = np.array([
    [0.22, 0.04, 0.14, 0.10, 0.20, 0.24, 0.03, 0.01, 0.01, 0.01],
    [0.18, 0.20, 0.13, 0.12, 0.14, 0.13, 0.05, 0.02, 0.02, 0.01],
    [0.12, 0.05, 0.40, 0.10, 0.16, 0.12, 0.03, 0.01, 0.005, 0.005],
    [0.18, 0.04, 0.16, 0.24, 0.20, 0.14, 0.02, 0.01, 0.005, 0.005],
    [0.04, 0.03, 0.12, 0.06, 0.52, 0.18, 0.03, 0.01, 0.005, 0.005],
    [0.05, 0.03, 0.10, 0.05, 0.17, 0.55, 0.03, 0.01, 0.005, 0.005],
    [0.05, 0.06, 0.08, 0.05, 0.20, 0.18, 0.36, 0.01, 0.005, 0.005],
    [0.12, 0.26, 0.08, 0.08, 0.10, 0.08, 0.05, 0.22, 0.005, 0.005],
    [0.12, 0.14, 0.08, 0.06, 0.14, 0.20, 0.06, 0.02, 0.17, 0.01],
    [0.22, 0.06, 0.12, 0.14, 0.14, 0.14, 0.04, 0.02, 0.01, 0.11],
])  # fmt: skip


@dataclass(frozen=True)
class Buys:
    """Orders of sampled customers, one entry each.

    Attributes:
        account: Running number of the account.
        number: Running number of the order.
        created: When it was placed, in seconds from the start.
        channel: Index of the channel.
        is_first: Whether it is the customer's first purchase.
    """

    account: np.ndarray
    number: np.ndarray
    created: np.ndarray
    channel: np.ndarray
    is_first: np.ndarray


@dataclass
class VisitSample:
    """Who is in the sample, and the orders collected so far.

    Attributes:
        share: Share of all people.
        first_day: First day of the visits.
        parts: Orders, block by block.
    """

    share: float
    first_day: int
    parts: list[Buys] = field(default_factory=list)

    def add(self, orders: Orders) -> None:
        """Takes the paid orders of sampled customers; who is sampled depends on the account."""
        take = orders.is_paid & (orders.kind == SALE) & ~orders.is_fake
        take &= (orders.created >= self.first_day * DAY) & (_lot(orders.account) < self.share)
        rows = np.flatnonzero(take)
        self.parts.append(
            Buys(orders.account[rows], orders.number[rows], orders.created[rows],
                 orders.channel[rows], orders.is_first[rows])
        )  # fmt: skip


def _lot(account: np.ndarray) -> np.ndarray:
    """A number in [0, 1) for each account that has nothing to do with its order."""
    mixed = account.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(40)).astype(float) / 2.0**24


def begin_sample(world: World) -> VisitSample:
    """The sample of a shop: a share of all people, smaller where that would be too many visits."""
    first = max(world.setting.days - WINDOW_DAYS, 0)
    buyers = 1.8 * world.channels.new_customers[first:] / world.channels.conversion[first:]
    visits = (buyers * (1 + attribute("visits_again"))).sum()
    return VisitSample(float(min(SHARE, MOST_VISITS / max(visits, 1))), first)


@dataclass(frozen=True)
class Journeys:
    """Last visits of journeys, one entry each.

    Attributes:
        person: Running number of the person in the sample.
        account: Account; -1 for people without an order.
        order: Running number of the order; `NO_ORDER` for none.
        created: When the order was placed; 0 for none.
        ended: When the last visit began, in seconds from the start.
        channel: Channel of the last visit.
        goes_on: Chance of each further visit before.
        device: Index into `DEVICES`.
    """

    person: np.ndarray
    account: np.ndarray
    order: np.ndarray
    created: np.ndarray
    ended: np.ndarray
    channel: np.ndarray
    goes_on: np.ndarray
    device: np.ndarray


@dataclass(frozen=True)
class Visits:
    """Visits, one entry each, by journey.

    Attributes:
        person: Running number of the person.
        account: Account; -1 where not known.
        order: Running number of the order made in it; `NO_ORDER` for none.
        created: When that order was placed.
        started: When it began, in seconds from the start.
        channel: Channel.
        device: Index into `DEVICES`.
    """

    person: np.ndarray
    account: np.ndarray
    order: np.ndarray
    created: np.ndarray
    started: np.ndarray
    channel: np.ndarray
    device: np.ndarray


def draw_visits(world: World, sample: VisitSample, traffic: Traffic) -> Visits:
    """All visits of the people in the sample."""
    random = stream(world.setting.seed, "visits")
    buys = concatenate([_no_buys(), *sample.parts])
    bought = _bought(random, buys)
    visits = [_with_earlier(world, random, bought)]
    others = _others(world, random, sample, traffic, bought, int(bought.person.max(initial=-1)) + 1)
    visits.append(_with_earlier(world, random, others))
    drawn = concatenate(visits)
    keep = drawn.started >= sample.first_day * DAY
    order = np.lexsort((drawn.person, drawn.started))
    order = order[keep[order]]
    return Visits(*(getattr(drawn, name)[order] for name in Visits.__dataclass_fields__))


def _no_buys() -> Buys:
    none = np.zeros(0, dtype=np.int64)
    return Buys(none, none, none, none, none.astype(bool))


def _bought(random: np.random.Generator, buys: Buys) -> Journeys:
    """Journeys that end with an order, a few minutes before it is placed."""
    count = len(buys.account)
    _, first, person = np.unique(buys.account, return_index=True, return_inverse=True)
    ended = buys.created - random.integers(100, 1_500, count)
    on_leak = buys.channel[first] == NAMES.index(LEAK_CHANNEL)
    usual = choose(random, DEVICE_SHARES, len(first))
    device = np.where(on_leak, choose(random, _buyers_device_shares(), len(first)), usual)
    return Journeys(
        person=person,
        account=buys.account,
        order=buys.number,
        created=buys.created,
        ended=np.maximum(ended, 0),
        channel=buys.channel,
        goes_on=np.where(buys.is_first, GOES_ON_BUYER, GOES_ON_RETURNING),
        device=device[person],
    )


def _buyers_device_shares() -> np.ndarray:
    """Devices of buyers who came through the channel with the leak: as many checkouts break."""
    leak = np.array([device == LEAK_DEVICE for device in DEVICES])
    return DEVICE_SHARES * np.where(leak, LEAK_COMPLETES / COMPLETES, 1.0)


def earlier_visits(goes_on: float) -> np.ndarray:
    """Expected earlier visits by channel (columns) of a journey that ends in a channel (rows)."""
    found = np.zeros_like(EARLIER)
    step = np.eye(len(EARLIER))
    for _ in range(MOST_BEFORE):
        step = goes_on * step @ EARLIER
        found += step
    return found


def _others(
    world: World,
    random: np.random.Generator,
    sample: VisitSample,
    traffic: Traffic,
    bought: Journeys,
    next_person: int,
) -> Journeys:
    """Journeys without an order: what the sampled share of visits leaves for them.

    A journey's earlier visits are on average as many as those of others on the same days.
    """
    days = world.setting.days
    sessions = sample.share * traffic.sessions[sample.first_day :]
    seen = sessions.sum(axis=0)
    with_order = np.zeros(len(NAMES))
    for goes_on in (GOES_ON_BUYER, GOES_ON_RETURNING):
        rows = bought.goes_on == goes_on
        ends = np.bincount(bought.channel[rows], minlength=len(NAMES))
        with_order += ends + ends @ earlier_visits(goes_on)
    last = (seen - with_order) @ np.linalg.inv(np.eye(len(NAMES)) + earlier_visits(GOES_ON_OTHER))
    rate = np.maximum(last, 0.02 * seen) / np.maximum(seen, 1e-9)
    count = random.poisson(sessions * rate)
    day, channel = (np.repeat(of, count.ravel()) for of in np.indices(count.shape).reshape(2, -1))
    day = np.minimum(day + sample.first_day, days - 1)
    size = len(day)
    ended = day * DAY + world.clock.second_of_day(day, random.random(size))
    nothing = np.full(size, NO_ORDER)
    return Journeys(
        person=next_person + np.arange(size),
        account=nothing,
        order=nothing,
        created=np.zeros(size, dtype=np.int64),
        ended=ended,
        channel=channel,
        goes_on=np.full(size, GOES_ON_OTHER),
        device=choose(random, DEVICE_SHARES, size),
    )


def _with_earlier(world: World, random: np.random.Generator, journeys: Journeys) -> Visits:
    """The last visits and those before them, one to fourteen days or hours earlier."""
    reached = np.cumsum(EARLIER, axis=1)
    nothing = np.full(len(journeys.person), NO_ORDER)
    parts = [
        Visits(journeys.person, journeys.account, journeys.order, journeys.created,
               journeys.ended, journeys.channel, journeys.device)
    ]  # fmt: skip
    rows, when, channel = np.arange(len(nothing)), journeys.ended, journeys.channel
    for _ in range(MOST_BEFORE):
        on = random.random(len(rows)) < journeys.goes_on[rows]
        rows, when, channel = rows[on], when[on], channel[on]
        gap = np.minimum(random.exponential(MEAN_GAP_DAYS, len(rows)), LONGEST_GAP_DAYS) * DAY
        day = np.maximum(when - gap.astype(np.int64), 0) // DAY
        earlier = day * DAY + world.clock.second_of_day(day, random.random(len(rows)))
        when = np.where(earlier < when - 1_800, earlier, np.maximum(when - 3_600, 0))
        channel = (random.random(len(rows))[:, None] >= reached[channel, :-1]).sum(axis=1)
        parts.append(
            Visits(journeys.person[rows], journeys.account[rows], nothing[rows],
                   np.zeros(len(rows), dtype=np.int64), when, channel, journeys.device[rows])
        )  # fmt: skip
    return concatenate(parts)


def touch_shares(buys: Buys) -> dict[str, list[float]]:
    """Expected share of the orders by channel: of the last visit, the first, and all alike.

    Given through which channels the orders ended; in expectation over the visits before.
    """
    found = {name: np.zeros(len(NAMES)) for name in ("last", "first", "linear")}
    for goes_on, rows in ((GOES_ON_BUYER, buys.is_first), (GOES_ON_RETURNING, ~buys.is_first)):
        here = np.bincount(buys.channel[rows], minlength=len(NAMES)).astype(float)
        seen = np.zeros(len(NAMES))
        found["last"] += here
        for before in range(MOST_BEFORE + 1):
            seen += here
            stops = 1.0 if before == MOST_BEFORE else 1 - goes_on
            chance = goes_on**before * stops
            found["first"] += chance * here
            found["linear"] += chance * seen / (before + 1)
            here = here @ EARLIER
    return {name: (of / max(of.sum(), 1)).round(6).tolist() for name, of in found.items()}


def visit_truth(sample: VisitSample) -> dict[str, Any]:
    """How visits come about, for `truth.json`."""
    return {
        "share_of_people": sample.share,
        "chance_of_one_more_visit_before": {
            "first_purchase": GOES_ON_BUYER,
            "later_purchase": GOES_ON_RETURNING,
            "no_order": GOES_ON_OTHER,
        },
        "most_visits": MOST_BEFORE + 1,
        "channels": [channel.name for channel in CHANNELS],
        "channel_of_the_visit_before": EARLIER.tolist(),
        "mean_gap_days": MEAN_GAP_DAYS,
        "expected_share_of_orders": touch_shares(concatenate([_no_buys(), *sample.parts])),
        "leak": {
            "device": LEAK_DEVICE,
            "channel": LEAK_CHANNEL,
            "checkouts_completed": LEAK_COMPLETES,
            "elsewhere": COMPLETES,
        },
    }
