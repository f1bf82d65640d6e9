"""Rows of `live_sessions` and `content_posts`, and what social campaigns reach and stir.

Fees and boosts are those of `ad_spend`: by day they add up to what its campaigns cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from helpers.store.sample.advertising import CAMPAIGNS, Spend
from helpers.store.sample.arrow import money, times, words
from helpers.store.sample.block_tables import Columns, post_ids, show_ids
from helpers.store.sample.channels import NAMES
from helpers.store.sample.columns import allocate
from helpers.store.sample.creators import (
    CREATORS,
    HOSTS,
    Creator,
    Posts,
    make_posts,
    make_shows,
    spread_over_shows,
)
from helpers.store.sample.streams import stream
from helpers.store.sample.totals import Totals, week_of_day
from helpers.store.sample.traffic import Traffic
from helpers.store.sample.world import World

LIVE = NAMES.index("live")
SLOT_FEE, BOOST = "host_slot_fee", "live_boost"
SEEDING = {"kol": "kol_seeding", "koc": "koc_seeding"}
VIEWERS_PER_VISITOR, VIEWS_PER_VIEWER = 9.0, 1.32
OWN_POST_SHARE = 0.12
FREQUENCY = {
    # first day, last day: times shown per person and day
    "feed_video": (1.5, 2.4), "feed_lookalike": (1.6, 3.1), "kol_seeding": (1.15, 1.2),
    "koc_seeding": (1.1, 1.12), "live_boost": (1.25, 1.35),
}  # fmt: skip
ENGAGES = {
    "feed_video": 0.017, "feed_lookalike": 0.011, "kol_seeding": 0.043, "koc_seeding": 0.061,
    "live_boost": 0.034,
}  # fmt: skip


@dataclass(frozen=True)
class Exposure:
    """What campaigns reach and stir, by day and campaign.

    Attributes:
        reach: People reached, each once a day; -1 where not counted.
        engagements: Likes, saves, comments and shares; -1 where not counted.
        conversions: Orders that the channel claims.
    """

    reach: np.ndarray
    engagements: np.ndarray
    conversions: np.ndarray


def _campaign(name: str) -> int:
    return [of.name for of in CAMPAIGNS].index(name)


def book_hosts(world: World, spend: Spend) -> Spend:
    """The same slot fees of each week, by what its hosts cost; own staff cost none."""
    if not world.setting.mechanisms.creators:
        return spend
    shows, row = make_shows(world.setting), _campaign(SLOT_FEE)
    week = week_of_day(world, np.arange(world.setting.days))
    weekly = np.bincount(week, weights=spend.cents[:, row]).astype(np.int64)
    fee = np.array([of.fee for of in HOSTS])[shows.host]
    rows = np.flatnonzero(fee > 0)
    paid, group = np.unique(week[shows.day[rows]], return_inverse=True)
    booked = spend.cents[:, row].copy()
    booked[np.isin(week, paid)] = 0
    booked[shows.day[rows]] = allocate(weekly[paid], (fee[rows] * 1000).astype(np.int64), group)
    cents = spend.cents.copy()
    cents[:, row] = booked
    return replace(spend, cents=cents)


def live_columns(world: World, totals: Totals, traffic: Traffic, spend: Spend) -> Columns:
    """Table `live_sessions`."""
    random = stream(world.setting.seed, "live_sessions")
    shows = make_shows(world.setting)
    pull, engages = (np.array([getattr(of, name) for of in HOSTS]) for name in ("pull", "engages"))
    visitors = spread_over_shows(shows, traffic.visitors[:, LIVE].astype(float))
    buyers = spread_over_shows(shows, totals.buyers[:, LIVE].astype(float))
    clicks = np.rint(visitors * np.exp(random.normal(0.05, 0.05, len(visitors)))).astype(np.int64)
    noise = np.exp(random.normal(0, 0.18, len(visitors)))
    viewers = np.rint((visitors + 3 * buyers) * VIEWERS_PER_VISITOR * noise).astype(np.int64)
    again = np.rint(viewers * (VIEWS_PER_VIEWER - 1) * np.sqrt(pull[shows.host])).astype(np.int64)
    hours = random.uniform(2.5, 4.0, len(shows.day)) * 3600
    return {
        "live_session_id": show_ids(np.arange(len(shows.day))),
        "started_at": times(world.setting, shows.started),
        "ended_at": times(world.setting, shows.started + hours.astype(np.int64)),
        **_names(HOSTS, shows.host, "host"),
        "views": pa.array(viewers + random.poisson(again)),
        "viewers": pa.array(viewers),
        "engagements": pa.array(random.poisson(viewers * engages[shows.host])),
        "product_clicks": pa.array(np.minimum(clicks, viewers)),
        "slot_fee": money(spend.cents[shows.day, _campaign(SLOT_FEE)]),
        "boost_spend": money(spend.cents[shows.day, _campaign(BOOST)]),
    }


def post_columns(world: World, spend: Spend) -> Columns:
    """Table `content_posts`: a booking's money and views, shared among its posts."""
    random = stream(world.setting.seed, "content_posts")
    posts = make_posts(world.setting)
    kinds = np.array([of.kind for of in CREATORS])[posts.creator]
    engages = np.array([of.engages for of in CREATORS])[posts.creator]
    fee, views, clicks = (np.zeros(len(kinds), dtype=np.int64) for _ in range(3))
    for kind in ("kol", "koc", "own"):
        rows = np.flatnonzero(kinds == kind)
        whole = _of_bookings(world, posts, spend, kind)
        fee[rows], views[rows], clicks[rows] = _shared(random, posts, rows, *whole)
    stir = np.exp(random.normal(0, 0.2, len(kinds)))
    reach = views / random.uniform(1.12, 1.3, len(kinds))
    return {
        "content_post_id": post_ids(np.arange(len(kinds))),
        "published_at": times(world.setting, posts.published),
        **_names(CREATORS, posts.creator, "creator"),
        "channel": words(["content"], np.zeros(len(kinds), dtype=np.int64)),
        "views": pa.array(views),
        "reach": pa.array(np.rint(reach).astype(np.int64)),
        "engagements": pa.array(np.minimum(random.poisson(views * engages * stir), views)),
        "clicks": pa.array(np.minimum(clicks, views)),
        "fee": money(fee),
    }


