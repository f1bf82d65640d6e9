"""Orders: paid purchases, orders that were never paid, fake orders, exchanges, samples, gifts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from helpers.store.sample.channels import CRM, DIRECT, NAMES, ORGANIC_SEARCH
from helpers.store.sample.columns import DAY, NO_TIME, concatenate, day_number, take
from helpers.store.sample.creators import NOBODY, make_posts, make_shows, post_of, show_of
from helpers.store.sample.customers import (
    REGION_WEIGHTS,
    Customers,
    Purchases,
    draw_amounts_cents,
)
from helpers.store.sample.streams import choose, failures_before_success, stream
from helpers.store.sample.world import World
from helpers.store.schema import ORDER_KINDS

ORDERS_WITHOUT_ATTEMPT = 0.035
SAME_ACCOUNT_SHARE = 0.45
PRE_SALE_SHARE = 0.34
FAKE_SHARE = 0.007
SALE, EXCHANGE, SAMPLE, GIFT = (
    ORDER_KINDS.index(kind) for kind in ("sale", "exchange", "sample", "gift")
)
LIVE, CONTENT = NAMES.index("live"), NAMES.index("content")
LEAST_WITH_DEPOSIT_CENTS = 3_000
OTHER_KINDS = ((EXCHANGE, 0.005, 8, 18), (GIFT, 0.003, 25, 90), (SAMPLE, 0.002, 0, 30))


@dataclass(frozen=True)
class Orders:
    """Orders of a block, one entry each; times in seconds from the start.

    Attributes:
        account: Running number of the account.
        kind: Index into `ORDER_KINDS`.
        created: When it was placed.
        tried: When the buyer tried to pay in full, or would have.
        paid: When it was paid in full; `NO_TIME` for never.
        deposit_paid: When the deposit was paid; `NO_TIME` for none.
        deposit_cents: The deposit.
        has_attempt: Whether the buyer tried to pay.
        channel: Index of the channel.
        is_fake: Whether it is a fake order.
        is_first: Whether it is the customer's first purchase.
        amount_cents: What the buyer pays, or would have, for the goods.
        postage_cents: What the buyer pays for postage.
        region: Index into `REGION_NAMES`.
        number: Running number of the order in the shop.
        show: Live session that it came through; `NOBODY` for none.
        post: Creator's post that it came through; `NOBODY` for none.
    """

    account: np.ndarray
    kind: np.ndarray
    created: np.ndarray
    tried: np.ndarray
    paid: np.ndarray
    deposit_paid: np.ndarray
    deposit_cents: np.ndarray
    has_attempt: np.ndarray
    channel: np.ndarray
    is_fake: np.ndarray
    is_first: np.ndarray
    amount_cents: np.ndarray
    postage_cents: np.ndarray
    region: np.ndarray
    number: np.ndarray
    show: np.ndarray
    post: np.ndarray

    def __len__(self) -> int:
        return len(self.account)

    @property
    def is_paid(self) -> np.ndarray:
        """Whether the order was paid in full."""
        return self.paid != NO_TIME


@dataclass(frozen=True)
class Accounts:
    """Accounts of a block.

    Attributes:
        number: Running number in the shop.
        registered: When the account was made, in seconds from the start.
        channel: Index of the channel that brought it.
        region: Index into `REGION_NAMES`.
    """

    number: np.ndarray
    registered: np.ndarray
    channel: np.ndarray
    region: np.ndarray


def place_orders(
    world: World,
    block: int,
    customers: Customers,
    purchases: Purchases,
    *,
    next_account: int,
    next_order: int,
) -> tuple[Orders, Accounts]:
    """All orders of a block of customers, sorted by creation, and all its accounts.

    Args:
        world: The shop.
        block: Number of the block.
        customers: The block's customers.
        purchases: Their purchases.
        next_account: First free number for accounts of people who never buy.
        next_order: First free number for orders.
    """
    random = stream(world.setting.seed, "orders", block)
    paid = _paid_orders(world, random, customers, purchases)
    strangers = _Strangers(random, next_account)
    parts = [paid, *_never_paid(world, random, paid, strangers)]
    if world.setting.mechanisms.other_orders:
        parts.append(_fake_orders(world, random, paid, strangers))
        parts.extend(_other_orders(world, random, paid, strangers, *kind) for kind in OTHER_KINDS)
    orders = _with_postage(random, concatenate(parts))
    order = np.argsort(orders.created, kind="stable")
    orders = replace(take(orders, order), number=next_order + np.arange(len(orders)))
    return _with_creators(world, block, orders), _accounts(random, orders, customers)


def _with_creators(world: World, block: int, orders: Orders) -> Orders:
    """Sales with the session or post that they came through, where the shop knows."""
    if not world.setting.mechanisms.creators:
        return orders
    random = stream(world.setting.seed, "creators", block)
    is_sale = (orders.kind == SALE) & ~orders.is_fake
    shows, posts = make_shows(world.setting), make_posts(world.setting)
    return replace(
        orders,
        show=show_of(random, shows, orders.created, is_sale & (orders.channel == LIVE)),
        post=post_of(random, posts, orders.created, is_sale & (orders.channel == CONTENT)),
    )


class _Strangers:
    """Hands out accounts of people who are no customers."""

    def __init__(self, random: np.random.Generator, first: int) -> None:
        self._random = random
        self._next = first

    def draw(self, accounts: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and regions of new accounts."""
        number = self._next + np.arange(accounts)
        self._next += accounts
        return number, choose(self._random, REGION_WEIGHTS, accounts)


