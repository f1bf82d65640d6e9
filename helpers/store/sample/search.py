"""Search: the terms by which people find the shop, and what moves them.

Of the day's visitors by organic search a true share comes by each listed term; others come by
terms that nobody lists. A term's share follows its demand, its category's season, its place among
the results and, from its day on, what a new title or page of the product it shows has done. A
better place is seen more often and clicked more often: clicks are in proportion to 1 / place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.materials import MATERIALS
from helpers.store.sample.names import CATEGORIES, Good
from helpers.store.sample.products import Catalogue
from helpers.store.sample.streams import stream
from helpers.store.sample.world import World

BRAND, BRAND_ZH = "Sample shop", "示例店铺"
NO_PRODUCT = -1
SEEN_POWER, CLICKED_POWER = 0.4, 0.6
SEASON_POWER = 0.15
MOST_LISTED = 0.9
TERM_NOISE, TERM_MEMORY = 0.06, 0.9
BRAND_CLICK_RATE, CLICK_RATE = 0.32, 0.11
PEOPLE = {"Women's Apparel": ("women's ", "女士"), "Men's Apparel": ("men's ", "男士")}
OCCASIONS = (
    ("wedding", "婚庆"), ("restaurant", "饭店用"), ("gift", "送礼"), ("dorm", "宿舍"),
    ("hotel", "酒店"), ("commuter", "通勤"), ("business", "商务"), ("maternity", "月子"),
    ("christmas", "圣诞"), ("student", "学生"),
)  # fmt: skip
NOT_IN_TITLE = ("Bedding", "Home Decor", "Loungewear", "Accessories")


@dataclass(frozen=True)
class Term:
    """One search term and its truth.

    Attributes:
        term: In English.
        term_zh: In Chinese.
        category: Index into `CATEGORIES`; -1 for none.
        product: The product shown; `NO_PRODUCT` for the shop itself.
        is_brand: Whether it names the shop.
        share: Share of the visitors by organic search, in the last year.
        place: Place among the results a year before the end.
        buys: Buyers per click relative to the channel's.
        growth: Yearly factor on its demand.
        place_growth: Factor on the place over the last year; above 1 it falls.
        bid: Share of the clicks of the keyword campaign that bids on it; 0 for no bid.
    """

    term: str
    term_zh: str
    category: int
    product: int
    is_brand: bool
    share: float
    place: float
    buys: float
    growth: float = 1.0
    place_growth: float = 1.0
    bid: float = 0.0


@dataclass(frozen=True)
class Change:
    """A new title or page of a product, and what it truly did.

    Attributes:
        product: The product.
        day: First day of the new state.
        kind: `title` or `page`.
        words: What the new title says more, in English and Chinese; empty where it says less.
        drops_terms: Whether the new title leaves out the terms that the product is found by.
        factor: True factor on clicks of the product's terms in organic search, from that day on.
    """

    product: int
    day: int
    kind: str
    words: tuple[str, str]
    drops_terms: bool
    factor: float


_CHANGES = (
    ("Kitchen & Dining", 0, 330, "title", ("dishwasher safe", "可入洗碗机"), False, 1.35),
    ("Storage", 0, 560, "page", ("", ""), False, 1.25),
    ("Women's Apparel", 0, 190, "title", ("slim fit", "修身显瘦"), False, 1.3),
    ("Men's Apparel", 0, 250, "title", ("", ""), True, 0.7),
    ("Bath", 0, 150, "page", ("", ""), False, 1.0),
    ("Home Decor", 0, 290, "title", ("nordic style", "北欧风"), False, 1.0),
    ("Kitchen & Dining", 1, 110, "title", ("new arrival", "新款"), False, 1.0),
    ("Storage", 1, 470, "title", ("foldable", "可折叠"), False, 1.0),
    ("Bath", 1, 90, "page", ("", ""), False, 1.25),
)
_HEAD = (
    # share, place, growth, place_growth, bid of: the kind of good, of what it is made, for whom
    ((0.030, 5.0, 1.05, 1.0, 0.08), (0.014, 3.2, 1.0, 1.9, 0.05), (0.007, 4.0, 1.1, 1.0, 0.0)),
    ((0.020, 4.5, 1.0, 1.0, 0.06), (0.011, 2.8, 1.0, 1.0, 0.04), (0.006, 5.5, 1.0, 1.0, 0.03)),
    ((0.022, 6.0, 1.1, 1.0, 0.05), (0.010, 3.5, 1.0, 1.0, 0.0), (0.006, 4.5, 1.0, 1.0, 0.0)),
    ((0.018, 4.2, 1.0, 1.0, 0.05), (0.010, 2.6, 1.0, 1.0, 0.0), (0.005, 5.0, 1.0, 1.0, 0.02)),
    ((0.016, 3.8, 1.0, 0.75, 0.04), (0.009, 2.4, 1.0, 1.0, 0.0), (0.005, 3.5, 1.0, 1.0, 0.0)),
    ((0.034, 7.5, 1.05, 1.0, 0.10), (0.015, 4.4, 1.0, 1.0, 0.05), (0.008, 6.5, 1.55, 1.0, 0.0)),
    ((0.022, 5.2, 1.0, 1.0, 0.07), (0.011, 3.4, 1.0, 1.0, 0.04), (0.006, 5.0, 1.0, 1.0, 0.0)),
    ((0.018, 4.0, 0.95, 2.2, 0.05), (0.009, 2.7, 1.0, 1.0, 0.0), (0.005, 4.2, 1.0, 1.0, 0.0)),
    ((0.015, 4.6, 1.4, 0.8, 0.04), (0.008, 3.0, 1.0, 1.0, 0.0), (0.005, 3.9, 1.0, 1.0, 0.0)),
    ((0.009, 5.0, 1.0, 1.0, 0.0), (0.006, 3.3, 1.0, 1.0, 0.0), (0.004, 4.8, 0.7, 1.0, 0.04)),
)
_BRAND = (
    ("", "", NO_PRODUCT, 0.045, 0.42), (" flagship store", "旗舰店", NO_PRODUCT, 0.022, 0.21),
    (" bedding", "床品", 0, 0.014, 0.12), (" kitchen", "餐厨", 1, 0.008, 0.06),
    (" women's apparel", "女装", 5, 0.010, 0.09), (" coupon", "优惠券", NO_PRODUCT, 0.006, 0.0),
)  # fmt: skip
_WASTE = (" second hand", "二手", 0.06), (" wholesale", "批发", 0.05)


@dataclass(frozen=True)
class Search:
    """The terms, and the changes of titles and pages.

    Attributes:
        terms: The terms.
        changes: The changes, by day.
        pairs: The two products of each category that people search for.
    """

    terms: tuple[Term, ...]
    changes: tuple[Change, ...]
    pairs: tuple[tuple[int, int], ...]


def make_search(world: World) -> Search:
    """Terms and changes of a shop; the same for the same shop whenever it is asked."""
    pairs = tuple(_pair(world, index) for index in range(len(CATEGORIES)))
    terms = [term for index, pair in enumerate(pairs) for term in _generic(world, index, pair)]
    for words, words_zh, place, share, bid in _BRAND:
        product = NO_PRODUCT if place == NO_PRODUCT else pairs[place][0]
        category = -1 if place == NO_PRODUCT else place
        terms.append(
            Term(f"{BRAND.lower()}{words}", f"{BRAND_ZH}{words_zh}", category, product, True,
                 share, 1.05, 2.6, 1.1, 1.0, bid)
        )  # fmt: skip
    days = world.setting.days
    changes = [
        Change(pairs[_index(category)][which], days - back, kind, words, drops, factor)
        for category, which, back, kind, words, drops, factor in _CHANGES
        if days - back > 60
    ]
    return Search(tuple(terms), tuple(sorted(changes, key=lambda of: of.day)), pairs)


def _index(category: str) -> int:
    return [of.name for of in CATEGORIES].index(category)


def good_of(catalogue: Catalogue, product: int) -> tuple[Good, str]:
    """What kind of good a product is, and what it is made of."""
    base = str(catalogue.name[product]).rsplit(", ", 1)[0]
    for good in CATEGORIES[catalogue.category[product]].goods:
        for material in good.materials:
            if base == f"{material} {good.name}":
                return good, material
    raise KeyError(f"no good of {CATEGORIES[catalogue.category[product]].name} is called {base}.")


def _pair(world: World, category: int) -> tuple[int, int]:
    """The most popular product of a category that lasts, and one of another kind."""
    catalogue = world.catalogue
    lasts = (catalogue.launched <= 0) & (catalogue.dropped >= world.setting.days)
    order = np.lexsort((-catalogue.popularity, ~lasts))
    rows = [int(row) for row in order if catalogue.category[row] == category]
    kind = good_of(catalogue, rows[0])[0]
    others = [row for row in rows[1:] if good_of(catalogue, row)[0] is not kind]
    return rows[0], (others or rows)[0]


def _generic(world: World, category: int, pair: tuple[int, int]) -> list[Term]:
    """What people search for in a category: a good, what it is made of, whom it is for."""
    people = PEOPLE.get(CATEGORIES[category].name, ("", ""))
    good, material = good_of(world.catalogue, pair[0])
    other, _ = good_of(world.catalogue, pair[1])
    occasion = OCCASIONS[category]
    texts = (
        (f"{people[0]}{good.name}", f"{people[1]}{good.name_zh}", pair[0], 0.75),
        (f"{material} {good.name}", f"{MATERIALS[material][0]}{good.name_zh}", pair[0], 1.05),
        (f"{occasion[0]} {other.name}", f"{occasion[1]}{other.name_zh}", pair[1], 0.95),
    )
    found = [
        Term(name.lower(), name_zh, category, product, False, share, place, buys, growth,
             place_growth, bid)
        for (name, name_zh, product, buys), (share, place, growth, place_growth, bid) in zip(
            texts, _HEAD[category], strict=True
        )
    ]  # fmt: skip
    if category < len(_WASTE):
        words, words_zh, bid = _WASTE[category]
        name, name_zh = f"{good.name.lower()}{words}", f"{good.name_zh}{words_zh}"
        found.append(Term(name, name_zh, category, pair[0], False, 0.002, 9.0, 0.02, 1.0, 1.0, bid))
    return found


def organic_clicks(world: World, search: Search) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of the visitors by organic search, place and clicks per view, by day and term."""
    days, terms = world.setting.days, search.terms
    year = (np.arange(days)[:, None] - (days - 365)) / 365
    place = np.array([of.place for of in terms]) * np.array(
        [of.place_growth for of in terms]
    ) ** np.clip(year, 0, 1)
    lift = np.ones((days, len(terms)))
    for change in search.changes:
        of = [row for row, term in enumerate(terms) if term.product == change.product]
        lift[change.day :, of] *= change.factor
    moved = place / np.array([of.place for of in terms])
    share = np.array([of.share for of in terms]) * season(world, terms)
    share = share * np.array([of.growth for of in terms]) ** np.clip(year, -2, 1)
    share = share * wandering(world, "terms", len(terms)) / moved * lift
    share *= np.minimum(MOST_LISTED / share.sum(axis=1, keepdims=True), 1)
    place = np.maximum(place / np.sqrt(lift), 1)
    brand = np.array([of.is_brand for of in terms])
    rate = np.where(brand, BRAND_CLICK_RATE, CLICK_RATE) * place**-CLICKED_POWER
    rate = np.minimum(rate * np.sqrt(lift), 0.9)
    return share, place, rate


