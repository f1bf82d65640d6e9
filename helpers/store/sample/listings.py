"""Listings: titles and pages of products over time, their rating and reviews.

A product's page begins at its launch. Some products change their title or page on a planted day;
the most popular ones report rating and reviews at the start of each month.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from helpers.store.sample.arrow import dates
from helpers.store.sample.block_tables import Columns, product_ids
from helpers.store.sample.names import CATEGORIES
from helpers.store.sample.search import BRAND, BRAND_ZH, NOT_IN_TITLE, Search
from helpers.store.sample.streams import stream
from helpers.store.sample.totals import Totals, week_of_day
from helpers.store.sample.world import World

TOP_PRODUCTS, TOP_DAYS = 90, 760
REVIEWS_PER_PIECE = 0.24
REPORT_NOISE = 0.01
FALLING = (("Women's Apparel", 0, 150, 0.22), ("Bath", 1, 220, 0.18))


def listing_columns(world: World, search: Search, totals: Totals) -> Columns:
    """Table `listings`: one row per product and state."""
    launched = np.maximum(world.catalogue.launched, 0)
    states = {(product, int(day)) for product, day in enumerate(launched)}
    states |= {(change.product, change.day) for change in search.changes}
    states |= _reports(world, search)
    product, day = np.array(sorted(states)).T
    inside = day < world.setting.days
    product, day = product[inside], day[inside]
    texts = [_state(world, search, int(p), int(d)) for p, d in zip(product, day, strict=True)]
    titles, titles_zh, versions = zip(*texts, strict=True)
    return {
        "product_id": product_ids(product),
        "valid_from": dates(world.setting, day),
        "title": pa.array(titles, pa.string()),
        "title_zh": pa.array(titles_zh, pa.string()),
        "page_version": pa.array(versions, pa.string()),
        "rating": pa.array(_ratings(world, search, product, day)),
        "reviews": pa.array(_reviews(world, totals, product, day)),
    }


def _reports(world: World, search: Search) -> set[tuple[int, int]]:
    """Products and days of the monthly reports."""
    catalogue, days = world.catalogue, world.setting.days
    sold = catalogue.dropped >= days
    top = np.argsort(np.where(sold, -catalogue.popularity, 0), kind="stable")[:TOP_PRODUCTS]
    searched = {product for pair in search.pairs for product in pair}
    first = np.flatnonzero(np.append(True, np.diff(world.calendar.month) != 0))
    return {
        (int(product), int(day))
        for product in sorted(searched | set(top.tolist()))
        for day in first
        if day > days - TOP_DAYS and catalogue.launched[product] < day < catalogue.dropped[product]
    }


def _state(world: World, search: Search, product: int, day: int) -> tuple[str, str, str]:
    """Title in both languages and version of the page on a day."""
    catalogue = world.catalogue
    category = CATEGORIES[catalogue.category[product]]
    terms = [
        of for of in search.terms if of.product == product and not of.is_brand and of.buys > 0.1
    ]
    if category.name in NOT_IN_TITLE and product == search.pairs[catalogue.category[product]][1]:
        terms = []
    phrases = [(of.term, of.term_zh) for of in terms]
    version = 1
    for change in search.changes:
        if change.product == product and change.day <= day:
            version += change.kind == "page"
            phrases = [] if change.drops_terms else phrases
            phrases = [*phrases, change.words] if change.words[0] else phrases
    name, name_zh = str(catalogue.name[product]), str(catalogue.name_zh[product])
    more = [words for words, _ in phrases if words not in name.lower()]
    more_zh = [words for _, words in phrases if words not in name_zh]
    title = ", ".join([f"{BRAND} {name}", *(words.capitalize() for words in more)])
    return (
        f"{title} | {category.name}",
        " ".join([f"{BRAND_ZH}{name_zh}", *more_zh, category.name_zh]),
        f"v{version}",
    )


def _ratings(world: World, search: Search, product: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Mean stars: fewer where more comes back; of two products they fall in the last months."""
    random = stream(world.setting.seed, "ratings")
    catalogue = world.catalogue
    usual = 4.93 - 1.1 * catalogue.refund_rate + random.normal(0, 0.05, len(catalogue))
    stars = usual[product] + random.normal(0, REPORT_NOISE, len(product))
    for name, which, back, fall in FALLING:
        category = [of.name for of in CATEGORIES].index(name)
        of = product == search.pairs[category][which]
        since = np.clip((day - (world.setting.days - back)) / back, 0, 1)
        stars = stars - np.where(of, fall * since, 0)
    return np.round(np.clip(stars, 3.2, 5.0), 2)


def _reviews(world: World, totals: Totals, product: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Reviews so far: a share of the pieces that left up to the week before."""
    shipped = totals.shipped.sum(axis=1)
    until = np.concatenate([np.zeros((1, shipped.shape[1])), np.cumsum(shipped, axis=0)])
    pieces = until[week_of_day(world, day), product]
    return np.floor(REVIEWS_PER_PIECE * pieces).astype(np.int64)


def change_truth(world: World, search: Search, products: list[str]) -> list[dict[str, object]]:
    """The changes for `truth.json`.

    Args:
        world: The shop.
        search: Terms and changes.
        products: Ids of all products.
    """
    return [
        {
            "product_id": products[change.product],
            "day": str(world.setting.date_of(change.day)),
            "kind": change.kind,
            "factor_on_organic_clicks": change.factor,
            "terms": [of.term for of in search.terms if of.product == change.product],
        }
        for change in search.changes
    ]


def title_gaps(search: Search, products: list[str]) -> list[dict[str, str]]:
    """Terms that the title of the product they show does not hold, for `truth.json`."""
    of_category = {of.name: index for index, of in enumerate(CATEGORIES)}
    pairs = {search.pairs[of_category[name]][1] for name in NOT_IN_TITLE}
    return [
        {"term": term.term, "product_id": products[term.product]}
        for term in search.terms
        if not term.is_brand and term.buys > 0.1 and term.product in pairs
    ]