def _paid_orders(
    world: World, random: np.random.Generator, customers: Customers, purchases: Purchases
) -> Orders:
    buyer, count = purchases.buyer, len(purchases.buyer)
    returning = choose(random, world.channels.returning_share, count)
    paid = world.clock.seconds(purchases.operational)
    orders = Orders(
        account=customers.number[buyer],
        kind=np.full(count, SALE, dtype=np.int8),
        created=np.maximum(paid - hesitation(random, count), 0),
        tried=paid,
        paid=paid,
        deposit_paid=np.full(count, NO_TIME),
        deposit_cents=np.zeros(count, dtype=np.int64),
        has_attempt=np.ones(count, dtype=bool),
        channel=np.where(purchases.is_first, customers.channel[buyer], returning),
        is_fake=np.zeros(count, dtype=bool),
        is_first=purchases.is_first,
        amount_cents=draw_amounts_cents(random, world.setting.spend, customers.spend_scale[buyer]),
        postage_cents=np.zeros(count, dtype=np.int64),
        region=customers.region[buyer],
        number=np.zeros(count, dtype=np.int64),
        show=np.full(count, NOBODY),
        post=np.full(count, NOBODY),
    )
    return _with_deposits(world, random, orders)


def registration_lead(random: np.random.Generator, count: int) -> np.ndarray:
    """Seconds from making an account to its first order."""
    soon = random.lognormal(5.6, 1.0, count)
    long_ago = random.exponential(18 * DAY, count)
    return np.where(random.random(count) < 0.75, soon, long_ago).astype(np.int64)


def hesitation(random: np.random.Generator, count: int) -> np.ndarray:
    """Seconds from placing an order to paying it."""
    return np.clip(random.lognormal(4.2, 1.3, count), 8, 28_800).astype(np.int64)


def _with_deposits(world: World, random: np.random.Generator, orders: Orders) -> Orders:
    """Some orders paid on a balance day were placed in the pre-sale, with a deposit."""
    calendar, day = world.calendar, day_number(orders.tried)
    first, last = calendar.deposit_first[day], calendar.deposit_last[day]
    chosen = (first >= 0) & (random.random(len(orders)) < PRE_SALE_SHARE)
    chosen &= orders.amount_cents >= LEAST_WITH_DEPOSIT_CENTS
    early = first + np.floor(random.random(len(orders)) ** 1.6 * (last - first + 1)).astype(int)
    early = np.clip(early, 0, world.setting.days - 1)
    placed = early * DAY + world.clock.second_of_day(early, random.random(len(orders)))
    deposit = np.rint(orders.amount_cents * random.uniform(0.1, 0.2, len(orders)) / 100) * 100
    return replace(
        orders,
        created=np.where(chosen, placed, orders.created),
        deposit_paid=np.where(chosen, placed + random.integers(9, 240, len(orders)), NO_TIME),
        deposit_cents=np.where(chosen, np.clip(deposit, 100, 10_000), 0).astype(np.int64),
    )


def _unpaid_orders(
    world: World,
    random: np.random.Generator,
    like: Orders,
    strangers: _Strangers,
    *,
    has_attempt: bool,
) -> Orders:
    """One unpaid order for each paid one of `like`: by its buyer just before, or by a stranger."""
    count = len(like)
    same = random.random(count) < SAME_ACCOUNT_SHARE
    number, region = strangers.draw(int((~same).sum()))
    account, place = like.account.copy(), like.region.copy()
    account[~same], place[~same] = number, region
    day = day_number(like.paid)
    before = np.maximum(like.paid - random.integers(90, 14_400, count), 0)
    elsewhen = day * DAY + world.clock.second_of_day(day, random.random(count))
    tried = np.where(same, before, elsewhen)
    unpaid = replace(
        like,
        account=account,
        region=place,
        created=np.maximum(tried - hesitation(random, count), 0),
        tried=tried,
        paid=np.full(count, NO_TIME),
        deposit_paid=np.full(count, NO_TIME),
        deposit_cents=np.zeros(count, dtype=np.int64),
        channel=np.where(~same & (like.channel == CRM), DIRECT, like.channel),
        has_attempt=np.full(count, has_attempt),
        is_first=np.zeros(count, dtype=bool),
        amount_cents=np.where(same, like.amount_cents, random.permutation(like.amount_cents)),
    )
    return _with_deposits(world, random, unpaid) if has_attempt else unpaid


