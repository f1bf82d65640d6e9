"""Payments: every try to pay, with the failed ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.columns import NO_TIME, concatenate
from helpers.store.sample.orders import Orders
from helpers.store.sample.streams import choose, failures_before_success

METHODS = ("alipay", "huabei_credit", "wechat_pay", "bank_card", "union_quickpass")
METHOD_WEIGHTS = np.array([0.58, 0.17, 0.13, 0.08, 0.04])
RETRY_SUCCESS = 0.93
GIVES_UP = 0.62


@dataclass(frozen=True)
class Payments:
    """Attempts of a block, one entry each.

    Attributes:
        order: Row of the order in the block.
        attempted: When, in seconds from the start.
        method: Index into `METHODS`.
        succeeded: Whether the money came.
        amount_cents: Money of the attempt.
    """

    order: np.ndarray
    attempted: np.ndarray
    method: np.ndarray
    succeeded: np.ndarray
    amount_cents: np.ndarray


def draw_payments(random: np.random.Generator, orders: Orders) -> Payments:
    """Deposits, failed tries and the final payment of each order with an attempt."""
    rows = np.flatnonzero(orders.has_attempt)
    paid = orders.is_paid[rows]
    failed = np.where(
        paid,
        failures_before_success(random, np.full(len(rows), RETRY_SUCCESS)),
        random.geometric(GIVES_UP, len(rows)),
    )
    tries = np.repeat(rows, failed)
    opened = np.maximum(orders.created[tries], orders.tried[tries] - 1200)
    wait = (orders.tried[tries] - opened) * random.random(len(tries))
    parts = [
        _attempts(orders, rows[paid], orders.paid[rows[paid]], True),
        _attempts(orders, tries, opened + wait.astype(np.int64), False),
    ]
    early = np.flatnonzero(orders.deposit_paid != NO_TIME)
    deposits = _attempts(orders, early, orders.deposit_paid[early], True)
    deposits.amount_cents[:] = orders.deposit_cents[early]
    payments = concatenate([*parts, deposits])
    payments.method[:] = choose(random, METHOD_WEIGHTS, len(payments.order))
    return payments


def _attempts(orders: Orders, rows: np.ndarray, attempted: np.ndarray, succeeded: bool) -> Payments:
    """Attempts to pay what is due after the deposit."""
    due = orders.amount_cents[rows] + orders.postage_cents[rows] - orders.deposit_cents[rows]
    count = len(rows)
    return Payments(rows, attempted, np.zeros(count, dtype=int), np.full(count, succeeded), due)
