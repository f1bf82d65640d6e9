"""Messages to customers: a welcome series, birthdays, and campaigns before the large events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from helpers.store.sample.columns import DAY, NO_TIME, concatenate, take
from helpers.store.sample.engagement import ACTIVATION_DAYS, Activation
from helpers.store.sample.history import History
from helpers.store.sample.settings import Setting
from helpers.store.sample.world import World

WELCOME_DAYS = (2, 12)
CARE_SHARE = 0.2
KNOWN_DAYS = 365
LATER_OPENED_SHARES = (0.1, 0.4)
MEDIA = ("wechat", "email", "sms")
WECHAT, EMAIL, SMS = range(3)
COST_CENTS = (2, 3, 5)


@dataclass(frozen=True)
class ContactCampaign:
    """One campaign to customers whom the shop knows.

    Attributes:
        campaign: Its id.
        name: Its name.
        name_zh: Its name in Chinese.
        type: What kind of campaign it is.
        first: First day, counted from the start.
        last: Last day; -1 while it runs.
    """

    campaign: str
    name: str
    name_zh: str
    type: str
    first: int
    last: int = -1


@dataclass(frozen=True)
class Messages:
    """Messages of a block, one entry each; times in seconds from the start.

    Attributes:
        buyer: Row of the customer in the block.
        campaign: Index into the campaigns of the shop.
        medium: Index into `MEDIA`.
        sent: When it was sent.
        opened: When it was opened; `NO_TIME` for never.
        cost_cents: What it cost.
    """

    buyer: np.ndarray
    campaign: np.ndarray
    medium: np.ndarray
    sent: np.ndarray
    opened: np.ndarray
    cost_cents: np.ndarray


def contact_campaigns(setting: Setting) -> list[ContactCampaign]:
    """The campaigns of the welcome series, birthdays and large events, in that order."""
    found = [
        ContactCampaign("welcome", "Welcome series", "新客欢迎", "welcome", 0),
        ContactCampaign("birthday", "Birthday greetings", "生日关怀", "birthday", 0),
    ]
    for year in range(setting.starts_on.year, setting.ends_on.year + 1):
        for name, title, title_zh, first, last in (
            ("618", "618 preview", "618预热", date(year, 5, 26), date(year, 6, 1)),
            ("double_11", "Double 11 preview", "双11预热", date(year, 10, 21), date(year, 10, 31)),
        ):
            days = setting.day_of(first), setting.day_of(last)
            if 0 <= days[0] < setting.days:
                campaign = f"{name}_{year}"
                title_of_year = f"{title} {year}", f"{year}年{title_zh}"
                found.append(ContactCampaign(campaign, *title_of_year, "care", *days))
    return found


def draw_messages(
    world: World, random: np.random.Generator, history: History, activation: Activation
) -> Messages:
    """Messages of a block that are sent before the span ends."""
    parts = [_welcome(world, random, history, activation, step) for step in (0, 1)]
    parts.append(_birthdays(world, random, history, activation))
    for index, campaign in enumerate(contact_campaigns(world.setting)):
        if campaign.type == "care":
            parts.append(_care(world, random, history, activation, index, campaign))
    messages = concatenate(parts)
    messages = take(messages, messages.sent <= world.setting.last_second)
    return take(messages, np.argsort(messages.buyer, kind="stable"))


def _send_time(random: np.random.Generator, day: np.ndarray) -> np.ndarray:
    return day * DAY + random.integers(10 * 3600, 20 * 3600, len(day))


def _welcome(
    world: World,
    random: np.random.Generator,
    history: History,
    activation: Activation,
    step: int,
) -> Messages:
    """One message of the series; who opens it does so by the end of the 30 days."""
    first = history.first_day
    sent = _send_time(random, first + WELCOME_DAYS[step])
    day = activation.opened_day[step]
    late = np.where(
        day > sent // DAY,
        day * DAY + random.integers(7 * 3600, 23 * 3600, len(first)),
        np.minimum(sent + random.integers(60, 14_400, len(first)), (sent // DAY + 1) * DAY - 1),
    )
    return _messages(
        np.arange(len(first)), 0, (WECHAT, EMAIL)[step], sent, np.where(day >= 0, late, NO_TIME)
    )


def _birthdays(
    world: World, random: np.random.Generator, history: History, activation: Activation
) -> Messages:
    """A greeting each year to whom the shop has sold something in the year before."""
    customers, days = len(history.first_day), world.setting.days
    birthday = random.integers(0, 365, customers)
    years = np.arange(days // 365 + 1)
    day = (birthday[:, None] + 365 * years).ravel()
    buyer = np.repeat(np.arange(customers), len(years))
    return _later(random, history, activation, buyer, day, 1, SMS)


def _care(
    world: World,
    random: np.random.Generator,
    history: History,
    activation: Activation,
    index: int,
    campaign: ContactCampaign,
) -> Messages:
    """A message before an event to some of the customers of the year before."""
    buyer = np.flatnonzero(random.random(len(history.first_day)) < CARE_SHARE)
    day = np.full(len(buyer), campaign.first)
    return _later(random, history, activation, buyer, day, index, SMS)


def _later(
    random: np.random.Generator,
    history: History,
    activation: Activation,
    buyer: np.ndarray,
    day: np.ndarray,
    campaign: int,
    medium: int,
) -> Messages:
    """Messages on days, as far as the shop knows the customers; some are opened."""
    count, last = history.before(buyer, day)
    known = (count > 0) & (day - last <= KNOWN_DAYS)
    buyer, day = buyer[known], day[known]
    sent = _send_time(random, day)
    delay = np.clip(random.lognormal(9.0, 1.5, len(day)), 60, 10 * DAY).astype(np.int64)
    active = activation.is_active[buyer]
    opens = random.random(len(day)) < np.array(LATER_OPENED_SHARES)[active.astype(int)]
    early = (sent + delay) // DAY - history.first_day[buyer] <= ACTIVATION_DAYS
    opened = np.where(opens & (active | ~early), sent + delay, NO_TIME)
    return _messages(buyer, campaign, medium, sent, opened)


def _messages(
    buyer: np.ndarray, campaign: int, medium: int, sent: np.ndarray, opened: np.ndarray
) -> Messages:
    size = len(buyer)
    return Messages(
        buyer=buyer,
        campaign=np.full(size, campaign),
        medium=np.full(size, medium),
        sent=sent,
        opened=opened,
        cost_cents=np.full(size, COST_CENTS[medium]),
    )
