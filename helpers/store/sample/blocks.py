"""One block of customers: everything that follows from their orders."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from helpers.store.sample.baskets import Lines, fill_baskets
from helpers.store.sample.columns import day_number
from helpers.store.sample.delivery import Deliveries, Parcels, deliver
from helpers.store.sample.money import Settlements, settle
from helpers.store.sample.orders import SALE, Accounts, Orders
from helpers.store.sample.payments import Payments, draw_payments
from helpers.store.sample.returns import Returns, draw_cancellations, draw_returns
from helpers.store.sample.streams import stream
from helpers.store.sample.surveys import Answers, draw_answers
from helpers.store.sample.world import World


@dataclass(frozen=True)
class Block:
    """What the orders of a block of customers lead to."""

    accounts: Accounts
    orders: Orders
    lines: Lines
    payments: Payments
    parcels: Parcels
    deliveries: Deliveries
    returns: Returns
    settlements: Settlements
    answers: Answers


def draw_block(world: World, number: int, orders: Orders, accounts: Accounts) -> Block:
    """Baskets, payments, parcels, refunds, settlements and answers of a block of orders.

    Args:
        world: The shop.
        number: Number of the block; its draws depend on it.
        orders: Orders of the block.
        accounts: Accounts behind them.
    """

    def random(part: str) -> np.random.Generator:
        return stream(world.setting.seed, part, number)

    lines = _baskets(world, random("baskets"), orders)
    orders = replace(orders, amount_cents=np.where(orders.kind == SALE, orders.amount_cents, 0))
    cancelled = draw_cancellations(world, random("cancellations"), orders)
    weight, pieces = _weights(world, orders, lines)
    parcels, to = deliver(world, random("delivery"), orders, weight, pieces, cancelled)
    returns = draw_returns(world, random("returns"), orders, lines, to, cancelled)
    return Block(
        accounts=accounts,
        orders=orders,
        lines=lines,
        payments=draw_payments(random("payments"), orders),
        parcels=parcels,
        deliveries=to,
        returns=returns,
        settlements=settle(world, random("settlements"), orders, lines, to, returns),
        answers=draw_answers(world, random("surveys"), orders, to),
    )


def _baskets(world: World, random: np.random.Generator, orders: Orders) -> Lines:
    """Lines of the orders; of exchanges, samples and gifts the shop gives away the whole price."""
    day = day_number(orders.tried)
    lines = fill_baskets(
        random,
        world.assortment,
        epoch=world.prices.epoch_of_day(day),
        amount_cents=orders.amount_cents,
        discount=world.calendar.discount[day],
        is_event=world.calendar.is_peak[day],
        has_subsidies=world.setting.mechanisms.events,
    )
    free = (orders.kind != SALE)[lines.order]
    return replace(
        lines,
        merchant_cents=np.where(free, lines.list_cents * lines.quantity, lines.merchant_cents),
        coupon_cents=np.where(free, 0, lines.coupon_cents),
        subsidy_cents=np.where(free, 0, lines.subsidy_cents),
        paid_cents=np.where(free, 0, lines.paid_cents),
    )


def _weights(world: World, orders: Orders, lines: Lines) -> tuple[np.ndarray, np.ndarray]:
    """Weight in kg and pieces of each order."""
    weight = world.catalogue.weight_kg[lines.product] * lines.quantity
    return (
        np.bincount(lines.order, weights=weight, minlength=len(orders)),
        np.bincount(lines.order, weights=lines.quantity, minlength=len(orders)),
    )
