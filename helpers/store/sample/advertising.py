"""Advertising: what each campaign costs, shows and claims.

Planned spend goes with the new customers that the channel plan has; a channel's budget multiplies
it. The money of a week of a campaign booked weekly or by shows is booked in that week.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.channels import MATURE_DAYS, NAMES, attribute
from helpers.store.sample.response import RESPONDING, week_of_days
from helpers.store.sample.streams import stream
from helpers.store.sample.totals import Totals
from helpers.store.sample.traffic import Traffic
from helpers.store.sample.world import World

FIRST_CAC_CNY = 45.0
LAST_YEAR_CAC_CNY = 117.5
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
    Campaign("social_ads", "feed_video", "ads", 0.05, 0.155, click_rate=0.014),
    Campaign("social_ads", "feed_lookalike", "ads", 0.0, 0.068, click_rate=0.011),
    Campaign("content", "kol_seeding", "content", 0.05, 0.062, "weekly", 0.019),
    Campaign("content", "koc_seeding", "content", 0.04, 0.024, "weekly", 0.024),
    Campaign("live", "host_slot_fee", "slot_fee", 0.01, 0.034, "shows"),
    Campaign("live", "live_boost", "ads", 0.01, 0.017, "shows", 0.03),
    Campaign("referral", "referral_reward", "new_customer_coupon", 0.03, 0.015),
    Campaign("affiliate", "affiliate_agency", "agency", 0.02, 0.015, "monthly"),
    Campaign("crm", "sms_care", "care", 0.5, 0.45, "weekly", 0.035),
    Campaign("crm", "member_gifts", "care", 0.5, 0.55, "monthly"),
)
CHANNEL = np.array([NAMES.index(of.channel) for of in CAMPAIGNS])
RESPONDS = np.array([of.channel in RESPONDING for of in CAMPAIGNS])
BOOKING_WEEKDAYS = {"weekly": (2,), "shows": (1, 3, 5)}


@dataclass(frozen=True)
class Spend:
    """Spend by day and campaign, and what came of it.

    Attributes:
        cents: Money spent.
        impressions: Times shown.
        clicks: Clicks.
        attributed_cents: Sales that the channel claims for the campaign.
        expected_cents: Money spent without noise, given the budgets.
        planned_cents: The same where every budget is as planned.
    """

    cents: np.ndarray
    impressions: np.ndarray
    clicks: np.ndarray
    attributed_cents: np.ndarray
    expected_cents: np.ndarray
    planned_cents: np.ndarray


def acquisition_cost(world: World) -> np.ndarray:
    """Planned spend per new customer by day, CNY: a line through the mean of the last year."""
    days = world.setting.days
    if not world.setting.mechanisms.growth or days <= MATURE_DAYS:
        return np.full(days, LAST_YEAR_CAC_CNY)
    slope = (LAST_YEAR_CAC_CNY - FIRST_CAC_CNY) / (days - MATURE_DAYS / 2)
    return FIRST_CAC_CNY + slope * np.arange(days)


def draw_spend(world: World, totals: Totals, traffic: Traffic) -> Spend:
    """Spend of every campaign; in proportion to planned new customers, or sales for care."""
    random = stream(world.setting.seed, "advertising")
    planned = np.stack([_planned_cny(world, totals, of) for of in CAMPAIGNS], axis=1)
    expected = planned * world.channels.spend_level[:, CHANNEL]
    spent = expected.copy()
    if world.setting.mechanisms.process_noise:
        spent *= np.exp(random.normal(-0.005, 0.1, spent.shape))
    if world.setting.mechanisms.response:
        spent = _as_budgeted(world, spent, expected)
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
        planned_cents=planned * 100,
    )


def _planned_cny(world: World, totals: Totals, campaign: Campaign) -> np.ndarray:
    days = world.setting.days
    way = np.minimum(np.arange(days) / max(days - MATURE_DAYS, 1), 1)
    if not world.setting.mechanisms.growth:
        way = np.ones(days)
    care = campaign.kind == "care"
    rivals = [of for of in CAMPAIGNS if (of.kind == "care") == care]
    first = campaign.share_first / sum(of.share_first for of in rivals)
    last = campaign.share / sum(of.share for of in rivals)
    share = first + (last - first) * way
    if care:
        buyers = world.channels.new_customers.sum(axis=1) + totals.returning
        return share * buyers * world.setting.spend.mean_order_cny * CARE_SHARE_OF_SALES
    return share * world.channels.planned_customers.sum(axis=1) * acquisition_cost(world)


def _as_budgeted(world: World, spent: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Spend whose weekly sums are the budget where customers follow it: noise moves days only."""
    starts = _week_starts(world)
    budget, drawn = (np.add.reduceat(of, starts, axis=0) for of in (expected, spent))
    scale = np.where(RESPONDS, budget / np.where(drawn > 0, drawn, 1), 1)
    return spent * scale[week_of_days(world.calendar)]


