"""Money: what the platform keeps of each order, and the shop's overheads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.baskets import Lines
from helpers.store.sample.channels import CHANNELS, attribute
from helpers.store.sample.columns import DAY, NO_TIME
from helpers.store.sample.delivery import Deliveries
from helpers.store.sample.names import CATEGORIES
from helpers.store.sample.orders import SALE, Orders
from helpers.store.sample.returns import Returns
from helpers.store.sample.streams import stream
from helpers.store.sample.totals import Totals
from helpers.store.sample.world import World

OVERHEADS = (
    ("payroll", 0.081, 0.015),
    ("warehouse_rent", 0.010, 0.0),
    ("office_rent", 0.006, 0.0),
    ("customer_service", 0.008, 0.08),
    ("photography_design", 0.006, 0.2),
    ("software", 0.004, 0.03),
    ("utilities", 0.002, 0.12),
    ("professional_fees", 0.0025, 0.15),
    ("other", 0.003, 0.25),
)
FIXED_STEPS = ("warehouse_rent", "office_rent")
CONFIRMED_DAYS = 60


@dataclass(frozen=True)
class Settlements:
    """Settled orders of a block, one entry each.

    Attributes:
        order: Row of the order in the block.
        settled: When the platform paid the shop, in seconds from the start.
        commission_cents: Platform commission.
        affiliate_cents: CPS and host commission.
        insurance_cents: Return insurance.
        instalment_cents: Instalment fee.
        penalty_cents: Penalties.
    """

    order: np.ndarray
    settled: np.ndarray
    commission_cents: np.ndarray
    affiliate_cents: np.ndarray
    insurance_cents: np.ndarray
    instalment_cents: np.ndarray
    penalty_cents: np.ndarray


def settle(
    world: World,
    random: np.random.Generator,
    orders: Orders,
    lines: Lines,
    deliveries: Deliveries,
    returns: Returns,
) -> Settlements:
    """Settlements of the sales whose receipt is confirmed before the span ends."""
    count = len(orders)
    settled = deliveries.confirmed + random.integers(600, 30_000, count)
    may = (orders.kind == SALE) & (deliveries.confirmed != NO_TIME)
    rows = np.flatnonzero(may & (settled <= world.setting.last_second))
    kept = _kept_cents(lines, deliveries, returns)
    of_line = world.catalogue.category[lines.product]
    rate = np.array([category.commission for category in CATEGORIES])[of_line]
    commission = np.bincount(lines.order, weights=kept * rate, minlength=count)
    sold = np.bincount(lines.order, weights=kept, minlength=count)
    premium = np.zeros(count)
    np.maximum.at(
        premium, lines.order, np.array([of.insurance_cny for of in CATEGORIES])[of_line] * 100
    )
    insured = random.random(count) < 0.72
    instalments = random.random(count) < 0.07
    late = (deliveries.shipped - orders.paid > 3 * 86_400) & (random.random(count) < 0.25)
    fee = attribute("order_commission")[orders.channel]
    columns = (
        commission,
        sold * fee * random.uniform(0.8, 1.2, count),
        premium * insured * random.uniform(0.85, 1.3, count),
        sold * instalments * random.choice([0.018, 0.032, 0.045], count),
        late * random.uniform(300, 3000, count),
    )
    cents = (np.rint(column[rows]).astype(np.int64) for column in columns)
    return Settlements(rows, settled[rows], *cents)


def _kept_cents(lines: Lines, deliveries: Deliveries, returns: Returns) -> np.ndarray:
    """What the shop is owed for each line after refunds asked for before the confirmation."""
    in_time = returns.applied < deliveries.confirmed[lines.order[returns.line]]
    refunded = np.bincount(
        returns.line[in_time], weights=returns.amount_cents[in_time], minlength=len(lines.order)
    )
    return lines.paid_cents + lines.subsidy_cents - refunded


def add_kept(
    world: World,
    totals: Totals,
    orders: Orders,
    lines: Lines,
    deliveries: Deliveries,
    returns: Returns,
) -> None:
    """Adds what commission is due on, and what had been paid, of sales old enough to be settled."""
    count = len(orders)
    old = orders.is_paid & (orders.kind == SALE) & ~orders.is_fake
    old &= orders.paid < (world.setting.days - CONFIRMED_DAYS) * DAY
    confirmed = deliveries.confirmed != NO_TIME
    paid = np.bincount(lines.order, weights=lines.paid_cents, minlength=count)
    kept = np.bincount(
        lines.order, weights=_kept_cents(lines, deliveries, returns), minlength=count
    )
    for sums, cents in ((totals.old_paid_cents, paid), (totals.old_kept_cents, kept * confirmed)):
        sums += np.bincount(orders.channel[old], weights=cents[old], minlength=len(CHANNELS))


def first_order_commission_cny(world: World, totals: Totals) -> np.ndarray:
    """Expected CPS and host commission on a new customer's first order, by channel.

    Mean order x rate of the channel x what is left of an order at the confirmation. That share is
    the one of all of the channel's orders that are older than 60 days, so it has their chance: a
    relative standard error of 0.4 / sqrt(orders), which is 0.02 CNY per new customer of the shop
    at 60,000 customers.
    """
    share = totals.old_kept_cents / np.maximum(totals.old_paid_cents, 1)
    share = np.where(totals.old_paid_cents > 0, share, 1.0)
    cny: np.ndarray = world.setting.spend.mean_order_cny * attribute("order_commission") * share
    return cny


def overheads(
    world: World, expected_sales_cny: np.ndarray
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Month number, cost line and cents of every overhead.

    Args:
        world: The shop.
        expected_sales_cny: Expected sales by day.

    Returns:
        First day of the month (days from the start), name of the line, cents.
    """
    random = stream(world.setting.seed, "overheads")
    starts, month = _months(world)
    usual = _year_round(expected_sales_cny) * 30.4
    monthly = np.bincount(month, weights=usual) / np.bincount(month)
    yearly = monthly[np.arange(len(monthly)) // 12 * 12]
    days, names, cents = [], [], []
    for name, share, noise in OVERHEADS:
        base = yearly * 1.05 if name in FIXED_STEPS else monthly
        amount = base * share * np.exp(random.normal(0, noise, len(starts)))
        if name == "payroll":
            amount = amount * np.where(world.calendar.month[starts] == 1, 1.9, 0.925)
        days.append(starts)
        names.extend([name] * len(starts))
        cents.append(np.rint(amount * 100).astype(np.int64))
    return np.concatenate(days), names, np.concatenate(cents)


def _months(world: World) -> tuple[np.ndarray, np.ndarray]:
    """First day of each month of the span, and the month of each day."""
    changes = np.append(True, np.diff(world.calendar.month) != 0)
    return np.flatnonzero(changes), np.cumsum(changes) - 1


def _year_round(by_day: np.ndarray) -> np.ndarray:
    """Mean of the year around each day (as much of it as the span has)."""
    half = 182
    reached = np.concatenate([[0.0], np.cumsum(by_day)])
    day = np.arange(len(by_day))
    low, high = np.maximum(day - half, 0), np.minimum(day + half + 1, len(by_day))
    return (reached[high] - reached[low]) / (high - low)
