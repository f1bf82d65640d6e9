"""Rows of `search_terms`: views, clicks and buyers by day and term.

Clicks are drawn out of the day's visitors, so that the listed terms never bring more than there
were, and a term that gains takes nothing from the other listed ones in expectation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from helpers.store.sample.advertising import CAMPAIGNS, Spend
from helpers.store.sample.arrow import dates, money, text, words
from helpers.store.sample.block_tables import Columns, product_ids
from helpers.store.sample.channels import NAMES, ORGANIC_SEARCH
from helpers.store.sample.search import (
    CLICK_RATE,
    NO_PRODUCT,
    Search,
    Term,
    organic_clicks,
    season,
    wandering,
)
from helpers.store.sample.streams import stream
from helpers.store.sample.totals import Totals
from helpers.store.sample.traffic import Traffic
from helpers.store.sample.world import World

MOST_DAYS = 1_461
BID_CHANNEL = "onsite_ads"
BRAND_CAMPAIGN, GENERIC_CAMPAIGN = "keywords_brand", "keywords_generic"
CAMPAIGN_NAMES = [campaign.name for campaign in CAMPAIGNS]
PLACE_NOISE = 0.06
SPENT_ON_TERMS = 0.97


def organic_term_columns(world: World, search: Search, totals: Totals, traffic: Traffic) -> Columns:
    """Rows of organic search: what the listed terms bring of its visitors and buyers."""
    random = stream(world.setting.seed, "organic_terms")
    share, place, rate = organic_clicks(world, search)
    visitors = traffic.visitors[:, ORGANIC_SEARCH]
    clicks = split_by_share(random, visitors, share)
    unseen = visitors[:, None] * share * (1 / rate - 1)
    buyers = totals.buyers[:, ORGANIC_SEARCH] - totals.fake_buyers[:, ORGANIC_SEARCH]
    return _columns(
        world, search.terms, "organic_search",
        impressions=clicks + random.poisson(unseen),
        clicks=clicks,
        place=np.maximum(place * np.exp(random.normal(0, PLACE_NOISE, place.shape)), 1),
        buyers=_buyers(random, search.terms, clicks, visitors, buyers),
        cents=None,
    )  # fmt: skip


@dataclass(frozen=True)
class Bids:
    """What the terms with a bid cost and bring, by day and term.

    Attributes:
        terms: The terms.
        clicks: Clicks.
        impressions: Times shown.
        cents: Money spent.
    """

    terms: tuple[Term, ...]
    clicks: np.ndarray
    impressions: np.ndarray
    cents: np.ndarray


def draw_bids(world: World, search: Search, spend: Spend) -> Bids:
    """Parts of the keyword campaigns' views, clicks and money."""
    random = stream(world.setting.seed, "bids")
    terms = tuple(term for term in search.terms if term.bid > 0)
    brand = np.array([term.is_brand for term in terms])
    share = np.array([term.bid for term in terms]) * season(world, terms)
    share = share * wandering(world, "bid_demand", len(terms))
    dear = np.where(brand, 1.0, np.array([term.place for term in terms]) ** 0.12)
    clicks, seen, cents = (np.zeros(share.shape, dtype=np.int64) for _ in range(3))
    for name, rows in ((BRAND_CAMPAIGN, brand), (GENERIC_CAMPAIGN, ~brand)):
        campaign = CAMPAIGN_NAMES.index(name)
        part = share[:, rows] * np.minimum(0.97 / share[:, rows].sum(axis=1, keepdims=True), 1)
        of_terms = split_by_share(random, spend.clicks[:, campaign], part)
        others = spend.clicks[:, campaign] - of_terms.sum(axis=1)
        weight = of_terms * dear[rows] * np.exp(random.normal(0, 0.05, of_terms.shape))
        whole = np.maximum(weight.sum(axis=1) + others, 1)
        money_of = SPENT_ON_TERMS * spend.cents[:, campaign] / whole
        clicks[:, rows], cents[:, rows] = of_terms, np.floor(weight * money_of[:, None])
        unclicked = spend.impressions[:, campaign] - spend.clicks[:, campaign]
        seen[:, rows] = of_terms + split_by_share(random, unclicked, part)
    return Bids(terms, clicks, seen, cents)