def _week_starts(world: World) -> np.ndarray:
    """First day of each week in the span."""
    return np.flatnonzero(np.diff(week_of_days(world.calendar), prepend=-1))


def _booked(world: World, by_day: np.ndarray, rhythm: str) -> np.ndarray:
    """The same money on the days on which it is booked."""
    if rhythm == "daily":
        return by_day
    if rhythm == "monthly":
        days = _latest(np.append(True, np.diff(world.calendar.month) != 0))
    else:
        days = _days_in_week(world, np.isin(world.calendar.weekday, BOOKING_WEEKDAYS[rhythm]))
    return np.bincount(days, weights=by_day, minlength=len(by_day))


def _latest(is_booking: np.ndarray) -> np.ndarray:
    """Latest booking day up to each day; -1 before the first."""
    return np.maximum.accumulate(np.where(is_booking, np.arange(len(is_booking)), -1))


def _days_in_week(world: World, is_booking: np.ndarray) -> np.ndarray:
    """Latest booking day of the week up to each day; before the week's first one, that one.

    A week without any, cut off by the span, is booked on its first day.
    """
    week, starts = week_of_days(world.calendar), _week_starts(world)
    beyond = len(is_booking)
    first = np.minimum.reduceat(np.where(is_booking, np.arange(beyond), beyond), starts)
    first = np.where(first < beyond, first, starts)
    latest = _latest(is_booking)
    return np.where(latest >= starts[week], latest, first[week])


def _shares_of_channel(expected: np.ndarray) -> np.ndarray:
    """Each campaign's part in its channel's spend of the day, among those that count clicks."""
    counted = expected * np.array([of.click_rate > 0 for of in CAMPAIGNS])
    whole = np.zeros((len(expected), len(NAMES)))
    np.add.at(whole.T, CHANNEL, counted.T)
    return counted / np.maximum(whole[:, CHANNEL], 1e-12)


def _shown(
    random: np.random.Generator, traffic: Traffic, expected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Clicks and impressions: most of a channel's visitors come by clicks, some click twice."""
    visitors = traffic.visitors[:, CHANNEL] * _shares_of_channel(expected)
    clicks = random.poisson(visitors * np.exp(random.normal(0.08, 0.06, visitors.shape)))
    rate = np.array([of.click_rate or 1.0 for of in CAMPAIGNS])
    rate = rate * np.exp(random.normal(0, 0.08, clicks.shape))
    return clicks, clicks + random.poisson(clicks * (1 / rate - 1).clip(0))


def _claimed(random: np.random.Generator, totals: Totals, expected: np.ndarray) -> np.ndarray:
    claim = attribute("claim")[CHANNEL] * np.exp(random.normal(0, 0.05, expected.shape))
    claimed = totals.paid_cents[:, CHANNEL] * _shares_of_channel(expected) * claim
    return np.rint(claimed).astype(np.int64)
