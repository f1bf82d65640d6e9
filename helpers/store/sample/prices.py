"""Prices: list price and landed cost of every product over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.calendar import Calendar
from helpers.store.sample.names import CATEGORIES
from helpers.store.sample.products import Catalogue, half_months, nearest_price_point
from helpers.store.sample.settings import Setting
from helpers.store.sample.streams import stream

YEARLY_COST_DRIFT = 0.022
MEAN_CHANGES_IN_SPAN = 2.0


@dataclass(frozen=True)
class Prices:
    """List prices and costs by half-month and product.

    Attributes:
        starts: First day of each half-month.
        list_cents: List price of a piece.
        cost_cny: Landed cost of a piece.
        is_new: Whether price or cost begin to hold in that half-month.
        is_sold: Whether the product is on sale.
    """

    starts: np.ndarray
    list_cents: np.ndarray
    cost_cny: np.ndarray
    is_new: np.ndarray
    is_sold: np.ndarray

    def epoch_of_day(self, day: np.ndarray) -> np.ndarray:
        """Half-month of a day."""
        return np.maximum(np.searchsorted(self.starts, day, side="right") - 1, 0)


def make_prices(setting: Setting, catalogue: Catalogue) -> Prices:
    """One to three changes of price over four years, and a cost that drifts upwards."""
    random = stream(setting.seed, "prices")
    starts = half_months(setting)
    shape = (len(starts), len(catalogue))
    launched = np.maximum(catalogue.launched, 0)
    is_sold = (starts[:, None] >= launched) & (starts[:, None] < catalogue.dropped)
    chance = MEAN_CHANGES_IN_SPAN / (setting.days / 15.2) * (setting.days / 1461)
    changes = (random.random(shape) < chance) & (starts[:, None] >= launched + 60)
    step = np.where(changes, random.normal(0.025, 0.07, shape), 0.0)
    list_cny = nearest_price_point(catalogue.price_cny * np.exp(np.cumsum(step, axis=0)))
    is_first = np.searchsorted(starts, launched)[None, :] == np.arange(len(starts))[:, None]
    cost_changes = changes | ((random.random(shape) < 0.02) & (starts[:, None] > launched))
    cost = _drifting_cost(random, setting, catalogue, starts, cost_changes)
    return Prices(
        starts, np.rint(list_cny * 100).astype(np.int64), cost, is_first | cost_changes, is_sold
    )


def _drifting_cost(
    random: np.random.Generator,
    setting: Setting,
    catalogue: Catalogue,
    starts: np.ndarray,
    changes: np.ndarray,
) -> np.ndarray:
    """Cost of a piece: renegotiated where `changes`, around a drift."""
    drift = np.exp(YEARLY_COST_DRIFT * (starts[:, None] - catalogue.launched) / 365)
    around = drift * np.exp(random.normal(0, 0.02, changes.shape))
    changes = changes.copy()
    changes[0] = True
    last_change = np.maximum.accumulate(
        np.where(changes, np.arange(len(starts))[:, None], 0), axis=0
    )
    held = np.take_along_axis(around, last_change, axis=0)
    return np.round(catalogue.price_cny * catalogue.cost_share * held, 4)


@dataclass(frozen=True)
class Assortment:
    """What can be put in a basket: products on sale by half-month, sorted by price.

    Entries of all half-months stand one after another. `key` rises over all of them.

    Attributes:
        key: Half-month x `SPREAD` + list price in cents.
        product: The product.
        list_cents: Its list price.
        reached: Popularity reached up to and with each entry.
        first: First entry of each half-month, and one past the last.
    """

    key: np.ndarray
    product: np.ndarray
    list_cents: np.ndarray
    reached: np.ndarray
    first: np.ndarray

    SPREAD = 10_000_000


def make_assortment(
    setting: Setting, calendar: Calendar, catalogue: Catalogue, prices: Prices
) -> Assortment:
    """Entries of every half-month with the popularity that products have in it."""
    epoch, product = np.nonzero(prices.is_sold)
    key = epoch * Assortment.SPREAD + prices.list_cents[epoch, product]
    order = np.lexsort((product, key))
    epoch, product = epoch[order], product[order]
    weight = catalogue.popularity[product] * _life_factor(catalogue, prices, epoch, product)
    if setting.mechanisms.seasons:
        months = np.array([category.months for category in CATEGORIES])
        weight *= months[catalogue.category[product], calendar.month[prices.starts[epoch]] - 1]
    return Assortment(
        key=key[order],
        product=product,
        list_cents=prices.list_cents[epoch, product],
        reached=np.cumsum(weight),
        first=np.searchsorted(epoch, np.arange(len(prices.starts) + 1)),
    )


def _life_factor(
    catalogue: Catalogue, prices: Prices, epoch: np.ndarray, product: np.ndarray
) -> np.ndarray:
    """New products rise over three months; fashion fades after its first year."""
    age = prices.starts[epoch] - catalogue.launched[product]
    from_start = catalogue.launched[product] <= 0
    rise = np.where(from_start, 1.0, 0.35 + 0.65 * np.minimum(age / 90, 1.0))
    fade = np.where(catalogue.line[product] == 1, 0.5 ** np.maximum((age - 365) / 450, 0), 1.0)
    return rise * np.maximum(fade, 0.08)