def bid_term_columns(world: World, bids: Bids, totals: Totals, traffic: Traffic) -> Columns:
    """Rows of the ads that bid on terms, with the channel's buyers who came by them."""
    random = stream(world.setting.seed, "bid_terms")
    channel = NAMES.index(BID_CHANNEL)
    visitors, buyers = traffic.visitors[:, channel], totals.buyers[:, channel]
    usual = np.where([term.is_brand for term in bids.terms], 1.1, 1.5)
    return _columns(
        world, bids.terms, BID_CHANNEL,
        impressions=bids.impressions,
        clicks=bids.clicks,
        place=usual * np.exp(np.abs(random.normal(0, 0.25, bids.clicks.shape))),
        buyers=_buyers(random, bids.terms, bids.clicks, visitors, buyers),
        cents=bids.cents,
    )  # fmt: skip


def split_by_share(random: np.random.Generator, whole: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Parts of each day's whole; what is left over is nobody's."""
    rest = np.maximum(1 - share.sum(axis=1, keepdims=True), 0)
    return random.multinomial(whole, np.concatenate([share, rest], axis=1))[:, :-1]


def _buyers(
    random: np.random.Generator,
    terms: tuple[Term, ...],
    clicks: np.ndarray,
    visitors: np.ndarray,
    buyers: np.ndarray,
) -> np.ndarray:
    """Buyers by term: parts of the channel's buyers, never more than the term's clicks."""
    weight = clicks * np.array([term.buys for term in terms])
    share = weight / np.maximum(np.maximum(visitors, weight.sum(axis=1) / 0.97), 1)[:, None]
    return np.minimum(split_by_share(random, buyers, share), clicks)


def _columns(
    world: World,
    terms: tuple[Term, ...],
    channel: str,
    *,
    impressions: np.ndarray,
    clicks: np.ndarray,
    place: np.ndarray,
    buyers: np.ndarray,
    cents: np.ndarray | None,
) -> Columns:
    product = np.array([term.product for term in terms])
    known = product != NO_PRODUCT
    launched = np.where(known, world.catalogue.launched[product], 0)
    dropped = np.where(known, world.catalogue.dropped[product], world.setting.days + 1)
    number = np.arange(world.setting.days)[:, None]
    shown = (impressions > 0) & (number >= max(world.setting.days - MOST_DAYS, 0))
    shown &= (number >= launched) & (number < dropped)
    day, row = np.nonzero(shown)
    ids = product_ids(np.maximum(product, 0)).to_pylist()
    names = [name if is_known else "" for name, is_known in zip(ids, known, strict=True)]
    columns = {
        "day": dates(world.setting, day),
        "channel": text(channel, len(day)),
        "term": words([term.term for term in terms], row),
        "term_zh": words([term.term_zh for term in terms], row),
        "product_id": words(names, row),
        "is_brand": pa.array(np.array([term.is_brand for term in terms])[row]),
        "impressions": pa.array(impressions[day, row]),
        "clicks": pa.array(clicks[day, row]),
        "position": pa.array(np.round(place[day, row], 1)),
        "buyers": pa.array(buyers[day, row]),
    }
    if cents is not None:
        columns["spend"] = money(cents[day, row])
    return columns


def search_truth(search: Search, products: list[str]) -> dict[str, object]:
    """Terms and changes for `truth.json`.

    Args:
        search: Terms and changes.
        products: Ids of all products.
    """
    return {
        "click_rate_at_place_1": CLICK_RATE,
        "clicks_fall_with_place_as": "1 / place",
        "terms": [
            {
                "term": term.term,
                "term_zh": term.term_zh,
                "product_id": products[term.product] if term.product != NO_PRODUCT else "",
                "is_brand": term.is_brand,
                "share_of_organic_visitors": term.share,
                "demand_yearly_factor": term.growth,
                "place_factor_last_year": term.place_growth,
                "buyers_per_click_relative": term.buys,
                "bid_share": term.bid,
            }
            for term in search.terms
        ],
    }
