"""Rows of `product_ads`: which products the on-site ads show, and what they cost.

A set of popular products is advertised for a quarter at a time. In the last weeks it also holds
products whose stock lasts for less than their supplier's lead time; nobody has stopped their ads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from helpers.store.sample.advertising import CAMPAIGNS, Spend
from helpers.store.sample.arrow import dates, money, words
from helpers.store.sample.block_tables import Columns, product_ids
from helpers.store.sample.delivery import WAREHOUSES
from helpers.store.sample.streams import stream
from helpers.store.sample.supply import Stock
from helpers.store.sample.totals import Totals
from helpers.store.sample.world import World

PRODUCTS = {"keywords_generic": 11, "smart_display": 13}
QUARTER_DAYS, MOST_DAYS = 91, 1_461
ADVERTISED_SHARE = 0.94
SHORT_PRODUCTS, SHORT_DAYS, SALES_WEEKS = 4, 60, 8


def product_ad_columns(world: World, totals: Totals, stock: Stock, spend: Spend) -> list[Columns]:
    """Table `product_ads`, one part for each campaign."""
    short = short_products(world, totals, stock)
    return [_of_campaign(world, spend, name, count, short) for name, count in PRODUCTS.items()]


def short_products(world: World, totals: Totals, stock: Stock) -> np.ndarray:
    """Well-selling products whose stock at the end covers the least of their lead time.

    The best-selling tenth that is still sold is looked at; a product may be in it by chance of the
    stock simulation only where its pieces on hand cover fewer days than its supplier needs.
    """
    if not len(stock.day):
        return np.zeros(0, dtype=np.int64)
    count = len(world.catalogue)
    weekly = totals.shipped[-SALES_WEEKS - 1 : -1].sum(axis=(0, 1)) / SALES_WEEKS
    on_hand = stock.on_hand[-1].reshape(len(WAREHOUSES), count).sum(axis=0)
    cover = 7 * on_hand / np.maximum(weekly, 1e-9)
    lead = world.suppliers.lead_time_days[world.catalogue.supplier]
    sells = (world.catalogue.dropped >= world.setting.days) & (weekly > np.quantile(weekly, 0.8))
    rows = np.flatnonzero(sells & (weekly > 0) & (cover < lead))
    return rows[np.lexsort((rows, cover[rows] / lead[rows]))][:SHORT_PRODUCTS]


def _of_campaign(
    world: World, spend: Spend, campaign: str, count: int, short: np.ndarray
) -> Columns:
    random = stream(world.setting.seed, "product_ads", [*PRODUCTS].index(campaign))
    row = [of.name for of in CAMPAIGNS].index(campaign)
    days = world.setting.days
    parts = []
    for first in range(max(days - MOST_DAYS, 0) // QUARTER_DAYS, -(-days // QUARTER_DAYS)):
        start = first * QUARTER_DAYS
        span = np.arange(max(start, days - MOST_DAYS), min(start + QUARTER_DAYS, days))
        product = _chosen(world, random, int(span[0]), count)
        product = np.unique(np.concatenate([product, short]))
        late = np.isin(product, short) & (span[:, None] < days - SHORT_DAYS)
        on_sale = world.catalogue.launched[product] <= span[:, None]
        on_sale &= world.catalogue.dropped[product] > span[:, None]
        weight = random.gamma(2.0, 0.5, len(product)) + 0.15
        daily = weight * np.exp(random.normal(0, 0.2, (len(span), len(product))))
        share = np.where(on_sale & ~late, daily, 0.0)
        share *= ADVERTISED_SHARE / np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
        parts.append(_rows(random, spend, row, span, product, share))
    day, product, cents, seen, clicks, claimed = (
        np.concatenate(of) for of in zip(*parts, strict=True)
    )
    return {
        "day": dates(world.setting, day),
        "channel": words([CAMPAIGNS[row].channel], np.zeros(len(day), dtype=np.int64)),
        "campaign": words([campaign], np.zeros(len(day), dtype=np.int64)),
        "product_id": product_ids(product),
        "spend": money(cents),
        "impressions": pa.array(seen),
        "clicks": pa.array(clicks),
        "attributed_sales": money(claimed),
    }


def _chosen(world: World, random: np.random.Generator, day: int, count: int) -> np.ndarray:
    """Products of a quarter: popular ones that are on sale when it begins."""
    catalogue = world.catalogue
    on_sale = (catalogue.launched <= day) & (catalogue.dropped > day)
    chance = np.where(on_sale, np.log(catalogue.popularity), -np.inf)
    drawn = chance + random.gumbel(size=len(chance))
    return np.sort(np.argsort(-drawn, kind="stable")[: min(count, int(on_sale.sum()))])


def _rows(
    random: np.random.Generator,
    spend: Spend,
    row: int,
    span: np.ndarray,
    product: np.ndarray,
    share: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Parts of the campaign's money, views, clicks and claims, by day and product."""
    rest = np.maximum(1 - share.sum(axis=1, keepdims=True), 0)
    chance = np.concatenate([share, rest], axis=1)
    clicks = random.multinomial(spend.clicks[span, row], chance)[:, :-1]
    unclicked = spend.impressions[span, row] - spend.clicks[span, row]
    seen = clicks + random.multinomial(unclicked, chance)[:, :-1]
    whole = np.maximum(spend.clicks[span, row], 1)[:, None]
    part = 0.5 * share + 0.5 * clicks / whole
    cents = np.floor(part * spend.cents[span, row][:, None]).astype(np.int64)
    claimed = np.floor(clicks / whole * spend.attributed_cents[span, row][:, None])
    day, column = np.nonzero((cents > 0) | (clicks > 0))
    cells = (day, column)
    return (span[day], product[column], cents[cells], seen[cells], clicks[cells],
            claimed[cells].astype(np.int64))  # fmt: skip


def product_ad_truth(world: World, totals: Totals, stock: Stock, ids: list[str]) -> dict[str, Any]:
    """Advertised products about to run out, for `truth.json`."""
    short = short_products(world, totals, stock)
    since = world.setting.date_of(max(world.setting.days - SHORT_DAYS, 0))
    return {"advertised_and_short": [ids[row] for row in short], "since": str(since)}
