"""Channels: what share of the buyers each brings, and how many of its visitors buy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.calendar import Calendar
from helpers.store.sample.clock import Clock
from helpers.store.sample.response import RESPONDING, Budgets, make_budgets, week_of_days
from helpers.store.sample.settings import Setting

RUN_IN_DAYS = 365
FIRST_RATE = 0.45
YEARLY_GROWTH = 0.08
MATURE_DAYS = 365


@dataclass(frozen=True)
class Channel:
    """One channel and its truth.

    Attributes:
        name: Its id.
        new_share_first: Share of the first day's new customers.
        new_share: Share of the new customers of the last year.
        returning_share: Share of the purchases of returning customers.
        conversion: Buyers per visitor on a usual day.
        claim: Sales that the channel claims for each CNY that came through it.
        visits_again: Further visits of a visitor on the same day.
        order_commission: CPS or host commission as a share of what was sold.
    """

    name: str
    new_share_first: float
    new_share: float
    returning_share: float
    conversion: float
    visits_again: float
    claim: float = 1.0
    order_commission: float = 0.0


CHANNELS = (
    Channel("organic_search", 0.22, 0.165, 0.155, 0.02766, 0.27),
    Channel("direct", 0.08, 0.05, 0.28, 0.05177, 0.41),
    Channel("recommendation", 0.25, 0.20, 0.12, 0.01561, 0.19),
    Channel("onsite_ads", 0.25, 0.265, 0.10, 0.0247, 0.21, 1.22),
    Channel("social_ads", 0.06, 0.12, 0.03, 0.01195, 0.12, 1.35),
    Channel("content", 0.05, 0.07, 0.03, 0.01284, 0.23, 1.15),
    Channel("live", 0.02, 0.06, 0.04, 0.03952, 0.36, 1.08, 0.18),
    Channel("crm", 0.0, 0.0, 0.20, 0.07054, 0.33, 1.3),
    Channel("referral", 0.02, 0.03, 0.015, 0.04703, 0.25),
    Channel("affiliate", 0.05, 0.04, 0.03, 0.02826, 0.17, 1.1, 0.10),
)
NAMES = tuple(channel.name for channel in CHANNELS)
ORGANIC_SEARCH, DIRECT, CRM = (NAMES.index(name) for name in ("organic_search", "direct", "crm"))


@dataclass(frozen=True)
class ChannelPlan:
    """Expected buyers and true conversion of a shop's channels.

    Attributes:
        planned_customers: New customers by day and channel that its share and the season give it;
            spend is planned for them.
        new_customers: Expected new customers by day and channel, given the budgets.
        budgets: Spend over planned spend, and what it does.
        spend_level: Spend over planned spend by day and channel.
        returning_share: Share of returning purchases by channel.
        conversion: True buyers per visitor by day and channel.
    """

    planned_customers: np.ndarray
    new_customers: np.ndarray
    budgets: Budgets
    spend_level: np.ndarray
    returning_share: np.ndarray
    conversion: np.ndarray


def attribute(name: str) -> np.ndarray:
    """One attribute of all channels."""
    return np.array([getattr(channel, name) for channel in CHANNELS], dtype=float)


def make_channel_plan(
    setting: Setting, calendar: Calendar, clock: Clock, lost: np.ndarray
) -> ChannelPlan:
    """Who comes through which channel, and how many of them buy.

    Args:
        setting: Size and mechanisms.
        calendar: Events' factors on conversion.
        clock: Speed of demand by day, with what incidents took off.
        lost: Factor by day on buyers that incidents leave of the same visitors.
    """
    end, returning = attribute("new_share"), attribute("returning_share")
    if setting.mechanisms.growth:
        share = _shifting_shares(setting.days, attribute("new_share_first"), end)
        curve = growth_curve(setting.days)
    else:
        returning = (end + returning) / (end + returning).sum()
        share = np.tile(returning, (setting.days, 1))
        curve = np.ones(setting.days)
    weight = curve * clock.speed
    planned = setting.customers * (weight / weight.sum())[:, None] * share
    budgets = make_budgets(setting, calendar)
    brought, level = (
        _by_day(calendar, of_weeks) for of_weeks in (budgets.customers, budgets.levels)
    )
    conversion = (day_conversion(calendar, clock) * lost)[:, None] * attribute("conversion")
    return ChannelPlan(
        planned, planned * brought, budgets, level, returning / returning.sum(), conversion
    )


def _by_day(calendar: Calendar, of_weeks: np.ndarray) -> np.ndarray:
    """Factors of the responding channels by week as factors by day and channel, 1 for others."""
    found = np.ones((len(calendar.weekday), len(CHANNELS)))
    found[:, [NAMES.index(name) for name in RESPONDING]] = of_weeks[week_of_days(calendar)]
    return found


def day_conversion(calendar: Calendar, clock: Clock) -> np.ndarray:
    """Factor of a day on conversion; weighted by demand its harmonic mean is 1."""
    factor = calendar.conversion
    return factor * ((clock.speed / factor).sum() / clock.speed.sum())


def growth_curve(days: int) -> np.ndarray:
    """New customers a day relative to the end of the run-in: a ramp, then yearly growth."""
    day = np.arange(days)
    ramp = FIRST_RATE + (1 - FIRST_RATE) * np.minimum(day / RUN_IN_DAYS, 1)
    return ramp * (1 + YEARLY_GROWTH) ** (np.maximum(day - RUN_IN_DAYS, 0) / 365)


def _shifting_shares(days: int, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Shares by day and channel, moving in a line until the last year begins."""
    way = np.minimum(np.arange(days) / max(days - MATURE_DAYS, 1), 1)[:, None]
    share = (1 - way) * (first / first.sum()) + way * (last / last.sum())
    return share / share.sum(axis=1, keepdims=True)
