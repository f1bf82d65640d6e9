"""Delivery: warehouses, carriers with their true times and costs, parcels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.store.sample.columns import DAY, NO_TIME, day_number
from helpers.store.sample.customers import REGION_NAMES
from helpers.store.sample.orders import Orders
from helpers.store.sample.streams import choose
from helpers.store.sample.world import World

WAREHOUSES = (
    ("WH-EAST", "Jiaxing warehouse", "Zhejiang"),
    ("WH-SOUTH", "Foshan warehouse", "Guangdong"),
)
SOUTH = {
    "Guangdong", "Guangxi", "Hainan", "Fujian", "Hunan", "Sichuan", "Chongqing", "Guizhou",
    "Yunnan", "Jiangxi", "Hong Kong", "Macao",
}  # fmt: skip
NEAR = {"Zhejiang", "Shanghai", "Jiangsu", "Anhui", "Guangdong", "Guangxi", "Hunan", "Fujian"}
FAR = {
    "Xinjiang", "Tibet", "Qinghai", "Gansu", "Ningxia", "Inner Mongolia", "Heilongjiang", "Jilin",
    "Yunnan", "Hainan", "Hong Kong", "Macao",
}  # fmt: skip
REGION_WAREHOUSE = np.array([int(name in SOUTH) for name in REGION_NAMES])
REGION_ZONE = np.array([0 if n in NEAR else 2 if n in FAR else 1 for n in REGION_NAMES])
ZONE_TIME = np.array([0.72, 1.0, 1.75])
ZONE_COST = np.array([0.85, 1.0, 1.8])
SPLIT_SHARE = 0.035
OTHER_WAREHOUSE_SHARE = 0.03


@dataclass(frozen=True)
class Carrier:
    """One carrier and its truth.

    Attributes:
        name: Its name.
        name_zh: Its name in Chinese.
        share: Share of the parcels.
        median_days: Median days under way in the middle zone.
        spread: Standard deviation of the logarithm of the days.
        promised_days: Days promised by zone.
        base_cny: Cost of a parcel up to 1 kg in the middle zone.
        kg_cny: Cost of each further kg.
        damage_rate: Share of parcels that arrive damaged.
    """

    name: str
    name_zh: str
    share: float
    median_days: float
    spread: float
    promised_days: tuple[int, int, int]
    base_cny: float
    kg_cny: float
    damage_rate: float


CARRIERS = (
    Carrier("ZTO Express", "中通快递", 0.36, 2.5, 0.30, (3, 4, 7), 4.3, 1.1, 0.006),
    Carrier("YTO Express", "圆通速递", 0.29, 2.8, 0.36, (3, 4, 7), 4.0, 1.0, 0.009),
    Carrier("SF Express", "顺丰速运", 0.17, 1.6, 0.22, (2, 3, 4), 9.8, 2.2, 0.002),
    Carrier("JD Logistics", "京东物流", 0.18, 1.9, 0.25, (2, 3, 5), 7.2, 1.6, 0.003),
)


def _of_carriers(attribute: str) -> np.ndarray:
    return np.array([getattr(carrier, attribute) for carrier in CARRIERS])


@dataclass(frozen=True)
class Parcels:
    """Parcels of a block, one entry each; times in seconds from the start.

    Attributes:
        order: Row of the order in the block.
        carrier: Index into `CARRIERS`.
        warehouse: Index into `WAREHOUSES`.
        shipped: When it left.
        promised: Latest delivery promised.
        delivered: When it arrives, also after the end of the span.
        freight_cents: What the shop pays the carrier.
        packaging_cents: What the packaging costs.
        damaged: Whether it arrives damaged.
    """

    order: np.ndarray
    carrier: np.ndarray
    warehouse: np.ndarray
    shipped: np.ndarray
    promised: np.ndarray
    delivered: np.ndarray
    freight_cents: np.ndarray
    packaging_cents: np.ndarray
    damaged: np.ndarray


@dataclass(frozen=True)
class Deliveries:
    """What delivery means for each order of a block; `NO_TIME` where it does not happen.

    Attributes:
        warehouse: Warehouse that ships it.
        shipped: When the last parcel leaves.
        delivered: When the last parcel arrives.
        confirmed: When the buyer, or time, confirms receipt.
    """

    warehouse: np.ndarray
    shipped: np.ndarray
    delivered: np.ndarray
    confirmed: np.ndarray


def deliver(
    world: World,
    random: np.random.Generator,
    orders: Orders,
    weight_kg: np.ndarray,
    pieces: np.ndarray,
    is_cancelled: np.ndarray,
) -> tuple[Parcels, Deliveries]:
    """Parcels of the orders that leave before the span ends.

    Args:
        world: The shop.
        random: Draws everything.
        orders: Orders of the block.
        weight_kg: Weight by order.
        pieces: Pieces by order.
        is_cancelled: Whether the order is cancelled before it leaves.
    """
    warehouse = REGION_WAREHOUSE[orders.region]
    other = random.random(len(orders)) < OTHER_WAREHOUSE_SHARE
    warehouse = np.where(other, 1 - warehouse, warehouse)
    rows = np.flatnonzero(orders.is_paid & ~is_cancelled)
    leaves = _leaves(world, random, orders.paid[rows])
    inside = leaves <= world.setting.last_second
    rows, leaves = rows[inside], leaves[inside]
    extra = np.flatnonzero((pieces[rows] >= 2) & (random.random(len(rows)) < SPLIT_SHARE))
    early = orders.paid[rows[extra]]
    waits = (leaves[extra] - early) * random.uniform(0.3, 0.9, len(extra))
    first_part = _or_with_the_last(world, early + waits.astype(np.int64), leaves[extra])
    share = np.concatenate([np.ones(len(rows)), np.full(len(extra), 0.5)])
    share[extra] = 0.5
    parcels = _parcels(
        world, random, orders, np.concatenate([rows, rows[extra]]),
        np.concatenate([leaves, first_part]), warehouse, weight_kg, share,
    )  # fmt: skip
    return parcels, _deliveries(world, random, len(orders), warehouse, parcels)


def _leaves(world: World, random: np.random.Generator, paid: np.ndarray) -> np.ndarray:
    """When the last parcel leaves: hours after payment, later after peaks and in the rest."""
    day = day_number(paid)
    hours = np.clip(random.lognormal(2.75, 0.55, len(paid)), 1.0, 120.0)
    hours = hours + np.where(world.calendar.is_peak[day], random.uniform(0, 34, len(paid)), 0.0)
    leaves = paid + (hours * 3600).astype(np.int64)
    return _after_rest(world, random, leaves)


def _or_with_the_last(world: World, when: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Times of first parcels; those in the Spring Festival's stop leave with the last one."""
    day = day_number(when)
    return np.where(world.calendar.stopped_until[day] > day, last, when)


