"""Totals over all blocks, from which the tables of days and weeks are made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.baskets import Lines
from helpers.store.sample.channels import CHANNELS
from helpers.store.sample.columns import NO_TIME, day_number
from helpers.store.sample.delivery import WAREHOUSES, Deliveries
from helpers.store.sample.orders import SALE, Orders
from helpers.store.sample.returns import Returns
from helpers.store.sample.world import World


@dataclass
class Totals:
    """What the blocks add up to.

    Attributes:
        buyers: Distinct paying buyers by day and channel.
        fake_buyers: Distinct buyers of fake orders by day and channel.
        paid_orders: Paid orders by day and channel.
        paid_cents: Money paid for goods by day and channel.
        returning: Expected returning purchases by day, given who was there.
        shipped: Pieces that left, by week, warehouse and product.
        restocked: Pieces that came back to be sold again, by week, warehouse and product.
        customers: Customers who buy; their accounts have the first numbers.
        strangers: Account numbers handed out to people who never buy.
        orders: All orders.
        counts: Running numbers of other rows by table.
        old_paid_cents: Money paid for goods by channel in orders whose refunds are over.
        old_kept_cents: What of it, with subsidies, is left when the receipt is confirmed.
    """

    buyers: np.ndarray
    fake_buyers: np.ndarray
    paid_orders: np.ndarray
    paid_cents: np.ndarray
    returning: np.ndarray
    shipped: np.ndarray
    restocked: np.ndarray
    customers: int
    strangers: int
    orders: int
    counts: dict[str, int]
    old_paid_cents: np.ndarray
    old_kept_cents: np.ndarray

    def next_numbers(self, table: str, count: int) -> np.ndarray:
        """The next running numbers of a table's rows."""
        first = self.counts.get(table, 0)
        self.counts[table] = first + count
        return first + np.arange(count)


def week_of_day(world: World, day: np.ndarray) -> np.ndarray:
    """Week, Monday to Sunday, of a day; the first day lies in week 0."""
    return (day + int(world.calendar.weekday[0])) // 7


def empty_totals(world: World) -> Totals:
    """Totals before the first block."""
    days = (world.setting.days, len(CHANNELS))
    weeks = int(week_of_day(world, np.array(world.setting.days - 1))) + 1
    pieces = (weeks, len(WAREHOUSES), len(world.catalogue))
    return Totals(
        buyers=np.zeros(days, dtype=np.int64),
        fake_buyers=np.zeros(days, dtype=np.int64),
        paid_orders=np.zeros(days, dtype=np.int64),
        paid_cents=np.zeros(days, dtype=np.int64),
        returning=np.zeros(world.setting.days),
        shipped=np.zeros(pieces, dtype=np.int64),
        restocked=np.zeros(pieces, dtype=np.int64),
        customers=0,
        strangers=0,
        orders=0,
        counts={},
        old_paid_cents=np.zeros(len(CHANNELS)),
        old_kept_cents=np.zeros(len(CHANNELS)),
    )


def add_orders(totals: Totals, orders: Orders) -> None:
    """Adds what was paid, by day and channel."""
    rows = np.flatnonzero(orders.is_paid & (orders.kind == SALE))
    cell = day_number(orders.paid[rows]) * len(CHANNELS) + orders.channel[rows]
    shape, size = totals.buyers.shape, totals.buyers.size
    totals.paid_orders += np.bincount(cell, minlength=size).reshape(shape)
    paid = np.bincount(cell, weights=orders.amount_cents[rows], minlength=size)
    totals.paid_cents += np.rint(paid).astype(np.int64).reshape(shape)
    key = np.unique(np.stack([cell, orders.account[rows], orders.is_fake[rows]]), axis=1)
    fake = key[2].astype(bool)
    totals.buyers += np.bincount(key[0], minlength=size).reshape(shape)
    totals.fake_buyers += np.bincount(key[0][fake], minlength=size).reshape(shape)


def add_pieces(
    world: World,
    totals: Totals,
    orders: Orders,
    lines: Lines,
    deliveries: Deliveries,
    returns: Returns,
) -> None:
    """Adds pieces that left a warehouse (a fake order's parcel is empty) or came back to it."""
    gone = (deliveries.shipped != NO_TIME) & ~orders.is_fake
    out = np.flatnonzero(gone[lines.order])
    _count(world, totals.shipped, lines, out, deliveries.shipped[lines.order[out]], deliveries,
           lines.quantity[out])  # fmt: skip
    back = np.flatnonzero(returns.is_resaleable & gone[lines.order[returns.line]])
    _count(world, totals.restocked, lines, returns.line[back], returns.settled[back], deliveries,
           returns.quantity[back])  # fmt: skip


def _count(
    world: World,
    totals: np.ndarray,
    lines: Lines,
    line: np.ndarray,
    when: np.ndarray,
    deliveries: Deliveries,
    quantity: np.ndarray,
) -> None:
    _, warehouses, products = totals.shape
    week = week_of_day(world, day_number(when))
    cell = (week * warehouses + deliveries.warehouse[lines.order[line]]) * products
    pieces = np.bincount(cell + lines.product[line], weights=quantity, minlength=totals.size)
    totals += pieces.astype(np.int64).reshape(totals.shape)
