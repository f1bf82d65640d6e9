"""Rows of the tables that are written once: the shop, its products, days, months and weeks."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from helpers.store.sample.advertising import CAMPAIGNS, Spend
from helpers.store.sample.arrow import dates, money, numbered, text, times, unit_price, words
from helpers.store.sample.block_tables import Columns, product_ids
from helpers.store.sample.channels import NAMES
from helpers.store.sample.columns import NO_TIME
from helpers.store.sample.creator_tables import Exposure
from helpers.store.sample.delivery import WAREHOUSES
from helpers.store.sample.money import overheads
from helpers.store.sample.names import CATEGORIES
from helpers.store.sample.products import LINES
from helpers.store.sample.settings import Setting
from helpers.store.sample.streams import stream
from helpers.store.sample.suppliers import SPOT, SPOT_PRICE_FACTOR, SUPPLIERS, supplier_id
from helpers.store.sample.supply import PurchaseLines, Stock, cell_names
from helpers.store.sample.totals import Totals
from helpers.store.sample.traffic import Traffic
from helpers.store.sample.world import World

SUPPLIER_IDS = [supplier_id(index) for index in range(len(SUPPLIERS))]
WAREHOUSE_IDS = [row[0] for row in WAREHOUSES]


def shop_columns(setting: Setting) -> Columns:
    """Table `shops`."""
    return {
        "name": text("Sample shop", 1),
        "platform": text("Tmall", 1),
        "opened_on": dates(setting, np.zeros(1)),
    }


def warehouse_columns() -> Columns:
    """Table `warehouses`."""
    ids, names, regions = zip(*WAREHOUSES, strict=True)
    return {
        "warehouse_id": pa.array(ids), "name": pa.array(names), "region": pa.array(regions)
    }  # fmt: skip


def supplier_columns(world: World) -> Columns:
    """Table `suppliers`."""
    return {
        "supplier_id": pa.array(SUPPLIER_IDS),
        "name": pa.array([row[0] for row in SUPPLIERS]),
        "name_zh": pa.array([row[1] for row in SUPPLIERS]),
        "lead_time_days": pa.array(world.suppliers.lead_time_days.astype(np.int64)),
    }


def product_columns(world: World) -> Columns:
    """Table `products`."""
    catalogue = world.catalogue
    return {
        "product_id": product_ids(np.arange(len(catalogue))),
        "name": pa.array(catalogue.name, pa.string()),
        "name_zh": pa.array(catalogue.name_zh, pa.string()),
        "category": words([of.name for of in CATEGORIES], catalogue.category),
        "category_zh": words([of.name_zh for of in CATEGORIES], catalogue.category),
        "line": words(LINES, catalogue.line),
        "supplier_id": words(SUPPLIER_IDS, catalogue.supplier),
        "launched_on": dates(world.setting, np.maximum(catalogue.launched, 0)),
    }


def price_columns(world: World) -> Columns:
    """Table `price_history`."""
    prices = world.prices
    product, epoch = np.nonzero(prices.is_new.T)
    cost = np.rint(prices.cost_cny[epoch, product] * 10_000).astype(np.int64)
    return {
        "product_id": product_ids(product),
        "valid_from": dates(world.setting, prices.starts[epoch]),
        "list_price": unit_price(prices.list_cents[epoch, product] * 100),
        "unit_cost": unit_price(cost),
    }


def cost_columns(world: World, totals: Totals) -> Columns:
    """Table `costs`."""
    buyers = world.channels.new_customers.sum(axis=1) + totals.returning
    month, names, cents = overheads(world, buyers * world.setting.spend.mean_order_cny)
    return {
        "month": dates(world.setting, month),
        "cost_line": pa.array(names),
        "amount": money(cents),
    }


def traffic_columns(world: World, totals: Totals, traffic: Traffic) -> Columns:
    """Table `traffic_daily`: days and channels with visitors."""
    day, channel = np.nonzero(traffic.visitors)
    cells = (day, channel)
    return {
        "day": dates(world.setting, day),
        "channel": words(NAMES, channel),
        "visitors": pa.array(traffic.visitors[cells]),
        "sessions": pa.array(traffic.sessions[cells]),
        "cart_visitors": pa.array(traffic.cart_visitors[cells]),
        "buyers": pa.array(totals.buyers[cells]),
        "paid_sessions": pa.array(traffic.paid_sessions[cells]),
    }


def spend_columns(world: World, spend: Spend, exposure: Exposure | None) -> Columns:
    """Table `ad_spend`: days on which a campaign cost money or was clicked."""
    counts = np.array([of.click_rate > 0 for of in CAMPAIGNS])
    day, campaign = np.nonzero((spend.cents > 0) | ((spend.clicks > 0) & counts))
    cells, absent = (day, campaign), ~counts[campaign]
    columns = {
        "day": dates(world.setting, day),
        "channel": words([of.channel for of in CAMPAIGNS], campaign),
        "campaign": words([of.name for of in CAMPAIGNS], campaign),
        "kind": words([of.kind for of in CAMPAIGNS], campaign),
        "spend": money(spend.cents[cells]),
        "impressions": pa.array(spend.impressions[cells], mask=absent),
        "clicks": pa.array(spend.clicks[cells], mask=absent),
        "attributed_sales": money(spend.attributed_cents[cells], absent),
    }
    if exposure is not None:
        reach, engagements = exposure.reach[cells], exposure.engagements[cells]
        columns["reach"] = pa.array(reach, mask=reach < 0)
        columns["engagements"] = pa.array(engagements, mask=engagements < 0)
        columns["attributed_conversions"] = pa.array(exposure.conversions[cells], mask=absent)
    return columns


def purchase_columns(world: World, lines: PurchaseLines) -> Columns:
    """Table `purchase_orders`: lines of one supplier, warehouse and moment are one order."""
    warehouse, product = (of[lines.cell] for of in cell_names(world))
    supplier = lines.supplier
    day = lines.ordered // 86_400
    order = np.lexsort((product, warehouse, supplier, day))
    key = np.stack([day, supplier, warehouse])[:, order]
    begins = np.append(True, (np.diff(key, axis=1) != 0).any(axis=0))
    rows = np.arange(len(order))
    first = np.maximum.accumulate(np.where(begins, rows, 0))
    ordered = lines.ordered[order][first]
    epoch = world.prices.epoch_of_day(np.maximum(day, 0))
    agreed = _agreed_prices(world, epoch, product, supplier)
    open_ = (lines.received == NO_TIME)[order]
    return {
        "purchase_order_id": numbered("PO", np.cumsum(begins), 6),
        "line_id": numbered("", rows - first + 1, 1),
        "supplier_id": words(SUPPLIER_IDS, supplier[order]),
        "product_id": product_ids(product[order]),
        "warehouse_id": words(WAREHOUSE_IDS, warehouse[order]),
        "ordered_at": times(world.setting, ordered),
        "promised_on": dates(world.setting, lines.promised[order]),
        "received_at": times(world.setting, lines.received[order]),
        "ordered_quantity": pa.array(lines.ordered_quantity[order]),
        "received_quantity": pa.array(lines.received_quantity[order], mask=open_),
        "rejected_quantity": pa.array(lines.rejected_quantity[order], mask=open_),
        "unit_price": unit_price(agreed[order]),
    }


def _agreed_prices(
    world: World, epoch: np.ndarray, product: np.ndarray, supplier: np.ndarray
) -> np.ndarray:
    """Price of a piece in hundredths of cents: landed cost less inbound freight, as negotiated."""
    random = stream(world.setting.seed, "purchase_prices")
    factor = random.normal(0.965, 0.012, len(product))
    factor = np.where(supplier == SPOT, factor * SPOT_PRICE_FACTOR, factor)
    return np.rint(world.prices.cost_cny[epoch, product] * factor * 1_000).astype(np.int64) * 10


def stock_columns(world: World, stock: Stock, first: int, after: int) -> Columns:
    """Rows of `stock_levels` for some weeks: what is on hand or on order, or on sale and out."""
    warehouse, product = cell_names(world)
    part = slice(first, after)
    seen = (stock.on_hand[part] > 0) | (stock.on_order[part] > 0)
    on_sale = world.catalogue.launched[product] <= stock.day[part, None]
    on_sale &= world.catalogue.dropped[product] > stock.day[part, None]
    week, cell = np.nonzero(seen | on_sale)
    return {
        "day": dates(world.setting, stock.day[part][week]),
        "warehouse_id": words(WAREHOUSE_IDS, warehouse[cell]),
        "product_id": product_ids(product[cell]),
        "on_hand": pa.array(stock.on_hand[part][week, cell]),
        "on_order": pa.array(stock.on_order[part][week, cell]),
    }
