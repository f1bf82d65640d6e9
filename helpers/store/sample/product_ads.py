"""Rows of `product_ads`: which products the on-site ads show, and what they cost.

Keyword ads show the products of the terms that they bid on. Display ads show a set of popular
products for a quarter at a time; in the last weeks it also holds products whose stock lasts for
less than their supplier's lead time, as nobody has stopped their ads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from helpers.store.sample.advertising import Spend
from helpers.store.sample.arrow import dates, money, text
from helpers.store.sample.block_tables import Columns, product_ids
from helpers.store.sample.columns import concatenate, take
from helpers.store.sample.delivery import WAREHOUSES
from helpers.store.sample.search_days import CAMPAIGN_NAMES, Bids, split_by_share
from helpers.store.sample.streams import stream
from helpers.store.sample.supply import Stock
from helpers.store.sample.totals import Totals
from helpers.store.sample.world import World

KEYWORDS, DISPLAY, CHANNEL = "keywords_generic", "smart_display", "onsite_ads"
DISPLAYED = 13
QUARTER_DAYS, MOST_DAYS = 91, 1_461
DISPLAYED_SHARE = 0.94
SHORT_PRODUCTS, SHORT_DAYS, SALES_WEEKS = 4, 60, 8


@dataclass(frozen=True)
class _Rows:
    """Rows of one campaign."""

    day: np.ndarray
    product: np.ndarray
    cents: np.ndarray
    impressions: np.ndarray
    clicks: np.ndarray
    claimed_cents: np.ndarray


def product_ad_columns(
    world: World, totals: Totals, stock: Stock, spend: Spend, bids: Bids
) -> Iterator[Columns]:
    """Table `product_ads`, one part for each campaign."""
    yield _columns(world, KEYWORDS, _by_keywords(world, spend, bids))
    yield _columns(world, DISPLAY, _displayed(world, spend, short_products(world, totals, stock)))


def _columns(world: World, campaign: str, rows: _Rows) -> Columns:
    on_sale = world.catalogue.launched[rows.product] <= rows.day
    on_sale &= world.catalogue.dropped[rows.product] > rows.day
    rows = take(rows, on_sale & (rows.day >= world.setting.days - MOST_DAYS))
    return {
        "day": dates(world.setting, rows.day),
        "channel": text(CHANNEL, len(rows.day)),
        "campaign": text(campaign, len(rows.day)),
        "product_id": product_ids(rows.product),
        "spend": money(rows.cents),
        "impressions": pa.array(rows.impressions),
        "clicks": pa.array(rows.clicks),
        "attributed_sales": money(rows.claimed_cents),
    }


def _by_keywords(world: World, spend: Spend, bids: Bids) -> _Rows:
    """Generic terms' money and clicks by the product that they show."""
    generic = np.array([not term.is_brand for term in bids.terms])
    shown = np.array([term.product for term in bids.terms])[generic]
    product, column = np.unique(shown, return_inverse=True)
    sums = []
    for of in (bids.cents, bids.impressions, bids.clicks):
        by_product = np.zeros((world.setting.days, len(product)), dtype=np.int64)
        np.add.at(by_product.T, column, of[:, generic].T)
        sums.append(by_product)
    return _seen(spend, KEYWORDS, np.arange(world.setting.days), product, *sums)


def _seen(
    spend: Spend,
    campaign: str,
    span: np.ndarray,
    product: np.ndarray,
    cents: np.ndarray,
    impressions: np.ndarray,
    clicks: np.ndarray,
) -> _Rows:
    """Days and products with money or clicks; claims go by clicks."""
    row = CAMPAIGN_NAMES.index(campaign)
    part = clicks / np.maximum(spend.clicks[span, row], 1)[:, None]
    claimed = np.floor(part * spend.attributed_cents[span, row][:, None]).astype(np.int64)
    cells = np.nonzero((cents > 0) | (clicks > 0))
    day, column = cells
    return _Rows(
        span[day], product[column], cents[cells], impressions[cells], clicks[cells], claimed[cells]
    )


def short_products(world: World, totals: Totals, stock: Stock) -> np.ndarray:
    """Of the best-selling fifth, products whose stock at the end covers the least of a lead time.

    None whose pieces on hand, at the sales of the last weeks, last until a new order would come.
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


def _displayed(world: World, spend: Spend, short: np.ndarray) -> _Rows:
    """Display ads: an own set of products each quarter, and `short` in the last weeks."""
    random = stream(world.setting.seed, "display")
    days, parts = world.setting.days, []
    for start in range(0, days, QUARTER_DAYS):
        span = np.arange(start, min(start + QUARTER_DAYS, days))
        product = np.unique(np.concatenate([_chosen(world, random, start), short]))
        late = np.isin(product, short) & (span[:, None] < days - SHORT_DAYS)
        gone = world.catalogue.dropped[product] <= span[:, None]
        weight = random.gamma(2.0, 0.5, len(product)) + 0.15
        daily = weight * np.exp(random.normal(0, 0.2, (len(span), len(product))))
        share = np.where(late | gone, 0.0, daily)
        share *= DISPLAYED_SHARE / np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
        parts.append(_shared(random, spend, span, product, share))
    return concatenate(parts)


def _shared(
    random: np.random.Generator,
    spend: Spend,
    span: np.ndarray,
    product: np.ndarray,
    share: np.ndarray,
) -> _Rows:
    """Parts of the campaign's money, views and clicks; money goes half by share, half by clicks."""
    row = CAMPAIGN_NAMES.index(DISPLAY)
    clicks = split_by_share(random, spend.clicks[span, row], share)
    unclicked = spend.impressions[span, row] - spend.clicks[span, row]
    seen = clicks + split_by_share(random, unclicked, share)
    part = 0.5 * share + 0.5 * clicks / np.maximum(spend.clicks[span, row], 1)[:, None]
    cents = np.floor(part * spend.cents[span, row][:, None]).astype(np.int64)
    return _seen(spend, DISPLAY, span, product, cents, seen, clicks)


def _chosen(world: World, random: np.random.Generator, day: int) -> np.ndarray:
    """Products of a quarter: popular ones that are on sale when it begins."""
    catalogue = world.catalogue
    on_sale = (catalogue.launched <= day) & (catalogue.dropped > day)
    chance = np.where(on_sale, np.log(catalogue.popularity), -np.inf)
    drawn = chance + random.gumbel(size=len(chance))
    return np.argsort(-drawn, kind="stable")[: min(DISPLAYED, int(on_sale.sum()))]


def product_ad_truth(world: World, totals: Totals, stock: Stock, ids: list[str]) -> dict[str, Any]:
    """Advertised products about to run out, for `truth.json`."""
    short = short_products(world, totals, stock)
    since = world.setting.date_of(max(world.setting.days - SHORT_DAYS, 0))
    return {"advertised_and_short": [ids[row] for row in short], "since": str(since)}