def _after_rest(world: World, random: np.random.Generator, when: np.ndarray) -> np.ndarray:
    """Times that fall in the Spring Festival's stop, moved behind it."""
    day = np.clip(day_number(when), 0, world.setting.days - 1)
    until = world.calendar.stopped_until[day]
    moved = until * DAY + (random.gamma(2.0, 0.6, len(when)) * DAY).astype(np.int64) + 8 * 3600
    return np.where(until > day, moved, when)


def _parcels(
    world: World,
    random: np.random.Generator,
    orders: Orders,
    order: np.ndarray,
    shipped: np.ndarray,
    warehouse: np.ndarray,
    weight_kg: np.ndarray,
    share: np.ndarray,
) -> Parcels:
    count = len(order)
    zone = REGION_ZONE[orders.region[order]]
    zone = np.where(warehouse[order] != REGION_WAREHOUSE[orders.region[order]], 2, zone)
    carrier = choose(random, _of_carriers("share").astype(float), count)
    shipped_day = day_number(shipped)
    busy = np.where(world.calendar.is_peak[shipped_day], 1.25, 1.0)
    days = _of_carriers("median_days")[carrier] * ZONE_TIME[zone] * busy
    days = days * np.exp(_of_carriers("spread")[carrier] * random.standard_normal(count))
    arrives = day_number(shipped + (days * DAY).astype(np.int64))
    delivered = arrives * DAY + (random.triangular(8.2, 14, 20.8, count) * 3600).astype(np.int64)
    delivered = np.where(delivered < shipped + 14_400, delivered + DAY, delivered)
    delivered = _after_rest(world, random, delivered)
    promised = shipped_day + _of_carriers("promised_days")[carrier, zone]
    heavy = np.maximum(weight_kg[order] * share - 1, 0)
    freight = _of_carriers("base_cny")[carrier] + _of_carriers("kg_cny")[carrier] * heavy
    freight = freight * ZONE_COST[zone] * np.exp(random.normal(0, 0.06, count))
    packaging = (0.7 + 0.35 * weight_kg[order] * share) * np.exp(random.normal(0, 0.15, count))
    return Parcels(
        order=order,
        carrier=carrier,
        warehouse=warehouse[order],
        shipped=shipped,
        promised=promised * DAY + DAY - 1,
        delivered=delivered,
        freight_cents=np.rint(freight * 100).astype(np.int64),
        packaging_cents=np.rint(packaging * 100).astype(np.int64),
        damaged=random.random(count) < _of_carriers("damage_rate")[carrier],
    )


def _deliveries(
    world: World, random: np.random.Generator, count: int, warehouse: np.ndarray, parcels: Parcels
) -> Deliveries:
    shipped, delivered = np.full(count, NO_TIME), np.full(count, NO_TIME)
    np.maximum.at(shipped, parcels.order, parcels.shipped)
    np.maximum.at(delivered, parcels.order, parcels.delivered)
    slow = random.lognormal(1.0, 0.75, count) * DAY
    by_hand = delivered + np.minimum(slow, 14 * DAY).astype(np.int64)
    by_time = np.maximum(shipped + 10 * DAY, delivered + DAY)
    confirmed = np.where(random.random(count) < 0.38, by_time, by_hand)
    return Deliveries(
        warehouse, shipped, delivered, np.where(shipped == NO_TIME, NO_TIME, confirmed)
    )


def as_truth() -> list[dict[str, Any]]:
    """The carriers for `truth.json`."""
    return [
        {
            "carrier": carrier.name,
            "name_zh": carrier.name_zh,
            "share": carrier.share,
            "median_days_by_zone": [round(carrier.median_days * time, 4) for time in ZONE_TIME],
            "log_spread": carrier.spread,
            "base_cny_by_zone": [round(carrier.base_cny * cost, 4) for cost in ZONE_COST],
            "damage_rate": carrier.damage_rate,
        }
        for carrier in CARRIERS
    ]