def season(world: World, terms: tuple[Term, ...]) -> np.ndarray:
    """Factor of the categories' seasons by day and term; over all terms its mean is 1."""
    days = world.setting.days
    factor = np.ones((days, len(terms)))
    if not world.setting.mechanisms.seasons:
        return factor
    for row, term in enumerate(terms):
        if term.category >= 0:
            months = np.array(CATEGORIES[term.category].months)[world.calendar.month - 1]
            padded = np.pad(months, 15, mode="edge")
            smooth = np.convolve(padded, np.full(31, 1 / 31), mode="valid")
            factor[:, row] = smooth**SEASON_POWER
    weight = np.array([of.share for of in terms])
    return factor * weight.sum() / (factor @ weight)[:, None]


def wandering(world: World, part: str, series: int) -> np.ndarray:
    """Factors by day, mean 1, each day remembering the one before."""
    shape = (world.setting.days, series)
    if not world.setting.mechanisms.process_noise:
        return np.ones(shape)
    steps = stream(world.setting.seed, part).standard_normal(shape)
    steps[1:] *= np.sqrt(1 - TERM_MEMORY**2)
    for day in range(1, shape[0]):
        steps[day] += TERM_MEMORY * steps[day - 1]
    return np.exp(TERM_NOISE * steps - TERM_NOISE**2 / 2)
