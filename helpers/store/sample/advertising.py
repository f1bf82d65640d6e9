"""Advertising: what each campaign costs, shows and claims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.channels import MATURE_DAYS, NAMES, attribute
from helpers.store.sample.streams import stream
from helpers.store.sample.totals import Totals
from helpers.store.sample.traffic import Traffic
from helpers.store.sample.world import World

FIRST_CAC_CNY = 45.0
LAST_YEAR_CAC_CNY = 118.5
CARE_SHARE_OF_SALES = 0.012


@dataclass(frozen=True)
class Campaign:
    """One campaign and its truth.

    Attributes:
        channel: Channel it works for.
        name: Its id.
        kind: What the money is for.
        share_first: Share of the spend for new customers on the first day.
        share: Share in the last year; of the spend on care where `kind` is `care`.
        rhythm: When it is booked: `daily`, `weekly`, `shows` (live days) or `monthly`.
        click_rate: Clicks per impression; 0 where none are counted.
    """

    channel: str
    name: str
    kind: str
    share_first: float
    share: float
    rhythm: str = "daily"
    click_rate: float = 0.0


CAMPAIGNS = (
    Campaign("organic_search", "title_and_review_agency", "agency", 0.05, 0.04, "monthly"),
    Campaign("recommendation", "new_customer_red_packet", "new_customer_coupon", 0.08, 0.06),
    Campaign("onsite_ads", "keywords_brand", "ads", 0.16, 0.09, click_rate=0.062),
    Campaign("onsite_ads", "keywords_generic", "ads", 0.40, 0.25, click_rate=0.037),
    Campaign("onsite_ads", "smart_display", "ads", 0.10, 0.16, click_rate=0.021),
    Campaign("social_ads", "feed_video", "ads", 0.05, 0.15, click_rate=0.014),
    Campaign("social_ads", "feed_lookalike", "ads", 0.0, 0.065, click_rate=0.011),
    Campaign("content", "kol_seeding", "content", 0.05, 0.075, "weekly", 0.019),
    Campaign("content", "koc_seeding", "content", 0.04, 0.03, "weekly", 0.024),
    Campaign("live", "host_slot_fee", "slot_fee", 0.01, 0.04, "shows"),
    Campaign("live", "live_boost", "ads", 0.01, 0.02, "shows", 0.03),
    Campaign("referral", "referral_reward", "new_customer_coupon", 0.03, 0.015),
    Campaign("affiliate", "affiliate_agency", "agency", 0.02, 0.015, "monthly"),
    Campaign("crm", "sms_care", "care", 0.5, 0.45, "weekly", 0.035),
    Campaign("crm", "member_gifts", "care", 0.5, 0.55, "monthly"),
)


@dataclass(frozen=True)
class Spend:
    """Spend by day and campaign, and what came of it.

    Attributes:
        cents: Money spent.
        impressions: Times shown.
        clicks: Clicks.
        attributed_cents: Sales that the channel claims for the campaign.
        expected_cents: Money spent without noise.
    """

    cents: np.ndarray
    impressions: np.ndarray
    clicks: np.ndarray
    attributed_cents: np.ndarray
    expected_cents: np.ndarray


def acquisition_cost(world: World) -> np.ndarray:
    """Planned spend per new customer by day, CNY: a line through the mean of the last year."""
    days = world.setting.days
    if not world.setting.mechanisms.growth or days <= MATURE_DAYS:
        return np.full(days, LAST_YEAR_CAC_CNY)
    slope = (LAST_YEAR_CAC_CNY - FIRST_CAC_CNY) / (days - MATURE_DAYS / 2)
    return FIRST_CAC_CNY + slope * np.arange(days)


def draw_spend(world: World, totals: Totals, traffic: Traffic) -> Spend:
    """Spend of every campaign; in proportion to expected new customers, or sales for care."""
    random = stream(world.setting.seed, "advertising")
    expected = np.stack([_expected_cny(world, totals, of) for of in CAMPAIGNS], axis=1)
    spent = expected.copy()
    if world.setting.mechanisms.process_noise:
        spent *= np.exp(random.normal(-0.005, 0.1, spent.shape))
    spent = np.stack(
        [_booked(world, spent[:, i], of.rhythm) for i, of in enumerate(CAMPAIGNS)], axis=1
    )
    clicks, impressions = _shown(random, traffic, expected)
    return Spend(
        cents=np.rint(spent * 100).astype(np.int64),
        impressions=impressions,
        clicks=clicks,
        attributed_cents=_claimed(random, totals, expected),
        expected_cents=expected * 100,
    )


def _expected_cny(world: World, totals: Totals, campaign: Campaign) -> np.ndarray:
    days = world.setting.days
    way = np.minimum(np.arange(days) / max(days - MATURE_DAYS, 1), 1)
    if not world.setting.mechanisms.growth:
        way = np.ones(days)
    care = campaign.kind == "care"
    rivals = [of for of in CAMPAIGNS if (of.kind == "care") == care]
    first = campaign.share_first / sum(of.share_first for of in rivals)
    last = campaign.share / sum(of.share for of in rivals)
    share = first + (last - first) * way
    new = world.channels.new_customers.sum(axis=1)
    if care:
        sales = (new + totals.returning) * world.setting.spend.mean_order_cny
        return share * sales * CARE_SHARE_OF_SALES
    return share * new * acquisition_cost(world)


def _booked(world: World, by_day: np.ndarray, rhythm: str) -> np.ndarray:
    """The same money on the days on which it is booked."""
    weekday, month = world.calendar.weekday, world.calendar.month
    is_booking = {
        "daily": np.ones(len(by_day), dtype=bool),
        "weekly": weekday == 2,
        "shows": np.isin(weekday, (1, 3, 5)),
        "monthly": np.append(True, np.diff(month) != 0),
    }[rhythm]
    is_booking = is_booking.copy()
    is_booking[0] = True
    days = np.flatnonzero(is_booking)
    booked = np.zeros(len(by_day))
    booked[days] = np.add.reduceat(by_day, days)
    return booked


def _shares_of_channel(expected: np.ndarray) -> np.ndarray:
    """Each campaign's part in its channel's spend of the day, among those that count clicks."""
    counted = expected * np.array([of.click_rate > 0 for of in CAMPAIGNS])
    channel = np.array([NAMES.index(of.channel) for of in CAMPAIGNS])
    whole = np.zeros((len(expected), len(NAMES)))
    np.add.at(whole.T, channel, counted.T)
    return counted / np.maximum(whole[:, channel], 1e-12)


def _shown(
    random: np.random.Generator, traffic: Traffic, expected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Clicks and impressions: most of a channel's visitors come by clicks, some click twice."""
    channel = [NAMES.index(of.channel) for of in CAMPAIGNS]
    visitors = traffic.visitors[:, channel] * _shares_of_channel(expected)
    clicks = random.poisson(visitors * np.exp(random.normal(0.08, 0.06, visitors.shape)))
    rate = np.array([of.click_rate or 1.0 for of in CAMPAIGNS])
    rate = rate * np.exp(random.normal(0, 0.08, clicks.shape))
    return clicks, clicks + random.poisson(clicks * (1 / rate - 1).clip(0))


def _claimed(random: np.random.Generator, totals: Totals, expected: np.ndarray) -> np.ndarray:
    channel = [NAMES.index(of.channel) for of in CAMPAIGNS]
    claim = attribute("claim")[channel] * np.exp(random.normal(0, 0.05, expected.shape))
    claimed = totals.paid_cents[:, channel] * _shares_of_channel(expected) * claim
    return np.rint(claimed).astype(np.int64)
