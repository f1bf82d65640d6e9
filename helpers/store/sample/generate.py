"""Generates a sample shop: tables, `store.toml` and the truth beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from helpers.store.sample import block_tables, shop_tables
from helpers.store.sample.advertising import draw_spend
from helpers.store.sample.baskets import Lines, fill_baskets
from helpers.store.sample.columns import day_number
from helpers.store.sample.customers import (
    draw_arrivals,
    draw_customers,
    draw_purchases,
    expected_returning,
)
from helpers.store.sample.delivery import deliver
from helpers.store.sample.money import settle
from helpers.store.sample.orders import SALE, Accounts, Orders, place_orders
from helpers.store.sample.payments import draw_payments
from helpers.store.sample.returns import draw_cancellations, draw_returns
from helpers.store.sample.settings import FULL, Mechanisms, make_setting
from helpers.store.sample.streams import stream
from helpers.store.sample.supply import simulate_supply
from helpers.store.sample.surveys import draw_answers
from helpers.store.sample.totals import Totals, add_orders, add_pieces, empty_totals
from helpers.store.sample.traffic import draw_traffic
from helpers.store.sample.truth import Truth, make_truth
from helpers.store.sample.world import World, make_world
from helpers.store.sample.write import STORE_TOML, Tables, new_folder

CUSTOMERS_IN_BLOCK = 40_000
WEEKS_IN_BATCH = 52
ENDS_ON = date(2024, 12, 31)


def generate(
    folder: Path,
    *,
    seed: int = 20231111,
    customers: int = 60_000,
    months: int = 48,
    scale: float = 1,
    mechanisms: Mechanisms = FULL,
    ends_on: date = ENDS_ON,
) -> Truth:
    """Writes a shop whose truth is known.

    The same arguments give the same bytes. Blocks of customers are drawn and written one after
    another, so that memory does not grow with the size.

    Args:
        folder: Gets one Parquet file per canonical table, `store.toml` and `truth.json`; replaced
            as a whole if it exists.
        seed: Seeds every draw.
        customers: Expected number of customers who buy.
        months: Months up to `ends_on`; with growth the first twelve are a run-in.
        scale: Multiplies `customers`.
        mechanisms: What is switched on.
        ends_on: Last day of the shop's data.

    Returns:
        What `truth.json` says.

    Raises:
        ValueError: `customers`, `scale` or `months` is not positive.
        FileExistsError: `folder` holds something else than a sample shop.
    """
    setting = make_setting(seed, customers * scale, months, ends_on, mechanisms)
    world = make_world(setting)
    with new_folder(Path(folder)) as staging:
        tables = Tables(staging)
        try:
            totals = _write_blocks(world, tables)
            truth = _write_shop(world, totals, tables)
        finally:
            tables.close()
        truth.write(staging)
        (staging / "store.toml").write_text(STORE_TOML, encoding="utf-8")
    return truth


def _write_blocks(world: World, tables: Tables) -> Totals:
    """Customers, their orders and all that follows from them, block by block."""
    arrivals = draw_arrivals(world.setting, world.channels)
    totals, whole = empty_totals(world), int(arrivals.sum())
    for block, first in enumerate(range(0, whole, CUSTOMERS_IN_BLOCK)):
        after = min(first + CUSTOMERS_IN_BLOCK, whole)
        customers = draw_customers(world.setting, world.clock, arrivals, first, after)
        purchases, left = draw_purchases(world.setting, world.clock, customers, first)
        totals.returning += expected_returning(world.clock, customers, left)
        orders, accounts = place_orders(
            world, block, customers, purchases,
            next_account=whole + totals.accounts, next_order=totals.orders,
        )  # fmt: skip
        totals.orders += len(orders)
        totals.accounts += len(accounts.number) - len(customers.number)
        _write_orders(world, block, orders, accounts, totals, tables)
    return totals


def _write_orders(
    world: World, block: int, orders: Orders, accounts: Accounts, totals: Totals, tables: Tables
) -> None:
    """One block of orders: baskets, payments, parcels, refunds, settlements, answers."""
    setting = world.setting
    lines = _baskets(world, block, orders)
    cancelled = draw_cancellations(world, stream(setting.seed, "cancellations", block), orders)
    weight, pieces = _weights(world, orders, lines)
    parcels, to = deliver(
        world, stream(setting.seed, "delivery", block), orders, weight, pieces, cancelled
    )
    returns = draw_returns(
        world, stream(setting.seed, "returns", block), orders, lines, to, cancelled
    )
    settlements = settle(
        world, stream(setting.seed, "settlements", block), orders, lines, to, returns
    )
    payments = draw_payments(stream(setting.seed, "payments", block), orders)
    answers = draw_answers(world, stream(setting.seed, "surveys", block), orders, to)
    add_orders(totals, orders)
    add_pieces(world, totals, orders, lines, to, returns)
    ids = block_tables.order_ids(setting, orders)
    number = totals.next_numbers
    of = block_tables
    for table, columns in (
        ("customers", of.customer_columns(setting, accounts)),
        ("orders", of.order_columns(setting, orders, ids, to, settlements)),
        ("order_lines", of.line_columns(lines, ids)),
        ("payments", of.payment_columns(
            setting, payments, ids, number("payments", len(payments.order)))),
        ("returns", of.return_columns(
            setting, returns, orders, lines, ids, number("returns", len(returns.line)))),
        ("settlements", of.settlement_columns(setting, settlements, ids)),
        ("shipments", of.shipment_columns(
            setting, parcels, ids, number("shipments", len(parcels.order)))),
        ("surveys", of.answer_columns(
            setting, answers, number("surveys", len(answers.account)))),
    ):  # fmt: skip
        tables.write(table, columns)


def _baskets(world: World, block: int, orders: Orders) -> Lines:
    """Lines of the orders; of exchanges, samples and gifts the shop gives away the whole price."""
    day = day_number(orders.tried)
    lines = fill_baskets(
        stream(world.setting.seed, "baskets", block),
        world.assortment,
        epoch=world.prices.epoch_of_day(day),
        amount_cents=orders.amount_cents,
        discount=world.calendar.discount[day],
        is_event=world.calendar.is_peak[day],
        has_subsidies=world.setting.mechanisms.events,
    )
    free = (orders.kind != SALE)[lines.order]
    orders.amount_cents[orders.kind != SALE] = 0
    nothing = np.zeros(len(free), dtype=np.int64)
    return replace(
        lines,
        merchant_cents=np.where(free, lines.list_cents * lines.quantity, lines.merchant_cents),
        coupon_cents=np.where(free, nothing, lines.coupon_cents),
        subsidy_cents=np.where(free, nothing, lines.subsidy_cents),
        paid_cents=np.where(free, nothing, lines.paid_cents),
    )


def _weights(world: World, orders: Orders, lines: Lines) -> tuple[np.ndarray, np.ndarray]:
    """Weight in kg and pieces of each order."""
    weight = world.catalogue.weight_kg[lines.product] * lines.quantity
    return (
        np.bincount(lines.order, weights=weight, minlength=len(orders)),
        np.bincount(lines.order, weights=lines.quantity, minlength=len(orders)),
    )


def _write_shop(world: World, totals: Totals, tables: Tables) -> Truth:
    """The tables of days, weeks and months, the shop's own, and the truth."""
    traffic = draw_traffic(world, totals)
    spend = draw_spend(world, totals, traffic)
    purchases, stock = simulate_supply(world, totals)
    of = shop_tables
    tables.write("shops", of.shop_columns(world.setting))
    tables.write("warehouses", of.warehouse_columns())
    tables.write("suppliers", of.supplier_columns(world))
    tables.write("products", of.product_columns(world))
    tables.write("price_history", of.price_columns(world))
    tables.write("costs", of.cost_columns(world, totals))
    tables.write("traffic_daily", of.traffic_columns(world, totals, traffic))
    tables.write("ad_spend", of.spend_columns(world, spend))
    tables.write("purchase_orders", of.purchase_columns(world, purchases))
    for first in range(0, len(stock.day), WEEKS_IN_BATCH):
        tables.write("stock_levels", of.stock_columns(world, stock, first, first + WEEKS_IN_BATCH))
    return make_truth(world, traffic, spend)
