"""Products: what the shop sells, from whom, since when, how popular it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.names import CATEGORIES, Category, Design, designs
from helpers.store.sample.settings import Setting
from helpers.store.sample.streams import choose, stream
from helpers.store.sample.suppliers import SUPPLIERS

LINES = ("basic", "fashion", "collection")
LINE_SHARES = np.array([0.5, 0.34, 0.16])
LINE_PRICE = np.array([0.72, 1.05, 2.1])
LINE_COST_SHARE = np.array([0.345, 0.315, 0.285])
LINE_REFUND = np.array([0.85, 1.15, 1.05])
LINE_DEMAND = np.array([0.8, 1.7, 1.0])
PRODUCTS_AT_FULL_SIZE = 720
FEWEST, MOST = 260, 2000
PRICE_POINTS_CNY = np.array([
    9.9, 12.9, 15.9, 19.9, 22.9, 25.9, 29.9, 35, 39, 45, 49, 55, 59.9, 65, 69, 75, 79, 85, 89, 95,
    99, 109, 119, 129, 139, 149, 159, 169, 179, 189, 199, 219, 239, 259, 279, 299, 319, 339, 359,
    379, 399, 429, 459, 499, 539, 579, 599, 659, 699, 759, 799, 859, 899, 999, 1099, 1199, 1299,
    1499, 1699,
])  # fmt: skip


@dataclass(frozen=True)
class Catalogue:
    """The shop's products, one entry each.

    Attributes:
        name: English name.
        name_zh: Chinese name.
        category: Index into `CATEGORIES`.
        line: Index into `LINES`.
        supplier: Index of the supplier.
        price_cny: List price at launch.
        cost_share: Landed cost as a share of the list price at launch.
        popularity: Weight among products of its price.
        refund_rate: True share of its lines that come back after shipment.
        weight_kg: Weight of a piece.
        launched: Day on which it goes on sale; at or below 0 from the beginning.
        dropped: Day from which it is sold no more.
    """

    name: np.ndarray
    name_zh: np.ndarray
    category: np.ndarray
    line: np.ndarray
    supplier: np.ndarray
    price_cny: np.ndarray
    cost_share: np.ndarray
    popularity: np.ndarray
    refund_rate: np.ndarray
    weight_kg: np.ndarray
    launched: np.ndarray
    dropped: np.ndarray

    def __len__(self) -> int:
        return len(self.category)


def half_months(setting: Setting) -> np.ndarray:
    """First days of the half-months: the first day, then every 1st and 16th."""
    dates = np.datetime64(setting.starts_on) + np.arange(setting.days)
    day_of_month = (dates - dates.astype("datetime64[M]")).astype(int) + 1
    return np.flatnonzero((day_of_month == 1) | (day_of_month == 16) | (dates == dates[0]))


def nearest_price_point(price_cny: np.ndarray) -> np.ndarray:
    """The price points that shops like, nearest on a ratio scale."""
    middles = np.sqrt(PRICE_POINTS_CNY[1:] * PRICE_POINTS_CNY[:-1])
    return PRICE_POINTS_CNY[np.searchsorted(middles, price_cny)]


def make_catalogue(setting: Setting) -> Catalogue:
    """The products of a shop; their number grows slowly with its size."""
    wanted = int(np.clip(PRODUCTS_AT_FULL_SIZE * setting.size**0.25, FEWEST, MOST))
    random = stream(setting.seed, "products")
    share = _of_category("share")
    counts = np.rint(share / share.sum() * wanted).astype(int)
    category = np.repeat(np.arange(len(CATEGORIES)), counts)
    chosen = [_draw_designs(random, of, n) for of, n in zip(CATEGORIES, counts, strict=True)]
    design = [one for part in chosen for one in part]
    count = len(design)
    line = choose(random, LINE_SHARES, count)
    factor = np.array([one.price for one in design]) * LINE_PRICE[line]
    price = _of_category("price_cny")[category] * factor * np.exp(random.normal(0, 0.15, count))
    launched, dropped = _life(random, setting, line)
    refund = _of_category("refund_rate")[category] * LINE_REFUND[line]
    return Catalogue(
        name=np.array([one.name for one in design], dtype=object),
        name_zh=np.array([one.name_zh for one in design], dtype=object),
        category=category,
        line=line,
        supplier=_suppliers(random, category),
        price_cny=nearest_price_point(price),
        cost_share=LINE_COST_SHARE[line] * np.exp(random.normal(0, 0.13, count)),
        popularity=_popularity(random, count) * LINE_DEMAND[line],
        refund_rate=np.minimum(refund * np.exp(random.normal(-0.05, 0.32, count)), 0.45),
        weight_kg=_of_category("weight_kg")[category] * np.exp(random.normal(0, 0.3, count)),
        launched=launched,
        dropped=dropped,
    )


def _of_category(attribute: str) -> np.ndarray:
    return np.array([getattr(category, attribute) for category in CATEGORIES], dtype=float)


def _draw_designs(random: np.random.Generator, category: Category, count: int) -> list[Design]:
    """Designs of a category in random order, none twice."""
    possible = designs(category)
    return [possible[index] for index in random.permutation(len(possible))[:count]]


def _suppliers(random: np.random.Generator, category: np.ndarray) -> np.ndarray:
    """A supplier of the product's category; some suppliers get more than others."""
    supplier = np.empty(len(category), dtype=int)
    for index in range(len(CATEGORIES)):
        candidates = [row for row, of in enumerate(SUPPLIERS) if index in of[2]]
        rows = np.flatnonzero(category == index)
        weights = 1 / (1 + np.arange(len(candidates)))
        supplier[rows] = np.array(candidates)[choose(random, weights, len(rows))]
    return supplier


def _popularity(random: np.random.Generator, count: int) -> np.ndarray:
    """Zipf-like weights in random order."""
    rank = random.permutation(count)
    return (rank + 7.0) ** -1.0 * np.exp(random.normal(0, 0.35, count))


def _life(
    random: np.random.Generator, setting: Setting, line: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Day of launch and day of leaving: half the range is there from the start; fashion goes."""
    count = len(line)
    starts = half_months(setting)
    later = random.random(count) < 0.5
    launched = np.where(later, starts[random.integers(0, len(starts), count)], 0)
    years = np.array([9.0, 2.2, 4.5])[line] * random.gamma(4.0, 0.25, count)
    dropped = launched + np.maximum(years * 365, 150).astype(int)
    epoch = np.searchsorted(starts, dropped)
    never = 10 * setting.days
    until = starts[np.minimum(epoch, len(starts) - 1)]
    return launched, np.where(epoch < len(starts), until, never)
