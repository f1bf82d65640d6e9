"""Tables of where visitors come from, of the mechanisms that are on, and their truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from helpers.store.sample.advertising import Spend
from helpers.store.sample.block_tables import Columns, product_ids
from helpers.store.sample.budgets import budget_columns, budget_truth
from helpers.store.sample.creator_tables import creator_truth, live_columns, post_columns
from helpers.store.sample.listings import change_truth, listing_columns, title_gaps
from helpers.store.sample.peers import peer_columns, peer_truth
from helpers.store.sample.product_ads import product_ad_columns, product_ad_truth
from helpers.store.sample.search import make_search
from helpers.store.sample.search_days import (
    bid_term_columns,
    draw_bids,
    organic_term_columns,
    search_truth,
)
from helpers.store.sample.supply import Stock
from helpers.store.sample.totals import Totals
from helpers.store.sample.traffic import Traffic
from helpers.store.sample.visit_tables import session_columns
from helpers.store.sample.visits import VisitSample, draw_visits, visit_truth
from helpers.store.sample.world import World


def source_columns(
    world: World,
    totals: Totals,
    traffic: Traffic,
    spend: Spend,
    stock: Stock,
    sample: VisitSample,
) -> Iterator[tuple[str, Columns]]:
    """Tables and their rows: search, creators, visits, budgets and peers."""
    on = world.setting.mechanisms
    if on.search:
        search = make_search(world)
        yield "search_terms", organic_term_columns(world, search, totals, traffic)
        bids = draw_bids(world, search, spend)
        yield "search_terms", bid_term_columns(world, bids, totals, traffic)
        yield "listings", listing_columns(world, search, totals)
        for columns in product_ad_columns(world, totals, stock, spend, bids):
            yield "product_ads", columns
    if on.creators:
        yield "live_sessions", live_columns(world, totals, traffic, spend)
        yield "content_posts", post_columns(world, spend)
    if on.visits:
        yield "sessions", session_columns(world, draw_visits(world, sample, traffic))
    if on.response:
        budgets = budget_columns(world, totals, spend)
        if budgets is not None:
            yield "budgets", budgets
        yield "peers", peer_columns(world)


def source_sections(
    world: World,
    totals: Totals,
    traffic: Traffic,
    spend: Spend,
    stock: Stock,
    sample: VisitSample,
) -> dict[str, Any]:
    """Sections of the truth of the mechanisms that are on."""
    on, sections = world.setting.mechanisms, {}
    if on.search:
        search, ids = make_search(world), product_ids(np.arange(len(world.catalogue))).to_pylist()
        sections["search"] = search_truth(search, ids)
        sections["listings"] = {
            "changes": change_truth(world, search, ids),
            "not_in_title": title_gaps(search, ids),
        }
        sections["product_ads"] = product_ad_truth(world, totals, stock, ids)
    if on.creators:
        sections["creators"] = creator_truth(world, totals, traffic, spend)
    if on.visits:
        sections["visits"] = visit_truth(sample)
    if on.response:
        sections["budgets"] = budget_truth()
        sections["peers"] = peer_truth()
    return sections