def _never_paid(
    world: World, random: np.random.Generator, paid: Orders, strangers: _Strangers
) -> list[Orders]:
    """Orders whose payment failed, and orders left before any try to pay."""
    failures = failures_before_success(random, world.payment_success[day_number(paid.paid)])
    left = random.poisson(ORDERS_WITHOUT_ATTEMPT, len(paid))
    everyone = np.arange(len(paid))
    failed = take(paid, np.repeat(everyone, failures))
    untried = take(paid, np.repeat(everyone, left))
    return [
        _unpaid_orders(world, random, failed, strangers, has_attempt=True),
        _unpaid_orders(world, random, untried, strangers, has_attempt=False),
    ]


def _fake_orders(
    world: World, random: np.random.Generator, paid: Orders, strangers: _Strangers
) -> Orders:
    """Orders placed to inflate sales, by accounts that place two or so each."""
    count = int(random.binomial(len(paid), FAKE_SHARE))
    like = take(paid, random.integers(0, len(paid), count))
    number, region = strangers.draw(count // 2 + 1)
    of = random.integers(0, count // 2 + 1, count)
    day = day_number(like.paid)
    tried = day * DAY + world.clock.second_of_day(day, random.random(count))
    return replace(
        like,
        account=number[of],
        region=region[of],
        created=np.maximum(tried - hesitation(random, count), 0),
        tried=tried,
        paid=tried,
        deposit_paid=np.full(count, NO_TIME),
        deposit_cents=np.zeros(count, dtype=np.int64),
        channel=np.full(count, ORGANIC_SEARCH),
        is_fake=np.ones(count, dtype=bool),
        is_first=np.zeros(count, dtype=bool),
        amount_cents=random.permutation(like.amount_cents) // 2 + 2900,
    )


def _other_orders(
    world: World,
    random: np.random.Generator,
    paid: Orders,
    strangers: _Strangers,
    kind: int,
    share: float,
    first_day: int,
    last_day: int,
) -> Orders:
    """Exchanges and gifts for customers, samples for strangers; nothing is paid for them."""
    like = take(paid, np.flatnonzero(random.random(len(paid)) < share))
    when = like.paid + random.integers(first_day * DAY, last_day * DAY, len(like))
    keep = when <= world.setting.last_second
    like, when = take(like, keep), when[keep]
    account, region = like.account, like.region
    if kind == SAMPLE:
        account, region = strangers.draw(len(like))
    return replace(
        like,
        account=account,
        region=region,
        kind=np.full(len(like), kind, dtype=np.int8),
        created=when,
        tried=when,
        paid=when,
        deposit_paid=np.full(len(like), NO_TIME),
        deposit_cents=np.zeros(len(like), dtype=np.int64),
        has_attempt=np.zeros(len(like), dtype=bool),
        is_first=np.zeros(len(like), dtype=bool),
    )


def _with_postage(random: np.random.Generator, orders: Orders) -> Orders:
    """Postage on most small sales."""
    pays = (orders.kind == SALE) & (orders.amount_cents < 6900) & (random.random(len(orders)) < 0.7)
    postage = 100 * np.array([6, 8, 10, 12])[choose(random, np.array([3, 4, 2, 1]), len(orders))]
    return replace(orders, postage_cents=np.where(pays, postage, 0))


def _accounts(random: np.random.Generator, orders: Orders, customers: Customers) -> Accounts:
    """The accounts behind a block's orders; each is made before its first order."""
    number, first, row = np.unique(orders.account, return_index=True, return_inverse=True)
    earliest = np.full(len(number), orders.created.max(initial=0))
    np.minimum.at(earliest, row, orders.created)
    before = registration_lead(random, len(number))
    channel = orders.channel[first].copy()
    place = np.searchsorted(number, customers.number)
    channel[place] = customers.channel
    return Accounts(
        number=number,
        registered=np.maximum(earliest - before, 0),
        channel=channel,
        region=orders.region[first],
    )