def _of_bookings(
    world: World, posts: Posts, spend: Spend, kind: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cents, views and clicks of each booking's posts of a kind."""
    starts = np.unique(posts.booked)

    def summed(by_day: np.ndarray) -> np.ndarray:
        return np.add.reduceat(by_day, starts).astype(np.int64)

    if kind != "own":
        row = _campaign(SEEDING[kind])
        parts = (spend.cents, spend.impressions, spend.clicks)
        cents, views, clicks = (summed(of[:, row]) for of in parts)
        return cents, views, clicks
    rows = [_campaign(name) for name in SEEDING.values()]
    views, clicks = (
        summed(OWN_POST_SHARE * of[:, rows].sum(axis=1)) for of in (spend.impressions, spend.clicks)
    )
    return np.zeros(len(starts), dtype=np.int64), views, clicks


def _shared(
    random: np.random.Generator,
    posts: Posts,
    rows: np.ndarray,
    cents: np.ndarray,
    views: np.ndarray,
    clicks: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each post's part: of the money by price, of views and clicks by pull."""
    order = np.lexsort((rows, posts.booking[rows]))
    ordered = rows[order]
    creator, booking = posts.creator[ordered], posts.booking[ordered]
    fee = np.array([of.fee for of in CREATORS])[creator]
    price = np.maximum(fee, 0.1) * np.exp(random.normal(0, 0.08, len(order)))
    pull = np.array([of.pull for of in CREATORS])[creator] * posts.strength[ordered]
    seen = pull * np.exp(random.normal(0, 0.25, len(order)))
    found = []
    for whole, weight in ((cents, price), (views, seen), (clicks, pull)):
        part = np.empty(len(order), dtype=np.int64)
        part[order] = allocate(whole, np.maximum(weight * 10_000, 1).astype(np.int64), booking)
        found.append(part)
    return found[0], found[1], found[2]


def _names(people: tuple[Creator, ...], index: np.ndarray, role: str) -> Columns:
    return {
        role: words([of.name for of in people], index),
        f"{role}_zh": words([of.name_zh for of in people], index),
        f"{role}_kind": words([of.kind for of in people], index),
    }


def expose(world: World, totals: Totals, spend: Spend) -> Exposure | None:
    """Reach, engagements and claimed orders of campaigns; None where nobody counts them."""
    if not world.setting.mechanisms.creators:
        return None
    random = stream(world.setting.seed, "exposure")
    shape = spend.impressions.shape
    reach, engagements = np.full(shape, -1), np.full(shape, -1)
    way = np.arange(shape[0]) / max(shape[0] - 1, 1)
    for row, campaign in enumerate(CAMPAIGNS):
        if campaign.name in FREQUENCY:
            first, last = FREQUENCY[campaign.name]
            often = (first + (last - first) * way) * np.exp(random.normal(0, 0.05, shape[0]))
            seen = spend.impressions[:, row]
            reach[:, row] = np.rint(seen / np.maximum(often, 1))
            stirred = random.poisson(seen * ENGAGES[campaign.name])
            engagements[:, row] = np.minimum(stirred, seen)
    channel = [NAMES.index(of.channel) for of in CAMPAIGNS]
    orders, paid = totals.paid_orders[:, channel], totals.paid_cents[:, channel]
    conversions = spend.attributed_cents * orders / np.maximum(paid, 1)
    return Exposure(reach, engagements, np.round(conversions, 2))


def creator_truth(world: World, totals: Totals, traffic: Traffic, spend: Spend) -> dict[str, Any]:
    """Hosts and creators for `truth.json`: what a host's session costs and is expected to sell.

    Expected orders are those of the last 365 days (or the whole span), by pull and by the days
    between sessions.
    """
    shows, days = make_shows(world.setting), world.setting.days
    orders = spread_over_shows(shows, traffic.expected_buyers[:, LIVE])
    recent = shows.day >= days - 365
    hosts = []
    for row, host in enumerate(HOSTS):
        of = np.flatnonzero(recent & (shows.host == row))
        count = max(len(of), 1)
        hosts.append(
            {
                "host": host.name,
                "kind": host.kind,
                "pull": host.pull,
                "refund_factor": host.refunds,
                "sessions_last_year": len(of),
                "expected_orders_per_session": float(orders[of].sum() / count),
                "slot_fee_per_session": float(
                    spend.cents[shows.day[of], _campaign(SLOT_FEE)].sum() / count / 100
                ),
                "boost_per_session": float(
                    spend.cents[shows.day[of], _campaign(BOOST)].sum() / count / 100
                ),
            }
        )
    creators = [
        {"creator": of.name, "kind": of.kind, "pull": of.pull, "price": of.fee} for of in CREATORS
    ]
    often = {name: list(ends) for name, ends in FREQUENCY.items()}
    return {"hosts": hosts, "creators": creators, "frequency_first_last": often}
