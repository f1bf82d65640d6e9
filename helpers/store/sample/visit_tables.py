"""Rows of `sessions`: where each visit began and how far it came."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from helpers.store.sample.advertising import CAMPAIGNS
from helpers.store.sample.arrow import numbered, times, words
from helpers.store.sample.block_tables import Columns, customer_ids, order_ids, scrambled
from helpers.store.sample.channels import NAMES, attribute
from helpers.store.sample.streams import choose, stream
from helpers.store.sample.visits import (
    COMPLETES,
    DEVICES,
    LEAK_CHANNEL,
    LEAK_COMPLETES,
    LEAK_DEVICE,
    NO_ORDER,
    Visits,
)
from helpers.store.sample.world import World

BOUNCES = {
    "organic_search": 0.36, "direct": 0.30, "recommendation": 0.44, "onsite_ads": 0.42,
    "social_ads": 0.63, "content": 0.54, "live": 0.38, "crm": 0.28, "referral": 0.33,
    "affiliate": 0.47,
}  # fmt: skip
PAGES = ("product", "category", "home", "live", "content", "campaign")
LANDS = {
    "organic_search": (0.62, 0.30, 0.08, 0, 0, 0), "direct": (0.22, 0.08, 0.66, 0, 0, 0.04),
    "recommendation": (0.93, 0.07, 0, 0, 0, 0), "onsite_ads": (0.88, 0.08, 0, 0, 0, 0.04),
    "social_ads": (0.55, 0.02, 0.03, 0, 0, 0.40), "content": (0.58, 0, 0.07, 0, 0.35, 0),
    "live": (0.26, 0, 0, 0.74, 0, 0), "crm": (0.30, 0.06, 0.14, 0, 0, 0.50),
    "referral": (0.48, 0.02, 0.30, 0, 0, 0.20), "affiliate": (0.85, 0.05, 0.05, 0, 0, 0.05),
}  # fmt: skip
MEAN_MORE_PAGES = 3.4
SECONDS_A_PAGE = 26.0


def session_columns(world: World, visits: Visits) -> Columns:
    """Table `sessions`."""
    random = stream(world.setting.seed, "sessions")
    count = len(visits.person)
    orders = visits.order != NO_ORDER
    cart, checkout = _steps(random, visits)
    bounces = np.array([BOUNCES[name] for name in NAMES]) / (1 - _cart_rate())
    bounce = ~cart & (random.random(count) < bounces[visits.channel])
    more = random.geometric(1 / MEAN_MORE_PAGES, count) + cart + 2 * checkout + orders
    pages = np.where(bounce, 1, 1 + more)
    seconds = pages * SECONDS_A_PAGE * np.exp(random.normal(-0.18, 0.6, count))
    known = visits.account >= 0
    customers = customer_ids(world.setting, np.maximum(visits.account, 0))
    ids = order_ids(world.setting, visits.created, np.maximum(visits.order, 0))
    empty = pa.scalar(None, pa.string())
    return {
        "session_id": numbered("V", np.arange(count), 8),
        "visitor_id": numbered("U", scrambled(visits.person, 8), 8),
        "customer_id": pa.compute.if_else(pa.array(known), customers, empty),
        "started_at": times(world.setting, visits.started),
        "channel": words(NAMES, visits.channel),
        "campaign": _campaigns(random, visits),
        "device": words(DEVICES, visits.device),
        "landing_page": words(PAGES, _landing(random, visits)),
        "page_views": pa.array(pages),
        "duration_seconds": pa.array(np.where(bounce, seconds / 3, seconds).astype(np.int64)),
        "is_bounce": pa.array(bounce),
        "added_to_cart": pa.array(cart),
        "began_checkout": pa.array(checkout),
        "order_id": pa.compute.if_else(pa.array(orders), ids, empty),
    }


def _cart_rate() -> np.ndarray:
    """Visits with something put in the cart, by channel, among those without an order."""
    return np.clip(2.2 * attribute("conversion") + 0.012, 0, 0.3)


def _steps(random: np.random.Generator, visits: Visits) -> tuple[np.ndarray, np.ndarray]:
    """Whether something went to the cart, and whether the checkout began.

    For each order in a cell of channel and device as many checkouts break as make the planted share
    of them complete.
    """
    orders, size = visits.order != NO_ORDER, (len(NAMES), len(DEVICES))
    cell = visits.channel * len(DEVICES) + visits.device
    visited, ordered = (
        np.bincount(cell[rows], minlength=size[0] * size[1]).reshape(size)
        for rows in (np.full(len(cell), True), orders)
    )
    completes = np.full(size, COMPLETES)
    completes[NAMES.index(LEAK_CHANNEL), DEVICES.index(LEAK_DEVICE)] = LEAK_COMPLETES
    breaks = ordered * (1 / completes - 1) / np.maximum(visited - ordered, 1)
    checkout = orders | (random.random(len(cell)) < np.minimum(breaks, 0.9).ravel()[cell])
    wants = _cart_rate()[visits.channel]
    return checkout | (random.random(len(cell)) < wants), checkout


def _landing(random: np.random.Generator, visits: Visits) -> np.ndarray:
    """Kind of page that a visit began on, by channel."""
    reached = np.cumsum([LANDS[name] for name in NAMES], axis=1)
    drawn = random.random(len(visits.channel))[:, None]
    return (drawn >= reached[visits.channel, :-1]).sum(axis=1)


def _campaigns(random: np.random.Generator, visits: Visits) -> pa.Array:
    """Campaign that brought a visit, where its channel's campaigns count clicks."""
    index = np.full(len(visits.channel), -1)
    for channel, name in enumerate(NAMES):
        own = [row for row, of in enumerate(CAMPAIGNS) if of.channel == name and of.click_rate > 0]
        if own:
            rows = np.flatnonzero(visits.channel == channel)
            shares = np.array([CAMPAIGNS[row].share for row in own])
            index[rows] = np.array(own)[choose(random, shares, len(rows))]
    return words([of.name for of in CAMPAIGNS], np.maximum(index, 0), index < 0)
