"""Generates a sample shop: tables, `store.toml` and the truth beside them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from helpers.store.sample import shop_tables
from helpers.store.sample.advertising import draw_spend
from helpers.store.sample.block_tables import block_columns, customer_columns
from helpers.store.sample.blocks import draw_block
from helpers.store.sample.creator_tables import book_hosts, expose
from helpers.store.sample.customers import (
    draw_arrivals,
    draw_customers,
    draw_purchases,
    expected_returning,
)
from helpers.store.sample.lifecycle import LifecycleTotals, draw_contacts, move
from helpers.store.sample.lifecycle_tables import (
    campaign_columns,
    experiment_columns,
    lifecycle_columns,
)
from helpers.store.sample.money import add_kept
from helpers.store.sample.orders import place_orders
from helpers.store.sample.registrations import draw_registered, registered_accounts
from helpers.store.sample.settings import FULL, Mechanisms, make_setting
from helpers.store.sample.spend_tests import draw_spend_test, spend_test_columns
from helpers.store.sample.supply import simulate_supply
from helpers.store.sample.totals import Totals, add_orders, add_pieces, empty_totals
from helpers.store.sample.traffic import draw_traffic
from helpers.store.sample.traffic_tables import source_columns, source_sections
from helpers.store.sample.truth import Truth, make_truth
from helpers.store.sample.visits import VisitSample, begin_sample
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
            totals, lifecycle, sample = _write_blocks(world, tables)
            truth = _write_shop(world, totals, lifecycle, sample, tables)
        finally:
            tables.close()
        truth.write(staging)
        (staging / "store.toml").write_text(STORE_TOML, encoding="utf-8")
    return truth


def _write_blocks(world: World, tables: Tables) -> tuple[Totals, LifecycleTotals, VisitSample]:
    """Customers, their orders and all that follows from them, block by block."""
    arrivals = draw_arrivals(world.setting, world.channels)
    totals, lifecycle, whole = empty_totals(world), LifecycleTotals(), int(arrivals.sum())
    totals.customers, sample = whole, begin_sample(world)
    for block, first in enumerate(range(0, whole, CUSTOMERS_IN_BLOCK)):
        after = min(first + CUSTOMERS_IN_BLOCK, whole)
        customers = draw_customers(world.setting, world.clock, arrivals, first, after)
        purchases, left = draw_purchases(world.setting, world.clock, customers, first)
        moved = move(world, block, customers, purchases, lifecycle)
        totals.returning += expected_returning(world.clock, customers, left) + moved.expected
        orders, accounts = place_orders(
            world, block, customers, moved.purchases,
            next_account=whole + totals.strangers, next_order=totals.orders,
        )  # fmt: skip
        totals.orders += len(orders)
        totals.strangers = max(totals.strangers, int(accounts.number[-1]) + 1 - whole)
        contacts = draw_contacts(
            world, block, customers, moved, accounts, lifecycle, whole + totals.strangers
        )
        totals.strangers += 0 if contacts.accounts is None else len(contacts.accounts.number)
        drawn = draw_block(world, block, orders, accounts)
        add_orders(totals, drawn.orders)
        sample.add(drawn.orders)
        add_pieces(world, totals, drawn.orders, drawn.lines, drawn.deliveries, drawn.returns)
        add_kept(world, totals, drawn.orders, drawn.lines, drawn.deliveries, drawn.returns)
        for table, columns in block_columns(world.setting, drawn, totals):
            tables.write(table, columns)
        for table, columns in lifecycle_columns(world.setting, customers, moved, contacts, totals):
            tables.write(table, columns)
    return totals, lifecycle, sample


def _write_shop(
    world: World,
    totals: Totals,
    lifecycle: LifecycleTotals,
    sample: VisitSample,
    tables: Tables,
) -> Truth:
    """The tables of days, weeks and months, the shop's own, and the truth."""
    traffic = draw_traffic(world, totals)
    spend = book_hosts(world, draw_spend(world, totals, traffic))
    purchases, stock = simulate_supply(world, totals)
    of = shop_tables
    tables.write("shops", of.shop_columns(world.setting))
    tables.write("warehouses", of.warehouse_columns())
    tables.write("suppliers", of.supplier_columns(world))
    tables.write("products", of.product_columns(world))
    tables.write("price_history", of.price_columns(world))
    tables.write("costs", of.cost_columns(world, totals))
    tables.write("traffic_daily", of.traffic_columns(world, totals, traffic))
    tables.write("ad_spend", of.spend_columns(world, spend, expose(world, totals, spend)))
    tables.write("purchase_orders", of.purchase_columns(world, purchases))
    for first in range(0, len(stock.day), WEEKS_IN_BATCH):
        tables.write("stock_levels", of.stock_columns(world, stock, first, first + WEEKS_IN_BATCH))
    for table, columns in (
        ("campaigns", campaign_columns(world)), ("experiments", experiment_columns(world))
    ):  # fmt: skip
        if columns is not None:
            tables.write(table, columns)
    sources = (world, totals, traffic, spend, stock, sample)
    for table, source in source_columns(*sources):
        tables.write(table, source)
    test = draw_spend_test(world, spend)
    if test is not None:
        tables.write("spend_tests", spend_test_columns(world, test))
    if world.setting.mechanisms.funnel:
        registered = draw_registered(world, traffic, totals.buyers)
        next_account = totals.customers + totals.strangers
        for accounts in registered_accounts(world, registered, next_account):
            tables.write("customers", customer_columns(world.setting, accounts))
    truth = make_truth(world, totals, lifecycle, traffic, spend, test)
    return Truth({**truth.sections, **source_sections(*sources)})
