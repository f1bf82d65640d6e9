"""Returns: refunds before shipment, refunds only, and goods that come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.store.sample.baskets import Lines
from helpers.store.sample.columns import DAY, NO_TIME, concatenate, take
from helpers.store.sample.creators import refund_factor
from helpers.store.sample.delivery import Deliveries
from helpers.store.sample.names import CATEGORIES
from helpers.store.sample.orders import SALE, Orders
from helpers.store.sample.world import World
from helpers.store.schema import RETURN_STAGES, RETURN_TYPES

CANCELLED_SHARE = 0.026
REFUND_ONLY_SHARE = 0.2
REFUND_ONLY, RETURN_AND_REFUND = (
    RETURN_TYPES.index(kind) for kind in ("refund_only", "return_and_refund")
)
BEFORE, AFTER = (RETURN_STAGES.index(stage) for stage in ("before_shipment", "after_shipment"))


@dataclass(frozen=True)
class Returns:
    """Refunds of a block, one entry each; times in seconds from the start.

    Attributes:
        line: Row of the line in the block.
        type: Index into `RETURN_TYPES`.
        stage: Index into `RETURN_STAGES`.
        applied: When the buyer asked.
        settled: When the money went back.
        quantity: Pieces refunded.
        amount_cents: Money refunded.
        is_quality: Whether quality was the reason.
        is_resaleable: Whether the goods can be sold again.
    """

    line: np.ndarray
    type: np.ndarray
    stage: np.ndarray
    applied: np.ndarray
    settled: np.ndarray
    quantity: np.ndarray
    amount_cents: np.ndarray
    is_quality: np.ndarray
    is_resaleable: np.ndarray


def draw_cancellations(world: World, random: np.random.Generator, orders: Orders) -> np.ndarray:
    """Whether an order is refunded in full before it leaves."""
    if not world.setting.mechanisms.returns:
        return np.zeros(len(orders), dtype=bool)
    may = orders.is_paid & (orders.kind == SALE) & ~orders.is_fake
    return may & (random.random(len(orders)) < CANCELLED_SHARE)


def draw_returns(
    world: World,
    random: np.random.Generator,
    orders: Orders,
    lines: Lines,
    deliveries: Deliveries,
    is_cancelled: np.ndarray,
) -> Returns:
    """Refunds whose money went back before the span ends."""
    parts = [_before_shipment(random, orders, lines, is_cancelled)]
    if world.setting.mechanisms.returns:
        parts.append(_after_shipment(world, random, orders, lines, deliveries))
    returns = concatenate(parts)
    returns = take(returns, returns.settled <= world.setting.last_second)
    return take(returns, np.argsort(returns.settled, kind="stable"))


def _before_shipment(
    random: np.random.Generator, orders: Orders, lines: Lines, is_cancelled: np.ndarray
) -> Returns:
    asks = orders.paid + (random.uniform(0.05, 30, len(orders)) * 3600).astype(np.int64)
    waits = asks + (random.lognormal(1.3, 0.9, len(orders)) * 3600).astype(np.int64)
    line = np.flatnonzero(is_cancelled[lines.order])
    order, count = lines.order[line], len(line)
    return Returns(
        line=line,
        type=np.full(count, REFUND_ONLY),
        stage=np.full(count, BEFORE),
        applied=asks[order],
        settled=waits[order],
        quantity=lines.quantity[line],
        amount_cents=lines.paid_cents[line],
        is_quality=np.zeros(count, dtype=bool),
        is_resaleable=np.ones(count, dtype=bool),
    )


def _after_shipment(
    world: World,
    random: np.random.Generator,
    orders: Orders,
    lines: Lines,
    deliveries: Deliveries,
) -> Returns:
    catalogue = world.catalogue
    may = (orders.kind == SALE) & ~orders.is_fake & (deliveries.shipped != NO_TIME)
    rate = catalogue.refund_rate[lines.product] * refund_factor(world, orders.show)[lines.order]
    drawn = random.random(len(lines.order)) < rate
    line = np.flatnonzero(may[lines.order] & drawn)
    order, count = lines.order[line], len(line)
    kind = np.where(random.random(count) < REFUND_ONLY_SHARE, REFUND_ONLY, RETURN_AND_REFUND)
    asks = np.minimum(random.lognormal(1.05, 0.85, count), 30.0) * DAY
    applied = deliveries.delivered[order] + asks.astype(np.int64)
    waits = np.where(
        kind == REFUND_ONLY, random.lognormal(0.1, 0.6, count), random.lognormal(1.95, 0.45, count)
    )
    partial = (lines.quantity[line] > 1) & (random.random(count) < 0.5)
    quantity = np.where(partial, random.integers(1, lines.quantity[line] + 1), lines.quantity[line])
    share = quantity / lines.quantity[line]
    bad = world.suppliers.reject_rate[catalogue.supplier[lines.product[line]]]
    is_quality = random.random(count) < np.minimum(0.09 + 7 * bad, 0.5)
    keeps = np.where(is_quality, 0.06, 0.93)
    return Returns(
        line=line,
        type=kind,
        stage=np.full(count, AFTER),
        applied=applied,
        settled=applied + (waits * DAY).astype(np.int64),
        quantity=quantity,
        amount_cents=np.rint(lines.paid_cents[line] * share).astype(np.int64),
        is_quality=is_quality,
        is_resaleable=(kind == RETURN_AND_REFUND) & (random.random(count) < keeps),
    )


def as_truth(world: World) -> dict[str, Any]:
    """Refund rates for `truth.json`: of orders before shipment, of lines after it by category."""
    if not world.setting.mechanisms.returns:
        return {"orders_cancelled": 0.0, "lines_refunded_by_category": {}}
    catalogue = world.catalogue
    return {
        "orders_cancelled": CANCELLED_SHARE,
        "refund_only_share_after_shipment": REFUND_ONLY_SHARE,
        "lines_refunded_by_category": {
            of.name: round(float(catalogue.refund_rate[catalogue.category == index].mean()), 6)
            for index, of in enumerate(CATEGORIES)
        },
    }
