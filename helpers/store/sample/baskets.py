"""Baskets: real products whose prices carry an order's amount, which was drawn before them.

The amount is the truth of the spend model and is never changed. Products are picked so that their
list prices add up to somewhat more; the difference is the discount.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.columns import allocate
from helpers.store.sample.prices import Assortment
from helpers.store.sample.streams import choose

MOST_LINES = 6
USUAL_DISCOUNT = 0.13
LEAST_DISCOUNT = 0.02
COUPONS_CENTS = np.array([500, 1000, 1500, 2000, 3000, 5000, 8000, 10000])


@dataclass(frozen=True)
class Lines:
    """Order lines of a block, sorted by order.

    Attributes:
        order: Row of the order in the block.
        product: The product.
        quantity: Pieces.
        list_cents: List price of a piece.
        merchant_cents: Discount given by the shop on the line.
        coupon_cents: Platform coupon borne by the shop.
        subsidy_cents: Part that the platform pays.
        paid_cents: Part that the buyer pays.
    """

    order: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    list_cents: np.ndarray
    merchant_cents: np.ndarray
    coupon_cents: np.ndarray
    subsidy_cents: np.ndarray
    paid_cents: np.ndarray


def fill_baskets(
    random: np.random.Generator,
    assortment: Assortment,
    *,
    epoch: np.ndarray,
    amount_cents: np.ndarray,
    discount: np.ndarray,
    is_event: np.ndarray,
    has_subsidies: bool,
) -> Lines:
    """Lines of orders.

    Args:
        random: Draws everything.
        assortment: What is on sale.
        epoch: Half-month of each order.
        amount_cents: What its buyer pays for the goods; met to the cent.
        discount: Mean share of the list price given away, where not the usual one; else 0.
        is_event: Whether the order is placed on a loud day of an event.
        has_subsidies: Whether the platform pays part of some orders.
    """
    order, entry, quantity = _pick(random, assortment, epoch, amount_cents, discount)
    product, list_cents = assortment.product[entry], assortment.list_cents[entry]
    order, product, quantity, list_cents = _merge(order, product, quantity, list_cents)
    listed = list_cents * quantity
    given = np.bincount(order, weights=listed, minlength=len(epoch)).astype(np.int64) - amount_cents
    coupon, subsidy = _split_discount(random, given, is_event, has_subsidies)
    paid_lines = allocate(amount_cents, listed, order)
    coupon_lines = allocate(coupon, listed, order)
    subsidy_lines = allocate(subsidy, listed, order)
    merchant = listed - paid_lines - coupon_lines - subsidy_lines
    return Lines(
        order, product, quantity, list_cents, merchant, coupon_lines, subsidy_lines, paid_lines
    )


def _pick(
    random: np.random.Generator,
    assortment: Assortment,
    epoch: np.ndarray,
    amount_cents: np.ndarray,
    discount: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order, entry of the assortment and quantity of each line, sorted by order."""
    mean = np.where(discount > 0, discount, USUAL_DISCOUNT)
    share = np.clip(random.beta(11 * mean, 11 * (1 - mean)), LEAST_DISCOUNT, 0.5)
    target = amount_cents / (1 - share)
    count = _line_counts(random, amount_cents)
    order = np.repeat(np.arange(len(epoch)), count)
    weight = random.gamma(1.6, 1.0, len(order)) + 0.05
    weight /= np.bincount(order, weights=weight)[order]
    is_closing = _largest(order, weight)
    quantity = 1 + choose(random, np.array([0.88, 0.09, 0.02, 0.01]), len(order))
    quantity = np.where(weight * target[order] / quantity > 12_000, 1, quantity)
    entry = np.zeros(len(order), dtype=np.int64)
    early = ~is_closing
    wanted = (weight * target[order] / quantity)[early]
    entry[early] = _pick_near(random, assortment, epoch[order[early]], 0.72 * wanted, 1.08 * wanted)
    spent = np.bincount(
        order[early], weights=assortment.list_cents[entry[early]] * quantity[early],
        minlength=len(epoch),
    )  # fmt: skip
    rest = np.maximum(target - spent, 1.0)
    top = assortment.list_cents[assortment.first[1:] - 1][epoch]
    closing_quantity = np.maximum(quantity[is_closing], np.ceil(rest / (0.8 * top))).astype(int)
    quantity[is_closing] = closing_quantity
    rest = np.ceil(rest / closing_quantity)
    entry[is_closing] = _pick_near(random, assortment, epoch, rest, 1.16 * rest, above=True)
    return order, entry, quantity


def _line_counts(random: np.random.Generator, amount_cents: np.ndarray) -> np.ndarray:
    """Lines of an order: more where more is spent, none of them tiny."""
    amount_cny = amount_cents / 100
    count = 1 + random.poisson(0.3 + np.minimum(amount_cny, 900) / 330)
    return np.minimum(np.minimum(count, MOST_LINES), 1 + (amount_cny // 45).astype(int))


def _largest(order: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Whether a line is the heaviest of its order (exactly one is)."""
    sorted_rows = np.lexsort((weight, order))
    is_last = np.append(order[1:] != order[:-1], True)
    largest = np.zeros(len(order), dtype=bool)
    largest[sorted_rows[is_last]] = True
    return largest


def _pick_near(
    random: np.random.Generator,
    assortment: Assortment,
    epoch: np.ndarray,
    lowest_cents: np.ndarray,
    highest_cents: np.ndarray,
    *,
    above: bool = False,
) -> np.ndarray:
    """Entries with a price inside bounds, by popularity; the nearest one where there is none.

    With `above` the nearest one is dearer, else it is cheaper.
    """
    base = epoch * Assortment.SPREAD
    begin, end = assortment.first[epoch], assortment.first[epoch + 1]
    low = np.searchsorted(assortment.key, base + lowest_cents)
    high = np.searchsorted(assortment.key, base + highest_cents, side="right")
    low, high = np.clip(low, begin, end), np.clip(high, begin, end)
    empty = high <= low
    nearest = np.clip(low if above else low - 1, begin, end - 1)
    low, high = np.where(empty, nearest, low), np.where(empty, nearest + 1, high)
    before = np.where(low > 0, assortment.reached[low - 1], 0.0)
    drawn = before + random.random(len(epoch)) * (assortment.reached[high - 1] - before)
    return np.clip(np.searchsorted(assortment.reached, drawn, side="right"), low, high - 1)


def _merge(
    order: np.ndarray, product: np.ndarray, quantity: np.ndarray, list_cents: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A product stands once in an order: its quantities are added."""
    key = order * 100_000 + product
    _, first, line = np.unique(key, return_index=True, return_inverse=True)
    merged = np.bincount(line, weights=quantity).astype(np.int64)
    return order[first], product[first], merged, list_cents[first]


def _split_discount(
    random: np.random.Generator, given: np.ndarray, is_event: np.ndarray, has_subsidies: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Coupon and subsidy of each order, in whole CNY; the rest is the shop's own discount."""
    uses = random.random(len(given)) < np.where(is_event, 0.62, 0.38)
    step = np.searchsorted(COUPONS_CENTS, given * 0.55, side="right") - 1
    coupon = np.where(uses & (step >= 0) & (given >= 1000), COUPONS_CENTS[np.maximum(step, 0)], 0)
    supported = random.random(len(given)) < np.where(is_event, 0.25, 0.03)
    most = np.minimum(given * 0.25, 3000).astype(np.int64) // 100 * 100
    subsidy = np.where(supported & has_subsidies & (given >= 1000), most, 0)
    return coupon, subsidy
